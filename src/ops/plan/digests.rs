//! Digests of many files, on all threads: what the plan spends most of its time on.

use crate::base::digest::Digest;
use crate::base::error::Failure;
use crate::base::time::Timestamp;
use crate::ops::check::in_parallel::try_in_parallel;
use crate::ops::ports::{Ports, Stage};
use crate::sys::disk::{Attributes, DiskError};
use crate::sys::outside;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A file's digest and what it looked like while it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashed {
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// What the system said of it; a copy is refused if this has changed.
    pub attributes: Attributes,
}

impl Hashed {
    /// Bytes.
    pub fn size(&self) -> u64 {
        self.attributes.size
    }
    /// When it was saved.
    pub fn modified(&self) -> Timestamp {
        self.attributes.mtime
    }
}

/// Digests by path; a file is read once however often it is asked for.
pub type Digests = HashMap<PathBuf, Hashed>;

/// The digests of `paths`, each read once, `ports.actor.threads` at a time. Known ones whose file is unchanged are not read.
pub fn compute(ports: &Ports<'_>, paths: &[PathBuf], known: &Digests) -> Result<Digests, Failure> {
    let mut wanted: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    wanted.sort_unstable();
    wanted.dedup();
    ports.progress.begin(Stage::Digests, total(&wanted));
    let hashed = try_in_parallel(ports, &wanted, |path| {
        let hashed = one(path, known.get(*path))?;
        ports.progress.advance(hashed.size());
        Ok::<_, DiskError>(hashed)
    })?;
    Ok(wanted.into_iter().map(Path::to_path_buf).zip(hashed).collect())
}

fn total(paths: &[&Path]) -> u64 {
    paths.iter().filter_map(|path| outside::stat(path).ok().flatten()).map(|attributes| attributes.size).sum()
}

fn one(path: &Path, known: Option<&Hashed>) -> Result<Hashed, DiskError> {
    let file = outside::open(path)?.ok_or_else(|| DiskError::Io {
        op: "open",
        path: path.to_owned(),
        source: std::io::ErrorKind::NotFound.into(),
    })?;
    let attributes = *file.attributes();
    if let Some(known) = known.filter(|known| attributes.is_unchanged_since(&known.attributes)) {
        return Ok(*known);
    }
    let (digest, _) = file.digest()?;
    file.check_unchanged()?;
    Ok(Hashed { digest, attributes })
}
