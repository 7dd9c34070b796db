//! Killing what is left of a renderer whose worker is gone.
//!
//! No process is hit by mistake: each is held by a pidfd first (pidfd_open(2)), then proved to belong to the renderer,
//! then signalled through that pidfd; a pid that is used again in between is not signalled.

use super::environment::mark_item;
use super::identity::{ProcessId, boot_id};
use super::proc_table::{self, Entry};
use crate::sys::clock::{self, Stopwatch};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use std::io;
use std::time::Duration;

/// How long killed processes may take to be gone; one in uninterruptible sleep takes as long as its disk.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// A renderer as a queue records it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// The attempt's mark, in the environment of all its processes.
    pub mark: String,
    /// The leader of its process group; `None` if it was not started yet when last recorded.
    pub leader: Option<ProcessId>,
}

impl Recorded {
    /// Whether `entry` is one of its processes: it bears the mark, or is in the group of the living leader.
    fn owns(&self, entry: &Entry) -> bool {
        entry.runs() && (proc_table::has_environment_item(entry.pid, &mark_item(&self.mark)) || self.leads(entry))
    }

    /// A group's number is only taken for the renderer's while its leader is proved to be the recorded one.
    fn leads(&self, entry: &Entry) -> bool {
        self.leader.as_ref().is_some_and(|leader| leader.pid == entry.group && leader.is_alive())
    }

    /// Whether it was started in an earlier boot, so that nothing of it can be left.
    fn is_of_another_boot(&self) -> io::Result<bool> {
        let boot = boot_id()?;
        Ok(self.leader.as_ref().is_some_and(|leader| leader.boot_id != boot))
    }
}

/// The processes that are left of `renderer`.
pub fn left(renderer: &Recorded) -> io::Result<Vec<u32>> {
    if renderer.is_of_another_boot()? {
        return Ok(Vec::new());
    }
    let me = std::process::id();
    let entries = proc_table::entries()?;
    Ok(entries.into_iter().filter(|entry| entry.pid != me && renderer.owns(entry)).map(|entry| entry.pid).collect())
}

/// Kills all that is left of `renderer` and waits until it is gone. Returns how many processes were killed.
///
/// An error means that something of it may still run: one that belongs to another user, or that waits for its disk.
pub fn kill(renderer: &Recorded) -> io::Result<usize> {
    let watch = Stopwatch::start();
    let mut killed = std::collections::BTreeSet::new();
    loop {
        let pids = left(renderer)?;
        if pids.is_empty() {
            return Ok(killed.len());
        }
        for pid in &pids {
            if kill_one(renderer, *pid)? {
                killed.insert(*pid);
            }
        }
        if watch.has_passed(GONE_WITHIN) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("process {} does not end", pids[0])));
        }
        clock::sleep(Duration::from_millis(5));
    }
}

/// Whether a process of `renderer` with this pid was signalled.
fn kill_one(renderer: &Recorded, pid: u32) -> io::Result<bool> {
    let Some(number) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(false) };
    let held = match pidfd_open(number, PidfdFlags::empty()) {
        Ok(held) => held,
        Err(Errno::SRCH) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    if !proc_table::entry(pid)?.is_some_and(|entry| renderer.owns(&entry)) {
        return Ok(false);
    }
    match pidfd_send_signal(&held, Signal::KILL) {
        Ok(()) => Ok(true),
        Err(Errno::SRCH) => Ok(false),
        Err(error) => Err(io::Error::new(
            io::Error::from(error).kind(),
            format!("cannot kill process {pid} of the renderer: {error}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process::environment::MARK;
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command, Stdio};

    fn start(script: &str, mark: &str) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", script]).env(MARK, mark).process_group(0).stdin(Stdio::null());
        command.spawn().unwrap()
    }

    #[test]
    fn grandchildren_die_too_even_in_a_session_of_their_own() {
        let mark = format!("stray-{}", std::process::id());
        let mut child = start("setsid sleep 60 & sleep 60 & wait", &mark);
        let record = Recorded { mark: mark.clone(), leader: ProcessId::of(child.id()).unwrap() };
        while left(&record).unwrap().len() < 3 {
            clock::sleep(Duration::from_millis(5));
        }
        assert_eq!(kill(&record).unwrap(), 3);
        assert_eq!(left(&record).unwrap(), Vec::<u32>::new());
        child.wait().unwrap();
    }

    #[test]
    fn a_reused_pid_is_not_hit() {
        let mut child = start("sleep 60", "somebody else");
        let mut leader = ProcessId::of(child.id()).unwrap().unwrap();
        leader.start_time -= 1;
        let earlier = Recorded { mark: "no such mark".into(), leader: Some(leader.clone()) };
        assert_eq!(kill(&earlier).unwrap(), 0);
        leader.boot_id = "an earlier boot".into();
        assert_eq!(kill(&Recorded { mark: "somebody else".into(), leader: Some(leader) }).unwrap(), 0);
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
