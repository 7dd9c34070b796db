//! Retries that were killed on their way. Whoever retries next ends them first.
//!
//! What one had moved to the trash is missing, and is found so by the next look; a run that it had written down is submitted
//! with the next one. So nothing of it has to be done again, and nothing to be taken back.

use crate::base::error::{Class, Failure};
use crate::base::name::Home;
use crate::ops::change;
use crate::ops::ports::Ports;
use crate::volume::Volume;
use crate::volume::journal::{self, Account, Journal};
use crate::volume::lock::{Lock, Scope};

/// The changes whose state in between is not what the record says.
const CHANGES: [&str; 4] = [change::RETRY, change::SEED, change::REPLACE, change::UNDO];

/// Whether a change of this home's jobs was killed on its way.
pub(super) fn is_there(volume: &Volume, home: &Home) -> Result<bool, Failure> {
    let left = journal::survey(volume)?.unfinished_in(&Scope::from(home))?;
    Ok(left.iter().any(|account| CHANGES.contains(&account.intent.kind.as_str()) && !account.owner.is_alive()))
}

/// Ends the killed retries of the lock's home. A change of another kind that was begun there has to be ended first: until
/// then nobody can say what its jobs' frames are.
pub(super) fn end_killed(ports: &Ports<'_>, lock: &Lock) -> Result<(), Failure> {
    for account in journal::survey(ports.volume)?.unfinished_in(lock.scope())? {
        match account.intent.kind.as_str() {
            change::RETRY => {
                Journal::resume(ports.volume, lock, &account)?.done(&"ended by a later retry")?;
            }
            kind if CHANGES.contains(&kind) => return Err(in_the_way(&account)),
            _ => {}
        }
    }
    Ok(())
}

fn in_the_way(account: &Account) -> Failure {
    let intent = &account.intent;
    let words = format!("a {} of {} was begun {} and did not come to its end", intent.kind, intent.scope, intent.at);
    Failure::new(Class::Refused, words).with_hint("Run `farm recover`: it finishes it or takes it back.")
}
