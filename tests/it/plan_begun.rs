//! `farm plan release --apply` of a plan that was begun before.

use crate::support::Farm;
use std::fs;

#[test]
fn a_saved_plan_that_was_begun_is_finished_by_applying_it_again() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend scenes/B.blend --frames 1-2 --plan-out plan.json").expect(0);
    let apply = "plan release --apply plan.json --yes";
    farm.run(apply).expect(0);
    let release = farm.path("releases/r1/release.yaml");
    let submitted = fs::read_to_string(&release).expect("what was planned");
    farm.run(apply).expect(0).says(&["every frame was submitted before"]);
    assert_eq!(fs::read_to_string(&release).expect("a release"), submitted, "nothing is submitted twice");
    // As if it had been killed when the record was written and nothing submitted.
    let is_of_manager = |line: &&str| !line.trim_start().starts_with("manager_job:");
    let begun: Vec<&str> = submitted.lines().filter(is_of_manager).collect();
    assert_ne!(begun.len(), submitted.lines().count(), "{submitted}");
    fs::write(&release, begun.join("\n")).expect("write");
    fs::rename(farm.path(".farm/local"), farm.room.path("away")).expect("a queue");
    farm.run(apply).expect(0).says(&["4 frames to render", "submitted r1/A as ", "r1/B as "]);
    farm.run("work").expect(0).says(&["2 tasks done"]);
}

#[test]
fn a_saved_plan_that_was_begun_is_refused_when_a_scene_changed() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-2 --plan-out plan.json").expect(0);
    farm.run("plan release --apply plan.json --yes").expect(0);
    fs::copy(farm.room.path("scenes/B.blend"), farm.room.path("scenes/A.blend")).expect("another scene");
    farm.run("plan release --apply plan.json --yes").expect(5).says(&["A.blend"]);
}

/// What was planned by another command is another plan, whatever it asked for.
#[test]
fn a_saved_plan_is_refused_where_another_command_planned_the_same() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-2 --plan-out plan.json").expect(0);
    farm.run("plan release r1 scenes/A.blend --frames 1-2 --yes").expect(0);
    farm.run("plan release --apply plan.json --yes").expect(5).says(&["out of date"]);
}
