//! The one place that decides how statuses change. Pure: statuses and an event in, changes out.
//!
//! Source: Flamenco's task state machine (3.9), whose rules are followed step by step. The one addition, marked below,
//! is what a Manager does for stuck jobs when it starts: the local manager starts with every command.

use crate::base::status::{JobStatus, TaskStatus};
use crate::manager::job::ALL_COMPLETED;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A job fails when this part of its tasks failed, in percent (fixed in Flamenco too).
const FAILED_PERCENT: u64 = 10;

/// Tasks that run or may run: what a cancel cancels.
const LIVE: &[TaskStatus] = &[TaskStatus::Active, TaskStatus::Queued, TaskStatus::SoftFailed];
/// Tasks that wait for a worker: what a pause pauses.
const WAITING: &[TaskStatus] = &[TaskStatus::Queued, TaskStatus::SoftFailed];
/// What putting a job back in the queue brings back, beside `WAITING`'s rest.
const REVIVABLE: &[TaskStatus] =
    &[TaskStatus::Canceled, TaskStatus::Failed, TaskStatus::Paused, TaskStatus::SoftFailed];

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Somebody asks for a status of the job.
    Ask(JobStatus),
    /// Something happened to a task, which had this status before.
    Task(TaskStatus, TaskEvent),
}

/// Something that happened to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskEvent {
    /// A worker takes it.
    Claimed,
    /// Its worker completed it.
    Completed,
    /// It failed; other workers may try.
    FailedSoft,
    /// It failed for good.
    Failed,
    /// It failed, and no worker is left that could do it.
    NobodyLeft,
    /// Its worker gave it back, or died.
    Released,
    /// It had failed for good, but by a worker that is now blocked.
    Reprieved,
}

/// How many tasks of a job are in each status.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally(BTreeMap<TaskStatus, u64>);

impl Tally {
    /// Counts statuses.
    pub fn new(counts: impl IntoIterator<Item = (TaskStatus, u64)>) -> Self {
        Tally(counts.into_iter().collect())
    }

    /// How many tasks are in `status`.
    pub fn of(&self, status: &TaskStatus) -> u64 {
        self.0.get(status).copied().unwrap_or(0)
    }

    /// How many tasks there are.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// How many tasks wait for a worker.
    pub fn waiting(&self) -> u64 {
        self.of_all(WAITING)
    }

    /// One more task in `status`.
    pub fn add(&mut self, status: &TaskStatus) {
        *self.0.entry(status.clone()).or_default() += 1;
    }

    fn of_all(&self, statuses: &[TaskStatus]) -> u64 {
        statuses.iter().map(|status| self.of(status)).sum()
    }

    /// So many tasks get another status.
    pub fn shift(&mut self, from: &TaskStatus, to: &TaskStatus, count: u64) {
        let left = self.of(from).saturating_sub(count);
        self.0.insert(from.clone(), left);
        *self.0.entry(to.clone()).or_default() += count;
    }
}

/// All tasks in some statuses get another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The statuses they have; `None` for any.
    pub from: Option<&'static [TaskStatus]>,
    /// The status they get.
    pub to: TaskStatus,
}

/// What an event changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The job's status afterwards.
    pub job: JobStatus,
    /// The status afterwards of the task that the event was about, before `moves`.
    pub task: Option<TaskStatus>,
    /// What happens to the job's tasks then, in this order.
    pub moves: Vec<Move>,
    /// Whether earlier failures are forgotten: the lists of failed and blocked workers.
    pub forgives: bool,
    /// Why the job's status is what it is now; `None` if it did not change.
    pub reason: Option<String>,
}

/// Why an event changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Only tasks that wait for a worker can be taken.
    #[error("a task that is {0} cannot be taken")]
    NotWaiting(TaskStatus),
    /// Only tasks of active and queued jobs can be taken.
    #[error("tasks of a job that is {0} cannot be taken")]
    NotOpen(JobStatus),
    /// A worker's word counts only for a task that is active: another's word (a cancel) came first.
    #[error("the task is {0}, not active")]
    NotActive(TaskStatus),
    /// Only a task that failed for good can be reprieved.
    #[error("the task is {0}, it did not fail")]
    NotFailed(TaskStatus),
    /// Nobody can be asked for a status that this farm does not know.
    #[error("{0:?} is not a job status")]
    UnknownStatus(String),
}

/// Decides what `event` changes in a job with this status and these tasks (the event's own task counted as it was).
pub fn decide(job: &JobStatus, tasks: &Tally, event: &Event) -> Result<Change, Refusal> {
    let mut flow = Flow::new(job, tasks);
    match event {
        Event::Ask(JobStatus::Unknown(word)) => return Err(Refusal::UnknownStatus(word.clone())),
        Event::Ask(status) => flow.turn(status.clone(), "as asked"),
        Event::Task(before, TaskEvent::Claimed) => {
            if !before.is_runnable() {
                return Err(Refusal::NotWaiting(before.clone()));
            }
            if !matches!(job, JobStatus::Active | JobStatus::Queued) {
                return Err(Refusal::NotOpen(job.clone()));
            }
            flow.task(before, TaskStatus::Active);
        }
        Event::Task(before, TaskEvent::Reprieved) if *before != TaskStatus::Failed => {
            return Err(Refusal::NotFailed(before.clone()));
        }
        Event::Task(before, event) if !event.may_find(before) => return Err(Refusal::NotActive(before.clone())),
        Event::Task(before, event) => flow.outcome(before, *event),
    }
    Ok(flow.change)
}

impl TaskEvent {
    /// Whether it can happen to a task with this status.
    fn may_find(self, before: &TaskStatus) -> bool {
        match self {
            TaskEvent::Claimed => before.is_runnable(),
            TaskEvent::Reprieved => *before == TaskStatus::Failed,
            // Also to one that waits after it failed softly: the last worker that could run it left.
            TaskEvent::NobodyLeft => *before == TaskStatus::Active || before.is_runnable(),
            _ => *before == TaskStatus::Active,
        }
    }
}

/// The tally and the change as they grow: a change of a task may change the job, that its tasks, and so on.
struct Flow {
    tally: Tally,
    change: Change,
}

impl Flow {
    fn new(job: &JobStatus, tasks: &Tally) -> Self {
        let change = Change { job: job.clone(), task: None, moves: Vec::new(), forgives: false, reason: None };
        Flow { tally: tasks.clone(), change }
    }

    fn outcome(&mut self, before: &TaskStatus, event: TaskEvent) {
        match event {
            TaskEvent::Claimed => {}
            TaskEvent::Completed => self.task(before, TaskStatus::Completed),
            TaskEvent::FailedSoft => self.task(before, TaskStatus::SoftFailed),
            TaskEvent::Failed => self.task(before, TaskStatus::Failed),
            TaskEvent::NobodyLeft => {
                self.task(before, TaskStatus::Failed);
                self.turn(JobStatus::Failed, "no worker is left that could run its tasks");
            }
            // Where Flamenco leaves a job stuck until its Manager starts again, this manager is just starting: the
            // pause that was asked for goes on.
            TaskEvent::Released if self.change.job == JobStatus::PauseRequested => {
                self.task(before, TaskStatus::Paused);
            }
            TaskEvent::Released | TaskEvent::Reprieved => self.task(before, TaskStatus::Queued),
        }
    }

    /// Gives the event's task its new status, and the job what follows from it.
    fn task(&mut self, before: &TaskStatus, after: TaskStatus) {
        self.tally.shift(before, &after, 1);
        self.change.task = Some(after.clone());
        match after {
            TaskStatus::Active | TaskStatus::SoftFailed => match self.change.job {
                JobStatus::Active | JobStatus::CancelRequested => {}
                _ => self.turn(JobStatus::Active, &format!("a task became {after}")),
            },
            TaskStatus::Completed if self.all_completed() => self.turn(JobStatus::Completed, ALL_COMPLETED),
            TaskStatus::Failed if self.too_many_failed() => self.turn(JobStatus::Failed, "too many tasks failed"),
            TaskStatus::Completed | TaskStatus::Failed if self.is_paused_now() => self.pause(),
            TaskStatus::Completed | TaskStatus::Failed if self.change.job == JobStatus::Queued => {
                self.turn(JobStatus::Active, &format!("a task {after}"));
            }
            TaskStatus::Paused if self.is_paused_now() => self.pause(),
            TaskStatus::Queued if self.change.job == JobStatus::Completed => {
                self.turn(JobStatus::Requeueing, "a task was queued");
            }
            _ => {}
        }
    }

    fn pause(&mut self) {
        self.turn(JobStatus::Paused, "no task is active any more");
    }

    /// Gives the job a new status, its tasks what follows from it, and so on until nothing follows.
    fn turn(&mut self, to: JobStatus, reason: &str) {
        let mut next = Some(to);
        while let Some(to) = next.take_if(|to| *to != self.change.job) {
            let before = std::mem::replace(&mut self.change.job, to);
            self.change.reason = Some(reason.to_owned());
            next = self.follow(&before);
        }
    }

    /// What the job's present status does to its tasks; the status that follows, if one does.
    fn follow(&mut self, before: &JobStatus) -> Option<JobStatus> {
        match self.change.job {
            JobStatus::CancelRequested => {
                self.move_all(LIVE, TaskStatus::Canceled);
                Some(JobStatus::Canceled)
            }
            JobStatus::Failed => {
                self.move_all(LIVE, TaskStatus::Canceled);
                None
            }
            JobStatus::PauseRequested => {
                self.move_all(WAITING, TaskStatus::Paused);
                self.is_paused_now().then_some(JobStatus::Paused)
            }
            JobStatus::Requeueing => {
                self.change.forgives = true;
                if *before == JobStatus::Completed {
                    self.restart_all()
                } else {
                    self.move_all(REVIVABLE, TaskStatus::Queued)
                }
                Some(JobStatus::Queued)
            }
            JobStatus::Queued if self.all_completed() => Some(JobStatus::Completed),
            _ => None,
        }
    }

    fn move_all(&mut self, from: &'static [TaskStatus], to: TaskStatus) {
        for status in from {
            let count = self.tally.of(status);
            self.tally.shift(status, &to, count);
        }
        self.change.moves.push(Move { from: Some(from), to });
    }

    fn restart_all(&mut self) {
        self.tally = Tally::new([(TaskStatus::Queued, self.tally.total())]);
        self.change.moves.push(Move { from: None, to: TaskStatus::Queued });
    }

    fn all_completed(&self) -> bool {
        self.tally.of(&TaskStatus::Completed) == self.tally.total()
    }

    fn too_many_failed(&self) -> bool {
        self.tally.of(&TaskStatus::Failed) * 100 / self.tally.total().max(1) >= FAILED_PERCENT
    }

    /// Whether a pause that was asked for has come about: nothing is active any more.
    fn is_paused_now(&self) -> bool {
        self.change.job == JobStatus::PauseRequested && self.tally.of_all(&[TaskStatus::Active]) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What must come of every event. Columns: events, job statuses, status of the task in question, what other tasks
    /// there are, and what comes of it: the status of the job, of the task, and of a queued task beside it.
    ///
    /// `*` is anything, `=` is unchanged, `asked` is what was asked for; the first row that fits counts. `alone`: there
    /// is no other task; `amid`: a queued, a paused and twenty completed ones.
    const TABLE: &[(&str, &str, &str, &str, &str)] = &[
        ("ask unknown", "*", "*", "*", "refused: is not a job status"),
        ("ask same", "*", "*", "*", "= = ="),
        ("ask cancel-requested", "*", "active queued soft-failed", "*", "canceled canceled canceled"),
        ("ask cancel-requested", "*", "*", "*", "canceled = canceled"),
        ("ask failed", "*", "active queued soft-failed", "*", "failed canceled canceled"),
        ("ask failed", "*", "*", "*", "failed = canceled"),
        ("ask pause-requested", "*", "active", "*", "pause-requested active paused"),
        ("ask pause-requested", "*", "queued soft-failed", "*", "paused paused paused"),
        ("ask pause-requested", "*", "*", "*", "paused = paused"),
        ("ask requeueing", "completed", "*", "*", "queued queued queued"),
        ("ask requeueing", "*", "completed", "alone", "completed = ="),
        ("ask requeueing", "*", "canceled failed paused soft-failed", "*", "queued queued queued"),
        ("ask requeueing", "*", "*", "*", "queued = queued"),
        ("ask queued", "*", "completed", "alone", "completed = ="),
        ("ask queued", "*", "*", "*", "queued = ="),
        ("ask canceled", "*", "*", "*", "asked = ="),
        ("ask paused", "*", "*", "*", "asked = ="),
        ("ask completed", "*", "*", "*", "asked = ="),
        ("ask active", "*", "*", "*", "asked = ="),
        ("ask under-construction", "*", "*", "*", "asked = ="),
        ("claim", "active queued", "queued soft-failed", "*", "active active ="),
        ("claim", "*", "queued soft-failed", "*", "refused: tasks of a job that is"),
        ("claim", "*", "*", "*", "refused: cannot be taken"),
        ("complete", "*", "active", "alone", "completed completed ="),
        ("complete", "queued", "active", "amid", "active completed ="),
        ("complete", "pause-requested", "active", "amid", "paused completed ="),
        ("complete", "*", "active", "amid", "= completed ="),
        ("fail-soft", "cancel-requested", "active", "*", "= soft-failed ="),
        ("fail-soft", "*", "active", "*", "active soft-failed ="),
        ("fail", "*", "active", "alone", "failed failed ="),
        ("fail", "queued", "active", "amid", "active failed ="),
        ("fail", "pause-requested", "active", "amid", "paused failed ="),
        ("fail", "*", "active", "amid", "= failed ="),
        ("nobody-left", "failed", "active queued soft-failed", "*", "failed failed ="),
        ("nobody-left", "*", "active queued soft-failed", "*", "failed failed canceled"),
        ("release", "pause-requested", "active", "*", "paused paused ="),
        ("release", "completed", "active", "*", "queued queued queued"),
        ("release", "*", "active", "*", "= queued ="),
        ("reprieve", "completed", "failed", "*", "queued queued queued"),
        ("reprieve", "*", "failed", "*", "= queued ="),
        ("reprieve", "*", "*", "*", "refused: did not fail"),
        ("complete", "*", "*", "*", "refused: not active"),
        ("fail-soft", "*", "*", "*", "refused: not active"),
        ("fail", "*", "*", "*", "refused: not active"),
        ("nobody-left", "*", "*", "*", "refused: not active"),
        ("release", "*", "*", "*", "refused: not active"),
    ];

    const TASK_EVENTS: [(&str, TaskEvent); 7] = [
        ("claim", TaskEvent::Claimed),
        ("complete", TaskEvent::Completed),
        ("fail-soft", TaskEvent::FailedSoft),
        ("fail", TaskEvent::Failed),
        ("nobody-left", TaskEvent::NobodyLeft),
        ("release", TaskEvent::Released),
        ("reprieve", TaskEvent::Reprieved),
    ];

    /// Carries a change out on a list, the first of which is the event's task.
    fn carry_out(change: &Change, tasks: &[TaskStatus]) -> Vec<TaskStatus> {
        let mut tasks = tasks.to_vec();
        if let Some(status) = &change.task {
            tasks[0] = status.clone();
        }
        for step in &change.moves {
            for task in &mut tasks {
                if step.from.is_none_or(|from| from.contains(task)) {
                    *task = step.to.clone();
                }
            }
        }
        tasks
    }

    fn tally(tasks: &[TaskStatus]) -> Tally {
        let mut tally = Tally::default();
        for task in tasks {
            *tally.0.entry(task.clone()).or_default() += 1;
        }
        tally
    }

    fn fits(pattern: &str, word: &str) -> bool {
        pattern == "*" || pattern.split(' ').any(|item| item == word)
    }

    fn expected(event: &str, job: &str, task: &str, others: &str) -> (usize, &'static str) {
        let same = event.strip_prefix("ask ").is_some_and(|asked| asked == job);
        let names = if same { ["ask same", event] } else { [event, event] };
        let found = TABLE.iter().enumerate().find(|(_, row)| {
            names.contains(&row.0) && fits(row.1, job) && fits(row.2, task) && (row.3 == "*" || row.3 == others)
        });
        let (index, row) = found.unwrap_or_else(|| panic!("no row for {event}, {job}, {task}, {others}"));
        (index, row.4)
    }

    fn statuses<S: Clone>(known: &[S], unknown: S) -> Vec<S> {
        known.iter().cloned().chain([unknown]).collect()
    }

    fn events(task: &TaskStatus) -> Vec<(String, Event)> {
        let asks = statuses(JobStatus::KNOWN, JobStatus::Unknown("unknown".into()))
            .into_iter()
            .map(|status| (format!("ask {status}"), Event::Ask(status)));
        let of_task = TASK_EVENTS.map(|(name, event)| (name.to_owned(), Event::Task(task.clone(), event)));
        asks.chain(of_task).collect()
    }

    fn check(name: &str, event: &Event, job: &JobStatus, task: &TaskStatus, others: &str) -> usize {
        let mut tasks = vec![task.clone()];
        if others == "amid" {
            tasks.extend([TaskStatus::Queued, TaskStatus::Paused]);
            tasks.extend(std::iter::repeat_n(TaskStatus::Completed, 20));
        }
        let case = format!("{name} | {job} | {task} | {others}");
        let (row, words) = expected(name, job.as_str(), task.as_str(), others);
        match (decide(job, &tally(&tasks), event), words.strip_prefix("refused: ")) {
            (Err(refusal), Some(reason)) => assert!(refusal.to_string().contains(reason), "{case}: {refusal}"),
            (Ok(change), None) => {
                let after = carry_out(&change, &tasks);
                let keep = |word: &str, before: &str| if word == "=" { before.to_owned() } else { word.to_owned() };
                let words: Vec<&str> = words.split(' ').collect();
                let asked = name.strip_prefix("ask ").unwrap_or_default();
                let job_word = if words[0] == "asked" { asked } else { words[0] };
                assert_eq!(change.job.as_str(), keep(job_word, job.as_str()), "{case}");
                assert_eq!(after[0].as_str(), keep(words[1], task.as_str()), "{case}");
                if others == "amid" {
                    assert_eq!(after[1].as_str(), keep(words[2], "queued"), "{case}");
                }
                assert!(change.reason.is_some() || change.job == *job, "{case}");
            }
            (outcome, _) => panic!("{case}: expected {words:?}, got {outcome:?}"),
        }
        row
    }

    #[test]
    fn every_job_status_task_status_and_event_has_its_outcome() {
        let mut used = std::collections::BTreeSet::new();
        let mut cases = 0;
        for job in statuses(JobStatus::KNOWN, JobStatus::Unknown("unknown".into())) {
            for task in statuses(TaskStatus::KNOWN, TaskStatus::Unknown("unknown".into())) {
                for (name, event) in events(&task) {
                    for others in ["alone", "amid"] {
                        used.insert(check(&name, &event, &job, &task, others));
                        cases += 1;
                    }
                }
            }
        }
        assert_eq!(cases, 11 * 8 * 18 * 2);
        let unused: Vec<_> = TABLE.iter().enumerate().filter(|(index, _)| !used.contains(index)).collect();
        assert!(unused.is_empty(), "rows that nothing fits: {unused:?}");
    }

    #[test]
    fn one_failure_in_ten_fails_the_job_and_one_in_eleven_does_not() {
        for (total, status) in [(9, JobStatus::Failed), (10, JobStatus::Failed), (11, JobStatus::Active)] {
            let tasks = Tally::new([(TaskStatus::Active, 1), (TaskStatus::Queued, total - 1)]);
            let event = Event::Task(TaskStatus::Active, TaskEvent::Failed);
            let change = decide(&JobStatus::Active, &tasks, &event).unwrap();
            assert_eq!(change.job, status, "{total}");
        }
    }

    #[test]
    fn putting_a_job_back_forgives_and_restarting_a_completed_one_restarts_all() {
        let tasks = Tally::new([(TaskStatus::Completed, 3)]);
        let change = decide(&JobStatus::Completed, &tasks, &Event::Ask(JobStatus::Requeueing)).unwrap();
        assert_eq!(change.moves, [Move { from: None, to: TaskStatus::Queued }]);
        assert!(change.forgives);
    }

    proptest::proptest! {
        /// No chain of events loops for ever, loses a task, or completes a job with work left.
        #[test]
        fn any_tally_is_survived(counts in proptest::collection::vec(0u64..5, 7), job in 0usize..10, ask in 0usize..10) {
            let tasks = Tally::new(TaskStatus::KNOWN.iter().cloned().zip(counts));
            let (job, ask) = (&JobStatus::KNOWN[job], &JobStatus::KNOWN[ask]);
            let change = decide(job, &tasks, &Event::Ask(ask.clone())).unwrap();
            let may_be_completed = [job, ask].contains(&&JobStatus::Completed)
                || tasks.of(&TaskStatus::Completed) == tasks.total();
            proptest::prop_assert!(change.job != JobStatus::Completed || may_be_completed);
        }
    }
}
