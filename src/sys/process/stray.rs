//! Killing what is left of a renderer whose worker is gone.
//!
//! No process is hit by mistake: each is held by a pidfd first (pidfd_open(2)), then proved to belong to the renderer,
//! then signalled through that pidfd; a pid that is used again in between is not signalled.

use super::environment::mark_item;
use super::identity::{ProcessId, boot_id};
use super::proc_table::{self, Entry, Marked};
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
    /// Whether `entry` is one of its processes: it bears the mark, or is in the renderer's group.
    fn owns(&self, entry: &Entry) -> bool {
        entry.runs()
            && match proc_table::has_environment_item(entry.pid, &mark_item(&self.mark)) {
                Marked::Yes => true,
                Marked::No => self.leads(entry),
                Marked::Unreadable => self.is_of_its_group(entry),
            }
    }

    /// A group's number is only taken for the renderer's, and its processes killed, while its leader is proved to be
    /// the recorded one.
    fn leads(&self, entry: &Entry) -> bool {
        self.leader.as_ref().is_some_and(|leader| leader.pid == entry.group && leader.is_alive())
    }

    /// Of a process that hides its environment (a wrapper that changed its user) the group must do, also when the
    /// leader is gone: a group's number is not given away again while the group has members. If another process has the
    /// number, then the group was empty.
    fn is_of_its_group(&self, entry: &Entry) -> bool {
        let Some(leader) = self.leader.as_ref().filter(|leader| leader.pid == entry.group) else { return false };
        let is_given_away = || {
            let holder = proc_table::entry(leader.pid);
            holder.is_ok_and(|found| found.is_some_and(|found| found.start_time != leader.start_time))
        };
        boot_id().is_ok_and(|boot| boot == leader.boot_id) && entry.start_time >= leader.start_time && !is_given_away()
    }

    /// Whether it was started in an earlier boot, so that nothing of it can be left.
    fn is_of_another_boot(&self) -> io::Result<bool> {
        self.leader.as_ref().map_or(Ok(false), |leader| Ok(!leader.is_of_this_boot()?))
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

    const JUDGED: &str = "STRAY_JUDGED";

    /// Not a test of its own: with a renderer in the environment, this process finds that it cannot kill it.
    #[test]
    fn judge_entry() {
        let Ok(text) = std::env::var(JUDGED) else { return };
        let record: Recorded = serde_json::from_str(&text).unwrap();
        assert_eq!(left(&record).unwrap().len(), 1);
        assert!(kill(&record).unwrap_err().to_string().contains("cannot kill process"));
        let leader = record.leader.clone().unwrap();
        // No system gives out a number so high.
        let stranger = Recorded { leader: Some(ProcessId { pid: i32::MAX as u32, ..leader }), ..record };
        assert_eq!(left(&stranger).unwrap(), Vec::<u32>::new());
    }

    /// The renderer is another user's and its leader is gone. Only the superuser can start it, and must let go of its
    /// powers to be refused then.
    #[test]
    fn a_renderer_of_another_user_is_not_taken_for_gone() {
        let powerless = ["--bounding-set=-all", "--inh-caps=-all"];
        let can = Command::new("setpriv").args(powerless).arg("true").status().is_ok_and(|status| status.success());
        if crate::sys::process::identity::user_id() != 0 || !can {
            eprintln!("SKIPPED a_renderer_of_another_user_is_not_taken_for_gone: it needs the superuser and setpriv");
            return;
        }
        let mut command = Command::new("sh");
        command.args(["-c", "read go; sleep 60 & exit"]).uid(65534).process_group(0).stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let record = Recorded { mark: "hidden".into(), leader: ProcessId::of(child.id()).unwrap() };
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"\n").unwrap();
        child.wait().unwrap();
        let judge = Command::new("setpriv")
            .args(powerless)
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "sys::process::stray::tests::judge_entry"])
            .env(JUDGED, serde_json::to_string(&record).unwrap())
            .output()
            .unwrap();
        let group = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        rustix::process::kill_process_group(group, Signal::KILL).unwrap();
        let said = String::from_utf8_lossy(&judge.stdout);
        assert!(judge.status.success() && said.contains("1 passed"), "{said}");
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
