//! The logs of tasks: one file each, every attempt behind the one before, bytes as the renderer wrote them.

use super::Local;
use super::claim::Assignment;
use super::store::Fault;
use crate::base::ids::TaskId;
use crate::manager::{LogPart, ManagerError};
use crate::sys::disk::DiskError;
use crate::sys::files::{self, Appender};
use crate::sys::{clock, outside};
use rusqlite::OptionalExtension;
use std::io;
use std::path::PathBuf;

/// The longest tail that a Manager gives, in bytes (Flamenco's own limit).
const TAIL: usize = 2048;

/// The log of an attempt at work.
#[derive(Debug)]
pub(super) struct TaskLog(Appender);

impl TaskLog {
    /// Opens the log and begins the attempt with a line about itself.
    pub(super) fn begin(local: &Local, assignment: &Assignment, worker: &str) -> io::Result<Self> {
        let (job, task) = (&assignment.job.id, &assignment.task);
        files::make_folders(&local.settings.logs().join(&job.0), 0o777)?;
        let mut log = TaskLog(Appender::open(&local.log_path(&job.0, &task.id.0))?);
        let attempt = assignment.attempt;
        log.write(format!("farm: {}, attempt {attempt}, worker {worker}, {}\n", task.name, clock::now()).as_bytes());
        Ok(log)
    }

    /// Adds `bytes`. A log that cannot be written (a full disk) does not end a render that may have run for hours.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let _ = self.0.append(bytes);
    }
}

impl Local {
    /// Where the log of a task is; an error if there is no such task.
    fn log_of(&self, id: &TaskId) -> Result<PathBuf, ManagerError> {
        let query = "SELECT job.id FROM task JOIN job ON job.seq = task.job WHERE task.id = ?1";
        let job = self.read(|connection| {
            Ok(connection.query_row(query, (&id.0,), |row| row.get::<_, String>(0)).optional()?)
        })?;
        let job = job.flatten().ok_or_else(|| self.explain(Fault::Missing(format!("task {id}"))))?;
        Ok(self.log_path(&job, &id.0))
    }

    pub(super) fn read_log(&self, id: &TaskId) -> Result<Option<Vec<u8>>, ManagerError> {
        let bytes =
            outside::read(&self.log_of(id)?, u64::MAX).map_err(|error| self.explain(Fault::Io(error.into())))?;
        Ok(bytes.filter(|bytes| !bytes.is_empty()))
    }

    pub(super) fn read_log_part(&self, id: &TaskId, from: u64, most: u64) -> Result<Option<LogPart>, ManagerError> {
        let failed = |error: DiskError| self.explain(Fault::Io(error.into()));
        let Some(file) = outside::open(&self.log_of(id)?).map_err(failed)? else { return Ok(None) };
        let size = file.attributes().size;
        let length = size.saturating_sub(from).min(most);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        let read = file.read_at(&mut bytes, from).map_err(failed)?;
        bytes.truncate(read);
        Ok((size > 0).then_some(LogPart { bytes, size }))
    }

    pub(super) fn read_log_tail(&self, id: &TaskId) -> Result<Option<String>, ManagerError> {
        let bytes =
            outside::read_tail(&self.log_of(id)?, TAIL).map_err(|error| self.explain(Fault::Io(error.into())))?;
        Ok(bytes.filter(|bytes| !bytes.is_empty()).map(|bytes| tail_text(&bytes)))
    }
}

/// At most [`TAIL`] bytes of text from the end of `bytes`; what is no UTF-8 shows as U+FFFD, which is longer.
fn tail_text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut start = text.len().saturating_sub(TAIL);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text[start..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_keep_to_their_limit_whatever_the_bytes_are() {
        for bytes in [vec![0xff; TAIL], "é".repeat(TAIL / 2).into_bytes(), vec![b'x'; 10], Vec::new()] {
            let text = tail_text(&bytes);
            assert!(text.len() <= TAIL, "{}", text.len());
            assert!(text.len() + 4 > bytes.len().min(TAIL));
        }
    }
}
