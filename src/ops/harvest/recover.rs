//! Finishing harvests that were killed. Twice is once.

use super::carry::{Carrier, Knowledge, Left};
use super::listing;
use super::unfinished;
use crate::base::counted::counted;
use crate::base::error::Failure;
use crate::base::ids::TransactionId;
use crate::base::name::Home;
use crate::ops::ports::Ports;
use crate::volume::Volume;
use crate::volume::journal::{self, Account, Journal};
use crate::volume::lock::Lock;

/// What finishing a killed harvest did.
#[derive(Debug)]
pub struct Finished {
    /// The harvest.
    pub id: TransactionId,
    /// Its release.
    pub release: Home,
    /// How many files of it lie in `dist/` now.
    pub placed: usize,
    /// What was left where it is, and why.
    pub left: Vec<Left>,
}

/// Finishes the killed harvest that `account` tells of: moves what is not moved yet and is still what it was, and writes
/// the manifest. `lock` covers its release.
pub fn recover(volume: &Volume, lock: &Lock, account: &Account) -> Result<Finished, Failure> {
    let transaction = unfinished::transaction(account)?;
    let journal = Journal::resume(volume, lock, account)?;
    let carrier = Carrier { volume, lock, id: journal.id(), knowledge: Knowledge::LeftBehind };
    let carried = carrier.carry(&transaction)?;
    listing::record(volume, lock, &transaction, &carried, None)?;
    let id = journal.done(&carried.placed)?;
    Ok(Finished { id, release: transaction.release, placed: carried.placed, left: carried.left })
}

/// Finishes every killed harvest of the release, and files journals of what was finished but for that.
pub fn finish_killed(ports: &Ports<'_>, lock: &Lock, release: &Home) -> Result<Vec<TransactionId>, Failure> {
    journal::file_done(ports.volume, &journal::survey(ports.volume)?.not_filed)?;
    let mut finished = Vec::new();
    for (account, _) in unfinished::of_release(ports.volume, release)? {
        let done = recover(ports.volume, lock, &account)?;
        let files = counted(done.placed, "file");
        ports.progress.note(&format!("finished a harvest of {release} that was interrupted: {files}"));
        for left in done.left {
            ports.progress.note(&format!("{}: not harvested then: {}", left.path, left.cause));
        }
        finished.push(done.id);
    }
    Ok(finished)
}

#[cfg(test)]
mod tests {
    use super::super::apply;
    use super::*;
    use crate::ops::change::Author;
    use crate::ops::check::Remember;
    use crate::ops::check::room::Room;
    use crate::ops::harvest::plan::Transaction;
    use crate::ops::harvest::request::{HarvestRequest, Keeping};
    use crate::ops::harvest::unfinished::JOURNAL_KIND;
    use crate::ops::harvest::{Outcome, survey};
    use crate::ops::locking;
    use proptest::prelude::*;
    use std::fs;

    fn request(keeping: Keeping) -> HarvestRequest {
        HarvestRequest { keeping, ..HarvestRequest::of("r1".parse().expect("name")) }
    }

    /// How far a file had come when the harvest was killed.
    #[derive(Debug, Clone, Copy)]
    enum Came {
        Nowhere,
        /// It has both names: a link whose other half is missing.
        Linked,
        /// It was copied to another device, and the source was not erased.
        Copied,
        There,
    }

    fn came() -> impl Strategy<Value = Came> {
        prop_oneof![Just(Came::Nowhere), Just(Came::Linked), Just(Came::Copied), Just(Came::There)]
    }

    /// Begins a harvest and leaves each file where `came` says.
    fn kill(room: &Room, keeping: Keeping, came: &[Came]) -> Transaction {
        let ports = room.ports();
        let plan = survey::survey(&ports, &request(keeping), Remember::Nothing).expect("plan");
        let transaction = plan.transaction(Author::of(ports.actor)).expect("something to do");
        let lock = locking::lock_home(&ports, room.release()).expect("lock");
        drop(Journal::begin(&room.volume, &lock, JOURNAL_KIND, &transaction).expect("begin"));
        fs::create_dir_all(room.path("dist/r1")).expect("temp");
        let files = transaction.jobs.iter().flat_map(|share| share.files.iter().map(move |file| (share, file)));
        for ((share, file), came) in files.zip(came) {
            let from = room.path(&format!("{}/{}", share.out, file.from));
            let to = room.path(&format!("dist/r1/{}", file.to));
            match came {
                Came::Nowhere => {}
                Came::Linked => fs::hard_link(from, to).expect("temp"),
                Came::Copied => drop(fs::copy(from, to).expect("temp")),
                Came::There => fs::rename(from, to).expect("temp"),
            }
        }
        transaction
    }

    fn is_finished(room: &Room) -> bool {
        journal::survey(&room.volume).expect("journals").unfinished.is_empty()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn a_killed_harvest_is_finished_wherever_it_was(came in proptest::collection::vec(came(), 4), again in any::<bool>()) {
            let room = Room::rendered(&[("A", "1-3"), ("B", "1")]);
            let mut frames: Vec<Vec<u8>> = room.tree("releases/r1/out").into_values().collect();
            kill(&room, Keeping::Move, &came);
            let ports = room.ports();
            let plan = survey::survey(&ports, &request(Keeping::Move), Remember::Nothing).expect("a look at the ruins");
            prop_assert!(plan.problems.is_empty(), "{:?}", plan.problems);
            if again {
                let (report, _lock) = apply::harvest(&ports, &request(Keeping::Move), None).expect("harvest");
                prop_assert_eq!(report.finished.len(), 1);
            } else {
                let lock = locking::lock_home(&ports, room.release()).expect("lock");
                let account = journal::survey(&room.volume).expect("journals").unfinished.remove(0);
                let finished = recover(&room.volume, &lock, &account).expect("recover");
                prop_assert_eq!((finished.placed, finished.left.len()), (4, 0));
            }
            prop_assert!(is_finished(&room));
            let (report, _lock) = apply::harvest(&ports, &request(Keeping::Move), None).expect("harvest");
            prop_assert_eq!(report.outcome, Outcome::Verified);
            let mut there: Vec<Vec<u8>> =
                room.tree("dist/r1").into_iter().filter(|(name, _)| name.ends_with(".png")).map(|(_, bytes)| bytes).collect();
            there.sort();
            frames.sort();
            prop_assert_eq!(there, frames);
            prop_assert!(room.tree("releases/r1/out").is_empty());
        }
    }

    #[test]
    fn a_killed_harvest_that_keeps_is_finished_and_keeps() {
        let room = Room::rendered(&[("A", "1-4")]);
        kill(&room, Keeping::Keep, &[Came::Nowhere, Came::Linked, Came::Copied]);
        let (report, _lock) = apply::harvest(&room.ports(), &request(Keeping::Keep), None).expect("harvest");
        assert_eq!((report.outcome, report.finished.len()), (Outcome::Verified, 1));
        assert_eq!((room.names("releases/r1/out/A").len(), room.names("dist/r1").len()), (4, 5));
    }

    #[test]
    fn what_changed_meanwhile_is_left() {
        let room = Room::rendered(&[("A", "1-3")]);
        kill(&room, Keeping::Move, &[]);
        room.render("A", 2, 9);
        room.put("dist/r1/A.0003.png", b"somebody's");
        let lock = locking::lock_home(&room.ports(), room.release()).expect("lock");
        let account = journal::survey(&room.volume).expect("journals").unfinished.remove(0);
        let finished = recover(&room.volume, &lock, &account).expect("recover");
        let left: Vec<&str> = finished.left.iter().map(|left| left.path.as_str()).collect();
        assert_eq!(left, ["releases/r1/out/A/000002.png", "releases/r1/out/A/000003.png"]);
        assert_eq!(room.read("dist/r1/A.0003.png").as_deref(), Some(&b"somebody's"[..]));
        assert!(is_finished(&room));
    }
}
