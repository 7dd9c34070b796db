//! Room on a file system, its type, and whether it is mounted at all.

use super::call::call;
use super::dir::Dir;
use super::error::DiskError;
use std::path::{Path, PathBuf};

/// The room on the file system that holds a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes in all.
    pub total: u64,
    /// Bytes that this user may still fill.
    pub free: u64,
    /// Files that may still be made; `None` where the file system does not count them.
    pub free_files: Option<u64>,
    /// Whether it is mounted read-only.
    pub read_only: bool,
}

/// What a file system is, as far as farm cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileSystem {
    /// A Network File System.
    Nfs,
    /// A Windows share (SMB, CIFS).
    Smb,
    /// In user space: anything may lie behind it.
    Fuse,
    /// In memory: it does not survive a restart.
    Memory,
    /// On a disk of this machine.
    Local,
    /// Of a kind that farm does not tell apart. Holds the kernel's magic number.
    Other(u64),
}

impl FileSystem {
    /// Whether other machines write to it too.
    pub fn is_network(&self) -> bool {
        matches!(self, FileSystem::Nfs | FileSystem::Smb | FileSystem::Fuse)
    }
}

/// The room on the file system of `dir`.
pub fn space(dir: &Dir) -> Result<Space, DiskError> {
    let found = call("ask for free space at", || dir.path(), || rustix::fs::fstatvfs(dir))?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Ok(Space {
        total: bytes(found.f_blocks),
        free: bytes(found.f_bavail),
        free_files: (found.f_files > 0).then_some(found.f_favail),
        read_only: found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
    })
}

/// The kind of the file system of `dir` (numbers: statfs(2)).
pub fn file_system(dir: &Dir) -> Result<FileSystem, DiskError> {
    let magic = call("ask for the file system of", || dir.path(), || rustix::fs::fstatfs(dir))?.f_type as u64;
    Ok(match magic & 0xffff_ffff {
        0x6969 => FileSystem::Nfs,
        0xff53_4d42 | 0xfe53_4d42 | 0x517b => FileSystem::Smb,
        0x6573_5546 => FileSystem::Fuse,
        0x0102_1994 => FileSystem::Memory,
        // ext2 to ext4, XFS, Btrfs, ZFS, F2FS, bcachefs, overlay.
        0xef53 | 0x5846_5342 | 0x9123_683e | 0x2fc1_2fc1 | 0xf2f5_2010 | 0xca45_1a4e | 0x794c_7630 => FileSystem::Local,
        _ => FileSystem::Other(magic),
    })
}

/// The folder at or above `path` that `/etc/fstab` names as a mount point while nothing is mounted there: what lies
/// in it now vanishes when the share comes. `None` if all is mounted, or the system keeps no such tables.
pub fn missing_mount(path: &Path) -> Option<PathBuf> {
    let fstab = std::fs::read_to_string("/etc/fstab").ok()?;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    missing_mount_in(path, &fstab, &mounts)
}

fn missing_mount_in(path: &Path, fstab: &str, mounts: &str) -> Option<PathBuf> {
    let declared = fstab.lines().filter(|line| !line.trim_start().starts_with('#'));
    let declared: Vec<_> = declared.filter_map(|line| line.split_whitespace().nth(1)).map(unescape).collect();
    let mounted: Vec<_> = mounts.lines().filter_map(|line| line.split(' ').nth(4)).map(unescape).collect();
    let missing = |folder: &&Path| declared.iter().any(|d| d == folder) && !mounted.iter().any(|m| m == folder);
    path.ancestors().find(missing).map(Path::to_owned)
}

/// Both tables write spaces, tabs, newlines and backslashes as three octal digits: `\040`.
fn unescape(text: &str) -> PathBuf {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        plain.push(code.map_or('\\', char::from));
        rest = if code.is_some() { &after[3..] } else { after };
    }
    plain.push_str(rest);
    PathBuf::from(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_and_a_kind() {
        let temp = tempfile::tempdir().expect("temp");
        let dir = Dir::open_root(temp.path()).expect("open");
        let space = space(&dir).expect("statvfs");
        assert!(space.total > 0 && space.free <= space.total && !space.read_only);
        assert!(!file_system(&dir).expect("statfs").is_network());
        if let Ok(memory) = Dir::open_root(Path::new("/dev/shm")) {
            assert_eq!(file_system(&memory).expect("statfs"), FileSystem::Memory);
        }
    }

    #[test]
    fn a_share_that_is_not_mounted_is_noticed() {
        let fstab =
            "# nas:/x /commented nfs\nnas:/farm /mnt/farm nfs defaults 0 0\nnas:/b /mnt/two\\040words nfs d 0 0\n";
        let mounts = "24 1 8:1 / / rw - ext4 /dev/sda1 rw\n25 24 0:40 / /mnt/two\\040words rw - nfs4 nas:/b rw\n";
        let missing = |path: &str| missing_mount_in(Path::new(path), fstab, mounts);
        assert_eq!(missing("/mnt/farm/volume"), Some("/mnt/farm".into()));
        assert_eq!(missing("/mnt/farm"), Some("/mnt/farm".into()));
        assert_eq!(missing("/mnt/two words/x"), None);
        assert_eq!(missing("/mnt/farmland"), None);
        assert_eq!(missing("/commented"), None);
    }

    proptest::proptest! {
        #[test]
        fn tables_of_any_text_are_read(text in ".*") {
            missing_mount_in(Path::new("/a/b"), &text, &text);
            unescape(&text);
        }
    }
}
