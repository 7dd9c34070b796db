//! The rules that every Manager keeps. Each takes a farm, so that the same rule can be put to another Manager.

use super::flamenco_farm::FlamencoFarm;
use super::local_farm::LocalFarm;
use super::real_farm::RealFarm;
use super::server::flamenco::Release;
use super::test_farm::{Scene, TestFarm, names, status, submission, submit, task_statuses, wait_for};
use farm::base::ids::{JobId, RunId, TaskId};
use farm::base::status::{JobStatus, TaskStatus};
use farm::manager::{ManagerError, Order, RenderWork, Submission, Work};

/// Puts every rule named to every farm there is.
macro_rules! rules {
    ($($rule:ident)*) => {
        mod local {
            use super::LocalFarm;
            $(#[test] fn $rule() { super::$rule(&LocalFarm::new()); })*
        }
        mod flamenco_3_2 {
            use super::{FlamencoFarm, Release};
            $(#[test] fn $rule() { super::$rule(&FlamencoFarm::new(Release::V3_2)); })*
        }
        mod flamenco_3_5 {
            use super::{FlamencoFarm, Release};
            $(#[test] fn $rule() { super::$rule(&FlamencoFarm::new(Release::V3_5)); })*
        }
        mod flamenco_3_8 {
            use super::{FlamencoFarm, Release};
            $(#[test] fn $rule() { super::$rule(&FlamencoFarm::new(Release::V3_8)); })*
        }
        mod flamenco_3_9 {
            use super::{FlamencoFarm, Release};
            $(#[test] fn $rule() { super::$rule(&FlamencoFarm::new(Release::V3_9)); })*
        }
        mod real {
            use super::RealFarm;
            $(#[test] fn $rule() { RealFarm::with(|farm| super::$rule(farm)); })*
        }
    };
}

rules! {
    a_run_is_worked_off
    every_frame_of_a_chunk_of_ranges_is_rendered
    a_run_is_found_by_its_id
    the_check_refuses_what_submission_refuses
    statuses_follow_what_is_asked
    asking_for_the_same_status_changes_nothing
    a_paused_run_waits
    a_failing_scene_fails_its_job
    a_job_put_back_is_done_again
    frames_that_are_there_are_not_rendered_again
    a_cancel_ends_the_renderer
    a_deleted_job_is_gone_and_so_is_its_renderer
    what_is_not_there_is_not_found
    logs_are_kept
    a_log_comes_in_parts
    a_failure_is_told_with_who_failed_it
    higher_priorities_come_first
    a_pause_lets_active_tasks_end
    a_job_takes_another_priority
    many_jobs_get_their_orders_at_once
}

fn a_run_is_worked_off(farm: &dyn TestFarm) {
    let (submission, output) = submission(farm, Scene::Light, "1-5,8,20-30x5", 3);
    let job = farm.manager().submit(&submission).unwrap();
    assert_eq!(job.status, JobStatus::Queued);
    assert_eq!((job.name.as_str(), job.priority, &job.metadata), ("r1/A", 50, &submission.metadata));
    assert_eq!(job.job_type, "simple-blender-render");
    assert_eq!(job.job_ref().unwrap().to_string(), "r1/A");
    let tasks = farm.manager().tasks(&job.id).unwrap();
    let task_names: Vec<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(task_names, ["render-1-3", "render-4,5,8", "render-20,25,30"]);
    assert!(tasks.iter().all(|task| task.status == TaskStatus::Queued && task.task_type == "blender"));
    farm.work();
    assert_eq!(status(farm, &job.id), JobStatus::Completed);
    assert_eq!(task_statuses(farm, &job.id), vec![TaskStatus::Completed; 3]);
    assert_eq!(names(&output).len(), 9);
    assert!(names(&output).contains(&"000025.png".to_owned()));
    let after = farm.manager().job(&job.id).unwrap().unwrap();
    assert!(after.updated > job.updated);
    assert_eq!(after.created, job.created);
}

/// However many tasks the Manager makes of it.
fn every_frame_of_a_chunk_of_ranges_is_rendered(farm: &dyn TestFarm) {
    let (submission, output) = submission(farm, Scene::Light, "1-3,7-9,20", 7);
    let job = farm.manager().submit(&submission).unwrap();
    farm.work();
    assert_eq!(status(farm, &job.id), JobStatus::Completed);
    let numbers: Vec<String> = names(&output).iter().map(|name| name.trim_start_matches('0').to_owned()).collect();
    assert_eq!(numbers, ["1.png", "2.png", "3.png", "7.png", "8.png", "9.png", "20.png"]);
}

fn a_run_is_found_by_its_id(farm: &dyn TestFarm) {
    let (submission, _) = submission(farm, Scene::Light, "1", 1);
    let run: RunId = submission.metadata["farm.id"].parse().unwrap();
    assert_eq!(farm.manager().find_run(run).unwrap(), None);
    let job = farm.manager().submit(&submission).unwrap();
    submit(farm, Scene::Light, "1", 1);
    let found = farm.manager().find_run(run).unwrap().unwrap();
    assert_eq!((&found.id, found.run_id()), (&job.id, Some(run)));
    assert_eq!(farm.manager().find_run(RunId::random()).unwrap(), None);
    assert!(farm.manager().jobs().unwrap().iter().any(|listed| listed.id == job.id));
}

fn the_check_refuses_what_submission_refuses(farm: &dyn TestFarm) {
    let (good, _) = submission(farm, Scene::Light, "1", 1);
    farm.manager().check(&good).unwrap();
    let Work::SimpleBlenderRender(work) = good.work.clone();
    let with = |work: RenderWork| Submission { work: Work::SimpleBlenderRender(work), ..good.clone() };
    for bad in [
        with(RenderWork { chunk_size: 0, ..work.clone() }),
        with(RenderWork { frames: farm::base::frame_set::FrameSet::default(), ..work.clone() }),
        with(RenderWork { format: "FFMPEG".into(), ..work.clone() }),
    ] {
        for outcome in [farm.manager().check(&bad), farm.manager().submit(&bad).map(drop)] {
            assert!(matches!(outcome, Err(ManagerError::Rejected { .. })), "{outcome:?}");
        }
    }
    let run = good.metadata["farm.id"].parse().unwrap();
    assert_eq!(farm.manager().find_run(run).unwrap(), None);
}

/// Of a waiting job with two tasks: what each request makes of it, then the next one of that, and so on.
fn statuses_follow_what_is_asked(farm: &dyn TestFarm) {
    let chains: [&[(&str, &str, &str)]; 6] = [
        &[("cancel-requested", "canceled", "canceled"), ("requeueing", "queued", "queued")],
        &[("pause-requested", "paused", "paused"), ("requeueing", "queued", "queued")],
        &[("pause-requested", "paused", "paused"), ("cancel-requested", "canceled", "paused")],
        &[("failed", "failed", "canceled"), ("requeueing", "queued", "queued")],
        &[("canceled", "canceled", "queued"), ("cancel-requested", "canceled", "canceled")],
        &[("paused", "paused", "queued"), ("queued", "queued", "queued"), ("completed", "completed", "queued")],
    ];
    for chain in chains {
        let job = submit(farm, Scene::Light, "1-2", 1);
        for (asked, becomes, tasks) in chain {
            if *asked == "pause-requested" && !farm.can_pause() {
                refuses_to_pause(farm, &job.id);
                break;
            }
            farm.manager().set_job_status(&job.id, JobStatus::from(asked.to_string()), "a test").unwrap();
            assert_eq!(status(farm, &job.id).as_str(), *becomes, "{chain:?}: {asked}");
            assert_eq!(
                task_statuses(farm, &job.id),
                vec![TaskStatus::from(tasks.to_string()); 2],
                "{chain:?}: {asked}"
            );
        }
        farm.manager().delete_job(&job.id).unwrap();
    }
}

fn refuses_to_pause(farm: &dyn TestFarm, id: &JobId) {
    let outcome = farm.manager().set_job_status(id, JobStatus::PauseRequested, "a test");
    assert!(matches!(outcome, Err(ManagerError::Incapable { .. })), "{outcome:?}");
    assert_eq!(status(farm, id), JobStatus::Queued);
}

fn asking_for_the_same_status_changes_nothing(farm: &dyn TestFarm) {
    let job = submit(farm, Scene::Light, "1", 1);
    farm.manager().set_job_status(&job.id, JobStatus::Queued, "again").unwrap();
    assert_eq!(farm.manager().job(&job.id).unwrap().unwrap(), job);
    let unknown = JobStatus::Unknown("half-done".into());
    let outcome = farm.manager().set_job_status(&job.id, unknown, "");
    assert!(matches!(outcome, Err(ManagerError::Rejected { .. })), "{outcome:?}");
}

fn a_paused_run_waits(farm: &dyn TestFarm) {
    let (submission, output) = submission(farm, Scene::Light, "1-2", 1);
    let paused = Submission { paused: true, ..submission };
    if !farm.can_pause() {
        let outcome = farm.manager().submit(&paused);
        assert!(matches!(outcome, Err(ManagerError::Incapable { .. })), "{outcome:?}");
        assert_eq!(farm.manager().find_run(paused.metadata["farm.id"].parse().unwrap()).unwrap(), None);
        return;
    }
    let job = farm.manager().submit(&paused).unwrap();
    assert_eq!(job.status, JobStatus::Paused);
    farm.work();
    assert_eq!((status(farm, &job.id), names(&output).len()), (JobStatus::Paused, 0));
    farm.manager().set_job_status(&job.id, JobStatus::Queued, "go").unwrap();
    farm.work();
    assert_eq!((status(farm, &job.id), names(&output).len()), (JobStatus::Completed, 2));
}

fn a_failing_scene_fails_its_job(farm: &dyn TestFarm) {
    let job = submit(farm, Scene::Failing, "1-30", 1);
    farm.work();
    let after = farm.manager().job(&job.id).unwrap().unwrap();
    assert_eq!(after.status, JobStatus::Failed);
    assert!(!after.activity.is_empty());
    let statuses = task_statuses(farm, &job.id);
    assert!(statuses.contains(&TaskStatus::Failed));
    assert!(statuses.iter().all(|task| matches!(task, TaskStatus::Failed | TaskStatus::Canceled)), "{statuses:?}");
}

fn a_job_put_back_is_done_again(farm: &dyn TestFarm) {
    let job = submit(farm, Scene::Failing, "1-2", 1);
    farm.work();
    assert_eq!(status(farm, &job.id), JobStatus::Failed);
    farm.manager().set_job_status(&job.id, JobStatus::Requeueing, "again").unwrap();
    assert_eq!(status(farm, &job.id), JobStatus::Queued);
    // The failed worker is forgiven: it tries again, and fails again.
    farm.work();
    assert_eq!(status(farm, &job.id), JobStatus::Failed);
}

fn frames_that_are_there_are_not_rendered_again(farm: &dyn TestFarm) {
    let (submission, output) = submission(farm, Scene::Light, "1-3", 3);
    std::fs::create_dir_all(&output).unwrap();
    std::fs::write(output.join("000002.png"), "cut").unwrap();
    let job = farm.manager().submit(&submission).unwrap();
    farm.work();
    assert_eq!(status(farm, &job.id), JobStatus::Completed);
    assert_eq!(std::fs::read(output.join("000002.png")).unwrap(), b"cut");
    assert_eq!(names(&output).len(), 3);
}

fn a_cancel_ends_the_renderer(farm: &dyn TestFarm) {
    let (submission, output) = submission(farm, Scene::Slow, "1-60", 60);
    let job = farm.manager().submit(&submission).unwrap();
    farm.while_working(&mut || {
        wait_for("the first frame", || !names(&output).is_empty() && farm.renderers() > 0);
        assert_eq!(status(farm, &job.id), JobStatus::Active);
        farm.manager().set_job_status(&job.id, JobStatus::CancelRequested, "enough").unwrap();
        assert_eq!(status(farm, &job.id), JobStatus::Canceled);
        assert_eq!(task_statuses(farm, &job.id), [TaskStatus::Canceled]);
        wait_for("the renderer's end", || farm.renderers() == 0);
    });
    assert_eq!(status(farm, &job.id), JobStatus::Canceled);
    assert_eq!(task_statuses(farm, &job.id), [TaskStatus::Canceled]);
    // A Worker looks every ten seconds whether it may go on.
    assert!(names(&output).len() < 30);
}

fn a_deleted_job_is_gone_and_so_is_its_renderer(farm: &dyn TestFarm) {
    let (submission, output) = submission(farm, Scene::Slow, "1-60", 60);
    let job = farm.manager().submit(&submission).unwrap();
    farm.while_working(&mut || {
        wait_for("the first frame", || !names(&output).is_empty());
        farm.manager().delete_job(&job.id).unwrap();
        wait_for("the job's end", || farm.manager().job(&job.id).unwrap().is_none());
        wait_for("the renderer's end", || farm.renderers() == 0);
    });
    assert_eq!(farm.manager().tasks(&job.id).unwrap(), []);
    assert_eq!(farm.manager().find_run(job.run_id().unwrap()).unwrap(), None);
}

fn what_is_not_there_is_not_found(farm: &dyn TestFarm) {
    let nobody = JobId(RunId::random().to_string());
    let nothing = TaskId(RunId::random().to_string());
    assert_eq!(farm.manager().job(&nobody).unwrap(), None);
    assert_eq!(farm.manager().tasks(&nobody).unwrap(), []);
    for outcome in [
        farm.manager().set_job_status(&nobody, JobStatus::CancelRequested, ""),
        farm.manager().delete_job(&nobody),
        farm.manager().log(&nothing).map(drop),
        farm.manager().log_tail(&nothing).map(drop),
    ] {
        assert!(matches!(outcome, Err(ManagerError::NotFound { .. })), "{outcome:?}");
    }
}

fn logs_are_kept(farm: &dyn TestFarm) {
    let job = submit(farm, Scene::Light, "1-400", 400);
    let task = farm.manager().tasks(&job.id).unwrap().remove(0).id;
    assert_eq!(farm.manager().log(&task).unwrap(), None);
    assert_eq!(farm.manager().log_tail(&task).unwrap(), None);
    farm.work();
    let log = String::from_utf8(farm.manager().log(&task).unwrap().unwrap()).unwrap();
    assert_eq!(log.matches("Saved: '").count(), 400);
    let tail = farm.manager().log_tail(&task).unwrap().unwrap();
    assert!(tail.len() <= 2048 && log.ends_with(&tail) && tail.contains("000400.png"), "{tail}");
}

fn a_log_comes_in_parts(farm: &dyn TestFarm) {
    let manager = farm.manager();
    let job = submit(farm, Scene::Light, "1-40", 40);
    let task = manager.tasks(&job.id).unwrap().remove(0).id;
    assert_eq!(manager.log_part(&task, 0, 100).unwrap(), None);
    farm.work();
    let whole = manager.log(&task).unwrap().unwrap();
    let size = whole.len() as u64;
    let mut told = Vec::new();
    while (told.len() as u64) < size {
        let part = manager.log_part(&task, told.len() as u64, 1000).unwrap().unwrap();
        assert!(part.size == size && part.bytes.len() <= 1000 && !part.bytes.is_empty(), "{}", part.size);
        told.extend(part.bytes);
    }
    assert_eq!(told, whole);
    for (from, most) in [(size, 10), (size + 10, 10), (0, 0)] {
        let part = manager.log_part(&task, from, most).unwrap().unwrap();
        assert_eq!((part.bytes.len(), part.size), (0, size), "from {from}");
    }
    assert!(matches!(manager.log_part(&TaskId(missing()), 0, 1), Err(ManagerError::NotFound { .. })));
}

fn a_failure_is_told_with_who_failed_it(farm: &dyn TestFarm) {
    let manager = farm.manager();
    // Until 3.2 a lone worker has to fail three tasks before their job fails.
    let job = submit(farm, Scene::Failing, "1-30", 1);
    farm.work();
    let tasks = manager.tasks(&job.id).unwrap();
    let task = tasks.into_iter().find(|task| task.status == TaskStatus::Failed).unwrap();
    let story = manager.task_story(&task.id).unwrap().unwrap();
    assert!(!story.activity.is_empty());
    let failed_by = Vec::from_iter(manager.task(&task.id).unwrap().unwrap().worker);
    assert_eq!(story.failed_by, failed_by);
    let blocks = manager.blocklist(&job.id).unwrap();
    assert!(blocks.iter().all(|block| failed_by.contains(&block.worker) && block.task_type == "blender"), "{blocks:?}");
    assert_eq!(manager.task_story(&TaskId(missing())).unwrap(), None);
    assert_eq!(manager.blocklist(&JobId(missing())).unwrap(), []);
    let worker = manager.workers().unwrap().remove(0).id;
    assert_eq!(manager.sleep_schedule(&worker).unwrap(), None);
}

/// An id that nothing has.
fn missing() -> String {
    RunId::random().to_string()
}

fn higher_priorities_come_first(farm: &dyn TestFarm) {
    let (low, _) = submission(farm, Scene::Light, "1", 1);
    let (high, _) = submission(farm, Scene::Light, "1", 1);
    let low = farm.manager().submit(&Submission { priority: 10, ..low }).unwrap();
    let high = farm.manager().submit(&Submission { priority: 90, ..high }).unwrap();
    farm.work();
    let updated = |id: &JobId| farm.manager().job(id).unwrap().unwrap().updated;
    assert!(updated(&high.id) < updated(&low.id));
}

fn a_pause_lets_active_tasks_end(farm: &dyn TestFarm) {
    let (submission, output) = submission(farm, Scene::Slow, "1-2", 1);
    let job = farm.manager().submit(&submission).unwrap();
    if !farm.can_pause() {
        return refuses_to_pause(farm, &job.id);
    }
    farm.while_working(&mut || {
        wait_for("a renderer", || farm.renderers() > 0);
        farm.manager().set_job_status(&job.id, JobStatus::PauseRequested, "lunch").unwrap();
        assert_eq!(status(farm, &job.id), JobStatus::PauseRequested);
        wait_for("the pause", || status(farm, &job.id) == JobStatus::Paused);
    });
    assert_eq!(task_statuses(farm, &job.id), [TaskStatus::Completed, TaskStatus::Paused]);
    assert_eq!(names(&output).len(), 1);
}

fn a_job_takes_another_priority(farm: &dyn TestFarm) {
    let job = submit(farm, Scene::Light, "1", 1);
    // Nor 0 on 3.2, which takes it and keeps what it had.
    for priority in [1, 100, 70] {
        farm.manager().set_job_priority(&job.id, priority).unwrap();
        let after = farm.manager().job(&job.id).unwrap().unwrap();
        assert_eq!((after.priority, &after.status), (priority, &JobStatus::Queued));
        assert!(after.updated >= job.updated);
    }
    let outcome = farm.manager().set_job_priority(&job.id, 101);
    assert!(matches!(outcome, Err(ManagerError::Rejected { .. })), "{outcome:?}");
    let missing = JobId(RunId::random().to_string());
    let outcome = farm.manager().set_job_priority(&missing, 50);
    assert!(matches!(outcome, Err(ManagerError::NotFound { .. })), "{outcome:?}");
    assert_eq!(farm.manager().job(&job.id).unwrap().unwrap().priority, 70);
    farm.manager().delete_job(&job.id).unwrap();
}

/// What comes of each is told by its place; one that is not there keeps none of the others back.
fn many_jobs_get_their_orders_at_once(farm: &dyn TestFarm) {
    let jobs: Vec<_> = (0..30).map(|_| submit(farm, Scene::Light, "1", 1)).collect();
    let cancel = || Order::Status(JobStatus::CancelRequested);
    let mut orders: Vec<(JobId, Order)> = jobs.iter().map(|job| (job.id.clone(), cancel())).collect();
    orders[7] = (jobs[7].id.clone(), Order::Priority(80));
    orders.insert(20, (JobId(RunId::random().to_string()), cancel()));
    let mut outcomes: Vec<Option<bool>> = vec![None; orders.len()];
    farm.manager().order_all(&orders, "a test", &mut |place, outcome| {
        let is_missing = matches!(outcome, Err(ManagerError::NotFound { .. }));
        assert_eq!(is_missing, outcome.is_err(), "{outcome:?}");
        assert!(outcomes[place].replace(outcome.is_ok()).is_none(), "{place} is told of once");
        std::ops::ControlFlow::Continue(())
    });
    let expected: Vec<Option<bool>> = (0..orders.len()).map(|place| Some(place != 20)).collect();
    assert_eq!(outcomes, expected);
    for (number, job) in jobs.iter().enumerate() {
        let after = farm.manager().job(&job.id).unwrap().unwrap();
        let is = (after.status.as_str(), after.priority);
        assert_eq!(is, if number == 7 { ("queued", 80) } else { ("canceled", 50) }, "{number}");
    }
    let orders: Vec<(JobId, Order)> = jobs.iter().map(|job| (job.id.clone(), Order::Delete)).collect();
    let mut count = 0;
    farm.manager().order_all(&orders, "", &mut |_, outcome| {
        count += u32::from(outcome.is_ok());
        std::ops::ControlFlow::Continue(())
    });
    assert_eq!(count, 30);
    wait_for("the jobs to go", || jobs.iter().all(|job| farm.manager().job(&job.id).unwrap().is_none()));
}
