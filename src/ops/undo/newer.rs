//! What stands against taking a change back.

use super::begun::undone_by;
use super::deed::Deed;
use super::{Entry, History, Standing};
use crate::base::error::{Class, Failure};
use crate::base::name::JobName;
use crate::ops::change;
use crate::volume::Volume;
use crate::volume::journal;
use crate::volume::lock::Scope;

/// Refuses a change that cannot be taken back, or not before another one.
pub(super) fn check(volume: &Volume, history: &History, entry: &Entry) -> Result<(), Failure> {
    check_itself(entry)?;
    let Some(home) = &entry.home else { return Ok(()) };
    if let Some(begun) = journal::survey(volume)?.unfinished_in(&Scope::from(home))?.first() {
        let (kind, at) = (change::named(&begun.intent.kind), begun.intent.at.whole_seconds());
        let next = match undone_by(begun).filter(|_| !begun.owner.is_alive()) {
            Some(undone) => format!("`farm undo {undone}` goes on with it; so does `farm recover`."),
            None => "Run `farm recover` first, or wait until it is done.".to_owned(),
        };
        let words = format!("{kind} of {home} was begun {at} and did not come to its end");
        return Err(refused(words).with_hint(next));
    }
    let is_newer = |other: &&Entry| {
        other.at > entry.at
            && other.home.as_ref() == Some(home)
            && stands(history, other, entry)
            && shares_a_job(other, entry).is_some()
    };
    // The newest first: in that order they can be taken back.
    let Some(newer) = history.entries.iter().find(is_newer) else { return Ok(()) };
    let job = shares_a_job(newer, entry).map(|job| format!("{home}/{job}")).unwrap_or_default();
    let words = format!("{job} was changed since: {} {} of {}", newer.kind, newer.id, newer.at.whole_seconds());
    Err(refused(words).with_hint(format!("Take that back first: `farm undo {}`.", newer.id)))
}

fn check_itself(entry: &Entry) -> Result<(), Failure> {
    let name = format!("the {} {}", entry.kind, entry.id);
    match (entry.standing, &entry.deed) {
        (Standing::Purged, _) => Err(refused(format!("what {name} had thrown away was erased, and cannot come back"))
            .with_hint("`farm undo --list` shows what can be taken back.")),
        (_, Deed::Undo(undo)) if entry.is_of_a_harvest() => {
            Err(refused(format!("{name} took a harvest back, which is had again by harvesting"))
                .with_hint(format!("Give `farm harvest release {}` again.", undo.change.release)))
        }
        (_, Deed::Unknown) => Err(refused(format!("{name} was made by a newer farm, which alone can take it back"))
            .with_hint("Use the farm that made it.")),
        _ => Ok(()),
    }
}

/// Whether what it changed still counts.
fn stands(history: &History, other: &Entry, entry: &Entry) -> bool {
    match (&other.standing, &other.deed) {
        // To whoever takes an undo back, a later undo of what was before it is something newer.
        (Standing::Undo, Deed::Undo(undo)) if matches!(entry.deed, Deed::Undo(_)) => {
            let undone = history.entries.iter().find(|found| found.id == undo.undone);
            undone.is_some_and(|undone| undone.at <= entry.at && undone.id != entry.id)
        }
        // A change and its undo cancel each other.
        (_, Deed::Undo(_)) => false,
        // It changed nothing on the volume.
        (_, Deed::Kill(_)) => false,
        (Standing::Open | Standing::Expired | Standing::Purged, _) => true,
        _ => false,
    }
}

fn shares_a_job<'e>(one: &Entry, other: &'e Entry) -> Option<&'e JobName> {
    other.jobs.iter().find(|job| one.jobs.contains(job))
}

fn refused(words: String) -> Failure {
    Failure::new(Class::Refused, words)
}
