//! Which Blender wrote a scene.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A Blender release as its users say it: `3.4`. Later releases are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlenderVersion {
    /// The number before the point.
    pub major: u16,
    /// The number after it.
    pub minor: u16,
}

impl BlenderVersion {
    /// From the number in a scene's header: 304 is 3.4, 405 is 4.5, 500 is 5.0; before 3.0 the minor number had two
    /// digits (283 is 2.83).
    pub fn from_header(number: u16) -> Self {
        BlenderVersion { major: number / 100, minor: number % 100 }
    }
}

impl fmt::Display for BlenderVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A text that names no Blender release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a Blender version like 3.4")]
pub struct VersionError(String);

impl FromStr for BlenderVersion {
    type Err = VersionError;

    /// Reads `3.4`, `3.4.1` and `Blender 3.4.1`; what follows the minor number is ignored.
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let wrong = || VersionError(text.to_owned());
        let words = text.trim();
        let mut parts = words.strip_prefix("Blender ").unwrap_or(words).split('.');
        let major = parts.next().and_then(|part| part.parse().ok()).ok_or_else(wrong)?;
        let minor = parts.next().ok_or_else(wrong)?;
        let digits = minor.find(|c: char| !c.is_ascii_digit()).unwrap_or(minor.len());
        let minor = minor[..digits].parse().map_err(|_| wrong())?;
        Ok(BlenderVersion { major, minor })
    }
}

impl TryFrom<String> for BlenderVersion {
    type Error = VersionError;
    fn try_from(text: String) -> Result<Self, VersionError> {
        text.parse()
    }
}

impl From<BlenderVersion> for String {
    fn from(version: BlenderVersion) -> String {
        version.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_numbers_and_texts_agree() {
        for (number, text) in [(304, "3.4"), (405, "4.5"), (500, "5.0"), (283, "2.83"), (402, "4.2")] {
            assert_eq!(BlenderVersion::from_header(number).to_string(), text);
            assert_eq!(text.parse::<BlenderVersion>().unwrap(), BlenderVersion::from_header(number));
        }
        assert_eq!("Blender 3.4.1".parse::<BlenderVersion>().unwrap().to_string(), "3.4");
        assert!("4".parse::<BlenderVersion>().is_err() && "x.y".parse::<BlenderVersion>().is_err());
    }

    #[test]
    fn later_is_greater() {
        let versions = [283, 304, 402, 405, 500].map(BlenderVersion::from_header);
        assert!(versions.is_sorted());
    }
}
