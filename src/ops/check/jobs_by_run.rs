//! Which of the Manager's jobs belong to which run.

use crate::base::ids::RunId;
use crate::manager::ManagerJob;
use std::collections::HashMap;

/// The Manager's jobs by farm's id of their run, put in order once for all releases.
#[derive(Debug, Default)]
pub struct JobsByRun<'a>(HashMap<RunId, Vec<&'a ManagerJob>>);

impl<'a> JobsByRun<'a> {
    /// Those of these jobs that farm submitted.
    pub fn of(jobs: &'a [ManagerJob]) -> Self {
        let mut by_run: HashMap<RunId, Vec<&ManagerJob>> = HashMap::new();
        for job in jobs {
            if let Some(run) = job.run_id() {
                by_run.entry(run).or_default().push(job);
            }
        }
        for of_run in by_run.values_mut() {
            of_run.sort_by_key(|job| job.precedence());
        }
        JobsByRun(by_run)
    }

    /// The jobs of a run, the one that counts first: a run that was submitted twice all the same has two. `None` if it has
    /// none.
    pub fn get(&self, run: RunId) -> Option<&[&'a ManagerJob]> {
        self.0.get(&run).map(Vec::as_slice)
    }

    /// The one that counts.
    pub fn first(&self, run: RunId) -> Option<&'a ManagerJob> {
        self.get(run)?.first().copied()
    }
}
