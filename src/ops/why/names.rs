//! The names of causes. They are stable: scripts may rely upon them, and `docs/json.md` says what each means. A cause that
//! a log tells has the word of its [`FailureKind`](crate::frames::failure_kind::FailureKind).

/// The Manager does not answer.
pub const MANAGER_UNREACHABLE: &str = "manager-unreachable";
/// No run of the job was submitted.
pub const NOT_SUBMITTED: &str = "not-submitted";
/// Its run is with another Manager than the one that was asked.
pub const OTHER_MANAGER: &str = "other-manager";
/// The Manager does not know its run any more.
pub const GONE: &str = "gone";
/// It was cancelled.
pub const CANCELED: &str = "canceled";
/// It was set to `canceled` without its workers being told: they render on.
pub const CANCELED_BUT_ACTIVE: &str = "canceled-but-active";
/// It is paused.
pub const JOB_PAUSED: &str = "job-paused";
/// Its tasks are paused, although the job is not.
pub const TASKS_PAUSED: &str = "tasks-paused";
/// It failed.
pub const JOB_FAILED: &str = "job-failed";
/// Tasks failed, and their logs say nothing that is known.
pub const TASKS_FAILED: &str = "tasks-failed";
/// Every task has ended, and frames are missing or bad.
pub const FRAMES_MISSING: &str = "frames-missing";
/// The Manager calls it active, and no task of it is left to do.
pub const NOTHING_LEFT: &str = "nothing-left-to-do";
/// The Manager is still at work on the job itself.
pub const NOT_READY: &str = "not-ready";
/// There is no worker at all.
pub const NO_WORKER: &str = "no-worker";
/// Nobody works this machine's queue off.
pub const QUEUE_NOT_WORKED: &str = "queue-not-worked";
/// No worker has the tag that the job asks for.
pub const NO_WORKER_WITH_TAG: &str = "no-worker-with-tag";
/// No worker takes tasks of this type.
pub const NO_WORKER_FOR_TASK_TYPE: &str = "no-worker-for-task-type";
/// Every worker that could take it is on the job's blocklist.
pub const ALL_BLOCKED: &str = "all-blocked";
/// What is left failed on every worker that is awake, and waits for another one.
pub const WAITS_FOR_ANOTHER_WORKER: &str = "waits-for-another-worker";
/// Every worker that could take it is asleep.
pub const ALL_ASLEEP: &str = "all-asleep";
/// Every worker that could take it is asleep, by its schedule.
pub const SLEEP_SCHEDULE: &str = "sleep-schedule";
/// Every worker that could take it has signed off.
pub const ALL_OFFLINE: &str = "all-offline";
/// Every worker that could take it is in error.
pub const WORKERS_IN_ERROR: &str = "workers-in-error";
/// Every worker that could take it is starting, testing or restarting.
pub const WORKERS_NOT_READY: &str = "workers-not-ready";
/// Every worker that could take it is asked for another status, and has not taken that yet.
pub const STATUS_REQUESTED: &str = "worker-status-requested";
/// Every worker that could take it is at something else, and jobs of a higher priority go first.
pub const LOWER_PRIORITY: &str = "lower-priority";
/// Every worker that could take it is at something else, and older jobs of the same priority go first.
pub const BEHIND_OTHERS: &str = "behind-others";
/// Every worker that could take it is at something else.
pub const WORKERS_BUSY: &str = "workers-busy";
/// The worker that has its task is not heard of.
pub const WORKER_LOST: &str = "worker-lost";
/// None of these.
pub const UNEXPLAINED: &str = "unexplained";

/// All of them.
pub const ALL: [&str; 30] = [
    MANAGER_UNREACHABLE,
    NOT_SUBMITTED,
    OTHER_MANAGER,
    GONE,
    CANCELED,
    CANCELED_BUT_ACTIVE,
    JOB_PAUSED,
    TASKS_PAUSED,
    JOB_FAILED,
    TASKS_FAILED,
    FRAMES_MISSING,
    NOTHING_LEFT,
    NOT_READY,
    NO_WORKER,
    QUEUE_NOT_WORKED,
    NO_WORKER_WITH_TAG,
    NO_WORKER_FOR_TASK_TYPE,
    ALL_BLOCKED,
    WAITS_FOR_ANOTHER_WORKER,
    ALL_ASLEEP,
    SLEEP_SCHEDULE,
    ALL_OFFLINE,
    WORKERS_IN_ERROR,
    WORKERS_NOT_READY,
    STATUS_REQUESTED,
    LOWER_PRIORITY,
    BEHIND_OTHERS,
    WORKERS_BUSY,
    WORKER_LOST,
    UNEXPLAINED,
];
