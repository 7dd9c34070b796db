//! Changes of a home's jobs that were killed on their way. Whoever retries next ends them first: until then nobody can say
//! what the jobs' frames are.

use crate::base::error::Failure;
use crate::base::name::Home;
use crate::ops::ports::Ports;
use crate::ops::{change, undo};
use crate::volume::Volume;
use crate::volume::journal;
use crate::volume::lock::{Lock, Scope};

/// The changes whose state in between is not what the record says.
const CHANGES: [&str; 4] = [change::RETRY, change::SEED, change::REPLACE, change::UNDO];

/// Whether a change of this home's jobs was killed on its way.
pub(super) fn is_there(volume: &Volume, home: &Home) -> Result<bool, Failure> {
    let left = journal::survey(volume)?.unfinished_in(&Scope::from(home))?;
    Ok(left.iter().any(|account| CHANGES.contains(&account.intent.kind.as_str()) && !account.owner.is_alive()))
}

/// Finishes the killed changes of the lock's home of which the record tells, and takes the others back.
pub(super) fn end_killed(ports: &Ports<'_>, lock: &Lock) -> Result<(), Failure> {
    for account in journal::survey(ports.volume)?.unfinished_in(lock.scope())? {
        match account.intent.kind.as_str() {
            change::UNDO => drop(undo::finish(ports.volume, lock, &account)?),
            kind if CHANGES.contains(&kind) => drop(undo::roll_back(ports, lock, &account)?),
            _ => {}
        }
    }
    Ok(())
}
