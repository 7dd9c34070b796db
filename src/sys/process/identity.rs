//! Who a process is and which host this is, in a form that can be written down and compared later.

use super::proc_table::{self, Entry};
use crate::base::digest::Digest;
use serde::{Deserialize, Serialize};
use std::io;

/// One process of one boot of one host. A process id alone is used again; with its start time and the boot it is not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessId {
    /// The host's name, for messages.
    pub host: String,
    /// The kernel's id of this boot.
    pub boot_id: String,
    /// The process id.
    pub pid: u32,
    /// When it started, in the kernel's ticks since boot.
    pub start_time: u64,
}

/// Whether a process runs, as far as this one can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It runs, or `/proc` cannot be read, which proves nothing.
    Runs,
    /// It has ended.
    Ended,
    /// It cannot be seen from here: it is another host's, or of another process namespace (a container) of this one.
    Unseen,
}

impl ProcessId {
    /// This process.
    pub fn this() -> io::Result<Self> {
        Self::of(std::process::id())?.ok_or_else(|| io::Error::other("this process is not in /proc"))
    }

    /// This process; where `/proc` cannot be read, without its start time.
    pub fn current() -> Self {
        Self::this().unwrap_or_else(|_| ProcessId {
            host: host_name(),
            boot_id: boot_id().unwrap_or_default(),
            pid: std::process::id(),
            start_time: 0,
        })
    }

    /// Whether it runs or ran on this machine.
    pub fn is_of_this_host(&self) -> bool {
        self.host == host_name()
    }

    /// The process that has `pid` now; `None` if none runs.
    pub fn of(pid: u32) -> io::Result<Option<Self>> {
        let Some(entry) = proc_table::entry(pid)? else { return Ok(None) };
        Ok(Some(ProcessId { host: host_name(), boot_id: boot_id()?, pid, start_time: entry.start_time }))
    }

    /// Whether it still runs here: same host, same boot, same pid, same start time, not a zombie. A doubt (an unreadable `/proc`)
    /// counts as alive: whoever asks would take something away from it otherwise.
    pub fn is_alive(&self) -> bool {
        self.life() == Life::Runs
    }

    /// The same, told apart from what cannot be seen from here.
    pub fn life(&self) -> Life {
        let Ok(boot) = boot_id() else { return if self.is_of_this_host() { Life::Runs } else { Life::Unseen } };
        if !self.is_of_this_host() {
            return Life::Unseen;
        }
        if machine_boot(&boot) != machine_boot(&self.boot_id) {
            return Life::Ended;
        }
        if boot != self.boot_id {
            return Life::Unseen;
        }
        match proc_table::entry(self.pid) {
            Ok(Some(entry)) if self.is(&entry) => Life::Runs,
            Ok(Some(_)) => Life::Ended,
            // /proc may hide what other users run (hidepid): the kernel itself knows whether there is such a process.
            Ok(None) if !proc_table::exists(self.pid) => Life::Ended,
            Ok(None) | Err(_) => Life::Runs,
        }
    }

    /// Whether it is of this boot of this machine, in whichever process namespace.
    pub fn is_of_this_boot(&self) -> io::Result<bool> {
        Ok(machine_boot(&boot_id()?) == machine_boot(&self.boot_id))
    }

    /// Whether `entry`, read in this boot, is this very process and runs.
    pub(super) fn is(&self, entry: &Entry) -> bool {
        entry.pid == self.pid && entry.start_time == self.start_time && entry.runs()
    }
}

/// How many threads this process may run at once, at least 1.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// One host, by name and by the machine's own id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HostId {
    /// The host's name.
    pub name: String,
    /// A digest of the machine's id; empty where it has none (some containers). The id itself is confidential
    /// (machine-id(5)), so it is never written down.
    pub machine: String,
}

impl HostId {
    /// This host.
    pub fn this() -> Self {
        let id = ["/etc/machine-id", "/var/lib/dbus/machine-id"]
            .iter()
            .find_map(|path| std::fs::read_to_string(path).ok())
            .map(|text| text.trim().to_owned())
            .filter(|id| !id.is_empty());
        let machine = id.map(|id| Digest::of(format!("farm host {id}").as_bytes()).short()).unwrap_or_default();
        HostId { name: host_name(), machine }
    }
}

/// The number of the user that this process acts for.
pub fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The file of this very program, also where it was replaced since.
pub fn this_program() -> std::path::PathBuf {
    // What /proc has is the open file itself, whatever bears its name now.
    std::path::PathBuf::from("/proc/self/exe")
}

/// The login name of the user that this process acts for, as the system's lists of users have it; `None` for a number
/// without a name.
pub fn login_name() -> Option<String> {
    whoami::username().ok().filter(|name| !name.is_empty())
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The kernel's random id of this boot, with the number of the process namespace where that is not the machine's own:
/// in a container the processes beside it are not seen, and must not be taken for gone.
pub(super) fn boot_id() -> io::Result<String> {
    // The namespace is behind a `+`, which no boot's id has.
    const INITIAL_NAMESPACE: &str = "pid:[4026531836]";
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned();
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    Ok(match namespace.to_string_lossy().as_ref() {
        INITIAL_NAMESPACE | "" => boot,
        namespace => format!("{boot}+{namespace}"),
    })
}

/// The part of a boot's id that every process namespace of the machine shares.
fn machine_boot(boot: &str) -> &str {
    boot.split('+').next().unwrap_or(boot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_not_taken_for_ended() {
        let this = ProcessId::this().unwrap();
        let of_boot = |boot_id: String| ProcessId { boot_id, ..this.clone() };
        assert_eq!(this.life(), Life::Runs);
        assert_eq!(ProcessId { start_time: 0, ..this.clone() }.life(), Life::Ended);
        assert_eq!(of_boot("another boot".into()).life(), Life::Ended);
        assert_eq!(of_boot("another boot+pid:[7]".into()).life(), Life::Ended);
        let contained = of_boot(format!("{}+pid:[7]", machine_boot(&this.boot_id)));
        assert_eq!((contained.life(), contained.is_alive()), (Life::Unseen, false));
        assert!(contained.is_of_this_boot().unwrap());
        assert_eq!(ProcessId { host: "elsewhere".into(), ..this.clone() }.life(), Life::Unseen);
    }

    #[test]
    fn this_process_is_alive_and_its_doubles_are_not() {
        let this = ProcessId::this().unwrap();
        assert!(this.is_alive());
        assert!(!ProcessId { start_time: this.start_time + 1, ..this.clone() }.is_alive());
        assert!(!ProcessId { boot_id: "another boot".into(), ..this.clone() }.is_alive());
        let text = serde_json::to_string(&this).unwrap();
        assert_eq!(serde_json::from_str::<ProcessId>(&text).unwrap(), this);
        assert_eq!(HostId::this(), HostId::this());
    }

    #[test]
    fn the_login_name_is_that_of_the_list_of_users() {
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
        let listed = passwd.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            (fields.get(2) == Some(&user_id().to_string().as_str())).then(|| fields[0].to_owned())
        });
        assert!(listed.is_none() || login_name() == listed, "{listed:?} {:?}", login_name());
    }

    #[test]
    fn a_zombie_is_not_alive() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let id = ProcessId::of(child.id()).unwrap();
        for _ in 0..500 {
            if id.as_ref().is_none_or(|id| !id.is_alive()) {
                break;
            }
            crate::sys::clock::sleep(std::time::Duration::from_millis(10));
        }
        assert!(id.is_none_or(|id| !id.is_alive()));
        child.wait().unwrap();
    }
}
