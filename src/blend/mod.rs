//! Scenes, read without Blender: what they say, what they need from disk, and copies with other paths in them.
//!
//! A .blend file explains itself: its DNA names every struct and field, so one reader serves 2.80 to 5.x. Nothing here
//! trusts a byte of it.

mod blocks;
mod caches;
mod container;
mod contents;
mod dependencies;
mod dependency;
mod dna;
mod error;
mod file_output;
mod format;
mod heap;
mod lint;
mod needs;
mod output_name;
mod patch;
mod properties;
mod reach;
mod reader;
mod record;
mod resolve;
mod rewrite;
pub mod rib;
mod scene;
mod scene_file;
mod site;
mod stored_path;
mod version;
mod wanted;
mod zstd;

pub use caches::folder_name as cache_folder_name;
pub use container::Compression;
pub use contents::Contents;
pub use dependency::{Dependency, Extent, Holds, Kind, State};
pub use error::{BlendError, Cause};
pub use file_output::{FileOutput, Naming, Slot};
pub use format::{ImageFormat, Medium};
pub use lint::Lint;
pub use output_name::{Extension, NameRule};
pub use reader::Reader;
pub use rewrite::{Edit, Rewritten, is_rewritten, rewrite};
pub use scene::{Border, Scene, Switch, View, ViewLayer};
pub use scene_file::{SceneFile, read, read_from};
pub use site::Site;
pub use stored_path::StoredPath;
pub use version::BlenderVersion;
