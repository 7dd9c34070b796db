//! Inputs that are rendered where they lie: whether they are still what was planned.

use crate::base::error::Failure;
use crate::base::rel_path::RelPath;
use crate::sys::disk::Kind;
use crate::volume::Volume;
use crate::volume::release_file::{DependencyRecord, JobRecord};
use serde::{Deserialize, Serialize};

/// An input that is not what it was when the job was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaleInput {
    /// The file, beneath the volume.
    pub path: RelPath,
    /// What is different, as a clause that begins with "it".
    pub cause: String,
}

/// The inputs of a job that changed since it was planned: its own copy of the scene, and what is used in place. One look
/// per file; nothing is read.
pub fn stale_inputs(volume: &Volume, job: &JobRecord) -> Result<Vec<StaleInput>, Failure> {
    let revision = job.current();
    let mut stale = Vec::new();
    let scene = volume.stat(&revision.store.path)?;
    stale.extend(
        difference(scene.map(|now| now.size), revision.store.size).map(|cause| (revision.store.path.clone(), cause)),
    );
    for input in revision.dependencies.iter().filter(|input| input.in_place) {
        let Some(path) = &input.stored else { continue };
        stale.extend(changed(volume, input, path)?.map(|cause| (path.clone(), cause)));
    }
    Ok(stale.into_iter().map(|(path, cause)| StaleInput { path, cause }).collect())
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
        None => Some("it is gone".to_owned()),
        Some(now) if now != then => Some(format!("it has {now} bytes instead of {then}")),
        Some(_) => None,
    }
}
