//! Amounts of bytes, for people.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A number of bytes; prints as people read it (`1.5 GiB`), serialises as the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
        let mut amount = self.0 as f64;
        let mut unit = 0;
        while amount >= 1024.0 && unit + 1 < UNITS.len() {
            amount /= 1024.0;
            unit += 1;
        }
        let text = if unit == 0 { format!("{} B", self.0) } else { format!("{amount:.1} {}", UNITS[unit]) };
        f.pad(&text)
    }
}

/// Two amounts in words that differ where the amounts do: to the byte, where the usual words are the same.
pub fn told_apart(one: Bytes, other: Bytes) -> (String, String) {
    let words = (one.to_string(), other.to_string());
    if one != other && words.0 == words.1 { (format!("{} B", one.0), format!("{} B", other.0)) } else { words }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, told_apart};

    #[test]
    fn sizes_read_well() {
        for (bytes, text) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_610_612_736, "1.5 GiB"), (u64::MAX, "16384.0 PiB")]
        {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
    }

    #[test]
    fn amounts_that_differ_are_told_apart() {
        let words = |one, other| told_apart(Bytes(one), Bytes(other));
        assert_eq!(words(7_340_033, 7_340_032), ("7340033 B".to_owned(), "7340032 B".to_owned()));
        assert_eq!(words(2048, 1024), ("2.0 KiB".to_owned(), "1.0 KiB".to_owned()));
        assert_eq!(words(2048, 2048), ("2.0 KiB".to_owned(), "2.0 KiB".to_owned()));
    }
}
