//! Moving one file into `dist/`.
//!
//! What was surveyed under the same lock is moved by one call. What a killed harvest left is looked at first: every step asks
//! what is there and does only what is missing, so that twice is once.

use super::plan::{FileVerdict, PlannedFile};
use super::request::Keeping;
use crate::sys::disk::{self, Dir, DiskError, Moved, OpenFile};

/// The way of one file.
pub(super) struct Route<'f> {
    pub(super) from: Option<Dir>,
    pub(super) name: &'f str,
    pub(super) to: Dir,
    pub(super) new_name: &'f str,
}

impl Route<'_> {
    pub(super) fn is_to_another_device(&self) -> bool {
        let device = |dir: &Dir| dir.attributes().ok().map(|attributes| attributes.dev);
        self.from.as_ref().and_then(device) != device(&self.to)
    }

    /// `None`: something is not as it was when it was surveyed, so a look is needed.
    pub(super) fn move_at_once(&self, file: &PlannedFile) -> Result<Option<Outcome>, DiskError> {
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
    pub(super) fn look_and_move(&self, file: &PlannedFile, keeping: Keeping) -> Result<Outcome, DiskError> {
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
    pub(super) fn take_back_if_written(&self, file: &PlannedFile, outcome: Outcome) -> Result<Outcome, DiskError> {
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
        match disk::rename_new(&self.to, self.new_name, from, self.name) {
            Ok(()) => Ok(Outcome::Left("it was written to after it had been checked: a renderer is still at it")),
            // Whoever writes by another way than into the open file has put a new one there: that one is the frame.
            Err(error) if error.is_exists() => Ok(Outcome::Overtaken),
            Err(error) => Err(error),
        }
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

/// What one file's move came to.
pub(super) enum Outcome {
    Placed,
    /// It is in `dist/` too, as another file: the one in `out/` goes to the trash.
    Duplicate,
    Left(&'static str),
    /// It was written to after its check, and its old name was taken meanwhile: what came into `dist/` goes to the trash.
    Overtaken,
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
