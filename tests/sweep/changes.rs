//! Changes of jobs that are there already, struck: retry, replace, seed, undo.

use crate::case::{Case, Plan, Then, Words};
use crate::engine::sweep;
use crate::scenarios::{HARVEST, is_sound, planned_elsewhere, planning, queued, rendered, status, to_be_replaced};
use crate::support::{Farm, png};
use std::fs;

const RETRY: &str = "retry r1/A --yes";

/// `rendered`, with a broken frame and a missing one.
fn damaged() -> Farm {
    let farm = rendered();
    png::cut(&farm.frame("r1", "A", 2), 1000);
    fs::rename(farm.frame("r1", "A", 3), farm.room.path("scenes/away.png")).expect("it goes away");
    farm
}

fn retry(name: &'static str) -> Plan {
    Plan {
        name,
        run: RETRY,
        finish: RETRY,
        then: Then::AgainAndRecover,
        finals: &["releases/r1/store"],
        protected: &[
            "scenes",
            "V/releases/r1/store",
            "V/releases/r1/out/B",
            "V/releases/other",
            "V/jobs",
            "V/file-store",
        ],
        finished: is_retried,
        ..planning(name)
    }
}

/// Frames 2 and 3 wait once in the queue, and working it renders them and nothing else.
fn is_retried(case: &Case) -> Result<(), String> {
    is_sound(case)?;
    let queued = queued(case)?;
    if queued != ["r1/A", "r1/A", "r1/B"] {
        return Err(format!("the queue has {queued:?}"));
    }
    let work = case.run("work");
    let mut log = case.farm.render_log();
    log.sort();
    if work.code != 0 || log != ["A 2", "A 3"] { Err(format!("working it renders {log:?}: {work}")) } else { Ok(()) }
}

#[test]
fn retry_given_again_at_once() {
    sweep(&Case::new(damaged(), retry("retry_given_again_at_once")));
}

#[test]
fn retry_after_recover() {
    let plan = Plan { then: Then::RecoverAndAgain, ..retry("retry_after_recover") };
    sweep(&Case::new(damaged(), plan));
}

fn undoing(name: &'static str, farm: &Farm, kind: &str, finished: fn(&Case) -> Result<(), String>) -> Plan {
    let words: &'static str = Box::leak(format!("undo {} --yes", farm.newest(kind)).into_boxed_str());
    Plan {
        name,
        run: words,
        recover: "recover",
        finish: words,
        then: Then::RecoverAndAgain,
        words: Words::PathAndCause,
        finals: &["releases/r1/out", "dist/r1"],
        protected: &["scenes", "V/releases/r1/store", "V/releases/other", "V/jobs", "V/file-store"],
        finished,
    }
}

/// The frames of `r1` are where they were before the change that is taken back.
fn frames_are_back(case: &Case) -> Result<(), String> {
    let (frames, state) =
        (status(case)?["releases"][0]["frames"].clone(), status(case)?["releases"][0]["state"].clone());
    match (frames["ok"].as_u64(), frames["expected"].as_u64(), state.as_str()) {
        (Some(6), Some(6), Some("rendered")) => Ok(()),
        _ => Err(format!("the release is {state}, {frames}")),
    }
}

#[test]
fn undo_of_added_frames() {
    let farm = rendered();
    farm.run("plan release r1 scenes/A.blend scenes/B.blend --frames 1-5 --update --yes --wait").expect(0);
    let plan = undoing("undo_of_added_frames", &farm, "plan", frames_are_back);
    sweep(&Case::new(farm, plan));
}

#[test]
fn undo_of_a_harvest() {
    let farm = rendered();
    farm.run(HARVEST).expect(0);
    let plan = undoing("undo_of_a_harvest", &farm, "harvest", frames_are_back);
    sweep(&Case::new(farm, plan));
}

#[test]
fn undo_given_again_at_once() {
    let farm = to_be_replaced();
    farm.run("harvest release r1 --no-preview").expect(0);
    let plan = undoing("undo_given_again_at_once", &farm, "harvest", |case| {
        let state = status(case)?["releases"][0]["state"].clone();
        if state == "rendered" { Ok(()) } else { Err(format!("the release's state is {state}")) }
    });
    sweep(&Case::new(farm, Plan { then: Then::AgainAndRecover, ..plan }));
}

const REPLACE: &str = "replace job r1/A --with scenes/C.blend --yes";
const SEED: &str = "seed job scenes/C.blend still --frames 1-2 --yes";

/// `rendered`, with another scene for `A`, and a job in `quick/` of the scene before.
fn to_be_revised() -> Farm {
    let farm = rendered();
    farm.scene("C.blend", "scenes/cube3_v42_zstd.blend");
    farm.run("seed job scenes/A.blend still --frames 1-3 --yes --wait").expect(0);
    farm
}

fn replacing(name: &'static str) -> Plan {
    Plan {
        run: REPLACE,
        finish: REPLACE,
        then: Then::AgainAndRecover,
        finals: &["releases/r1/store"],
        protected: &["scenes", "V/releases/other", "V/quick", "V/jobs", "V/file-store"],
        finished: |case| is_revised(case, "r1/A", &["A 1", "A 2", "A 3"]),
        ..planning(name)
    }
}

fn seeding(name: &'static str) -> Plan {
    Plan {
        run: SEED,
        finish: SEED,
        finals: &["quick/store"],
        protected: &["scenes", "V/releases", "V/jobs", "V/file-store"],
        finished: |case| is_revised(case, "quick/still", &["still 1", "still 2"]),
        ..replacing(name)
    }
}

/// The record has two revisions, one run of the job waits, and working it renders these frames; the old ones are in the
/// trash of one transaction.
fn is_revised(case: &Case, job: &str, frames: &[&str]) -> Result<(), String> {
    is_sound(case)?;
    let (home, name) = job.split_once('/').ok_or("no job")?;
    let record = match home {
        "quick" => "quick/quick.yaml".to_owned(),
        release => format!("releases/{release}/release.yaml"),
    };
    let text = fs::read_to_string(case.real_path(&record)).map_err(|e| format!("{record}: {e}"))?;
    let document: serde_yaml::Value = serde_yaml::from_str(&text).map_err(|e| format!("{record}: {e}"))?;
    let jobs = document["jobs"].as_sequence().ok_or("no jobs")?;
    let found = jobs.iter().find(|one| one["name"] == name).ok_or("the job is gone")?;
    let revisions = found["revisions"].as_sequence().map_or(0, Vec::len);
    // What is seeded again after all was done is rendered anew.
    let is_seeded_again = home == "quick" && revisions == 3;
    if revisions != 2 && !is_seeded_again {
        return Err(format!("{job} has {revisions} revisions"));
    }
    let transactions: std::collections::BTreeSet<String> = case
        .tree()
        .0
        .into_keys()
        .filter(|path| path.contains("/tree/") && path.contains(&format!("/out/{name}/")))
        .filter_map(|path| Some(path.split_once("/tree/")?.0.to_owned()))
        .collect();
    if transactions.len() != 1 {
        return Err(format!("the old frames are in {transactions:?}"));
    }
    let work = case.run("work");
    let mut log = case.farm.render_log();
    log.sort();
    if work.code != 0 || log != frames { Err(format!("working it renders {log:?}: {work}")) } else { Ok(()) }
}

#[test]
fn replace() {
    sweep(&Case::new(to_be_revised(), replacing("replace")));
}

#[test]
fn replace_that_is_recovered_first() {
    let plan = Plan { then: Then::RecoverAndAgain, ..replacing("replace_that_is_recovered_first") };
    sweep(&Case::new(to_be_revised(), plan));
}

#[test]
fn seed_of_a_changed_scene() {
    sweep(&Case::new(to_be_revised(), seeding("seed_of_a_changed_scene")));
}

/// What was killed is on no way to be rendered, whatever struck the command that killed it.
#[test]
fn kill() {
    const KILL: &str = "kill release.jobs r1 --yes";
    let farm = planned_elsewhere();
    farm.run("plan release r1 scenes/A.blend scenes/B.blend --frames 1-2 --yes").expect(0);
    let plan = Plan {
        run: KILL,
        finish: KILL,
        words: Words::Any,
        finals: &["releases/r1/out"],
        protected: &["scenes", "V/releases", "V/jobs", "V/file-store"],
        finished: |case| {
            let jobs = status(case)?["jobs"].clone();
            let of_r1: Vec<&serde_json::Value> =
                jobs.as_array().into_iter().flatten().filter(|job| job["release"] == "r1").collect();
            match of_r1.len() == 2 && of_r1.iter().all(|job| job["status"] == "canceled") {
                true => Ok(()),
                false => Err(format!("not all are canceled: {of_r1:#?}")),
            }
        },
        ..planning("kill")
    };
    sweep(&Case::new(farm, plan));
}

/// Every frame of what was killed waits once, whatever struck the command that took the kill back.
#[test]
fn undo_of_a_kill_that_submits_again() {
    let farm = planned_elsewhere();
    farm.run("plan release r1 scenes/A.blend scenes/B.blend --frames 1-2 --yes").expect(0);
    farm.run("kill release.jobs r1 --yes").expect(0);
    let words = format!("undo {} --resubmit --yes", farm.newest("kill"));
    let words: &'static str = Box::leak(words.into_boxed_str());
    let plan = Plan {
        run: words,
        finish: words,
        then: Then::AgainAndRecover,
        words: Words::Any,
        finals: &["releases/r1/store"],
        protected: &["scenes", "V/releases/r1/store", "V/releases/other", "V/jobs", "V/file-store"],
        finished: |case| {
            let work = case.run("work");
            let mut log = case.farm.render_log();
            log.sort();
            match work.code == 0 && log == ["A 1", "A 2", "B 1", "B 2"] {
                true => Ok(()),
                false => Err(format!("working it renders {log:?}: {work}")),
            }
        },
        ..planning("undo_of_a_kill_that_submits_again")
    };
    sweep(&Case::new(farm, plan));
}
