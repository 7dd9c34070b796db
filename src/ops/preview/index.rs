//! `preview/index.json`: of which frames each preview was made.

use crate::base::digest::Digest;
use crate::base::name::JobName;
use crate::sys::disk::{Dir, DiskError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const NAME: &str = "index.json";
const SCHEMA: &str = "farm.previews/1";
/// The largest index that is read, in bytes.
const MAX_SIZE: u64 = 64 << 20;

/// The previews that there are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Index {
    schema: String,
    pub(super) jobs: BTreeMap<JobName, Made>,
}

/// The previews of one job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Made {
    /// The fingerprint of the frames.
    pub(super) frames: Digest,
    /// The contact sheet's name.
    pub(super) sheet: Option<String>,
    /// The video's name.
    pub(super) video: Option<String>,
}

impl Index {
    /// What cannot be read is as good as empty: the previews are made again.
    pub(super) fn load(folder: &Dir) -> Self {
        let bytes = folder.read(NAME, MAX_SIZE).ok().flatten().unwrap_or_default();
        let read = serde_json::from_slice::<Index>(&bytes).ok().filter(|index| index.schema == SCHEMA);
        read.unwrap_or_else(|| Index { schema: SCHEMA.to_owned(), jobs: BTreeMap::new() })
    }

    /// Writes it, if it differs from what is there.
    pub(super) fn save(&self, folder: &Dir) -> Result<(), DiskError> {
        if Index::load(folder) == *self {
            return Ok(());
        }
        let bytes = serde_json::to_vec_pretty(self).expect("an index is plain data");
        folder.write(NAME, &bytes)
    }
}
