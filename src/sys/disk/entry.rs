//! What a folder holds and what the system knows of it.

use crate::base::time::Timestamp;
use rustix::fs::{FileType, Stat};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fmt;

/// The kind of a thing on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link; farm does not follow it.
    Link,
    /// A named pipe: opening it may wait for ever.
    Pipe,
    /// A socket.
    Socket,
    /// A block or character device.
    Device,
    /// Something else.
    Unknown,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::File => "a file",
            Kind::Folder => "a folder",
            Kind::Link => "a symbolic link",
            Kind::Pipe => "a named pipe",
            Kind::Socket => "a socket",
            Kind::Device => "a device",
            Kind::Unknown => "of an unknown kind",
        })
    }
}

impl From<FileType> for Kind {
    fn from(kind: FileType) -> Kind {
        match kind {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            FileType::Symlink => Kind::Link,
            FileType::Fifo => Kind::Pipe,
            FileType::Socket => Kind::Socket,
            FileType::BlockDevice | FileType::CharacterDevice => Kind::Device,
            _ => Kind::Unknown,
        }
    }
}

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The name, as the disk has it: any bytes.
    pub name: OsString,
    /// Its kind; a link is a link, whatever it leads to.
    pub kind: Kind,
}

/// What the system knows of a file without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    /// Its kind.
    pub kind: Kind,
    /// Bytes.
    pub size: u64,
    /// When its content last changed, as its owner says.
    pub mtime: Timestamp,
    /// When content, name count or permissions last changed; nobody can set it.
    pub ctime: Timestamp,
    /// Permission bits (without the kind).
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The device.
    pub dev: u64,
    /// Its number on the device.
    pub ino: u64,
    /// How many names it has.
    pub links: u64,
}

impl Attributes {
    /// The same for two paths exactly when they lead to the same file.
    pub fn identity(&self) -> (u64, u64) {
        (self.dev, self.ino)
    }

    /// Whether both are one file under any names.
    pub fn is_same_file(&self, other: &Attributes) -> bool {
        self.identity() == other.identity()
    }

    /// Whether this is the same file as `before` and nothing was written to it since.
    pub fn is_unchanged_since(&self, before: &Attributes) -> bool {
        self.is_same_file(before) && (self.size, self.mtime, self.ctime) == (before.size, before.mtime, before.ctime)
    }
}

impl From<&Stat> for Attributes {
    fn from(stat: &Stat) -> Attributes {
        Attributes {
            kind: FileType::from_raw_mode(stat.st_mode).into(),
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            mtime: timestamp(stat.st_mtime, stat.st_mtime_nsec),
            ctime: timestamp(stat.st_ctime, stat.st_ctime_nsec),
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            dev: stat.st_dev,
            ino: stat.st_ino,
            links: stat.st_nlink,
        }
    }
}

/// A year that jiff cannot hold becomes the nearest that it can: such times only ever mean "odd".
fn timestamp(seconds: i64, nanoseconds: u64) -> Timestamp {
    let nanoseconds = i32::try_from(nanoseconds).unwrap_or_default();
    jiff::Timestamp::new(seconds, nanoseconds).map_or_else(|_| Timestamp::from_unix(seconds), Timestamp)
}
