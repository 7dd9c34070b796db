//! Moving files into `dist/`, so that a death at any point leaves each of them whole in one place at least.

use super::folders::Folders;
use super::plan::{FileVerdict, Item, Replaced, Transaction};
use super::request::Keeping;
use super::route::{Outcome, Route};
use crate::base::counted::{agree, counted};
use crate::base::digest::Digest;
use crate::base::error::{Class, Failure, again_or_recover};
use crate::base::ids::TransactionId;
use crate::base::rel_path::RelPath;
use crate::ops::check::in_parallel::in_parallel;
use crate::ops::discard;
use crate::ops::ports::{Ports, Stage};
use crate::sys::clock;
use crate::sys::disk::{Dir, DiskError};
use crate::volume::lock::Lock;
use crate::volume::trash::Discard;
use crate::volume::{Volume, layout};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// So many files are moved between two looks at the lock: a process that stood still must not go on for long.
const BATCH: usize = 500;
/// So many folders are synced at once: the disk takes its time for each, and joins what comes together.
const SYNCS_AT_ONCE: usize = 16;

/// What was written so long ago the kernel has put on disk since: by itself it waits half a minute
/// (vm.dirty_expire_centisecs), on a laptop that saves its battery ten.
const ON_DISK_AFTER: Duration = Duration::from_secs(15 * 60);

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

    /// How many folders are synced at once.
    fn hands(self) -> usize {
        match self {
            Knowledge::Surveyed(ports) if ports.actor.threads > 1 => SYNCS_AT_ONCE,
            _ => 1,
        }
    }
}

/// What became of a transaction.
#[derive(Debug, Default)]
pub(super) struct Carried {
    /// How many files lie in `dist/` now.
    pub(super) placed: usize,
    /// Those that do not, by the paths that they were to have beneath `dist/<release>/`.
    pub(super) unplaced: HashSet<RelPath>,
    /// What went to the trash, beneath the volume.
    pub(super) trashed: Vec<RelPath>,
    /// What is not where it was to go.
    pub(super) left: Vec<Left>,
}

impl Carried {
    fn leave(&mut self, item: &Item<'_>, path: RelPath, cause: &str) {
        self.unplaced.insert(item.file.to.clone());
        self.left.push(Left { path, cause: cause.to_owned() });
    }
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

impl Carrier<'_> {
    /// Does what is not done yet of `transaction`. All of it is on disk when this returns.
    pub(super) fn carry(&self, transaction: &Transaction) -> Result<Carried, Failure> {
        let base = layout::dist_dir(&transaction.release);
        let dist = self.volume.make_dir(&base)?;
        // No renderer puts its frames on disk, and a new name in `dist/` must not outlive the bytes that it is for.
        if transaction.items().any(|item| clock::now().since(item.file.modified) < ON_DISK_AFTER) {
            self.volume.root().sync_file_system()?;
        }
        let mut carried = Carried::default();
        match self.carry_into(&base, dist, transaction, &mut carried) {
            Ok(()) => Ok(carried),
            Err(end) => Err(how_far(end, &carried, transaction)),
        }
    }

    fn carry_into(
        &self,
        base: &RelPath,
        dist: Dir,
        transaction: &Transaction,
        carried: &mut Carried,
    ) -> Result<(), Failure> {
        carried.trashed = self.clear_the_way(transaction, base, &dist)?;
        let mut folders = Folders::new(base.clone(), dist);
        let items: Vec<Item<'_>> = transaction.items().collect();
        self.carry_all(&items, transaction.keeping, &mut folders, carried)?;
        Ok(folders.sync(self.knowledge.hands())?)
    }

    /// What is out of date goes to the trash, unless the new file has its name already.
    fn clear_the_way(&self, transaction: &Transaction, base: &RelPath, dist: &Dir) -> Result<Vec<RelPath>, Failure> {
        if transaction.replaced.is_empty() {
            return Ok(Vec::new());
        }
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
        let report = discard::within(self.volume, self.lock, self.id, discards)?;
        Ok(report.items.into_iter().map(|item| item.path).collect())
    }

    /// Moves files, as many at a time as folders may be open.
    fn carry_all(
        &self,
        mut rest: &[Item<'_>],
        keeping: Keeping,
        folders: &mut Folders,
        carried: &mut Carried,
    ) -> Result<(), Failure> {
        let mut twice = Vec::new();
        while !rest.is_empty() {
            self.knowledge.go_on()?;
            let routes = self.routes(rest, folders)?;
            let (items, later) = rest.split_at(routes.len());
            self.lock.check()?;
            twice.extend(self.carry_batch(items, &routes, keeping, folders, carried)?);
            rest = later;
            if folders.are_many() {
                folders.sync(self.knowledge.hands())?;
            }
        }
        carried.trashed.extend(self.discard(&twice)?);
        Ok(())
    }

    /// Moves some files. The value is what lies in `dist/` as well and goes to the trash, all of it at the end.
    fn carry_batch(
        &self,
        items: &[Item<'_>],
        routes: &[Route<'_>],
        keeping: Keeping,
        folders: &Folders,
        carried: &mut Carried,
    ) -> Result<Vec<Discard>, Failure> {
        let (mut twice, mut overtaken) = (Vec::new(), Vec::new());
        for ((item, route), moved) in items.iter().zip(routes).zip(self.move_all(items, routes)?) {
            let outcome = match moved {
                Some(outcome) => outcome?,
                None => route.look_and_move(item.file, keeping)?,
            };
            let outcome = if self.may_be_written() { route.take_back_if_written(item.file, outcome)? } else { outcome };
            match outcome {
                Outcome::Placed => {}
                Outcome::Duplicate => {
                    let reason = format!("the same bytes were harvested as {}", item.file.to);
                    twice.push(Discard { path: folders.whole(item)?, reason });
                }
                Outcome::Overtaken => {
                    let path = folders.whole(item)?;
                    let reason = format!("it was written to while it was harvested, and {path} was rendered meanwhile");
                    overtaken.push(Discard { path: folders.base.join(item.file.to.as_str())?, reason });
                    carried.leave(item, path, OVERTAKEN);
                    continue;
                }
                Outcome::Left(cause) => {
                    carried.leave(item, folders.whole(item)?, cause);
                    continue;
                }
            }
            carried.placed += 1;
        }
        carried.trashed.extend(self.discard(&overtaken)?);
        Ok(twice)
    }

    /// The ways of the first of `items`: a batch, or fewer where many folders are open. At least one.
    fn routes<'f>(&self, items: &[Item<'f>], folders: &mut Folders) -> Result<Vec<Route<'f>>, Failure> {
        let mut routes = Vec::with_capacity(BATCH.min(items.len()));
        for item in items {
            let (folder, name) = item.file.from.split().unwrap_or_default();
            let source = folders.origin(item).join(folder.as_str())?;
            let from = folders.source(self.volume, &source)?;
            let (folder, new_name) = item.file.to.split().unwrap_or_default();
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
    /// several threads; on one device the kernel lets one rename at a time through.
    fn move_all(
        &self,
        items: &[Item<'_>],
        routes: &[Route<'_>],
    ) -> Result<Vec<Option<Result<Outcome, DiskError>>>, Failure> {
        let Knowledge::Surveyed(ports) = self.knowledge else { return Ok(items.iter().map(|_| None).collect()) };
        let one = |at: usize| routes[at].move_at_once(items[at].file).transpose();
        // A file that only gets another name in `dist/` says nothing about the way of the others.
        let mut ways = items.iter().zip(routes);
        let first = ways.find(|(item, _)| item.file.verdict != FileVerdict::Rename).map(|(_, route)| route);
        if first.is_some_and(Route::is_to_another_device) {
            let order: Vec<usize> = (0..routes.len()).collect();
            let mut moved = in_parallel(ports, Stage::Moves, &order, || (), |at, ()| one(at))?;
            moved.sort_unstable_by_key(|(at, _)| *at);
            return Ok(moved.into_iter().map(|(_, outcome)| outcome).collect());
        }
        Ok((0..routes.len()).map(one).collect())
    }
}

/// Where a harvest stands that ended before its end. Whatever its cause, it was no refusal: files have moved.
fn how_far(end: Failure, carried: &Carried, transaction: &Transaction) -> Failure {
    let class = if end.class() == Class::Refused { Class::Failed } else { end.class() };
    let total: usize = transaction.jobs.iter().map(|share| share.files.len()).sum();
    let (placed, release) = (carried.placed, &transaction.release);
    let (total, verb) = (counted(total, "file"), agree(placed, "is", "are"));
    let words = format!(
        "{}; at least {placed} of {total} {verb} in dist/{release}, each of them whole, the others in out/",
        end.message()
    );
    Failure::new(class, words).with_hint(again_or_recover(end.hint(), "to finish the harvest"))
}

const OVERTAKEN: &str =
    "it was rendered again while it was harvested: a renderer is still at it, and what had been moved is in the trash";

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;
    use crate::ops::change::Author;
    use crate::ops::check::Remember;
    use crate::ops::check::room::Room;
    use crate::ops::harvest::request::HarvestRequest;
    use crate::ops::harvest::survey;
    use crate::ops::locking;

    /// Two writers of one frame: one writes into the file that moves, the other puts a new one under its old name.
    #[test]
    fn what_cannot_go_back_goes_to_the_trash() {
        let room = Room::rendered(&[("A", "1-2")]);
        let ports = room.ports();
        let request = HarvestRequest::of(room.release().clone());
        let plan = survey::survey(&ports, &request, Remember::Nothing).expect("plan");
        let mut transaction = plan.transaction(Author::of(ports.actor)).expect("something to do");
        let moved = room.read("releases/r1/out/A/000002.png").expect("rendered");
        room.put("dist/r1/A.0002.png", &moved);
        room.render("A", 2, 9);
        transaction.jobs[0].files[1].modified = Timestamp::from_unix(0);
        let lock = locking::lock_home(&ports, room.release()).expect("lock");
        let id = TransactionId::random();
        let carrier = Carrier { volume: &room.volume, lock: &lock, id, knowledge: Knowledge::Surveyed(&ports) };
        let carried = carrier.carry(&transaction).expect("it goes on");
        assert_eq!(carried.placed, 1);
        assert_eq!(carried.unplaced.iter().map(RelPath::as_str).collect::<Vec<_>>(), ["A.0002.png"]);
        assert_eq!(carried.left.len(), 1);
        assert_eq!(carried.left[0].path.as_str(), "releases/r1/out/A/000002.png");
        assert!(carried.left[0].cause.contains("trash"), "{:?}", carried.left);
        assert_eq!(carried.trashed.iter().map(RelPath::as_str).collect::<Vec<_>>(), ["dist/r1/A.0002.png"]);
        let kept = room.tree(".farm/trash").into_iter().find(|(name, _)| name.ends_with("dist/r1/A.0002.png"));
        assert_eq!(kept.map(|(_, bytes)| bytes), Some(moved));
        assert_ne!(room.read("releases/r1/out/A/000002.png"), None);
        assert_eq!(room.read("dist/r1/A.0002.png"), None);
    }
}
