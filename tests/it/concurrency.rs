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
fn a_lock_whose_number_did_not_come_to_disk_is_given_back() {
    if !strace::works() {
        return skipped("a_lock_whose_number_did_not_come_to_disk_is_given_back", "strace may not trace here");
    }
    let farm = Farm::new().rendered("r1");
    let strike = strace::striking("fdatasync", "error=EIO:when=1");
    let arguments = farm.arguments("harvest release r1 --no-preview");
    farm.room.start_under(&strike, &arguments).wait().expect(1).says(&["release-r1.lock", "Input/output error"]);
    let left = farm.tree_of(".farm/lock").0;
    assert!(!left.keys().any(|name| name.ends_with(".lock")), "{left:?}");
    farm.run("harvest release r1 --no-preview").expect(0);
}

/// The signals by which people and services end programs: as after a kill, nothing stays locked and nothing is lost.
#[test]
fn an_interrupted_harvest_says_so_by_its_code_and_holds_no_lock() {
    if !strace::works() {
        return skipped("an_interrupted_harvest_says_so_by_its_code_and_holds_no_lock", "strace may not trace here");
    }
    for (signal, code) in [(rustix::process::Signal::INT, 130), (rustix::process::Signal::TERM, 143)] {
        let farm = Farm::new().rendered("r1");
        let frames = farm.tree_of("releases/r1/out").contents();
        let run = slow_harvest(&farm);
        let began = Instant::now();
        let children = format!("/proc/{0}/task/{0}/children", run.pid());
        let farms = || std::fs::read_to_string(&children).unwrap_or_default();
        while farms().trim().is_empty() {
            assert!(began.elapsed() < Duration::from_secs(30), "farm is not there");
        }
        let pid = farms().trim().parse().ok().and_then(rustix::process::Pid::from_raw).expect("one child of strace");
        rustix::process::kill_process(pid, signal).expect("it runs");
        run.wait().expect(code);
        farm.run("harvest release r1 --no-preview").expect(0);
        assert!(frames.is_subset(&farm.tree_of("dist/r1").contents()));
    }
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
