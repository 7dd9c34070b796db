//! What the rules need of a farm: a Manager, workers that can be told to work, and a scene that does as it is told.

use farm::base::ids::{JobId, RunId};
use farm::base::status::{JobStatus, TaskStatus};
use farm::manager::{Manager, ManagerJob, RenderWork, Submission, Work, job};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What each submission of the rules carries: text that has to come back as it is.
const NOTE: &str = "a rule's: ä \" ' % \u{1b}[2J";

/// Whether a rule submitted this job.
pub(crate) fn is_of_a_rule(job: &ManagerJob) -> bool {
    job.metadata.get("note").is_some_and(|note| note == NOTE)
}

/// How a scene behaves when it is rendered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scene {
    /// Each frame takes no time.
    Light,
    /// Each frame takes a second.
    Slow,
    /// Nothing can be rendered.
    Failing,
}

impl Scene {
    /// Its name, and the text by which the stand-in for Blender knows what to do.
    pub(crate) fn name_and_text(self) -> (&'static str, &'static str) {
        match self {
            Scene::Light => ("light", ""),
            Scene::Slow => ("slow", "seconds=1"),
            Scene::Failing => ("failing", "fail=1"),
        }
    }
}

/// A farm under test.
pub(crate) trait TestFarm {
    /// Its Manager.
    fn manager(&self) -> &dyn Manager;
    /// A scene's file, as its workers see it.
    fn scene(&self, scene: Scene) -> PathBuf;
    /// A fresh folder for frames.
    fn output(&self) -> PathBuf;
    /// Lets one worker work until nothing is left for it.
    fn work(&self);
    /// Lets one worker work while `body` runs.
    fn while_working(&self, body: &mut dyn FnMut());
    /// How many renderers of this farm run now.
    fn renderers(&self) -> usize;
    /// Whether its jobs can be paused, from their start or later: before 3.6 Flamenco's cannot.
    fn can_pause(&self) -> bool {
        true
    }
}

/// A submission over `frames`, and the folder its frames go to.
pub(crate) fn submission(farm: &dyn TestFarm, scene: Scene, frames: &str, chunk_size: u32) -> (Submission, PathBuf) {
    let output = farm.output();
    let work = RenderWork {
        blendfile: farm.scene(scene).to_string_lossy().into_owned(),
        scene: None,
        frames: frames.parse().expect("a frame set"),
        chunk_size,
        render_output_path: output.join("######").to_string_lossy().into_owned(),
        format: "PNG".into(),
        image_file_extension: ".png".into(),
        options: Default::default(),
    };
    let metadata = BTreeMap::from([
        (job::META_ID.to_owned(), RunId::random().to_string()),
        (job::META_JOB.to_owned(), "r1/A".to_owned()),
        ("note".to_owned(), NOTE.to_owned()),
    ]);
    let submission = Submission {
        name: "r1/A".into(),
        priority: 50,
        metadata,
        tag: None,
        paused: false,
        work: Work::SimpleBlenderRender(work),
    };
    (submission, output)
}

/// Submits such a run.
pub(crate) fn submit(farm: &dyn TestFarm, scene: Scene, frames: &str, chunk_size: u32) -> ManagerJob {
    farm.manager().submit(&submission(farm, scene, frames, chunk_size).0).expect("it is taken")
}

/// The job's status now.
pub(crate) fn status(farm: &dyn TestFarm, id: &JobId) -> JobStatus {
    farm.manager().job(id).expect("the Manager answers").expect("the job is there").status
}

/// The statuses of the job's tasks, in their order.
pub(crate) fn task_statuses(farm: &dyn TestFarm, id: &JobId) -> Vec<TaskStatus> {
    farm.manager().tasks(id).expect("the Manager answers").into_iter().map(|task| task.status).collect()
}

/// Waits until `condition` holds; panics with `what` after a minute and a half: a Worker of Flamenco that has nothing to
/// do asks for work every 20 seconds, and looks every 10 whether it may go on.
pub(crate) fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(90), "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The names of the files in a folder, sorted; none if it is not there.
pub(crate) fn names(folder: &std::path::Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
