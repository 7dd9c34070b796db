//! `farm trash`: what is in the trash, and freeing it for good.

use crate::base::error::{Class, Failure};
use crate::base::ids::TransactionId;
use crate::base::name::Home;
use crate::base::rel_path::RelPath;
use crate::base::time::Timestamp;
use crate::ops::change;
use crate::ops::locking;
use crate::ops::ports::Ports;
use crate::ops::undo;
use crate::sys::clock;
use crate::volume::Volume;
use crate::volume::journal::{self, Account, Journal};
use crate::volume::lock::{Lock, Scope};
use crate::volume::trash::{self, Item, TrashedTransaction};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The journal's word for freeing what one change has in the trash.
pub const JOURNAL_KIND: &str = "purge";

/// What one change has in the trash.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trashed {
    /// The change.
    pub id: TransactionId,
    /// What it was: `replace`, `clear-frames`…; empty where its journal is gone.
    pub kind: String,
    /// The release, or `quick`, where all of it came from one.
    pub release: Option<Home>,
    /// When it was put there.
    pub at: Timestamp,
    /// Until when it is held.
    pub until: Timestamp,
    /// Whether that is over.
    pub expired: bool,
    /// How many things were put there.
    pub items: usize,
    /// Files in it, whole folders counted by what they hold.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
    /// Why the first thing went.
    pub reason: String,
}

/// What is in the trash, oldest first, and what of it cannot be read.
#[derive(Debug, Default, Serialize)]
pub struct Listing {
    /// Each change's.
    pub transactions: Vec<Trashed>,
    /// One line each; never purged.
    pub unreadable: Vec<String>,
}

/// Which of it is meant.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Only what came from here.
    pub release: Option<Home>,
    /// Only what has been there for so long; what was held for its time without it.
    pub older: Option<Duration>,
}

/// What was freed.
#[derive(Debug, Default, Serialize)]
pub struct Purged {
    /// The changes whose trash is gone.
    pub purged: Vec<TransactionId>,
    /// Files that were erased.
    pub files: u64,
    /// Bytes that no other name held.
    pub bytes: u64,
    /// What was left and why, one line each.
    pub left: Vec<String>,
}

/// Lists the trash. Reads only.
pub fn list(volume: &Volume, release: Option<&Home>) -> Result<Listing, Failure> {
    let found = trash::list(volume)?;
    let mut by_id: BTreeMap<(Timestamp, TransactionId), Vec<TrashedTransaction>> = BTreeMap::new();
    let at: BTreeMap<TransactionId, Timestamp> =
        found.transactions.iter().rev().map(|part| (part.id, part.at)).collect();
    for part in found.transactions {
        by_id.entry((at[&part.id], part.id)).or_default().push(part);
    }
    let mut transactions = Vec::new();
    for parts in by_id.into_values() {
        let one = trashed(volume, &parts)?;
        if release.is_none_or(|wanted| one.release.as_ref() == Some(wanted)) {
            transactions.push(one);
        }
    }
    let unreadable = found.unreadable.iter().map(ToString::to_string).collect();
    Ok(Listing { transactions, unreadable })
}

fn trashed(volume: &Volume, parts: &[TrashedTransaction]) -> Result<Trashed, Failure> {
    let first = &parts[0];
    let items: Vec<&Item> = parts.iter().flat_map(|part| &part.items).collect();
    let (mut files, mut bytes) = (0, 0);
    for part in parts {
        let sum = part.measure()?;
        // The record is not what was thrown away.
        files += sum.files.saturating_sub(1);
        bytes += sum.bytes;
    }
    let account = journal::finished(volume, first.id).ok().flatten();
    let kind = account.map(|account| account.intent.kind).unwrap_or_default();
    Ok(Trashed {
        id: first.id,
        kind,
        release: home_of(&items),
        at: first.at,
        until: first.until,
        expired: first.until <= clock::now(),
        items: items.len(),
        files,
        bytes,
        reason: items.first().map(|item| item.reason.clone()).unwrap_or_default(),
    })
}

/// Where all of these came from, if that is one place.
fn home_of(items: &[&Item]) -> Option<Home> {
    let mut homes: Vec<Option<Home>> = items.iter().map(|item| home_of_path(&item.path)).collect();
    homes.dedup();
    match &homes[..] {
        [one] => one.clone(),
        _ => None,
    }
}

fn home_of_path(path: &RelPath) -> Option<Home> {
    let mut parts = path.parts();
    match parts.next()? {
        "quick" => Some(Home::Quick),
        "releases" | "dist" => parts.next()?.parse().ok(),
        _ => None,
    }
}

/// What would be purged.
pub fn chosen(volume: &Volume, choice: &Choice) -> Result<Listing, Failure> {
    let mut listing = list(volume, choice.release.as_ref())?;
    let now = clock::now();
    listing.transactions.retain(|one| match choice.older {
        Some(older) => now.since(one.at) >= older,
        None => one.expired,
    });
    Ok(listing)
}

/// Erases what was shown, change by change, each under the lock of where it came from: an undo may be bringing it back.
pub fn purge(ports: &Ports<'_>, shown: &[Trashed]) -> Result<Purged, Failure> {
    let mut purged = Purged::default();
    for one in shown {
        ports.go_on()?;
        let scope = one.release.as_ref().map_or(Scope::Volume, Scope::from);
        let lock = match locking::lock(ports, scope) {
            Ok(lock) => lock,
            Err(failure) if failure.class() == Class::Locked => {
                purged.left.push(format!("{}: {}", one.id, failure.message()));
                continue;
            }
            Err(failure) => return Err(failure),
        };
        purged.add(purge_one(ports.volume, &lock, one)?);
    }
    Ok(purged)
}

/// The body of the journal that tells which change can be taken back no more.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Freed {
    /// The change whose trash was erased.
    pub freed: TransactionId,
}

fn purge_one(volume: &Volume, lock: &Lock, one: &Trashed) -> Result<Purged, Failure> {
    let (id, parts) = (one.id, trash::parts_of(volume, one.id)?);
    // Somebody may have brought it back meanwhile.
    if parts.is_empty() {
        return Ok(Purged::default());
    }
    let kept = |why: String| Ok(Purged { left: vec![format!("{id}: {why}")], ..Purged::default() });
    if is_needed(volume, id)? {
        return kept("a change that did not come to its end needs it: run `farm recover` first".to_owned());
    }
    if parts.iter().map(|part| part.items.len()).sum::<usize>() != one.items {
        return kept("something was added to it since it was shown".to_owned());
    }
    if let Err(error) = trash::check_owners(volume, &parts) {
        return kept(error.to_string());
    }
    let journal = Journal::begin(volume, lock, JOURNAL_KIND, &Freed { freed: id })?;
    let purged = erase(volume, lock, id)?;
    journal.done(&purged.files)?;
    Ok(purged)
}

/// Whether somebody has to finish or take back a change with what is there.
fn is_needed(volume: &Volume, id: TransactionId) -> Result<bool, Failure> {
    let unfinished = journal::survey(volume)?.unfinished;
    // A purge that was killed is finished by itself.
    let mut others = unfinished.iter().filter(|account| account.intent.kind != JOURNAL_KIND);
    Ok(others.any(|account| account.intent.id == id || undo::undoes(account, id)))
}

fn erase(volume: &Volume, lock: &Lock, id: TransactionId) -> Result<Purged, Failure> {
    match trash::purge(volume, lock, id) {
        Ok(report) => Ok(Purged {
            purged: report.purged.into_iter().take(1).collect(),
            files: report.files,
            bytes: report.bytes,
            left: report.left.iter().map(ToString::to_string).collect(),
        }),
        Err(trash::TrashError::Nothing { .. }) => Ok(Purged::default()),
        Err(error @ trash::TrashError::NotYours { .. }) => {
            Ok(Purged { left: vec![error.to_string()], ..Purged::default() })
        }
        Err(error) => Err(error.into()),
    }
}

/// Finishes a purge that was killed, by its journal: somebody had confirmed it.
pub fn finish(volume: &Volume, lock: &Lock, account: &Account) -> Result<Purged, Failure> {
    let Freed { freed } = change::body(account)?;
    let journal = Journal::resume(volume, lock, account)?;
    let purged = erase(volume, lock, freed)?;
    journal.done(&purged.files)?;
    Ok(purged)
}

impl Purged {
    fn add(&mut self, other: Purged) {
        self.purged.extend(other.purged);
        self.files += other.files;
        self.bytes += other.bytes;
        self.left.extend(other.left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::room::Room;
    use crate::ops::work;
    use crate::volume::layout;

    fn rel(path: &str) -> RelPath {
        RelPath::new(path).expect("a path")
    }

    fn thrown(room: &Room, path: &str) {
        let lock = locking::lock_home(&room.ports(), room.release()).expect("free");
        work::discard(&room.ports(), &lock, vec![(rel(path), "it is cut short".to_owned())]).expect("thrown away");
    }

    #[test]
    fn what_is_thrown_away_is_listed_and_freed_only_when_its_time_is_over_or_it_is_asked_for() {
        let room = Room::rendered(&[("A", "1-2")]);
        thrown(&room, "releases/r1/out/A/000001.png");
        let listing = list(&room.volume, None).expect("list");
        let [one] = &listing.transactions[..] else { panic!("{listing:?}") };
        assert_eq!((one.kind.as_str(), one.items, one.files, one.expired), ("clear-frames", 1, 1, false));
        assert_eq!((one.release.as_ref(), one.reason.as_str()), (Some(room.release()), "it is cut short"));
        assert!(list(&room.volume, Some(&Home::Quick)).expect("list").transactions.is_empty());
        let meant = |choice: &Choice| chosen(&room.volume, choice).expect("chosen").transactions;
        let choice = Choice::default();
        assert_eq!(
            purge(&room.ports(), &meant(&choice)).expect("nothing").purged.len(),
            0,
            "it is held for seven days"
        );
        let week = Choice { older: Some(Duration::from_secs(7 * 86_400)), ..Choice::default() };
        assert_eq!(purge(&room.ports(), &meant(&week)).expect("nothing").purged.len(), 0);
        let now = Choice { older: Some(Duration::ZERO), ..Choice::default() };
        let purged = purge(&room.ports(), &meant(&now)).expect("purged");
        assert_eq!((purged.purged.len(), purged.left.len()), (1, 0));
        assert!(list(&room.volume, None).expect("list").transactions.is_empty());
        assert!(room.read("releases/r1/out/A/000002.png").is_some());
        assert!(room.volume.dir(&layout::home_dir(room.release())).expect("dir").is_some());
    }
}
