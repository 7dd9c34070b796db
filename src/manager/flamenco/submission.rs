//! Submitting jobs: one try each, and the truth about what came of it.

use super::Flamenco;
use super::reply::{self, Answer};
use crate::manager::compile::farm_type;
use crate::manager::compile::simple_blender_render::{self as simple, plain_frames};
use crate::manager::job::META_ID;
use crate::manager::wire::job::Job;
use crate::manager::wire::meta::JobType;
use crate::manager::wire::submitted::SubmittedJob;
use crate::manager::{ManagerError, ManagerJob, RenderWork, Submission, Work, compile};
use crate::sys::http::{Arrival, HttpError};
use crate::sys::interrupt;
use serde_json::{Map, Value, json};

/// Its paths begin as the Manager itself knows the storage; it turns them into its two-way variables.
const PLATFORM: &str = "manager";
/// What workers run on, as Go names it.
const PLATFORMS: [&str; 3] = ["linux", "windows", "darwin"];
/// What proxies say of a request that they have passed on, and that may still arrive.
const OF_PROXIES: [u16; 4] = [408, 502, 503, 504];

impl Flamenco {
    pub(super) fn check_submission(&self, submission: &Submission) -> Result<(), ManagerError> {
        let Work::SimpleBlenderRender(work) = &submission.work;
        if let Some(blender) = &work.options.blender {
            self.check_variable(blender)?;
        }
        self.with_fresh_type(submission, |job| {
            let answer = self.api.try_out("jobs/check", job)?;
            match answer.reply.status {
                412 => Ok(None),
                _ => answer.expect_nothing("the check of a job").map(Some),
            }
        })
    }

    /// A name without a variable would reach the worker as it is, and fail each task there.
    fn check_variable(&self, name: &str) -> Result<(), ManagerError> {
        for platform in PLATFORMS {
            if self.variables(platform)?.contains_key(name) {
                return Ok(());
            }
        }
        let unknown = format!("tell its workers where that Blender is: it has no variable {name}");
        match self.offer.job_type(&self.api, farm_type::JOB_TYPE)? {
            Some(_) => Err(self.incapable(unknown, NO_VARIABLE)),
            None => {
                let unknown = format!("run jobs of type {}: it has none; nor can it {unknown}", farm_type::JOB_TYPE);
                Err(self.incapable(unknown, NEITHER))
            }
        }
    }

    /// Sends the job. Whether a request without an answer arrived is for the caller to find out.
    pub(super) fn submit_once(&self, submission: &Submission) -> Result<ManagerJob, ManagerError> {
        self.with_fresh_type(submission, |job| {
            // Between tries of a submission that was not sent at all.
            let mut pauses = self.api.bounds.pauses.into_iter();
            loop {
                match self.api.post_once("jobs", job) {
                    Ok(answer) => return self.judge(answer, submission),
                    Err(error) => match pauses.next().filter(|_| was_not_sent(&error)) {
                        Some(pause) => interrupt::rest(pause),
                        None => return Err(self.api.unanswered(&error)),
                    },
                }
                if let Some(signal) = interrupt::signal_that_came() {
                    return Err(ManagerError::Interrupted { address: self.api.address().to_owned(), signal });
                }
            }
        })
    }

    /// `None`: the job type is another by now.
    fn judge(&self, answer: Answer<'_>, submission: &Submission) -> Result<Option<ManagerJob>, ManagerError> {
        let status = answer.reply.status;
        match status {
            412 => Ok(None),
            200..=299 => match serde_json::from_slice::<Job<'_>>(&answer.reply.body) {
                Ok(job) => self.is_of(submission, job.into()).map(Some),
                Err(error) => Err(self.api.unknown(reply::not_a_manager(&answer.reply, &error), false)),
            },
            // Its own code failed, perhaps after the job was stored; or a proxy does not know, and has passed it on. Some
            // proxies speak JSON too.
            500..=599 | 408 => {
                let is_over = answer.is_its_own() && !OF_PROXIES.contains(&status);
                let words = answer.words().map(|words| format!(": {words}")).unwrap_or_default();
                Err(self.api.unknown(format!("HTTP {status}{words}"), !is_over))
            }
            _ => Err(answer.error("the submission of jobs")),
        }
    }

    /// Whoever answers with another job than was sent is no Manager, or not the one that got it.
    fn is_of(&self, submission: &Submission, job: ManagerJob) -> Result<ManagerJob, ManagerError> {
        match job.metadata.get(META_ID) == submission.metadata.get(META_ID) {
            true => Ok(job),
            false => Err(self.api.unknown(format!("its answer is about another job, {}", job.id), true)),
        }
    }

    /// Calls with the job as the Manager wants it, and once more where the Manager says that its type has changed.
    fn with_fresh_type<T>(
        &self,
        submission: &Submission,
        call: impl Fn(&SubmittedJob<'_>) -> Result<Option<T>, ManagerError>,
    ) -> Result<T, ManagerError> {
        for _ in 0..2 {
            let job = self.prepare(submission)?;
            if let Some(done) = call(&job)? {
                return Ok(done);
            }
            self.offer.forget_type(job.job_type);
        }
        Err(ManagerError::Rejected {
            address: self.api.address().to_owned(),
            message: "its job type changes all the time".to_owned(),
        })
    }

    fn prepare<'s>(&self, submission: &'s Submission) -> Result<SubmittedJob<'s>, ManagerError> {
        let name = self.job_type_for(&submission.work)?;
        let offered = self.offer.job_type(&self.api, name)?;
        let missing = if name == farm_type::JOB_TYPE { NO_FARM_TYPE } else { NO_TYPE };
        let job_type =
            offered.ok_or_else(|| self.incapable(format!("run jobs of type {name}: it has none"), missing))?;
        let settings = match &submission.work {
            Work::SimpleBlenderRender(work) if name == farm_type::JOB_TYPE => self.farm_settings(work, &job_type)?,
            Work::SimpleBlenderRender(work) => self.render_settings(work, &job_type)?,
        };
        if submission.paused && !self.offer.takes(&self.api, "initial_status")? {
            return Err(self.incapable("keep a job paused from its start".to_owned(), NO_PAUSE));
        }
        let worker_tag = submission.tag.as_deref().map(|tag| self.offer.tag(&self.api, tag)).transpose()?;
        Ok(SubmittedJob {
            name: &submission.name,
            job_type: name,
            type_etag: job_type.etag.clone(),
            priority: submission.priority,
            settings,
            metadata: &submission.metadata,
            submitter_platform: PLATFORM,
            worker_tag,
            initial_status: submission.paused.then_some("paused"),
        })
    }

    /// The type that says `work` on this Manager: until 3.5 the built-in one knows no scene but the active one, which
    /// farm's own type does.
    fn job_type_for(&self, work: &Work) -> Result<&'static str, ManagerError> {
        let (name, Work::SimpleBlenderRender(render)) = (compile::job_type(work), work);
        if name == farm_type::JOB_TYPE || render.scene.is_none() {
            return Ok(name);
        }
        let knows_scenes = self.offer.job_type(&self.api, name)?.is_none_or(|offered| offered.has("scene"));
        let has_ours = || Ok::<_, ManagerError>(self.offer.job_type(&self.api, farm_type::JOB_TYPE)?.is_some());
        Ok(if !knows_scenes && has_ours()? { farm_type::JOB_TYPE } else { name })
    }

    /// Farm's own job type, compiled here.
    fn farm_settings(&self, work: &RenderWork, job_type: &JobType) -> Result<Map<String, Value>, ManagerError> {
        if job_type.label != farm_type::LABEL {
            let (theirs, ours) = (&job_type.label, farm_type::LABEL);
            let what = format!("be asked for this: its job type is {theirs:?}, this farm needs {ours:?}");
            return Err(self.incapable(what, NO_FARM_TYPE));
        }
        self.check_work(work)?;
        Ok(farm_type::settings(work))
    }

    fn check_work(&self, work: &RenderWork) -> Result<(), ManagerError> {
        simple::check(work).map_err(|error| ManagerError::Rejected {
            address: self.api.address().to_owned(),
            message: error.to_string(),
        })
    }

    /// Every setting has a value: the Manager fills in none, and compiles what is left out into nonsense.
    fn render_settings(&self, work: &RenderWork, job_type: &JobType) -> Result<Map<String, Value>, ManagerError> {
        self.check_work(work)?;
        let root = work.render_output_path.rsplit_once('/').map_or("", |(root, _)| root);
        let mut settings = Map::new();
        let mut set = |key: &str, value: Value| settings.insert(key.to_owned(), value);
        set("frames", json!(plain_frames(&work.frames)));
        set("chunk_size", json!(self.chunk_size(work)?));
        set("render_output_root", json!(root));
        set("add_path_components", json!(0));
        set("render_output_path", json!(work.render_output_path));
        set("blendfile", json!(work.blendfile));
        set("format", json!(work.format));
        set("image_file_extension", json!(work.image_file_extension));
        set("has_previews", json!(false));
        match &work.scene {
            Some(scene) if job_type.has("scene") => drop(set("scene", json!(scene))),
            Some(scene) => {
                return Err(
                    self.incapable(format!("render scene {scene:?}, which is not the file's active one"), NO_SCENE)
                );
            }
            None => {}
        }
        Ok(settings)
    }

    /// Up to 3.2 a task of two ranges was handed to Blender in a way that it does not understand: there chunks are made
    /// so small that none has two.
    fn chunk_size(&self, work: &RenderWork) -> Result<u32, ManagerError> {
        let has_two = |size: u32| {
            compile::chunks(&RenderWork { chunk_size: size, ..work.clone() }).any(|chunk| has_two_ranges(&chunk))
        };
        if !has_two(work.chunk_size) || self.offer.takes(&self.api, "worker_tag")? {
            return Ok(work.chunk_size);
        }
        let mut size = work.chunk_size;
        while size > 1 && has_two(size) {
            size = size.div_ceil(2);
        }
        Ok(size)
    }

    fn incapable(&self, what: String, next: &str) -> ManagerError {
        ManagerError::Incapable { address: self.api.address().to_owned(), what, next: next.to_owned() }
    }
}

const NO_FARM_TYPE: &str = "`farm setup manager` installs farm's job type.";
const NO_VARIABLE: &str =
    "Set it under variables in flamenco-manager.yaml, start the Manager anew, and see `farm doctor`.";
const NEITHER: &str = "Install farm's job type first, with `farm setup manager`; then set the variable under variables in \
     flamenco-manager.yaml, and start the Manager anew.";
const NO_TYPE: &str = "`farm doctor` shows which job types it serves.";
const NO_PAUSE: &str = "Leave --paused out, or use Flamenco 3.6 or newer.";
const NO_SCENE: &str = "Install farm's job type with `farm setup manager`, make it the file's active scene, or use Flamenco 3.6 or \
     newer.";

fn was_not_sent(error: &HttpError) -> bool {
    error.arrival() == Arrival::Never && error.may_pass()
}

fn has_two_ranges(frames: &crate::base::frame_set::FrameSet) -> bool {
    plain_frames(frames).split(',').filter(|piece| piece.contains('-')).count() > 1
}
