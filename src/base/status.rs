//! Statuses, spelled as Flamenco spells them; a word that this farm does not know is kept.
//!
//! Source: the enums `JobStatus`, `TaskStatus` and `WorkerStatus` of Flamenco's OpenAPI file, 3.2 to 3.9.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! status {
    ($(#[$doc:meta])* $type:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $type {
            $($(#[$vdoc])* $variant,)+
            /// A word that this farm does not know.
            Unknown(String),
        }

        impl $type {
            /// Every status that this farm knows.
            pub const KNOWN: &'static [$type] = &[$($type::$variant),+];

            /// The word on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $($type::$variant => $word,)+
                    $type::Unknown(word) => word,
                }
            }
        }

        impl From<String> for $type {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($word => $type::$variant,)+
                    _ => $type::Unknown(word),
                }
            }
        }
        impl From<$type> for String {
            fn from(status: $type) -> String {
                status.as_str().to_owned()
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

status! {
    /// The status of a job on the Manager, that is, of a run.
    JobStatus {
        /// Tasks of it are being worked on.
        Active = "active",
        /// Ended by request.
        Canceled = "canceled",
        /// Every task completed.
        Completed = "completed",
        /// Too many tasks failed.
        Failed = "failed",
        /// Waits for a person.
        Paused = "paused",
        /// Active tasks end, then it is paused.
        PauseRequested = "pause-requested",
        /// Waits for a worker.
        Queued = "queued",
        /// Its tasks are being cancelled.
        CancelRequested = "cancel-requested",
        /// Its tasks are being put back in the queue.
        Requeueing = "requeueing",
        /// Being built by the Manager.
        UnderConstruction = "under-construction",
    }
}

status! {
    /// The status of a task.
    TaskStatus {
        /// A worker is at it.
        Active = "active",
        /// Ended by request.
        Canceled = "canceled",
        /// Done.
        Completed = "completed",
        /// Failed for good.
        Failed = "failed",
        /// Waits for a worker.
        Queued = "queued",
        /// Failed on one worker, others may try.
        SoftFailed = "soft-failed",
        /// Waits for a person.
        Paused = "paused",
    }
}

status! {
    /// The status of a worker.
    WorkerStatus {
        /// Signing on.
        Starting = "starting",
        /// Takes tasks.
        Awake = "awake",
        /// Takes no tasks.
        Asleep = "asleep",
        /// Lost, or reported a fault.
        Error = "error",
        /// Under test.
        Testing = "testing",
        /// Signed off.
        Offline = "offline",
        /// About to restart.
        Restart = "restart",
    }
}

impl JobStatus {
    /// Whether the Manager will do nothing more for it by itself.
    pub fn has_ended(&self) -> bool {
        matches!(self, JobStatus::Canceled | JobStatus::Completed | JobStatus::Failed)
    }

    /// Whether workers are given tasks of it.
    pub fn is_worked_on(&self) -> bool {
        matches!(self, JobStatus::Active | JobStatus::Queued)
    }
}

impl TaskStatus {
    /// Whether no worker will touch it again by itself.
    pub fn has_ended(&self) -> bool {
        matches!(self, TaskStatus::Canceled | TaskStatus::Completed | TaskStatus::Failed)
    }

    /// Whether a worker failed at it, for good or not.
    pub fn has_failed(&self) -> bool {
        matches!(self, TaskStatus::Failed | TaskStatus::SoftFailed)
    }

    /// Whether a worker may take it.
    pub fn is_runnable(&self) -> bool {
        matches!(self, TaskStatus::Queued | TaskStatus::SoftFailed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_survive_a_round_trip() {
        let status: JobStatus = serde_json::from_str("\"archiving\"").expect("any word parses");
        assert_eq!(status, JobStatus::Unknown("archiving".into()));
        assert_eq!(serde_json::to_string(&status).expect("prints"), "\"archiving\"");
        for status in JobStatus::KNOWN {
            assert_eq!(&JobStatus::from(status.as_str().to_owned()), status);
        }
    }
}
