//! A process in a word that fits into a file's name, so that whoever finds the file can tell whether its maker still runs.

use super::identity::ProcessId;
use super::proc_table;
use crate::base::digest::Digest;
use std::sync::OnceLock;

/// The length of a tag: six hexadecimal digits each of the process id, of its host's boot, and of its start time.
pub const LENGTH: usize = 3 * PART;
const PART: usize = 6;
/// What six digits hold. A process id of Linux has 22 bits (`PID_MAX_LIMIT`); of the start time the low ones tell.
const MASK: u64 = 0xff_ffff;

/// This process's tag; `None` where the kernel does not tell who it is.
pub fn own() -> Option<&'static str> {
    static OWN: OnceLock<Option<String>> = OnceLock::new();
    OWN.get_or_init(|| ProcessId::this().ok().map(|me| of(&me))).as_deref()
}

/// Whether the process that bears `tag` is proved to have ended. A doubt, and every process of another host or another
/// boot, counts as alive.
pub fn has_ended(tag: &str) -> bool {
    let Some(own) = own().filter(|_| tag.len() == LENGTH && tag.is_ascii()) else { return false };
    let Ok(pid) = u32::from_str_radix(&tag[..PART], 16) else { return false };
    if tag[PART..2 * PART] != own[PART..2 * PART] {
        return false;
    }
    let is_it = |entry: &proc_table::Entry| entry.runs() && start(entry.start_time) == tag[2 * PART..];
    proc_table::entry(pid).is_ok_and(|found| !found.is_some_and(|entry| is_it(&entry)))
}

fn of(process: &ProcessId) -> String {
    let boot = Digest::of(format!("{}\n{}", process.host, process.boot_id).as_bytes()).to_string();
    format!("{:06x}{}{}", u64::from(process.pid) & MASK, &boot[..PART], start(process.start_time))
}

fn start(time: u64) -> String {
    format!("{:06x}", time & MASK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_dead_of_this_boot_have_ended() {
        let me = ProcessId::this().expect("/proc");
        assert_eq!(own(), Some(of(&me).as_str()));
        assert_eq!(of(&me).len(), LENGTH);
        assert!(!has_ended(&of(&me)));
        let later = ProcessId { start_time: me.start_time + 1, ..me.clone() };
        assert!(has_ended(&of(&later)), "its number was given to another process");
        let mut child = std::process::Command::new("true").spawn().expect("spawn");
        let theirs = ProcessId::of(child.id()).expect("/proc").map(|child| of(&child));
        child.wait().expect("wait");
        assert!(theirs.is_none_or(|tag| has_ended(&tag)));
        for elsewhere in
            [ProcessId { host: "elsewhere".into(), ..later.clone() }, ProcessId { boot_id: "another".into(), ..later }]
        {
            assert!(!has_ended(&of(&elsewhere)));
        }
        for odd in ["", "0123456789abcdef", "äääääääää", "zzzzzzzzzzzzzzzzzz"] {
            assert!(!has_ended(odd), "{odd}");
        }
    }
}
