//! Moving files into `dist/`, so that a death at any point leaves each of them whole in one place at least.
//!
//! What was surveyed under the same lock is moved by one call each. What a killed harvest left is looked at first: every
//! step asks what is there and does only what is missing, so that twice is once.

use super::manifest::ManifestFile;
use super::plan::{FileVerdict, JobShare, PlannedFile, Replaced, Transaction};
use super::request::Keeping;
use crate::base::counted::{agree, counted};
use crate::base::digest::Digest;
use crate::base::error::{Class, Failure, again_or_recover};
use crate::base::ids::TransactionId;
use crate::base::rel_path::RelPath;
use crate::ops::check::in_parallel::in_parallel;
use crate::ops::ports::{Ports, Stage};
use crate::sys::clock;
use crate::sys::disk::{self, Dir, DiskError, Moved, OpenFile};
use crate::volume::lock::Lock;
use crate::volume::trash::{Discard, HOLD_DAYS, Trash};
use crate::volume::{Volume, layout};
use serde::Serialize;
use std::collections::HashMap;

/// So many files are moved between two looks at the lock: a process that stood still must not go on for long.
const BATCH: usize = 500;
/// So many folders are kept open between moves.
const OPEN_FOLDERS: usize = 200;

/// What is known of the files that are to be moved.
#[derive(Clone, Copy)]
pub(super) enum Knowledge<'a> {
    /// They were surveyed under this very lock, by whoever has these hands.
    Surveyed(&'a Ports<'a>),
    /// A killed run surveyed them; anything may have happened since.
    LeftBehind,
}

impl Knowledge<'_> {
    /// Fails once somebody asked to end. What is recovered is recovered to its end.
    fn go_on(self) -> Result<(), Failure> {
        match self {
            Knowledge::Surveyed(ports) => ports.go_on(),
            Knowledge::LeftBehind => Ok(()),
        }
    }
}

/// What became of a transaction.
#[derive(Debug, Default)]
pub(super) struct Carried {
    /// Files that lie in `dist/` now, as the manifest will have them.
    pub(super) placed: Vec<ManifestFile>,
    /// What went to the trash, beneath the volume.
    pub(super) trashed: Vec<RelPath>,
    /// What is not where it was to go.
    pub(super) left: Vec<Left>,
}

/// A file that was not moved, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The file, beneath the volume.
    pub path: RelPath,
    /// Why, as a clause that begins with "it".
    pub cause: String,
}

/// Carries transactions out.
pub(super) struct Carrier<'a> {
    pub(super) volume: &'a Volume,
    pub(super) lock: &'a Lock,
    pub(super) id: TransactionId,
    pub(super) knowledge: Knowledge<'a>,
}

/// What one file's move came to.
enum Outcome {
    Placed,
    /// It is in `dist/` too, as another file: the one in `out/` goes to the trash.
    Duplicate,
    Left(&'static str),
}

impl Carrier<'_> {
    /// Does what is not done yet of `transaction`. All of it is on disk when this returns.
    pub(super) fn carry(&self, transaction: &Transaction) -> Result<Carried, Failure> {
        let base = layout::dist_dir(&transaction.release);
        let dist = self.volume.make_dir(&base)?;
        let mut carried = Carried { trashed: self.clear_the_way(transaction, &base, &dist)?, ..Carried::default() };
        let mut folders = Folders { base: base.clone(), dist, targets: HashMap::new(), sources: HashMap::new() };
        for share in &transaction.jobs {
            self.carry_share(share, transaction.keeping, &mut folders, &mut carried)
                .map_err(|end| how_far(end, &carried, transaction))?;
        }
        folders.sync()?;
        Ok(carried)
    }

    /// What is out of date goes to the trash, unless the new file has its name already.
    fn clear_the_way(&self, transaction: &Transaction, base: &RelPath, dist: &Dir) -> Result<Vec<RelPath>, Failure> {
        let files = transaction.jobs.iter().flat_map(|share| &share.files);
        let coming: HashMap<&RelPath, Digest> = files.map(|file| (&file.to, file.sha256)).collect();
        let mut discards = Vec::new();
        for old in &transaction.replaced {
            if is_still_old(old, coming.get(&old.path), dist)? {
                discards.push(Discard { path: base.join(old.path.as_str())?, reason: old.reason.clone() });
            }
        }
        self.discard(&discards)
    }

    fn discard(&self, discards: &[Discard]) -> Result<Vec<RelPath>, Failure> {
        if discards.is_empty() {
            return Ok(Vec::new());
        }
        let mut trash = Trash::begin(self.volume, self.lock, self.id, clock::now(), HOLD_DAYS);
        let report = trash.put(discards)?;
        trash.finish()?;
        Ok(report.items.into_iter().map(|item| item.path).collect())
    }

    /// Moves a job's files, as many at a time as folders may be open.
    fn carry_share(
        &self,
        share: &JobShare,
        keeping: Keeping,
        folders: &mut Folders,
        carried: &mut Carried,
    ) -> Result<(), Failure> {
        let mut rest = share.files.as_slice();
        while !rest.is_empty() {
            self.knowledge.go_on()?;
            let routes = self.routes(share, rest, folders)?;
            let (files, later) = rest.split_at(routes.len());
            self.lock.check()?;
            self.carry_files(share, files, &routes, keeping, folders, carried)?;
            rest = later;
            if folders.are_many() {
                folders.sync()?;
            }
        }
        Ok(())
    }

    fn carry_files(
        &self,
        share: &JobShare,
        files: &[PlannedFile],
        routes: &[Route<'_>],
        keeping: Keeping,
        folders: &Folders,
        carried: &mut Carried,
    ) -> Result<(), Failure> {
        let mut duplicates = Vec::new();
        for ((file, route), moved) in files.iter().zip(routes).zip(self.move_all(files, routes)?) {
            let outcome = match moved {
                Some(outcome) => outcome?,
                None => route.look_and_move(file, keeping)?,
            };
            let outcome = if self.may_be_written() { route.take_back_if_written(file, outcome)? } else { outcome };
            let path = folders.origin(share, file).join(file.from.as_str())?;
            match outcome {
                Outcome::Placed => {}
                Outcome::Duplicate => {
                    let reason = format!("the same bytes were harvested as {}", file.to);
                    duplicates.push(Discard { path, reason });
                }
                Outcome::Left(cause) => {
                    carried.left.push(Left { path, cause: cause.to_owned() });
                    continue;
                }
            }
            carried.placed.push(share.manifest_file(file));
        }
        carried.trashed.extend(self.discard(&duplicates)?);
        Ok(())
    }

    /// The ways of the first of `files`: a batch, or fewer where many folders are open. At least one.
    fn routes<'f>(
        &self,
        share: &JobShare,
        files: &'f [PlannedFile],
        folders: &mut Folders,
    ) -> Result<Vec<Route<'f>>, Failure> {
        let mut routes = Vec::with_capacity(files.len());
        for file in files {
            let (folder, name) = file.from.split().unwrap_or_default();
            let source = folders.origin(share, file).join(folder.as_str())?;
            let from = folders.source(self.volume, &source)?;
            let (folder, new_name) = file.to.split().unwrap_or_default();
            routes.push(Route { from, name, to: folders.target(folder)?, new_name });
            if folders.are_many() || routes.len() >= BATCH {
                break;
            }
        }
        Ok(routes)
    }

    /// Whether a renderer that nobody knows of may write to a frame that was just moved.
    fn may_be_written(&self) -> bool {
        matches!(self.knowledge, Knowledge::Surveyed(ports) if ports.manager.is_remote())
    }

    /// Moves what can be moved without a look: all that was just surveyed. To another device, where each is copied, by
    /// several threads.
    fn move_all(
        &self,
        files: &[PlannedFile],
        routes: &[Route<'_>],
    ) -> Result<Vec<Option<Result<Outcome, DiskError>>>, Failure> {
        let Knowledge::Surveyed(ports) = self.knowledge else { return Ok(files.iter().map(|_| None).collect()) };
        let one = |at: usize| routes[at].move_at_once(&files[at]).transpose();
        if routes.first().is_some_and(Route::is_to_another_device) {
            let order: Vec<usize> = (0..routes.len()).collect();
            return in_parallel(ports, Stage::Moves, &order, || (), |at, ()| one(at));
        }
        Ok((0..routes.len()).map(one).collect())
    }
}

/// The way of one file.
struct Route<'f> {
    from: Option<Dir>,
    name: &'f str,
    to: Dir,
    new_name: &'f str,
}

impl Route<'_> {
    fn is_to_another_device(&self) -> bool {
        let device = |dir: &Dir| dir.attributes().ok().map(|attributes| attributes.dev);
        self.from.as_ref().and_then(device) != device(&self.to)
    }

    /// `None`: something is not as it was when it was surveyed, so a look is needed.
    fn move_at_once(&self, file: &PlannedFile) -> Result<Option<Outcome>, DiskError> {
        let (Some(from), false) = (&self.from, file.verdict == FileVerdict::Finish) else { return Ok(None) };
        let done = match file.verdict {
            FileVerdict::Keep => self.keep(from, file),
            _ => self.rename(from, file),
        };
        match done {
            Ok(outcome) => Ok(Some(outcome)),
            Err(error) if error.is_exists() || error.is_missing() => Ok(None),
            Err(DiskError::Changed { .. }) => Ok(Some(Outcome::Left(CHANGED))),
            Err(error) => Err(error),
        }
    }

    fn rename(&self, from: &Dir, file: &PlannedFile) -> Result<Outcome, DiskError> {
        match disk::move_known(from, self.name, &self.to, self.new_name, file.sha256)? {
            Moved::Renamed | Moved::Copied(_) => Ok(Outcome::Placed),
            Moved::SameFile => self.finish(from),
        }
    }

    fn keep(&self, from: &Dir, file: &PlannedFile) -> Result<Outcome, DiskError> {
        disk::copy_new(from, self.name, &self.to, self.new_name, file.sha256)?;
        Ok(Outcome::Placed)
    }

    fn finish(&self, from: &Dir) -> Result<Outcome, DiskError> {
        disk::finish_move(from, self.name, &self.to, self.new_name).map(|_| Outcome::Placed)
    }

    /// Looks what is in both places, and does what is missing.
    fn look_and_move(&self, file: &PlannedFile, keeping: Keeping) -> Result<Outcome, DiskError> {
        let keeping = if file.verdict == FileVerdict::Rename { Keeping::Move } else { keeping };
        let source = self.from.as_ref().map(|from| from.open_read(self.name)).transpose()?.flatten();
        let target = self.to.open_read(self.new_name)?;
        match (source, target) {
            (None, None) => Ok(Outcome::Left("it is neither in out/ nor in dist/ any more")),
            (_, Some(target)) if target.digest()?.0 != file.sha256 => Ok(Outcome::Left(OTHER_BYTES)),
            (None, Some(_)) => Ok(Outcome::Placed),
            (Some(_), Some(_)) if keeping == Keeping::Keep => Ok(Outcome::Placed),
            (Some(source), Some(target)) => self.end_with_both(&source, &target, file),
            (Some(source), None) if !is_as_planned(&source, file)? => Ok(Outcome::Left(CHANGED)),
            (Some(_), None) => match (&self.from, keeping) {
                (Some(from), Keeping::Keep) => self.keep(from, file),
                (Some(from), Keeping::Move) => self.rename(from, file),
                (None, _) => Ok(Outcome::Left("its folder is gone")),
            },
        }
    }

    /// A rename takes the file along with whoever has it open. Whoever began to write to it between its check and its
    /// rename has cut it by now, and later ones look for it by its old name: so one look afterwards is enough. What was
    /// written to goes back to where it is written.
    fn take_back_if_written(&self, file: &PlannedFile, outcome: Outcome) -> Result<Outcome, DiskError> {
        let (Outcome::Placed, FileVerdict::Move, Some(from)) = (&outcome, file.verdict, &self.from) else {
            return Ok(outcome);
        };
        if self.is_to_another_device() {
            return Ok(outcome);
        }
        let now = self.to.stat(self.new_name)?;
        if now.is_some_and(|now| (now.size, now.mtime) == (file.size, file.modified)) {
            return Ok(outcome);
        }
        disk::rename_new(&self.to, self.new_name, from, self.name)?;
        Ok(Outcome::Left("it was written to after it had been checked: a renderer is still at it"))
    }

    /// The file in `dist/` is what it should be; what becomes of the one in `out/`?
    fn end_with_both(&self, source: &OpenFile, target: &OpenFile, file: &PlannedFile) -> Result<Outcome, DiskError> {
        match &self.from {
            Some(from) if source.attributes().is_same_file(target.attributes()) => self.finish(from),
            _ if source.digest()?.0 == file.sha256 => Ok(Outcome::Duplicate),
            // A newer frame: it is not ours to move.
            _ => Ok(Outcome::Placed),
        }
    }
}

/// Where a harvest stands that ended before its end. Whatever its cause, it was no refusal: files have moved.
fn how_far(end: Failure, carried: &Carried, transaction: &Transaction) -> Failure {
    let class = if end.class() == Class::Refused { Class::Failed } else { end.class() };
    let total: usize = transaction.jobs.iter().map(|share| share.files.len()).sum();
    let (placed, release) = (carried.placed.len(), &transaction.release);
    let (total, verb) = (counted(total, "file"), agree(placed, "is", "are"));
    let words = format!(
        "{}; at least {placed} of {total} {verb} in dist/{release}, each of them whole, the others in out/",
        end.message()
    );
    Failure::new(class, words).with_hint(again_or_recover(end.hint(), "to finish the harvest"))
}

const CHANGED: &str = "it changed since it was checked";
const OTHER_BYTES: &str = "its place in dist/ is taken by other bytes";

fn is_as_planned(source: &OpenFile, file: &PlannedFile) -> Result<bool, DiskError> {
    let now = source.attributes();
    if now.size != file.size {
        return Ok(false);
    }
    Ok(now.mtime == file.modified || source.digest()?.0 == file.sha256)
}

/// Whether what lies at the old file's name is not yet the new one.
fn is_still_old(old: &Replaced, coming: Option<&Digest>, dist: &Dir) -> Result<bool, DiskError> {
    let (folder, name) = old.path.split().unwrap_or_default();
    let Some(file) = dist.dir(&folder)?.map(|dir| dir.open_read(name)).transpose()?.flatten() else { return Ok(false) };
    let now = file.attributes();
    if (now.size, now.mtime) == (old.size, old.modified) {
        return Ok(true);
    }
    Ok(match coming {
        Some(coming) => file.digest()?.0 != *coming,
        None => true,
    })
}

/// The folders that names were taken from or given in since the last sync.
///
/// They are synced many at once: the first sync makes a journaling file system write all that was done, and the others
/// find nothing left to do.
struct Folders {
    /// `dist/<release>/` beneath the volume.
    base: RelPath,
    dist: Dir,
    targets: HashMap<RelPath, Dir>,
    sources: HashMap<RelPath, Option<Dir>>,
}

impl Folders {
    /// A folder of `dist/<release>/`, made if it is not there.
    fn target(&mut self, folder: RelPath) -> Result<Dir, DiskError> {
        if let Some(dir) = self.targets.get(&folder) {
            return Ok(dir.clone());
        }
        let dir = self.dist.make_dir(&folder)?;
        self.targets.insert(folder, dir.clone());
        Ok(dir)
    }

    /// The folder that a file's `from` is beneath.
    fn origin<'o>(&'o self, share: &'o JobShare, file: &PlannedFile) -> &'o RelPath {
        if file.verdict == FileVerdict::Rename { &self.base } else { &share.out }
    }

    /// A folder that files come from; `None` if it is gone.
    fn source(&mut self, volume: &Volume, folder: &RelPath) -> Result<Option<Dir>, DiskError> {
        if let Some(dir) = self.sources.get(folder) {
            return Ok(dir.clone());
        }
        let dir = volume.dir(folder)?;
        self.sources.insert(folder.clone(), dir.clone());
        Ok(dir)
    }

    fn are_many(&self) -> bool {
        self.targets.len() + self.sources.len() >= OPEN_FOLDERS
    }

    fn sync(&mut self) -> Result<(), DiskError> {
        self.targets.drain().try_for_each(|(_, dir)| dir.sync())?;
        self.sources.drain().filter_map(|(_, dir)| dir).try_for_each(|dir| dir.sync())
    }
}
