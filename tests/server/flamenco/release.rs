//! The releases whose replies were recorded.

use serde_json::Value;
use std::path::PathBuf;

/// A release of Flamenco.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Release {
    V3_2,
    V3_5,
    V3_8,
    V3_9,
}

impl Release {
    /// All of them.
    pub(crate) const ALL: [Release; 4] = [Release::V3_2, Release::V3_5, Release::V3_8, Release::V3_9];

    /// The folder of its replies.
    pub(crate) fn folder(self) -> PathBuf {
        let name = match self {
            Release::V3_2 => "3.2",
            Release::V3_5 => "3.5",
            Release::V3_8 => "3.8.5",
            Release::V3_9 => "3.9-beta1",
        };
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/manager").join(name)
    }

    /// The body of the reply that was recorded under this name.
    pub(crate) fn recorded(self, name: &str) -> Value {
        let path = self.folder().join(format!("{name}.json"));
        let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut document: Value = serde_json::from_slice(&text).expect("recorded as JSON");
        document["body"].take()
    }

    /// Whether jobs can be paused: since 3.6.
    pub(crate) fn can_pause(self) -> bool {
        self >= Release::V3_8
    }
}
