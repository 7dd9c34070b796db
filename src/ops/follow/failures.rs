//! Telling of tasks that fail while they do.

use super::told::Told;
use crate::base::error::Failure;
use crate::base::name::JobRef;
use crate::base::status::{JobStatus, TaskStatus};
use crate::base::time::Timestamp;
use crate::frames::last_words::last_line;
use crate::manager::ManagerJob;
use crate::ops::ports::Ports;
use crate::sys::clock::Stopwatch;
use std::time::Duration;

/// Between two lists of a job's tasks: a Manager takes long over them, and looking at the job costs nothing.
const LIST_AGAIN: Duration = Duration::from_secs(30);
/// So many failed tasks of a job are told of one by one.
const TOLD: usize = 5;

/// What was told of one job while it is looked at.
#[derive(Default)]
pub(super) struct Failures {
    count: usize,
    listed: Option<Stopwatch>,
    updated: Option<Timestamp>,
}

impl Failures {
    /// Tells of tasks that failed and were not `told` of yet. A job that did not change is not asked about.
    pub(super) fn tell(
        &mut self,
        ports: &Ports<'_>,
        name: &JobRef,
        job: &ManagerJob,
        told: &Told,
    ) -> Result<(), Failure> {
        // On this machine the worker itself tells.
        if !ports.manager.is_remote() || !self.is_due(job) {
            return Ok(());
        }
        self.listed = Some(Stopwatch::start());
        let tasks = ports.manager.tasks(&job.id)?;
        let mut left = tasks.iter().filter(|task| !task.status.has_ended()).peekable();
        let waits_for_others = left.peek().is_some() && left.all(|task| task.status == TaskStatus::SoftFailed);
        for task in tasks {
            if !task.status.has_failed() || told.has(&task.id.0) {
                continue;
            }
            if self.count < TOLD {
                let tail = ports.manager.log_tail(&task.id)?.unwrap_or_default();
                ports.progress.note(&format!("{name}: task {} {}: {}", task.name, task.status, last_line(&tail)));
            }
            // Those that are only counted are no news for the next look either.
            told.is_new(&task.id.0);
            self.count += 1;
        }
        if waits_for_others && job.status == JobStatus::Active {
            told.note(ports, &format!("{name}: what is left failed on a worker and waits for another one"));
        }
        if job.status == JobStatus::Failed && told.is_new(&job.id.0) {
            ports.progress.note(&format!("{name}: job {} failed: {}", job.id, job.activity));
        }
        // Only now: what could not be asked is asked again.
        self.updated = Some(job.updated);
        Ok(())
    }

    fn is_due(&self, job: &ManagerJob) -> bool {
        let changed = self.updated != Some(job.updated);
        let rested = self.listed.as_ref().is_none_or(|last| last.has_passed(LIST_AGAIN));
        changed && (job.status == JobStatus::Failed || (job.status == JobStatus::Active && rested))
    }
}

#[cfg(test)]
mod tests {
    use super::super::notes::Notes;
    use super::*;
    use crate::base::status::TaskStatus;
    use crate::ops::check::room::Room;

    #[test]
    fn what_could_not_be_asked_is_told_at_the_next_look() {
        let mut room = Room::new(&[("A", "1-3")]);
        let task = room.add_run("1-3", TaskStatus::Failed);
        let job = ManagerJob { status: JobStatus::Failed, ..room.manager.jobs[0].clone() };
        let name = JobRef::within(room.release(), &room.file.jobs[0].name);
        let (notes, told, mut failures) = (Notes::default(), Told::default(), Failures::default());
        let tell = |room: &Room, failures: &mut Failures| {
            failures.tell(&Ports { progress: &notes, ..room.ports() }, &name, &job, &told)
        };
        assert!(tell(&room, &mut failures).is_err(), "its log is not to be had");
        room.manager.logs.insert(task, "Error: no camera\n".into());
        tell(&room, &mut failures).expect("told");
        tell(&room, &mut failures).expect("nothing new");
        let notes = notes.take();
        assert!(matches!(&notes[..], [one, two] if one.contains("no camera") && two.contains("failed")), "{notes:?}");
    }
}
