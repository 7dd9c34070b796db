//! Two commands at once.

use crate::support::{Farm, skipped, strace};
use std::time::{Duration, Instant};

const FRAMES: [&str; 6] = ["A.0001.png", "A.0002.png", "A.0003.png", "B.0001.png", "B.0002.png", "B.0003.png"];

#[test]
fn two_harvests_at_once_leave_one_result() {
    let farm = Farm::new().rendered("r1");
    let frames = farm.tree_of("releases/r1/out").contents();
    let runs: Vec<_> = (0..4).map(|_| farm.start("harvest release r1 --no-preview")).collect();
    let codes: Vec<i32> = runs
        .into_iter()
        .map(|run| run.wait())
        .map(|outcome| {
            outcome.check_manners();
            assert!([0, 75].contains(&outcome.code), "{outcome}");
            outcome.code
        })
        .collect();
    assert!(codes.contains(&0), "{codes:?}");
    for name in FRAMES {
        assert!(farm.path("dist/r1").join(name).is_file(), "{name}");
    }
    assert!(frames.is_subset(&farm.tree_of("dist/r1").contents()));
    farm.run("harvest release r1 --no-preview").expect(0);
}

/// Starts a harvest that takes its time over the first rename, and waits until it holds its lock.
fn slow_harvest(farm: &Farm) -> crate::support::sealed_room::Running {
    let delay = strace::striking("renameat2", "delay_enter=3000000:when=2");
    let run = farm.room.start_under(&delay, &farm.arguments("harvest release r1 --no-preview"));
    let began = Instant::now();
    while !farm.tree_of(".farm/lock").0.keys().any(|name| name.ends_with(".lock")) {
        assert!(began.elapsed() < Duration::from_secs(30), "no lock appears");
        std::thread::sleep(Duration::from_millis(5));
    }
    run
}

#[test]
fn who_comes_second_is_told_who_holds_the_lock() {
    if !strace::works() {
        return skipped("who_comes_second_is_told_who_holds_the_lock", "strace may not trace here");
    }
    let farm = Farm::new().rendered("r1");
    let first = slow_harvest(&farm);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    farm.run("harvest release r1 --no-preview").expect(75).says(&[&host, "harvest"]);
    let document = farm.run("harvest release r1 --no-preview --json").expect(75).json("farm.error/1");
    assert!(document.to_string().contains(&host), "{document:#}");
    first.wait().expect(0);
}

#[test]
fn who_comes_second_may_wait() {
    if !strace::works() {
        return skipped("who_comes_second_may_wait", "strace may not trace here");
    }
    let farm = Farm::new().rendered("r1");
    let first = slow_harvest(&farm);
    farm.run("harvest release r1 --no-preview --lock-wait 60s").expect(0);
    first.wait().expect(0);
}

#[test]
fn another_release_is_not_held_up() {
    if !strace::works() {
        return skipped("another_release_is_not_held_up", "strace may not trace here");
    }
    let farm = Farm::new().rendered("r1").rendered("r2");
    let first = slow_harvest(&farm);
    farm.run("harvest release r2 --no-preview").expect(0);
    first.wait().expect(0);
}

#[test]
fn a_lock_whose_holder_died_does_not_hold() {
    if !strace::works() {
        return skipped("a_lock_whose_holder_died_does_not_hold", "strace may not trace here");
    }
    let farm = Farm::new().rendered("r1");
    let strike = strace::striking("renameat2", "signal=SIGKILL:when=3");
    farm.room.start_under(&strike, &farm.arguments("harvest release r1 --no-preview")).wait().expect(137);
    farm.run("harvest release r1 --no-preview").expect(0);
    for name in FRAMES {
        assert!(farm.path("dist/r1").join(name).is_file(), "{name}");
    }
}

#[test]
fn plans_of_one_release_at_once_make_each_job_once() {
    let farm = Farm::new();
    let words = "plan release r1 scenes/A.blend scenes/B.blend --frames 1-2 --yes --lock-wait 60s";
    let runs: Vec<_> = (0..3).map(|_| farm.start(words)).collect();
    for outcome in runs.into_iter().map(|run| run.wait()) {
        outcome.check_manners();
        assert!([0, 5, 75].contains(&outcome.code), "{outcome}");
    }
    farm.run("work").expect(0);
    assert_eq!(farm.render_log().len(), 4, "{:?}", farm.render_log());
}
