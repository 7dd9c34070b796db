//! The manifest as a transaction leaves it. Its text takes as long as a twentieth of the moves: it is made beside them, for
//! the case that all of them succeed.

use super::carry::Carried;
use super::manifest::Manifest;
use super::plan::Transaction;
use crate::base::error::Failure;
use crate::base::rel_path::RelPath;
use crate::volume::lock::Lock;
use crate::volume::{Volume, layout};
use std::collections::HashSet;

/// The text of the manifest with what `transaction` places, but for what is `unplaced`; what went to the trash is not in it.
pub(super) fn text(
    volume: &Volume,
    transaction: &Transaction,
    unplaced: &HashSet<RelPath>,
) -> Result<Vec<u8>, Failure> {
    let mut manifest = Manifest::load(volume, &transaction.release)?;
    let gone: HashSet<_> = transaction.replaced.iter().map(|old| &old.path).collect();
    manifest.files.retain(|file| !gone.contains(&file.path));
    let placed = transaction.items().filter(|item| !unplaced.contains(&item.file.to));
    manifest.replace_all(placed.map(|item| item.share.manifest_file(item.file)).collect());
    Ok(manifest.into_text())
}

/// Writes the manifest. `whole` is its text for the case that nothing was left out, where it was made already.
pub(super) fn record(
    volume: &Volume,
    lock: &Lock,
    transaction: &Transaction,
    carried: &Carried,
    whole: Option<Vec<u8>>,
) -> Result<(), Failure> {
    lock.check()?;
    let text = match whole.filter(|_| carried.unplaced.is_empty()) {
        Some(text) => text,
        None => text(volume, transaction, &carried.unplaced)?,
    };
    Manifest::write(&volume.make_dir(&layout::dist_dir(&transaction.release))?, &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::change::Author;
    use crate::ops::check::Remember;
    use crate::ops::check::room::Room;
    use crate::ops::harvest::plan::Replaced;
    use crate::ops::harvest::request::HarvestRequest;
    use crate::ops::harvest::survey;
    use crate::ops::locking;

    /// What was made for the good case must not be taken in any other.
    #[test]
    fn what_was_left_is_not_in_the_manifest_and_neither_is_what_made_room() {
        let room = Room::rendered(&[("A", "1-3")]);
        let ports = room.ports();
        let plan =
            survey::survey(&ports, &HarvestRequest::of(room.release().clone()), Remember::Nothing).expect("plan");
        let transaction = plan.transaction(Author::of(ports.actor)).expect("something to do");
        let lock = locking::lock_home(&ports, room.release()).expect("lock");
        let path = |name: &str| RelPath::new(name).expect("path");
        let names = || -> Vec<String> {
            let manifest = Manifest::load(&room.volume, room.release()).expect("manifest");
            manifest.files.into_iter().map(|file| file.path.to_string()).collect()
        };
        let whole = text(&room.volume, &transaction, &HashSet::new()).expect("text");
        let two = Carried { placed: 2, unplaced: [path("A.0002.png")].into(), ..Carried::default() };
        record(&room.volume, &lock, &transaction, &two, Some(whole.clone())).expect("recorded");
        assert_eq!(names(), ["A.0001.png", "A.0003.png"]);
        let all = Carried { placed: 3, ..Carried::default() };
        record(&room.volume, &lock, &transaction, &all, Some(whole)).expect("recorded");
        assert_eq!(names(), ["A.0001.png", "A.0002.png", "A.0003.png"]);
        let gone = Replaced {
            path: path("A.0001.png"),
            size: 0,
            modified: crate::sys::clock::now(),
            reason: String::new(),
            was: None,
        };
        let nothing = Transaction { jobs: Vec::new(), replaced: vec![gone], ..transaction };
        record(&room.volume, &lock, &nothing, &Carried::default(), None).expect("recorded");
        assert_eq!(names(), ["A.0002.png", "A.0003.png"]);
    }
}
