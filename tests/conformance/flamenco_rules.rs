//! What only a Flamenco Manager promises: its shapes in each release, tags, job types, its storage.

use super::flamenco_farm::FlamencoFarm;
use super::server::flamenco::Release;
use super::server::{Answer, Fault};
use super::test_farm::{Scene, TestFarm, names, status, submission, task_statuses};
use farm::base::ids::WorkerId;
use farm::base::secret::Secret;
use farm::base::status::{JobStatus, TaskStatus};
use farm::manager::{Block, Flamenco, Manager, ManagerError, RenderWork, Seen, SleepSchedule, Submission, Work};
use farm::sys::http::{Access, Client, Credentials, Method, Request};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

const TAG: &str = "cc6fb858-0abb-4b9a-9549-8681bc24f946";

/// The keys of a document and the types of their values. Of a list the first item counts, numbers are one type, and what
/// users fill in, or farm never reads, has no shape.
fn shape(document: &Value) -> Value {
    const FREE: [&str; 6] = ["settings", "metadata", "tags", "task", "status_change", "commands"];
    match document {
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| !FREE.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), shape(value)))
            .collect(),
        Value::Array(list) => list.first().map_or(json!([]), |first| json!([shape(first)])),
        Value::String(_) => json!("text"),
        Value::Number(_) => json!("number"),
        Value::Bool(_) => json!("bool"),
        Value::Null => Value::Null,
    }
}

/// The stand-ins are no better than this: what they say has the keys and types that were recorded.
#[test]
fn stand_ins_speak_as_the_real_ones_do() {
    for release in Release::ALL {
        let farm = FlamencoFarm::new(release);
        let job = farm.manager().submit(&submission(&farm, Scene::Light, "1-3", 3).0).unwrap();
        farm.work();
        let task = farm.manager().tasks(&job.id).unwrap().remove(0).id;
        let client = Client::new(&farm.server().url()).unwrap();
        let ask = |path: String| -> (u16, Value) {
            let reply = client.get(&format!("api/v3/{path}")).unwrap();
            (reply.status, serde_json::from_slice(&reply.body).unwrap_or(Value::Null))
        };
        let same = |name: &str, path: String| {
            let told = ask(path).1;
            assert_eq!(shape(&told), shape(&release.recorded(name)), "{release:?}: {name}");
        };
        let missing = farm::base::ids::RunId::random();
        same("version", "version".into());
        same("configuration", "configuration".into());
        same("job_completed", format!("jobs/{}", job.id));
        let tasks = if release == Release::V3_9 { "job_tasks_completed" } else { "job_tasks" };
        same(tasks, format!("jobs/{}/tasks", job.id));
        same("task", format!("tasks/{task}"));
        same("task_log", format!("tasks/{task}/log"));
        same("workers", "worker-mgt/workers".into());
        same("job_type_simple_blender_render", "jobs/type/simple-blender-render".into());
        same("bad_path", "nothing".into());
        same("tags", "worker-mgt/tags".into());
        same("worker_unknown", format!("worker-mgt/workers/{missing}"));
        same("log_unknown_task", format!("tasks/{missing}/log"));
        let worker = farm.manager().workers().unwrap().remove(0).id;
        if release == Release::V3_9 {
            same("worker_busy", format!("worker-mgt/workers/{worker}"));
            same("job_unknown", format!("jobs/{missing}"));
        } else {
            same("worker_after_task", format!("worker-mgt/workers/{worker}"));
            same("job_404", format!("jobs/{missing}"));
        }
        let query = Request { method: Method::Post, json: Some(b"{}".to_vec()), ..Request::get("api/v3/jobs/query") };
        let statuses = (ask("jobs".into()).0, client.send(&query).unwrap().status);
        let expected = match release {
            Release::V3_2 | Release::V3_5 => (400, 200),
            Release::V3_8 => (200, 400),
            Release::V3_9 => (200, 404),
        };
        assert_eq!(statuses, expected, "{release:?}");
    }
}

#[test]
fn requests_carry_credentials_and_no_null() {
    let farm = FlamencoFarm::new(Release::V3_9);
    let access = Access { credentials: Some(Credentials::Bearer(Secret::new("t0ken"))), ..Access::default() };
    let manager = Flamenco::new(&farm.server().url(), &access).unwrap();
    let (submission, _) = submission(&farm, Scene::Light, "1-3", 1);
    farm.server().take_heard();
    manager.check(&submission).unwrap();
    let id = manager.submit(&submission).unwrap().id;
    manager.jobs().unwrap();
    manager.set_job_status(&id, JobStatus::CancelRequested, "").unwrap();
    manager.delete_job(&id).unwrap();
    let heard = farm.server().take_heard();
    assert!(heard.iter().all(|request| request.header("authorization") == Some("Bearer t0ken")), "{heard:?}");
    for request in heard.iter().filter(|request| request.method == "POST") {
        assert!(!request.json().as_object().unwrap().values().any(Value::is_null), "{request:?}");
    }
    let submitted = heard.iter().find(|request| request.line() == "POST /api/v3/jobs").unwrap().json();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let expected = ["metadata", "name", "priority", "settings", "submitter_platform", "type", "type_etag"];
    assert_eq!(keys(&submitted), expected);
    assert!(submitted["settings"].get("fps").is_none(), "it would make a video among the frames");
    assert_eq!(submitted["submitter_platform"], "manager");
    // The job type is asked for once, not before each submission.
    assert_eq!(heard.iter().filter(|request| request.path.contains("/jobs/type/")).count(), 1);
}

#[test]
fn a_job_type_that_changed_is_asked_for_anew() {
    let farm = FlamencoFarm::new(Release::V3_9);
    let (first, _) = submission(&farm, Scene::Light, "1", 1);
    let (second, _) = submission(&farm, Scene::Light, "1", 1);
    farm.manager().submit(&first).unwrap();
    farm.stand_in().change_job_type("1111111111111111111111111111111111111111");
    farm.server().take_heard();
    farm.manager().submit(&second).unwrap();
    let lines: Vec<String> = farm.server().take_heard().iter().map(|request| request.line()).collect();
    let kind = "GET /api/v3/jobs/type/simple-blender-render";
    assert_eq!(lines, ["POST /api/v3/jobs", kind, "POST /api/v3/jobs"]);
    farm.stand_in().change_job_type("2222222222222222222222222222222222222222");
    farm.manager().check(&second).unwrap();
    let refused = Answer::json(412, &json!({"code": 412, "message": "outdated"}));
    farm.server().trap(Fault::Refuse(refused), "POST /api/v3/jobs ", usize::MAX);
    let outcome = farm.manager().submit(&submission(&farm, Scene::Light, "1", 1).0);
    assert!(matches!(outcome, Err(ManagerError::Rejected { .. })), "{outcome:?}");
    assert_eq!(farm.manager().jobs().unwrap().len(), 2);
}

#[test]
fn a_tag_is_sent_by_its_id_and_known_before_anything_is_sent() {
    for release in Release::ALL {
        let farm = FlamencoFarm::with(release, |stand_in| stand_in.with_tag(TAG, "gpu"));
        let (submission, _) = submission(&farm, Scene::Light, "1", 1);
        let outcome = farm.manager().submit(&Submission { tag: Some("gpu".into()), ..submission.clone() });
        let heard = farm.server().take_heard();
        if release == Release::V3_2 {
            assert!(matches!(outcome, Err(ManagerError::Incapable { .. })), "{outcome:?}");
            continue;
        }
        outcome.unwrap();
        assert_eq!(heard.last().unwrap().json()["worker_tag"], TAG);
        let outcome = farm.manager().submit(&Submission { tag: Some("cpu".into()), ..submission });
        let Err(ManagerError::NoTag { tag, known, .. }) = outcome else { panic!("{outcome:?}") };
        assert_eq!((tag.as_str(), known), ("cpu", vec!["gpu".to_owned()]));
        assert!(farm.server().take_heard().is_empty());
    }
}

#[test]
fn a_scene_that_is_not_the_active_one_needs_a_job_type_that_knows_it() {
    for release in Release::ALL {
        let farm = FlamencoFarm::new(release);
        let (submission, _) = submission(&farm, Scene::Light, "1", 1);
        let Work::SimpleBlenderRender(work) = submission.work.clone();
        let work = Work::SimpleBlenderRender(RenderWork { scene: Some("Close-up".into()), ..work });
        let outcome = farm.manager().submit(&Submission { work, ..submission });
        match release {
            Release::V3_2 | Release::V3_5 => {
                let Err(ManagerError::Incapable { next, .. }) = &outcome else { panic!("{outcome:?}") };
                assert!(next.contains("farm setup manager"), "{next}");
            }
            Release::V3_8 | Release::V3_9 => {
                outcome.unwrap();
                assert_eq!(farm.server().take_heard().last().unwrap().json()["settings"]["scene"], "Close-up");
            }
        }
    }
}

#[test]
fn farms_own_job_type_knows_every_scene() {
    for release in Release::ALL {
        let farm = FlamencoFarm::with(release, |stand_in| stand_in.with_farm_type());
        let (submission, _) = submission(&farm, Scene::Light, "1", 1);
        let Work::SimpleBlenderRender(work) = submission.work.clone();
        let work = Work::SimpleBlenderRender(RenderWork { scene: Some("Close-up".into()), ..work });
        farm.manager().submit(&Submission { work, ..submission }).unwrap();
        let sent = farm.server().take_heard().last().unwrap().json();
        let built_in = matches!(release, Release::V3_8 | Release::V3_9);
        assert_eq!(sent["type"], if built_in { "simple-blender-render" } else { "farm" }, "{release:?}");
        assert!(sent["settings"].to_string().contains("Close-up"), "{sent}");
    }
}

#[test]
fn the_storage_is_the_managers_with_shaman_or_without() {
    for release in Release::ALL {
        for has_shaman in [false, true] {
            let farm =
                FlamencoFarm::with(release, |stand_in| if has_shaman { stand_in.with_shaman() } else { stand_in });
            let root = farm.local().root().to_str().unwrap();
            assert_eq!(farm.manager().storage(Path::new("/elsewhere")).unwrap(), root, "{release:?} {has_shaman}");
            assert_eq!(farm.manager().sees_folder(root).unwrap(), Seen::Usable);
            let seen = farm.manager().sees_folder(&format!("{root}/not-there")).unwrap();
            assert!(matches!(&seen, Seen::Not(why) if !why.is_empty()), "{seen:?}");
        }
    }
}

/// Up to 3.2 only the first of several ranges in one task was written as Blender reads it.
#[test]
fn chunks_are_made_smaller_where_several_ranges_in_one_are_misread() {
    for (release, tasks) in [(Release::V3_2, 2), (Release::V3_5, 1)] {
        let farm = FlamencoFarm::new(release);
        let (submission, output) = submission(&farm, Scene::Light, "1-3,7-9,20", 7);
        let job = farm.manager().submit(&submission).unwrap();
        farm.work();
        assert_eq!(status(&farm, &job.id), JobStatus::Completed);
        assert_eq!(task_statuses(&farm, &job.id), vec![TaskStatus::Completed; tasks], "{release:?}");
        assert_eq!(names(&output).len(), 7, "{release:?}: {:?}", names(&output));
    }
}

/// Ten thousand jobs are read in one request, also where one of them is looked for.
#[test]
fn a_long_list_is_read_in_one_request() {
    let jobs: Vec<Value> = (0..10_000)
        .map(|number| {
            let metadata = BTreeMap::from([("farm.id", uuid::Uuid::from_u128(number).to_string())]);
            json!({"id": number.to_string(), "name": "n", "status": "queued", "type": "t", "metadata": metadata,
                "created": "2026-11-22T00:42:50.3Z", "updated": "2026-11-22T00:42:50.3Z", "settings": {"frames": "1-9"}})
        })
        .collect();
    let farm = FlamencoFarm::new(Release::V3_9);
    let list = Fault::Refuse(Answer::json(200, &json!({ "jobs": jobs })));
    farm.server().trap(list, "GET /api/v3/jobs ", 3);
    assert_eq!(farm.manager().jobs().unwrap().len(), 10_000);
    let run = uuid::Uuid::from_u128(7).to_string().parse().unwrap();
    assert_eq!(farm.manager().find_run(run).unwrap().unwrap().id.0, "7");
    assert_eq!(farm.manager().find_run(farm::base::ids::RunId::random()).unwrap(), None);
    assert_eq!(farm.server().take_heard().len(), 3);
}

/// What was recorded of a job that blocked a worker, and of a worker that has a schedule.
#[test]
fn blocks_and_schedules_are_read_as_they_were_recorded() {
    for release in Release::ALL {
        let (blocked, schedule) = (release.recorded("blocklist"), release.recorded("sleep_schedule"));
        let worker = blocked[0]["worker_id"].as_str().unwrap().to_owned();
        let farm = FlamencoFarm::with(release, |it| it.with_block(&worker).with_schedule(&worker, schedule.clone()));
        let client = Client::new(&farm.server().url()).unwrap();
        let job = farm.manager().submit(&submission(&farm, Scene::Light, "1", 1).0).unwrap().id;
        let reply = client.get(&format!("api/v3/jobs/{job}/blocklist")).unwrap();
        assert_eq!(shape(&serde_json::from_slice(&reply.body).unwrap()), shape(&blocked), "{release:?}");
        let worker = WorkerId(worker);
        let block = Block { worker: worker.clone(), task_type: "blender".to_owned() };
        assert_eq!(farm.manager().blocklist(&job).unwrap(), [block]);
        let (days, from, to) = ("mo tu".to_owned(), "09:00".to_owned(), "17:00".to_owned());
        assert_eq!(farm.manager().sleep_schedule(&worker).unwrap(), Some(SleepSchedule { days, from, to }));
        let mut unused = schedule;
        unused["is_active"] = json!(false);
        let farm = FlamencoFarm::with(release, |it| it.with_schedule(&worker.0, unused));
        assert_eq!(farm.manager().sleep_schedule(&worker).unwrap(), None);
    }
}

/// Every Manager gives parts; a proxy on the way may not know them, and gives the whole.
#[test]
fn a_log_that_comes_whole_is_cut_to_the_part_that_is_new() {
    let farm = FlamencoFarm::new(Release::V3_9);
    let id = farm.manager().submit(&submission(&farm, Scene::Light, "1-3", 3).0).unwrap().id;
    let task = farm.manager().tasks(&id).unwrap().remove(0).id;
    farm.work();
    let whole = farm.manager().log(&task).unwrap().unwrap();
    let text = Answer::text(200, "text/plain; charset=utf-8", std::str::from_utf8(&whole).unwrap());
    farm.server().trap(Fault::Refuse(text), "GET /job-files/", 2);
    let part = farm.manager().log_part(&task, 100, 10).unwrap().unwrap();
    assert!(part.bytes == whole[100..] && part.size == whole.len() as u64, "{}", part.bytes.len());
    farm.server().mend();
    let page = Answer::text(200, "text/html", "<html>log in</html>");
    farm.server().trap(Fault::Refuse(page), "GET /job-files/", 2);
    let outcome = farm.manager().log_part(&task, 100, 10);
    assert!(matches!(outcome, Err(ManagerError::Unusable { .. })), "{outcome:?}");
    farm.server().mend();
    assert_eq!(farm.manager().log_part(&task, 100, 10).unwrap().unwrap().bytes, whole[100..110]);
}
