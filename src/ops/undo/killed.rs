//! Changes of a home's jobs that were killed on their way. Whoever looks at its frames under its lock ends them first: until
//! then nobody can say what the jobs' frames are.

use super::{finish, roll_back};
use crate::base::error::Failure;
use crate::base::name::Home;
use crate::ops::change;
use crate::ops::ports::Ports;
use crate::volume::Volume;
use crate::volume::journal;
use crate::volume::lock::{Lock, Scope};

/// Whether a change of this home's jobs was killed on its way.
pub fn is_killed(volume: &Volume, home: &Home) -> Result<bool, Failure> {
    let left = journal::survey(volume)?.unfinished_in(&Scope::from(home))?;
    Ok(left.iter().any(|account| change::is_between(account) && !account.owner.is_alive()))
}

/// Finishes the killed changes of the lock's home of which the record tells, and takes the others back.
pub fn end_killed(ports: &Ports<'_>, lock: &Lock) -> Result<(), Failure> {
    let left = journal::survey(ports.volume)?.unfinished_in(lock.scope())?;
    for account in left.into_iter().filter(change::is_between) {
        match account.intent.kind.as_str() {
            change::UNDO => drop(finish(ports.volume, lock, &account)?),
            _ => drop(roll_back(ports, lock, &account)?),
        }
        let words = format!("a {} of {} that was interrupted is put in order", account.intent.kind, lock.scope());
        ports.progress.note(&words);
    }
    Ok(())
}
