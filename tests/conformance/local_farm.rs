//! A farm of the local manager, with a stand-in for Blender.

use super::guard::guard;
use super::test_farm::{Scene, TestFarm};
use farm::manager::Manager;
use farm::manager::local::{Local, LocalSettings, Staying, WorkReport, WorkerHooks, WorkerOptions, work};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The local manager in a folder of its own.
pub(crate) struct LocalFarm {
    root: tempfile::TempDir,
    local: Arc<Local>,
    outputs: AtomicUsize,
}

/// The settings of the queue in `root`.
pub(crate) fn settings(root: &Path) -> LocalSettings {
    let blender = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/fake_blender.sh");
    LocalSettings { blender: blender.to_string_lossy().into_owned(), ..LocalSettings::new(root.join("local")) }
}

impl LocalFarm {
    /// A farm with an empty queue.
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        let local = Arc::new(Local::open(settings(root.path())).expect("opens"));
        LocalFarm { root, local, outputs: AtomicUsize::new(0) }
    }

    /// Its queue.
    pub(crate) fn local(&self) -> &Local {
        &self.local
    }

    /// Its queue, for somebody who outlives this borrow.
    pub(crate) fn shared(&self) -> Arc<Local> {
        Arc::clone(&self.local)
    }

    /// Its folder.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// A scene of the stand-in, by the shell fragment that it runs.
    pub(crate) fn scene_that(&self, name: &str, does: &str) -> PathBuf {
        let path = self.root.path().join(format!("{name}.scene"));
        std::fs::write(&path, does).expect("writable");
        path
    }

    /// Works the queue off with one worker.
    pub(crate) fn work_off(&self, hooks: &dyn WorkerHooks) -> WorkReport {
        work(&self.local, &WorkerOptions::new(guard()), hooks, &AtomicBool::new(false)).expect("works")
    }
}

impl TestFarm for LocalFarm {
    fn manager(&self) -> &dyn Manager {
        &*self.local
    }

    fn scene(&self, scene: Scene) -> PathBuf {
        let (name, does) = scene.name_and_text();
        self.scene_that(name, does)
    }

    fn output(&self) -> PathBuf {
        self.root.path().join(format!("out{}", self.outputs.fetch_add(1, Ordering::Relaxed)))
    }

    fn work(&self) {
        self.work_off(&());
    }

    fn while_working(&self, body: &mut dyn FnMut()) {
        let stop = AtomicBool::new(false);
        let options = WorkerOptions { staying: Staying::Follow, ..WorkerOptions::new(guard()) };
        std::thread::scope(|scope| {
            let worker = scope.spawn(|| work(&self.local, &options, &(), &stop));
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
            stop.store(true, Ordering::Relaxed);
            worker.join().expect("no panic").expect("works");
            outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        });
    }

    fn renderers(&self) -> usize {
        renderers_in(self.root.path())
    }
}

/// How many processes of renderers run for the farm in `root`: those with an attempt's mark and a temporary folder there.
pub(crate) fn renderers_in(root: &Path) -> usize {
    renderer_pids(root).len()
}

/// Their process ids.
pub(crate) fn renderer_pids(root: &Path) -> Vec<u32> {
    let folder = format!("TMPDIR={}/", root.display());
    let is_renderer = |pid: &u32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let has = |start: &str| environment.split(|byte| *byte == 0).any(|item| item.starts_with(start.as_bytes()));
        has("FARM_ATTEMPT=") && has(&folder)
    };
    let entries = std::fs::read_dir("/proc").expect("readable").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_renderer).collect()
}
