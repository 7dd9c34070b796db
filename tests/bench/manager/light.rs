//! Many light frames through a real Manager and one Worker: what the size of tasks is worth.

use crate::Sizes;
use crate::support::Farm;
use farm::base::ids::{JobId, RunId};
use farm::base::status::{JobStatus, TaskStatus};
use farm::manager::{Flamenco, Manager};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// Renders with one frame per task are cut short after so many, and the rest is reckoned: each takes the same.
const SINGLE: u32 = 20;

/// From the first task that is active to the job that is completed, against Blender alone.
pub(crate) fn run(sizes: Sizes) {
    let Some((url, manager)) = super::named("light") else { return };
    let farm = Farm::with_real_blender();
    let frames = sizes.light_frames;
    let storage = manager.storage(Path::new("/")).expect("its storage");
    let name = format!("bench-{}", &RunId::random().to_string()[..8]);
    let plan = |job: &str, more: &str| {
        let words = format!("--volume {storage} --manager {url} plan release {name}-{job} scenes/B.blend {more} --yes");
        farm.room.farm(&words.split(' ').collect::<Vec<_>>()).expect(0);
        since_active(&manager, &format!("{name}-{job}/B"))
    };
    let began = Instant::now();
    let mut blender = Command::new("blender");
    blender.args(["-b", "scenes/B.blend", "-o", "bare/######", "-s", "1", "-e", &frames.to_string(), "-a"]);
    crate::timed(&farm.room, blender);
    let bare = began.elapsed().as_secs_f64();
    let unknown = plan("auto", &format!("--frames 1-{frames}"));
    // Whoever looks at it has its logs read.
    let status = format!("--volume {storage} --manager {url} status {name}-auto");
    farm.room.farm(&status.split(' ').collect::<Vec<_>>()).expect(0);
    let known = plan("auto", &format!("--frames 1-{} --update", 2 * frames));
    let single = SINGLE.min(frames);
    let each = plan("single", &format!("--frames 1-{single} --chunk 1"));
    let singles = each * f64::from(frames) / f64::from(single);
    println!("## {frames} light frames, real Manager and one Worker\n\n| | s | x blender -a |\n|---|---|---|");
    let rows = [
        ("blender -a", bare),
        ("farm, pace not known", unknown),
        ("farm, pace known", known),
        (&*format!("farm --chunk 1, from {single} frames"), singles),
    ];
    for (name, seconds) in rows {
        println!("| {name} | {seconds:.1} | {:.2} |", seconds / bare);
    }
    println!("\ngoal: known at most 1.3 x, not known at most 45 s more, and at most 0.1 x of --chunk 1\n");
}

/// Seconds from the first task that is active to the end of the newest job of this name.
fn since_active(manager: &Flamenco, name: &str) -> f64 {
    let mut jobs = manager.jobs().expect("the jobs");
    jobs.retain(|job| job.name == name);
    let job = jobs.into_iter().max_by_key(|job| job.created).expect("the job").id;
    let has_begun = |id: &JobId| {
        let tasks = manager.tasks(id).expect("the tasks");
        tasks.iter().any(|task| task.status != TaskStatus::Queued)
    };
    while !has_begun(&job) {
        std::thread::sleep(PAUSE);
    }
    let began = Instant::now();
    loop {
        let status = manager.job(&job).expect("the job").expect("it is there").status;
        if status.has_ended() {
            assert_eq!(status, JobStatus::Completed, "{name}");
            return began.elapsed().as_secs_f64();
        }
        std::thread::sleep(PAUSE);
    }
}
