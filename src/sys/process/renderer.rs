//! Running a renderer: in its own process group, with its own temporary folder, watched and stoppable.
//!
//! Invariant: the thread that starts a renderer stays in [`run`] until it ended, for the kernel kills the renderer when
//! *that thread* ends (prctl(2), PR_SET_PDEATHSIG), not only when the process does.

use super::environment::{MARK, inherited};
use super::guard::Guard;
use super::identity::ProcessId;
use super::stray::{self, Recorded};
use crate::sys::clock::{self, Stopwatch};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::ffi::{OsStr, OsString};
use std::io::{self, PipeReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

/// How often [`Watch::may_go_on`] is asked while a renderer runs.
const CHECK_EVERY: Duration = Duration::from_millis(500);
/// How long a renderer may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);
/// How long output may still come after the renderer's end.
const DRAIN_WITHIN: Duration = Duration::from_secs(1);
/// The longest piece of output that waits for the end of its line.
const MAX_LINE: usize = 64 * 1024;

/// What is to be run.
#[derive(Debug)]
pub struct Launch<'a> {
    /// Through which it is started.
    pub guard: &'a Guard,
    /// The program: a path, or a name that `PATH` has.
    pub program: &'a OsStr,
    /// Its arguments.
    pub arguments: &'a [OsString],
    /// Marks its processes, so that they can be found without their worker.
    pub mark: &'a str,
    /// Its private folder for temporary files.
    pub scratch: &'a Path,
}

/// What a renderer's watcher is told and asked.
pub trait Watch {
    /// It was started but waits for leave. An error denies it: the program is never run.
    fn started(&mut self, leader: &ProcessId) -> io::Result<()>;
    /// It wrote this to standard output or standard error: whole lines, or a piece of a very long one.
    fn output(&mut self, bytes: &[u8]);
    /// Whether it may go on; asked about twice a second. `false` kills it.
    fn may_go_on(&mut self) -> bool;
}

/// How a renderer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// With exit code 0.
    Succeeded,
    /// With another exit code.
    Failed(i32),
    /// By a signal that its watcher did not send.
    Killed(i32),
    /// By us, because [`Watch::may_go_on`] said no.
    Stopped,
}

/// Runs a program to its end. When this returns, no process of it is left.
pub fn run(launch: &Launch<'_>, watch: &mut dyn Watch) -> io::Result<Ending> {
    let (mut child, output) = start(launch)?;
    let leader = match admit(&mut child, watch) {
        Ok(leader) => leader,
        // The gate is shut by dropping it: the guard ends by itself.
        Err(error) => return child.wait().and(Err(error)),
    };
    let record = Recorded { mark: launch.mark.to_owned(), leader: Some(leader) };
    let mut running = Running { group: Pid::from_child(&child), child, record, is_reaped: false, output, watch };
    let followed = running.follow();
    if !matches!(followed, Ok(false)) {
        running.terminate()?;
    }
    let status = running.end()?;
    running.drain();
    Ok(if followed? { Ending::Stopped } else { ending(status) })
}

/// Starts the guard, and a thread that reads what it and its children write.
fn start(launch: &Launch<'_>) -> io::Result<(Child, Receiver<Vec<u8>>)> {
    let (reader, writer) = io::pipe()?;
    let mut command = launch.guard.command(launch.program, launch.arguments);
    command.env_clear().envs(inherited()).env(MARK, launch.mark);
    for name in ["TMPDIR", "TMP", "TEMP"] {
        command.env(name, launch.scratch);
    }
    command.stdin(Stdio::piped()).stdout(writer.try_clone()?).stderr(writer).process_group(0);
    let child = command.spawn()?;
    // The command holds the pipe's other end: without it the reader sees the end when the last renderer process goes.
    drop(command);
    let (sender, output) = bounded(16);
    std::thread::Builder::new().name("renderer output".into()).spawn(move || read_lines(reader, &sender))?;
    Ok((child, output))
}

/// Records the child and gives it leave. Its pid cannot be another's: it is not waited for yet.
fn admit(child: &mut Child, watch: &mut dyn Watch) -> io::Result<ProcessId> {
    let gate = child.stdin.take();
    let leader = ProcessId::of(child.id())?.ok_or_else(|| io::Error::other("the renderer is not in /proc"))?;
    watch.started(&leader)?;
    if let Some(mut gate) = gate {
        match gate.write_all(b"\n") {
            // It died already; its exit code says more than this error.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            other => other?,
        }
    }
    Ok(leader)
}

struct Running<'a> {
    child: Child,
    group: Pid,
    record: Recorded,
    /// Whether the leader was waited for, so that its group's number may be another's now.
    is_reaped: bool,
    output: Receiver<Vec<u8>>,
    watch: &'a mut dyn Watch,
}

impl Running<'_> {
    /// Hands output on until the leader ended (`false`) or may not go on (`true`).
    fn follow(&mut self) -> io::Result<bool> {
        let mut asked = Stopwatch::start();
        let mut closed = Duration::from_millis(1);
        loop {
            match self.output.recv_timeout(CHECK_EVERY / 4) {
                Ok(bytes) => self.watch.output(&bytes),
                Err(RecvTimeoutError::Timeout) => {}
                // The end of the output is most often the end of the renderer: look closely, then less and less.
                Err(RecvTimeoutError::Disconnected) => {
                    clock::sleep(closed);
                    closed = (closed * 2).min(CHECK_EVERY / 4);
                }
            }
            if self.has_ended()? {
                return Ok(false);
            }
            if asked.has_passed(CHECK_EVERY) {
                if !self.watch.may_go_on() {
                    return Ok(true);
                }
                asked = Stopwatch::start();
            }
        }
    }

    /// Whether the leader ended. It is not reaped, so the group's number stays its own.
    fn has_ended(&self) -> io::Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(self.group), options) {
            Ok(status) => Ok(status.is_some()),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// SIGTERM to the whole group, and a short grace.
    fn terminate(&mut self) -> io::Result<()> {
        self.signal(Signal::TERM)?;
        let watch = Stopwatch::start();
        while !self.has_ended()? && !watch.has_passed(GRACE) {
            if let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(20)) {
                self.watch.output(&bytes);
            }
        }
        Ok(())
    }

    /// Leaves nothing of it: kills what remains of the group, reaps the leader, kills what left the group.
    fn end(&mut self) -> io::Result<ExitStatus> {
        self.signal(Signal::KILL)?;
        let status = self.child.wait()?;
        self.is_reaped = true;
        stray::kill(&self.record)?;
        Ok(status)
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        match kill_process_group(self.group, signal) {
            Err(Errno::SRCH) => Ok(()),
            other => other.map_err(Into::into),
        }
    }

    /// Hands on what was written before the end; not for ever, for a process that shed its mark may go on writing.
    fn drain(&mut self) {
        let watch = Stopwatch::start();
        while let Ok(bytes) = self.output.recv_timeout(DRAIN_WITHIN.saturating_sub(watch.elapsed())) {
            self.watch.output(&bytes);
            if watch.has_passed(DRAIN_WITHIN) {
                return;
            }
        }
    }
}

impl Drop for Running<'_> {
    /// Also a panic of the watcher, or an error on the way, leaves nothing of the renderer.
    fn drop(&mut self) {
        if !self.is_reaped {
            let _ = self.end();
        }
    }
}

fn ending(status: ExitStatus) -> Ending {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ending::Succeeded,
        (Some(code), _) => Ending::Failed(code),
        (None, signal) => Ending::Killed(signal.unwrap_or_default()),
    }
}

/// Sends on what `reader` gives, cut after line ends. Ends with the output, or when nobody listens any more.
fn read_lines(mut reader: PipeReader, sender: &Sender<Vec<u8>>) {
    let mut pending = Vec::new();
    let mut buffer = vec![0; MAX_LINE];
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => 0,
        };
        pending.extend_from_slice(&buffer[..count]);
        let ready = if count == 0 { pending.len() } else { whole_lines(&pending) };
        let rest = pending.split_off(ready);
        let lines = std::mem::replace(&mut pending, rest);
        if (!lines.is_empty() && sender.send(lines).is_err()) || count == 0 {
            return;
        }
    }
}

/// How many of `bytes` can be handed on: up to the last line end, or all of them if one line grows too long.
fn whole_lines(bytes: &[u8]) -> usize {
    match bytes.iter().rposition(|byte| *byte == b'\n') {
        Some(at) => at + 1,
        None if bytes.len() >= MAX_LINE => bytes.len(),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process::exec_guarded;
    use crate::sys::process::scratch::Scratch;
    use proptest::prelude::*;

    /// Not a test of its own: this executable is the guard of those below, started with this test's name as filter.
    #[test]
    fn guard_entry() {
        let arguments: Vec<OsString> = std::env::args_os().collect();
        let Some(at) = arguments.iter().position(|word| word == "guard-entry-arguments") else { return };
        let (code, message) = exec_guarded(arguments[at + 1..].iter().cloned());
        eprintln!("{message}");
        #[expect(clippy::disallowed_methods, reason = "this process is a guard, not a test")]
        std::process::exit(i32::from(code));
    }

    fn guard() -> Guard {
        let prefix = ["--exact", "sys::process::renderer::tests::guard_entry", "--nocapture", "guard-entry-arguments"];
        Guard::with_prefix(std::env::current_exe().unwrap(), prefix)
    }

    #[derive(Default)]
    struct Seen {
        text: Vec<u8>,
        leader: Option<ProcessId>,
        refuse: bool,
        stop_at: Option<&'static str>,
        panic: bool,
    }

    impl Watch for Seen {
        fn started(&mut self, leader: &ProcessId) -> io::Result<()> {
            self.leader = Some(leader.clone());
            if self.refuse { Err(io::Error::other("no leave")) } else { Ok(()) }
        }
        fn output(&mut self, bytes: &[u8]) {
            assert!(!self.panic, "as the test wants it");
            self.text.extend_from_slice(bytes);
        }
        fn may_go_on(&mut self) -> bool {
            self.stop_at.is_none_or(|word| !self.text.windows(word.len()).any(|part| part == word.as_bytes()))
        }
    }

    fn run_script(script: &str, seen: &mut Seen) -> (io::Result<Ending>, Vec<u32>) {
        let base = tempfile::tempdir().unwrap();
        let mark = format!("renderer-{}-{:p}", std::process::id(), seen);
        let scratch = Scratch::create(base.path(), &mark).unwrap();
        let arguments = ["-c".into(), script.into()];
        let guard = guard();
        let launch = Launch {
            guard: &guard,
            program: OsStr::new("sh"),
            arguments: &arguments,
            mark: &mark,
            scratch: scratch.path(),
        };
        let ending = run(&launch, seen);
        let left = stray::left(&Recorded { mark: mark.clone(), leader: seen.leader.clone() }).unwrap();
        (ending, left)
    }

    #[test]
    fn output_of_both_streams_comes_in_order_and_the_exit_code_with_it() {
        let mut seen = Seen::default();
        let (ending, left) = run_script("echo one; echo two >&2; printf three; exit 3", &mut seen);
        assert_eq!(ending.unwrap(), Ending::Failed(3));
        assert!(String::from_utf8_lossy(&seen.text).ends_with("one\ntwo\nthree"), "{:?}", seen.text);
        assert_eq!(left, Vec::<u32>::new());
    }

    #[test]
    fn the_environment_has_a_private_folder_and_no_secret_of_farm() {
        let mut seen = Seen::default();
        let (ending, _) = run_script("test -d \"$TMPDIR\" && test \"$TMPDIR\" = \"$TMP\" && env; cat", &mut seen);
        assert_eq!(ending.unwrap(), Ending::Succeeded);
        let text = String::from_utf8_lossy(&seen.text).into_owned();
        assert!(text.contains("PATH="), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("FARM_")).count(), 1, "{text}");
    }

    #[test]
    fn a_stopped_renderer_is_killed_whole_though_it_ignores_the_request() {
        let mut seen = Seen { stop_at: Some("ready"), ..Seen::default() };
        let watch = Stopwatch::start();
        let script = "trap '' TERM; sh -c 'trap \"\" TERM; sleep 60' & setsid sleep 60 & echo ready; wait; sleep 60";
        let (ending, left) = run_script(script, &mut seen);
        assert_eq!(ending.unwrap(), Ending::Stopped);
        assert_eq!(left, Vec::<u32>::new());
        assert!(!watch.has_passed(Duration::from_secs(15)));
    }

    #[test]
    fn what_the_leader_leaves_behind_does_not_outlive_it() {
        let mut seen = Seen::default();
        let (ending, left) = run_script("sleep 60 & setsid sleep 60 >/dev/null 2>&1 & sleep 0.1; exit 0", &mut seen);
        assert_eq!(ending.unwrap(), Ending::Succeeded);
        assert_eq!(left, Vec::<u32>::new());
    }

    #[test]
    fn a_watcher_that_panics_leaves_no_renderer() {
        let base = tempfile::tempdir().unwrap();
        let mark = format!("panic-{}", std::process::id());
        let outcome = std::panic::catch_unwind(|| {
            let guard = guard();
            let arguments = ["-c".into(), "echo go; setsid sleep 60 & sleep 60".into()];
            let program = OsStr::new("sh");
            let launch = Launch { guard: &guard, program, arguments: &arguments, mark: &mark, scratch: base.path() };
            run(&launch, &mut Seen { panic: true, ..Seen::default() })
        });
        assert!(outcome.is_err());
        assert_eq!(stray::left(&Recorded { mark, leader: None }).unwrap(), Vec::<u32>::new());
    }

    #[test]
    fn without_leave_nothing_is_run() {
        let mut seen = Seen { refuse: true, ..Seen::default() };
        let (ending, left) = run_script("echo ran", &mut seen);
        assert_eq!(ending.unwrap_err().to_string(), "no leave");
        assert_eq!(left, Vec::<u32>::new());
        assert!(seen.text.is_empty());
    }

    #[test]
    fn a_foreign_signal_and_a_missing_program_are_told_apart() {
        let (ending, _) = run_script("kill -9 $$", &mut Seen::default());
        assert_eq!(ending.unwrap(), Ending::Killed(9));
        let (ending, _) = run_script("exec /no/such/renderer", &mut Seen::default());
        assert_eq!(ending.unwrap(), Ending::Failed(127));
    }

    #[test]
    fn closed_output_is_not_taken_for_the_end() {
        let mut seen = Seen::default();
        let (ending, _) = run_script("exec >&- 2>&-; sleep 0.4; exit 5", &mut seen);
        assert_eq!(ending.unwrap(), Ending::Failed(5));
    }

    proptest! {
        #[test]
        fn lines_lose_no_byte(pieces in proptest::collection::vec("[a\n]{0,20}", 0..20)) {
            let (reader, mut writer) = io::pipe().unwrap();
            let (sender, lines) = bounded(1000);
            let all: String = pieces.concat();
            for piece in &pieces {
                writer.write_all(piece.as_bytes()).unwrap();
            }
            drop(writer);
            read_lines(reader, &sender);
            drop(sender);
            let got: Vec<u8> = lines.iter().flatten().collect();
            prop_assert_eq!(got, all.as_bytes());
        }
    }
}
