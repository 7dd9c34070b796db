//! A path beneath a root: never absolute, never upward. What `sys::disk` opens is named by these alone.

use super::error::{Class, Explain};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// A `/`-separated relative UTF-8 path without empty, `.` or `..` parts. The empty path is the root itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct RelPath(String);

/// The text is no path beneath a root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a relative path without '.' and '..'")]
pub struct RelPathError(String);

impl Explain for RelPathError {
    fn class(&self) -> Class {
        Class::Usage
    }
}

impl RelPath {
    /// The root itself.
    pub const ROOT: RelPath = RelPath(String::new());

    /// Checks `text`.
    pub fn new(text: &str) -> Result<Self, RelPathError> {
        let fine = text.is_empty() || text.split('/').all(is_plain_part);
        if fine { Ok(RelPath(text.to_owned())) } else { Err(RelPathError(text.chars().take(200).collect())) }
    }

    /// This path with `parts` (one or more, `/`-separated) behind it.
    pub fn join(&self, parts: &str) -> Result<Self, RelPathError> {
        let below = RelPath::new(parts)?;
        Ok(match (self.0.is_empty(), below.0.is_empty()) {
            (true, _) => below,
            (_, true) => self.clone(),
            _ => RelPath(format!("{}/{}", self.0, below.0)),
        })
    }

    /// The path of the folder and the last part; `None` for the root.
    pub fn split(&self) -> Option<(RelPath, &str)> {
        match self.0.rsplit_once('/') {
            Some((folder, name)) => Some((RelPath(folder.to_owned()), name)),
            None if self.0.is_empty() => None,
            None => Some((RelPath::ROOT, &self.0)),
        }
    }

    /// The last part; `None` for the root.
    pub fn name(&self) -> Option<&str> {
        self.split().map(|_| self.0.rsplit('/').next().unwrap_or_default())
    }

    /// The parts from the root downward.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }

    /// Whether this is `folder` or lies beneath it.
    pub fn is_within(&self, folder: &RelPath) -> bool {
        folder.0.is_empty() || self.0 == folder.0 || self.0.strip_prefix(&folder.0).is_some_and(|r| r.starts_with('/'))
    }

    /// The path as text; empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_plain_part(part: &str) -> bool {
    !part.is_empty() && part != "." && part != ".." && !part.contains('\0')
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "." } else { &self.0 })
    }
}
impl TryFrom<String> for RelPath {
    type Error = RelPathError;
    fn try_from(text: String) -> Result<Self, RelPathError> {
        RelPath::new(&text)
    }
}
// A copy for each of many thousands of rows would cost as much as writing it.
impl Serialize for RelPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_beneath_are_paths() {
        for bad in ["/a", "a//b", "a/", "../a", "a/../b", "./a", "a\0b"] {
            assert!(RelPath::new(bad).is_err(), "{bad:?}");
        }
        let path = RelPath::new("a/b/c").expect("valid");
        assert_eq!(path.split().map(|(f, n)| (f.to_string(), n.to_owned())), Some(("a/b".into(), "c".into())));
        assert_eq!(path.name(), Some("c"));
        assert_eq!(RelPath::ROOT.split(), None);
        assert!(path.is_within(&RelPath::new("a/b").expect("valid")));
        assert!(!path.is_within(&RelPath::new("a/bc").expect("valid")));
        assert_eq!(RelPath::ROOT.join("x/y").expect("valid").as_str(), "x/y");
    }
}
