//! `farm inspect`: what scene files say, read without Blender.

use crate::base::error::Failure;
use crate::blend::{self, SceneFile};
use std::path::{Path, PathBuf};

/// What was found out about one file.
#[derive(Debug)]
pub struct Inspected {
    /// The file, as it was named.
    pub path: PathBuf,
    /// What it says, or why it cannot be read.
    pub outcome: Result<SceneFile, Failure>,
}

/// Reads each file; one that cannot be read does not keep the others from being shown.
pub fn inspect(paths: &[PathBuf]) -> Vec<Inspected> {
    let read = |path: &Path| blend::read(path).map_err(Failure::from);
    paths.iter().map(|path| Inspected { path: path.clone(), outcome: read(path) }).collect()
}
