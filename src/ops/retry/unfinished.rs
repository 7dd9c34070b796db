//! Retries that were killed on their way. Whoever retries next ends them first.
//!
//! What one had moved to the trash is missing, and is found so by the next look; a run that it had written down is submitted
//! with the next one. So nothing of it has to be done again, and nothing to be taken back.

use crate::base::error::{Class, Failure};
use crate::ops::change;
use crate::ops::ports::Ports;
use crate::volume::journal::{self, Account, Journal};
use crate::volume::lock::Lock;

/// Ends the killed retries of the lock's home. A change of another kind that was begun there has to be ended first: until
/// then nobody can say what its jobs' frames are.
pub(super) fn end_killed(ports: &Ports<'_>, lock: &Lock) -> Result<(), Failure> {
    for account in journal::survey(ports.volume)?.unfinished_in(lock.scope())? {
        match account.intent.kind.as_str() {
            change::RETRY => {
                Journal::resume(ports.volume, lock, &account)?.done(&"ended by a later retry")?;
            }
            change::SEED | change::REPLACE | change::UNDO => return Err(in_the_way(&account)),
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
