//! Reading logs piece by piece.

use super::{Reader, TaskLog};
use crate::base::error::Failure;
use crate::base::ids::TaskId;
use crate::ops::ports::Ports;
use std::ops::ControlFlow;

/// So many bytes are asked for at once.
pub(super) const PIECE: u64 = 256 << 10;
/// The first look back for the last lines of a log, and the longest, in bytes.
const WINDOW: u64 = 64 << 10;
const WIDEST: u64 = 4 << 20;
/// The longest end of one log, and of all logs together, that a document holds, in bytes.
const KEPT: u64 = 1 << 20;
const KEPT_IN_ALL: u64 = 32 << 20;

/// How much of each log is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// Its last lines.
    Lines(usize),
}

/// What is kept of a log where all of it could be too long.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// Its end.
    pub bytes: Vec<u8>,
    /// Whether something stood before it.
    pub is_cut: bool,
}

/// Hands on the logs one after the other; the number of those that there are.
pub fn print(ports: &Ports<'_>, logs: &[TaskLog], extent: Extent, reader: &mut dyn Reader) -> Result<usize, Failure> {
    let mut count = 0;
    for log in logs {
        let Some(from) = begin(ports, &log.id, extent)? else { continue };
        count += 1;
        if reader.begins(log).is_break() {
            break;
        }
        if let (ControlFlow::Break(()), _) = rest(ports, &log.id, from, reader)? {
            break;
        }
    }
    Ok(count)
}

/// Hands on what stands from `from` on, and says where that ended.
pub(super) fn rest(
    ports: &Ports<'_>,
    id: &TaskId,
    mut from: u64,
    reader: &mut dyn Reader,
) -> Result<(ControlFlow<()>, u64), Failure> {
    loop {
        ports.go_on()?;
        let Some(part) = ports.manager.log_part(id, from, PIECE)? else { return Ok((ControlFlow::Continue(()), from)) };
        if part.size < from {
            // Begun anew, as Flamenco does when a task is tried again.
            from = 0;
            continue;
        }
        from += part.bytes.len() as u64;
        if !part.bytes.is_empty() && reader.bytes(&part.bytes).is_break() {
            return Ok((ControlFlow::Break(()), from));
        }
        if part.bytes.is_empty() || from >= part.size {
            return Ok((ControlFlow::Continue(()), from));
        }
    }
}

/// From where on a log is wanted; `None` without one.
pub(super) fn begin(ports: &Ports<'_>, id: &TaskId, extent: Extent) -> Result<Option<u64>, Failure> {
    let Some(whole) = ports.manager.log_part(id, 0, 0)? else { return Ok(None) };
    let Extent::Lines(lines) = extent else { return Ok(Some(0)) };
    let mut window = WINDOW;
    loop {
        let from = whole.size.saturating_sub(window);
        let end = end_of(ports, id, from, window)?;
        match before_lines(&end, lines) {
            Some(at) => return Ok(Some(from + at as u64)),
            None if from == 0 || window >= WIDEST => return Ok(Some(from)),
            None => window *= 4,
        }
    }
}

fn end_of(ports: &Ports<'_>, id: &TaskId, from: u64, length: u64) -> Result<Vec<u8>, Failure> {
    Ok(ports.manager.log_part(id, from, length)?.unwrap_or_default().bytes)
}

/// Where the last `lines` lines begin; `None` if there are fewer, or nobody can say where the first of them does.
fn before_lines(text: &[u8], lines: usize) -> Option<usize> {
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    if lines == 0 {
        return Some(text.len());
    }
    let mut ends = body.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
    ends.nth(lines - 1).map(|(at, _)| at + 1)
}

/// The ends of the logs, for one document; `None` for those without one. The newest are kept longest.
pub fn keep(ports: &Ports<'_>, logs: &[TaskLog], extent: Extent) -> Result<Vec<Option<Kept>>, Failure> {
    let mut left = KEPT_IN_ALL;
    let mut kept = Vec::with_capacity(logs.len());
    for log in logs.iter().rev() {
        ports.go_on()?;
        let Some(wanted) = begin(ports, &log.id, extent)? else {
            kept.push(None);
            continue;
        };
        let size = ports.manager.log_part(&log.id, 0, 0)?.unwrap_or_default().size;
        let from = wanted.max(size.saturating_sub(KEPT.min(left)));
        let mut bytes = Vec::new();
        let mut gather = Gather { bytes: &mut bytes, most: size.saturating_sub(from) as usize };
        let _full = rest(ports, &log.id, from, &mut gather)?;
        left = left.saturating_sub(bytes.len() as u64);
        kept.push(Some(Kept { bytes, is_cut: from > 0 }));
    }
    kept.reverse();
    Ok(kept)
}

/// Keeps what stood in a log when it was looked at: it may grow meanwhile.
struct Gather<'a> {
    bytes: &'a mut Vec<u8>,
    most: usize,
}

impl Reader for Gather<'_> {
    fn begins(&mut self, _log: &TaskLog) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        let room = self.most - self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if self.bytes.len() >= self.most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_found_from_the_end() {
        for (text, lines, at) in [
            ("a\nb\nc\n", 1, Some(4)),
            ("a\nb\nc", 1, Some(4)),
            ("a\nb\nc\n", 2, Some(2)),
            ("a\nb\nc\n", 3, None),
            ("a\nb\n", 0, Some(4)),
            ("", 1, None),
        ] {
            assert_eq!(before_lines(text.as_bytes(), lines), at, "{text:?} {lines}");
        }
    }
}
