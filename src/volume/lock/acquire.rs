//! Taking a lock: free, from the dead, or after waiting.

use super::error::LockError;
use super::holder::{Holder, Life, Requester, Scope};
use crate::sys::clock;
use crate::sys::disk::{Dir, DiskError, LockFile};
use crate::sys::process::ProcessId;
use std::ops::ControlFlow;
use std::time::Duration;

/// Between two looks at a lock that is held.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// After losing a race for it.
const RACE_PAUSE: Duration = Duration::from_millis(10);

/// How long to wait for a lock that somebody holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockWait {
    /// Not at all.
    No,
    /// So long.
    For(Duration),
    /// Until it is free.
    Forever,
}

/// What is being waited for.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The lock.
    pub scope: Scope,
    /// Who holds it; `None` if its file cannot be read.
    pub holder: Option<Holder>,
    /// How long it has been waited for.
    pub waited: Duration,
}

/// One look at the lock.
enum Look {
    Ours(LockFile, Holder),
    Held(Option<Holder>),
    /// It changed while it was looked at.
    Moving,
}

pub(super) fn acquire(
    folder: &Dir,
    scope: &Scope,
    requester: &Requester,
    wait: LockWait,
    on_wait: &mut dyn FnMut(&Waiting) -> ControlFlow<()>,
) -> Result<(LockFile, Holder), LockError> {
    let me = ProcessId::this().map_err(|source| DiskError::Io { op: "read", path: "/proc/self".into(), source })?;
    let mut waited = Duration::ZERO;
    loop {
        let mine = Holder::new(requester, me.clone(), clock::now());
        let pause = match look(folder, scope, mine)? {
            Look::Ours(file, holder) => return number(folder, scope, file, holder),
            Look::Moving => RACE_PAUSE,
            Look::Held(holder) => {
                let waiting = Waiting { scope: scope.clone(), holder, waited };
                if is_over(wait, waited) || on_wait(&waiting).is_break() {
                    return Err(held(folder, scope, waiting.holder));
                }
                LOOK_AGAIN
            }
        };
        clock::sleep(pause);
        waited += pause;
    }
}

fn is_over(wait: LockWait, waited: Duration) -> bool {
    match wait {
        LockWait::No => true,
        LockWait::For(limit) => waited >= limit,
        LockWait::Forever => false,
    }
}

fn held(folder: &Dir, scope: &Scope, holder: Option<Holder>) -> LockError {
    let scope = scope.clone();
    match holder {
        Some(holder) => LockError::Held { scope, holder: Box::new(holder) },
        None => LockError::Unreadable { path: folder.path_of(scope.file_name()), scope },
    }
}

fn look(folder: &Dir, scope: &Scope, mut mine: Holder) -> Result<Look, LockError> {
    let name = scope.file_name();
    let Some(found) = LockFile::read(folder, &name)? else {
        let placed = LockFile::place(folder, &name, &mine.content())?;
        return Ok(placed.map_or(Look::Moving, |file| Look::Ours(file, mine)));
    };
    let Some(theirs) = Holder::parse(&found) else { return Ok(Look::Held(None)) };
    match theirs.life(&mine.process, mine.since) {
        Life::Alive => Ok(Look::Held(Some(theirs))),
        Life::Dead => {
            // Carried along, so that the number rises even if the dead one never wrote its own down.
            mine.fence = theirs.fence;
            let taken = LockFile::take_over(folder, &name, &found, &mine.content())?;
            Ok(taken.map_or(Look::Moving, |file| Look::Ours(file, mine)))
        }
    }
}

/// Gives the acquisition its number. The lock is held by now, so nobody else counts in this scope.
fn number(folder: &Dir, scope: &Scope, file: LockFile, mut holder: Holder) -> Result<(LockFile, Holder), LockError> {
    let content = holder.content();
    let numbered = next_fence(folder, scope, holder.fence).and_then(|fence| {
        holder.fence = fence;
        Ok(file.rewrite(&holder.content())?)
    });
    match numbered {
        Ok(()) => Ok((file, holder)),
        Err(error) => {
            // The number may have come into the file though its writing failed. What cannot be given back is found dead
            // once this process is gone.
            if !file.release(&content).unwrap_or(false) {
                let _ = file.release(&holder.content());
            }
            Err(error)
        }
    }
}

fn next_fence(folder: &Dir, scope: &Scope, inherited: u64) -> Result<u64, LockError> {
    let name = scope.fence_name();
    let unreadable = || LockError::Fence { path: folder.path_of(&name) };
    let last: u64 = match folder.read(&name, 64)? {
        None => 0,
        Some(bytes) => String::from_utf8_lossy(&bytes).trim().parse().map_err(|_| unreadable())?,
    };
    let next = last.max(inherited).checked_add(1).ok_or_else(unreadable)?;
    folder.write(&name, format!("{next}\n").as_bytes())?;
    Ok(next)
}
