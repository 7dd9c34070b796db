//! Asking for a job's status, and for its priority.

use super::Flamenco;
use crate::base::ids::JobId;
use crate::base::status::JobStatus;
use crate::manager::ManagerError;
use crate::manager::wire::submitted::{PriorityChange, StatusChange};

impl Flamenco {
    /// Asks; where that is refused, looks whether this Manager's jobs have such a status at all.
    pub(super) fn ask_for_status(&self, id: &JobId, status: &JobStatus, reason: &str) -> Result<(), ManagerError> {
        let change = StatusChange { status: status.as_str(), reason };
        let outcome = self.api.change(&format!("jobs/{id}/setstatus"), &change, &format!("job {id}"));
        self.explain_status(status, outcome)
    }

    /// Asks for a priority.
    pub(super) fn ask_for_priority(&self, id: &JobId, priority: u8) -> Result<(), ManagerError> {
        self.api.change(&format!("jobs/{id}/setpriority"), &PriorityChange { priority }, &format!("job {id}"))
    }

    /// What is wrong with a status that was refused.
    pub(super) fn explain_status(
        &self,
        status: &JobStatus,
        outcome: Result<(), ManagerError>,
    ) -> Result<(), ManagerError> {
        let is_refused = matches!(outcome, Err(ManagerError::Rejected { .. }));
        let is_flamencos = !matches!(status, JobStatus::Unknown(_));
        if is_refused && is_flamencos && !self.offer.knows_status(&self.api, status.as_str())? {
            return Err(ManagerError::Incapable {
                address: self.api.address().to_owned(),
                what: format!("make a job {status}"),
                next: "Use Flamenco 3.6 or newer; `farm doctor` shows its version.".to_owned(),
            });
        }
        outcome
    }
}
