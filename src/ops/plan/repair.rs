//! Copies in a release's store that are not what was stored there. Somebody deleted or damaged one, and every frame that is
//! rendered from it fails, or shows something else. While the file that it was made of is as it was, it can be made again.

use super::PlannedJob;
use super::gather::Copy;
use super::verdict::Conflict;
use crate::base::digest::Digest;
use crate::base::error::{Class, Explain, Failure};
use crate::base::rel_path::RelPath;
use crate::base::size::Bytes;
use crate::base::time::Timestamp;
use crate::blend;
use crate::ops::check::in_parallel::try_in_parallel;
use crate::ops::ports::Ports;
use crate::sys::disk::{Kind, OpenFile};
use crate::sys::outside;
use crate::volume::Volume;
use crate::volume::release_file::{JobRecord, ReleaseFile, Revision};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;

/// A copy that is put in its place anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// Where it belongs, beneath the volume.
    pub path: RelPath,
    /// What is wrong there.
    pub damage: Damage,
    /// Bytes that it will take.
    pub size: u64,
}

/// What is wrong with a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damage {
    /// Nothing is there.
    Missing,
    /// It is shorter or longer than what was stored.
    Size {
        /// The bytes that it has.
        found: u64,
        /// The bytes that were stored.
        stored: u64,
    },
    /// Its bytes are others than were stored.
    Bytes,
    /// It is no file.
    NoFile,
}

/// `is missing`, `is damaged (2 B instead of 82 kB)`
impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::Missing => f.write_str("is missing"),
            Damage::Size { found, stored } => {
                write!(f, "is damaged ({} instead of {})", Bytes(*found), Bytes(*stored))
            }
            Damage::Bytes => f.write_str("is damaged (it has other bytes than were stored)"),
            Damage::NoFile => f.write_str("is no file any more"),
        }
    }
}

/// What a copy has to be.
enum Wanted<'a> {
    /// These bytes.
    Stored { size: u64, digest: Digest },
    /// What becomes of this library while it is copied.
    Rewritten(&'a Copy),
}

/// A copy to look at.
struct Suspect<'a> {
    path: &'a RelPath,
    wanted: Wanted<'a>,
    /// When farm recorded that it is whole.
    recorded: Timestamp,
    /// Bytes that it takes when it is made anew.
    size: u64,
}

/// The copies of the planned jobs that the release has and that are not as they were stored, sorted by path.
pub(super) fn survey(
    ports: &Ports<'_>,
    existing: &ReleaseFile,
    jobs: &[PlannedJob],
    luggage: &[Vec<Copy>],
) -> Result<Vec<Repair>, Failure> {
    let suspects: Vec<Suspect<'_>> =
        scenes(existing, jobs).into_iter().chain(needed(existing, luggage.iter().flatten())).collect();
    let looked = try_in_parallel(ports, &suspects, |suspect| damage(ports.volume, suspect))?;
    let repair = |(suspect, damage): (&Suspect<'_>, Option<Damage>)| {
        Some(Repair { path: suspect.path.clone(), damage: damage?, size: suspect.size })
    };
    let mut repairs: Vec<Repair> = suspects.iter().zip(looked).filter_map(repair).collect();
    repairs.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(repairs)
}

/// The scenes of jobs that are there already.
fn scenes<'a>(existing: &'a ReleaseFile, jobs: &[PlannedJob]) -> Vec<Suspect<'a>> {
    let there = jobs.iter().filter(|job| !job.puts_its_scene());
    let records = there.filter_map(|job| existing.job(&job.reference.job));
    records.map(|record| scene(record.current())).collect()
}

fn scene(revision: &Revision) -> Suspect<'_> {
    let store = &revision.store;
    Suspect {
        path: &store.path,
        wanted: Wanted::Stored { size: store.size, digest: store.digest },
        recorded: revision.planned,
        size: store.size,
    }
}

/// What the planned scenes need and the release had stored before, whoever of its jobs it was for.
fn needed<'a>(existing: &ReleaseFile, copies: impl Iterator<Item = &'a Copy>) -> Vec<Suspect<'a>> {
    let mut recorded: HashMap<&RelPath, Timestamp> = HashMap::new();
    for revision in existing.jobs.iter().map(JobRecord::current) {
        for path in revision.dependencies.iter().filter(|need| !need.in_place).filter_map(|need| need.stored.as_ref()) {
            let latest = recorded.entry(path).or_insert(revision.planned);
            *latest = revision.planned.max(*latest);
        }
    }
    let mut suspects = BTreeMap::new();
    for copy in copies {
        let planned = &copy.planned;
        let Some(recorded) = recorded.get(&planned.to) else { continue };
        let wanted = match copy.edits.is_empty() {
            true => Wanted::Stored { size: planned.size, digest: planned.digest },
            false => Wanted::Rewritten(copy),
        };
        let suspect = Suspect { path: &planned.to, wanted, recorded: *recorded, size: planned.size };
        suspects.insert(&planned.to, suspect);
    }
    suspects.into_values().collect()
}

/// What is wrong with a copy. Its bytes are read only where it was touched after it was recorded: nobody can set the time
/// of a file's last change.
fn damage(volume: &Volume, suspect: &Suspect<'_>) -> Result<Option<Damage>, Failure> {
    let Some(found) = volume.stat(suspect.path)? else { return Ok(Some(Damage::Missing)) };
    if found.kind != Kind::File {
        return Ok(Some(Damage::NoFile));
    }
    if let Wanted::Stored { size, .. } = suspect.wanted
        && found.size != size
    {
        return Ok(Some(Damage::Size { found: found.size, stored: size }));
    }
    if found.ctime.whole_seconds() < suspect.recorded.whole_seconds() {
        return Ok(None);
    }
    let Some(file) = volume.open_read(suspect.path)? else { return Ok(Some(Damage::Missing)) };
    Ok((!is_whole(file, &suspect.wanted)?).then_some(Damage::Bytes))
}

fn is_whole(mut file: OpenFile, wanted: &Wanted<'_>) -> Result<bool, Failure> {
    match wanted {
        Wanted::Stored { digest, .. } => Ok(file.digest()?.0 == *digest),
        Wanted::Rewritten(Copy { from, edits, .. }) => match outside::open(from)? {
            Some(source) => Ok(blend::is_rewritten(source, from, &mut file, edits)?),
            // It was read a moment ago; whoever copies it will find that it is gone.
            None => Ok(true),
        },
    }
}

/// The conflict, and what is wrong with the copy of a scene that changed: it cannot be made again.
pub(super) fn explain(volume: &Volume, existing: &ReleaseFile, conflict: Conflict) -> Failure {
    let Conflict::OtherScene { job, .. } = &conflict else { return conflict.into() };
    let record = existing.job(&job.job).map(JobRecord::current);
    match record.and_then(|revision| Some((revision, damage(volume, &scene(revision)).ok()??))) {
        Some((revision, damage)) => lost(&conflict.to_string(), conflict.class(), revision, &damage),
        None => conflict.into(),
    }
}

/// Why a scene cannot be read, and what is wrong with the copy that was made of it.
pub(super) fn explain_unread(volume: &Volume, existing: &ReleaseFile, file: &Path, failure: Failure) -> Failure {
    let of_file =
        existing.jobs.iter().map(JobRecord::current).find(|revision| Path::new(&revision.source.path) == file);
    match of_file.and_then(|revision| Some((revision, damage(volume, &scene(revision)).ok()??))) {
        Some((revision, damage)) => lost(&failure.message(), failure.class(), revision, &damage),
        None => failure,
    }
}

fn lost(words: &str, class: Class, revision: &Revision, damage: &Damage) -> Failure {
    let Revision { store, source, .. } = revision;
    Failure::new(class, format!("{words}; and {}, the copy of it, {damage}", store.path)).with_hint(format!(
        "Put back {} as it was saved at {} ({}) to have the copy made again, or plan a release of another name.",
        source.path,
        source.modified,
        Bytes(source.size)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_told_in_words() {
        for (damage, words) in [
            (Damage::Missing, "is missing"),
            (Damage::Size { found: 2, stored: 82_270 }, "2 B instead of"),
            (Damage::Bytes, "other bytes"),
            (Damage::NoFile, "no file"),
        ] {
            assert!(damage.to_string().contains(words), "{damage}");
        }
    }
}
