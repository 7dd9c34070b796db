//! Workers with their details, which Flamenco tells one by one.

use super::Flamenco;
use crate::manager::{ManagerError, ManagerWorker, wire};
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many are asked for at once: it hides the way to a Manager far off.
const AT_ONCE: usize = 16;

impl Flamenco {
    pub(super) fn all_workers(&self) -> Result<Vec<ManagerWorker>, ManagerError> {
        let list: wire::worker::Workers = self.api.read("worker-mgt/workers")?;
        let next = AtomicUsize::new(0);
        let ask = || {
            let mut told = Vec::new();
            while let Some(worker) = list.workers.get(next.fetch_add(1, Ordering::Relaxed)) {
                let details = self.details(&worker.id);
                if details.is_err() {
                    // Nobody needs the others: they would wait as long for a Manager that is silent.
                    next.store(list.workers.len(), Ordering::Relaxed);
                }
                told.push(details);
            }
            told
        };
        let told: Vec<_> = std::thread::scope(|scope| {
            let hands: Vec<_> = (0..AT_ONCE.min(list.workers.len())).map(|_| scope.spawn(ask)).collect();
            hands.into_iter().flat_map(|hand| hand.join().unwrap_or_else(|p| std::panic::resume_unwind(p))).collect()
        });
        let mut workers = told.into_iter().filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
        workers.sort_by(|a: &ManagerWorker, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(workers)
    }

    /// `None`: deleted since the list was made.
    fn details(&self, id: &str) -> Result<Option<ManagerWorker>, ManagerError> {
        let worker: Option<wire::worker::Worker> =
            self.api.read_if_there(&format!("worker-mgt/workers/{id}"), &format!("worker {id}"))?;
        Ok(worker.map(Into::into))
    }
}
