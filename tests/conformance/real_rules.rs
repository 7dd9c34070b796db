//! What only a real Manager can show.

use super::real_farm::RealFarm;
use super::server::{Answer, Fault, Heard, Server};
use super::test_farm::{Scene, TestFarm, names, status, submission, wait_for};
use farm::base::ids::RunId;
use farm::base::status::{JobStatus, WorkerStatus};
use farm::manager::flamenco::Bounds;
use farm::manager::{Flamenco, Manager, ManagerError, Seen, Submission};
use farm::sys::http::{Access, Client, Method, Request};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// What a Worker without the tag would have taken by now: it asks at least every 20 seconds.
const LONG_ENOUGH: Duration = Duration::from_secs(25);

#[test]
fn a_tagged_run_waits_for_a_worker_with_the_tag() {
    RealFarm::with(|farm| {
        let name = format!("farm-test-{}", RunId::random());
        let (submission, output) = submission(farm, Scene::Light, "1", 1);
        let tagged = Submission { tag: Some(name.clone()), ..submission };
        let (code, tag) = farm.call(Method::Post, "worker-mgt/tags", Some(json!({ "name": name })));
        if code != 200 {
            let outcome = farm.manager().submit(&tagged);
            assert!(matches!(outcome, Err(ManagerError::Incapable { .. })), "{outcome:?}");
            return;
        }
        let id = tag["id"].as_str().unwrap();
        let job = farm.manager().submit(&tagged).unwrap();
        farm.turn_worker(WorkerStatus::Awake);
        std::thread::sleep(LONG_ENOUGH);
        assert_eq!((status(farm, &job.id), names(&output).len()), (JobStatus::Queued, 0));
        farm.give_tags(&[id]);
        assert_eq!(farm.manager().workers().unwrap()[0].tags, [name]);
        wait_for("the tagged run", || status(farm, &job.id) == JobStatus::Completed);
        farm.give_tags(&[]);
        assert_eq!(farm.call(Method::Delete, &format!("worker-mgt/tag/{id}"), None).0, 204);
    });
}

#[test]
fn the_storage_is_seen_and_what_is_not_there_is_not() {
    RealFarm::with(|farm| {
        let storage = farm.manager().storage(Path::new("/elsewhere")).unwrap();
        assert!(Path::new(&storage).is_dir(), "{storage}");
        assert_eq!(farm.manager().sees_folder(&storage).unwrap(), Seen::Usable);
        let seen = farm.manager().sees_folder(&format!("{storage}/not-there")).unwrap();
        assert!(matches!(&seen, Seen::Not(why) if !why.is_empty()), "{seen:?}");
        let version = farm.manager().version().unwrap();
        assert!(version.version.starts_with("3."), "{version:?}");
        let worker = farm.manager().workers().unwrap().remove(0);
        assert!(worker.last_seen.is_some() && worker.platform == "linux", "{worker:?}");
        assert!(worker.task_types.contains(&"blender".to_owned()), "{worker:?}");
    });
}

/// Passes requests on to the Manager at this URL.
fn proxy(url: &str) -> Server {
    let behind = Client::new(url).unwrap();
    Server::new(move |heard: &Heard| {
        let method = match heard.method.as_str() {
            "POST" => Method::Post,
            "DELETE" => Method::Delete,
            _ => Method::Get,
        };
        let json = (!heard.body.is_empty()).then(|| heard.body.clone());
        let request = Request { method, json, ..Request::get(heard.path.trim_start_matches('/')) };
        let reply = behind.send(&request).unwrap();
        Answer { body: reply.body, ..Answer::text(reply.status, &reply.content_type, "") }
    })
}

/// Twenty submissions that are cut: an unknown outcome is looked at, and there is one job in the end.
#[test]
fn a_cut_submission_makes_one_job_in_the_end() {
    RealFarm::with(|farm| {
        let proxy = proxy(&farm.manager().address());
        let access = Access { timeout: Some(Duration::from_secs(1)), ..Access::default() };
        let bounds = Bounds { long: Duration::from_secs(1), ..Bounds::default() };
        let manager = Flamenco::with_bounds(&proxy.url(), &access, bounds).unwrap();
        let failed = Fault::coded(500, "error retrieving job from database").after_success();
        for fault in [Fault::Reset, Fault::CutAfter, Fault::CutInBody, failed, Fault::Silent] {
            for _ in 0..4 {
                let (submission, _) = submission(farm, Scene::Light, "1", 1);
                let run = submission.metadata["farm.id"].parse().unwrap();
                proxy.trap(fault.clone(), "POST /api/v3/jobs ", 1);
                let outcome = manager.submit(&submission);
                assert!(matches!(outcome, Err(ManagerError::Unknown { .. })), "{fault:?}: {outcome:?}");
                if manager.find_run(run).unwrap().is_none() {
                    manager.submit(&submission).unwrap();
                }
                let jobs = manager.jobs().unwrap();
                assert_eq!(jobs.iter().filter(|job| job.run_id() == Some(run)).count(), 1, "{fault:?}");
            }
        }
    });
}
