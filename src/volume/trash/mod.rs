//! Trash: where deletion goes first, on the same device, with a record and a time to be held.
//!
//! `.farm/trash/<id>/tree/…` mirrors the paths that things had (a mounted `dist/` or `archives/` has its own trash in
//! `.farm-trash/`). `record.jsonl` beside it says what came from where and why; a line is on disk before its thing
//! moves. Moving is a rename, also of whole folders, so bytes, modes and times are kept.

/// Days for which trash is held before cleanup may free it.
pub const HOLD_DAYS: u32 = 7;

mod error;
mod list;
mod purge;
mod put;
mod record;
mod restore;

pub use error::TrashError;
pub use list::{Listing, TrashedTransaction, list, parts_of};
pub use purge::{PurgeReport, check_owners, purge, purge_expired};
pub use put::{Discard, PutReport, Trash};
pub use record::Item;
pub use restore::{Restored, restorable, restore};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::{Class, Explain};
    use crate::base::ids::TransactionId;
    use crate::base::time::Timestamp;
    use crate::sys::clock;
    use crate::volume::Volume;
    use crate::volume::fixture::{locked, plant, rel, volume};
    use crate::volume::lock::Lock;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::path::Path;

    fn discard(path: &str) -> Discard {
        Discard { path: rel(path), reason: "it is broken".into() }
    }

    fn put(volume: &Volume, lock: &Lock, id: TransactionId, paths: &[&str]) -> Result<PutReport, TrashError> {
        let mut trash = Trash::begin(volume, lock, id, clock::now(), 7);
        let discards: Vec<_> = paths.iter().map(|path| discard(path)).collect();
        let report = trash.put(&discards)?;
        trash.finish().map(|_| report)
    }

    /// A file as it has to come back: path, bytes, mode, time.
    type Found = (String, Vec<u8>, u32, (i64, i64));

    /// Every file below `root` but farm's own.
    fn state(root: &Path) -> Vec<Found> {
        let mut found = Vec::new();
        for entry in walkdir::WalkDir::new(root).sort_by_file_name().into_iter().map(|entry| entry.expect("walk")) {
            let path = entry.path().strip_prefix(root).expect("below").to_string_lossy().into_owned();
            if entry.file_type().is_file() && !path.starts_with(".farm/") {
                let meta = entry.metadata().expect("stat");
                found.push((
                    path,
                    fs::read(entry.path()).expect("read"),
                    meta.mode(),
                    (meta.mtime(), meta.mtime_nsec()),
                ));
            }
        }
        found
    }

    #[test]
    fn what_is_trashed_comes_back_with_bytes_modes_and_times() {
        let (temp, volume) = volume();
        let lock = locked(&volume);
        for path in
            ["releases/r1/out/A/000001.png", "releases/r1/out/A/000002.png", "releases/r1/out/B/x/1.exr", "dist/r1/a"]
        {
            plant(&volume, path, path.as_bytes());
        }
        let first = temp.path().join("releases/r1/out/A/000001.png");
        fs::set_permissions(&first, fs::Permissions::from_mode(0o640)).expect("temp");
        fs::File::open(&first).and_then(|file| file.set_modified(std::time::UNIX_EPOCH)).expect("temp");
        let before = state(temp.path());
        let id = TransactionId::random();
        let paths = ["releases/r1/out/A/000001.png", "releases/r1/out/B", "dist/r1/a", "releases/r1/no"];
        let report = put(&volume, &lock, id, &paths).expect("put");
        assert_eq!((report.items.len(), report.missing.len()), (3, 1));
        assert_eq!(state(temp.path()).len(), 1);
        let kept = temp.path().join(format!(".farm/trash/{id}/tree/releases/r1/out/A/000001.png"));
        assert!(kept.is_file(), "the old path is mirrored");
        let listing = list(&volume).expect("list");
        assert_eq!((listing.transactions.len(), listing.transactions[0].items.len()), (1, 3));
        assert_eq!(listing.transactions[0].items[0].reason, "it is broken");
        assert_eq!(restore(&volume, &lock, id).expect("restore").items.len(), 3);
        assert_eq!(state(temp.path()), before);
        assert!(!temp.path().join(format!(".farm/trash/{id}")).exists());
        assert_eq!(restore(&volume, &lock, id).expect_err("twice").class(), Class::NoMatch);
    }

    #[test]
    fn if_anything_newer_is_there_nothing_is_done() {
        let (temp, volume) = volume();
        let lock = locked(&volume);
        plant(&volume, "releases/r1/out/A/1.png", b"one");
        plant(&volume, "releases/r1/out/A/2.png", b"two");
        let id = TransactionId::random();
        put(&volume, &lock, id, &["releases/r1/out/A/1.png", "releases/r1/out/A/2.png"]).expect("put");
        plant(&volume, "releases/r1/out/A/1.png", b"newer");
        let before = state(temp.path());
        let error = restore(&volume, &lock, id).expect_err("occupied");
        assert!(matches!(&error, TrashError::Occupied { path } if path.ends_with("A/1.png")), "{error}");
        assert_eq!(error.class(), Class::Refused);
        assert_eq!(state(temp.path()), before);
        fs::rename(temp.path().join("releases/r1/out"), temp.path().join("away")).expect("temp");
        fs::write(temp.path().join("releases/r1/out"), b"a file where a folder was").expect("temp");
        assert!(matches!(restore(&volume, &lock, id), Err(TrashError::Occupied { .. })));
    }

    #[test]
    fn one_transaction_takes_a_file_its_folder_and_a_second_file_of_that_name() {
        let (temp, volume) = volume();
        let lock = locked(&volume);
        let path = "releases/r1/out/A/1.png";
        plant(&volume, path, b"one");
        let id = TransactionId::random();
        put(&volume, &lock, id, &[path]).expect("put");
        plant(&volume, path, b"two");
        put(&volume, &lock, id, &["releases/r1/out/A"]).expect("put the folder");
        let listing = list(&volume).expect("list");
        assert_eq!(listing.transactions[0].measure().expect("walk").files, 3, "two frames and the record");
        assert_eq!(state(temp.path()).len(), 0);
        // The folder comes back first, and has a newer frame where the older one was.
        assert!(matches!(restore(&volume, &lock, id), Err(TrashError::Occupied { .. })));
    }

    /// As after a kill at each point between the record and the last move.
    #[test]
    fn a_run_that_was_killed_in_between_is_brought_back_or_run_again() {
        for killed_after in 0..=3 {
            let (temp, volume) = volume();
            let lock = locked(&volume);
            let paths = ["releases/r1/out/A/1.png", "releases/r1/out/A/2.png", "releases/r1/out/B"];
            plant(&volume, paths[0], b"one");
            plant(&volume, paths[1], b"two");
            plant(&volume, "releases/r1/out/B/3.png", b"three");
            let before = state(temp.path());
            let id = TransactionId::random();
            put(&volume, &lock, id, &paths).expect("put");
            let tree = temp.path().join(format!(".farm/trash/{id}/tree"));
            for path in paths.iter().skip(killed_after) {
                fs::rename(tree.join(path), temp.path().join(path)).expect("undo the move by hand");
            }
            let restored = restore(&volume, &lock, id).expect("restore");
            assert_eq!((restored.items.len(), restored.already.len()), (killed_after, 3 - killed_after));
            assert_eq!(state(temp.path()), before);

            put(&volume, &lock, id, &paths).expect("put");
            for path in paths.iter().skip(killed_after) {
                fs::rename(tree.join(path), temp.path().join(path)).expect("undo the move by hand");
            }
            put(&volume, &lock, id, &paths).expect("run it again");
            assert!(state(temp.path()).is_empty());
            restore(&volume, &lock, id).expect("restore");
            assert_eq!(state(temp.path()), before);
        }
    }

    #[test]
    fn the_volume_itself_is_no_trash() {
        let (_temp, volume) = volume();
        let lock = locked(&volume);
        for path in ["", "quick", "releases", "dist", "archives", ".farm", ".farm/lock", ".farm/volume.yaml"] {
            let own = put(&volume, &lock, TransactionId::random(), &[path]);
            assert!(matches!(own, Err(TrashError::Own { .. })), "{path:?}");
        }
    }

    #[test]
    fn links_go_as_links_and_links_above_stop_it() {
        let (temp, volume) = volume();
        let lock = locked(&volume);
        let outside = tempfile::tempdir().expect("temp");
        fs::write(outside.path().join("precious"), b"1").expect("temp");
        plant(&volume, "releases/r1/out/A/1.png", b"one");
        symlink(outside.path(), temp.path().join("releases/r1/out/link")).expect("temp");
        let id = TransactionId::random();
        assert!(put(&volume, &lock, id, &["releases/r1/out/link/precious"]).is_err());
        put(&volume, &lock, id, &["releases/r1/out/link"]).expect("put");
        let report = purge(&volume, &lock, id).expect("purge");
        assert_eq!((report.purged.as_slice(), report.files), (&[id][..], 2));
        assert!(outside.path().join("precious").exists());
    }

    #[test]
    fn trash_is_purged_after_its_time_and_not_before() {
        let (temp, volume) = volume();
        let lock = locked(&volume);
        plant(&volume, "releases/r1/out/A/1.png", b"12345");
        let id = TransactionId::random();
        put(&volume, &lock, id, &["releases/r1/out/A/1.png"]).expect("put");
        let after = |days: i64| clock::now().plus_seconds(days * 86_400);
        for now in [Timestamp::from_unix(0), after(-100), after(6)] {
            assert!(purge_expired(&volume, &lock, now).expect("purge").purged.is_empty());
        }
        let broken = temp.path().join(format!(".farm/trash/{}", TransactionId::random()));
        fs::create_dir(&broken).expect("temp");
        fs::write(broken.join("record.jsonl"), b"nonsense\n").expect("temp");
        let report = purge_expired(&volume, &lock, after(8)).expect("purge");
        assert_eq!((report.purged.as_slice(), report.left.len()), (&[id][..], 1));
        assert!(report.bytes > 5);
        assert!(broken.exists(), "what cannot be read is not purged");
    }

    #[test]
    fn a_mounted_area_has_its_own_trash() {
        let (temp, _) = volume();
        let Ok(other) = tempfile::tempdir_in("/dev/shm") else { return };
        let mounted =
            std::process::Command::new("mount").arg("--bind").arg(other.path()).arg(temp.path().join("dist")).status();
        if !mounted.is_ok_and(|status| status.success()) {
            return;
        }
        let checked = std::panic::catch_unwind(|| check_mounted(temp.path(), other.path()));
        // Lazily: a process that another test just began may still have the mount open.
        let unmounted = std::process::Command::new("umount").arg("--lazy").arg(temp.path().join("dist")).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
        checked.expect("all held");
    }

    fn check_mounted(path: &Path, device: &Path) {
        let volume = Volume::open(path, None).expect("open");
        assert_eq!(volume.mounts().len(), 1);
        let lock = locked(&volume);
        plant(&volume, "dist/r1/A.0001.png", b"frame");
        plant(&volume, "releases/r1/out/A/1.png", b"one");
        assert!(device.join("r1/A.0001.png").exists());
        let before = state(path);
        let id = TransactionId::random();
        put(&volume, &lock, id, &["dist/r1/A.0001.png", "releases/r1/out/A/1.png"]).expect("put");
        assert!(device.join(format!(".farm-trash/{id}/tree/dist/r1/A.0001.png")).exists());
        assert_eq!(list(&volume).expect("list").transactions.len(), 2);
        restore(&volume, &lock, id).expect("restore");
        assert_eq!(state(path), before);
        put(&volume, &lock, id, &["dist/r1"]).expect("put");
        assert_eq!(purge(&volume, &lock, id).expect("purge").purged, [id]);
        assert!(!device.join("r1").exists());
        // Elsewhere another device is refused.
        let area = volume.root().dir(&rel("dist"));
        assert!(matches!(area, Err(crate::sys::disk::DiskError::OtherDevice { .. })));
    }
}
