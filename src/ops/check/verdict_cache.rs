//! Verdicts that were reached before, kept by inode, size and time: `.farm/verdicts/<release>/<job>.json`.
//!
//! A cache and nothing more: what cannot be read is as good as empty, what cannot be written is left, and each writer
//! replaces the whole file, so that two at once cost one of them its news.

use crate::base::name::JobRef;
use crate::base::rel_path::RelPath;
use crate::frames::verdict::Verdict;
use crate::ops::check::task_logs::JobNotes;
use crate::sys::disk::Attributes;
use crate::volume::{Volume, layout};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// The schema that this farm reads and writes; another one is ignored.
const SCHEMA: &str = "farm.verdicts/2";
/// The largest cache that is read, in bytes.
const MAX_SIZE: u64 = 256 << 20;

/// What is known of one job's files and logs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerdictCache {
    schema: String,
    /// The distinct verdicts: those of whole frames are all alike.
    verdicts: Vec<Verdict>,
    files: BTreeMap<RelPath, Mark>,
    /// What the logs of ended tasks say.
    pub notes: JobNotes,
}

/// A file's identity when it was checked, and the place of its verdict: inode, size, mtime in nanoseconds, place.
type Mark = (u64, u64, i128, usize);

impl Default for VerdictCache {
    fn default() -> Self {
        VerdictCache {
            schema: SCHEMA.to_owned(),
            verdicts: Vec::new(),
            files: BTreeMap::new(),
            notes: JobNotes::default(),
        }
    }
}

impl VerdictCache {
    /// What was kept for the job; nothing where nothing can be read.
    pub fn load(volume: &Volume, job: &JobRef) -> Self {
        let read = |path: &RelPath| volume.open_read(path).ok()??.read_all(MAX_SIZE).ok();
        let bytes = path(job).and_then(|path| read(&path)).unwrap_or_default();
        serde_json::from_slice::<VerdictCache>(&bytes).ok().filter(VerdictCache::is_sound).unwrap_or_default()
    }

    fn is_sound(&self) -> bool {
        self.schema == SCHEMA && self.files.values().all(|mark| mark.3 < self.verdicts.len())
    }

    /// Keeps it for the next time, if the volume lets us.
    pub fn save(&self, volume: &Volume, job: &JobRef) {
        let written = path(job).and_then(|path| {
            let (folder, name) = path.split()?;
            let bytes = serde_json::to_vec(self).ok()?;
            volume.make_dir(&folder).ok()?.write(name, &bytes).ok()
        });
        // On a read-only volume the next look takes as long as this one did.
        let _ = written;
    }

    /// The verdict on the file at `path` below the job's folder, if it is the one that was checked.
    pub fn verdict(&self, path: &RelPath, now: &Attributes) -> Option<&Verdict> {
        let (ino, size, mtime, verdict) = *self.files.get(path)?;
        ((ino, size, mtime) == identity(now)).then(|| &self.verdicts[verdict])
    }

    /// The same with other notes.
    #[must_use]
    pub fn with_notes(self, notes: JobNotes) -> Self {
        VerdictCache { notes, ..self }
    }

    /// A cache of these verdicts alone: files that are gone are forgotten.
    pub fn of<'a>(checked: impl Iterator<Item = (&'a RelPath, &'a Attributes, &'a Verdict)>, notes: JobNotes) -> Self {
        let mut cache = VerdictCache { notes, ..VerdictCache::default() };
        let mut places: HashMap<String, usize> = HashMap::new();
        for (path, attributes, verdict) in checked {
            let place = *places.entry(format!("{verdict:?}")).or_insert_with(|| {
                cache.verdicts.push(verdict.clone());
                cache.verdicts.len() - 1
            });
            let (ino, size, mtime) = identity(attributes);
            cache.files.insert(path.clone(), (ino, size, mtime, place));
        }
        cache
    }
}

fn identity(attributes: &Attributes) -> (u64, u64, i128) {
    (attributes.ino, attributes.size, attributes.mtime.0.as_nanosecond())
}

/// Beneath farm's own folder; `None` never happens, for names are plain parts of a path.
fn path(job: &JobRef) -> Option<RelPath> {
    layout::verdicts_dir().join(&format!("{job}.json")).ok()
}
