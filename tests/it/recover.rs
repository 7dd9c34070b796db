//! `farm recover`

use crate::support::{Farm, skipped, strace};

#[test]
fn nothing_to_do_is_said() {
    let farm = Farm::new();
    let before = farm.tree_of("releases");
    let outcome = farm.run("recover").expect(0);
    assert!(!outcome.text().trim().is_empty(), "it says nothing");
    farm.run("recover --json").expect(0).json("farm.recover/1");
    assert_eq!(before, farm.tree_of("releases"));
}

/// Kills a harvest at the call-th rename of a frame.
fn killed_harvest(farm: &Farm, at: u32) {
    let strike = strace::striking("renameat2", &format!("signal=SIGKILL:when={at}"));
    let mut arguments = farm.arguments("harvest release r1 --no-preview");
    arguments.insert(0, "--quiet".to_owned());
    farm.room.start_under(&strike, &arguments).wait().expect(137);
}

#[test]
fn a_killed_harvest_is_finished_or_rolled_back() {
    if !strace::works() {
        return skipped("a_killed_harvest_is_finished_or_rolled_back", "strace may not trace here");
    }
    let farm = Farm::new().rendered("r1");
    let frames = farm.tree_of("releases/r1/out").contents();
    killed_harvest(&farm, 4);
    let outcome = farm.run("recover").expect(0);
    assert!(outcome.text().contains("r1"), "it does not say what it did:\n{outcome}");
    let once = farm.tree().contents();
    assert!(frames.is_subset(&once), "frames are lost");
    farm.run("recover").expect(0);
    assert!(frames.is_subset(&farm.tree().contents()));
    farm.run("harvest release r1 --no-preview").expect(0);
    assert!(frames.is_subset(&farm.tree_of("dist/r1").contents()));
}

#[test]
fn a_dry_run_says_it_and_does_nothing() {
    if !strace::works() {
        return skipped("a_dry_run_says_it_and_does_nothing", "strace may not trace here");
    }
    let farm = Farm::new().rendered("r1");
    killed_harvest(&farm, 4);
    let before = farm.tree();
    farm.run("recover --dry-run").expect(0).says(&["r1"]);
    farm.unchanged_since(&before);
}

#[test]
fn without_a_volume_it_is_wrong_usage() {
    crate::support::Room::new().farm(&["recover"]).expect(2);
}
