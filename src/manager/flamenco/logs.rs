//! The logs of tasks.

use super::Flamenco;
use crate::base::ids::TaskId;
use crate::manager::{ManagerError, wire};

impl Flamenco {
    /// The last 2,048 bytes at most.
    pub(super) fn tail_of_log(&self, id: &TaskId) -> Result<Option<String>, ManagerError> {
        let tail = self.api.read_text(&format!("tasks/{id}/logtail"), &format!("task {id}"))?;
        Ok(tail.map(|tail| String::from_utf8_lossy(&tail).into_owned()))
    }

    /// The file in which the Manager keeps it.
    pub(super) fn whole_log(&self, id: &TaskId) -> Result<Option<Vec<u8>>, ManagerError> {
        let what = format!("task {id}");
        let Some(reply) = self.api.read_bytes(&format!("tasks/{id}/log"), &what)? else { return Ok(None) };
        let info: wire::task::LogInfo = self.api.document(&reply)?;
        self.api.read_file(&info.url, &format!("log of {what}")).map(Some)
    }
}
