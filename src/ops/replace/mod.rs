//! `farm replace job`: what is asked of the plan so that jobs get a new revision.
//!
//! A job is planned anew with all that was asked for when it was planned before: which scene of the file, the options of its
//! renderer, tag and priority of its newest run. What the command says counts before that.

mod using;

pub use using::using;

use crate::base::counted::counted;
use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::name::{Home, JobName};
use crate::blend::{self, Scene, SceneFile};
use crate::ops::plan::output;
use crate::ops::plan::request::{Anew, JobRequest, Packing, PlanRequest, SceneChoice, Update};
use crate::ops::release;
use crate::ops::status;
use crate::volume::Volume;
use crate::volume::release_file::{JobRecord, ReleaseFile, Revision};
use std::path::{Path, PathBuf};

/// Jobs of one home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The release, or `quick`.
    pub home: Home,
    /// Its jobs that are meant.
    pub jobs: Vec<JobName>,
}

/// The one job that a word names.
pub fn one(volume: &Volume, word: &str) -> Result<Chosen, Failure> {
    let named = status::find(volume, word)?;
    match named.job {
        Some(job) => Ok(Chosen { home: named.file.name, jobs: vec![job] }),
        None => {
            let jobs: Vec<String> =
                named.file.jobs.iter().map(|job| format!("{}/{}", named.file.name, job.name)).collect();
            let words =
                format!("{word:?} is a release of {}, and one job is replaced at a time", counted(jobs.len(), "job"));
            Err(Failure::new(Class::Usage, words).with_hint(format!(
                "Name one of {}; with --using FILE all jobs are replaced that need that file.",
                crate::ops::plan::refusal::first(&jobs, 5, ", ")
            )))
        }
    }
}

/// What is asked for beside what was asked when a job was planned.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The new scene; the one that was named before otherwise.
    pub with: Option<PathBuf>,
    /// The flags of a job; its file and name are filled in. Its frames are the job's new range.
    pub job: JobRequest,
    /// Which frames are rendered anew.
    pub anew: Anew,
}

/// The request that gives these jobs a new revision.
pub fn request(volume: &Volume, chosen: &Chosen, asked: &Asked) -> Result<PlanRequest, Failure> {
    let file = release::load(volume, &chosen.home)?;
    let record = |name: &JobName| file.as_ref().and_then(|file: &ReleaseFile| file.job(name));
    let jobs = chosen.jobs.iter().filter_map(record).map(|record| job(volume, record, asked));
    Ok(PlanRequest {
        release: chosen.home.clone(),
        jobs: jobs.collect(),
        job_name_template: "{file}".to_owned(),
        update: Update::Replace(asked.anew.clone()),
    })
}

fn job(volume: &Volume, record: &JobRecord, asked: &Asked) -> JobRequest {
    let (old, over) = (record.current(), &asked.job);
    let last = record.newest_run();
    let stored = Stored::of(volume, old);
    JobRequest {
        file: asked.with.clone().unwrap_or_else(|| PathBuf::from(&old.source.path)),
        name: Some(record.name.to_string()),
        frames: over.frames.clone().or_else(|| stored.chosen_frames(old)),
        priority: last.filter(|_| !over.asked.priority).map_or(over.priority, |run| run.priority),
        tag: over.tag.clone().or_else(|| last.and_then(|run| run.tag.clone())),
        format: over.format.clone().or_else(|| stored.chosen_format(old)),
        scene: match (&over.scene, &old.scene) {
            (SceneChoice::Active, Some(name)) => SceneChoice::Named(name.clone()),
            (scene, _) => scene.clone(),
        },
        packing: if was_packed(old) { Packing::WhereNeeded } else { over.packing },
        missing: over.missing,
        options: old.options.with(&over.options),
        ..over.clone()
    }
}

/// Whether files were packed into the copy: they have a size, and no place on the volume.
fn was_packed(revision: &Revision) -> bool {
    revision.dependencies.iter().any(|need| need.stored.is_none() && need.size > 0)
}

/// The copy of a scene in the store: it tells what the scene said then, and so what was asked beside it.
struct Stored(Option<SceneFile>);

impl Stored {
    /// One that cannot be read tells nothing.
    fn of(volume: &Volume, revision: &Revision) -> Stored {
        Stored(blend::read(&volume.path_of(&revision.store.path)).ok())
    }

    fn scene(&self, revision: &Revision) -> Option<&Scene> {
        let file = self.0.as_ref()?;
        match &revision.scene {
            Some(name) => file.scenes.iter().find(|scene| scene.name == *name),
            None => file.main_scene(),
        }
    }

    /// The frames, unless they are those that the scene said.
    fn chosen_frames(&self, revision: &Revision) -> Option<FrameSet> {
        let said =
            self.scene(revision).map(|scene| FrameSet::range(scene.frame_start, scene.frame_end, scene.frame_step));
        let is_said = said.is_some_and(|frames| frames.is_ok_and(|frames| frames == revision.frames));
        (!is_said).then(|| revision.frames.clone())
    }

    /// The format, where the scene said another one.
    fn chosen_format(&self, revision: &Revision) -> Option<String> {
        let (file, scene) = (self.0.as_ref()?, self.scene(revision)?);
        let said = output::wanted(scene, None, file.blender_version).ok()?.output.format;
        (said != revision.output.format).then(|| revision.output.format.clone())
    }
}

/// Whether a job of this revision needs the file at `path`, by any of the names that it has.
fn needs(revision: &Revision, is_it: &dyn Fn(&Path) -> bool, root: &Path) -> bool {
    let stored = |path: &crate::base::rel_path::RelPath| is_it(&root.join(path.as_str()));
    revision.dependencies.iter().any(|need| is_it(Path::new(&need.path)) || need.stored.as_ref().is_some_and(stored))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::render_options::RenderOptions;
    use crate::base::status::TaskStatus;
    use crate::ops::check::room::Room;
    use crate::ops::plan::request::{Asked as Options, Chunk, Missing};

    fn asked() -> Asked {
        let job = JobRequest {
            file: PathBuf::new(),
            name: None,
            frames: None,
            chunk: Chunk::Auto,
            priority: 50,
            tag: None,
            format: None,
            scene: SceneChoice::Active,
            missing: Missing::Refuse,
            packing: Packing::Never,
            options: RenderOptions::default(),
            paused: false,
            asked: Options::default(),
            found: false,
        };
        Asked { with: None, job, anew: Anew::All }
    }

    fn request_of(room: &Room, asked: &Asked) -> JobRequest {
        let chosen = Chosen { home: room.release().clone(), jobs: vec!["A".parse().expect("name")] };
        request(&room.volume, &chosen, asked).expect("readable").jobs.remove(0)
    }

    #[test]
    fn what_was_asked_before_is_asked_again() {
        let mut room = Room::new(&[("A", "1-3")]);
        room.add_run("1-3", TaskStatus::Completed);
        let record = &mut room.file.jobs[0];
        (record.runs[0].priority, record.runs[0].tag) = (70, Some("gpu".into()));
        record.revisions[0].scene = Some("Night".into());
        record.revisions[0].options = RenderOptions { samples: Some(8), ..RenderOptions::default() };
        room.save();
        let job = request_of(&room, &asked());
        assert_eq!((job.file, job.priority, job.tag.as_deref()), (PathBuf::from("/A.blend"), 70, Some("gpu")));
        assert_eq!((job.scene, job.options.samples), (SceneChoice::Named("Night".into()), Some(8)));
        assert_eq!(job.frames.map(|frames| frames.to_string()).as_deref(), Some("1-3"), "the copy says nothing");
        let mut over = asked();
        over.job.priority = 10;
        over.job.asked.priority = true;
        over.job.options.samples = Some(99);
        let job = request_of(&room, &over);
        assert_eq!((job.priority, job.options.samples), (10, Some(99)));
    }

    /// Who rendered what the scene said wants what the new one says.
    #[test]
    fn frames_that_the_scene_said_are_those_of_the_new_one() {
        let mut room = Room::new(&[("A", "1-10")]);
        let scene = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenes/workbench10.blend");
        room.put("releases/r1/store/A.blend", &std::fs::read(scene).expect("a scene"));
        assert_eq!(request_of(&room, &asked()).frames, None);
        assert_eq!(request_of(&room, &asked()).format, None);
        room.file.jobs[0].revisions[0].frames = "1-4".parse().expect("frames");
        room.file.jobs[0].revisions[0].output.format = "OPEN_EXR".into();
        room.save();
        let job = request_of(&room, &asked());
        assert_eq!(job.frames.map(|frames| frames.to_string()).as_deref(), Some("1-4"));
        assert_eq!(job.format.as_deref(), Some("OPEN_EXR"));
    }
}
