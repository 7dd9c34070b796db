//! Ctrl-C and its like: what is begun is put in order, and who interrupted is told how far it came.

use crate::support::sealed_room::Running;
use crate::support::{Farm, skipped, strace};
use rustix::process::Signal;
use std::time::{Duration, Instant};

const SIGNALS: [(Signal, i32); 3] = [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)];

/// The one child of a wrapper that is still at it.
fn child_of(wrapper: &Running) -> rustix::process::Pid {
    let children = format!("/proc/{0}/task/{0}/children", wrapper.pid());
    let text = std::fs::read_to_string(children).expect("it runs");
    text.trim().parse().ok().and_then(rustix::process::Pid::from_raw).expect("one child")
}

/// Starts a command slowed down by `delay`, and waits until its lock is there.
fn slow(farm: &Farm, call: &str, delay: &str, words: &str) -> Running {
    let run = farm.room.start_under(&strace::striking(call, delay), &farm.arguments(words));
    let began = Instant::now();
    while !farm.tree_of(".farm/lock").0.keys().any(|name| name.ends_with(".lock")) {
        assert!(began.elapsed() < Duration::from_secs(30), "no lock appears");
        std::thread::sleep(Duration::from_millis(5));
    }
    run
}

fn locks(farm: &Farm) -> Vec<String> {
    farm.tree_of(".farm/lock").0.into_keys().filter(|name| name.ends_with(".lock")).collect()
}

#[test]
fn a_plan_that_copies_stops_between_two_files_and_says_so() {
    if !strace::works() {
        return skipped("a_plan_that_copies_stops_between_two_files_and_says_so", "strace may not trace here");
    }
    for (signal, code) in SIGNALS {
        let mut farm = Farm::new();
        farm.room.set("FARM_THREADS", "1");
        let words = "plan release r1 scenes/A.blend scenes/B.blend --frames 1-2 --yes";
        let run = slow(&farm, "copy_file_range", "delay_enter=1500000:when=1", words);
        std::thread::sleep(Duration::from_millis(700));
        rustix::process::kill_process(child_of(&run), signal).expect("it runs");
        let outcome = run.wait().expect(code);
        outcome.says(&["interrupted", "nothing was submitted", "same command again"]);
        assert_eq!(locks(&farm), [""; 0]);
        farm.run(words).expect(0);
        farm.run("work").expect(0);
        assert_eq!(farm.render_log().len(), 4, "{:?}", farm.render_log());
    }
}

#[test]
fn who_waits_for_a_lock_can_stop_waiting() {
    if !strace::works() {
        return skipped("who_waits_for_a_lock_can_stop_waiting", "strace may not trace here");
    }
    let farm = Farm::new().rendered("r1");
    let first = slow(&farm, "renameat2", "delay_enter=6000000:when=2", "harvest release r1 --no-preview");
    for (signal, code) in SIGNALS {
        let second = farm.start("harvest release r1 --no-preview --lock-wait 60s");
        std::thread::sleep(Duration::from_millis(600));
        let began = Instant::now();
        second.signal(signal);
        second.wait().expect(code).says(&["interrupted", "nothing was moved"]);
        assert!(began.elapsed() < Duration::from_secs(3));
    }
    first.wait().expect(0);
}

#[test]
fn a_signal_that_is_ignored_from_outside_stays_so() {
    let farm = Farm::new();
    let ignoring = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"];
    let mut run = farm.room.start_under(&ignoring, &farm.arguments("work --follow"));
    std::thread::sleep(Duration::from_millis(500));
    run.signal(Signal::HUP);
    std::thread::sleep(Duration::from_millis(500));
    assert!(!run.has_ended(), "nohup keeps a worker at work after its terminal is gone");
    run.signal(Signal::TERM);
    run.wait().expect(143);
}

#[test]
fn a_worker_that_is_interrupted_tells_once_what_it_did() {
    let farm = Farm::new();
    let run = farm.start("work --follow --json");
    std::thread::sleep(Duration::from_millis(500));
    run.signal(Signal::TERM);
    let outcome = run.wait().expect(143);
    assert_eq!(outcome.json("farm.work/1")["completed"], 0);
    assert!(outcome.stderr.contains("interrupted"), "{outcome}");
}
