//! A run that does what commands do, struck at its system calls: whatever the blow, nothing is lost and running it again
//! completes it. Needs strace; `FARM_SWEEP=full` strikes every call, otherwise a sample is struck.

#[cfg(test)]
mod tests {
    use crate::base::digest::Digest;
    use crate::base::time::Timestamp;
    use crate::sys::disk::erase::temporaries;
    use crate::sys::disk::{Dir, Moved, Target, finish_move, move_new};
    use crate::volume::Volume;
    use crate::volume::fixture::{ann, plant, rel, release, try_init};
    use crate::volume::journal::{self, Journal};
    use crate::volume::lock::{Lock, LockWait};
    use crate::volume::trash::{self, Discard, Trash};
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};
    use std::time::Duration;

    /// Where the child finds its volume.
    const CHILD_VOLUME: &str = "FARM_TEST_SWEEP_VOLUME";
    const FULL: &str = "FARM_SWEEP";
    const FRAMES: [&str; 3] = ["000001.png", "000002.png", "000003.png"];
    /// The calls by which a disk is changed, and the opening of files.
    const CALLS: &str = "openat2,write,pwrite64,copy_file_range,renameat,renameat2,linkat,unlinkat,mkdirat,ftruncate,\
                         fsync,fdatasync,fchmod,utimensat";
    const ERRORS: [&str; 5] = ["EIO", "ENOSPC", "EACCES", "EXDEV", "EINVAL"];

    /// Everything that a command may do to a volume, in the order in which it may: safe to run again at any time.
    fn work(volume: &Volume) -> Result<(), Box<dyn std::error::Error>> {
        let lock = Lock::acquire(volume, release("r1"), &ann(), LockWait::For(Duration::from_secs(5)), &mut |_| {
            std::ops::ControlFlow::Continue(())
        })?;
        let found = journal::survey(volume)?;
        journal::file_done(volume, &found.not_filed)?;
        let mut journal = match found.unfinished.first() {
            Some(account) => Journal::resume(volume, &lock, account)?,
            None => Journal::begin(volume, &lock, "sweep", &FRAMES)?,
        };
        let out = volume.make_dir(&rel("releases/r1/out/A"))?;
        let dist = volume.make_dir(&rel("dist/r1"))?;
        lock.check()?;
        for name in FRAMES {
            harvest(&out, name, &dist, &format!("A.{name}"))?;
        }
        out.sync()?;
        dist.sync()?;
        journal.steps(&FRAMES)?;
        let mut bin = Trash::begin(volume, &lock, journal.id(), Timestamp::from_unix(0), 7);
        bin.put(&[Discard { path: rel("releases/r1/out/A/bad.png"), reason: "it is broken".into() }])?;
        bin.finish()?;
        store(volume)?;
        journal.done(&"done")?;
        Ok(())
    }

    fn harvest(out: &Dir, name: &str, dist: &Dir, new_name: &str) -> Result<(), Box<dyn std::error::Error>> {
        if out.stat(name)?.is_none() {
            return Ok(());
        }
        match move_new(out, name, dist, new_name) {
            Ok(Moved::Renamed | Moved::Copied(_)) => Ok(()),
            Err(error) if !error.is_exists() => Err(error.into()),
            _ if finish_move(out, name, dist, new_name)? => Ok(()),
            _ => Err("another frame is there".into()),
        }
    }

    fn store(volume: &Volume) -> Result<(), Box<dyn std::error::Error>> {
        let store = volume.make_dir(&rel("releases/r1/store"))?;
        if store.stat("copy.blend")?.is_none() {
            let source = store.open_read("scene.blend")?.ok_or("the scene is gone")?;
            store.copy_in(&source, "copy.blend", Target::New)?;
        }
        store.write("release.yaml", b"state: harvested\n")?;
        Ok(())
    }

    /// Not a test of its own: what [`strike`] runs in another process.
    #[test]
    fn child_process() {
        let Some(path) = std::env::var_os(CHILD_VOLUME) else { return };
        work(&Volume::open(Path::new(&path), None).expect("open")).expect("work");
    }

    /// Where the frames go.
    #[derive(Clone, Copy, Debug)]
    enum Dist {
        SameDevice,
        OtherDevice,
    }

    /// A folder that is a mount of memory, for as long as this lives.
    struct Mount(PathBuf);

    impl Mount {
        /// `None` where this user may not mount.
        fn on(path: PathBuf) -> Option<Mount> {
            let done =
                Command::new("mount").args(["-t", "tmpfs", "farm-sweep"]).arg(&path).stderr(Stdio::null()).status();
            done.is_ok_and(|status| status.success()).then_some(Mount(path))
        }
    }

    impl Drop for Mount {
        fn drop(&mut self) {
            // A struck child may still be on its way out of it.
            let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
        }
    }

    /// A volume before the work; the mount goes before the folder that it is on.
    struct SetUp {
        volume: Volume,
        _mount: Option<Mount>,
        _temp: tempfile::TempDir,
    }

    /// `None` where this user may not mount.
    fn set_up(dist: Dist) -> Option<SetUp> {
        let temp = tempfile::tempdir().expect("temp");
        let volume = try_init(temp.path()).expect("init").volume;
        for name in FRAMES.iter().chain(&["bad.png"]) {
            plant(&volume, &format!("releases/r1/out/A/{name}"), format!("the frame {name}").as_bytes());
        }
        plant(&volume, "releases/r1/store/scene.blend", &[42; 5000]);
        plant(&volume, "releases/r1/store/release.yaml", b"state: rendered\n");
        let _mount = match dist {
            Dist::SameDevice => None,
            Dist::OtherDevice => Some(Mount::on(temp.path().join("dist"))?),
        };
        let volume = Volume::open(temp.path(), None).expect("open");
        Some(SetUp { volume, _mount, _temp: temp })
    }

    /// Runs the work in another process under strace; `None` if there is no strace.
    fn under_strace(volume: &Volume, arguments: &[String]) -> Option<bool> {
        let status = Command::new("strace")
            .args(["-f", "-qq"])
            .args(arguments)
            .arg(std::env::current_exe().expect("this test"))
            .args(["--exact", "volume::sweep::tests::child_process", "--test-threads=1"])
            .env(CHILD_VOLUME, volume.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.ok().map(|status| status.success())
    }

    /// How often the unharmed work makes each call.
    fn count(dist: Dist) -> Option<BTreeMap<String, usize>> {
        let SetUp { volume, .. } = &set_up(dist)?;
        let log = tempfile::NamedTempFile::new().expect("temp");
        let arguments = ["-o", &log.path().to_string_lossy(), "-e", &format!("trace={CALLS}")].map(str::to_owned);
        assert!(under_strace(volume, &arguments)?, "the unharmed work succeeds");
        let mut counts = BTreeMap::new();
        for line in std::fs::read_to_string(log.path()).expect("log").lines() {
            let call = line.split_whitespace().nth(1).and_then(|rest| rest.split('(').next()).unwrap_or_default();
            if CALLS.split(',').any(|known| known == call) {
                *counts.entry(call.to_owned()).or_default() += 1;
            }
        }
        Some(counts)
    }

    fn contents(root: &Path) -> BTreeSet<Digest> {
        let files = walkdir::WalkDir::new(root).into_iter().map(|entry| entry.expect("walk"));
        let files = files.filter(|entry| entry.file_type().is_file());
        files.map(|entry| Digest::of(&std::fs::read(entry.path()).expect("read"))).collect()
    }

    fn frames() -> Vec<(String, Vec<u8>)> {
        FRAMES.iter().map(|name| (format!("A.{name}"), format!("the frame {name}").into_bytes())).collect()
    }

    /// Nothing is lost, and what bears a final name has the right bytes.
    fn check_struck(volume: &Volume, precious: &BTreeSet<Digest>, blow: &str) {
        let after = contents(&volume.path());
        assert!(precious.is_subset(&after), "{blow}: something is lost");
        for (name, bytes) in frames() {
            let found = std::fs::read(volume.path().join("dist/r1").join(&name));
            assert!(found.is_err() || found.is_ok_and(|found| found == bytes), "{blow}: {name} is torn");
        }
        let copy = std::fs::read(volume.path().join("releases/r1/store/copy.blend"));
        assert!(copy.is_err() || copy.is_ok_and(|copy| copy == [42; 5000]), "{blow}: the copy is torn");
        let state = std::fs::read(volume.path().join("releases/r1/store/release.yaml")).expect("old or new");
        assert!(state == b"state: rendered\n" || state == b"state: harvested\n", "{blow}: the state is torn");
    }

    /// Running it again completes it.
    fn check_completed(volume: &Volume, blow: &str) {
        work(volume).unwrap_or_else(|error| panic!("{blow}: {error}"));
        for (name, bytes) in frames() {
            assert_eq!(std::fs::read(volume.path().join("dist/r1").join(name)).expect("harvested"), bytes, "{blow}");
        }
        let out = volume.dir(&rel("releases/r1/out/A")).expect("open").expect("there");
        assert!(left_by_hand(&out), "{blow}: {:?}", out.list());
        assert!(journal::survey(volume).expect("survey").unfinished.is_empty(), "{blow}");
        let kept: usize = trash::list(volume).expect("list").transactions.iter().map(|t| t.items.len()).sum();
        assert_eq!(kept, 1, "{blow}");
    }

    /// Nothing, or farm's own temporary files.
    fn left_by_hand(dir: &Dir) -> bool {
        dir.list().expect("list").len() == temporaries(dir).expect("list").len()
    }

    fn strike(dist: Dist, call: &str, nth: usize, how: &str) {
        let SetUp { volume, .. } = &set_up(dist).expect("as before");
        let precious: BTreeSet<Digest> = FRAMES
            .iter()
            .chain(&["bad.png"])
            .map(|name| Digest::of(format!("the frame {name}").as_bytes()))
            .chain([Digest::of(&[42; 5000])])
            .collect();
        let blow = format!("{how} at {call} {nth}, {dist:?}");
        let inject = format!("inject={call}:{how}:when={nth}");
        under_strace(volume, &["-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject].map(str::to_owned));
        check_struck(volume, &precious, &blow);
        check_completed(volume, &blow);
        check_struck(volume, &precious, &blow);
    }

    fn sweep(dist: Dist) {
        let Some(counts) = count(dist) else { return };
        assert!(counts["renameat2"] > FRAMES.len() && counts["fsync"] > 5, "{counts:?}");
        let blows = std::iter::once("signal=SIGKILL".to_owned()).chain(ERRORS.map(|error| format!("error={error}")));
        let calls = counts.iter().flat_map(|(call, count)| (1..=*count).map(move |nth| (call, nth)));
        let points: Vec<_> =
            blows.flat_map(|how| calls.clone().map(move |(call, nth)| (call, nth, how.clone()))).collect();
        let step = if std::env::var_os(FULL).is_some_and(|value| value == "full") { 1 } else { 41 };
        for (call, nth, how) in points.into_iter().step_by(step) {
            strike(dist, call, nth, &how);
        }
    }

    #[test]
    fn whatever_strikes_nothing_is_lost_and_running_again_completes() {
        sweep(Dist::SameDevice);
    }

    #[test]
    fn whatever_strikes_between_two_devices_nothing_is_lost_either() {
        sweep(Dist::OtherDevice);
    }
}
