//! Seeds, replaces and retries that were killed before the record had their runs: everything is put back to where it was
//! before anything else is begun, so that whoever undoes the next one finds all of it in one transaction. An undo that was
//! killed is finished first.

use crate::base::error::Failure;
use crate::base::name::Home;
use crate::ops::change;
use crate::ops::ports::Ports;
use crate::ops::{release, undo};
use crate::volume::journal::{self, Account};
use crate::volume::lock::{Lock, Scope};

/// Takes back every such change of `home` that its record knows nothing of. `lock` is the home's.
///
/// What the record has is left to the plan that calls this: it goes on with that.
pub(super) fn unrecorded(ports: &Ports<'_>, lock: &Lock, home: &Home) -> Result<(), Failure> {
    let journals = journal::survey(ports.volume)?;
    let scope = Scope::from(home).to_string();
    let is_meant =
        |account: &&Account| change::is_between(account) && account.intent.scope == scope && !account.owner.is_alive();
    for account in journals.unfinished.iter().filter(is_meant) {
        if account.intent.kind == change::UNDO {
            undo::finish(ports.volume, lock, account)?;
            continue;
        }
        let file = release::load(ports.volume, home)?;
        if file.is_some_and(|file| change::of(account).is_ok_and(|change| change.is_recorded(&file))) {
            continue;
        }
        undo::roll_back(ports, lock, account)?;
        ports.progress.note(&format!("a {} of {home} that was interrupted is taken back", account.intent.kind));
    }
    Ok(())
}
