//! What a plan has to know of whoever will render it: its workers, and their Blender.

use super::Warning;
use super::warnings;
use crate::base::error::Failure;
use crate::base::status::JobStatus;
use crate::blend::BlenderVersion;
use crate::frames::render_log::as_written;
use crate::manager::{Manager, ManagerError, ManagerJob, ManagerWorker};

/// So many of the last jobs are looked at for the Blender that rendered them.
const LOOKED_AT: usize = 3;

/// Whoever will render.
pub(super) struct FarmFacts {
    is_remote: bool,
    workers: Vec<ManagerWorker>,
    /// The Blender of the workers, as the last render's log tells; `None` on this machine's own queue and where none does.
    pub(super) blender: Option<BlenderVersion>,
}

impl FarmFacts {
    /// Asks the Manager; only to look.
    pub(super) fn of(manager: &dyn Manager) -> Result<FarmFacts, Failure> {
        let blender = if manager.is_remote() { blender_of_last_render(manager)? } else { None };
        Ok(FarmFacts { is_remote: manager.is_remote(), workers: manager.workers()?, blender })
    }

    /// How many workers may take a job of this tag now.
    pub(super) fn hands(&self, tag: Option<&str>) -> usize {
        self.workers.iter().filter(|worker| worker.renders_for(tag)).count()
    }

    /// A warning where no worker may take a job of this tag now. On this machine the one who waits renders.
    pub(super) fn nobody_awake(&self, tag: Option<&str>) -> Option<Warning> {
        (self.is_remote && self.hands(tag) == 0).then(|| warnings::no_worker(tag))
    }
}

/// Blender says its version in the first lines of every log.
fn blender_of_last_render(manager: &dyn Manager) -> Result<Option<BlenderVersion>, ManagerError> {
    let mut jobs: Vec<ManagerJob> = manager.jobs()?;
    jobs.retain(|job| job.status == JobStatus::Completed && job.run_id().is_some());
    jobs.sort_by_key(|job| std::cmp::Reverse(job.updated));
    for job in jobs.iter().take(LOOKED_AT) {
        let Some(task) = manager.tasks(&job.id)?.into_iter().find(|task| task.task_type == "blender") else { continue };
        // Only for a warning: a log that is too long to be read tells nothing.
        let log = manager.log(&task.id).ok().flatten().unwrap_or_default();
        if let Some(version) = version_in(&String::from_utf8_lossy(&log)) {
            return Ok(Some(version));
        }
    }
    Ok(None)
}

fn version_in(log: &str) -> Option<BlenderVersion> {
    log.lines().map(as_written).find_map(|line| {
        let number = line.strip_prefix("Blender ")?.split([' ', '(']).next()?;
        number.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_tells_the_blender() {
        let log = "2026-11-27T14:49:56Z Task assigned\npid=7 > Blender 4.2.1 LTS\npid=7 > Read blend: /a\n";
        assert_eq!(version_in(log), "4.2".parse().ok());
        assert_eq!(version_in("Blender quit\nBlender 3.4.1\n"), "3.4".parse().ok());
        assert_eq!(version_in("nothing"), None);
    }
}
