//! `farm inspect`: what scene files say, read without Blender.

use crate::base::error::Failure;
use crate::blend::rib::{self, RibFile};
use crate::blend::{self, SceneFile};
use std::path::{Path, PathBuf};

/// What was found out about one file.
#[derive(Debug)]
pub struct Inspected {
    /// The file, as it was named.
    pub path: PathBuf,
    /// What it says, or why it cannot be read.
    pub outcome: Result<Said, Failure>,
}

/// What a scene file says.
#[derive(Debug)]
pub enum Said {
    /// A scene of Blender's.
    Blend(Box<SceneFile>),
    /// A scene of RenderMan's.
    Rib(RibFile),
}

/// Reads each file; one that cannot be read does not keep the others from being shown.
pub fn inspect(paths: &[PathBuf]) -> Vec<Inspected> {
    paths.iter().map(|path| Inspected { path: path.clone(), outcome: read(path) }).collect()
}

fn read(path: &Path) -> Result<Said, Failure> {
    Ok(match rib::is_rib(path) {
        true => Said::Rib(rib::read(path)?),
        false => Said::Blend(Box::new(blend::read(path)?)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_read_by_its_kind() {
        let temp = tempfile::tempdir().unwrap();
        let path = |name: &str| temp.path().join(name);
        std::fs::write(path("a.rib"), "FrameBegin 3\nFrameEnd\n").unwrap();
        std::fs::write(path("b.blend"), "no scene").unwrap();
        let found = inspect(&[path("a.rib"), path("b.blend"), path("c.rib")]);
        assert!(matches!(&found[0].outcome, Ok(Said::Rib(_))));
        assert!(found[1].outcome.as_ref().is_err_and(|failure| failure.message().contains("b.blend")));
        assert!(found[2].outcome.is_err());
    }
}
