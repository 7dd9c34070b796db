//! What scene files say by themselves, whatever lies around them: kept for as long as a file stays as it is.
//!
//! A library that three hundred scenes link is parsed once, and a plan that is applied parses nothing again. What a file's
//! paths lead to is no part of it: that is looked up anew each time.

use super::caches::{Simulation, needs as cache_needs, simulations};
use super::container::Compression;
use super::error::Cause;
use super::heap::Heap;
use super::needs::{Need, needs};
use super::scene::{Scene, scenes};
use super::stored_path::StoredPath;
use super::version::BlenderVersion;
use crate::sys::disk::{Attributes, OpenFile};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::{Read, Seek};
use std::sync::{Arc, Mutex, PoisonError};

/// What one file says.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) version: BlenderVersion,
    pub(super) subversion: Option<i64>,
    pub(super) build_hash: Option<String>,
    pub(super) compression: Compression,
    pub(super) scenes: Vec<Scene>,
    pub(super) active_scene: Option<usize>,
    /// The paths that it stores.
    pub(super) needs: Vec<Need>,
    /// What it links: the library's stored path and the data-block's name, each once.
    pub(super) links: Vec<(StoredPath, Arc<str>)>,
    pub(super) simulations: Vec<Simulation>,
}

impl Content {
    /// Reads all of it.
    pub(super) fn read(source: impl Read + Seek) -> Result<Content, Cause> {
        let heap = Heap::read(source)?;
        let (scenes, active_scene) = scenes(&heap);
        let global = heap.all("FileGlobal").next().map(|global| global.record);
        let all = needs(&heap).chain(cache_needs(&heap));
        Ok(Content {
            version: heap.version,
            subversion: global.and_then(|global| global.int("subversion")),
            build_hash: global.and_then(|global| global.words("build_hash")).filter(|hash| !hash.is_empty()),
            compression: heap.compression,
            scenes,
            active_scene,
            needs: all.filter(|need| !need.stored.is_empty()).collect(),
            links: links(&heap),
            simulations: simulations(&heap),
        })
    }
}

fn links(heap: &Heap) -> Vec<(StoredPath, Arc<str>)> {
    let links = heap.all("ID").filter_map(|link| {
        let library = link.follow("lib")?;
        let stored = library.record.text("name").or_else(|| library.record.text("filepath"))?;
        Some((StoredPath::new(stored), link.entry.owner.clone()))
    });
    links.collect::<HashSet<_>>().into_iter().collect()
}

/// What many files say, by the file. Threads may share it: who needs a file that another is reading waits for it.
#[derive(Default)]
pub struct Contents(Mutex<HashMap<(u64, u64), Arc<Slot>>>);

type Slot = Mutex<Option<Kept>>;

struct Kept {
    /// What the file looked like before and after it was read.
    attributes: Attributes,
    content: Arc<Content>,
}

impl Contents {
    /// What `file` says. It is read unless that is known.
    pub(super) fn of(&self, mut file: OpenFile) -> Result<Arc<Content>, Cause> {
        let attributes = *file.attributes();
        let slot = self.slot(&attributes);
        let mut kept = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = kept.as_ref().filter(|kept| attributes.is_unchanged_since(&kept.attributes)) {
            return Ok(kept.content.clone());
        }
        let content = Arc::new(Content::read(&mut file)?);
        // Of a file that is being written to nothing is kept: who relies upon it finds that out.
        *kept = file.check_unchanged().is_ok().then(|| Kept { attributes, content: content.clone() });
        Ok(content)
    }

    /// Whether a file that now looks like this was read and has not changed since.
    pub fn are_of(&self, attributes: &Attributes) -> bool {
        let slot = self.slot(attributes);
        let kept = slot.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().is_some_and(|kept| attributes.is_unchanged_since(&kept.attributes))
    }

    fn slot(&self, attributes: &Attributes) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.entry(attributes.identity()).or_default().clone()
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blend::container::open;
    use std::fs;
    use std::path::Path;

    #[test]
    fn a_file_is_read_once_while_it_stays_as_it_is() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenes");
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("a.blend");
        fs::copy(fixtures.join("cube3.blend"), &path).unwrap();
        let contents = Contents::default();
        let first = contents.of(open(&path).unwrap()).unwrap();
        let link = room.path().join("b.blend");
        std::os::unix::fs::symlink("a.blend", &link).unwrap();
        assert!(Arc::ptr_eq(&first, &contents.of(open(&link).unwrap()).unwrap()), "one file, whatever it is called");
        assert!(contents.are_of(open(&path).unwrap().attributes()));
        fs::copy(fixtures.join("two_scenes.blend"), &path).unwrap();
        let now = open(&path).unwrap();
        assert!(!contents.are_of(now.attributes()), "what was read is not what is there");
        assert_eq!((first.scenes.len(), contents.of(now).unwrap().scenes.len()), (1, 2));
    }
}
