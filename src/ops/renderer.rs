//! The Blender on this machine.
//!
//! A start of Blender takes a third of a second, so what it said of its version is kept on the volume, with the identity of
//! the file that said it. Only a program file of Blender itself is trusted so: a wrapper stays the same while what it
//! starts is replaced (a script, or snap's one program for all).

use crate::base::error::{Class, Explain};
use crate::base::rel_path::RelPath;
use crate::base::time::Timestamp;
use crate::blend::BlenderVersion;
use crate::manager::local::Autoexec;
use crate::sys::clock::Stopwatch;
use crate::sys::interrupt;
use crate::sys::outside;
use crate::sys::process::environment::find_program;
use crate::sys::process::renderer::{self, Ending, Launch, Watch};
use crate::sys::process::{Guard, ProcessId, probe};
use crate::volume::{Volume, layout};
use serde::{Deserialize, Serialize};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// How long Blender may take to say its version: a cold start from a slow share takes seconds.
const LIMIT: Duration = Duration::from_secs(30);
/// How long a script may take: gigabytes are read and written meanwhile, from and to a share.
const SCRIPT_LIMIT: Duration = Duration::from_secs(3600);
/// The exit code for a script that fails; Blender itself ends with 0 then.
const SCRIPT_FAILED: &str = "9";
/// The most of a strange answer that is shown, in characters.
const SHOWN: usize = 200;
/// Where its answer is kept, beside the queue of this machine.
const MEMORY: &str = "blender.json";
/// The schema of that; another one is ignored.
const SCHEMA: &str = "farm.blender/1";
/// The largest memory that is read, in bytes.
const MAX_MEMORY: u64 = 64 << 10;
/// How a program file of Linux begins.
const ELF: &[u8] = b"\x7fELF";
/// The most of Blender's last output that is looked at, in bytes.
const MAX_TAIL: usize = 64 << 10;

/// The Blender that will render, as far as this machine knows it.
#[derive(Debug)]
pub struct Renderer {
    executable: String,
    autoexec: Autoexec,
    /// What it said when it was last asked on this volume.
    memory: Option<Memory>,
    /// Found out once per command: the file as it was before it was asked, and the version.
    said: OnceLock<(Option<Program>, Option<BlenderVersion>)>,
}

/// What a file said of its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Memory {
    schema: String,
    #[serde(flatten)]
    program: Program,
    version: BlenderVersion,
}

/// A program file: other bytes make it another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Program {
    path: PathBuf,
    ino: u64,
    size: u64,
    modified: Timestamp,
}

/// A Blender that does not say its version.
#[derive(Debug, thiserror::Error)]
pub enum RendererError {
    /// It cannot be started.
    #[error("Blender cannot be started as {executable:?}: {cause}")]
    NotStarted {
        /// As configured.
        executable: String,
        /// The system's answer.
        cause: io::Error,
    },
    /// It says something else.
    #[error("{executable:?} does not answer like Blender: {answer}")]
    NotBlender {
        /// As configured.
        executable: String,
        /// The beginning of its answer.
        answer: String,
    },
    /// A script of farm's ended otherwise than well.
    #[error("Blender failed on {}: {words}", scene.display())]
    ScriptFailed {
        /// The scene that it had opened.
        scene: PathBuf,
        /// How it ended.
        words: String,
    },
}

impl Explain for RendererError {
    fn class(&self) -> Class {
        Class::Failed
    }
    fn hint(&self) -> Option<String> {
        Some(match self {
            RendererError::ScriptFailed { .. } => "Open the scene in Blender and see what it says.".to_owned(),
            _ => "Install it (on Debian: apt install blender), or name it with FARM_BLENDER=/path/to/blender or \
                  blender.executable in config.yaml."
                .to_owned(),
        })
    }
}

impl Renderer {
    /// The Blender of this name on `PATH`, or at this path.
    pub fn new(executable: impl Into<String>) -> Self {
        Renderer { executable: executable.into(), autoexec: Autoexec::Enabled, memory: None, said: OnceLock::new() }
    }

    /// The same, which is not asked if the volume knows what this very file says.
    pub fn known_to(volume: &Volume, executable: impl Into<String>) -> Self {
        Renderer { memory: Memory::load(volume), ..Renderer::new(executable) }
    }

    /// The same with another answer to whether scripts inside scenes may run.
    #[must_use]
    pub fn with_autoexec(self, autoexec: Autoexec) -> Self {
        Renderer { autoexec, ..self }
    }

    /// The version that it says; `None` where there is none or it does not say.
    pub fn version(&self) -> Option<BlenderVersion> {
        self.said.get_or_init(|| self.recall_or_ask()).1
    }

    fn recall_or_ask(&self) -> (Option<Program>, Option<BlenderVersion>) {
        let program = Program::find(&self.executable);
        let known = self.memory.as_ref().filter(|known| Some(&known.program) == program.as_ref());
        let version = known.map(|known| known.version).or_else(|| self.ask().ok());
        (program, version)
    }

    /// Keeps what it said on the volume, if it was asked and if the volume lets us.
    pub fn remember(&self, volume: &Volume) {
        let Some((Some(program), Some(version))) = self.said.get().cloned() else { return };
        let memory = Memory { schema: SCHEMA.to_owned(), program, version };
        if self.memory.as_ref() != Some(&memory) {
            memory.save(volume);
        }
    }

    /// The version that it says, or why it says none.
    pub fn ask(&self) -> Result<BlenderVersion, RendererError> {
        let said = probe::ask(&self.executable, &["--version"], LIMIT)
            .map_err(|cause| RendererError::NotStarted { executable: self.executable.clone(), cause })?;
        // A wrapper may say something of its own first.
        let version = said.out.lines().find_map(|line| line.strip_prefix("Blender ")?.parse().ok());
        version.ok_or_else(|| {
            let answer = said.out.lines().chain(said.err.lines()).next().unwrap_or("nothing");
            let answer = answer.chars().take(SHOWN).collect();
            RendererError::NotBlender { executable: self.executable.clone(), answer }
        })
    }

    /// Opens `scene` and runs `script`, a Python file, to its end; what it leaves running is ended. `room` is a private
    /// folder for its temporary files, whose name marks its processes.
    pub fn run_script(&self, scene: &Path, script: &Path, room: &Path) -> Result<(), RendererError> {
        let not_started = |cause| RendererError::NotStarted { executable: self.executable.clone(), cause };
        if find_program(&self.executable).is_none() {
            return Err(not_started(io::ErrorKind::NotFound.into()));
        }
        let mut arguments: Vec<OsString> = self.autoexec.blender_args().into_iter().map(Into::into).collect();
        arguments.extend([scene.as_os_str(), "--python-exit-code".as_ref(), SCRIPT_FAILED.as_ref()].map(Into::into));
        arguments.extend(["--python".as_ref(), script.as_os_str()].map(Into::into));
        let mut listener = Listener { tail: Vec::new(), since: Stopwatch::start() };
        let launch = Launch {
            guard: &Guard::this_executable(),
            program: OsStr::new(&self.executable),
            arguments: &arguments,
            mark: &mark(room),
            scratch: room,
        };
        let failed = |words| Err(RendererError::ScriptFailed { scene: scene.to_owned(), words });
        match renderer::run(&launch, &mut listener).map_err(not_started)? {
            Ending::Succeeded => Ok(()),
            Ending::Failed(code) => failed(format!("exit code {code}; {}", listener.last_words())),
            Ending::Killed(signal) => failed(format!("signal {signal}; {}", listener.last_words())),
            Ending::Stopped => failed(format!("it did not end within {} minutes", SCRIPT_LIMIT.as_secs() / 60)),
        }
    }
}

/// The mark of the processes whose temporary files are in `room`.
pub fn mark(room: &Path) -> String {
    room.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Keeps the end of what a script says, and ends it when its time is over.
struct Listener {
    tail: Vec<u8>,
    since: Stopwatch,
}

impl Listener {
    /// The last line that speaks of an error, or else the last one.
    fn last_words(&self) -> String {
        let text = String::from_utf8_lossy(&self.tail);
        let lines = || text.lines().rev().map(str::trim).filter(|line| !line.is_empty());
        // Blender's own account of its memory says nothing about the scene.
        let mut errors = lines().filter(|line| line.contains("Error") && !line.contains("Not freed memory"));
        let line = errors.next().or_else(|| lines().next()).unwrap_or("it said nothing");
        line.chars().take(SHOWN).collect()
    }
}

impl Watch for Listener {
    fn started(&mut self, _leader: &ProcessId) -> io::Result<()> {
        Ok(())
    }

    fn output(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        let surplus = self.tail.len().saturating_sub(MAX_TAIL);
        self.tail.drain(..surplus);
    }

    fn may_go_on(&mut self) -> bool {
        !self.since.has_passed(SCRIPT_LIMIT) && !interrupt::asked()
    }
}

impl Memory {
    fn path() -> RelPath {
        layout::local_dir().join(MEMORY).expect("a plain name")
    }

    /// A cache and nothing more: what cannot be read is as good as nothing.
    fn load(volume: &Volume) -> Option<Memory> {
        let bytes = volume.open_read(&Memory::path()).ok()??.read_all(MAX_MEMORY).ok()?;
        serde_json::from_slice::<Memory>(&bytes).ok().filter(|memory| memory.schema == SCHEMA)
    }

    fn save(&self, volume: &Volume) {
        let written = serde_json::to_vec(self).ok().and_then(|bytes| {
            let folder = volume.make_dir(&layout::local_dir()).ok()?;
            folder.write(MEMORY, &bytes).ok()
        });
        // What cannot be kept is asked for again.
        let _ = written;
    }
}

impl Program {
    /// The file that is started as `executable`, if it is Blender's own.
    fn find(executable: &str) -> Option<Program> {
        let path = outside::resolve(&find_program(executable)?).ok()?;
        let is_named = path.file_name()?.to_str()?.starts_with("blender");
        let file = outside::open(&path).ok()??;
        let mut magic = [0; ELF.len()];
        let is_program = is_named && file.read_at(&mut magic, 0).ok()? == ELF.len() && magic == ELF;
        let about = file.attributes();
        is_program.then_some(Program { ino: about.ino, size: about.size, modified: about.mtime, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::init::{InitRequest, init};
    use crate::volume::marker::Purpose;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn volume(parent: &Path) -> Volume {
        let path = parent.join("V");
        init(&InitRequest { path: &path, name: None, purpose: Purpose::Testing, home: None }).unwrap().volume
    }

    /// A file that passes for Blender's own and says nothing.
    fn program(folder: &Path, rest: &[u8]) -> String {
        let path = folder.join("blender-9");
        std::fs::write(&path, [ELF, rest].concat()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    /// Its answer, as if it had been asked.
    fn asked(executable: &str, version: BlenderVersion) -> Renderer {
        let said = (Program::find(executable), Some(version));
        Renderer { said: OnceLock::from(said), ..Renderer::new(executable) }
    }

    #[test]
    fn the_same_file_is_not_asked_again_and_another_is() {
        let temp = tempfile::tempdir().unwrap();
        let volume = volume(temp.path());
        let executable = program(temp.path(), b"");
        let version = BlenderVersion { major: 9, minor: 1 };
        asked(&executable, version).remember(&volume);
        assert_eq!(Renderer::known_to(&volume, &executable).version(), Some(version));
        assert_eq!(Renderer::new(&executable).version(), None, "it cannot be started");
        program(temp.path(), b"another");
        assert_eq!(Renderer::known_to(&volume, &executable).version(), None);
    }

    #[test]
    fn what_only_starts_blender_is_asked_each_time() {
        let temp = tempfile::tempdir().unwrap();
        let volume = volume(temp.path());
        asked("sh", BlenderVersion { major: 9, minor: 1 }).remember(&volume);
        assert_eq!(Memory::load(&volume), None);
    }

    #[test]
    fn what_is_no_blender_is_told_apart() {
        let ask = |executable: &str| Renderer::new(executable).ask().unwrap_err();
        let gone = ask("/nowhere/blender");
        assert!(gone.to_string().contains("/nowhere/blender"), "{gone}");
        let other = ask("echo");
        assert!(matches!(other, RendererError::NotBlender { .. }), "{other}");
        assert!(other.hint().is_some_and(|hint| hint.contains("apt install blender")));
    }
}
