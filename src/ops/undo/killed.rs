//! Changes of a home's jobs that were killed on their way. Whoever looks at its frames under its lock ends them first: until
//! then nobody can say what the jobs' frames are.

use super::{finish, roll_back};
use crate::base::error::Failure;
use crate::ops::change;
use crate::ops::ports::Ports;
use crate::volume::journal;
use crate::volume::lock::Lock;

/// Finishes the killed changes of the lock's home of which the record tells, and takes the others back.
pub fn end_killed(ports: &Ports<'_>, lock: &Lock) -> Result<(), Failure> {
    for account in journal::survey(ports.volume)?.unfinished_in(lock.scope())? {
        match account.intent.kind.as_str() {
            change::UNDO => drop(finish(ports.volume, lock, &account)?),
            change::RETRY | change::SEED | change::REPLACE => drop(roll_back(ports, lock, &account)?),
            _ => continue,
        }
        let words = format!("a {} of {} that was interrupted is put in order", account.intent.kind, lock.scope());
        ports.progress.note(&words);
    }
    Ok(())
}
