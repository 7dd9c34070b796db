//! Who holds a lock, what it covers, and when its owner counts as dead.

use crate::base::name::{Home, ReleaseName};
use crate::base::time::Timestamp;
use crate::sys::process::ProcessId;
use crate::sys::process::identity::user_id;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;
use uuid::Uuid;

/// So long after its last heartbeat the lock of another host is dead.
const DEAD_AFTER: Duration = Duration::from_secs(30 * 60);
/// So long after its last heartbeat the lock of an earlier start of a host of this name is dead. Not at once: two
/// machines may bear one name, and a live one would have shown itself by then.
const DEAD_AFTER_RESTART: Duration = Duration::from_secs(3 * 60);
/// Every lock file has this length at least, so that a heartbeat replaces it in one write.
const CONTENT: usize = 1023;
/// So many characters are written down of a name or a command.
const LONGEST: usize = 200;

/// What a lock covers. Scopes are apart from each other: who needs several takes them in this order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The volume as a whole: set-up, and what concerns every release.
    Volume,
    /// Cleanup: one runner per volume.
    Cleanup,
    /// `quick/`
    Quick,
    /// One release: its folders, its frames in `dist/`, its archive.
    Release(ReleaseName),
}

impl Scope {
    /// The file's name below `.farm/lock/`. Names that differ only in case are one release on some file systems.
    pub(super) fn file_name(&self) -> String {
        format!("{}.lock", self.stem())
    }

    /// Where the scope's last fence is kept.
    pub(super) fn fence_name(&self) -> String {
        format!("{}.fence", self.stem())
    }

    fn stem(&self) -> String {
        match self {
            Scope::Volume => "volume".to_owned(),
            Scope::Cleanup => "cleanup".to_owned(),
            Scope::Quick => "quick".to_owned(),
            Scope::Release(release) => format!("release-{}", release.folded()),
        }
    }
}

impl From<&Home> for Scope {
    fn from(home: &Home) -> Scope {
        match home {
            Home::Release(release) => Scope::Release(release.clone()),
            Home::Quick => Scope::Quick,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::Volume => f.write_str("the volume"),
            Scope::Cleanup => f.write_str("cleanup"),
            Scope::Quick => f.write_str("quick"),
            Scope::Release(release) => write!(f, "release {release}"),
        }
    }
}

/// Who asks for a lock, in words for whoever waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requester {
    /// The user's name.
    pub user: String,
    /// The command, as typed.
    pub command: String,
}

/// What a lock file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// This acquisition, told apart from every other.
    pub(super) token: Uuid,
    /// The process.
    #[serde(flatten)]
    pub process: ProcessId,
    /// The user's number.
    pub uid: u32,
    /// The user's name.
    pub user: String,
    /// The command.
    pub command: String,
    /// Since when.
    pub since: Timestamp,
    /// When the owner last said that it lives.
    pub heartbeat: Timestamp,
    /// The number of this acquisition; 0 for the moment in which it is not yet known.
    pub fence: u64,
}

/// Whether a lock's owner still counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Alive,
    Dead,
}

impl Holder {
    pub(super) fn new(requester: &Requester, process: ProcessId, now: Timestamp) -> Holder {
        Holder {
            token: Uuid::new_v4(),
            process,
            uid: user_id(),
            user: short(&requester.user),
            command: short(&requester.command),
            since: now,
            heartbeat: now,
            fence: 0,
        }
    }

    /// The file's bytes.
    pub(super) fn content(&self) -> Vec<u8> {
        let json = serde_json::to_string(self).expect("plain fields are JSON");
        format!("{json:<CONTENT$}\n").into_bytes()
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Holder> {
        serde_json::from_slice(bytes).ok()
    }

    /// Judges by the process where `me`, this process, can see it, else by the heartbeat. A heartbeat in the future
    /// (another host's clock) is fresh.
    pub(super) fn life(&self, me: &ProcessId, now: Timestamp) -> Life {
        let silent_for = |limit| if now.since(self.heartbeat) > limit { Life::Dead } else { Life::Alive };
        if self.process.host != me.host {
            return silent_for(DEAD_AFTER);
        }
        if self.process.boot_id != me.boot_id {
            return silent_for(DEAD_AFTER_RESTART);
        }
        if self.process.is_alive() { Life::Alive } else { Life::Dead }
    }
}

/// As many characters of a text as are written down of it.
fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ProcessId { host, pid, .. } = &self.process;
        write!(f, "{} on {host}, process {pid}, since {}: {}", self.user, self.since, self.command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(change: impl FnOnce(&mut ProcessId)) -> Holder {
        let ann = Requester { user: "ann".into(), command: "farm harvest release r1".into() };
        let mut holder = Holder::new(&ann, ProcessId::this().expect("/proc"), Timestamp::from_unix(0));
        change(&mut holder.process);
        holder
    }

    #[test]
    fn owners_die_by_process_or_silence() {
        let this = ProcessId::this().expect("/proc");
        let after = |holder: &Holder, minutes: i64| holder.life(&this, Timestamp::from_unix(minutes * 60));
        let me = holder(|_| {});
        assert_eq!(after(&me, 9999), Life::Alive, "a process that runs is alive however silent");
        assert_eq!(after(&holder(|p| p.start_time += 1), 0), Life::Dead);
        let restarted = holder(|p| p.boot_id = "before".into());
        assert_eq!((after(&restarted, 2), after(&restarted, 4)), (Life::Alive, Life::Dead));
        let other = holder(|p| p.host = "elsewhere".into());
        assert_eq!((after(&other, 29), after(&other, 31)), (Life::Alive, Life::Dead));
        assert_eq!(after(&other, -100), Life::Alive, "clocks differ");
    }

    #[test]
    fn every_content_has_one_length_and_reads_back() {
        let mut one = holder(|_| {});
        let length = one.content().len();
        one.fence = u64::MAX;
        one.heartbeat = Timestamp(jiff::Timestamp::MAX);
        assert_eq!(one.content().len(), length);
        assert_eq!(Holder::parse(&one.content()), Some(one));
        assert_eq!(Holder::parse(b"{}"), None);
    }

    #[test]
    fn a_long_command_shows_that_it_is_cut() {
        assert_eq!(short("farm plan"), "farm plan");
        assert_eq!(short(&"é".repeat(LONGEST)), "é".repeat(LONGEST));
        assert_eq!(short(&"é".repeat(LONGEST + 1)), format!("{}…", "é".repeat(LONGEST)));
    }

    #[test]
    fn scopes_have_files_of_their_own() {
        let release = |name: &str| Scope::Release(name.parse().expect("valid"));
        assert_eq!(release("Volume").file_name(), "release-volume.lock");
        assert_eq!(release("R1"), release("R1"));
        assert_eq!(release("R1").file_name(), release("r1").file_name());
        assert_ne!(Scope::Volume.file_name(), release("volume").file_name());
        assert_ne!(release("a").fence_name(), release("a.fence").file_name());
    }
}
