//! What was begun on the volume and did not come to its end, because its process is gone.

use crate::base::error::Failure;
use crate::base::name::Home;
use crate::base::time::Timestamp;
use crate::ops::change;
use crate::volume::Volume;
use crate::volume::journal::{self, Account};
use crate::volume::lock::{self, Standing};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// A change of a release that nobody is at any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interruption {
    /// The release.
    pub release: Home,
    /// What was begun: `plan`, `harvest`…
    pub kind: String,
    /// When.
    pub since: Timestamp,
    /// The process that was last at it.
    pub pid: u32,
    /// Its machine.
    pub host: String,
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Interruption { kind, since, pid, host, .. } = self;
        let kind = change::named(kind);
        write!(f, "{kind} of it was begun {since} by process {pid} on {host}, and did not come to its end")
    }
}

/// What is known of changes that were begun.
#[derive(Debug, Default)]
pub struct Interruptions {
    /// Those that nobody is at any more, oldest first.
    pub found: Vec<Interruption>,
    /// Journals that cannot be read, one line each.
    pub unreadable: Vec<String>,
}

impl Interruptions {
    /// Looks at the volume's journals, and at the locks of those whose process is gone.
    pub fn of(volume: &Volume) -> Result<Interruptions, Failure> {
        let journals = journal::survey(volume)?;
        let unreadable = journals.unreadable.iter().map(|one| one.error.to_string()).collect();
        let found = left(volume, &journals.unfinished)?.into_iter().filter_map(interruption).collect();
        Ok(Interruptions { found, unreadable })
    }

    /// The first of this release.
    pub fn of_release(&self, name: &str) -> Option<&Interruption> {
        self.found.iter().find(|one| one.release.as_str() == name)
    }
}

/// Those of `unfinished` that nobody is at. A process of another machine cannot be seen from here: a lock that it keeps
/// alive speaks for it.
pub fn left<'a>(volume: &Volume, unfinished: &'a [Account]) -> Result<Vec<&'a Account>, Failure> {
    let mut left: Vec<&Account> = unfinished.iter().filter(|account| !account.owner.is_alive()).collect();
    if !left.is_empty() {
        let standing = lock::standing(volume)?;
        left.retain(|account| !standing.iter().any(|lock| is_held(lock, &account.intent.scope)));
        // One that ended between the look at its journal and that at its process was not interrupted.
        let still: BTreeSet<_> = journal::survey(volume)?.unfinished.iter().map(|account| account.intent.id).collect();
        left.retain(|account| still.contains(&account.intent.id));
    }
    Ok(left)
}

/// Locks are named without regard to case.
fn is_held(lock: &Standing, scope: &str) -> bool {
    let same = lock.scope.as_ref().is_some_and(|held| held.to_string().to_lowercase() == scope.to_lowercase());
    same && !lock.is_stale()
}

fn interruption(account: &Account) -> Option<Interruption> {
    let release = account.intent.scope.strip_prefix("release ")?.parse().ok()?;
    let Account { intent, owner, .. } = account;
    Some(Interruption {
        release,
        kind: intent.kind.clone(),
        since: intent.at,
        pid: owner.pid,
        host: owner.host.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::Class;
    use crate::ops::check::Effort;
    use crate::ops::check::room::Room;
    use crate::ops::listing;
    use crate::ops::status::{find, survey};
    use crate::query::{Query, Subject};
    use crate::volume::journal::Journal;
    use crate::volume::lock::{Lock, LockWait, Requester, Scope};
    use std::ops::ControlFlow;

    fn lock(room: &Room, release: &str) -> Lock {
        let requester = Requester { user: "bob".into(), command: "farm plan release".into() };
        let scope = Scope::Release(release.parse().expect("name"));
        Lock::acquire(&room.volume, scope, &requester, LockWait::No, &mut |_| ControlFlow::Continue(())).expect("free")
    }

    /// Leaves the journal of a process that is gone: nobody has its start time.
    fn killed(room: &Room, release: &str, kind: &str, host: Option<&str>) {
        let lock = lock(room, release);
        drop(Journal::begin(&room.volume, &lock, kind, &()).expect("begin"));
        for (path, bytes) in room.tree(".farm/journal") {
            let text = String::from_utf8(bytes).expect("text").replace("\"start_time\":", "\"start_time\":1");
            let this = format!("\"host\":\"{}\"", crate::sys::process::HostId::this().name);
            let text = host.map_or(text.clone(), |host| text.replace(&this, &format!("\"host\":\"{host}\"")));
            room.put(&path, text.as_bytes());
        }
    }

    #[test]
    fn what_a_killed_process_left_is_told_of_with_its_release() {
        let room = Room::rendered(&[("A", "1-2")]);
        killed(&room, "r1", "harvest", None);
        killed(&room, "r2", "plan", None);
        killed(&room, "r4", "undo", None);
        let everything = Query::everything(Subject::Jobs);
        let all = listing::status_of(&room.ports(), &everything, Effort::Trust).expect("status").interrupted;
        let names: Vec<String> = all.iter().map(|one| format!("{} {}", one.kind, one.release)).collect();
        assert_eq!(names, ["harvest r1", "plan r2", "undo r4"]);
        assert!(all[2].to_string().starts_with("an undo of it was begun"), "{}", all[2]);
        assert_eq!(survey(&room.ports(), "r1", Effort::Trust).expect("status").interrupted.len(), 1);
        let glob = Query::parse(Subject::Jobs, "r*", &Default::default()).expect("a query");
        assert_eq!(listing::status_of(&room.ports(), &glob, Effort::Trust).expect("status").interrupted.len(), 1);
        let named = Query::parse(Subject::Jobs, "r2 -status:failed", &Default::default()).expect("a query");
        let failure = listing::status_of(&room.ports(), &named, Effort::Trust).expect_err("not planned");
        assert!(failure.message().contains("a plan of it was begun"), "{failure}");
        let failure = find(&room.volume, "r2").expect_err("not planned");
        assert_eq!(failure.class(), Class::NoMatch);
        assert!(failure.message().contains("a plan of it was begun"), "{failure}");
        assert!(failure.hint().is_some_and(|hint| hint.contains("farm recover")), "{:?}", failure.hint());
    }

    #[test]
    fn who_is_still_at_it_was_not_interrupted() {
        let room = Room::rendered(&[("A", "1-2")]);
        let held = lock(&room, "r1");
        let journal = Journal::begin(&room.volume, &held, "harvest", &()).expect("begin");
        assert!(Interruptions::of(&room.volume).expect("look").found.is_empty());
        drop(journal);
        drop(held);
        // Of another machine only the lock is seen.
        killed(&room, "r3", "plan", Some("render09"));
        let is_told = || Interruptions::of(&room.volume).expect("look").of_release("r3").is_some();
        assert!(is_told());
        let held = lock(&room, "r3");
        assert!(!is_told());
        drop(held);
    }
}
