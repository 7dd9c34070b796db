//! System calls with the manners they all need: tried again after a signal, and their errors bear a path.

use super::error::DiskError;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// How names are resolved inside a volume: beneath the folder, through no link, on no other device.
const CONFINED: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_XDEV)
    .union(ResolveFlags::NO_MAGICLINKS);

/// The same, but the last step may enter another device: for `dist/` and `archives/` as mounts of their own.
const CONFINED_MOUNT: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// The kernel gives up resolving after a rename elsewhere (EAGAIN); that many times it is asked again.
const RESOLVE_TRIES: usize = 1000;

/// Whether the way to a file may enter another device.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Crossing {
    Refused,
    Mount,
}

/// Calls until no signal interrupts.
pub(super) fn retry<T>(call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    rustix::io::retry_on_intr(call)
}

/// Calls, and puts verb and path to an error. The path is only made when it is needed.
pub(super) fn call<T, P: Into<PathBuf>>(
    op: &'static str,
    path: impl FnOnce() -> P,
    f: impl FnMut() -> Result<T, Errno>,
) -> Result<T, DiskError> {
    retry(f).map_err(|errno| DiskError::Io { op, path: path().into(), source: errno.into() })
}

/// Puts verb and path to an error of the standard library.
pub(super) fn at<'a>(op: &'static str, path: &'a Path) -> impl Fn(io::Error) -> DiskError + 'a {
    move |source| DiskError::Io { op, path: path.to_owned(), source }
}

/// Opens `path` beneath `folder`, confined.
pub(super) fn open_beneath(
    folder: impl AsFd,
    path: &OsStr,
    flags: OFlags,
    mode: Mode,
    crossing: Crossing,
) -> Result<OwnedFd, Errno> {
    let resolve = if crossing == Crossing::Mount { CONFINED_MOUNT } else { CONFINED };
    let flags = flags | OFlags::CLOEXEC | OFlags::NOCTTY;
    let mut tries = 0;
    loop {
        match rustix::fs::openat2(folder.as_fd(), path, flags, mode, resolve) {
            Err(Errno::AGAIN | Errno::INTR) if tries < RESOLVE_TRIES => tries += 1,
            other => return other,
        }
    }
}
