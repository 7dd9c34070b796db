//! Recorded replies of four releases (`tests/fixtures/manager`), read into the right values.

use super::offer::Offer;
use super::reply::{self, Answer};
use super::*;
use crate::base::error::Explain;
use crate::base::ids::WorkerId;
use crate::base::status::{TaskStatus, WorkerStatus};
use crate::base::time::Timestamp;
use crate::sys::http::Reply;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::PathBuf;

const RELEASES: [&str; 4] = ["3.2", "3.5", "3.8.5", "3.9-beta1"];

fn folder(release: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/manager").join(release)
}

fn recorded(release: &str, name: &str) -> Reply {
    let path = folder(release).join(format!("{name}.json"));
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let document: Value = serde_json::from_slice(&text).unwrap();
    let body = match &document["body"] {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        body => body.to_string().into_bytes(),
    };
    let content_type = document["headers"]["Content-Type"].as_str().unwrap_or_default().to_owned();
    Reply { status: document["status"].as_u64().unwrap() as u16, content_type, retry_after: None, body }
}

fn read<T: DeserializeOwned>(release: &str, name: &str) -> T {
    serde_json::from_slice(&recorded(release, name).body).unwrap_or_else(|error| panic!("{release}/{name}: {error}"))
}

fn job(release: &str, name: &str) -> ManagerJob {
    read::<wire::job::OneJob>(release, name).0
}

fn time(text: &str) -> Timestamp {
    Timestamp(text.parse().unwrap())
}

#[test]
fn jobs_are_read() {
    let expected = ManagerJob {
        id: JobId("dde8d774-d67b-49fd-975e-884f3dfc8c70".into()),
        name: "cube3".into(),
        status: JobStatus::Completed,
        priority: 50,
        job_type: "simple-blender-render".into(),
        metadata: [("farm.id", "x"), ("farm.release", "r1")].map(|(key, value)| (key.into(), value.into())).into(),
        activity: "Changed to status \"completed\": all tasks completed".into(),
        created: time("2026-11-22T01:14:05.873796278Z"),
        updated: time("2026-11-22T01:14:09.933525111Z"),
    };
    assert_eq!(job("3.2", "job_completed"), expected);
    for release in RELEASES {
        let completed = job(release, "job_completed");
        assert_eq!((completed.status, completed.activity), (JobStatus::Completed, expected.activity.clone()));
        assert_eq!(completed.metadata["farm.release"], "r1");
        assert_eq!(job(release, "submit").status, JobStatus::Queued, "{release}");
        assert!(job(release, "job_completed").has_all_tasks_completed(), "{release}");
        assert!(job(release, "submit").is_untouched() && !job(release, "job_completed").is_untouched(), "{release}");
    }
    // What a release does not know of a submission is passed over in silence.
    for (release, status) in [("3.2", JobStatus::Queued), ("3.5", JobStatus::Queued), ("3.8.5", JobStatus::Paused)] {
        assert_eq!(job(release, "submit_initial_paused").status, status, "{release}");
    }
    assert_eq!(job("3.9-beta1", "job_active").status, JobStatus::Active);
    assert!(job("3.9-beta1", "job_failed").activity.contains("no more workers left"));
    assert_eq!(job("3.9-beta1", "submit_farm").job_type, "farm");
}

fn jobs(release: &str, name: &str) -> Result<Vec<ManagerJob>, serde_json::Error> {
    jobs_of(&recorded(release, name).body)
}

fn jobs_of(body: &[u8]) -> Result<Vec<ManagerJob>, serde_json::Error> {
    let mut all = |_: &ManagerJob| true;
    let mut list = wire::job_list::JobList::new(&mut all);
    list.piece(body);
    list.finish()
}

#[test]
fn lists_of_jobs_are_read() {
    let found = jobs("3.9-beta1", "jobs").unwrap();
    assert_eq!(found, [job("3.9-beta1", "job_completed")]);
    for (release, name) in
        [("3.2", "jobs_query"), ("3.5", "jobs_query"), ("3.8.5", "jobs"), ("3.9-beta1", "jobs_empty")]
    {
        assert_eq!(jobs(release, name).unwrap(), [], "{release}");
    }
    assert_eq!(jobs_of(br#"{"more": [1], "jobs": null}"#).unwrap(), []);
    for wrong in [&b"{}"[..], b"[]", b"null", b"{\"jobs\": 7}", b"{\"jobs\": [7]}", b"{\"jobs\": [", b""] {
        assert!(jobs_of(wrong).is_err(), "{}", String::from_utf8_lossy(wrong));
    }
}

#[test]
fn null_and_absent_are_as_good_as_empty_and_unknown_words_are_kept() {
    let text = r#"{"id": "1", "name": "n", "status": "archiving", "type": "t", "metadata": {"frames": 7}, "activity": null,
        "priority": 5000000000, "created": "2026-11-22T01:14:05Z", "updated": "2026-11-22T02:14:05+01:00", "new": {}}"#;
    let job = serde_json::from_str::<wire::job::OneJob>(text).unwrap().0;
    assert_eq!(job.status, JobStatus::Unknown("archiving".into()));
    assert_eq!((job.metadata["frames"].as_str(), job.activity.as_str(), job.priority), ("7", "", 255));
    assert_eq!(job.created, job.updated);
    let tasks: wire::task::Tasks = serde_json::from_str(r#"{"tasks": null}"#).unwrap();
    assert!(tasks.tasks.is_empty());
}

fn tasks(release: &str, name: &str) -> Vec<ManagerTask> {
    read::<wire::task::Tasks>(release, name).tasks.into_iter().map(Into::into).collect()
}

/// Names, types, statuses, and whether a worker has or had them.
fn rows(tasks: &[ManagerTask]) -> Vec<(&str, &str, &str, bool)> {
    tasks
        .iter()
        .map(|task| (task.name.as_str(), task.task_type.as_str(), task.status.as_str(), task.worker.is_some()))
        .collect()
}

#[test]
fn tasks_are_read() {
    let newest = "3.9-beta1";
    assert_eq!(rows(&tasks("3.2", "job_tasks")), [("render-1-3", "blender", "completed", false)]);
    assert_eq!(rows(&tasks("3.5", "job_tasks")), [("render-1-3", "blender", "completed", false)]);
    let told = tasks("3.8.5", "job_tasks");
    assert_eq!(rows(&told), [("render-1-3", "blender", "completed", true)]);
    assert_eq!(told[0].worker, Some(WorkerId("f8269f59-0228-4e5d-82da-f5f50f56f438".into())));
    assert_eq!(told[0].id.0, "e66787c6-665d-4a66-b840-7ca82a0429d5");
    assert_eq!(told[0].updated, time("2026-11-22T01:14:34.341607235Z"));
    for release in ["3.2", "3.5", "3.8.5"] {
        assert_eq!(tasks(release, "job_tasks")[0].names_worker, release == "3.8.5", "{release}");
        let one = ManagerTask::from(read::<wire::task::Task>(release, "task"));
        assert!(one.names_worker && one.worker.is_some(), "{release}");
    }
    // A worker of empty words is none.
    assert!(tasks(newest, "job_tasks_fresh").iter().all(|task| task.worker.is_none()));
    assert_eq!(
        rows(&tasks(newest, "job_tasks_active"))[..2],
        [("render-1", "blender", "active", true), ("render-2", "blender", "queued", false)]
    );
    assert_eq!(rows(&tasks(newest, "tasks_after_cancel"))[0], ("render-1", "blender", "canceled", true));
    assert_eq!(rows(&tasks(newest, "tasks_failed_job"))[0], ("render-1", "blender", "failed", true));
    assert_eq!(rows(&tasks(newest, "tasks_with_video"))[3], ("preview-video", "ffmpeg", "completed", true));
    assert!(tasks(newest, "job_tasks_completed").iter().all(|task| task.status == TaskStatus::Completed));
    assert_eq!(tasks(newest, "tasks_unknown_job"), []);
}

#[test]
fn workers_are_read() {
    for (release, id) in [
        ("3.2", "24546981-b922-4cc2-b893-8e975094c60f"),
        ("3.8.5", "f8269f59-0228-4e5d-82da-f5f50f56f438"),
        ("3.9-beta1", "23e260a1-7050-4941-9b40-9e3e151e82f3"),
    ] {
        let list: wire::worker::Workers = read(release, "workers");
        assert_eq!(list.workers.iter().map(|worker| worker.id.as_str()).collect::<Vec<_>>(), [id], "{release}");
    }
    assert_eq!(read::<wire::worker::Workers>("3.5", "workers").workers.len(), 1);
    assert_eq!(read::<wire::worker::Workers>("3.9-beta1", "workers_two").workers.len(), 2);
    for release in ["3.2", "3.5", "3.8.5"] {
        let rested = ManagerWorker::from(read::<wire::worker::Worker>(release, "worker_after_task"));
        assert_eq!((rested.status.clone(), rested.platform.as_str()), (WorkerStatus::Asleep, "linux"), "{release}");
        assert!(rested.task.is_none() && rested.last_task.is_some() && rested.last_seen.is_some(), "{release}");
        assert!(!rested.takes("blender") && rested.task_types.contains(&"blender".to_owned()), "{release}");
    }
    let worker = |name| ManagerWorker::from(read::<wire::worker::Worker>("3.9-beta1", name));
    let fresh = worker("worker");
    assert_eq!((fresh.name.as_str(), fresh.platform.as_str(), fresh.tags.len()), ("w1", "linux", 0));
    assert_eq!((fresh.status.clone(), &fresh.task, &fresh.last_task), (WorkerStatus::Awake, &None, &None));
    assert_eq!(fresh.last_seen, Some(time("2026-11-22T00:42:49.361376176Z")));
    assert_eq!(fresh.version, "3.9-beta1 (cf286e71)");
    assert!(fresh.takes("blender") && !fresh.takes("other"));
    let busy = worker("worker_busy");
    assert_eq!(busy.task, Some(TaskId("6c35e7a1-e3d0-47d2-bf66-27f5e597f8da".into())));
    assert_eq!(busy.last_task, busy.task);
    // What it touched last is not what it works on.
    let idle = worker("worker_after_cancel");
    assert_eq!((idle.task, idle.last_task.unwrap().0.as_str()), (None, "f5e58dfa-ffe3-4b12-bf65-c6cb4839dc45"));
    let lost = worker("worker_error");
    assert_eq!((lost.status, lost.task, lost.tags), (WorkerStatus::Error, None, vec!["farm-node-w1".to_owned()]));
    assert_eq!(worker("worker_with_tag").tags, ["farm-node-w1"]);
    let told = worker("worker_status_requested");
    assert_eq!((told.status, told.requested), (WorkerStatus::Awake, Some(WorkerStatus::Asleep)));
    assert_eq!(fresh.requested, None);
}

#[test]
fn what_a_manager_says_of_itself_is_read() {
    for (release, version, name) in [
        ("3.2", "3.2", "Flamenco"),
        ("3.5", "3.5", "realfarm"),
        ("3.8.5", "3.8.5", "realfarm"),
        ("3.9-beta1", "3.9-beta1 (cf286e71)", "realfarm"),
    ] {
        let told: wire::meta::Version = read(release, "version");
        assert_eq!((told.version.as_str(), told.name.as_str()), (version, name));
        let configuration: wire::meta::Configuration = read(release, "configuration");
        assert_eq!(configuration.storage_location, "/mnt/farm");
        assert!(!configuration.shaman_enabled && !configuration.is_first_run);
        let with_shaman: wire::meta::Configuration = read(release, "configuration_shaman");
        assert_eq!((with_shaman.storage_location.as_str(), with_shaman.shaman_enabled), ("/mnt/farm/jobs", true));
        assert!(read::<wire::meta::PathCheck>(release, "check_storage").is_usable);
        let missing: wire::meta::PathCheck = read(release, "check_storage_missing");
        assert_eq!((missing.is_usable, missing.cause.contains("does not exist")), (false, true));
    }
    let variables: wire::meta::Variables = read("3.9-beta1", "variables_workers_linux");
    assert_eq!(variables["blender"].value, "/usr/bin/blender");
    let tags: wire::worker::Tags = read("3.9-beta1", "tags");
    let tag = &tags.tags[0];
    assert_eq!((tag.id.as_str(), tag.name.as_str()), ("cc6fb858-0abb-4b9a-9549-8681bc24f946", "farm-node-w1"));
    assert_eq!(read::<wire::worker::Tags>("3.5", "tags").tags.len(), 0);
    for release in RELEASES {
        let info: wire::task::LogInfo = read(release, "task_log");
        assert!(info.url.starts_with("/job-files/job-") && info.url.ends_with(".txt"), "{}", info.url);
    }
}

#[test]
fn job_types_and_what_a_submission_may_have_are_read() {
    let newer = "6f6b4fce9301252a6ab4a9a213a2f0ad447eccd5";
    for (release, etag, scene, tag, pause) in [
        ("3.2", "6d39f3f0d837047f0d5419354c5b2216aeb92dd9", false, false, false),
        ("3.5", "", false, true, false),
        ("3.8.5", newer, true, true, true),
        ("3.9-beta1", newer, true, true, true),
    ] {
        let job_type: wire::meta::JobType = read(release, "job_type_simple_blender_render");
        assert!(etag.is_empty() || job_type.etag == etag, "{release}: {}", job_type.etag);
        assert_eq!(job_type.has("scene"), scene, "{release}");
        assert!(["frames", "chunk_size", "blendfile", "format"].iter().all(|key| job_type.has(key)), "{release}");
        let spec: wire::meta::Spec = read(release, "openapi3");
        assert_eq!(spec.takes("worker_tag"), tag, "{release}");
        assert_eq!(spec.takes("initial_status"), pause, "{release}");
        assert_eq!(spec.knows_status("pause-requested"), pause, "{release}");
        assert!(spec.takes("metadata") && spec.knows_status("requeueing") && !spec.knows_status("bogus"));
    }
}

/// Every recorded reply that refuses, and what is made of it; `*` is every release.
const REFUSALS: &[(&str, &str, &str)] = &[
    ("*", "bad_path", "incapable"),
    ("*", "check_etag", "rejected"),
    ("*", "job_404", "not found"),
    ("3.2", "status", "incapable"),
    ("3.2", "tags", "incapable"),
    ("*", "jobs", "incapable"),
    ("*", "jobs_query", "incapable"),
    ("*", "jobs_query_36", "incapable"),
    ("*", "bad_method", "incapable"),
    ("*", "mass_delete", "rejected"),
    ("*", "mass_delete_no_body", "rejected"),
    ("*", "mass_delete_nothing", "rejected"),
    ("*", "check_etag_mismatch", "rejected"),
    ("*", "check_frames_empty", "rejected"),
    ("*", "check_frames_reversed", "rejected"),
    ("*", "check_no_chunk", "rejected"),
    ("*", "check_null", "rejected"),
    ("*", "job_bad_id", "rejected"),
    ("*", "job_delete_requested", "not found"),
    ("*", "job_type_missing", "not found"),
    ("*", "job_unknown", "not found"),
    ("*", "setpriority_101", "rejected"),
    ("*", "setstatus_bogus", "rejected"),
    ("*", "setstatus_no_reason", "rejected"),
    ("*", "settag_unknown", "rejected"),
    ("*", "submit_farm_bad_plan", "rejected"),
    ("*", "submit_no_content_type", "rejected"),
    ("*", "submit_unknown_tag", "in trouble"),
    ("*", "tag_create_dup", "in trouble"),
    ("*", "worker_restart_refused", "rejected"),
    ("*", "worker_unknown", "not found"),
    ("*", "log_unknown_task", "not found"),
    ("*", "logtail_unknown_task", "not found"),
    ("*", "setstatus_unknown_job", "not found"),
    ("*", "delete_unknown_job", "not found"),
    ("3.2", "setstatus_pause_requested", "rejected"),
    ("3.5", "setstatus_pause_requested", "rejected"),
];

#[test]
fn refusals_of_both_shapes_are_told_apart() {
    let mut count = 0;
    for release in RELEASES {
        for entry in std::fs::read_dir(folder(release)).unwrap() {
            let name = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
            let reply = recorded(release, &name);
            if reply.status < 400 {
                continue;
            }
            count += 1;
            let row = REFUSALS.iter().find(|row| [release, "*"].contains(&row.0) && row.1 == name);
            let (_, _, expected) = row.unwrap_or_else(|| panic!("{release}/{name}: in no row"));
            let words = reply::words(&reply).unwrap();
            let error = Answer::new("http://m:8080", reply).error("job 7");
            let kind = match &error {
                ManagerError::Rejected { .. } => "rejected",
                ManagerError::NotFound { .. } => "not found",
                ManagerError::Incapable { .. } => "incapable",
                ManagerError::InTrouble { .. } => "in trouble",
                _ => "another",
            };
            assert_eq!(kind, *expected, "{release}/{name}: {error}");
            assert!(error.to_string().contains("http://m:8080"), "{error}");
            if ["rejected", "in trouble"].contains(expected) {
                assert!(error.to_string().contains(&words), "{release}/{name}: {error}");
            }
        }
    }
    assert!(count >= 55, "{count}");
}

/// The next step is about whoever is to blame.
#[test]
fn a_proxy_and_a_manager_in_trouble_are_not_looked_for_at_another_address() {
    let reply =
        |status, body: &str| Reply { status, content_type: String::new(), retry_after: None, body: body.into() };
    let proxy = Answer::new("m", reply(407, "")).error("jobs");
    assert!(matches!(proxy, ManagerError::ProxyUnauthorized { .. }), "{proxy:?}");
    let hint = proxy.hint().unwrap();
    assert!(proxy.to_string().contains("proxy") && hint.contains("access.proxy") && !hint.contains("token"), "{hint}");
    let broken = Answer::new("m", reply(500, r#"{"code": 500, "message": "database is locked"}"#)).error("jobs");
    let hint = broken.hint().unwrap();
    assert!(broken.to_string().contains("database is locked") && !hint.contains("address"), "{broken}: {hint}");
}

fn no_json() -> serde_json::Error {
    serde_json::from_slice::<wire::Error>(b"<").err().unwrap()
}

/// A page with a good status is a login, one that says that a gateway has nobody behind it is not.
#[test]
fn pages_are_told_apart_by_their_status() {
    let page = |status| Reply { status, content_type: "text/html".into(), retry_after: None, body: b"<html>".into() };
    let login = Answer::new("m", page(200)).expect_nothing("it").unwrap_err();
    assert!(login.to_string().contains("login") && login.hint().unwrap().contains("access.user"), "{login}");
    // A submission that such a page answers, and that is in no queue, is in no log either.
    let message = format!("{}; the job is not in its queue", reply::not_a_manager(&page(200), &no_json()));
    let hint = ManagerError::InTrouble { address: "m".into(), message }.hint().unwrap();
    assert!(hint.contains("access.user") && !hint.contains("own log"), "{hint}");
    for status in [502, 503, 504] {
        let away = Answer::new("m", page(status)).error("it");
        assert!(away.to_string().contains("a proxy answers in its place"), "{away}");
        assert!(away.hint().unwrap().contains("the Manager runs") && !away.to_string().contains("login"), "{away}");
    }
    let other = Answer::new("m", page(404)).error("it");
    assert!(!other.to_string().contains("login") && other.to_string().contains("web page (HTTP 404)"), "{other}");
}

#[test]
fn what_is_done_has_nothing_to_tell() {
    for (release, name) in [
        ("3.2", "check"),
        ("3.2", "delete"),
        ("3.5", "check"),
        ("3.8.5", "delete"),
        ("3.9-beta1", "check_ok"),
        ("3.9-beta1", "check_unknown_tag"),
        ("3.9-beta1", "setstatus_cancel"),
        ("3.9-beta1", "delete"),
    ] {
        Answer::new("m", recorded(release, name)).expect_nothing("it").unwrap();
    }
    for name in ["version", "task_logtail"] {
        assert!(Answer::new("m", recorded("3.9-beta1", name)).expect_nothing("it").is_err());
        Answer::new("m", recorded("3.9-beta1", name)).expect_text("it").unwrap();
    }
}

#[test]
fn a_manager_that_is_not_there_is_named_without_its_password() {
    let api = Api::new(
        "http://me:secret@127.0.0.1:1/base",
        &Access::default(),
        Bounds { pauses: [Duration::ZERO; 3], ..Bounds::default() },
    )
    .unwrap();
    assert_eq!(api.address(), "http://127.0.0.1:1/base");
    let error = Offer::default().storage(&api).unwrap_err().to_string();
    assert!(error.contains("http://127.0.0.1:1/base") && !error.contains("secret"), "{error}");
}
