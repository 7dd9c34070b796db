//! Facts and the causes that they have to give, a row each.

use super::decide::decide;
use super::facts::{Facts, LoggedFailure, OnManager, Standing, Subject, TaskFacts};
use super::words::summary;
use super::{Cause, names};
use crate::base::ids::{JobId, TaskId, WorkerId};
use crate::base::size::Bytes;
use crate::base::status::{JobStatus, TaskStatus, WorkerStatus};
use crate::base::time::Timestamp;
use crate::frames::failure_kind::FailureKind;
use crate::manager::{Block, ManagerJob, ManagerTask, ManagerWorker, SleepSchedule, TaskStory};
use crate::ops::check::FrameCounts;
use crate::ops::check::room::Room;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

const NOW: i64 = 10_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

fn job(id: &str, status: JobStatus, priority: u8) -> ManagerJob {
    ManagerJob {
        id: JobId(id.into()),
        name: id.into(),
        status,
        priority,
        job_type: "simple-blender-render".into(),
        metadata: BTreeMap::new(),
        activity: String::new(),
        created: at(100),
        updated: at(200),
    }
}

fn worker(name: &str, status: WorkerStatus) -> ManagerWorker {
    ManagerWorker {
        id: WorkerId(name.into()),
        name: name.into(),
        status,
        version: "3.9".into(),
        last_seen: Some(at(NOW - 5)),
        task_types: vec!["blender".into()],
        tags: Vec::new(),
        platform: "linux".into(),
        task: None,
        job: None,
        last_task: None,
        requested: None,
    }
}

fn busy(name: &str, with: &str) -> ManagerWorker {
    let id = TaskId(format!("task of {with}"));
    let job = Some(JobId(with.into()));
    ManagerWorker { task: Some(id.clone()), last_task: Some(id), job, ..worker(name, WorkerStatus::Awake) }
}

fn task(status: TaskStatus, by: Option<&str>) -> TaskFacts {
    let task = ManagerTask {
        id: TaskId("t".into()),
        name: "render-1-10".into(),
        task_type: "blender".into(),
        status,
        worker: by.map(|name| WorkerId(name.into())),
        worker_name: None,
        names_worker: true,
        updated: at(200),
    };
    TaskFacts { task, story: TaskStory::default(), failure: None }
}

fn failed(status: TaskStatus, by: &str, kind: FailureKind) -> TaskFacts {
    let story = TaskStory { activity: "Failed".into(), failed_by: vec![WorkerId(by.into())] };
    let failure = Some(LoggedFailure { kind, line: "the line".into() });
    TaskFacts { story, failure, ..task(status, Some(by)) }
}

/// On a Flamenco Manager, with one task that waits and nobody there.
fn on_manager(status: JobStatus) -> OnManager {
    let own = job("own", status, 50);
    OnManager {
        open_jobs: vec![own.clone()],
        job: own,
        tag: None,
        tasks: vec![task(TaskStatus::Queued, None)],
        workers: Vec::new(),
        blocks: Vec::new(),
        schedules: BTreeMap::new(),
        ended_by: None,
    }
}

fn facts(standing: Standing) -> Facts {
    Facts {
        subject: Subject::Own("r1/A".parse().expect("a name")),
        address: "http://manager:8080".into(),
        is_local: false,
        now: at(NOW),
        status: "queued".into(),
        frames: Some(FrameCounts { expected: 10, ok: 3, missing: 7, bad: 0, suspect: 0 }),
        eta_seconds: Some(90),
        flaws: Vec::new(),
        free: Some(Bytes(1 << 40)),
        standing,
    }
}

fn known(change: impl FnOnce(&mut OnManager)) -> Facts {
    of(JobStatus::Queued, change)
}

fn of(status: JobStatus, change: impl FnOnce(&mut OnManager)) -> Facts {
    let mut known = on_manager(status);
    change(&mut known);
    facts(Standing::Known(Box::new(known)))
}

#[track_caller]
fn gives(facts: &Facts, expected: &[&str]) -> Vec<Cause> {
    let causes = decide(facts);
    assert_eq!(causes.iter().map(|cause| cause.name).collect::<Vec<_>>(), expected, "{causes:#?}");
    for cause in &causes {
        assert!(!cause.evidence.is_empty() && cause.remedy.ends_with('.'), "{cause:?}");
        let of_log = FailureKind::ALL.iter().any(|kind| kind.word() == cause.name);
        assert!(of_log || names::ALL.contains(&cause.name), "{cause:?}");
    }
    causes
}

#[test]
fn where_the_run_is_comes_first() {
    let away = Standing::Away { message: "no answer".into(), next: "Look at it.".into() };
    gives(&Facts { frames: None, ..facts(away) }, &[names::MANAGER_UNREACHABLE]);
    gives(&facts(Standing::NotSubmitted { interrupted: None }), &[names::NOT_SUBMITTED]);
    let begun = Standing::NotSubmitted { interrupted: Some("a plan of it was begun".into()) };
    assert!(gives(&facts(begun), &[names::NOT_SUBMITTED])[0].remedy.contains("farm recover"));
    gives(&facts(Standing::Withdrawn), &[names::CANCELED]);
    let causes = gives(&facts(Standing::Elsewhere { manager: "http://other".into() }), &[names::OTHER_MANAGER]);
    assert!(causes[0].remedy.contains("--manager http://other"), "{causes:?}");
    gives(&facts(Standing::Gone { ended_by: None }), &[names::GONE]);
    let ended_by = Some("farm's own record: kill by ann: `farm kill r1/A --delete`".to_owned());
    let causes = gives(&facts(Standing::Gone { ended_by }), &[names::GONE]);
    assert!(causes[0].evidence.contains("kill by ann"), "{causes:?}");
}

#[test]
fn a_job_that_nobody_takes_says_who_could() {
    gives(&known(|_| ()), &[names::NO_WORKER]);
    gives(&Facts { is_local: true, ..known(|_| ()) }, &[names::QUEUE_NOT_WORKED]);
    gives(
        &known(|it| {
            it.workers = vec![ManagerWorker { task_types: vec!["misc".into()], ..worker("w", WorkerStatus::Awake) }]
        }),
        &[names::NO_WORKER_FOR_TASK_TYPE],
    );
    let tagged = |it: &mut OnManager| {
        it.tag = Some("gpu".into());
        it.workers = vec![worker("w", WorkerStatus::Awake)];
    };
    let causes = gives(&known(tagged), &[names::NO_WORKER_WITH_TAG]);
    assert!(causes[0].evidence.contains("\"gpu\"") && causes[0].evidence.contains("w (no tag)"), "{causes:?}");
    let blocked = |it: &mut OnManager| {
        it.workers = vec![worker("w", WorkerStatus::Awake), worker("sleeper", WorkerStatus::Asleep)];
        it.blocks = vec![Block { worker: WorkerId("w".into()), task_type: "blender".into() }];
    };
    gives(&known(blocked), &[names::ALL_BLOCKED, names::ALL_ASLEEP]);
    let other_type = |it: &mut OnManager| {
        blocked(it);
        it.blocks[0].task_type = "ffmpeg".into();
    };
    gives(&known(other_type), &[names::UNEXPLAINED]);
}

#[test]
fn workers_that_do_not_work_are_told_by_why_they_do_not() {
    let all = |status: WorkerStatus| known(|it| it.workers = vec![worker("a", status.clone()), worker("b", status)]);
    gives(&all(WorkerStatus::Asleep), &[names::ALL_ASLEEP]);
    gives(&all(WorkerStatus::Offline), &[names::ALL_OFFLINE]);
    gives(&all(WorkerStatus::Error), &[names::WORKERS_IN_ERROR]);
    gives(&all(WorkerStatus::Starting), &[names::WORKERS_NOT_READY]);
    let mixed = known(|it| {
        it.workers =
            [WorkerStatus::Asleep, WorkerStatus::Offline, WorkerStatus::Offline].map(|s| worker("w", s)).to_vec();
    });
    gives(&mixed, &[names::ALL_OFFLINE, names::ALL_ASLEEP]);
    let scheduled = known(|it| {
        it.workers = vec![worker("w", WorkerStatus::Asleep)];
        let schedule = SleepSchedule { days: String::new(), from: "09:00".into(), to: "17:00".into() };
        it.schedules = BTreeMap::from([(WorkerId("w".into()), schedule)]);
    });
    assert!(gives(&scheduled, &[names::SLEEP_SCHEDULE])[0].evidence.contains("every day, from 09:00 to 17:00"));
}

#[test]
fn a_worker_that_is_asked_for_another_status_takes_nothing() {
    let asked = |status, requested| {
        let worker = ManagerWorker { requested: Some(requested), ..worker("w", status) };
        known(|it| it.workers = vec![worker])
    };
    let causes = gives(&asked(WorkerStatus::Awake, WorkerStatus::Asleep), &[names::STATUS_REQUESTED]);
    assert!(causes[0].evidence.contains("w (awake, asked to be asleep, seen"), "{causes:?}");
    let causes = gives(&asked(WorkerStatus::Asleep, WorkerStatus::Awake), &[names::STATUS_REQUESTED]);
    assert!(causes[0].remedy.contains("they wake"), "{causes:?}");
    gives(&asked(WorkerStatus::Offline, WorkerStatus::Awake), &[names::ALL_OFFLINE]);
}

#[test]
fn a_job_of_somebody_else_is_told_of_without_words_that_would_not_help() {
    let subject = || Subject::Stranger { id: JobId("strange-1".into()), name: "cube".into() };
    let strange = |facts: Facts| Facts { subject: subject(), frames: None, ..facts };
    let paused = strange(of(JobStatus::Paused, |_| ()));
    let causes = gives(&paused, &[names::JOB_PAUSED]);
    assert!(causes[0].remedy.contains("`farm unpause jobs id:strange-1 --include-foreign 1`"), "{causes:?}");
    assert_eq!(summary(&paused, false), "it is queued: 0 of 1 task is done");
    let canceled = strange(of(JobStatus::Canceled, |_| ()));
    assert!(gives(&canceled, &[names::CANCELED])[0].remedy.contains("/app/jobs/strange-1"));
    let local = Facts { is_local: true, address: "local".into(), ..strange(of(JobStatus::Canceled, |_| ())) };
    let causes = gives(&local, &[names::CANCELED]);
    assert!(causes[0].remedy.contains("Plan it again") && !causes[0].remedy.contains("Flamenco"), "{causes:?}");
    gives(&strange(of(JobStatus::Completed, |_| ())), &[]);
    for kind in FailureKind::ALL {
        let failed = strange(of(JobStatus::Failed, |it| it.tasks = vec![failed(TaskStatus::Failed, "w", kind)]));
        let told = decide(&failed);
        assert!(!told.iter().any(|cause| cause.remedy.contains("farm re")), "{told:#?}");
    }
}

#[test]
fn who_is_busy_is_busy_with_what_goes_first() {
    let with = |priority: u8| {
        known(|it| {
            it.workers = vec![busy("w", "other")];
            it.open_jobs.push(ManagerJob { created: at(150), ..job("other", JobStatus::Active, priority) });
        })
    };
    let causes = gives(&with(90), &[names::LOWER_PRIORITY]);
    assert!(causes[0].evidence.contains("other (90)") && causes[0].evidence.contains("w works on other"), "{causes:?}");
    gives(&with(10), &[names::WORKERS_BUSY]);
    gives(&with(50), &[names::WORKERS_BUSY]);
    let older = known(|it| {
        it.workers = vec![busy("w", "other")];
        it.open_jobs.push(ManagerJob { created: at(50), ..job("other", JobStatus::Active, 50) });
    });
    let causes = gives(&older, &[names::BEHIND_OTHERS]);
    assert!(causes[0].evidence.contains("1 job of the same priority, 50, was submitted earlier"), "{causes:?}");
    assert!(causes[0].remedy.contains("`farm priority 51 r1/A`"), "{causes:?}");
    let mixed = known(|it| {
        it.workers = vec![busy("w", "other")];
        it.open_jobs.push(ManagerJob { created: at(50), ..job("other", JobStatus::Active, 50) });
        it.open_jobs.push(job("urgent", JobStatus::Queued, 100));
    });
    let causes = gives(&mixed, &[names::LOWER_PRIORITY]);
    assert!(causes[0].evidence.contains("a job goes before it: urgent (100);"), "{causes:?}");
    assert!(causes[0].remedy.contains("lower priority"), "nothing is higher: {causes:?}");
    let fresh = known(|it| {
        it.workers = vec![worker("w", WorkerStatus::Awake)];
        it.job.updated = at(NOW - 10);
    });
    gives(&fresh, &[]);
    assert!(summary(&fresh, true).contains("about to be rendered"), "{}", summary(&fresh, true));
}

#[test]
fn what_a_person_did_is_said() {
    let paused = |status| gives(&of(status, |it| it.job.activity = "by ann".into()), &[names::JOB_PAUSED]);
    for status in [JobStatus::Paused, JobStatus::PauseRequested] {
        let causes = paused(status);
        assert!(causes[0].evidence.contains("by ann") && causes[0].remedy.contains("farm unpause r1/A"), "{causes:?}");
    }
    let sleeping = known(|it| it.tasks = vec![task(TaskStatus::Paused, None)]);
    gives(&sleeping, &[names::TASKS_PAUSED]);
    let canceled = of(JobStatus::Canceled, |it| {
        it.tasks = vec![task(TaskStatus::Canceled, None)];
        it.job.activity = "Changed to status \"canceled\": not this scene".into();
        it.ended_by = Some("farm's own record: replace by ann".into());
    });
    let causes = gives(&canceled, &[names::CANCELED]);
    assert!(causes[0].evidence.contains("not this scene") && causes[0].evidence.contains("by ann"), "{causes:?}");
    let bare = of(JobStatus::Canceled, |it| it.tasks = vec![task(TaskStatus::Active, Some("w"))]);
    gives(&bare, &[names::CANCELED_BUT_ACTIVE, names::CANCELED]);
}

#[test]
fn failures_are_told_by_their_kind() {
    for kind in FailureKind::ALL {
        let name = if kind == FailureKind::Other { names::TASKS_FAILED } else { kind.word() };
        let failed = of(JobStatus::Failed, |it| it.tasks = vec![failed(TaskStatus::Failed, "w", kind)]);
        let causes = gives(&failed, &[name, names::JOB_FAILED]);
        assert!(causes[0].evidence.contains("the line") && causes[0].remedy.contains("`farm re"), "{causes:?}");
        assert!(!causes[0].remedy.contains("JOB"), "{causes:?}");
    }
    let many = of(JobStatus::Failed, |it| {
        let kinds = [FailureKind::Other, FailureKind::Other, FailureKind::Other, FailureKind::Crash];
        it.tasks = kinds.map(|kind| failed(TaskStatus::Failed, "w", kind)).to_vec();
    });
    gives(&many, &[FailureKind::Crash.word(), names::TASKS_FAILED, names::JOB_FAILED]);
    let soft = known(|it| {
        it.workers = vec![worker("w", WorkerStatus::Awake), worker("other", WorkerStatus::Offline)];
        it.tasks = vec![failed(TaskStatus::SoftFailed, "w", FailureKind::NoGpu)];
    });
    gives(&soft, &[names::WAITS_FOR_ANOTHER_WORKER, names::ALL_OFFLINE, FailureKind::NoGpu.word()]);
    let over = of(JobStatus::Completed, |it| it.tasks = vec![task(TaskStatus::Completed, Some("w"))]);
    assert!(gives(&over, &[names::FRAMES_MISSING])[0].evidence.contains("7 missing"));
    gives(&known(|it| it.tasks = vec![task(TaskStatus::Completed, Some("w"))]), &[names::NOTHING_LEFT]);
    gives(&of(JobStatus::Requeueing, |_| ()), &[names::NOT_READY]);
}

#[test]
fn a_full_disk_comes_before_what_it_leads_to() {
    let full = |facts: Facts| Facts { free: Some(Bytes(4096)), ..facts };
    let disk = FailureKind::DiskFull.word();
    gives(&full(known(|_| ())), &[disk, names::NO_WORKER]);
    let failing = |kind| of(JobStatus::Failed, |it| it.tasks = vec![failed(TaskStatus::Failed, "w", kind)]);
    gives(&full(failing(FailureKind::CannotSave)), &[disk, "cannot-save", names::JOB_FAILED]);
    gives(&full(failing(FailureKind::DiskFull)), &[disk, names::JOB_FAILED]);
}

#[test]
fn what_renders_has_no_cause_unless_its_worker_is_lost() {
    let at_work = |worker: ManagerWorker| {
        of(JobStatus::Active, |it| {
            it.tasks = vec![task(TaskStatus::Active, Some("w")), task(TaskStatus::Queued, None)];
            it.workers = vec![worker];
        })
    };
    let fine = at_work(worker("w", WorkerStatus::Awake));
    gives(&fine, &[]);
    assert_eq!(summary(&fine, true), "it is rendering: 3 of 10 frames, about 1m 30s left");
    gives(&at_work(worker("w", WorkerStatus::Error)), &[names::WORKER_LOST, names::WORKERS_IN_ERROR]);
    let silent = ManagerWorker { last_seen: Some(at(NOW - 600)), ..worker("w", WorkerStatus::Awake) };
    assert_eq!(decide(&at_work(silent))[0].name, names::WORKER_LOST);
    let done = Facts { frames: Some(FrameCounts { expected: 3, ok: 3, ..FrameCounts::default() }), ..known(|_| ()) };
    gives(&done, &[]);
    assert_eq!(summary(&done, true), "it is finished: 3 of 3 frames");
}

/// The page of documents says what each means.
#[test]
fn every_name_is_documented() {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md"));
    let words = names::ALL.into_iter().chain(FailureKind::ALL.map(FailureKind::word));
    let missing: Vec<&str> = words.filter(|word| *word != "other" && !page.contains(&format!("`{word}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The list of a large Manager takes seconds.
#[test]
fn the_lists_are_asked_for_once() {
    let mut room = Room::new(&[("A", "1-3")]);
    room.add_run("1-3", TaskStatus::Queued);
    let answer = super::why(&room.ports(), "r1/A").expect("an answer");
    assert_eq!(answer.id, Some(room.manager.jobs[0].id.clone()));
    assert_eq!(room.manager.listed.load(Ordering::Relaxed), 1);
}

#[test]
fn a_job_that_only_the_manager_knows_is_found_by_its_id_and_its_name() {
    let mut room = Room::new(&[("A", "1-3")]);
    room.add_run("1-3", TaskStatus::Queued);
    let model = room.manager.jobs[0].clone();
    for id in ["strange-1", "strange-2"] {
        let job = ManagerJob { id: JobId(id.into()), name: "cube".into(), metadata: BTreeMap::new(), ..model.clone() };
        room.manager.jobs.push(job);
    }
    for word in ["strange-1", "strange-2"] {
        let answer = super::why(&room.ports(), word).expect("an answer");
        assert_eq!((answer.reference, answer.name.as_str()), (None, "cube"), "{word}");
    }
    let failure = super::why(&room.ports(), "cube").expect_err("two are called so");
    assert!(failure.message().contains("strange-1") && failure.message().contains("strange-2"), "{failure}");
    room.manager.jobs.pop();
    assert_eq!(super::why(&room.ports(), "cube").expect("one").id, Some(JobId("strange-1".into())));
    let failure = super::why(&room.ports(), "nosuch").expect_err("nobody");
    assert_eq!(failure.class(), crate::base::error::Class::NoMatch);
}
