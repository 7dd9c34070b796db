//! Reading frames: one pass over each file feeds the walk and, where wanted, the digest and the decoder.
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

/// What a file is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The walk alone.
    Walk,
    /// The digest alone: the file was walked when it was harvested.
    Digest,
    /// Both.
    WalkAndDigest,
    /// Both, and its pixels decoded if the walk found it whole.
    Proof,
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
        /// What decoding came to, where it was wanted and tried.
        decoded: Option<Result<(), Undecoded>>,
    },
    /// There is no such name (any more).
    Gone,
    /// Something else than a regular file.
    Other(Kind),
    /// It could not be read.
    Failed(DiskError),
}

/// Reads all `files`; each result comes with the index of its file, in no order.
pub fn read_files(ports: &Ports<'_>, files: &[(&FileToRead, Purpose)]) -> Result<Vec<(usize, Reading)>, Failure> {
    let order = round_robin(files);
    let buffer = || vec![0; PIECE];
    let read = |at: usize, buffer: &mut Vec<u8>| read_one(files[at].0, files[at].1, buffer);
    in_parallel(ports, Stage::Frames, &order, buffer, read)
}

/// Decodes `files` in full; `None` where that proved them. The formats come from the names. Each result comes with the
/// index of its file, in no order.
pub fn decode_files(ports: &Ports<'_>, files: &[&FileToRead]) -> Result<Vec<(usize, Option<Undecoded>)>, Failure> {
    let order: Vec<usize> = (0..files.len()).collect();
    in_parallel(ports, Stage::Frames, &order, || (), |at, ()| decode_one(files[at]))
}

/// One of each folder in turn.
fn round_robin(files: &[(&FileToRead, Purpose)]) -> Vec<usize> {
    let mut folders: Vec<Vec<usize>> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (at, (file, _)) in files.iter().enumerate() {
        let folder = *known.entry(file.dir.rel().as_str()).or_insert_with(|| {
            folders.push(Vec::new());
            folders.len() - 1
        });
        folders[folder].push(at);
    }
    let longest = folders.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest).flat_map(|turn| folders.iter().filter_map(move |folder| folder.get(turn).copied())).collect()
}

fn read_one(file: &FileToRead, purpose: Purpose, buffer: &mut [u8]) -> Reading {
    let extension = extension(&file.name);
    match file.dir.open_read(&file.name) {
        Ok(Some(mut open)) => read_open(&mut open, extension, purpose, buffer).unwrap_or_else(Reading::Failed),
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

fn read_open(open: &mut OpenFile, extension: &str, purpose: Purpose, buffer: &mut [u8]) -> Result<Reading, DiskError> {
    let attributes = *open.attributes();
    let format = Format::of_extension(extension);
    let mut ears = Ears::new(extension, purpose);
    match format {
        Some(format) if purpose == Purpose::Proof && attributes.size <= MAX_DECODED => {
            let bytes = open.read_all(MAX_DECODED)?;
            ears.hear(&bytes);
            let (verdict, digest) = ears.finish(attributes.size);
            let decoded = matches!(verdict, Verdict::Ok(_)).then(|| decode::prove(&bytes, format));
            Ok(Reading::File { attributes, verdict, digest, decoded })
        }
        _ => {
            in_pieces(open, buffer, |piece| ears.hear(piece))?;
            let (verdict, digest) = ears.finish(attributes.size);
            Ok(Reading::File { attributes, verdict, digest, decoded: None })
        }
    }
}

fn in_pieces(open: &mut OpenFile, buffer: &mut [u8], mut each: impl FnMut(&[u8])) -> Result<(), DiskError> {
    loop {
        match open.read(buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => each(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(source) => return Err(DiskError::Io { op: "read", path: open.path().to_owned(), source }),
        }
    }
}

/// Who listens to the bytes of a file as they come by.
struct Ears {
    walker: Option<Walker>,
    hasher: Option<Hasher>,
}

impl Ears {
    fn new(extension: &str, purpose: Purpose) -> Self {
        Ears {
            walker: (purpose != Purpose::Digest).then(|| Walker::for_extension(extension)),
            hasher: (purpose != Purpose::Walk).then(Hasher::new),
        }
    }

    fn hear(&mut self, piece: &[u8]) {
        if let Some(walker) = &mut self.walker {
            walker.feed(piece);
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(piece);
        }
    }

    fn finish(self, size: u64) -> (Verdict, Option<Digest>) {
        let unwalked = || Verdict::unknown("It was not walked.");
        (self.walker.map_or_else(unwalked, |walker| walker.finish(size)), self.hasher.map(Hasher::finish))
    }
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
