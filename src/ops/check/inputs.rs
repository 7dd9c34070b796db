//! What a job renders from: whether it is still what was planned.

use crate::base::error::Failure;
use crate::base::rel_path::RelPath;
use crate::sys::disk::Kind;
use crate::volume::Volume;
use crate::volume::release_file::{DependencyRecord, JobRecord};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::ffi::{OsStr, OsString};

/// The kind of a library in a release's file.
const LIBRARY: &str = "library";

/// What is said of a file that is not there.
const GONE: &str = "it is gone";

/// An input that is not what it was when the job was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaleInput {
    /// The file, beneath the volume.
    pub path: RelPath,
    /// What is different, as a clause that begins with "it".
    pub cause: String,
}

/// Folders of more files than this are only listed: on a network a look at each of a long sequence would take too long.
const LOOKED_AT: usize = 32;

/// The inputs of a job that changed since it was planned: its own copies of the scene and of what it needs, and what is
/// used in place. Nothing is read.
pub fn stale_inputs(volume: &Volume, job: &JobRecord) -> Result<Vec<StaleInput>, Failure> {
    let mut stale = lost_inputs(volume, job)?;
    for input in job.current().dependencies.iter().filter(|input| input.in_place) {
        let Some(path) = &input.stored else { continue };
        let cause = changed(volume, input, path)?.filter(|_| !stale.iter().any(|lost| lost.path == *path));
        stale.extend(cause.map(|cause| StaleInput { path: path.clone(), cause }));
    }
    Ok(stale)
}

/// The inputs without which the job's frames come out wrong: copies that are gone or have another size, and what is used in
/// place and is gone.
pub fn lost_inputs(volume: &Volume, job: &JobRecord) -> Result<Vec<StaleInput>, Failure> {
    let revision = job.current();
    let mut folders: BTreeMap<RelPath, Vec<(&RelPath, Option<u64>)>> = BTreeMap::new();
    let scene = (&revision.store.path, Some(revision.store.size));
    let needs = revision.dependencies.iter().filter_map(|need| need.stored.as_ref().map(|path| (path, size_of(need))));
    for (path, size) in std::iter::once(scene).chain(needs) {
        let folder = path.split().map_or(RelPath::ROOT, |(folder, _)| folder);
        folders.entry(folder).or_default().push((path, size));
    }
    let mut lost = Vec::new();
    for (folder, files) in folders {
        for (path, cause) in differing(volume, &folder, &files)? {
            lost.push(StaleInput { path: path.clone(), cause });
        }
    }
    Ok(lost)
}

/// The size that a copy must have. That of a library depends on the paths that were rewritten in it, and what is used in
/// place may be saved again.
fn size_of(need: &DependencyRecord) -> Option<u64> {
    (!need.in_place && need.kind != LIBRARY).then_some(need.size)
}

/// Those of a folder's files that are gone or have another size than they must.
fn differing<'f>(
    volume: &Volume,
    folder: &RelPath,
    files: &[(&'f RelPath, Option<u64>)],
) -> Result<Vec<(&'f RelPath, String)>, Failure> {
    let mut found = Vec::new();
    if files.len() > LOOKED_AT {
        let listed = volume.dir(folder)?.map(|dir| dir.list()).transpose()?.unwrap_or_default();
        let names: HashSet<OsString> = listed.into_iter().map(|entry| entry.name).collect();
        let is_gone = |path: &RelPath| path.split().is_none_or(|(_, name)| !names.contains(OsStr::new(name)));
        found.extend(files.iter().filter(|(path, _)| is_gone(path)).map(|(path, _)| (*path, GONE.to_owned())));
        return Ok(found);
    }
    for (path, size) in files {
        let cause = match (volume.stat(path)?, size) {
            (None, _) => Some(GONE.to_owned()),
            (Some(now), Some(size)) if now.kind != Kind::Folder => difference(Some(now.size), *size),
            (Some(_), _) => None,
        };
        found.extend(cause.map(|cause| (*path, cause)));
    }
    Ok(found)
}

fn changed(volume: &Volume, input: &DependencyRecord, path: &RelPath) -> Result<Option<String>, Failure> {
    let now = volume.stat(path)?;
    if now.is_some_and(|now| now.kind == Kind::Folder) {
        // A folder's size and time say nothing about what is in it.
        return Ok(None);
    }
    let by_size = difference(now.map(|now| now.size), input.size);
    let by_time = now.zip(input.modified).filter(|(now, then)| now.mtime.0.as_second() != then.0.as_second());
    Ok(by_size.or_else(|| by_time.map(|(now, then)| format!("it was saved at {}, not at {then}", now.mtime))))
}

fn difference(now: Option<u64>, then: u64) -> Option<String> {
    match now {
        None => Some(GONE.to_owned()),
        Some(now) if now != then => Some(format!("it has {now} bytes instead of {then}")),
        Some(_) => None,
    }
}
