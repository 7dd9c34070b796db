//! The areas of a volume: folder, configuration key and help use the same word.

use crate::base::rel_path::RelPath;
use std::fmt;

/// A part of the volume with one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Area {
    /// Independent renders.
    Quick,
    /// Releases: stores and rendered frames.
    Releases,
    /// Harvested frames. May be a mount of its own.
    Dist,
    /// Archived releases. May be a mount of its own.
    Archives,
}

impl Area {
    /// All of them, in the order of their lives.
    pub const ALL: [Area; 4] = [Area::Quick, Area::Releases, Area::Dist, Area::Archives];

    /// The folder's name, below the volume's root.
    pub fn name(self) -> &'static str {
        match self {
            Area::Quick => "quick",
            Area::Releases => "releases",
            Area::Dist => "dist",
            Area::Archives => "archives",
        }
    }

    /// The folder.
    pub fn folder(self) -> RelPath {
        RelPath::new(self.name()).expect("a plain name")
    }

    /// Whether another file system may be mounted there: then it is a root of its own, with its own trash.
    pub fn may_be_mounted(self) -> bool {
        matches!(self, Area::Dist | Area::Archives)
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
