//! Changes of a home's jobs that were killed on their way. Whoever looks at its frames under its lock ends them first: until
//! then nobody can say what the jobs' frames are.

use super::{Ended, finish, roll_back};
use crate::base::error::Failure;
use crate::base::name::Home;
use crate::ops::change;
use crate::ops::ports::Ports;
use crate::ops::release;
use crate::volume::Volume;
use crate::volume::journal::{self, Account};
use crate::volume::lock::{Lock, Scope};

/// Whether a change of this home's jobs was killed on its way.
pub fn is_killed(volume: &Volume, home: &Home) -> Result<bool, Failure> {
    let left = journal::survey(volume)?.unfinished_in(&Scope::from(home))?;
    Ok(left.iter().any(|account| change::is_between(account) && !account.owner.is_alive()))
}

/// Finishes the killed changes of the lock's home of which the record tells, and takes the others back; how many there were.
pub fn end_killed(ports: &Ports<'_>, lock: &Lock) -> Result<usize, Failure> {
    end(ports, lock, Recorded::Finish)
}

/// Takes the killed changes of the lock's home back of which the record knows nothing, so that whoever undoes the next one
/// finds all of it in one transaction. What the record has is left to the plan that calls this: it goes on with that.
pub fn take_back_killed(ports: &Ports<'_>, lock: &Lock) -> Result<(), Failure> {
    end(ports, lock, Recorded::Leave).map(drop)
}

/// What becomes of a change that the record has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Recorded {
    Finish,
    Leave,
}

fn end(ports: &Ports<'_>, lock: &Lock, recorded: Recorded) -> Result<usize, Failure> {
    let left = journal::survey(ports.volume)?.unfinished_in(lock.scope())?;
    let mut count = 0;
    for account in left.into_iter().filter(change::is_between) {
        let ended = match account.intent.kind.as_str() {
            // All of it is in its journal.
            change::UNDO => finish(ports.volume, lock, &account).map(|_| Ended::Finished)?,
            _ if recorded == Recorded::Leave && is_recorded(ports.volume, &account)? => continue,
            _ => roll_back(ports, lock, &account)?,
        };
        let word = if ended == Ended::Finished { "finished" } else { "taken back" };
        let kind = change::named(&account.intent.kind);
        let words = format!("{kind} of {} that was interrupted is {word}", lock.scope());
        ports.progress.note(&words);
        count += 1;
    }
    Ok(count)
}

fn is_recorded(volume: &Volume, account: &Account) -> Result<bool, Failure> {
    let change = change::of(account)?;
    Ok(release::load(volume, &change.release)?.is_some_and(|file| change.is_recorded(&file)))
}
