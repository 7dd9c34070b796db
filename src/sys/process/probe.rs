//! Asking a program something short, such as its version: bounded in time and output, and it leaves nothing running.

use super::environment::inherited;
use crate::sys::clock::{self, Stopwatch};
use crate::sys::interrupt;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// The most that is kept of each of the two outputs, in bytes; the rest is read and forgotten.
const MAX_OUTPUT: u64 = 64 << 10;
/// How often a running program is looked at.
const TICK: Duration = Duration::from_millis(5);
/// How long output may still come once the program has ended: a child of its own may hold the pipe.
const TAIL: Duration = Duration::from_millis(500);

/// What a program said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// The beginning of its standard output.
    pub out: String,
    /// The beginning of its standard error.
    pub err: String,
}

/// Runs `program` with an empty input and waits at most `limit`; then it is killed with all of its process group and
/// the error is [`io::ErrorKind::TimedOut`], or [`io::ErrorKind::Interrupted`] where somebody asked farm to end.
pub fn ask(program: &str, arguments: &[&str], limit: Duration) -> io::Result<Said> {
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(inherited())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let out = child.stdout.take().map(collect);
    let err = child.stderr.take().map(collect);
    let status = wait(&mut child, limit)?;
    let text = |output: Option<mpsc::Receiver<Vec<u8>>>| {
        let bytes = output.and_then(|bytes| bytes.recv_timeout(TAIL).ok()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    Ok(Said { code: status.code(), out: text(out), err: text(err) })
}

fn wait(child: &mut Child, limit: Duration) -> io::Result<ExitStatus> {
    let watch = Stopwatch::start();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if watch.has_passed(limit) {
            end(child)?;
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", limit.as_secs())));
        }
        if interrupt::asked() {
            end(child)?;
            return Err(io::Error::new(io::ErrorKind::Interrupted, "interrupted"));
        }
        clock::sleep(TICK);
    }
}

/// The child is not waited for yet, so its group's number is still its own.
fn end(child: &mut Child) -> io::Result<()> {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // Ended by itself just now is as good.
        let _gone = kill_process_group(group, Signal::KILL);
    }
    child.wait().map(drop)
}

/// Reads to the end, so that the program never waits for its reader, and keeps the beginning.
fn collect(mut from: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (done, result) = mpsc::channel();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        // What was read before an error is still worth showing, and nobody may be left to hear it.
        let _partial = from.by_ref().take(MAX_OUTPUT).read_to_end(&mut kept);
        let _rest = io::copy(&mut from, &mut io::sink());
        let _unheard = done.send(kept);
    });
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_program_answers() {
        let said = ask("sh", &["-c", "echo hello; echo oh >&2; exit 3"], LONG).unwrap();
        assert_eq!(said, Said { code: Some(3), out: "hello\n".into(), err: "oh\n".into() });
    }

    #[test]
    fn much_output_is_read_but_not_kept() {
        let said = ask("sh", &["-c", "head -c 1000000 /dev/zero"], LONG).unwrap();
        assert_eq!((said.code, said.out.len()), (Some(0), MAX_OUTPUT as usize));
    }

    #[test]
    fn one_that_hangs_is_killed_with_its_children() {
        let watch = Stopwatch::start();
        let error = ask("sh", &["-c", "sleep 60 & sleep 60"], Duration::from_millis(100)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(!watch.has_passed(Duration::from_secs(10)));
    }

    #[test]
    fn one_that_is_not_there_is_an_error() {
        assert_eq!(ask("/nowhere/blender", &[], LONG).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
