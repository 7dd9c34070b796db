//! What a job must have against what lies there.

use super::expected::Expected;
use crate::base::rel_path::RelPath;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What a name in a listing belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link; farm follows none.
    Link,
    /// A named pipe: reading it would wait for ever.
    Pipe,
    /// A socket or device.
    Special,
    /// The file system did not say.
    Unknown,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::File => "a regular file",
            Kind::Folder => "a folder",
            Kind::Link => "a symbolic link",
            Kind::Pipe => "a named pipe",
            Kind::Special => "a socket or device",
            Kind::Unknown => "something that the file system does not name",
        })
    }
}

/// One entry of a listing of `out/<job>/`, folders within it included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its path beneath the job's folder.
    pub path: RelPath,
    /// What it is.
    pub kind: Kind,
    /// Its size in bytes.
    pub size: u64,
}

/// What became of one expected file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "presence", rename_all = "snake_case")]
pub enum Presence {
    /// A regular file lies there.
    Present {
        /// Its size in bytes.
        size: u64,
    },
    /// Nothing lies there.
    Missing,
    /// Something else bears its name.
    WrongKind {
        /// What it is.
        found: Kind,
    },
}

/// A comparison of expected files and a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inventory {
    /// Each expected file with what became of it, in the order given.
    pub expected: Vec<(Expected, Presence)>,
    /// What else lies there: named in reports, never touched. Folders on the way to expected files are none of these.
    pub extras: Vec<Listed>,
}

impl Inventory {
    /// Compares `expected` with `listing`. Pure: the listing is taken at its word.
    pub fn take(expected: Vec<Expected>, listing: &[Listed]) -> Self {
        let by_path: BTreeMap<&str, &Listed> = listing.iter().map(|entry| (entry.path.as_str(), entry)).collect();
        let presence = |file: &Expected| match by_path.get(file.path.as_str()) {
            Some(Listed { kind: Kind::File, size, .. }) => Presence::Present { size: *size },
            Some(entry) => Presence::WrongKind { found: entry.kind },
            None => Presence::Missing,
        };
        let expected: Vec<(Expected, Presence)> =
            expected.into_iter().map(|file| (presence(&file), file)).map(|(p, f)| (f, p)).collect();
        let known: BTreeSet<&str> = expected.iter().flat_map(|(file, _)| with_folders(file.path.as_str())).collect();
        let is_extra = |entry: &&Listed| !known.contains(entry.path.as_str());
        let extras = listing.iter().filter(is_extra).cloned().collect();
        Inventory { expected, extras }
    }

    /// The expected files of which nothing, or something else than a file, lies there.
    pub fn absent(&self) -> impl Iterator<Item = (&Expected, Presence)> {
        self.expected.iter().filter(|(_, p)| !matches!(p, Presence::Present { .. })).map(|(file, p)| (file, *p))
    }
}

/// The path itself and every folder on the way to it.
fn with_folders(path: &str) -> impl Iterator<Item = &str> {
    let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
    folders.chain(std::iter::once(path))
}

#[cfg(test)]
mod tests {
    use super::super::expected::Role;
    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::new(text).expect("a relative path")
    }

    fn frame(number: i32, text: &str) -> Expected {
        Expected { frame: number, path: path(text), role: Role::Frame }
    }

    fn listed(text: &str, kind: Kind, size: u64) -> Listed {
        Listed { path: path(text), kind, size }
    }

    #[test]
    fn each_expected_file_is_present_missing_or_something_else() {
        let expected = vec![
            frame(1, "000001.png"),
            frame(2, "000002.png"),
            frame(3, "000003.png"),
            frame(4, "n/i0004.png"),
            frame(5, "5"),
        ];
        let listing = [
            listed("000001.png", Kind::File, 70),
            listed("000002.png", Kind::Folder, 4096),
            listed("n", Kind::Folder, 4096),
            listed("n/i0004.png", Kind::Pipe, 0),
            listed("n/i0005.png", Kind::File, 9),
            listed("000001.png.part", Kind::File, 0),
            listed("m", Kind::Folder, 0),
        ];
        let inventory = Inventory::take(expected, &listing);
        let found: Vec<Presence> = inventory.expected.iter().map(|(_, p)| *p).collect();
        assert_eq!(
            found,
            [
                Presence::Present { size: 70 },
                Presence::WrongKind { found: Kind::Folder },
                Presence::Missing,
                Presence::WrongKind { found: Kind::Pipe },
                Presence::Missing
            ]
        );
        let extras: Vec<&str> = inventory.extras.iter().map(|e| e.path.as_str()).collect();
        assert_eq!(extras, ["n/i0005.png", "000001.png.part", "m"]);
        assert_eq!(inventory.absent().count(), 4);
    }
}
