//! A Manager's stand-in, in four releases: what it says has the shape of what the real one of that release says (recorded
//! in `tests/fixtures/manager`), what it does is done by the local manager.

mod farm_type;
mod jobs;
mod release;
mod shapes;
mod submission;
mod tasks;

pub(crate) use release::Release;

use super::{Answer, Heard, Site};
use farm::manager::local::Local;
use farm::manager::{Manager, ManagerWorker};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// A Manager.
pub(crate) struct StandIn {
    release: Release,
    engine: Arc<Local>,
    storage: PathBuf,
    has_shaman: bool,
    /// Ids and names.
    tags: Vec<(String, String)>,
    spec: Value,
    job_type: Mutex<Value>,
    /// Farm's own, where it was set up.
    farm_type: Option<Value>,
    /// Variables beyond those of every Manager.
    variables: Vec<String>,
    /// Workers beside those of the engine.
    cast: Vec<ManagerWorker>,
    /// Ids of workers that every job has on its blocklist, for tasks of the type `blender`.
    blocked: Vec<String>,
    /// When workers sleep, by their ids.
    schedules: HashMap<String, Value>,
    /// By the jobs' ids: what was submitted, which the engine does not keep.
    submitted: Mutex<HashMap<String, Value>>,
}

impl StandIn {
    /// A Manager whose jobs are kept by `engine` and whose shared storage is `storage`.
    pub(crate) fn new(release: Release, engine: Arc<Local>, storage: PathBuf) -> Self {
        StandIn {
            release,
            engine,
            storage,
            has_shaman: false,
            tags: Vec::new(),
            spec: release.recorded("openapi3"),
            job_type: Mutex::new(release.recorded("job_type_simple_blender_render")),
            farm_type: None,
            variables: Vec::new(),
            cast: Vec::new(),
            blocked: Vec::new(),
            schedules: HashMap::new(),
            submitted: Mutex::default(),
        }
    }

    /// The same with Shaman: the location that it names is that of the checkouts.
    pub(crate) fn with_shaman(self) -> Self {
        StandIn { has_shaman: true, ..self }
    }

    /// The same with a worker tag of this name.
    pub(crate) fn with_tag(mut self, id: &str, name: &str) -> Self {
        self.tags.push((id.to_owned(), name.to_owned()));
        self
    }

    /// The same with a variable of this name for workers.
    pub(crate) fn with_variable(mut self, name: &str) -> Self {
        self.variables.push(name.to_owned());
        self
    }

    /// The same with a worker that is told of, and does nothing.
    pub(crate) fn with_worker(mut self, worker: ManagerWorker) -> Self {
        self.cast.push(worker);
        self
    }

    /// The same with this worker on the blocklist of every job.
    pub(crate) fn with_block(mut self, worker: &str) -> Self {
        self.blocked.push(worker.to_owned());
        self
    }

    /// The same with a schedule by which this worker sleeps.
    pub(crate) fn with_schedule(mut self, worker: &str, schedule: Value) -> Self {
        self.schedules.insert(worker.to_owned(), schedule);
        self
    }

    /// The engine's workers, and those that are only told of.
    fn all_workers(&self) -> Vec<ManagerWorker> {
        self.engine.workers().unwrap().into_iter().chain(self.cast.iter().cloned()).collect()
    }

    /// What was submitted, as it came, by the job's id.
    pub(crate) fn submitted(&self, id: &str) -> Option<Value> {
        self.submitted.lock().unwrap().get(id).cloned()
    }

    /// Gives the job type another etag, as an upgrade of the Manager does.
    pub(crate) fn change_job_type(&self, etag: &str) {
        self.job_type.lock().unwrap()["etag"] = json!(etag);
    }

    fn etag(&self, job_type: &Value) -> Value {
        match (&self.farm_type, job_type.as_str()) {
            (Some(farm_type), Some("farm")) => farm_type["etag"].clone(),
            _ => self.job_type.lock().unwrap()["etag"].clone(),
        }
    }

    /// What stands before the handlers: an unknown path, a wrong method, a body that does not fit.
    fn refuse(&self, request: &Heard) -> Option<Answer> {
        let Some(offered) = self.methods(&request.path) else {
            return Some(self.plain(404, "Not Found"));
        };
        if !offered.contains(&request.method.to_ascii_lowercase()) {
            let status = if self.release >= Release::V3_9 { 404 } else { 400 };
            return Some(self.plain(status, "method not allowed"));
        }
        let wrong = |text: &str| Some(self.plain(400, &format!("request body has an error: {text}")));
        if request.method != "POST" {
            return None;
        }
        let body = request.json();
        match request.header("content-type") {
            Some(kind) if kind.starts_with("application/json") => {}
            other => return wrong(&format!("header Content-Type has unexpected value {:?}", other.unwrap_or(""))),
        }
        let null = body.as_object()?.iter().find(|(_, value)| value.is_null());
        null.and_then(|(key, _)| wrong(&format!("doesn't match schema: Error at \"/{key}\": Value is not nullable")))
    }

    /// The methods that the release has at this path; `None` where there is none.
    fn methods(&self, path: &str) -> Option<Vec<String>> {
        let fits = |template: &str| {
            let pairs = template.split('/').zip(path.split('/'));
            let same = |(known, asked): (&str, &str)| known == asked || known.starts_with('{') && !asked.is_empty();
            template.split('/').count() == path.split('/').count() && pairs.into_iter().all(same)
        };
        let mut found: Vec<_> = self.spec["paths"].as_object()?.iter().filter(|(known, _)| fits(known)).collect();
        // What is spelled out goes before what is filled in.
        found.sort_by_key(|(known, _)| known.matches('{').count());
        Some(found.first()?.1.as_object()?.keys().cloned().collect())
    }

    fn handle(&self, request: &Heard) -> Answer {
        let path = request.path.trim_start_matches("/api/v3/").to_owned();
        let parts: Vec<&str> = path.split('/').collect();
        match (request.method.as_str(), parts.as_slice()) {
            (_, ["version"]) => self.json(&self.release.recorded("version")),
            (_, ["openapi3.json"]) => self.json(&self.spec),
            (_, ["configuration"]) => self.json(&self.configuration()),
            (_, ["configuration", "file"]) => self.json(&self.configuration_file()),
            (_, ["configuration", "variables", "workers", _]) => self.json(&self.variables()),
            (_, ["configuration", "check", "shared-storage"]) => self.check_storage(request),
            (_, ["jobs", "type", "simple-blender-render"]) => self.json(&self.job_type.lock().unwrap()),
            (_, ["jobs", "type", "farm"]) => self.tell_farm_type(),
            (_, ["jobs", "type", _]) => self.coded(404, "no such job type known"),
            ("GET", ["jobs"]) | ("POST", ["jobs", "query"]) => self.list_jobs(),
            ("POST", ["jobs"]) => self.take_job(&request.json()),
            ("POST", ["jobs", "check"]) => self.check_job(&request.json()),
            ("GET", ["jobs", id]) => self.tell_job(id),
            ("DELETE", ["jobs", id]) => self.delete_job(id),
            ("POST", ["jobs", id, "setstatus"]) => self.set_job_status(id, &request.json()),
            ("POST", ["jobs", id, "setpriority"]) => self.set_job_priority(id, &request.json()),
            ("GET", ["jobs", id, "tasks"]) => self.list_tasks(id),
            ("GET", ["jobs", id, "blocklist"]) => self.tell_blocklist(id),
            ("GET", ["tasks", id]) => self.tell_task(id),
            ("GET", ["tasks", id, "log"]) => self.tell_log(id),
            ("GET", ["tasks", id, "logtail"]) => self.tell_log_tail(id),
            ("GET", ["worker-mgt", "workers"]) => self.list_workers(),
            ("GET", ["worker-mgt", "workers", id]) => self.tell_worker(id),
            ("GET", ["worker-mgt", "workers", id, "sleep-schedule"]) => self.tell_schedule(id),
            ("GET", ["worker-mgt", "tags"]) => self.list_tags(),
            _ => self.coded(501, "the stand-in does not have this call"),
        }
    }

    fn variables(&self) -> Value {
        let variable = |value: &str| json!({"is_twoway": false, "value": value});
        let mut all = json!({"blender": variable("blender"), "blenderArgs": variable("-b -y")});
        self.variables.iter().for_each(|name| all[name] = variable("/opt/blender"));
        all
    }

    fn configuration(&self) -> Value {
        let location = if self.has_shaman { self.storage.join("jobs") } else { self.storage.clone() };
        json!({"isFirstRun": false, "shamanEnabled": self.has_shaman, "storageLocation": location})
    }

    /// Until 3.5 the keys are those of the program.
    fn configuration_file(&self) -> Value {
        let key = if self.release > Release::V3_5 { "shared_storage_path" } else { "SharedStoragePath" };
        json!({ key: self.storage })
    }

    fn check_storage(&self, request: &Heard) -> Answer {
        let body = request.json();
        let path = body["path"].as_str().unwrap_or_default();
        let is_folder = std::path::Path::new(path).is_dir();
        let cause = if is_folder {
            "Directory checked successfully"
        } else {
            "This path does not exist. Choose an existing directory."
        };
        self.json(&json!({"path": path, "is_usable": is_folder, "cause": cause}))
    }

    fn json(&self, body: &Value) -> Answer {
        self.typed(Answer::json(200, body))
    }

    /// An error of Flamenco's own code.
    fn coded(&self, status: u16, message: &str) -> Answer {
        self.typed(Answer::json(status, &json!({"code": status, "message": message})))
    }

    /// An error of what stands before it.
    fn plain(&self, status: u16, message: &str) -> Answer {
        self.typed(Answer::json(status, &json!({"message": message})))
    }

    fn typed(&self, answer: Answer) -> Answer {
        let content_type = if self.release >= Release::V3_9 { "" } else { "; charset=UTF-8" };
        Answer { content_type: format!("application/json{content_type}"), ..answer }
    }
}

impl Site for Arc<StandIn> {
    fn answer(&self, request: &Heard) -> Answer {
        if let Some(file) = request.path.strip_prefix("/job-files/") {
            return self.send_file(file, request);
        }
        if request.path == "/api/v3/openapi3.json" {
            return self.handle(request);
        }
        self.refuse(request).unwrap_or_else(|| self.handle(request))
    }
}
