//! An undo that was killed on its way: the same command goes on with it.

use super::resubmit::{HadEnded, after_undo};
use super::{Entry, Resubmit, UndoIntent, UndoPlan, UndoReport, recover};
use crate::base::consent::Consent;
use crate::base::error::{Class, Failure};
use crate::base::ids::TransactionId;
use crate::base::time::Timestamp;
use crate::ops::change;
use crate::ops::locking;
use crate::ops::ports::Ports;
use crate::volume::Volume;
use crate::volume::journal::{self, Account};

/// An undo that was begun and that nobody is at.
pub struct Begun {
    /// What it set out to do.
    pub plan: UndoPlan,
    /// When.
    pub at: Timestamp,
    id: TransactionId,
    intent: UndoIntent,
    had_ended: HadEnded,
}

/// The undo of this change that was begun, if there is one. Those of other changes are left to whoever names these, and to
/// `farm recover`: nobody is to finish what somebody else began by asking for something else.
pub(super) fn find(volume: &Volume, entry: &Entry, resubmit: Resubmit) -> Result<Option<Begun>, Failure> {
    let Some(account) = all(volume)?.into_iter().find(|account| undoes(account, entry.id)) else { return Ok(None) };
    let intent: UndoIntent = change::body(&account)?;
    Ok(Some(Begun {
        plan: UndoPlan::of(entry, &intent, resubmit),
        at: account.intent.at,
        id: account.intent.id,
        intent,
        had_ended: HadEnded::of(entry),
    }))
}

/// Says which undos were begun and are not gone on with, for nobody named what they take back.
pub(super) fn tell_others(ports: &Ports<'_>, meant: Option<&Entry>) -> Result<(), Failure> {
    for account in all(ports.volume)? {
        let Some(undone) = undone_by(&account).filter(|id| meant.is_none_or(|entry| entry.id != *id)) else { continue };
        let (scope, at) = (&account.intent.scope, account.intent.at.whole_seconds());
        ports.progress.note(&format!(
            "an undo of {scope} was begun {at} and did not come to its end: `farm undo {undone}` goes on with it"
        ));
    }
    Ok(())
}

/// Every undo that was begun and that nobody is at.
fn all(volume: &Volume) -> Result<Vec<Account>, Failure> {
    let unfinished = journal::survey(volume)?.unfinished.into_iter();
    Ok(unfinished.filter(|account| undone_by(account).is_some() && !account.owner.is_alive()).collect())
}

/// Whether this is the journal of an undo of the change `id`.
pub fn undoes(account: &Account, id: TransactionId) -> bool {
    undone_by(account) == Some(id)
}

/// The change that this is the journal of an undo of.
pub(super) fn undone_by(account: &Account) -> Option<TransactionId> {
    let is_undo = account.intent.kind == change::UNDO;
    is_undo.then(|| change::body::<UndoIntent>(account).ok().map(|intent| intent.undone)).flatten()
}

/// Goes on with it, once the lock of its release is free.
pub fn resume(ports: &Ports<'_>, begun: &Begun, consent: Consent) -> Result<UndoReport, Failure> {
    let lock = locking::lock_home(ports, &begun.intent.change.release)?;
    // Somebody else may have finished it while this one waited.
    let now = journal::survey(ports.volume)?.unfinished.into_iter().find(|found| found.intent.id == begun.id);
    let gone =
        || Failure::new(Class::Refused, format!("the undo {} was finished by somebody else meanwhile", begun.id));
    let restored = recover::finish(ports.volume, &lock, &now.ok_or_else(gone)?)?;
    drop(lock);
    let mut report = UndoReport::of(begun.id, consent, restored, &begun.intent);
    if begun.plan.resubmits {
        report.submitted = after_undo(ports, &begun.plan, &begun.had_ended, begun.id)?;
    }
    Ok(report)
}
