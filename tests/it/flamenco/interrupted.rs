//! Ctrl-C while a Manager is asked.

use super::gate::Stand;
use super::server::Fault;
use super::server::flamenco::Release;
use super::{Studio, all_at_once};
use crate::support::fake_blender::Fake;
use rustix::process::Signal;
use std::time::{Duration, Instant};

const PLAN: &str = "plan release r1 scenes/A.blend --frames 1-4 --yes";
/// Far less than any wait for a Manager.
const AT_ONCE: Duration = Duration::from_secs(3);

/// Waits until the server has heard a request of which this is the beginning.
fn until_it_hears(studio: &Studio, line: &str) {
    let began = Instant::now();
    while !studio.server.take_heard().iter().any(|heard| heard.line().starts_with(line)) {
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain for {line}");
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(200));
}

/// Between two tries, and while no answer comes.
#[test]
fn what_is_asked_again_and_what_is_not_answered_is_let_go_of_at_once() {
    for fault in [Fault::page(502), Fault::Silent, Fault::Stall] {
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
            let studio = Studio::new(Release::V3_9);
            studio.run(PLAN).expect(0);
            studio.work();
            // A plan that only looks yet has nothing to put in order, and nothing to say.
            for (words, said) in [
                ("harvest release r1 --no-preview", &["interrupted", "nothing was moved"][..]),
                ("plan release r2 scenes/A.blend --frames 1-4 --yes", &[]),
            ] {
                studio.server.take_heard();
                studio.server.trap(fault.clone(), "GET /api/v3/jobs ", usize::MAX);
                let running = studio.farm.start(words);
                until_it_hears(&studio, "GET /api/v3/jobs");
                let asked = Instant::now();
                running.signal(signal);
                running.wait().expect(code).says(said);
                assert!(asked.elapsed() < AT_ONCE, "{fault:?}: {words}: {:?}", asked.elapsed());
                studio.server.mend();
            }
            studio.run("harvest release r1 --no-preview").expect(0);
            assert_eq!(studio.jobs().len(), 1);
        }
    }
}

/// A request that changes something is not cut; whether it arrived is the next command's to find out.
#[test]
fn a_submission_on_its_way_is_not_let_go_of() {
    // Those that do not arrive are waited for, half a minute each, so all at once.
    let faults = [Fault::Silent, Fault::SilentBefore, Fault::CutBefore];
    let parts = faults.map(|fault| (format!("{fault:?}"), move || is_not_let_go_of(fault)));
    all_at_once(parts.into());
}

fn is_not_let_go_of(fault: Fault) {
    let mut studio = Studio::new(Release::V3_9);
    studio.farm.room.set("FARM_ACCESS_TIMEOUT", "1s");
    studio.server.trap(fault, "POST /api/v3/jobs ", 1);
    let running = studio.farm.start(PLAN);
    until_it_hears(&studio, "POST /api/v3/jobs");
    running.signal(Signal::INT);
    running.wait().expect(130).says(&["interrupted", "next:"]);
    studio.farm.room.set("FARM_ACCESS_TIMEOUT", "5s");
    studio.run(PLAN).expect(0);
    assert_eq!(studio.jobs().len(), 1);
}

/// Nobody hears the answer to it, and nobody knows when it arrives: longer than its sender had been at it, too.
#[test]
fn the_submission_of_a_killed_sender_is_waited_for() {
    let studio = Studio::new(Release::V3_9);
    studio.gate.set(Stand::Holds);
    let killed = studio.farm.start(PLAN);
    let began = Instant::now();
    let is_sending = || std::fs::read_to_string(studio.farm.path("releases/r1/release.yaml"));
    while !is_sending().is_ok_and(|text| text.contains("sending: true")) {
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain for the submission");
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_secs(6));
    killed.signal(Signal::KILL);
    killed.wait().expect(137);
    let again = studio.farm.start(PLAN);
    std::thread::sleep(Duration::from_secs(2));
    studio.gate.set(Stand::Open);
    again.wait().expect(0).says(&["waiting up to 30 s for a submission that may still be on its way"]);
    assert_eq!(studio.jobs().len(), 1);
    assert!(!is_sending().expect("a release").contains("sending"));
}

/// Whoever looks on while the Manager is away is told that its workers go on.
#[test]
fn an_outage_is_not_waited_for() {
    let mut studio = Studio::with(Release::V3_9, &Fake { pause: "0.5", ..Fake::default() });
    studio.farm.room.set("FARM_WAIT_PATIENCE", "60s");
    studio.while_working(|| {
        let waiting = studio.farm.start(&format!("{PLAN} --wait"));
        // From its submission on it looks on.
        until_it_hears(&studio, "POST /api/v3/jobs");
        until_it_hears(&studio, &format!("GET /api/v3/jobs/{}", studio.jobs()[0].id));
        studio.gate.set(Stand::Closed);
        std::thread::sleep(Duration::from_millis(2500));
        let asked = Instant::now();
        waiting.signal(Signal::INT);
        waiting.wait().expect(130).says(&["interrupted", "go on rendering", "next:"]);
        assert!(asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
        studio.gate.set(Stand::Open);
    });
}
