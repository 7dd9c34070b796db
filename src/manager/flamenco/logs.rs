//! The logs of tasks.

use super::Flamenco;
use crate::base::ids::TaskId;
use crate::manager::{LogPart, ManagerError, wire};

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

    /// Some bytes of it. Managers from 3.2 on give parts of files; a proxy may give the whole instead.
    pub(super) fn part_of_log(&self, id: &TaskId, from: u64, most: u64) -> Result<Option<LogPart>, ManagerError> {
        let what = format!("task {id}");
        let Some(reply) = self.api.read_bytes(&format!("tasks/{id}/log"), &what)? else { return Ok(None) };
        let wire::task::LogInfo { url, size } = self.api.document(&reply)?;
        if size <= from || most == 0 {
            return Ok(Some(LogPart { bytes: Vec::new(), size }));
        }
        let bytes = self.api.read_part(&url, from, most, &format!("log of {what}"))?;
        // It may have grown between the two answers.
        let size = size.max(from + bytes.len() as u64);
        Ok(Some(LogPart { bytes, size }))
    }
}
