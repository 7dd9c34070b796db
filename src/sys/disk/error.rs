//! What can go wrong with a file, always with its path.

use super::entry::Kind;
use crate::base::error::{Class, Explain};
use crate::base::size::Bytes;
use rustix::io::Errno;
use std::io;
use std::path::PathBuf;

/// A disk operation that did not work.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The system refused the call.
    #[error("cannot {op} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb.
        op: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Something bears the name already; it was left as it is.
    #[error("{} exists already", path.display())]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// Something else than a regular file bears the name.
    #[error("{} is {kind}, not a file", path.display())]
    NotAFile {
        /// What is there.
        path: PathBuf,
        /// Its kind.
        kind: Kind,
    },
    /// Something else than a folder is in the way.
    #[error("{} is {kind}, not a folder", path.display())]
    NotAFolder {
        /// What is there.
        path: PathBuf,
        /// Its kind.
        kind: Kind,
    },
    /// A symbolic link is in the way; it was not followed.
    #[error("{} is a symbolic link, which farm does not follow inside a volume", path.display())]
    Link {
        /// The path at or above which the link is.
        path: PathBuf,
    },
    /// The path leads to another device, or out of the root.
    #[error("{} is on another device than its volume", path.display())]
    OtherDevice {
        /// The path that crosses.
        path: PathBuf,
    },
    /// The text is no name of a file within a folder.
    #[error("{name:?} is not the name of a file in {}", folder.display())]
    Name {
        /// The text.
        name: String,
        /// Where it was to be.
        folder: PathBuf,
    },
    /// The file is larger than whoever reads it can use.
    #[error("{} is larger than {max}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        max: Bytes,
    },
    /// The file holds bytes that are no text.
    #[error("{} is not UTF-8 text", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// The file changed while it was read; what was made of it was thrown away.
    #[error("{} changed while it was being read", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// What was written reads back differently.
    #[error("{} reads back differently from what was written", path.display())]
    Differs {
        /// The copy.
        path: PathBuf,
    },
    /// The eraser accepts only trash, farm's temporary files and sources of verified copies.
    #[error("{} was not erased: {why}", path.display())]
    NotErasable {
        /// What was to be erased.
        path: PathBuf,
        /// Why not.
        why: &'static str,
    },
    /// The kernel cannot open files confined to a folder (`openat2`, Linux 5.6).
    #[error("cannot open {} safely: this system has no openat2", path.display())]
    NoConfinement {
        /// The path.
        path: PathBuf,
    },
}

impl DiskError {
    /// The system's error number, where the system refused.
    pub fn errno(&self) -> Option<i32> {
        match self {
            DiskError::Io { source, .. } => source.raw_os_error(),
            _ => None,
        }
    }

    /// Whether the thing was simply not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, DiskError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Whether the name was taken.
    pub fn is_exists(&self) -> bool {
        matches!(self, DiskError::Exists { .. })
    }

    /// Whether a device, a share or its space failed, so that going on with other files makes no sense.
    pub fn is_device_failure(&self) -> bool {
        let errno = self.errno().map(Errno::from_raw_os_error);
        matches!(errno, Some(Errno::NOSPC | Errno::DQUOT | Errno::ROFS | Errno::IO | Errno::STALE))
    }
}

/// Of the right kind, for the traits of `std::io`; the path stays in the words.
impl From<DiskError> for io::Error {
    fn from(error: DiskError) -> io::Error {
        match error {
            DiskError::Io { ref source, .. } => io::Error::new(source.kind(), error),
            DiskError::Exists { .. } => io::Error::new(io::ErrorKind::AlreadyExists, error),
            other => io::Error::other(other),
        }
    }
}

impl Explain for DiskError {
    fn class(&self) -> Class {
        match self {
            DiskError::Exists { .. } | DiskError::Link { .. } | DiskError::OtherDevice { .. } => Class::Refused,
            DiskError::NotErasable { .. } | DiskError::NotAFile { .. } | DiskError::NotAFolder { .. } => Class::Refused,
            DiskError::Name { .. } | DiskError::NotText { .. } => Class::Usage,
            _ => Class::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            DiskError::Io { source, .. } => return errno_hint(source),
            DiskError::Exists { .. } => "Move it away or choose another name.",
            DiskError::NotAFile { .. } | DiskError::NotAFolder { .. } => "Look at what is there and move it away.",
            DiskError::Link { .. } => "A symbolic link leads out of the volume: put the files themselves in its place.",
            DiskError::OtherDevice { .. } => "Only dist/ and archives/ may be mounts of their own.",
            DiskError::Changed { .. } => "Wait until nothing writes to it any more, then run the same command again.",
            DiskError::Differs { .. } => "The original is kept: check the disk and the network, then run it again.",
            DiskError::NotText { .. } => "Save it as UTF-8 text.",
            DiskError::NoConfinement { .. } => "Use Linux 5.6 or newer, and let the container or sandbox pass openat2.",
            DiskError::Name { .. } => "Give the file another name.",
            DiskError::TooLarge { .. } => "It is no file of farm's: look at what is there and move it away.",
            DiskError::NotErasable { .. } => {
                "Farm erases only what is its own: look at what is there and move it away by hand."
            }
        };
        Some(hint.to_owned())
    }
}

fn errno_hint(source: &io::Error) -> Option<String> {
    let hint = match Errno::from_io_error(source)? {
        Errno::NOSPC => {
            "The disk is full (`df` tells of its bytes, `df -i` of its files): free some space, then run the same command again."
        }
        Errno::DQUOT => "Your quota is used up: free some of your files or ask for more, then run it again.",
        Errno::ACCESS | Errno::PERM => "Check the owner and the permissions of the folder.",
        Errno::ROFS => "The file system is mounted read-only: mount it writable, then run the same command again.",
        Errno::STALE => {
            "The share was changed or exported anew on its server: mount it again, then repeat the command."
        }
        Errno::IO => "The disk or the share reports a failure: check its logs before going on.",
        Errno::MFILE | Errno::NFILE => "Too many files are open: raise the limit (ulimit -n).",
        Errno::NOENT => "Check the path.",
        _ => return None,
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_path_cause_and_next_step() {
        let full = io::Error::from(Errno::NOSPC);
        let error = DiskError::Io { op: "write", path: "/v/dist/a.png".into(), source: full };
        assert_eq!(error.to_string(), "cannot write /v/dist/a.png: No space left on device (os error 28)");
        assert!(error.hint().is_some_and(|h| h.contains("free some space")));
        assert!(error.is_device_failure());
        let wrapped = io::Error::from(error);
        assert_eq!(wrapped.kind(), io::ErrorKind::StorageFull);
        assert!(wrapped.to_string().contains("/v/dist/a.png"));
    }

    #[test]
    fn links_out_of_the_volume_are_refusals() {
        let error = DiskError::Link { path: "/v/releases/r1".into() };
        assert_eq!(error.class(), Class::Refused);
        assert!(error.hint().is_some_and(|h| h.contains("leads out of the volume")));
    }
}
