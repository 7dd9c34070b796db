//! Taking the lock that an operation needs, and telling who holds it meanwhile.

use crate::base::error::Failure;
use crate::base::name::Home;
use crate::ops::ports::Ports;
use crate::volume::lock::{Lock, LockError, LockWait, Requester, Scope, Waiting};
use std::ops::ControlFlow;
use std::time::Duration;

/// How often whoever waits is told for whom.
const TELL_EVERY: Duration = Duration::from_secs(30);

/// The right to change a release, or `quick/`; waits as the actor's patience says.
pub fn lock_home(ports: &Ports<'_>, home: &Home) -> Result<Lock, Failure> {
    lock(ports, Scope::from(home))
}

/// The same without waiting; `None` if somebody else has it.
pub fn try_lock_home(ports: &Ports<'_>, home: &Home) -> Result<Option<Lock>, Failure> {
    let scope = Scope::from(home);
    match Lock::acquire(ports.volume, scope, &requester(ports), LockWait::No, &mut |_| ControlFlow::Continue(())) {
        Ok(lock) => Ok(Some(lock)),
        Err(LockError::Held { .. } | LockError::Unreadable { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The right to change what `scope` covers.
pub fn lock(ports: &Ports<'_>, scope: Scope) -> Result<Lock, Failure> {
    let mut told: Option<Duration> = None;
    let mut tell = |waiting: &Waiting| {
        if told.is_none_or(|last| waiting.waited >= last + TELL_EVERY) {
            told = Some(waiting.waited);
            ports.progress.note(&describe(waiting));
        }
        if ports.progress.interrupted().is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let acquired = Lock::acquire(ports.volume, scope, &requester(ports), ports.actor.lock_wait, &mut tell);
    if acquired.is_err() {
        ports.go_on()?;
    }
    Ok(acquired?)
}

fn requester(ports: &Ports<'_>) -> Requester {
    Requester { user: ports.actor.user.clone(), command: ports.actor.command.clone() }
}

fn describe(waiting: &Waiting) -> String {
    match &waiting.holder {
        Some(holder) => format!(
            "waiting for the lock of {}: held by {} (process {} on {}, `{}`) since {}",
            waiting.scope, holder.user, holder.process.pid, holder.process.host, holder.command, holder.since
        ),
        None => format!("waiting for the lock of {}: its holder cannot be told", waiting.scope),
    }
}
