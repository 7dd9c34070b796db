//! Identities: of volumes, runs, transactions.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// From so many letters on a word may be the beginning of an id.
pub const SHORTEST: usize = 6;

/// Whether `word` names this id: it is its beginning, and long enough to be no mere word.
pub fn is_named(id: &str, word: &str) -> bool {
    word.chars().count() >= SHORTEST && id.starts_with(word)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The id of nothing, for comparisons that leave ids out.
            pub const NONE: $name = $name(Uuid::nil());

            /// A new random id.
            pub fn random() -> Self {
                $name(Uuid::new_v4())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map($name)
            }
        }
    };
}

id! {
    /// A volume's identity, written into its marker once.
    VolumeId
}
id! {
    /// One submission by farm: `farm.id` in the metadata of the Manager's job.
    RunId
}
id! {
    /// One change of the volume: names its journal and its folder in the trash.
    TransactionId
}

/// The Manager's own id of a job (a UUID on every Manager known, kept as text).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub String);

/// The Manager's own id of a task.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(pub String);

/// The Manager's own id of a worker.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerId(pub String);

macro_rules! display {
    ($($name:ident)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}
display!(JobId TaskId WorkerId);
