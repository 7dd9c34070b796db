//! One state of a volume that can be brought back as often as wanted, and ways to run commands on it.

use crate::support::{Farm, Outcome, Tree, strace};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// What follows a strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// `farm recover`, then the command again.
    RecoverAndAgain,
    /// The command again, by somebody who never heard of `farm recover`; which then finds nothing to undo.
    AgainAndRecover,
}

/// What the struck command has to say when an error ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    /// What was struck, and the system's word for the error.
    PathAndCause,
    /// It may be another program that was struck, and says so in its own words.
    Any,
}

/// What is struck and how it ends.
pub(crate) struct Plan {
    /// For messages.
    pub(crate) name: &'static str,
    /// The command that is struck: words of farm, or `sh: ` and a script.
    pub(crate) run: &'static str,
    /// What mends the state afterwards; empty for nothing.
    pub(crate) recover: &'static str,
    /// What is given at the end, to finish the work.
    pub(crate) finish: &'static str,
    pub(crate) then: Then,
    pub(crate) words: Words,
    /// The folders of the volume whose files have final names.
    pub(crate) finals: &'static [&'static str],
    /// Folders of the room that nothing may change.
    pub(crate) protected: &'static [&'static str],
    /// What else must hold when the work is finished.
    pub(crate) finished: fn(&Case) -> Result<(), String>,
}

/// The state before the strike, kept aside, and the plan.
pub(crate) struct Case {
    pub(crate) farm: Farm,
    pub(crate) plan: Plan,
    /// Where `V/dist` really lies, when it is to be another device.
    dist: Option<tempfile::TempDir>,
}

impl Case {
    /// Keeps the state of the farm as it is now.
    pub(crate) fn new(mut farm: Farm, plan: Plan) -> Self {
        farm.room.set("FARM_THREADS", "1");
        let case = Case { farm, plan, dist: None };
        case.shell("cp -a V pristine");
        case
    }

    /// The same with `V/dist` on the device of `/dev/shm`; `None`, said aloud, where this cannot be had.
    pub(crate) fn on_another_device(farm: Farm, plan: Plan) -> Option<Self> {
        let name = plan.name;
        let Ok(dist) = tempfile::Builder::new().prefix("farm-sweep-").tempdir_in("/dev/shm") else {
            crate::support::skipped(name, "there is no /dev/shm to be another device");
            return None;
        };
        let mut case = Case::new(farm, plan);
        case.dist = Some(dist);
        case.shell("mkdir -p pristine/dist && mv pristine/dist elsewhere && mkdir pristine/dist");
        let probe = Command::new(&case.mounting()[0]).args(&case.mounting()[1..]).arg("true").output();
        if !probe.is_ok_and(|output| output.status.success()) {
            crate::support::skipped(name, "mounting is not allowed here, not even in a namespace of its own");
            return None;
        }
        Some(case)
    }

    /// Brings the state back.
    pub(crate) fn restore(&self) {
        self.shell("rm -rf V fake/rendered.log fake/pool/busy-* && cp -a pristine V");
        if let Some(dist) = &self.dist {
            let dist = dist.path().display();
            self.shell(&format!("find '{dist}' -mindepth 1 -delete; cp -a elsewhere/. '{dist}'"));
        }
    }

    /// Runs words of the plan to their end.
    pub(crate) fn run(&self, words: &str) -> Outcome {
        self.run_under(&[], words)
    }

    /// Runs words of the plan under another program, `strace …`.
    pub(crate) fn run_under(&self, wrapper: &[String], words: &str) -> Outcome {
        let mut line: Vec<OsString> = self.mounting().into_iter().map(OsString::from).collect();
        line.extend(wrapper.iter().map(OsString::from));
        match words.strip_prefix("sh: ") {
            Some(script) => line.extend(["/bin/sh", "-c", script].map(OsString::from)),
            None => {
                line.push(env!("CARGO_BIN_EXE_farm").into());
                line.extend(self.farm.arguments(words).into_iter().map(OsString::from));
            }
        }
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]);
        self.farm.room.start_command(command, words.to_owned()).wait()
    }

    /// The calls with which words of the plan change a disk, from a run that nothing strikes.
    pub(crate) fn trace(&self, words: &str) -> (Outcome, Vec<strace::Call>) {
        let log = self.farm.room.path("strace.log");
        let outcome = self.run_under(&strace::tracing(&log, &strace::CHANGING), words);
        (outcome, strace::all(&log))
    }

    /// The volume, with `dist` from where it really lies. What only tells how farm came to it is left out.
    pub(crate) fn tree(&self) -> Tree {
        let passing = [".farm/lock", ".farm/logs", ".farm/reports"];
        let mut tree = Tree::without(&self.farm.path(""), |path| passing.contains(&path));
        if let Some(dist) = &self.dist {
            tree.0.extend(Tree::of(dist.path()).0.into_iter().map(|(path, entry)| (format!("dist/{path}"), entry)));
        }
        tree
    }

    /// Files in the making that lie anywhere on the volume.
    pub(crate) fn temporaries(&self) -> Vec<String> {
        let on_dist = self.dist.as_ref().map(|dist| Tree::of(dist.path())).unwrap_or_default();
        let paths = Tree::of(&self.farm.path("")).0.into_keys().chain(on_dist.0.into_keys());
        paths.filter(|path| path.ends_with(".part")).collect()
    }

    /// What nothing may change.
    pub(crate) fn protected(&self) -> Vec<(&'static str, Tree)> {
        self.plan.protected.iter().map(|folder| (*folder, Tree::of(&self.farm.room.path(folder)))).collect()
    }

    /// Where a path of the volume really lies.
    pub(crate) fn real_path(&self, path: &str) -> PathBuf {
        match (&self.dist, path.strip_prefix("dist/")) {
            (Some(dist), Some(below)) => dist.path().join(below),
            _ => self.farm.path(path),
        }
    }

    /// The words that put another device under `V/dist`, in a mount namespace that ends with the command.
    fn mounting(&self) -> Vec<String> {
        let Some(dist) = &self.dist else { return Vec::new() };
        let namespace = if rustix::process::geteuid().is_root() { "-m" } else { "-rm" };
        let script = "mount --bind \"$1\" \"$2\" && shift 2 && exec \"$@\"";
        let (from, to) =
            (dist.path().to_string_lossy().into_owned(), self.farm.path("dist").to_string_lossy().into_owned());
        ["unshare", namespace, "/bin/sh", "-c", script, "sh", &from, &to].map(str::to_owned).to_vec()
    }

    fn shell(&self, script: &str) {
        let mut command = Command::new("/bin/sh");
        command.args(["-ec", script]);
        let outcome = self.farm.room.start_command(command, script.to_owned()).wait();
        assert_eq!(outcome.code, 0, "{outcome}");
    }
}
