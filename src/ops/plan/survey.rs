//! Reading everything that a plan depends on. Changes nothing, takes no lock, asks the Manager only to look.

use super::acceptance;
use super::chunk::{self, Facts, Queue};
use super::digests::{self, Digests, Hashed};
use super::farm_facts::FarmFacts;
use super::gather::{Copy, Gathering, Luggage};
use super::names::{self, NameFacts};
use super::obstacle::{Libraries, Obstacle};
use super::output;
use super::request::{JobRequest, Missing, Packing, PlanRequest, SceneChoice};
use super::verdict::{self, Conflict};
use super::warnings::{self, Renders};
use super::{JobVerdict, PackedFile, PlannedJob, ReleasePlan, SCHEMA, refusal};
use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::ids::RunId;
use crate::base::name::{Home, JobName, JobRef};
use crate::base::rel_path::RelPath;
use crate::blend::{self, BlenderVersion, Contents, Edit, Extent, Kind, Reader, Scene, SceneFile, State};
use crate::ops::check::in_parallel::try_in_parallel;
use crate::ops::ports::{Ports, Stage};
use crate::ops::release;
use crate::ops::renderer::Renderer;
use crate::sys::disk::DiskError;
use crate::sys::scan;
use crate::volume::layout;
use crate::volume::release_file::{DependencyRecord, ReleaseFile, Source};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A scene of a file that becomes a job.
struct Candidate<'a> {
    request: &'a JobRequest,
    file: &'a SceneFile,
    scene: &'a Scene,
    name: JobName,
}

/// A plan, and what it takes to carry it out without reading everything again.
pub struct Survey {
    /// The plan.
    pub plan: ReleasePlan,
    /// What is to be done with each scene, by the place of its copy.
    pub scenes: BTreeMap<RelPath, SceneWork>,
    /// Files copied with the scenes.
    pub copies: Vec<Copy>,
    /// What was read.
    pub known: Known,
}

/// What a survey read, so that the next one need not where nothing changed.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Digests of all files.
    pub digests: Digests,
    /// What scenes and libraries say.
    pub contents: Arc<Contents>,
}

/// What is to be done with a scene while it is copied.
#[derive(Debug, Clone)]
pub struct SceneWork {
    /// Paths that are rewritten.
    pub edits: Vec<Edit>,
    /// Files that Blender packs into it first.
    pub pack: Vec<PathBuf>,
    /// The scene of the file that becomes the job.
    pub scene: String,
}

/// Surveys the world and makes the plan. Files that are known and unchanged are not read again.
pub fn survey(ports: &Ports<'_>, request: &PlanRequest, renderer: &Renderer, known: &Known) -> Result<Survey, Failure> {
    let home = Home::Release(request.release.clone());
    let existing = existing_release(ports, request)?;
    let files = read_scenes(ports, request, &Reader::new(&known.contents))?;
    let candidates = candidates(request, &files)?;
    // Blender says its version while the files are read.
    let (here, digests) = std::thread::scope(|scope| {
        let version = scope.spawn(|| renderer.version());
        let digests = digests::compute(ports, &wanted_files(&candidates), &known.digests);
        (version.join().unwrap_or_default(), digests)
    });
    let digests = digests?;
    check_read(&files, &digests, &known.contents)?;
    let root = ports.volume.path();
    let all = files.iter().flat_map(|file| &file.dependencies);
    let gathering = Gathering::new(&root, &home, &digests, all);
    let planner = Planner {
        request,
        gathering: &gathering,
        digests: &digests,
        renderer,
        here,
        farm: FarmFacts::of(ports.manager)?,
        queue: if ports.manager.is_remote() { Queue::Flamenco } else { Queue::Local },
    };
    let mut jobs = Vec::with_capacity(candidates.len());
    let mut scenes = BTreeMap::new();
    let mut luggage = Vec::with_capacity(candidates.len());
    for candidate in &candidates {
        let pace = existing.as_ref().and_then(|file| file.job(&candidate.name)).and_then(|job| job.seconds_per_frame);
        let (job, work, copies) = planner.job(candidate, pace)?;
        scenes.insert(job.store.clone(), work);
        luggage.push(copies);
        jobs.push(job);
    }
    if let Some(file) = &existing {
        let requests: Vec<&JobRequest> = candidates.iter().map(|candidate| candidate.request).collect();
        verdict::judge(&mut jobs, &requests, file, request.update)?;
    }
    let copies = of_new_jobs(&jobs, luggage);
    let plan = ReleasePlan {
        schema: SCHEMA.to_owned(),
        release: request.release.clone(),
        volume: ports.volume.id(),
        manager: ports.manager.address(),
        jobs,
        copies: copies.iter().map(|copy| copy.planned.clone()).collect(),
        request: request.clone(),
    };
    acceptance::check(ports, &plan)?;
    let known = Known { digests, contents: known.contents.clone() };
    Ok(Survey { plan, scenes, copies, known })
}

/// The copies of jobs that the release does not have yet, each once.
fn of_new_jobs(jobs: &[PlannedJob], luggage: Vec<Vec<Copy>>) -> Vec<Copy> {
    let new = jobs.iter().zip(luggage).filter(|(job, _)| job.verdict == JobVerdict::New);
    let copies: BTreeMap<RelPath, Copy> =
        new.flat_map(|(_, copies)| copies).map(|copy| (copy.planned.to.clone(), copy)).collect();
    copies.into_values().collect()
}

/// The release of this name, if there is one; another that differs in case alone is refused.
fn existing_release(ports: &Ports<'_>, request: &PlanRequest) -> Result<Option<ReleaseFile>, Failure> {
    let folded = request.release.folded();
    let twin = ports.volume.releases()?.names.into_iter().find(|name| name.folded() == folded);
    match twin {
        Some(existing) if existing != request.release => {
            Err(Conflict::FoldedName { release: request.release.clone(), existing }.into())
        }
        _ => release::load(ports.volume, &request.release),
    }
}

fn read_scenes(ports: &Ports<'_>, request: &PlanRequest, reader: &Reader<'_>) -> Result<Vec<SceneFile>, Failure> {
    ports.progress.begin(Stage::Scenes, request.jobs.len() as u64);
    let folders = Folders::default();
    try_in_parallel(ports, &request.jobs, |job| {
        refusal::check_kind(&job.file)?;
        refusal::check_path(&job.file)?;
        let mut file = reader.read(&job.file)?;
        folders.list(&mut file)?;
        ports.progress.advance(1);
        Ok::<_, Failure>(file)
    })
}

/// A scene or library that was saved after it was read, and before its digest was taken, is not what the plan says of it.
fn check_read(files: &[SceneFile], digests: &Digests, contents: &Contents) -> Result<(), DiskError> {
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

/// Every scene that becomes a job, named.
fn candidates<'a>(request: &'a PlanRequest, files: &'a [SceneFile]) -> Result<Vec<Candidate<'a>>, Failure> {
    let mut candidates: Vec<Candidate<'a>> = Vec::new();
    for (job, file) in request.jobs.iter().zip(files) {
        let scenes = chosen_scenes(job, file)?;
        let several = scenes.len() > 1;
        for scene in scenes {
            let number = candidates.len() + 1;
            let facts = NameFacts { file: &job.file, scene: &scene.name, number };
            let template = template_for(&request.job_name_template, several);
            let name = match &job.name {
                Some(name) if !several => names::given(name, &job.file)?,
                Some(name) => names::given(&format!("{name}_{}", scene.name), &job.file)?,
                None => names::by_template(&template, facts)?,
            };
            candidates.push(Candidate { request: job, file, scene, name });
        }
    }
    let described = |c: &Candidate<'_>| format!("{} ({})", c.file.path.display(), c.scene.name);
    names::check_clashes(candidates.iter().map(|candidate| (&candidate.name, described(candidate))))?;
    Ok(candidates)
}

/// Several scenes of one file need names that tell them apart.
fn template_for(template: &str, several: bool) -> String {
    if several && !template.contains("{scene}") && !template.contains("{number}") {
        return format!("{template}_{{scene}}");
    }
    template.to_owned()
}

fn chosen_scenes<'a>(job: &JobRequest, file: &'a SceneFile) -> Result<Vec<&'a Scene>, Failure> {
    match &job.scene {
        SceneChoice::All if !file.scenes.is_empty() => Ok(file.scenes.iter().collect()),
        SceneChoice::Named(name) => match file.scenes.iter().find(|scene| &scene.name == name) {
            Some(scene) => Ok(vec![scene]),
            None => Err(refusal::no_such_scene(file, name)),
        },
        _ => file.main_scene().map(|scene| vec![scene]).ok_or_else(|| refusal::no_scene(file)),
    }
}

/// Every file whose digest the plan needs: scenes, and what they need.
fn wanted_files(candidates: &[Candidate<'_>]) -> Vec<PathBuf> {
    let mut files: BTreeSet<PathBuf> = BTreeSet::new();
    for candidate in candidates {
        files.insert(candidate.file.path.clone());
        let found = candidate.file.dependencies.iter().filter(|need| need.state == State::Found);
        files.extend(found.flat_map(|need| need.files.iter().cloned()));
    }
    files.into_iter().collect()
}

/// Makes the jobs of the plan, one by one.
struct Planner<'a> {
    request: &'a PlanRequest,
    gathering: &'a Gathering<'a>,
    digests: &'a Digests,
    renderer: &'a Renderer,
    here: Option<BlenderVersion>,
    farm: FarmFacts,
    queue: Queue,
}

impl<'a> Planner<'a> {
    /// The job, what is done with its scene, and what is copied with it.
    fn job(&self, candidate: &Candidate<'a>, pace: Option<f64>) -> Result<(PlannedJob, SceneWork, Vec<Copy>), Failure> {
        let Candidate { request, file, scene, name } = candidate;
        let reference = JobRef::in_release(&self.request.release, name);
        let frames = frames(request, scene)?;
        let wanted = output::wanted(scene, request.format.as_deref(), self.here.unwrap_or(file.blender_version))?;
        let mut luggage = self.gathering.take(&file.path, &reference);
        let (packed, left) = self.sort(candidate, &reference, luggage.obstacles.clone())?;
        let nodes = output::edits(&wanted, &reference);
        luggage.edits.extend(nodes.map_err(|cause| refusal::output_does_not_fit(&reference, &cause))?);
        let hashed = self.digests[&file.path];
        let workers = self.farm.hands(request.tag.as_deref());
        let facts = Facts { frames: frames.len(), workers, seconds_per_frame: pace, queue: self.queue };
        let (chunk, chunk_reason) = chunk::choose(request.chunk, facts);
        let mut missing = missing(file);
        if request.missing == Missing::Refuse && !missing.is_empty() {
            return Err(refusal::missing_files(&reference, &missing));
        }
        missing.extend(left.iter().map(ToString::to_string));
        let work = SceneWork {
            edits: luggage.edits.clone(),
            pack: packed.iter().map(|obstacle| obstacle.need.path.clone()).collect(),
            scene: scene.name.clone(),
        };
        let packed: Vec<PackedFile> = packed.iter().map(|obstacle| obstacle.as_packed(self.digests)).collect();
        let stored_bytes = hashed.size() + packed.iter().map(|file| file.size).sum::<u64>();
        let mut warnings = warnings::of(file, scene, &wanted, self.renders_with(), &missing, &packed);
        if request.scene == SceneChoice::Active {
            warnings.extend(warnings::other_scenes(file, scene));
        }
        let job = PlannedJob {
            verdict: JobVerdict::New,
            tasks: u32::try_from(frames.len().div_ceil(chunk as usize)).unwrap_or(u32::MAX),
            bytes: stored_bytes + output::estimate(&wanted.output) * frames.len() as u64,
            warnings,
            source: source(file, hashed),
            blender: file.blender_version.to_string(),
            saved: file.modified,
            scene: scene_argument(file, scene),
            store: layout::store_file(&reference, "blend"),
            edits: work.edits.iter().map(Into::into).collect(),
            packed,
            output: wanted.output,
            dependencies: file.dependencies.iter().flat_map(|need| self.records(need, &luggage)).collect(),
            options: request.options.clone(),
            priority: request.priority,
            tag: request.tag.clone(),
            paused: request.paused,
            run: RunId::random(),
            reference,
            frames,
            chunk,
            chunk_reason,
        };
        Ok((job, work, luggage.copies))
    }

    /// The Blender that will render.
    fn renders_with(&self) -> Renders {
        match self.queue {
            Queue::Local => Renders::Here(self.here),
            Queue::Flamenco => Renders::OnWorkers(self.farm.blender),
        }
    }

    /// What of it Blender will pack, and what is left behind, sorted by what the user allowed.
    fn sort(
        &self,
        candidate: &Candidate<'a>,
        job: &JobRef,
        obstacles: Vec<Obstacle<'a>>,
    ) -> Result<(Vec<Obstacle<'a>>, Vec<Obstacle<'a>>), Failure> {
        let Candidate { request, file, .. } = candidate;
        let libraries = Libraries::of(file);
        let is_packed = |obstacle: &Obstacle<'_>| {
            request.packing == Packing::WhereNeeded && obstacle.is_packable(&file.path, libraries)
        };
        let (packed, left): (Vec<_>, Vec<_>) = obstacles.into_iter().partition(is_packed);
        if request.missing == Missing::Refuse && !left.is_empty() {
            return Err(refusal::left_behind(job, &left, request.packing));
        }
        if !packed.is_empty() {
            let here = self.here.map_or_else(|| self.renderer.ask(), Ok);
            let here = here.map_err(|error| refusal::no_packer(job, &error))?;
            if file.blender_version > here {
                return Err(refusal::too_old_to_pack(job, file.blender_version, here));
            }
        }
        Ok((packed, left))
    }

    fn records(&self, need: &'a blend::Dependency, luggage: &Luggage<'a>) -> Vec<DependencyRecord> {
        let in_place = self.gathering.is_in_place(need);
        let record = |path: &Path, stored: Option<RelPath>, hashed: Option<&Hashed>| DependencyRecord {
            path: path.display().to_string(),
            kind: need.kind.to_string(),
            in_place: stored.is_some() && in_place,
            stored,
            size: hashed.map_or(0, Hashed::size),
            modified: hashed.map(Hashed::modified),
            digest: hashed.map(|hashed| hashed.digest),
        };
        match need.state {
            State::Found => {
                let stored = self.gathering.stored(need, luggage);
                need.files.iter().map(|file| record(file, stored(file), self.digests.get(file))).collect()
            }
            State::Missing(_) => vec![record(&need.path, None, None)],
            State::Packed => Vec::new(),
        }
    }
}

fn frames(request: &JobRequest, scene: &Scene) -> Result<FrameSet, Failure> {
    let frames = match &request.frames {
        Some(frames) => frames.clone(),
        None => FrameSet::range(scene.frame_start, scene.frame_end, scene.frame_step)
            .map_err(|error| Failure::from(error).context(request.file.display()))?,
    };
    refusal::check_frames(&request.file, &frames)?;
    Ok(frames)
}

/// The files that a scene needs and that are not there, each once, in words.
fn missing(file: &SceneFile) -> Vec<String> {
    let missing = file.dependencies.iter().filter(|need| matches!(need.state, State::Missing(_)));
    let words: BTreeSet<String> = missing.map(|need| format!("{} {}", need.kind, need.path.display())).collect();
    words.into_iter().collect()
}

fn source(file: &SceneFile, hashed: Hashed) -> Source {
    Source {
        path: file.path.display().to_string(),
        size: hashed.size(),
        modified: hashed.modified(),
        digest: hashed.digest,
    }
}

/// The active scene needs no argument (and Flamenco before 3.6 knows none).
fn scene_argument(file: &SceneFile, scene: &Scene) -> Option<String> {
    let is_active = file.main_scene().is_some_and(|active| active.name == scene.name);
    (!is_active).then(|| scene.name.clone())
}
