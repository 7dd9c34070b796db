//! A Manager that goes away while `--wait` looks on.

use super::Studio;
use super::gate::Stand;
use super::server::flamenco::Release;
use crate::support::fake_blender::Fake;
use crate::support::png;
use std::time::{Duration, Instant};

const PLAN: &str = "plan release r1 scenes/A.blend --frames 1-10 --yes --wait";

fn studio_that_renders_slowly() -> Studio {
    Studio::with(Release::V3_9, &Fake { pause: "0.3", ..Fake::default() })
}

/// Waits until the worker has begun.
fn until_it_renders(studio: &Studio) {
    let began = Instant::now();
    while !studio.farm.frame("r1", "A", 1).exists() {
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain for a frame");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_comes_back_is_waited_for() {
    let mut studio = studio_that_renders_slowly();
    studio.farm.room.set("FARM_WAIT_PATIENCE", "60s");
    let outcome = studio.while_working(|| {
        let waiting = studio.farm.start(PLAN);
        until_it_renders(&studio);
        studio.gate.set(Stand::Closed);
        // Longer than what a single request is repeated for.
        std::thread::sleep(Duration::from_secs(8));
        studio.gate.set(Stand::Open);
        waiting.wait()
    });
    outcome.expect(0).says(&["HTTP 502", "looking again", "the Manager answers again"]);
    assert_eq!(studio.jobs().len(), 1);
    assert!((1..=10).all(|frame| png::size_of(&studio.farm.frame("r1", "A", frame)).is_some()));
}

#[test]
fn what_stays_away_is_given_up_after_a_while() {
    let mut studio = studio_that_renders_slowly();
    studio.farm.room.set("FARM_WAIT_PATIENCE", "3s");
    studio.while_working(|| {
        let waiting = studio.farm.start(PLAN);
        until_it_renders(&studio);
        let gone = Instant::now();
        studio.gate.set(Stand::Closed);
        let url = studio.server.url();
        waiting.wait().expect(6).says(&[&url, "HTTP 502", "looking again", "next:"]);
        // Patience, and the tries of the requests before and after it.
        assert!(gone.elapsed() < Duration::from_secs(30), "{:?}", gone.elapsed());
        studio.gate.set(Stand::Open);
    });
    // Its worker went on: who comes back finds everything rendered, and nothing submitted again.
    studio.work();
    studio.run(PLAN).expect(0);
    assert_eq!(studio.jobs().len(), 1);
}
