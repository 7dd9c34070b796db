//! The commands that are swept.

use crate::case::{Case, Plan, Then, Words};
use crate::engine::{sweep, sweep_twice, sweep_with_signals};
use crate::support::fake_blender::Fake;
use crate::support::{Farm, Tree, fixture, png, strace};
use std::fs;

pub(crate) const HARVEST: &str = "harvest release r1 --no-preview";
const PLAN: &str = "plan release r1 scenes/A.blend scenes/B.blend scenes/shot/shot010.blend --frames 1-2 --yes";

/// A farm with a rendered release `r1`, another that must not be touched, and Flamenco's folders.
pub(crate) fn rendered() -> Farm {
    let farm = planned_elsewhere();
    farm.run("plan release r1 scenes/A.blend scenes/B.blend --frames 1-3 --yes --wait").expect(0);
    farm
}

/// A farm with a release `other`, Flamenco's folders, and a scene with a library and a texture beside `A` and `B`.
pub(crate) fn planned_elsewhere() -> Farm {
    let farm = Farm::with(&Fake::default());
    for folder in ["jobs/x", "file-store/stored"] {
        fs::create_dir_all(farm.path(folder)).expect("a folder of Flamenco's");
        fs::write(farm.path(folder).join("y"), "theirs").expect("a file of Flamenco's");
    }
    for name in ["shot010.blend", "lib/props.blend", "textures/checker.png"] {
        let to = farm.room.path("scenes/shot").join(name);
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder for the scene");
        fs::copy(fixture("scenes/shot").join(name), to).expect("a scene");
    }
    farm.run("plan release other scenes/A.blend --frames 1-2 --yes --wait").expect(0);
    farm
}

fn harvest(name: &'static str) -> Plan {
    Plan {
        name,
        run: HARVEST,
        recover: "recover",
        finish: HARVEST,
        then: Then::RecoverAndAgain,
        words: Words::PathAndCause,
        finals: &["dist/r1"],
        protected: &["V/releases/r1/store", "V/releases/other", "V/jobs", "V/file-store", "scenes"],
        finished: is_harvested,
    }
}

pub(crate) fn planning(name: &'static str) -> Plan {
    Plan {
        name,
        run: PLAN,
        recover: "recover",
        finish: PLAN,
        then: Then::RecoverAndAgain,
        words: Words::PathAndCause,
        finals: &["releases/r1/store"],
        protected: &["scenes", "V/releases/other", "V/jobs", "V/file-store"],
        finished: is_planned,
    }
}

pub(crate) fn status(case: &Case) -> Result<serde_json::Value, String> {
    let outcome = case.run("status r1 --json");
    serde_json::from_str(&outcome.stdout).map_err(|e| format!("status: {e}\n{outcome}"))
}

/// The manifest names every frame with its digest, and the release's state says so.
fn is_harvested(case: &Case) -> Result<(), String> {
    let manifest = fs::read_to_string(case.real_path("dist/r1/manifest.json")).map_err(|e| format!("manifest: {e}"))?;
    for (path, entry) in &case.tree().0 {
        if path.starts_with("dist/r1/") && path.ends_with(".png") && !manifest.contains(&entry.content) {
            return Err(format!("the manifest lacks {path}"));
        }
    }
    let state = status(case)?["releases"][0]["state"].clone();
    if state == "harvested" { Ok(()) } else { Err(format!("the release's state is {state}")) }
}

/// Every job is there once, the queue is whole, and working it renders each frame once.
fn is_planned(case: &Case) -> Result<(), String> {
    let document = status(case)?;
    let mut refs: Vec<&str> =
        document["jobs"].as_array().into_iter().flatten().filter_map(|j| j["ref"].as_str()).collect();
    refs.sort_unstable();
    if refs != ["r1/A", "r1/B", "r1/shot010"] {
        return Err(format!("the jobs are {refs:?}"));
    }
    is_sound(case)?;
    let queued = queued(case)?;
    if queued != ["r1/A", "r1/B", "r1/shot010"] {
        return Err(format!("the queue has {queued:?}"));
    }
    let work = case.run("work");
    let mut log = case.farm.render_log();
    log.sort();
    let all = ["A 1", "A 2", "B 1", "B 2", "shot010 1", "shot010 2"];
    if work.code != 0 || log != all { Err(format!("working it renders {log:?}: {work}")) } else { Ok(()) }
}

/// The names of the jobs of `r1` that the queue has.
pub(crate) fn queued(case: &Case) -> Result<Vec<String>, String> {
    let read = |queue: rusqlite::Connection| {
        let mut names = queue.prepare("SELECT name FROM job WHERE name LIKE 'r1/%' ORDER BY name")?;
        names.query_map([], |row| row.get(0))?.collect()
    };
    let queue = rusqlite::Connection::open(case.farm.path(".farm/local/queue.sqlite"));
    queue.and_then(read).map_err(|error| format!("the queue cannot be read: {error}"))
}

/// SQLite's own check of the queue.
pub(crate) fn is_sound(case: &Case) -> Result<(), String> {
    let queue = case.farm.path(".farm/local/queue.sqlite");
    let answer = rusqlite::Connection::open(queue)
        .and_then(|queue| queue.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)));
    match answer {
        Ok(word) if word == "ok" => Ok(()),
        other => Err(format!("the queue is not sound: {other:?}")),
    }
}

#[test]
fn harvest_on_one_device() {
    sweep(&Case::new(rendered(), harvest("harvest_on_one_device")));
}

#[test]
fn harvest_to_another_device() {
    if let Some(case) = Case::on_another_device(rendered(), harvest("harvest_to_another_device")) {
        sweep(&case);
    }
}

/// `rendered`, harvested, its frames marked as out of date and rendered anew with other pixels.
pub(crate) fn to_be_replaced() -> Farm {
    let farm = rendered();
    farm.run(HARVEST).expect(0);
    let manifest = farm.path("dist/r1/manifest.json");
    let mut document: serde_json::Value =
        serde_json::from_slice(&fs::read(&manifest).expect("a manifest")).expect("JSON");
    for entry in document["files"].as_array_mut().expect("files") {
        entry["stale"] = true.into();
    }
    fs::write(&manifest, document.to_string()).expect("the manifest");
    for (job, frame) in [("A", 1), ("A", 2), ("A", 3), ("B", 1), ("B", 2), ("B", 3)] {
        let other = farm.room.path(format!("fake/pool/{:06}.png", frame + 10));
        fs::copy(other, farm.frame("r1", job, frame)).expect("another frame");
    }
    farm
}

#[test]
fn harvest_that_replaces() {
    sweep(&Case::new(to_be_replaced(), harvest("harvest_that_replaces")));
}

#[test]
fn harvest_that_replaces_on_another_device() {
    let plan = harvest("harvest_that_replaces_on_another_device");
    if let Some(case) = Case::on_another_device(to_be_replaced(), plan) {
        sweep(&case);
    }
}

#[test]
fn harvest_given_again_at_once() {
    let plan = Plan { then: Then::AgainAndRecover, ..harvest("harvest_given_again_at_once") };
    sweep(&Case::new(to_be_replaced(), plan));
}

#[test]
fn plan_given_again_at_once() {
    let plan = Plan { then: Then::AgainAndRecover, ..planning("plan_given_again_at_once") };
    sweep(&Case::new(planned_elsewhere(), plan));
}

/// Every frame is there and whole.
fn is_rendered(case: &Case) -> Result<(), String> {
    is_sound(case)?;
    let broken = |(job, frame): &(&str, u32)| png::size_of(&case.farm.frame("r1", job, *frame)).is_none();
    match [("A", 1), ("A", 2), ("B", 1), ("B", 2)].into_iter().find(broken) {
        Some((job, frame)) => Err(format!("frame {frame} of {job} is missing or does not decode")),
        None => Ok(()),
    }
}

/// The worker, and all that it starts.
#[test]
fn work() {
    const WAIT: &str = "plan release r1 scenes/A.blend scenes/B.blend --frames 1-2 --yes --wait";
    let farm = planned_elsewhere();
    farm.run(WAIT.trim_end_matches(" --wait")).expect(0);
    let plan = Plan {
        run: "work",
        finish: WAIT,
        words: Words::Any,
        finals: &[],
        protected: &["scenes", "V/releases/other", "V/releases/r1/store", "V/jobs", "V/file-store"],
        finished: is_rendered,
        ..planning("work")
    };
    sweep(&Case::new(farm, plan));
}

#[test]
fn harvest_that_keeps_out_on_another_device() {
    const KEEP: &str = "harvest release r1 --no-preview --keep";
    let plan = Plan { run: KEEP, finish: KEEP, ..harvest("harvest_that_keeps_out_on_another_device") };
    if let Some(case) = Case::on_another_device(rendered(), plan) {
        sweep(&case);
    }
}

#[test]
fn harvest_that_keeps_out() {
    const KEEP: &str = "harvest release r1 --no-preview --keep";
    sweep(&Case::new(rendered(), Plan { run: KEEP, finish: KEEP, ..harvest("harvest_that_keeps_out") }));
}

#[test]
fn plan() {
    sweep(&Case::new(planned_elsewhere(), planning("plan")));
}

#[test]
fn a_killed_harvest_whose_recovery_is_killed() {
    sweep_twice(&Case::new(rendered(), harvest("a_killed_harvest_whose_recovery_is_killed")));
}

#[test]
fn a_killed_plan_whose_recovery_is_killed() {
    sweep_twice(&Case::new(planned_elsewhere(), planning("a_killed_plan_whose_recovery_is_killed")));
}

#[test]
fn a_harvest_that_is_interrupted() {
    sweep_with_signals(&Case::new(rendered(), harvest("a_harvest_that_is_interrupted")));
}

#[test]
fn a_plan_that_is_interrupted() {
    sweep_with_signals(&Case::new(planned_elsewhere(), planning("a_plan_that_is_interrupted")));
}

#[test]
fn recover_of_a_killed_harvest() {
    let name = "recover_of_a_killed_harvest";
    if !strace::works() {
        return crate::support::skipped(name, "strace may not trace here");
    }
    let farm = rendered();
    let frames = Tree::of(&farm.path("releases/r1/out")).contents();
    let strike = strace::striking("renameat2", "signal=SIGKILL:when=4");
    farm.room.start_under(&strike, &farm.arguments(HARVEST)).wait().expect(137);
    assert!(frames.is_subset(&farm.tree().contents()));
    sweep(&Case::new(farm, Plan { run: "recover", ..harvest(name) }));
}

#[test]
fn recover_of_a_killed_plan() {
    let name = "recover_of_a_killed_plan";
    if !strace::works() {
        return crate::support::skipped(name, "strace may not trace here");
    }
    let farm = planned_elsewhere();
    let strike = strace::striking("fdatasync", "signal=SIGKILL:when=2");
    let struck = farm.room.start_under(&strike, &farm.arguments(PLAN)).wait();
    assert!([0, 137].contains(&struck.code), "{struck}");
    sweep(&Case::new(farm, Plan { run: "recover", ..planning(name) }));
}
