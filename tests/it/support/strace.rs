//! Looking at, delaying and striking the system calls of farm, with strace.

use super::sealed_room::Room;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// The calls that change a disk; `?` lets strace pass over those that this processor does not have.
pub(crate) const CHANGING: [&str; 33] = [
    "openat",
    "openat2",
    "open",
    "creat",
    "write",
    "pwrite64",
    "pwritev",
    "writev",
    "copy_file_range",
    "sendfile",
    "splice",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "ftruncate",
    "truncate",
    "fallocate",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "fchmod",
    "fchmodat",
    "utimensat",
    "ioctl",
];

/// Whether strace is there and may trace.
pub(crate) fn works() -> bool {
    let status = Command::new("strace").args(["-f", "-qq", "-o", "/dev/null", "true"]).stdin(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// The words that go before a command to have its calls written to `log`.
pub(crate) fn tracing(log: &Path, calls: &[&str]) -> Vec<String> {
    let trace = calls.iter().map(|call| format!("?{call}")).collect::<Vec<_>>().join(",");
    ["strace", "-f", "-qq", "-y", "-s", "0", "-o", &log.to_string_lossy(), "-e", &format!("trace={trace}")]
        .map(str::to_owned)
        .to_vec()
}

/// The words that go before a command to have `call` struck: `how` as in strace's `inject`, `signal=SIGKILL:when=3`.
pub(crate) fn striking(call: &str, how: &str) -> Vec<String> {
    let (trace, inject) = (format!("trace={call}"), format!("inject={call}:{how}"));
    ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject].map(str::to_owned).to_vec()
}

/// One line of a trace.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) thread: String,
    pub(crate) name: String,
    /// The rest of the line: arguments and result.
    pub(crate) rest: String,
}

impl Call {
    /// Reads `1234 openat(AT_FDCWD, "x", O_RDONLY) = 3`; other lines (signals, ends, resumed calls) are none.
    pub(crate) fn parse(line: &str) -> Option<Call> {
        let (thread, text) = line.trim_start().split_once(char::is_whitespace)?;
        let (name, rest) = text.trim_start().split_once('(')?;
        let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        (thread.chars().all(|c| c.is_ascii_digit()) && word(name)).then(|| Call {
            thread: thread.to_owned(),
            name: name.to_owned(),
            rest: rest.to_owned(),
        })
    }

    /// Whether it can change what is on a disk: opening for reading cannot, nor can writing to a pipe, a socket or a
    /// terminal.
    pub(crate) fn changes_a_disk(&self) -> bool {
        match self.name.as_str() {
            "openat" | "openat2" | "open" => {
                ["O_CREAT", "O_WRONLY", "O_RDWR", "O_TRUNC", "O_TMPFILE"].iter().any(|flag| self.rest.contains(flag))
                    && !["\"/dev/", "\"/proc/", "\"/sys/"].iter().any(|place| self.rest.contains(place))
            }
            "ioctl" => ["FICLONE", "FIDEDUPE", "FS_IOC_SET"].iter().any(|request| self.rest.contains(request)),
            "write" | "pwrite64" | "writev" | "pwritev" | "sendfile" | "splice" => {
                let first = self.rest.split(',').next().unwrap_or_default();
                // With -y strace writes the file behind a descriptor: `3</path>`, `5<pipe:[123]>`, `4<anon_inode:…>`.
                first.contains("</") && !first.contains("</dev/") && !first.contains("</proc/")
            }
            _ => true,
        }
    }
}

/// All calls of a trace, in their order.
pub(crate) fn all(log: &Path) -> Vec<Call> {
    let text = fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().filter_map(Call::parse).collect()
}

/// The calls of a trace that can change a disk, in their order.
fn changes(log: &Path) -> Vec<Call> {
    all(log).into_iter().filter(Call::changes_a_disk).collect()
}

/// Runs farm under strace and returns what it did to any disk, apart from what the room itself catches (its output).
pub(crate) fn changes_made(room: &Room, arguments: &[String]) -> (super::Outcome, Vec<Call>) {
    let log = room.path("strace.log");
    let outcome = room.start_under(&tracing(&log, &CHANGING), arguments).wait();
    let output = format!("<{}", room.path("log").display());
    let calls = changes(&log).into_iter().filter(|call| !call.rest.contains(&output)).collect();
    (outcome, calls)
}

#[test]
fn lines_of_a_trace_are_read() {
    let changes = |line: &str| Call::parse(line).map(|call| call.changes_a_disk());
    assert_eq!(changes(r#"12 openat(AT_FDCWD</x>, "a", O_RDONLY|O_CLOEXEC) = 3"#), Some(false));
    assert_eq!(changes(r#"12 openat(AT_FDCWD</x>, "a", O_WRONLY|O_CREAT, 0666) = 3"#), Some(true));
    assert_eq!(changes(r#"12 write(1</tmp/room/log/0.out>, ""..., 8) = 8"#), Some(true));
    assert_eq!(changes(r#"12 write(5<pipe:[1]>, ""..., 8) = 8"#), Some(false));
    assert_eq!(changes(r#"12 renameat2(3</a>, "b", 3</a>, "c", RENAME_NOREPLACE) = 0"#), Some(true));
    assert_eq!(changes("12 +++ exited with 0 +++"), None);
    assert_eq!(changes("12 <... write resumed>) = 8"), None);
}
