//! Reading many scenes at one go: what they share is looked at once.

use super::container::open;
use super::contents::{Content, Contents};
use super::dependencies::{Surroundings, dependencies, surroundings};
use super::error::{BlendError, Cause};
use super::lint::lints;
use super::reach::Graph;
use super::resolve::{Resolver, tidy};
use super::scene_file::SceneFile;
use crate::base::time::Timestamp;
use crate::sys::outside;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Reads scenes. What it looks at counts for all of them: libraries with what they need, folders with what is in them. So
/// it is for one survey, and the next one takes a new reader; only `contents` serve for both.
pub struct Reader<'a> {
    contents: &'a Contents,
    resolver: Resolver,
    libraries: Mutex<HashMap<PathBuf, Arc<Library>>>,
}

/// What is known of one library.
#[derive(Default)]
pub(super) struct Library {
    /// What it needs, or why it cannot be read.
    surroundings: OnceLock<Result<Surroundings, String>>,
    /// Which of its data-blocks use which; `None` if that cannot be told.
    graph: OnceLock<Option<Graph>>,
}

impl<'a> Reader<'a> {
    /// A reader that reads only files that `contents` does not have.
    pub fn new(contents: &'a Contents) -> Self {
        Reader { contents, resolver: Resolver::default(), libraries: Mutex::default() }
    }

    /// Reads the scene at `path` and looks up all that it needs.
    pub fn read(&self, path: &Path) -> Result<SceneFile, BlendError> {
        let place = outside::absolute(path).map_err(|error| Cause::Read(error).of(path))?;
        self.read_as(path, &tidy(place))
    }

    /// The same as if the file lay at `place`, an absolute path: there its relative paths begin.
    pub fn read_as(&self, path: &Path, place: &Path) -> Result<SceneFile, BlendError> {
        let read = || {
            let source = open(path)?;
            let (bytes, modified) = (source.attributes().size, source.attributes().mtime.whole_seconds());
            let content = self.contents.of(source)?;
            self.scene(&content, place, bytes, modified)
        };
        read().map_err(|cause: Cause| cause.of(path))
    }

    /// What the file with this content is when it lies at `path`.
    pub(super) fn scene(
        &self,
        content: &Content,
        path: &Path,
        bytes: u64,
        modified: Timestamp,
    ) -> Result<SceneFile, Cause> {
        let dependencies = dependencies(path, content, self)?;
        let lints = lints(path, content, &dependencies, &self.resolver);
        Ok(SceneFile {
            path: path.to_owned(),
            bytes,
            modified,
            blender_version: content.version,
            subversion: content.subversion,
            build_hash: content.build_hash.clone(),
            compression: content.compression,
            scenes: content.scenes.clone(),
            active_scene: content.active_scene,
            dependencies,
            lints,
        })
    }

    pub(super) fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// The library at `path`.
    pub(super) fn library(&self, path: &Path) -> Arc<Library> {
        let mut libraries = self.libraries.lock().unwrap_or_else(PoisonError::into_inner);
        libraries.entry(path.to_owned()).or_default().clone()
    }

    fn surroundings(&self, path: &Path) -> Result<Surroundings, Cause> {
        surroundings(path, self.contents.of(open(path)?)?.as_ref(), &self.resolver)
    }
}

impl Library {
    /// What the library, which lies at `path`, needs; or why it cannot be read.
    pub(super) fn surroundings(&self, path: &Path, reader: &Reader<'_>) -> Result<&Surroundings, String> {
        let read = || reader.surroundings(path).map_err(|cause| format!("it cannot be read: {cause}"));
        self.surroundings.get_or_init(read).as_ref().map_err(String::clone)
    }

    /// Which of its data-blocks use which.
    pub(super) fn graph(&self, path: &Path) -> Option<&Graph> {
        self.graph.get_or_init(|| open(path).and_then(Graph::of).ok()).as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn shot(folder: &Path) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenes/deps/nested");
        for file in
            ["shot.blend", "lib/bolt.blend", "lib/maps/grain.png", "lib/deep/nut.blend", "lib/deep/maps/grain.png"]
        {
            let target = folder.join(file);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(from.join(file), target).unwrap();
        }
        fs::copy(folder.join("shot.blend"), folder.join("other.blend")).unwrap();
    }

    #[test]
    fn scenes_that_share_libraries_read_as_each_alone() {
        let room = tempfile::tempdir().unwrap();
        shot(room.path());
        fs::rename(room.path().join("lib/maps/grain.png"), room.path().join("lib/away.png")).unwrap();
        let contents = Contents::default();
        let reader = Reader::new(&contents);
        for name in ["shot.blend", "other.blend", "lib/bolt.blend", "shot.blend"] {
            let path = room.path().join(name);
            assert_eq!(reader.read(&path).unwrap(), super::super::read(&path).unwrap(), "{name}");
        }
    }

    #[test]
    fn a_second_reader_sees_what_moved_though_no_scene_changed() {
        let room = tempfile::tempdir().unwrap();
        shot(room.path());
        let contents = Contents::default();
        let missing = || {
            let scene = Reader::new(&contents).read(&room.path().join("shot.blend")).unwrap();
            scene.dependencies.iter().filter(|need| need.state.reason().is_some()).count()
        };
        assert_eq!(missing(), 0);
        fs::rename(room.path().join("lib/maps"), room.path().join("lib/away")).unwrap();
        assert_eq!(missing(), 1);
        fs::rename(room.path().join("lib/away"), room.path().join("lib/maps")).unwrap();
        fs::copy(room.path().join("lib/deep/nut.blend"), room.path().join("lib/bolt.blend")).unwrap();
        let scene = Reader::new(&contents).read(&room.path().join("shot.blend")).unwrap();
        assert_eq!(scene.dependencies.len(), 2, "another library lies there, which links none: {scene:?}");
    }
}
