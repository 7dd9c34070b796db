//! What bears the names in `dist/` already: nothing, the same bytes, something out of date, or something else.

use super::manifest::{Manifest, ManifestFile};
use super::names::Candidate;
use super::plan::{FileVerdict, PlannedFile, Reason, Replaced};
use super::refusal::{Conflict, ConflictCause};
use super::request::{HarvestRequest, Keeping, RenderedAgain};
use crate::base::digest::Digest;
use crate::base::error::Failure;
use crate::base::name::Home;
use crate::base::rel_path::RelPath;
use crate::ops::check::read_files::{self, FileToRead, Purpose, Reading};
use crate::ops::ports::Ports;
use crate::sys::disk::{Dir, Kind};
use crate::volume::layout;
use crate::volume::release_file::ReleaseFile;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The names in the folders of `dist/<release>/` that files go to.
pub(super) struct Targets(HashMap<RelPath, Option<Listed>>);

/// An open folder and what lies in it.
type Listed = (Dir, HashMap<String, Kind>);

impl Targets {
    /// Lists each folder once.
    fn list<'a>(ports: &Ports<'_>, release: &Home, paths: impl Iterator<Item = &'a RelPath>) -> Result<Self, Failure> {
        let mut folders = HashMap::new();
        for path in paths {
            let folder = path.split().map(|(folder, _)| folder).unwrap_or_default();
            if folders.contains_key(&folder) {
                continue;
            }
            let dir = ports.volume.dir(&layout::dist_dir(release).join(folder.as_str())?)?;
            let listed = dir.map(|dir| {
                let entries = dir.list()?.into_iter();
                let names = entries.filter_map(|entry| Some((entry.name.into_string().ok()?, entry.kind))).collect();
                Ok::<_, Failure>((dir, names))
            });
            folders.insert(folder, listed.transpose()?);
        }
        Ok(Targets(folders))
    }

    fn find(&self, path: &RelPath) -> Option<(FileToRead, Kind)> {
        let (folder, name) = path.split()?;
        let (dir, names) = self.0.get(&folder)?.as_ref()?;
        let kind = names.get(name)?;
        Some((FileToRead { dir: dir.clone(), name: name.to_owned() }, *kind))
    }
}

/// What the manifest knows of a name or of a file of a frame.
struct Known<'a> {
    by_path: HashMap<&'a RelPath, &'a ManifestFile>,
    /// Harvested files that are out of date, by frame and by path.
    stale: BTreeMap<(&'a str, i32), Vec<&'a ManifestFile>>,
    stale_paths: BTreeSet<&'a RelPath>,
}

impl<'a> Known<'a> {
    fn of(manifest: &'a Manifest, file: &ReleaseFile) -> Self {
        let mut known = Known { by_path: HashMap::new(), stale: BTreeMap::new(), stale_paths: BTreeSet::new() };
        for entry in &manifest.files {
            known.by_path.insert(&entry.path, entry);
            if entry.is_stale(file.job(&entry.job)) {
                known.stale.entry((entry.job.as_str(), entry.frame)).or_default().push(entry);
                known.stale_paths.insert(&entry.path);
            }
        }
        known
    }
}

/// The verdict of each candidate, and what makes room; or the conflicts.
pub(super) struct Settled {
    pub(super) files: Vec<Vec<PlannedFile>>,
    pub(super) replaced: Vec<Replaced>,
    pub(super) conflicts: Vec<Conflict>,
}

/// A job's name, its folder in `out/`, and its candidates.
pub(super) type Share = (String, RelPath, Vec<Candidate>);

/// Compares what is to come with what is there.
pub(super) fn settle(
    ports: &Ports<'_>,
    request: &HarvestRequest,
    file: &ReleaseFile,
    manifest: &Manifest,
    mut shares: Vec<Share>,
) -> Result<Settled, Failure> {
    let known = Known::of(manifest, file);
    let wanted = shares.iter().flat_map(|(_, _, candidates)| candidates);
    let paths = wanted.flat_map(|one| [Some(&one.planned.to), one.harvested.as_ref().map(|entry| &entry.path)]);
    let stale = known.stale_paths.iter().copied();
    let targets = Targets::list(ports, &request.release, paths.flatten().chain(stale))?;
    // Where it was harvested before and still lies, there it belongs, whatever the template says now.
    for candidate in shares.iter_mut().flat_map(|(_, _, candidates)| candidates) {
        if let Some(entry) = &candidate.harvested
            && candidate.planned.verdict != FileVerdict::Rename
            && targets.find(&entry.path).is_some()
        {
            candidate.planned.to = entry.path.clone();
        }
    }
    let twins = twins(ports, &known, &targets, &shares)?;
    let dist = layout::dist_dir(&request.release);
    // A job of which nothing is taken keeps what it has until something newer of it comes.
    let taken = shares.iter().filter(|(_, _, candidates)| !candidates.is_empty());
    let meant: BTreeSet<String> = taken.map(|(job, _, _)| job.clone()).collect();
    let mut settled = Settled { files: Vec::new(), replaced: Vec::new(), conflicts: Vec::new() };
    for (job, out, candidates) in shares {
        let mut files = Vec::with_capacity(candidates.len());
        for mut candidate in candidates {
            match occupant(&candidate, &job, &known, &targets, &twins) {
                Occupant::SameBytes => candidate.settle_same_bytes(request.keeping, &known),
                Occupant::None => settled.replaced.extend(make_room(&candidate.planned, &job, &known, &targets)),
                Occupant::Earlier(entry) if request.rendered_again == RenderedAgain::Replace => {
                    settled.replaced.push(replaced(&entry, "was rendered again"));
                }
                Occupant::Earlier(_) => {
                    let cause = Some(ConflictCause::RenderedAgain { from: out.join(candidate.planned.from.as_str())? });
                    settled.conflicts.push(conflict(&candidate.planned, &out, &dist, cause)?);
                }
                Occupant::Altered => {
                    let cause = Some(ConflictCause::Altered { from: out.join(candidate.planned.from.as_str())? });
                    settled.conflicts.push(conflict(&candidate.planned, &out, &dist, cause)?);
                }
                Occupant::Conflict(cause) => settled.conflicts.push(conflict(&candidate.planned, &out, &dist, cause)?),
            }
            files.push(candidate.planned);
        }
        settled.files.push(files);
    }
    let gone: BTreeSet<RelPath> = settled.replaced.iter().map(|old| old.path.clone()).collect();
    let without =
        manifest.files.iter().filter(|entry| meant.contains(entry.job.as_str()) && has_lost_its_frame(entry, file));
    let there = without.filter(|entry| !gone.contains(&entry.path) && targets.find(&entry.path).is_some());
    settled.replaced.extend(there.map(|entry| replaced(entry, "is out of date: the job has no such frame any more")));
    settled.replaced.sort_by(|a, b| a.path.cmp(&b.path));
    settled.replaced.dedup();
    Ok(settled)
}

/// Whether it is out of date and nothing will come in its place: the job's newest revision has fewer frames.
fn has_lost_its_frame(entry: &ManifestFile, file: &ReleaseFile) -> bool {
    let Some(job) = file.job(&entry.job) else { return false };
    entry.is_stale(Some(job)) && !job.current().frames.contains(entry.frame)
}

fn conflict(
    file: &PlannedFile,
    out: &RelPath,
    dist: &RelPath,
    cause: Option<ConflictCause>,
) -> Result<Conflict, Failure> {
    let from = file.origin(out, dist).join(file.from.as_str())?;
    Ok(Conflict { path: file.to.clone(), cause: cause.unwrap_or(ConflictCause::OtherBytes { from }) })
}

/// What a name is borne by.
enum Occupant {
    /// Nothing, or what is out of date.
    None,
    /// The very bytes that are to come, or this file itself.
    SameBytes,
    /// What was harvested from this very frame before, and is not out of date.
    Earlier(Box<ManifestFile>),
    /// The same, but what was harvested is what is to come: the file in `dist/` was altered.
    Altered,
    /// Something else; without a cause: other bytes.
    Conflict(Option<ConflictCause>),
}

/// The digests of files that bear the name of a candidate, by their paths.
fn twins(
    ports: &Ports<'_>,
    known: &Known<'_>,
    targets: &Targets,
    shares: &[Share],
) -> Result<HashMap<RelPath, Digest>, Failure> {
    let moving = shares.iter().flat_map(|(_, _, candidates)| candidates).map(|candidate| &candidate.planned);
    let comes = |file: &&PlannedFile| !matches!(file.verdict, FileVerdict::There | FileVerdict::Rename);
    let moving = moving.filter(comes).filter(|file| !known.stale_paths.contains(&file.to));
    let there: Vec<(&RelPath, FileToRead)> =
        moving.filter_map(|file| Some((&file.to, targets.find(&file.to)?.0))).collect();
    let files: Vec<(&FileToRead, Purpose)> = there.iter().map(|(_, file)| (file, Purpose::Digest)).collect();
    let digest = |reading| match reading {
        Reading::File { digest, .. } => digest,
        _ => None,
    };
    let readings = read_files::read_files(ports, &files)?.into_iter();
    Ok(readings.filter_map(|(at, reading)| Some((there[at].0.clone(), digest(reading)?))).collect())
}

fn occupant(
    candidate: &Candidate,
    job: &str,
    known: &Known<'_>,
    targets: &Targets,
    twins: &HashMap<RelPath, Digest>,
) -> Occupant {
    let file = &candidate.planned;
    if file.verdict == FileVerdict::There {
        return Occupant::SameBytes;
    }
    let Some((_, kind)) = targets.find(&file.to) else { return Occupant::None };
    if known.stale_paths.contains(&file.to) {
        return Occupant::None;
    }
    if kind != Kind::File {
        return Occupant::Conflict(Some(ConflictCause::NotAFile));
    }
    let foreign = known.by_path.get(&file.to).filter(|entry| entry.key() != (job, file.frame, &file.role));
    match foreign {
        Some(entry) => Occupant::Conflict(Some(ConflictCause::Belongs { job: entry.job.clone(), frame: entry.frame })),
        None if twins.get(&file.to) == Some(&file.sha256) => Occupant::SameBytes,
        None => match known.by_path.get(&file.to) {
            Some(entry) if entry.sha256 == file.sha256 => Occupant::Altered,
            Some(entry) => Occupant::Earlier(Box::new((*entry).clone())),
            None => Occupant::Conflict(None),
        },
    }
}

impl Candidate {
    /// In both places already: what is in `out/` goes, or stays where it is to be kept. What the manifest does not know of
    /// is written into it, which takes a transaction.
    fn settle_same_bytes(&mut self, keeping: Keeping, known: &Known<'_>) {
        let file = &mut self.planned;
        if file.verdict == FileVerdict::There {
            return;
        }
        if file.reason != Reason::SuspectAllowed {
            file.reason = Reason::SameBytes;
        }
        file.verdict = match keeping {
            Keeping::Move => FileVerdict::Finish,
            Keeping::Keep if known.by_path.contains_key(&file.to) => FileVerdict::There,
            Keeping::Keep => FileVerdict::Keep,
        };
    }
}

/// What is out of date and goes when `file` comes: what bears its name, and the same file under an earlier name.
fn make_room(file: &PlannedFile, job: &str, known: &Known<'_>, targets: &Targets) -> Vec<Replaced> {
    let by_name = known.by_path.get(&file.to).filter(|entry| known.stale_paths.contains(&entry.path)).copied();
    let of_frame = known.stale.get(&(job, file.frame)).into_iter().flatten().filter(|entry| entry.role == file.role);
    let gone = by_name.into_iter().chain(of_frame.copied());
    let there = gone.filter(|entry| targets.find(&entry.path).is_some());
    there.map(|entry| replaced(entry, "is out of date and was rendered anew")).collect()
}

fn replaced(entry: &ManifestFile, why: &str) -> Replaced {
    Replaced {
        path: entry.path.clone(),
        size: entry.size,
        modified: entry.modified,
        reason: format!("frame {} of {}, revision {}, {why}", entry.frame, entry.job, entry.revision),
        was: Some(Box::new(entry.clone())),
    }
}
