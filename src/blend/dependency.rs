//! One thing that a scene needs from disk.

use super::error::Cause;
use super::rewrite::Edit;
use super::site::Site;
use super::stored_path::StoredPath;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// Something that a scene, or a library it links, needs from disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dependency {
    /// The file that needs it: the scene itself or a library.
    pub file: PathBuf,
    /// The data-block that names it, in that file.
    pub owner: String,
    /// What it is.
    pub kind: Kind,
    /// The path as that file stores it.
    pub stored: StoredPath,
    /// Whether it is one file, several or a folder.
    pub extent: Extent,
    /// Where the path leads, absolute. Of a sequence or UDIM set: the pattern's own name.
    pub path: PathBuf,
    /// What of it was found, and is to be copied: the file, all members of a set or strip, or the folder.
    pub files: Vec<PathBuf>,
    /// Whether it is there.
    pub state: State,
    /// The places in `file` where it is stored; empty where Blender finds it by the scene's name.
    #[serde(skip)]
    pub sites: Vec<Site>,
    /// What those places hold.
    #[serde(skip)]
    pub holds: Holds,
}

/// What a dependency is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Another scene file, linked.
    Library,
    /// An image.
    Image,
    /// Images with numbers.
    Sequence,
    /// The tiles of a UDIM image.
    Udim,
    /// A movie used as an image or by the sequencer.
    Movie,
    /// A clip for tracking, movie or images.
    MovieClip,
    /// A sound.
    Sound,
    /// A font.
    Font,
    /// An OpenVDB volume or a sequence of them.
    Volume,
    /// Geometry from elsewhere: Alembic, USD, mesh and ocean caches, baked geometry nodes.
    Cache,
    /// The folder of simulations baked to disk.
    PointCache,
    /// The folder of a fluid simulation.
    FluidCache,
    /// An OSL shader.
    Script,
    /// The light distribution of a lamp.
    Ies,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Library => "library",
            Kind::Image => "image",
            Kind::Sequence => "sequence",
            Kind::Udim => "udim",
            Kind::Movie => "movie",
            Kind::MovieClip => "movie_clip",
            Kind::Sound => "sound",
            Kind::Font => "font",
            Kind::Volume => "volume",
            Kind::Cache => "cache",
            Kind::PointCache => "point_cache",
            Kind::FluidCache => "fluid_cache",
            Kind::Script => "script",
            Kind::Ies => "ies",
        })
    }
}

/// How much of the disk a dependency is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// One file.
    File,
    /// Files that differ in a frame number.
    Sequence,
    /// Files that differ in a tile number.
    Udim,
    /// A folder with all that is in it.
    Folder,
}

/// Whether a dependency is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is on disk.
    Found,
    /// It is not, or cannot be used; with the reason.
    Missing(String),
    /// It is inside the scene; nothing is needed from disk.
    Packed,
}

/// What the stored path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holds {
    /// The file itself, or the pattern of a set.
    File,
    /// The folder that is needed, or that holds what is needed.
    Folder,
}

impl State {
    /// `found`, `missing` or `packed`.
    pub fn word(&self) -> &'static str {
        match self {
            State::Found => "found",
            State::Missing(_) => "missing",
            State::Packed => "packed",
        }
    }

    /// Why it is missing.
    pub fn reason(&self) -> Option<&str> {
        match self {
            State::Missing(reason) => Some(reason),
            _ => None,
        }
    }
}

impl Dependency {
    /// The edits after which its file looks for it in `folder`, written as scenes store it (`//deps/1f2e`, `/mnt/…`).
    ///
    /// A file or set keeps its name within that folder; where the path is that of a folder, `folder` replaces it.
    /// Fails with [`Cause::PathTooLong`] where the new path does not fit.
    pub fn edits(&self, folder: &str) -> Result<Vec<Edit>, Cause> {
        let path = match self.holds {
            Holds::File => self.stored.in_folder(folder),
            Holds::Folder => StoredPath::from(folder),
        };
        self.edits_to(&path)
    }

    /// The edits after which its file stores exactly `path`.
    pub fn edits_to(&self, path: &StoredPath) -> Result<Vec<Edit>, Cause> {
        self.sites.iter().map(|site| Edit::new(site.clone(), path.clone())).collect()
    }

    /// Whether something of it must be read from disk.
    pub fn is_needed(&self) -> bool {
        self.state != State::Packed
    }
}
