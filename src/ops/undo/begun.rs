//! An undo that was killed on its way: the same command goes on with it.

use super::{UndoIntent, UndoReport, recover};
use crate::base::consent::Consent;
use crate::base::error::{Class, Failure};
use crate::base::ids::TransactionId;
use crate::ops::change;
use crate::ops::locking;
use crate::ops::ports::Ports;
use crate::volume::Volume;
use crate::volume::journal::{self, Account};

/// The undo that was begun of the change that `word` names, or of any change, and that nobody is at.
pub fn begun(volume: &Volume, word: Option<&str>) -> Result<Option<Account>, Failure> {
    let word = word.map(str::to_ascii_lowercase);
    for account in journal::survey(volume)?.unfinished {
        if account.intent.kind != change::UNDO || account.owner.is_alive() {
            continue;
        }
        let intent: UndoIntent = change::body(&account)?;
        if word.as_ref().is_none_or(|word| intent.undone.to_string().starts_with(word)) {
            return Ok(Some(account));
        }
    }
    Ok(None)
}

/// Whether this is the journal of an undo of the change `id`.
pub fn undoes(account: &Account, id: TransactionId) -> bool {
    account.intent.kind == change::UNDO && change::body::<UndoIntent>(account).is_ok_and(|intent| intent.undone == id)
}

/// Goes on with it, once the lock of its release is free.
pub fn resume(ports: &Ports<'_>, account: &Account, consent: Consent) -> Result<UndoReport, Failure> {
    let intent: UndoIntent = change::body(account)?;
    let lock = locking::lock_home(ports, &intent.change.release)?;
    let id = account.intent.id;
    // Somebody else may have finished it while this one waited.
    let now = journal::survey(ports.volume)?.unfinished.into_iter().find(|found| found.intent.id == id);
    let gone = || Failure::new(Class::Refused, format!("the undo {id} was finished by somebody else meanwhile"));
    let restored = recover::finish(ports.volume, &lock, &now.ok_or_else(gone)?)?;
    Ok(UndoReport::of(id, consent, restored, &intent))
}
