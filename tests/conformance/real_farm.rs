//! A real Flamenco Manager with one Worker, named by `FARM_TEST_MANAGER=<url>`.
//!
//! Its shared storage has to be on this machine, under the path that the Manager knows, and its variable `blender` has to be
//! `tests/conformance/fake_blender.sh`. The Worker sleeps except while a rule lets it work. Everything that a rule makes
//! lies in `<shared storage>/farm-test-<uuid>/`.

use super::skipped::this_test_is_skipped;
use super::test_farm::{Scene, TestFarm, is_of_a_rule, wait_for};
use farm::base::ids::RunId;
use farm::base::status::{JobStatus, WorkerStatus};
use farm::manager::{Flamenco, Manager, ManagerJob};
use farm::sys::http::{Access, Client, Method, Request};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Where the URL is.
const MANAGER: &str = "FARM_TEST_MANAGER";

/// One rule at a time: there is one Worker.
static TURN: Mutex<()> = Mutex::new(());

/// A real Manager and what a rule makes on it.
pub(crate) struct RealFarm {
    manager: Flamenco,
    http: Client,
    worker: String,
    can_pause: bool,
    root: PathBuf,
    outputs: AtomicUsize,
}

impl RealFarm {
    /// Puts a rule to the real Manager, if there is one.
    pub(crate) fn with(rule: impl FnOnce(&RealFarm)) {
        let Ok(url) = std::env::var(MANAGER) else {
            return this_test_is_skipped(&format!("{MANAGER} names no Manager"));
        };
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        rule(&RealFarm::new(&url));
    }

    fn new(url: &str) -> Self {
        let manager = Flamenco::new(url, &Access::default()).unwrap();
        let http = Client::new(url).unwrap();
        let workers = manager.workers().unwrap();
        assert_eq!(workers.len(), 1, "the rules want a Manager with one Worker");
        let storage = manager.storage(Path::new("")).unwrap();
        let root = PathBuf::from(storage).join(format!("farm-test-{}", RunId::random()));
        std::fs::create_dir(&root).unwrap();
        let can_pause = offers_pauses(&http);
        let worker = workers[0].id.0.clone();
        let farm = RealFarm { manager, http, worker, can_pause, root, outputs: AtomicUsize::new(0) };
        farm.clear();
        farm.turn_worker(WorkerStatus::Asleep);
        farm
    }

    /// Takes away what an earlier rule left.
    fn clear(&self) {
        for job in self.jobs() {
            self.manager.set_job_status(&job.id, JobStatus::CancelRequested, "before a rule").unwrap();
            self.manager.delete_job(&job.id).unwrap();
        }
        wait_for("an empty queue", || self.jobs().is_empty());
    }

    /// The rules' own: nobody else's job is touched.
    fn jobs(&self) -> Vec<ManagerJob> {
        self.manager.jobs().unwrap().into_iter().filter(is_of_a_rule).collect()
    }

    /// A call of the API that the client has no use for: its status, and its document.
    pub(crate) fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let path = format!("api/v3/{path}");
        let json = body.map(|body| body.to_string().into());
        let reply = self.http.send(&Request { method, json, ..Request::get(&path) }).unwrap();
        (reply.status, serde_json::from_slice(&reply.body).unwrap_or(Value::Null))
    }

    /// Puts the Worker to sleep or wakes it, and waits until it has.
    pub(crate) fn turn_worker(&self, status: WorkerStatus) {
        let path = format!("worker-mgt/workers/{}/setstatus", self.worker);
        let body = json!({"status": status.as_str(), "is_lazy": false});
        assert_eq!(self.call(Method::Post, &path, Some(body)).0, 204);
        wait_for("the Worker's change", || self.manager.workers().unwrap()[0].status == status);
    }

    /// Gives the Worker these tags and no others.
    pub(crate) fn give_tags(&self, ids: &[&str]) {
        let path = format!("worker-mgt/workers/{}/settags", self.worker);
        assert_eq!(self.call(Method::Post, &path, Some(json!({ "tag_ids": ids }))).0, 204);
    }

    fn is_worked_off(&self) -> bool {
        let waits = |status: &JobStatus| !matches!(status, JobStatus::Paused) && !is_over(status);
        !self.jobs().iter().any(|job| waits(&job.status))
    }

    fn scene_that(&self, name: &str, does: &str) -> PathBuf {
        let path = self.root.join(format!("{name}.scene"));
        std::fs::write(&path, does).unwrap();
        path
    }
}

fn is_over(status: &JobStatus) -> bool {
    matches!(status, JobStatus::Completed | JobStatus::Failed | JobStatus::Canceled)
}

fn offers_pauses(http: &Client) -> bool {
    let spec: Value = serde_json::from_slice(&http.get("api/v3/openapi3.json").unwrap().body).unwrap();
    let statuses = &spec["components"]["schemas"]["JobStatus"]["enum"];
    statuses.as_array().unwrap().contains(&json!("pause-requested"))
}

impl TestFarm for RealFarm {
    fn manager(&self) -> &dyn Manager {
        &self.manager
    }

    fn scene(&self, scene: Scene) -> PathBuf {
        let (name, does) = scene.name_and_text();
        self.scene_that(name, does)
    }

    fn output(&self) -> PathBuf {
        self.root.join(format!("out{}", self.outputs.fetch_add(1, Ordering::Relaxed)))
    }

    fn work(&self) {
        self.turn_worker(WorkerStatus::Awake);
        wait_for("all jobs' end", || self.is_worked_off());
        self.turn_worker(WorkerStatus::Asleep);
    }

    fn while_working(&self, body: &mut dyn FnMut()) {
        self.turn_worker(WorkerStatus::Awake);
        body();
        self.turn_worker(WorkerStatus::Asleep);
    }

    fn renderers(&self) -> usize {
        let folder = self.root.to_string_lossy().into_owned();
        let names_it = |pid: &u32| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&words).contains(&folder)
        };
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(names_it).count()
    }

    fn can_pause(&self) -> bool {
        self.can_pause
    }
}
