use super::*;
use crate::base::error::Class;
use crate::base::status::TaskStatus;
use crate::manager::job::META_JOB;
use crate::ops::check::room::Room;
use crate::query::Subject;

/// One worker at a task of `r1/A`, one that is about to sleep.
fn room() -> Room {
    let mut room = Room::new(&[("A", "1-3")]);
    let task = room.add_run("1-3", TaskStatus::Active);
    room.manager.jobs[0].metadata.insert(META_JOB.to_owned(), "r1/A".to_owned());
    let busy = &mut room.manager.workers[0];
    (busy.task, busy.job) = (Some(task), Some(room.manager.jobs[0].id.clone()));
    let idle = ManagerWorker {
        id: WorkerId("0f3c9a7e".into()),
        name: "\u{1b}[2Jnode".into(),
        requested: Some(WorkerStatus::Asleep),
        version: "3.8.5".into(),
        task_types: vec!["blender".into(), "misc".into()],
        tags: vec!["gpu".into()],
        platform: "linux".into(),
        last_seen: Some(clock::now().plus_seconds(-600)),
        task: None,
        job: None,
        ..busy.clone()
    };
    room.manager.workers.push(idle);
    room
}

fn ask(room: &Room, text: &str) -> Result<Vec<ListedWorker>, Failure> {
    list(&room.ports(), &Query::parse(Subject::Workers, text, &Default::default()).expect("a query"))
}

#[test]
fn each_field_of_a_worker_is_asked_for() {
    let room = room();
    for (query, expected) in [
        ("", vec!["worker", "0f3c9a7e"]),
        ("here", vec!["worker"]),
        ("0f3c9a", vec!["0f3c9a7e"]),
        ("id:0f3c9a7e", vec!["0f3c9a7e"]),
        ("name:*node", vec!["0f3c9a7e"]),
        ("status:awake", vec!["worker", "0f3c9a7e"]),
        ("tag:gpu", vec!["0f3c9a7e"]),
        ("-tag:*", vec!["worker"]),
        ("type:misc", vec!["0f3c9a7e"]),
        ("version:3.8*", vec!["0f3c9a7e"]),
        ("platform:linux", vec!["0f3c9a7e"]),
        ("idle:5m..", vec!["0f3c9a7e"]),
        ("is:busy", vec!["worker"]),
        ("not is:busy", vec!["0f3c9a7e"]),
        ("task:render-1-3", vec!["worker"]),
        ("task:task-1", vec!["worker"]),
        ("ref:r1/A", vec!["worker"]),
        ("release:r1 job:A", vec!["worker"]),
        ("-release:r1", vec!["0f3c9a7e"]),
    ] {
        let found: Vec<String> = ask(&room, query).expect(query).into_iter().map(|worker| worker.id.0).collect();
        assert_eq!(found, expected, "{query}");
    }
}

#[test]
fn what_a_worker_is_at_is_told() {
    let mut room = room();
    let workers = ask(&room, "").expect("workers");
    assert_eq!((workers[0].reference.as_deref(), workers[0].task.as_deref()), (Some("r1/A"), Some("render-1-3")));
    assert_eq!((&workers[0].requested, &workers[1].requested), (&None, &Some(WorkerStatus::Asleep)));
    assert_eq!((&workers[1].reference, &workers[1].job, &workers[1].task), (&None, &None, &None));
    // Farm did not make it, whatever its metadata say.
    room.manager.jobs[0].metadata.remove(crate::manager::job::META_ID);
    let workers = ask(&room, "is:busy").expect("workers");
    assert_eq!((&workers[0].reference, workers[0].job.as_deref()), (&None, Some("r1/A")));
    // Both were deleted since the list was made.
    room.manager.jobs.clear();
    room.manager.tasks.clear();
    let workers = ask(&room, "is:busy").expect("workers");
    assert_eq!((&workers[0].job, &workers[0].task, workers[0].task_id.is_some()), (&None, &None, true));
}

#[test]
fn nothing_matched_says_what_was_probably_meant() {
    let failure = ask(&room(), "hare").expect_err("nothing");
    assert_eq!(failure.class(), Class::NoMatch);
    assert_eq!(failure.hint(), Some("Did you mean \"here\"? `farm workers` lists all."));
    let mut empty = room();
    empty.manager.workers.clear();
    assert!(ask(&empty, "").expect("none is no error").is_empty());
}
