//! The record of one transaction's trash below one root.

use super::error::TrashError;
use crate::base::ids::TransactionId;
use crate::base::rel_path::RelPath;
use crate::base::time::Timestamp;
use crate::sys::disk::{Attributes, Dir, Kind};
use crate::volume::jsonl;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The schema this farm writes and reads.
pub(super) const SCHEMA: &str = "farm.trash/1";
/// The record's name in the transaction's folder.
pub(super) const RECORD: &str = "record.jsonl";
/// The largest record that is read, in bytes.
const MAX_SIZE: u64 = 512 << 20;

/// The first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) schema: String,
    pub(super) id: TransactionId,
    pub(super) at: Timestamp,
    pub(super) hold_days: u32,
}

/// One thing in the trash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Where it was, below the volume's root.
    pub path: RelPath,
    /// Where it is, below the transaction's folder.
    pub(super) kept: RelPath,
    /// What it is.
    pub kind: Kind,
    /// Its number on the device: how it is known again.
    pub(super) ino: u64,
    /// Bytes, of a file; a folder's are not counted.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    /// When its content last changed.
    pub mtime: Timestamp,
    /// When it was put there.
    pub at: Timestamp,
    /// Why, in a word or sentence of the command's.
    pub reason: String,
}

impl Item {
    /// Whether `found` is the thing that this line speaks of. A folder's times change with what is in it, and is known
    /// by its number; a file is also known by size and time, for some shares give out numbers anew.
    pub(super) fn is(&self, found: &Attributes) -> bool {
        let as_before = (self.size, self.mtime) == (found.size, found.mtime);
        self.kind == found.kind && if self.kind == Kind::Folder { self.ino == found.ino } else { as_before }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Header(Header),
    Item(Item),
}

/// What a record says.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) header: Header,
    pub(super) items: Vec<Item>,
    /// How many bytes of the file say this.
    pub(super) whole: u64,
}

/// The folders above `path`, the nearest first.
pub(super) fn ancestors(path: &RelPath) -> impl Iterator<Item = RelPath> {
    std::iter::successors(path.split().map(|(folder, _)| folder), |folder| folder.split().map(|(above, _)| above))
}

/// Reads the record in the transaction's folder; `None` if there is none.
pub(super) fn read(folder: &Dir) -> Result<Option<Record>, TrashError> {
    let Some(bytes) = folder.read(RECORD, MAX_SIZE)? else { return Ok(None) };
    let record = parse(&bytes).map_err(|cause| TrashError::Damaged { path: folder.path_of(RECORD), cause })?;
    Ok(Some(record))
}

fn parse(bytes: &[u8]) -> Result<Record, String> {
    let lines = jsonl::decode(bytes).map_err(|fault| fault.to_string())?;
    let mut lines_left = lines.items.into_iter();
    let header = match lines_left.next() {
        Some(Line::Header(header)) if header.schema == SCHEMA => header,
        Some(Line::Header(header)) => return Err(format!("its schema is {}, not {SCHEMA}", header.schema)),
        _ => return Err("it has no first line".to_owned()),
    };
    let items = lines_left.map(|line| match line {
        Line::Item(item) => Ok(item),
        Line::Header(_) => Err("it begins twice".to_owned()),
    });
    let items = last_of_each_place(items.collect::<Result<_, _>>()?);
    Ok(Record { header, items, whole: lines.whole })
}

/// A run that was killed between a line and its move wrote another line for the same place when it was run again.
fn last_of_each_place(items: Vec<Item>) -> Vec<Item> {
    let mut places = HashSet::new();
    let mut kept: Vec<Item> = items.into_iter().rev().filter(|item| places.insert(item.kept.clone())).collect();
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_to_its_last_whole_line() {
        let id = TransactionId::random();
        let at = Timestamp::from_unix(0);
        let header = Header { schema: SCHEMA.into(), id, at, hold_days: 7 };
        let path = RelPath::new("releases/r1/out/A/000001.png").expect("path");
        let kept = RelPath::new("tree/releases/r1/out/A/000001.png").expect("path");
        let item =
            Item { path, kept, kind: Kind::File, ino: 7, size: 1, mode: 0o644, mtime: at, at, reason: "bad".into() };
        let first = jsonl::encode(&[Line::Header(header)]).len();
        let mut bytes = jsonl::encode(&[Line::Header(Header { schema: SCHEMA.into(), id, at, hold_days: 7 })]);
        bytes.extend(jsonl::encode(&[Line::Item(item.clone()), Line::Item(item)]));
        for cut in 0..bytes.len() {
            match parse(&bytes[..cut]) {
                Ok(record) => assert!(cut >= first && record.whole as usize <= cut),
                Err(_) => assert!(cut < first),
            }
        }
        assert_eq!(parse(&bytes).expect("whole").items.len(), 1, "one place, one thing");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            proptest::prop_assert!(parse(&bytes).is_err());
        }
    }
}
