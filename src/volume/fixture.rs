//! A volume for tests, and the words of an imagined user.

use super::Volume;
use super::init::{InitRequest, Initialised, init};
use super::lock::{Lock, LockWait, Requester, Scope};
use super::marker::Purpose;
use super::refusal::VolumeError;
use crate::base::rel_path::RelPath;
use std::path::Path;
use tempfile::TempDir;

pub(super) fn try_init(path: &Path) -> Result<Initialised, VolumeError> {
    init(&InitRequest { path, name: Some("test"), purpose: Purpose::Testing, home: None })
}

pub(super) fn volume() -> (TempDir, Volume) {
    let temp = tempfile::tempdir().expect("temp");
    let volume = try_init(temp.path()).expect("init").volume;
    (temp, volume)
}

pub(super) fn ann() -> Requester {
    Requester { user: "ann".into(), command: "farm harvest release r1".into() }
}

pub(super) fn release(name: &str) -> Scope {
    Scope::Release(name.parse().expect("valid"))
}

pub(super) fn locked(volume: &Volume) -> Lock {
    Lock::acquire(volume, release("r1"), &ann(), LockWait::No, &mut |_| std::ops::ControlFlow::Continue(()))
        .expect("free")
}

pub(super) fn rel(path: &str) -> RelPath {
    RelPath::new(path).expect("path")
}

/// Writes a file at `path`, making the folders above it.
pub(super) fn plant(volume: &Volume, path: &str, bytes: &[u8]) {
    let path = rel(path);
    let (folder, name) = path.split().expect("a file has a name");
    volume.make_dir(&folder).expect("make").create(name, bytes).expect("create");
}
