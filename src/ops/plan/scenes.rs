//! Reading the scenes of a request, and telling those that are rendered from those that others only link.

use super::LeftOut;
use super::digests::{Digests, Hashed};
use super::refusal;
use super::repair;
use super::request::{JobRequest, PlanRequest, SceneChoice};
use crate::base::error::Failure;
use crate::blend::{Contents, Extent, Kind, Reader, Scene, SceneFile, State};
use crate::ops::check::in_parallel::try_in_parallel;
use crate::ops::ports::{Ports, Stage};
use crate::sys::disk::DiskError;
use crate::sys::{outside, scan};
use crate::volume::release_file::ReleaseFile;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Reads every file of the request. All that cannot be read are told of, not the first alone.
pub(super) fn read(
    ports: &Ports<'_>,
    request: &PlanRequest,
    existing: Option<&ReleaseFile>,
    reader: &Reader<'_>,
) -> Result<Vec<SceneFile>, Failure> {
    ports.progress.begin(Stage::Scenes, request.jobs.len() as u64);
    let folders = Folders::default();
    let read = try_in_parallel(ports, &request.jobs, |job| {
        let file = read_one(job, reader, &folders);
        ports.progress.advance(1);
        Ok::<_, Failure>(file)
    })?;
    let (mut files, mut failures) = (Vec::with_capacity(read.len()), Vec::new());
    for (job, file) in request.jobs.iter().zip(read) {
        match (file, existing) {
            (Ok(file), _) => files.push(file),
            (Err(failure), Some(existing)) => {
                failures.push(repair::explain_unread(ports.volume, existing, &job.file, failure));
            }
            (Err(failure), None) => failures.push(failure),
        }
    }
    if failures.is_empty() { Ok(files) } else { Err(refusal::unreadable(failures, request.jobs.len())) }
}

/// A link to a scene is read where it leads: there the scene was saved, and there its relative paths begin.
fn read_one(job: &JobRequest, reader: &Reader<'_>, folders: &Folders) -> Result<SceneFile, Failure> {
    refusal::check_kind(&job.file)?;
    refusal::check_path(&job.file)?;
    let place = outside::resolve(&job.file).unwrap_or_else(|_| job.file.clone());
    refusal::check_path(&place)?;
    let mut file = reader.read_as(&job.file, &place)?;
    folders.list(&mut file)?;
    Ok(file)
}

/// A scene or library that was saved after it was read, and before its digest was taken, is not what the plan says of it.
pub(super) fn check_read(files: &[SceneFile], digests: &Digests, contents: &Contents) -> Result<(), DiskError> {
    let libraries = |file: &SceneFile| {
        let found = file.dependencies.iter().filter(|need| need.kind == Kind::Library && need.state == State::Found);
        found.map(|need| need.path.clone()).collect::<Vec<_>>()
    };
    let read: BTreeSet<PathBuf> =
        files.iter().flat_map(|file| libraries(file).into_iter().chain([file.path.clone()])).collect();
    let is_other = |hashed: &&Hashed| !contents.are_of(&hashed.attributes);
    match read.into_iter().find(|path| digests.get(path).filter(is_other).is_some()) {
        Some(path) => Err(DiskError::Changed { path }),
        None => Ok(()),
    }
}

/// What is in folders that are needed whole, each looked through once, however many scenes need it.
#[derive(Default)]
pub(super) struct Folders(Mutex<HashMap<PathBuf, Vec<PathBuf>>>);

impl Folders {
    /// A folder that is needed with all that is in it is copied file by file.
    pub(super) fn list(&self, file: &mut SceneFile) -> Result<(), Failure> {
        let found = file.dependencies.iter_mut().filter(|need| need.state == State::Found);
        for need in found.filter(|need| need.extent == Extent::Folder) {
            let mut folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if !folders.contains_key(&need.path) {
                let listed = scan::files_beneath(&need.path);
                let listed = listed.map_err(|error| refusal::unreadable_folder(&need.path, &error))?;
                folders.insert(need.path.clone(), listed);
            }
            need.files.clone_from(&folders[&need.path]);
        }
        Ok(())
    }
}

/// The scenes of the file that become jobs.
pub(super) fn chosen<'a>(job: &JobRequest, file: &'a SceneFile) -> Result<Vec<&'a Scene>, Failure> {
    match &job.scene {
        SceneChoice::All if !file.scenes.is_empty() => Ok(file.scenes.iter().collect()),
        SceneChoice::Named(name) => match file.scenes.iter().find(|scene| &scene.name == name) {
            Some(scene) => Ok(vec![scene]),
            None => Err(refusal::no_such_scene(file, name)),
        },
        _ => file.main_scene().map(|scene| vec![scene]).ok_or_else(|| refusal::no_scene(file)),
    }
}

/// Files that nobody named, that other files of the request link, and of which no scene can be rendered: libraries.
pub(super) fn left_out(request: &PlanRequest, files: &[SceneFile]) -> Result<Vec<LeftOut>, DiskError> {
    let is_library = |job: &JobRequest, file: &SceneFile| {
        let scenes = chosen(job, file).unwrap_or_default();
        job.found && scenes.into_iter().all(Scene::lacks_camera)
    };
    let mut libraries = Vec::new();
    for (job, file) in request.jobs.iter().zip(files).filter(|(job, file)| is_library(job, file)) {
        libraries.push((job, identity(&file.path)?));
    }
    if libraries.is_empty() {
        return Ok(Vec::new());
    }
    let linked = linked(files)?;
    libraries.retain(|(_, identity)| identity.is_some_and(|identity| linked.contains(&identity)));
    if libraries.len() == files.len() {
        // They link each other, and something was to be rendered.
        return Ok(Vec::new());
    }
    let reason = "it has no camera, and other scenes of this plan link it: it is taken along with them";
    let left = |(job, _): (&JobRequest, _)| LeftOut { path: job.file.display().to_string(), reason: reason.to_owned() };
    Ok(libraries.into_iter().map(left).collect())
}

/// All libraries of all files, by what tells files apart: links lead to some of them.
fn linked(files: &[SceneFile]) -> Result<HashSet<(u64, u64)>, DiskError> {
    let mut paths: BTreeSet<&Path> = BTreeSet::new();
    for file in files {
        let needs = file.dependencies.iter().filter(|need| need.kind == Kind::Library && need.state == State::Found);
        paths.extend(needs.map(|need| need.path.as_path()).filter(|path| *path != file.path));
    }
    let mut identities = HashSet::new();
    for path in paths {
        identities.extend(identity(path)?);
    }
    Ok(identities)
}

fn identity(path: &Path) -> Result<Option<(u64, u64)>, DiskError> {
    Ok(outside::stat(path)?.map(|attributes| attributes.identity()))
}

/// The files that a scene needs and that are not there, each once, in words.
pub(super) fn missing(file: &SceneFile) -> Vec<String> {
    let missing = file.dependencies.iter().filter(|need| matches!(need.state, State::Missing(_)));
    let words: BTreeSet<String> = missing.map(|need| format!("{} {}", need.kind, need.path.display())).collect();
    words.into_iter().collect()
}

/// The active scene needs no argument (and Flamenco before 3.6 knows none).
pub(super) fn argument(file: &SceneFile, scene: &Scene) -> Option<String> {
    let is_active = file.main_scene().is_some_and(|active| active.name == scene.name);
    (!is_active).then(|| scene.name.clone())
}
