//! Documents that grow line by line: a JSON object per line, whole or not there.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What was read, and how many bytes of it are whole lines.
#[derive(Debug, PartialEq)]
pub(super) struct Lines<T> {
    pub(super) items: Vec<T>,
    pub(super) whole: u64,
}

/// A whole line that does not say what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {number}: {cause}")]
pub(super) struct LineFault {
    /// From 1.
    pub(super) number: usize,
    pub(super) cause: String,
}

/// Lines for appending.
pub(super) fn encode<T: Serialize>(items: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for item in items {
        serde_json::to_writer(&mut bytes, item).expect("documents have text keys and finite numbers");
        bytes.push(b'\n');
    }
    bytes
}

/// Reads all whole lines. What follows the last line's end is what a killed run did not finish writing: it says nothing.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<Lines<T>, LineFault> {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let mut items = Vec::new();
    for (index, line) in bytes[..whole].split_inclusive(|byte| *byte == b'\n').enumerate() {
        let fault = |error: serde_json::Error| LineFault { number: index + 1, cause: error.to_string() };
        items.push(serde_json::from_slice(line).map_err(fault)?);
    }
    Ok(Lines { items, whole: whole as u64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_survive_a_cut_at_every_byte() {
        let items = vec!["one".to_owned(), "two\nlines".to_owned(), String::new()];
        let bytes = encode(&items);
        for cut in 0..=bytes.len() {
            let read: Lines<String> = decode(&bytes[..cut]).expect("a cut is no fault");
            assert_eq!(read.items, items[..read.items.len()]);
            assert!(read.whole as usize <= cut && (cut < bytes.len() || read.items.len() == 3));
        }
    }

    #[test]
    fn damage_inside_is_a_fault_with_its_line() {
        let fault = decode::<String>(b"\"a\"\n7\n\"b\"\n").expect_err("no text");
        assert_eq!(fault.number, 2);
        assert!(decode::<String>(b"\n").is_err());
    }
}
