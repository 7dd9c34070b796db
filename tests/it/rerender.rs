//! Frames that nothing is wrong with, rendered anew: the operation behind `farm seed job NAME`.

use crate::support::{Farm, Tree, png};
use farm::base::error::{Class, Failure};
use farm::base::status::JobStatus;
use farm::manager::Manager;
use farm::manager::local::{Local, LocalSettings};
use farm::ops::change;
use farm::ops::ports::{Actor, Ports, Silent};
use farm::ops::retry::rerender::{self, Asked, RerenderPlan, RerenderRequest, Rerendered};
use farm::volume::Volume;
use farm::volume::lock::LockWait;
use std::fs;

const OUT: &str = "releases/r1/out";

fn queue(farm: &Farm) -> Local {
    Local::open(LocalSettings::new(farm.path(".farm/local"))).expect("opens")
}

/// Renders frames of `r1/A` anew, up to the submission.
fn anew(farm: &Farm, frames: Option<&str>) -> Result<(RerenderPlan, Rerendered), Failure> {
    let (volume, queue) = (Volume::open(&farm.path(""), None)?, queue(farm));
    let (user, host, command) = ("ann".into(), "here".into(), "farm seed job A".into());
    let actor = Actor { user, host, command, lock_wait: LockWait::No, threads: 1 };
    let ports = Ports { volume: &volume, manager: &queue, progress: &Silent, actor: &actor };
    let frames = frames.map(|frames| frames.parse().expect("frames"));
    let job = "r1/A".parse().expect("a name");
    let plan = rerender::plan(&ports, &RerenderRequest { job, frames, queueing: Asked::default() })?;
    let done = rerender::apply(&ports, &plan, change::SEED)?;
    Ok((plan, done))
}

#[test]
fn the_old_frames_go_to_the_trash_and_new_ones_come() {
    let farm = Farm::new().rendered("r1");
    let (before, old) = (farm.tree_of(OUT), Tree::of(&farm.path(OUT).join("A")).contents());
    let (plan, done) = anew(&farm, None).expect("submitted");
    assert_eq!((plan.frames.to_string().as_str(), plan.ends.len(), done.trashed), ("1-3", 0, 3));
    assert!(done.submitted.is_some());
    assert!(old.is_subset(&farm.tree_of(&format!(".farm/trash/{}", done.change)).contents()));
    assert!(!farm.frame("r1", "A", 2).exists() && farm.frame("r1", "B", 2).exists());
    farm.run("work").expect(0);
    assert_eq!(farm.render_log().split_off(6), ["A 1", "A 2", "A 3"]);
    let after = farm.tree_of(OUT);
    assert_eq!(after.0["B/000002.png"], before.0["B/000002.png"]);
    assert_ne!(after.0["A/000002.png"], before.0["A/000002.png"], "it is another file");
    let (_, some) = anew(&farm, Some("2")).expect("submitted");
    assert_eq!(some.trashed, 1);
    farm.run("work").expect(0);
    assert_eq!(farm.render_log().split_off(9), ["A 2"]);
}

#[test]
fn what_waits_in_the_queue_is_ended_first() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-3 --yes").expect(0);
    let (plan, done) = anew(&farm, None).expect("submitted");
    assert_eq!((plan.ends.len(), done.trashed), (1, 0));
    let ended = queue(&farm).job(&plan.ends[0]).expect("readable").expect("there");
    assert_eq!(ended.status, JobStatus::Canceled);
    farm.run("work").expect(0);
    assert_eq!(farm.render_log(), ["A 1", "A 2", "A 3"]);
    assert!(png::size_of(&farm.frame("r1", "A", 3)).is_some());
}

/// A run that was written down and never submitted must not come after the new one.
#[test]
fn a_run_that_was_never_submitted_is_withdrawn() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-3 --yes").expect(0);
    let record = farm.path("releases/r1/release.yaml");
    let text = fs::read_to_string(&record).expect("a record");
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains("manager_job:")).collect();
    fs::write(&record, lines.join("\n") + "\n").expect("the record");
    for file in ["queue.sqlite", "queue.sqlite-journal"] {
        let path = farm.path(".farm/local").join(file);
        if path.exists() {
            fs::rename(path, farm.room.path(file)).expect("the queue is lost");
        }
    }
    anew(&farm, None).expect("submitted");
    assert!(fs::read_to_string(&record).expect("a record").contains("withdrawn: true"));
    farm.run("recover").expect(0);
    farm.run("work").expect(0);
    assert_eq!(farm.render_log(), ["A 1", "A 2", "A 3"]);
}

#[test]
fn wrong_frames_are_wrong_words() {
    let farm = Farm::new().rendered("r1");
    let before = farm.tree();
    assert_eq!(anew(&farm, Some("3-9")).expect_err("it has three frames").class(), Class::Usage);
    farm.unchanged_since(&before);
}
