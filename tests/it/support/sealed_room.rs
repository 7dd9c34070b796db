//! A temporary folder with its own home and environment, in which the program runs without seeing anything else.

use super::output::Outcome;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a command may take before the test calls it hung.
const PATIENCE: Duration = Duration::from_secs(180);

/// The sealed room; its folder goes with it.
pub(crate) struct Room {
    folder: tempfile::TempDir,
    environment: Vec<(OsString, OsString)>,
    runs: AtomicU32,
}

/// A command of farm that was started and not yet waited for.
pub(crate) struct Running {
    child: Child,
    words: String,
    stdout: PathBuf,
    stderr: PathBuf,
    room: PathBuf,
}

impl Room {
    /// An empty room below the system's folder for temporary files.
    pub(crate) fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// An empty room below `parent`.
    pub(crate) fn below(parent: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("farm-test-").tempdir_in(parent).expect("a temporary folder");
        let mut room = Room { folder, environment: Vec::new(), runs: AtomicU32::new(0) };
        for name in ["home", "tmp", "log"] {
            fs::create_dir(room.path(name)).expect("a folder of the room");
        }
        let (home, tmp) = (room.path("home"), room.path("tmp"));
        room.set("HOME", home.as_os_str());
        room.set("XDG_CONFIG_HOME", home.join(".config"));
        room.set("XDG_CACHE_HOME", home.join(".cache"));
        room.set("XDG_DATA_HOME", home.join(".local/share"));
        room.set("XDG_STATE_HOME", home.join(".local/state"));
        room.set("TMPDIR", tmp);
        room.set("PATH", "/usr/local/bin:/usr/bin:/bin");
        room.set("TZ", "UTC");
        room.set("LANG", "C.UTF-8");
        room.set("USER", "artist");
        room.set("FARM_MANAGER", "local");
        room
    }

    /// A path in the room.
    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(below)
    }

    /// Sets an environment variable for every later command.
    pub(crate) fn set(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.unset(name);
        self.environment.push((name.into(), value.as_ref().to_owned()));
    }

    /// Takes an environment variable away from every later command.
    pub(crate) fn unset(&mut self, name: &str) {
        self.environment.retain(|(have, _)| have != name);
    }

    /// Runs farm to its end, in the room's folder.
    pub(crate) fn farm<S: AsRef<OsStr>>(&self, args: &[S]) -> Outcome {
        self.start(args).wait()
    }

    /// Starts farm.
    pub(crate) fn start<S: AsRef<OsStr>>(&self, args: &[S]) -> Running {
        self.start_under::<&str, S>(&[], args)
    }

    /// Starts farm as the last words of another program, such as `strace … farm …`.
    pub(crate) fn start_under<P: AsRef<OsStr>, S: AsRef<OsStr>>(&self, wrapper: &[P], args: &[S]) -> Running {
        let heeding: &[&str] = if ignores_interrupts() { &HEEDING } else { &[] };
        let wrapper = heeding.iter().map(OsStr::new).chain(wrapper.iter().map(AsRef::as_ref));
        let mut words: Vec<OsString> = wrapper.map(ToOwned::to_owned).collect();
        let wrapped = words.len();
        words.push(env!("CARGO_BIN_EXE_farm").into());
        words.extend(args.iter().map(|word| word.as_ref().to_owned()));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        self.start_command(command, words[wrapped + 1..].join(OsStr::new(" ")).to_string_lossy().into_owned())
    }

    /// Gives a command the room's environment and folder, and no input.
    pub(crate) fn furnish(&self, command: &mut Command) {
        command
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
    }

    /// Starts any command in the room; `words` stand for it in messages.
    pub(crate) fn start_command(&self, mut command: Command, words: String) -> Running {
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        let (stdout, stderr) = (self.path(format!("log/{number}.out")), self.path(format!("log/{number}.err")));
        self.furnish(&mut command);
        let child = command
            .stdout(File::create(&stdout).expect("a file for stdout"))
            .stderr(File::create(&stderr).expect("a file for stderr"))
            .spawn()
            .unwrap_or_else(|e| panic!("{words}: {e}"));
        Running { child, words, stdout, stderr, room: self.folder.path().to_owned() }
    }
}

/// Whoever runs the tests in a shell's background has Ctrl-C ignored, and so would every farm that they start.
const HEEDING: [&str; 2] = ["env", "--default-signal=INT,HUP"];

fn ignores_interrupts() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 0b11 != 0)
}

impl Running {
    /// Waits for its end. A command that does not come to one is ended and fails the test.
    pub(crate) fn wait(mut self) -> Outcome {
        let began = Instant::now();
        let mut pause = Duration::from_micros(500);
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the child can be waited for") {
                break status;
            }
            if began.elapsed() > PATIENCE {
                self.kill();
                let outcome = Outcome::read(&self.words, -1, &self.stdout, &self.stderr, &self.room);
                panic!("hung for {} s:\n{outcome}", PATIENCE.as_secs());
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        };
        Outcome::read(&self.words, code(status), &self.stdout, &self.stderr, &self.room)
    }

    /// The process's id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("the child can be waited for").is_some()
    }

    /// SIGKILL, to this process alone.
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself in the meantime.
        let _ = self.child.kill();
    }

    /// Any other signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("a pid");
        rustix::process::kill_process(pid, signal).expect("the process is there");
    }
}

/// The exit code as a shell gives it: 128 and the signal's number for one that was killed.
fn code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}
