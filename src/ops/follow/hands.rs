//! Telling that nobody renders what is waited for: a Manager keeps jobs for ever for a worker that never comes.

use super::told::Told;
use crate::base::error::Failure;
use crate::ops::ports::Ports;
use crate::sys::clock::Stopwatch;
use std::collections::BTreeSet;
use std::time::Duration;

/// Between two questions about the workers.
const ASK_AGAIN: Duration = Duration::from_secs(15);
/// Before the first one: a worker that starts up, or that just ended a task, is no news.
const FIRST: Duration = Duration::from_secs(5);

/// When the workers were asked for.
pub(super) struct Hands {
    asked: Stopwatch,
    pause: Duration,
}

impl Hands {
    /// Nobody was asked for yet.
    pub(super) fn new() -> Self {
        Hands { asked: Stopwatch::start(), pause: FIRST }
    }

    /// Tells once of each of these tags (`None`: of a run without one) that no worker has that could render.
    pub(super) fn tell(
        &mut self,
        ports: &Ports<'_>,
        tags: &BTreeSet<Option<&str>>,
        told: &Told,
    ) -> Result<(), Failure> {
        // On this machine the one who waits renders.
        if !ports.manager.is_remote() || !self.asked.has_passed(self.pause) {
            return Ok(());
        }
        let workers = ports.manager.workers()?;
        (self.asked, self.pause) = (Stopwatch::start(), ASK_AGAIN);
        for tag in tags {
            if !workers.iter().any(|worker| worker.renders_for(*tag)) {
                let which = tag.map(|tag| format!(" with the tag {tag}")).unwrap_or_default();
                told.note(ports, &format!("no worker{which} that renders is awake: its jobs wait until one is"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::notes::Notes;
    use super::*;
    use crate::base::status::{TaskStatus, WorkerStatus};
    use crate::ops::check::room::Room;

    #[test]
    fn nobody_awake_is_said_once() {
        let mut room = Room::new(&[("A", "1-3")]);
        room.add_run("1-3", TaskStatus::Queued);
        let (notes, told) = (Notes::default(), Told::default());
        let tell = |room: &Room, tag| {
            let mut hands = Hands { asked: Stopwatch::start(), pause: Duration::ZERO };
            hands.tell(&Ports { progress: &notes, ..room.ports() }, &BTreeSet::from([tag]), &told).expect("asked");
            notes.take()
        };
        let worker = &mut room.manager.workers[0];
        (worker.status, worker.task_types) = (WorkerStatus::Awake, vec!["blender".into()]);
        assert!(tell(&room, None).is_empty());
        assert_eq!(
            tell(&room, Some("gpu")),
            ["no worker with the tag gpu that renders is awake: its jobs wait until one is"]
        );
        room.manager.workers[0].status = WorkerStatus::Asleep;
        assert_eq!(tell(&room, None).len(), 1);
        assert!(tell(&room, None).is_empty(), "once");
    }
}
