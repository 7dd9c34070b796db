//! What jobs are told.

use crate::base::status::JobStatus;

/// What a job is told to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Of this status, with all that follows from it. To end a job it is [`JobStatus::CancelRequested`].
    Status(JobStatus),
    /// Of this priority, 0 to 100.
    Priority(u8),
    /// Gone.
    Delete,
}
