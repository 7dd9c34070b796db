//! A Manager behind a slow line: what comes late is waited for, and what comes too late changes nothing.

use super::server::flamenco::Release;
use super::server::link::{Link, Pace};
use super::{Studio, all_at_once};
use crate::support::output::list;
use crate::support::{Tree, png};
use std::time::{Duration, Instant};

const PLAN: &str = "plan release r1 scenes/A.blend scenes/B.blend --frames 1-3 --yes";
const HARVEST: &str = "harvest release r1 --no-preview";
/// Each way, as over a satellite.
const DELAY: Duration = Duration::from_millis(200);
/// What a command may take in which no request is given up: a try that is given up takes longer than all of this.
const BOUND: Duration = Duration::from_secs(28);

/// A studio that knows its Manager by a line, which is still fast.
fn behind_a_line() -> (Studio, Link) {
    let mut studio = Studio::new(Release::V3_9);
    let link = Link::to(&studio.server);
    studio.farm.room.set("FARM_MANAGER", link.url());
    (studio, link)
}

/// The same with a release that is rendered.
fn rendered() -> (Studio, Link) {
    let (studio, link) = behind_a_line();
    studio.run(PLAN).expect(0);
    studio.work();
    (studio, link)
}

/// Every so many writes one stands still for this long.
fn slow(every: usize, seconds: u64) -> Pace {
    Pace { delay: DELAY, first: every, every, stall: Duration::from_secs(seconds) }
}

/// Makes the line slow while `run` runs. Fails unless something stood still, and all came in time.
#[track_caller]
fn in_time(link: &Link, pace: Pace, run: impl FnOnce()) {
    link.slow_down(pace);
    let began = Instant::now();
    run();
    let (took, stalls) = (began.elapsed(), link.stalls());
    assert!(took < BOUND && stalls > 0, "it took {took:?}, {stalls} writes stood still");
    link.speed_up();
}

fn a_plan_submits_once() {
    let (studio, link) = behind_a_line();
    in_time(&link, slow(5, 2), || drop(studio.run(PLAN).expect(0)));
    assert_eq!(studio.jobs().len(), 2);
    studio.run(PLAN).expect(0);
    assert_eq!(studio.jobs().len(), 2, "planned twice, submitted once");
}

fn a_wait_ends_with_every_frame() {
    let (studio, link) = behind_a_line();
    let wait = || drop(studio.run(&format!("{PLAN} --wait")).expect(0));
    studio.while_working(|| in_time(&link, slow(50, 3), wait));
    assert_eq!(studio.jobs().len(), 2);
    studio.run(HARVEST).expect(0);
}

fn looks_see_everything() {
    let (studio, link) = rendered();
    let status = || drop(studio.run("status").expect(0).says(&["r1/A", "r1/B", "completed"]));
    let doctor = || {
        let findings = studio.run("doctor --json").json("farm.doctor/1");
        for name in ["manager", "storage", "variables"] {
            let found = list(&findings["checks"]).iter().find(|check| check["name"] == name);
            assert_eq!(found.unwrap_or(&findings)["status"], "ok", "{name}: {findings:#}");
        }
    };
    let looks: [&(dyn Fn() + Sync); 2] = [&status, &doctor];
    in_time(&link, slow(12, 2), || all_at_once(looks.map(|look| (String::new(), look)).into()));
}

fn a_harvest_takes_everything() {
    let (studio, link) = rendered();
    in_time(&link, slow(4, 3), || drop(studio.run(HARVEST).expect(0)));
    for (job, frame) in ["A", "B"].into_iter().flat_map(|job| (1..=3).map(move |frame| (job, frame))) {
        let path = studio.farm.path(format!("dist/r1/{job}.{frame:04}.png"));
        assert_eq!(png::size_of(&path), Some((64, 64)), "{}", path.display());
    }
}

/// They mostly wait, so all at once.
#[test]
fn what_comes_late_is_waited_for() {
    let parts: [(&str, fn()); 4] = [
        ("plan", a_plan_submits_once),
        ("wait", a_wait_ends_with_every_frame),
        ("looks", looks_see_everything),
        ("harvest", a_harvest_takes_everything),
    ];
    all_at_once(parts.map(|(name, part)| (name.to_owned(), part)).into());
}

/// On a line that stands still after the first answers, longer than anybody waits.
fn is_given_up(words: &str, code: i32) {
    let (mut studio, link) = rendered();
    studio.farm.room.set("FARM_ACCESS_TIMEOUT", "1s");
    let results = || Tree::without(&studio.farm.path(""), |path| path == ".farm");
    let before = results();
    link.slow_down(Pace { delay: DELAY, first: 3, every: 1, stall: Duration::from_secs(60) });
    let began = Instant::now();
    studio.run(words).expect(code).says(&[&link.url(), "in time", "next:"]);
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    let difference = before.difference(&results());
    assert!(difference.is_empty(), "the volume changed:\n{difference}");
    link.speed_up();
    studio.farm.room.set("FARM_ACCESS_TIMEOUT", "30s");
    assert_eq!(studio.jobs().len(), 2);
    studio.run(PLAN).expect(0);
    studio.run(HARVEST).expect(0);
    assert_eq!(studio.jobs().len(), 2);
}

#[test]
fn what_comes_too_late_changes_nothing() {
    let cases = [("status", 6), (HARVEST, 6), ("doctor", 7), ("plan release r2 scenes/B.blend --frames 1-3 --yes", 6)];
    all_at_once(cases.map(|(words, code)| (words.to_owned(), move || is_given_up(words, code))).into());
}
