//! Reading frames: one pass over each file feeds the walk and, where wanted, the digest.
//!
//! Per file: open, fstat, read to the end, close; nothing else. Files are handed out round-robin over their folders, for
//! requests within one folder wait for each other on network file systems.

use crate::base::digest::{Digest, Hasher};
use crate::base::error::Failure;
use crate::frames::decode::{self, Undecoded};
use crate::frames::verdict::{Format, Verdict};
use crate::frames::walk::Walker;
use crate::ops::check::in_parallel::in_parallel;
use crate::ops::ports::{Ports, Stage};
use crate::sys::disk::{Attributes, Dir, DiskError, Kind, OpenFile};
use std::collections::HashMap;
use std::io::Read;

/// The piece in which files are read: large enough for few calls, small enough to stay in the cache of a core.
const PIECE: usize = 256 << 10;
/// The largest file that is decoded, in bytes; larger ones are walked only.
const MAX_DECODED: u64 = 2 << 30;

/// A file to be read.
#[derive(Debug, Clone)]
pub struct FileToRead {
    /// Its folder.
    pub dir: Dir,
    /// Its name there.
    pub name: String,
}

/// Whether the digest is wanted too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digesting {
    /// The walk alone.
    Walk,
    /// The digest alone: the file was walked when it was harvested.
    Digest,
    /// Both.
    WalkAndDigest,
}

/// What one file was found to be.
#[derive(Debug)]
pub enum Reading {
    /// A regular file, read to its end.
    File {
        /// What was known of it when it was opened.
        attributes: Attributes,
        /// The walk's verdict; unknown where no walk was wanted.
        verdict: Verdict,
        /// SHA-256, where wanted.
        digest: Option<Digest>,
    },
    /// There is no such name (any more).
    Gone,
    /// Something else than a regular file.
    Other(Kind),
    /// It could not be read.
    Failed(DiskError),
}

/// Reads all `files`; the results are in their order.
pub fn read_files(ports: &Ports<'_>, files: &[FileToRead], digesting: Digesting) -> Result<Vec<Reading>, Failure> {
    let order = round_robin(files);
    let buffer = || vec![0; PIECE];
    let read = |at: usize, buffer: &mut Vec<u8>| read_one(&files[at], digesting, buffer);
    let readings = in_parallel(ports, Stage::Frames, &order, buffer, read)?;
    let mut results: Vec<Option<Reading>> = std::iter::repeat_with(|| None).take(files.len()).collect();
    order.into_iter().zip(readings).for_each(|(at, reading)| results[at] = Some(reading));
    Ok(results.into_iter().flatten().collect())
}

/// Decodes `files` in full; `None` where that proved them. The formats come from the names.
pub fn decode_files(ports: &Ports<'_>, files: &[FileToRead]) -> Result<Vec<Option<Undecoded>>, Failure> {
    let order: Vec<usize> = (0..files.len()).collect();
    in_parallel(ports, Stage::Frames, &order, || (), |at, ()| decode_one(&files[at]))
}

/// One of each folder in turn.
fn round_robin(files: &[FileToRead]) -> Vec<usize> {
    let mut folders: Vec<Vec<usize>> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (at, file) in files.iter().enumerate() {
        let folder = *known.entry(file.dir.rel().as_str()).or_insert_with(|| {
            folders.push(Vec::new());
            folders.len() - 1
        });
        folders[folder].push(at);
    }
    let longest = folders.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest).flat_map(|turn| folders.iter().filter_map(move |folder| folder.get(turn).copied())).collect()
}

fn read_one(file: &FileToRead, digesting: Digesting, buffer: &mut [u8]) -> Reading {
    match file.dir.open_read(&file.name) {
        Ok(Some(open)) => read_open(open, extension(&file.name), digesting, buffer),
        Ok(None) => Reading::Gone,
        Err(error) => odd(error),
    }
}

/// What is no regular file is a finding, not a failure.
fn odd(error: DiskError) -> Reading {
    match error {
        DiskError::NotAFile { kind, .. } => Reading::Other(kind),
        DiskError::Link { .. } => Reading::Other(Kind::Link),
        other => Reading::Failed(other),
    }
}

fn read_open(mut open: OpenFile, extension: &str, digesting: Digesting, buffer: &mut [u8]) -> Reading {
    let attributes = *open.attributes();
    let mut walker = (digesting != Digesting::Digest).then(|| Walker::for_extension(extension));
    let mut hasher = (digesting != Digesting::Walk).then(Hasher::new);
    loop {
        match open.read(buffer) {
            Ok(0) => break,
            Ok(count) => {
                let piece = &buffer[..count];
                if let Some(walker) = &mut walker {
                    walker.feed(piece);
                }
                if let Some(hasher) = &mut hasher {
                    hasher.update(piece);
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(source) => return Reading::Failed(DiskError::Io { op: "read", path: open.path().to_owned(), source }),
        }
    }
    let unwalked = || Verdict::unknown("It was not walked.");
    let verdict = walker.map_or_else(unwalked, |walker| walker.finish(attributes.size));
    Reading::File { attributes, verdict, digest: hasher.map(Hasher::finish) }
}

fn decode_one(file: &FileToRead) -> Option<Undecoded> {
    let format = Format::of_extension(extension(&file.name))?;
    let unreadable = |cause: String| Some(Undecoded::Unknown(cause));
    match file.dir.read(&file.name, MAX_DECODED) {
        Ok(Some(bytes)) => decode::prove(&bytes, format).err(),
        Ok(None) => unreadable("The file went away while it was checked.".into()),
        Err(error) => unreadable(format!("It could not be decoded: {error}.")),
    }
}

/// The extension of a file's name, without its dot; empty without one.
pub fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}
