//! When a job will be done, from what its frames took so far.

use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::name::JobRef;
use crate::base::status::TaskStatus;
use crate::base::time::Timestamp;
use crate::frames::expected::frame_file;
use crate::ops::check::open_work::RunWork;
use crate::volume::release_file::JobRecord;
use crate::volume::{Volume, layout};

/// So many of the last frames say how fast it goes.
const LAST: usize = 500;

/// Seconds until `left` frames are rendered by `workers` at `seconds_per_frame` each; `None` where that is unknown.
pub fn eta(left: u64, workers: usize, seconds_per_frame: Option<f64>) -> Option<u64> {
    let seconds = seconds_per_frame.filter(|s| s.is_finite() && *s >= 0.0)?;
    match (left, workers) {
        (0, _) | (_, 0) => None,
        (left, workers) => Some((left as f64 * seconds / workers as f64).ceil() as u64),
    }
}

/// Seconds per frame of one worker, told from the times of the frames that came since the newest run began: a task's log
/// says what its frames took only once the task has ended, and a job may be a single one.
pub fn pace(
    volume: &Volume,
    reference: &JobRef,
    job: &JobRecord,
    runs: &[RunWork],
    done: &FrameSet,
) -> Result<Option<f64>, Failure> {
    let tasks = runs.iter().flat_map(|run| &run.tasks);
    let at_work = tasks.filter(|task| task.status == TaskStatus::Active).count();
    let (Some(run), true) = (job.newest_run(), at_work > 0) else { return Ok(None) };
    let Some(dir) = volume.dir(&layout::out_dir(reference))? else { return Ok(None) };
    let output = &job.current().output;
    let view = output.views.last().map(String::as_str);
    let frames: Vec<i32> = done.iter().collect();
    let mut came = Vec::new();
    for frame in frames.iter().rev().take(LAST) {
        let found = dir.stat(frame_file(*frame, view, &output.extension))?;
        came.extend(found.map(|found| found.mtime).filter(|time| *time >= run.submitted));
    }
    Ok(between(came).map(|seconds| seconds * at_work as f64))
}

/// The mean seconds between two of these times.
fn between(mut times: Vec<Timestamp>) -> Option<f64> {
    times.sort_unstable();
    let (first, last) = (times.first()?, times.last()?);
    (times.len() > 1).then(|| last.since(*first).as_secs_f64() / (times.len() - 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::OpenWork;
    use crate::ops::check::room::Room;

    #[test]
    fn frames_that_came_since_the_run_began_tell_the_pace() {
        let mut room = Room::rendered(&[("A", "1-5")]);
        for (frame, at) in [(1, 500), (2, 1010), (3, 1020), (4, 1040)] {
            let path = room.path(&format!("releases/r1/out/A/{frame:06}.png"));
            let file = std::fs::File::options().write(true).open(path).expect("open");
            file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(at)).expect("time");
        }
        room.add_run("1-5", TaskStatus::Active);
        room.file.jobs[0].runs[0].submitted = Timestamp::from_unix(1000);
        let job = &room.file.jobs[0];
        let work = OpenWork::of(&room.ports(), &room.file).expect("work");
        let reference = JobRef::within(room.release(), &job.name);
        let pace = |done: &str| {
            let done = done.parse().expect("frames");
            pace(&room.volume, &reference, job, work.runs(job), &done).expect("look")
        };
        assert_eq!(pace("1-4"), Some(15.0), "the first is older than the run");
        assert_eq!(pace("1-2"), None, "one says nothing");
    }

    #[test]
    fn an_estimate_needs_work_workers_and_a_pace() {
        assert_eq!(eta(10, 2, Some(3.0)), Some(15));
        assert_eq!(eta(0, 2, Some(3.0)), None);
        assert_eq!(eta(10, 0, Some(3.0)), None);
        assert_eq!(eta(10, 1, Some(f64::NAN)), None);
    }
}
