//! Writing whole files: new or in place of an old one, never half.

use super::call::at;
use super::dir::Dir;
use super::error::DiskError;
use super::part::{PartFile, Target, Temporary, Written};
use std::ffi::OsStr;
use std::io::Write;

impl Dir {
    /// Writes `bytes` as `name`, in place of what is there.
    pub fn write(&self, name: impl AsRef<OsStr>, bytes: &[u8]) -> Result<(), DiskError> {
        self.write_bytes(name.as_ref(), bytes, Target::Replace)
    }

    /// Writes `bytes` as `name`; fails with [`DiskError::Exists`] if the name is taken.
    pub fn create(&self, name: impl AsRef<OsStr>, bytes: &[u8]) -> Result<(), DiskError> {
        self.write_bytes(name.as_ref(), bytes, Target::New)
    }

    /// Writes as `name` what `fill` produces. If it fails, nothing of that name has changed.
    pub fn write_with<E: From<DiskError>>(
        &self,
        name: impl AsRef<OsStr>,
        target: Target,
        fill: impl FnOnce(&mut PartFile) -> Result<(), E>,
    ) -> Result<Written, E> {
        let mut part = self.new_file(name)?;
        fill(&mut part)?;
        Ok(part.finish(target)?)
    }

    fn write_bytes(&self, name: &OsStr, bytes: &[u8], target: Target) -> Result<(), DiskError> {
        let name = self.checked(name)?;
        let (temporary, mut file) = Temporary::create(self, name)?;
        file.write_all(bytes).map_err(at("write", &self.path_of(name)))?;
        temporary.publish(&file, name, target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;
    use crate::base::rel_path::RelPath;
    use std::os::unix::fs::symlink;

    fn names(dir: &Dir) -> Vec<String> {
        dir.list().expect("list").into_iter().map(|entry| entry.name.into_string().expect("utf-8")).collect()
    }

    #[test]
    fn files_are_written_whole_or_not_at_all() {
        let temp = tempfile::tempdir().expect("temp");
        let root = Dir::open_root(temp.path()).expect("open");
        root.create("a", b"one").expect("create");
        assert!(root.create("a", b"two").expect_err("taken").is_exists());
        assert_eq!(root.read("a", 9).expect("read").as_deref(), Some(&b"one"[..]));
        root.write("a", b"two").expect("replace");
        assert_eq!(root.read("a", 9).expect("read").as_deref(), Some(&b"two"[..]));
        let broken = root.write_with("a", Target::Replace, |part| {
            part.write_all(&[0; 1 << 20]).expect("write");
            Err(DiskError::Changed { path: "source".into() })
        });
        assert!(broken.is_err());
        assert_eq!(root.read("a", 9).expect("read").as_deref(), Some(&b"two"[..]));
        assert_eq!(names(&root), ["a"], "no temporary is left");
    }

    #[test]
    fn what_was_filled_in_is_told_by_its_digest() {
        let temp = tempfile::tempdir().expect("temp");
        let root = Dir::open_root(temp.path()).expect("open");
        let fill = |part: &mut PartFile| part.write_all(b"one").map_err(at("write", temp.path()));
        let written = root.write_with("a", Target::New, fill).expect("write");
        assert_eq!(written, Written { digest: Digest::of(b"one"), bytes: 3 });
        assert_eq!(root.read("a", 9).expect("read").as_deref(), Some(&b"one"[..]));
    }

    #[test]
    fn a_link_under_the_name_is_replaced_and_not_followed() {
        let temp = tempfile::tempdir().expect("temp");
        let outside = tempfile::tempdir().expect("temp");
        let target = outside.path().join("precious");
        std::fs::write(&target, b"precious").expect("temp");
        symlink(&target, temp.path().join("a")).expect("temp");
        let root = Dir::open_root(temp.path()).expect("open");
        assert!(root.create("a", b"x").expect_err("taken").is_exists());
        root.write("a", b"x").expect("replace the link itself");
        assert_eq!(std::fs::read(&target).expect("read"), b"precious");
        assert_eq!(root.read("a", 9).expect("read").as_deref(), Some(&b"x"[..]));
    }

    #[test]
    fn folders_are_made_beneath_and_links_stop_it() {
        let temp = tempfile::tempdir().expect("temp");
        let outside = tempfile::tempdir().expect("temp");
        let root = Dir::open_root(temp.path()).expect("open");
        let rel = |text| RelPath::new(text).expect("path");
        let made = root.make_dir(&rel("a/b/c")).expect("make");
        assert_eq!(made.rel(), &rel("a/b/c"));
        assert_eq!(made.path(), temp.path().join("a/b/c"));
        root.make_dir(&rel("a/b/c")).expect("again");
        symlink(outside.path(), temp.path().join("a/out")).expect("temp");
        for path in ["a/out", "a/out/deep", "a/out/deep/deeper"] {
            let error = root.make_dir(&rel(path)).expect_err("a link is in the way");
            assert!(matches!(&error, DiskError::Link { path } if path.ends_with("a/out")), "{error}");
            assert!(matches!(root.dir(&rel(path)), Err(DiskError::Link { .. })));
        }
        root.create("file", b"").expect("create");
        assert!(matches!(root.make_dir(&rel("file/x")), Err(DiskError::NotAFolder { .. })));
        assert!(std::fs::read_dir(outside.path()).expect("list").next().is_none(), "nothing was made outside");
        assert!(root.dir(&rel("no/such")).expect("no error").is_none());
    }

    #[test]
    fn shared_folders_stay_shared() {
        use std::os::unix::fs::PermissionsExt;
        let temp = tempfile::tempdir().expect("temp");
        std::fs::set_permissions(temp.path(), std::fs::Permissions::from_mode(0o2775)).expect("temp");
        let root = Dir::open_root(temp.path()).expect("open");
        let made = root.make_dir(&RelPath::new("a/b").expect("path")).expect("make");
        assert_eq!(made.attributes().expect("stat").mode & 0o2020, 0o2020);
    }

    #[test]
    fn long_names_work() {
        let temp = tempfile::tempdir().expect("temp");
        let root = Dir::open_root(temp.path()).expect("open");
        let name = "x".repeat(255);
        root.create(&name, b"1").expect("create");
        assert_eq!(names(&root), [name]);
    }
}
