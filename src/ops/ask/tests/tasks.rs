use super::*;
use crate::manager::ManagerJob;
use crate::manager::job::{META_JOB, META_RUN, META_USER};
use crate::ops::check::room::Room;
use crate::query::Subject;
use std::sync::atomic::Ordering;

/// `r1/A` and `r1/B` with a task each, and a job with two tasks that farm did not make.
fn room() -> Room {
    let mut room = Room::new(&[("A", "1-3"), ("B", "1-4")]);
    room.add_run("1-3", TaskStatus::Active);
    room.add_run_of(1, "1-4", TaskStatus::Failed);
    for (job, name) in room.manager.jobs.iter_mut().zip(["r1/A", "r1/B"]) {
        job.updated = job.created.plus_seconds(5);
        for (key, value) in [(META_JOB, name), (META_USER, "ann"), (META_RUN, "1")] {
            job.metadata.insert(key.to_owned(), value.to_owned());
        }
    }
    let model = &room.manager.jobs[0];
    let foreign = ManagerJob {
        id: JobId("strange".into()),
        name: "\u{1b}[2Jcube".into(),
        metadata: Default::default(),
        ..model.clone()
    };
    let task = room.manager.tasks[&model.id][0].clone();
    let of = |id: &str, name: &str, task_type: &str| ManagerTask {
        id: TaskId(id.into()),
        name: name.into(),
        task_type: task_type.into(),
        worker: Some(WorkerId("deleted".into())),
        ..task.clone()
    };
    let tasks = vec![of("video", "cube", "ffmpeg"), of("foreign-1", "render-7-9", "blender")];
    room.manager.tasks.insert(foreign.id.clone(), tasks);
    room.manager.jobs.push(foreign);
    room
}

fn ask(room: &Room, text: &str) -> Result<Vec<ListedTask>, Failure> {
    let query = Query::parse(Subject::Tasks, text, &Default::default()).expect("a query");
    list(&room.ports(), &query, Patience::Usual).map(|listing| listing.tasks)
}

fn ids(room: &Room, text: &str) -> Vec<String> {
    ask(room, text).map(|tasks| tasks.into_iter().map(|task| task.id.0).collect()).unwrap_or_default()
}

#[test]
fn each_field_of_a_task_is_asked_for() {
    let room = room();
    for (query, expected) in [
        ("", vec!["task-1", "task-2"]),
        ("status:*failed", vec!["task-2"]),
        ("r1/A", vec!["task-1"]),
        ("B", vec!["task-2"]),
        ("r1", vec!["task-1", "task-2"]),
        ("render-1-4", vec!["task-2"]),
        ("cube", vec![]),
        ("id:task-2", vec!["task-2"]),
        ("release:r1 job:A", vec!["task-1"]),
        ("frames:4", vec!["task-2"]),
        ("worker:here", vec!["task-1", "task-2"]),
        ("is:open user:ann", vec!["task-1"]),
        ("type:blender is:mine", vec!["task-1", "task-2"]),
        ("created:2000-01-01", vec![]),
        ("age:..1h idle:..1h", vec!["task-1", "task-2"]),
        ("is:foreign", vec!["foreign-1", "video"]),
        ("is:foreign type:ffmpeg", vec!["video"]),
        ("is:foreign frames:8", vec!["foreign-1"]),
        ("worker:deleted", vec![]),
        ("is:foreign or is:open", vec!["task-1", "foreign-1", "video"]),
    ] {
        assert_eq!(ids(&room, query), expected, "{query}");
    }
}

#[test]
fn a_task_is_named_by_the_beginning_of_its_id() {
    let mut room = room();
    let id = "01234567-89ab-cdef";
    let job = room.manager.jobs[1].id.clone();
    room.manager.tasks.get_mut(&job).expect("tasks")[0].id = TaskId(id.into());
    for (query, expected) in [("01234567-89ab", vec![id]), ("012345", vec![id]), ("01234", vec![]), ("012346", vec![])]
    {
        assert_eq!(ids(&room, query), expected, "{query}");
    }
}

#[test]
fn what_the_jobs_say_is_not_asked_for() {
    let mut room = room();
    let asked = |room: &Room, text: &str| {
        let before = room.manager.lists.load(Ordering::Relaxed);
        let found = ids(room, text).len();
        (room.manager.lists.load(Ordering::Relaxed) - before, found)
    };
    assert_eq!(asked(&room, "r1/A"), (1, 1));
    assert_eq!(asked(&room, "release:r7"), (0, 0));
    assert_eq!(asked(&room, "is:foreign job:none"), (0, 0));
    let job = &mut room.manager.jobs[1];
    (job.status, job.activity) = (JobStatus::Completed, "all tasks completed".into());
    assert_eq!(asked(&room, "status:failed"), (1, 0), "those of r1/A alone");
    let job = &mut room.manager.jobs[0];
    (job.status, job.updated) = (JobStatus::Queued, job.created);
    assert_eq!(asked(&room, "worker:here"), (1, 1), "nobody has one that waits");
    assert_eq!(asked(&room, "status:failed,active"), (0, 0));
}

#[test]
fn what_is_listed_says_whose_it_is() {
    let room = room();
    let tasks = ask(&room, "is:foreign or r1/A").expect("tasks");
    let [own, foreign, video] = &tasks[..] else { panic!("{tasks:#?}") };
    assert_eq!((own.reference.as_deref(), own.run_number, own.user.as_deref()), (Some("r1/A"), Some(1), Some("ann")));
    assert_eq!((own.worker.as_deref(), own.frames.to_string().as_str()), (Some("here"), "1-3"));
    assert_eq!((own.run, own.foreign), (Some(room.file.jobs[0].runs[0].id), false));
    assert_eq!((&foreign.reference, foreign.run, foreign.foreign), (&None, None, true));
    assert_eq!((foreign.worker.as_deref(), foreign.frames.to_string().as_str()), (Some("deleted"), "7-9"));
    assert!(video.frames.is_empty() && video.job.contains("cube"));
}

#[test]
fn a_job_with_several_runs_has_the_newest_last() {
    let mut room = room();
    room.add_run("2", TaskStatus::Queued);
    let runs: Vec<Option<u32>> = ask(&room, "r1/A").expect("tasks").iter().map(|task| task.run_number).collect();
    assert_eq!(runs, [Some(1), Some(2)]);
}

/// Until 3.7 a list of tasks names no worker.
#[test]
fn who_had_a_task_is_asked_where_the_list_does_not_say_it() {
    let mut room = room();
    room.manager.tasks.values_mut().flatten().for_each(|task| (task.worker, task.names_worker) = (None, false));
    room.manager.unnamed.insert(TaskId("task-2".into()), WorkerId("here-id".into()));
    let asked = |room: &Room| room.manager.asked.load(Ordering::Relaxed);
    assert_eq!(ids(&room, "worker:here-id status:failed"), ["task-2"]);
    assert_eq!(asked(&room), 1, "not for the other one, which is active");
    let tasks = ask(&room, "status:failed").expect("tasks");
    assert_eq!((tasks[0].worker.as_deref(), asked(&room)), (Some("here-id"), 2));
}

#[test]
fn nothing_matched_says_what_was_probably_meant() {
    let room = room();
    let failure = ask(&room, "r1/a").expect_err("nothing");
    assert_eq!(failure.class(), Class::NoMatch);
    let hint = failure.hint().unwrap_or_default();
    assert!(hint.contains("\"r1/A\"") && hint.contains("1 job that farm did not make: is:foreign"), "{hint}");
    let failure = ask(&room, "is:foreign zzz").expect_err("nothing");
    assert_eq!(failure.hint(), Some("`farm tasks` lists all."));
}

#[test]
fn more_requests_than_a_question_is_worth_are_refused() {
    let mut room = room();
    let model = room.manager.jobs[0].clone();
    for number in 0..MOST_REQUESTS {
        let id = JobId(format!("many-{number}"));
        let run = RunId::random().to_string();
        let metadata = [(crate::manager::job::META_ID.to_owned(), run), (META_JOB.to_owned(), format!("x/J{number}"))];
        room.manager.jobs.push(ManagerJob { id, metadata: metadata.into(), ..model.clone() });
    }
    let failure = ask(&room, "").expect_err("too many");
    assert_eq!(failure.class(), Class::Refused);
    assert!(failure.message().ends_with("nothing was asked for"), "{failure}");
    assert!(failure.hint().is_some_and(|hint| hint.contains("--all")), "{failure}");
    assert_eq!(room.manager.lists.load(Ordering::Relaxed), 0);
    assert_eq!(ids(&room, "release:x job:J7"), [""; 0]);
    assert_eq!(ids(&room, "r1"), ["task-1", "task-2"]);
}
