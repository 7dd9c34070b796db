//! Which name each file gets in `dist/`.

use super::look::{Looked, Where};
use super::manifest::ManifestFile;
use super::plan::{FileVerdict, PlannedFile, Reason};
use super::refusal::{Conflict, ConflictCause};
use super::request::{HarvestRequest, Keeping, NamesOfOld};
use super::survey::SurveyedJob;
use crate::base::error::Failure;
use crate::base::rel_path::RelPath;
use crate::frames::sampling::Depth;
use crate::frames::template::{self, Naming, Template};
use crate::ops::check::judge::FileState;
use crate::ops::check::read_files::extension;
use crate::ops::harvest::manifest;
use crate::ops::preview;
use crate::volume::release_file::JobRecord;

/// A file of the plan, before it is known what bears its name already.
pub(super) struct Candidate {
    pub(super) planned: PlannedFile,
    /// What the manifest says of an earlier harvest of the same file that is not out of date.
    pub(super) harvested: Option<Box<ManifestFile>>,
}

/// The files of the job that lie in `dist/` and are what they were.
pub(super) fn in_place(job: &SurveyedJob<'_>, depth: Depth) -> Vec<Candidate> {
    job.looked.files.iter().filter_map(|file| there(file, depth)).collect()
}

fn there(file: &Looked, depth: Depth) -> Option<Candidate> {
    let entry = file.harvested.as_ref().filter(|_| file.state == FileState::Harvested)?;
    let planned = PlannedFile {
        frame: entry.frame,
        role: entry.role.clone(),
        from: file.expected.path.clone(),
        to: entry.path.clone(),
        size: entry.size,
        modified: entry.modified,
        sha256: entry.sha256,
        verdict: FileVerdict::There,
        reason: if depth == Depth::Quick { Reason::SameSize } else { Reason::Verified },
    };
    Some(Candidate { planned, harvested: file.harvested.clone() })
}

/// The files of the job's fine frames, each with its name; those in `dist/` keep the one that they have.
pub(super) fn candidates(request: &HarvestRequest, job: &SurveyedJob<'_>) -> Result<Vec<Candidate>, Failure> {
    let record = job.looked.record;
    let fine = job.fine(request.suspects);
    let default = Template::default_for(record.current().frames.len());
    let template = request.template.as_ref().unwrap_or(&default);
    let mut candidates = Vec::with_capacity(job.looked.files.len());
    for file in &job.looked.files {
        match (file.place, file.read) {
            (Where::Dist, _) => {
                if let Some(mut there) = there(file, request.depth) {
                    rename_if_wanted(&mut there, template, request, record, file)?;
                    candidates.push(there);
                }
            }
            (Where::Out, Some(read)) if fine.contains(file.expected.frame) => {
                let planned = PlannedFile {
                    frame: file.expected.frame,
                    role: file.expected.role.clone(),
                    from: file.expected.path.clone(),
                    to: name(template, request, record, file)?,
                    size: read.size,
                    modified: read.modified,
                    sha256: read.sha256,
                    verdict: match request.keeping {
                        Keeping::Move => FileVerdict::Move,
                        Keeping::Keep => FileVerdict::Keep,
                    },
                    reason: reason(file, job),
                };
                candidates.push(Candidate { planned, harvested: file.harvested.clone() });
            }
            _ => {}
        }
    }
    Ok(candidates)
}

/// Files that lie in `dist/` keep their names, with two exceptions: where other names are asked for now, and where a still
/// was harvested before its job got more frames. The latter gets the name of a frame, so that the sequence is whole;
/// whoever chose a template chose the names.
fn rename_if_wanted(
    there: &mut Candidate,
    template: &Template,
    request: &HarvestRequest,
    record: &JobRecord,
    file: &Looked,
) -> Result<(), Failure> {
    let has_grown = || {
        let was_still = request.template.is_none() && record.current().frames.len() > 1;
        Ok::<_, Failure>(was_still && there.planned.to == name(&Template::default_for(1), request, record, file)?)
    };
    let wanted = name(template, request, record, file)?;
    if wanted != there.planned.to && (request.names == NamesOfOld::Change || has_grown()?) {
        there.planned.from = std::mem::replace(&mut there.planned.to, wanted);
        there.planned.verdict = FileVerdict::Rename;
    }
    Ok(())
}

fn reason(file: &Looked, job: &SurveyedJob<'_>) -> Reason {
    match file.state {
        _ if job.looked.frames.suspect.contains(file.expected.frame) => Reason::SuspectAllowed,
        FileState::Unknown => Reason::Unchecked,
        _ => Reason::Whole,
    }
}

fn name(template: &Template, request: &HarvestRequest, record: &JobRecord, file: &Looked) -> Result<RelPath, Failure> {
    let revision = record.current();
    let naming = Naming {
        release: request.release.as_str(),
        job: record.name.as_str(),
        frame: file.expected.frame,
        ext: extension(file.expected.path.as_str()),
        scene: Some(revision.output.scene.as_str()).filter(|name| !name.is_empty()),
        layer: revision.output.layers.first().map(String::as_str),
        role: &file.expected.role,
    };
    Ok(template.render(&naming)?)
}

/// Names that two files want, and names that are farm's own.
pub(super) fn clashes(jobs: &[Vec<Candidate>]) -> Vec<Conflict> {
    let files: Vec<&PlannedFile> = jobs.iter().flatten().map(|candidate| &candidate.planned).collect();
    let targets: Vec<RelPath> = files.iter().map(|file| file.to.clone()).collect();
    let mut conflicts = Vec::new();
    for clash in template::clashes(&targets) {
        let frames: Vec<i32> = clash.sources.iter().take(2).map(|at| files[*at].frame).collect();
        let cause = ConflictCause::Wanted { times: clash.sources.len(), frames };
        conflicts.push(Conflict { path: clash.target, cause });
    }
    let own = targets.into_iter().filter(is_own).map(|path| Conflict { path, cause: ConflictCause::Own });
    conflicts.extend(own);
    conflicts
}

/// The manifest and the previews lie among the frames; file systems may ignore case.
fn is_own(path: &RelPath) -> bool {
    let first = path.parts().next().unwrap_or_default();
    path.as_str().eq_ignore_ascii_case(manifest::NAME) || first.eq_ignore_ascii_case(preview::FOLDER)
}
