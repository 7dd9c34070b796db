//! Why a scene cannot be read or rewritten.

use super::container::Inflated;
use crate::base::error::{Class, Explain};
use crate::sys::disk::DiskError;
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

/// A scene that cannot be read or rewritten: which file, and why.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", path.display())]
pub struct BlendError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub cause: Cause,
}

/// What is wrong with a scene file.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The first bytes are not those of any Blender scene.
    #[error("not a Blender file")]
    NotBlender,
    /// It has no bytes at all.
    #[error("empty: the file has no bytes")]
    Empty,
    /// The file ends too early; holds what is missing.
    #[error("cut short: {0}")]
    Truncated(&'static str),
    /// The bytes contradict each other.
    #[error("damaged: {0}")]
    Damaged(String),
    /// Reading it would take more memory than farm gives to one scene.
    #[error("too large to read safely: {0}")]
    TooLarge(String),
    /// A new path does not fit where the old one is stored.
    #[error("{field}: the new path {path:?} has {length} bytes, the field holds {room}")]
    PathTooLong {
        /// Where it would be stored.
        field: String,
        /// The new path.
        path: String,
        /// Its length in bytes.
        length: usize,
        /// The longest path that fits, in bytes.
        room: usize,
    },
    /// Where a path was to be replaced, another one is stored by now.
    #[error("{field}: the file has changed since it was read")]
    Changed {
        /// Where the path was expected.
        field: String,
    },
    /// It cannot be opened or read.
    #[error("cannot read it: {0}")]
    Read(#[source] io::Error),
    /// The rewritten copy cannot be written.
    #[error("cannot write the copy: {0}")]
    Write(#[source] io::Error),
}

impl Cause {
    /// The same with the file it is about.
    pub fn of(self, path: &Path) -> BlendError {
        BlendError { path: path.to_owned(), cause: self }
    }

    /// Why it cannot be opened. The path is named by whoever says it.
    pub(super) fn of_disk(error: DiskError) -> Cause {
        Cause::Read(match error {
            DiskError::Io { source, .. } => source,
            DiskError::NotAFile { kind, .. } => io::Error::new(io::ErrorKind::InvalidInput, format!("it is {kind}")),
            other => other.into(),
        })
    }

    /// What a failed read means: an early end is a cut file, a failed decoder a damaged one, the rest is the disk.
    pub(super) fn of_read(error: io::Error) -> Cause {
        if is_early_end(&error) {
            return Cause::Truncated("its end is missing");
        }
        if let Some(inflated) = error.get_ref().and_then(|inner| inner.downcast_ref::<Inflated>()) {
            return Cause::TooLarge(inflated.to_string());
        }
        let error = match error.downcast::<DiskError>() {
            Ok(error) => return Cause::of_disk(error),
            Err(error) => error,
        };
        match error.kind() {
            io::ErrorKind::Other | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
                if error.raw_os_error().is_none() =>
            {
                Cause::Damaged(error.to_string())
            }
            _ => Cause::Read(error),
        }
    }
}

impl From<Inflated> for Cause {
    fn from(inflated: Inflated) -> Cause {
        Cause::TooLarge(inflated.to_string())
    }
}

/// Whether an early end of the file is anywhere among the causes; decoders wrap it.
fn is_early_end(error: &io::Error) -> bool {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return true;
    }
    let mut cause: Option<&(dyn Error + 'static)> = error.get_ref().map(|inner| inner as &(dyn Error + 'static));
    for _ in 0..16 {
        let Some(error) = cause else { return false };
        if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::UnexpectedEof) {
            return true;
        }
        cause = error.source();
    }
    false
}

impl Explain for BlendError {
    fn class(&self) -> Class {
        match &self.cause {
            Cause::Read(error) if error.kind() == io::ErrorKind::NotFound => Class::Usage,
            _ => Class::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match &self.cause {
            Cause::NotBlender => "Give a .blend file saved by Blender 2.80 or later, or a .rib file.".into(),
            Cause::Truncated(_) | Cause::Damaged(_) | Cause::Empty => {
                "Open it in Blender and save it again, or take its backup (.blend1).".into()
            }
            Cause::TooLarge(_) => "Open it in Blender, purge unused data and save it again.".into(),
            Cause::PathTooLong { .. } => "Shorten the name of the file, or pack it into the scene.".into(),
            Cause::Changed { .. } => "Run the same command again.".into(),
            Cause::Read(error) if error.kind() == io::ErrorKind::NotFound => "Check the spelling of the path.".into(),
            // Only `of_disk` makes one without a number of the system's: something that is no file.
            Cause::Read(error) if error.kind() == io::ErrorKind::InvalidInput && error.raw_os_error().is_none() => {
                "Give the path of a file: a .blend or a .rib.".into()
            }
            Cause::Read(_) => "Check that the file exists and that you may read it.".into(),
            Cause::Write(_) => "Check the free space and the permissions of the volume.".into(),
        })
    }
}
