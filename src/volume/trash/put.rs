//! Putting things into the trash.

use super::error::TrashError;
use super::record::{self, Header, Item, RECORD, SCHEMA, ancestors};
use crate::base::ids::TransactionId;
use crate::base::rel_path::RelPath;
use crate::base::time::Timestamp;
use crate::sys::disk::{Attributes, Dir, DiskError, RecordFile, rename_new};
use crate::volume::area::Area;
use crate::volume::lock::Lock;
use crate::volume::open::Volume;
use crate::volume::{jsonl, layout};
use std::collections::{HashMap, HashSet};

/// The folder that mirrors the volume.
const TREE: &str = "tree";
/// So many folders are kept open between moves.
const OPEN_FOLDERS: usize = 200;

/// Something that is to go, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discard {
    /// Where it is, below the volume's root.
    pub path: RelPath,
    /// Why it goes: shown to whoever finds it in the trash.
    pub reason: String,
}

/// What became of what was to go.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PutReport {
    /// What is in the trash now.
    pub items: Vec<Item>,
    /// What was not there.
    pub missing: Vec<RelPath>,
}

/// The trash of one transaction, being filled. [`Trash::finish`] makes it survive a power cut.
#[derive(Debug)]
pub struct Trash<'a> {
    volume: &'a Volume,
    lock: &'a Lock,
    header: Header,
    /// One per root that something came from.
    bins: Vec<Bin>,
}

/// The transaction's folder below one root.
#[derive(Debug)]
struct Bin {
    root: Dir,
    /// What the paths of this root begin with: nothing, or the mounted area.
    prefix: RelPath,
    folder: Dir,
    record: RecordFile,
    places: Places,
    /// Open folders that names were taken from or given in, since the last sync. By path below the root.
    touched: HashMap<RelPath, Dir>,
}

impl<'a> Trash<'a> {
    /// The trash of transaction `id`, which may hold something already. `now` is the decision clock; `hold_days` counts
    /// from the transaction's first thing.
    pub fn begin(volume: &'a Volume, lock: &'a Lock, id: TransactionId, now: Timestamp, hold_days: u32) -> Trash<'a> {
        let header = Header { schema: SCHEMA.to_owned(), id, at: now, hold_days };
        Trash { volume, lock, header, bins: Vec::new() }
    }

    /// Moves things into the trash, each with all that is in it. The record of all of them is on disk before the first
    /// one moves. At an error the earlier ones are in the trash, and recorded.
    pub fn put(&mut self, discards: &[Discard]) -> Result<PutReport, TrashError> {
        self.lock.check()?;
        discards.iter().try_for_each(|discard| refuse_own(&discard.path))?;
        let mut report = PutReport::default();
        let mut by_bin: Vec<Vec<Item>> = Vec::new();
        let mut seen = HashSet::new();
        for discard in discards.iter().filter(|discard| seen.insert(&discard.path)) {
            let bin = self.bin_for(&discard.path)?;
            by_bin.resize_with(self.bins.len(), Vec::new);
            match self.bins[bin].find(&discard.path)? {
                Some(found) => by_bin[bin].push(self.item(discard, &found, bin)),
                None => report.missing.push(discard.path.clone()),
            }
        }
        for (bin, items) in self.bins.iter_mut().zip(by_bin) {
            bin.take(&items)?;
            report.items.extend(items);
        }
        Ok(report)
    }

    /// Makes all moves survive a power cut. Before the journal says that they are done.
    pub fn finish(mut self) -> Result<TransactionId, TrashError> {
        self.bins.iter_mut().try_for_each(Bin::sync)?;
        Ok(self.header.id)
    }

    fn item(&mut self, discard: &Discard, found: &Attributes, bin: usize) -> Item {
        Item {
            path: discard.path.clone(),
            kept: self.bins[bin].places.give(&discard.path),
            kind: found.kind,
            ino: found.ino,
            size: found.size,
            mode: found.mode,
            mtime: found.mtime,
            at: self.header.at,
            reason: discard.reason.clone(),
        }
    }

    /// The bin of the root that holds `path`, opened at its first use.
    fn bin_for(&mut self, path: &RelPath) -> Result<usize, TrashError> {
        let (root, prefix, trash) = self.volume.trash_root_of(path);
        if let Some(found) = self.bins.iter().position(|bin| bin.prefix == prefix) {
            return Ok(found);
        }
        let at = trash.join(&self.header.id.to_string()).expect("an id is a plain name");
        let folder = root.make_dir(&at)?;
        let (record, places) = open_record(&folder, &self.header)?;
        self.bins.push(Bin { root: root.clone(), prefix, folder, record, places, touched: HashMap::new() });
        Ok(self.bins.len() - 1)
    }
}

/// The volume's frame: what every command relies on finding.
fn refuse_own(path: &RelPath) -> Result<(), TrashError> {
    let is_area = Area::ALL.into_iter().any(|area| area.folder() == *path);
    if path.as_str().is_empty() || is_area || path.is_within(&layout::own_dir()) {
        return Err(TrashError::Own { path: path.clone() });
    }
    Ok(())
}

/// The record, and the places that it tells to be taken. A line whose thing never came, for the run was killed, takes
/// no place.
fn open_record(folder: &Dir, header: &Header) -> Result<(RecordFile, Places), TrashError> {
    let mut places = Places::default();
    let whole = match record::read(folder)? {
        Some(record) => {
            for item in record.items {
                if folder.stat_at(&item.kept)?.is_some() {
                    places.note(item.kept);
                }
            }
            record.whole
        }
        None => {
            let bytes = jsonl::encode(std::slice::from_ref(header));
            folder.create(RECORD, &bytes)?;
            bytes.len() as u64
        }
    };
    let gone = || TrashError::Damaged { path: folder.path_of(RECORD), cause: "it is gone".to_owned() };
    Ok((folder.open_record(RECORD, whole)?.ok_or_else(gone)?, places))
}

/// Which places of a transaction are taken.
#[derive(Debug, Default)]
struct Places {
    taken: HashSet<RelPath>,
    /// The folders above them.
    above: HashSet<RelPath>,
}

impl Places {
    /// A free place for `path`: `tree/<path>`, or `tree-2/<path>`… if the transaction has had one there before.
    fn give(&mut self, path: &RelPath) -> RelPath {
        let mut number = 1;
        loop {
            let tree = if number == 1 { TREE.to_owned() } else { format!("{TREE}-{number}") };
            let place = RelPath::new(&tree).and_then(|tree| tree.join(path.as_str())).expect("both are checked");
            if !self.meets(&place) {
                self.note(place.clone());
                return place;
            }
            number += 1;
        }
    }

    /// Whether `place` is taken, lies in something that was put here whole, or has something in it.
    fn meets(&self, place: &RelPath) -> bool {
        self.above.contains(place) || self.taken.contains(place) || ancestors(place).any(|a| self.taken.contains(&a))
    }

    fn note(&mut self, place: RelPath) {
        self.above.extend(ancestors(&place));
        self.taken.insert(place);
    }
}

impl Bin {
    /// What is at `path`, which lies below this bin's root; `None` if nothing is.
    fn find(&mut self, path: &RelPath) -> Result<Option<Attributes>, TrashError> {
        self.make_room()?;
        match self.source(path)? {
            Some((folder, name)) => Ok(folder.stat(name)?),
            None => Ok(None),
        }
    }

    fn take(&mut self, items: &[Item]) -> Result<(), TrashError> {
        if items.is_empty() {
            return Ok(());
        }
        self.record.append(&jsonl::encode(items))?;
        for item in items {
            self.make_room()?;
            let (to, new_name) = self.place(&item.kept)?;
            let source = self.source(&item.path)?;
            let lost = || TrashError::Lost { path: self.root.path_of(item.path.as_str()) };
            let (from, name) = source.ok_or_else(lost)?;
            rename_new(&from, name, &to, new_name)?;
        }
        Ok(())
    }

    /// The folder that holds `path`, if there is one, and the name there.
    fn source<'p>(&mut self, path: &'p RelPath) -> Result<Option<(Dir, &'p str)>, TrashError> {
        let below = path.as_str()[self.prefix.as_str().len()..].trim_start_matches('/');
        let below = RelPath::new(below).expect("the end of a checked path");
        let folder = below.split().map(|(folder, _)| folder).unwrap_or_default();
        let root = self.root.clone();
        let dir = self.touch(&folder, || root.dir(&folder))?;
        Ok(dir.map(|dir| (dir, path.name().unwrap_or_default())))
    }

    fn place<'p>(&mut self, kept: &'p RelPath) -> Result<(Dir, &'p str), TrashError> {
        let (folder, name) = kept.split().expect("a place lies in a tree");
        let key = self.folder.rel().join(folder.as_str()).expect("both are checked");
        let bin = self.folder.clone();
        let dir = self.touch(&key, || bin.make_dir(&folder).map(Some))?;
        Ok((dir.expect("it was made"), name))
    }

    /// The open folder `key`, opened and remembered at its first use.
    fn touch(
        &mut self,
        key: &RelPath,
        open: impl FnOnce() -> Result<Option<Dir>, DiskError>,
    ) -> Result<Option<Dir>, TrashError> {
        if let Some(dir) = self.touched.get(key) {
            return Ok(Some(dir.clone()));
        }
        let dir = open()?;
        self.touched.extend(dir.clone().map(|dir| (key.clone(), dir)));
        Ok(dir)
    }

    /// Makes room for the two folders of a move. Between the two nothing may be forgotten: it would not be synced.
    fn make_room(&mut self) -> Result<(), TrashError> {
        if self.touched.len() + 2 > OPEN_FOLDERS { self.sync() } else { Ok(()) }
    }

    fn sync(&mut self) -> Result<(), TrashError> {
        self.touched.values().try_for_each(Dir::sync)?;
        self.touched.clear();
        Ok(())
    }
}
