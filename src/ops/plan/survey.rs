//! Reading everything that a plan depends on. Changes nothing, takes no lock, asks the Manager only to look.

use super::acceptance;
use super::chunk::{self, Facts, Queue};
use super::digests::{self, Digests, Hashed};
use super::farm_facts::FarmFacts;
use super::gather::{Copy, Gathering, Luggage};
use super::names::{self, NameFacts};
use super::obstacle::{Libraries, Obstacle};
use super::output;
use super::pace::Paces;
use super::request::{JobRequest, Missing, Packing, PlanRequest, SceneChoice};
use super::verdict::{self, Conflict};
use super::warnings::{self, Renders};
use super::{JobVerdict, LeftOut, PackedFile, PlannedJob, ReleasePlan, Repair, SCHEMA};
use super::{begun, refusal, repair, revision, scenes};
use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::ids::RunId;
use crate::base::name::{JobName, JobRef};
use crate::base::rel_path::RelPath;
use crate::base::render_options::RenderOptions;
use crate::blend::{self, BlenderVersion, Contents, Edit, Reader, Scene, SceneFile, State};
use crate::ops::ports::Ports;
use crate::ops::release;
use crate::ops::renderer::Renderer;
use crate::volume::layout;
use crate::volume::release_file::{DependencyRecord, ReleaseFile, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    let existing = existing_release(ports, request)?;
    refusal::check_queue(&ports.manager.address(), request)?;
    let files = scenes::read(ports, request, existing.as_ref(), &Reader::new(&known.contents))?;
    let left_out = scenes::left_out(request, &files)?;
    let candidates = candidates(request, &files, &left_out)?;
    // Blender says its version while the files are read.
    let (here, digests) = std::thread::scope(|scope| {
        let version = scope.spawn(|| renderer.version());
        let digests = digests::compute(ports, &wanted_files(&candidates), &known.digests);
        (version.join().unwrap_or_default(), digests)
    });
    let digests = digests?;
    scenes::check_read(&files, &digests, &known.contents)?;
    let root = ports.volume.path();
    let all = files.iter().flat_map(|file| &file.dependencies);
    let gathering = Gathering::new(&root, &request.release, &digests, all);
    let planner = Planner {
        request,
        gathering: &gathering,
        digests: &digests,
        renderer,
        here,
        farm: FarmFacts::of(ports.manager)?,
        queue: if ports.manager.is_remote() { Queue::Flamenco } else { Queue::Local },
        // The local queue cuts by its workers alone.
        paces: if ports.manager.is_remote() { Paces::of(ports.volume)? } else { Paces::none(ports.volume) },
    };
    let mut jobs = Vec::with_capacity(candidates.len());
    let mut scenes = BTreeMap::new();
    let mut luggage = Vec::with_capacity(candidates.len());
    for candidate in &candidates {
        let (job, work, copies) = planner.job(candidate)?;
        scenes.insert(job.store.clone(), work);
        luggage.push(copies);
        jobs.push(job);
    }
    let mut repairs = Vec::new();
    if let Some(file) = &existing {
        let requests: Vec<&JobRequest> = candidates.iter().map(|candidate| candidate.request).collect();
        let seeded = begun::seeded(ports.volume, file)?;
        verdict::judge(&mut jobs, &requests, file, &request.update, &seeded)
            .map_err(|conflict| repair::explain(ports.volume, file, conflict))?;
        revision::settle(ports, file, &mut jobs)?;
        repairs = repair::survey(ports, file, &jobs, &luggage)?;
        for (job, candidate) in jobs.iter_mut().zip(&candidates) {
            planner.cut(job, candidate.request);
        }
    }
    let copies = to_be_copied(&jobs, luggage, &repairs);
    let waiting = existing.as_ref().map(|file| verdict::waiting_beside(&jobs, file)).unwrap_or_default();
    let plan = ReleasePlan {
        schema: SCHEMA.to_owned(),
        release: request.release.clone(),
        volume: ports.volume.id(),
        manager: ports.manager.address(),
        jobs,
        copies: copies.iter().map(|copy| copy.planned.clone()).collect(),
        repairs,
        left_out,
        waiting,
        request: request.clone(),
    };
    acceptance::check(ports, &plan)?;
    let known = Known { digests, contents: known.contents.clone() };
    Ok(Survey { plan, scenes, copies, known })
}

/// The copies of jobs that the release does not have yet, and those that are made anew, each once.
fn to_be_copied(jobs: &[PlannedJob], luggage: Vec<Vec<Copy>>, repairs: &[Repair]) -> Vec<Copy> {
    let damaged: BTreeSet<&RelPath> = repairs.iter().map(|repair| &repair.path).collect();
    let mut copies: BTreeMap<RelPath, Copy> = BTreeMap::new();
    for (job, taken) in jobs.iter().zip(luggage) {
        let wanted = |copy: &Copy| job.puts_its_scene() || damaged.contains(&copy.planned.to);
        copies.extend(taken.into_iter().filter(wanted).map(|copy| (copy.planned.to.clone(), copy)));
    }
    copies.into_values().collect()
}

/// The release of this name, if there is one; another that differs in case alone is refused.
fn existing_release(ports: &Ports<'_>, request: &PlanRequest) -> Result<Option<ReleaseFile>, Failure> {
    let folded = request.release.folded();
    let twin = ports.volume.homes()?.names.into_iter().find(|name| name.folded() == folded);
    match twin {
        Some(existing) if existing != request.release => {
            Err(Conflict::FoldedName { release: request.release.clone(), existing }.into())
        }
        _ => release::load(ports.volume, &request.release),
    }
}

/// Every scene that becomes a job, named.
fn candidates<'a>(
    request: &'a PlanRequest,
    files: &'a [SceneFile],
    left_out: &[LeftOut],
) -> Result<Vec<Candidate<'a>>, Failure> {
    let mut candidates: Vec<Candidate<'a>> = Vec::new();
    let is_left = |job: &JobRequest| left_out.iter().any(|left| Path::new(&left.path) == job.file);
    for (job, file) in request.jobs.iter().zip(files).filter(|(job, _)| !is_left(job)) {
        let scenes = scenes::chosen(job, file)?;
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
    let no_camera = candidates.iter().filter(|candidate| candidate.scene.lacks_camera()).map(described);
    refusal::check_cameras(&no_camera.collect::<Vec<_>>())?;
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
    paces: Paces<'a>,
}

impl<'a> Planner<'a> {
    /// The job, what is done with its scene, and what is copied with it.
    fn job(&self, candidate: &Candidate<'a>) -> Result<(PlannedJob, SceneWork, Vec<Copy>), Failure> {
        let Candidate { request, file, scene, name } = candidate;
        let reference = JobRef::within(&self.request.release, name);
        let frames = frames(request, scene)?;
        if matches!(self.queue, Queue::Flamenco) && !scene.file_extension.is_on() && request.options.is_plain() {
            return Err(refusal::no_extensions(&reference));
        }
        let wanted = output::wanted(scene, request.format.as_deref(), self.here.unwrap_or(file.blender_version))?;
        let mut luggage = self.gathering.take(&file.path, &reference);
        let (packed, left) = self.sort(candidate, &reference, luggage.obstacles.clone())?;
        let nodes = output::edits(&wanted, &reference);
        luggage.edits.extend(nodes.map_err(|cause| refusal::output_does_not_fit(&reference, &cause))?);
        let hashed = self.digests[&file.path];
        let scene_name = scenes::argument(file, scene);
        let pace = self.paces.get(hashed.digest, scene_name.as_deref(), &request.options);
        let (chunk, chunk_reason) = self.chunk(request, frames.len(), pace);
        let mut missing = scenes::missing(file);
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
        let mut warnings = warnings::of(file, scene, &wanted, self.renders_with(&request.options), &missing, &packed);
        warnings.extend(self.farm.nobody_awake(request.tag.as_deref()));
        if request.scene == SceneChoice::Active {
            warnings.extend(warnings::other_scenes(file, scene));
        }
        let job = PlannedJob {
            verdict: JobVerdict::New,
            tasks: tasks(frames.len(), chunk),
            bytes: stored_bytes + output::estimate(&wanted.output) * frames.len() as u64,
            warnings,
            source: source(file, hashed),
            blender: file.blender_version.to_string(),
            saved: file.modified,
            scene: scene_name,
            store: layout::store_file(&reference, "blend"),
            edits: work.edits.iter().map(Into::into).collect(),
            packed,
            output: wanted.output,
            dependencies: file.dependencies.iter().flat_map(|need| self.records(need, &luggage)).collect(),
            options: request.options.clone(),
            priority: request.priority,
            tag: request.tag.clone(),
            paused: request.paused,
            waiting: FrameSet::default(),
            run: RunId::random(),
            reference,
            frames,
            chunk,
            chunk_reason,
        };
        Ok((job, work, luggage.copies))
    }

    /// The Blender that will render.
    fn renders_with(&self, options: &RenderOptions) -> Renders {
        match self.queue {
            Queue::Local => Renders::Here(self.here),
            // Where another one is asked for, what they took last says nothing.
            Queue::Flamenco => Renders::OnWorkers(self.farm.blender.filter(|_| options.blender.is_none())),
        }
    }

    fn chunk(&self, request: &JobRequest, frames: usize, pace: Option<f64>) -> (u32, String) {
        chunk::choose(
            request.chunk,
            Facts {
                frames,
                workers: self.farm.hands(request.tag.as_deref()),
                seconds_per_frame: pace,
                queue: self.queue,
            },
        )
    }

    /// The tasks of a job that is there already are those of the frames that are added.
    fn cut(&self, job: &mut PlannedJob, request: &JobRequest) {
        let frames = job.to_submit().len();
        let pace = self.paces.get(job.source.digest, job.scene.as_deref(), &job.options);
        if frames > 0 {
            (job.chunk, job.chunk_reason) = self.chunk(request, frames, pace);
        }
        job.tasks = tasks(frames, job.chunk);
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

fn tasks(frames: usize, chunk: u32) -> u32 {
    u32::try_from(frames.div_ceil(chunk.max(1) as usize)).unwrap_or(u32::MAX)
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

fn source(file: &SceneFile, hashed: Hashed) -> Source {
    Source {
        path: file.path.display().to_string(),
        size: hashed.size(),
        modified: hashed.modified(),
        digest: hashed.digest,
    }
}
