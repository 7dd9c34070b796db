//! A Manager that is lost in the middle of a command: its first requests were answered, the later ones are not.

use super::server::Fault;
use super::server::flamenco::Release;
use super::{Studio, all_at_once};
use crate::support::{Outcome, png, tree};
use std::collections::BTreeMap;
use std::sync::Mutex;

const PLAN: &str = "plan release r1 scenes/A.blend scenes/B.blend --frames 1-3 --yes";
const HARVEST: &str = "harvest release r1 --no-preview";
/// How the command that lost the Manager ended, by the first request that was lost.
type Codes = BTreeMap<usize, i32>;

/// How the Manager is lost, and a word that tells it: one way and the other in turn.
fn loss(nth: usize) -> (Fault, &'static str) {
    if nth.is_multiple_of(2) { (Fault::CutBefore, "hung up") } else { (Fault::page(502), "HTTP 502") }
}

/// Does `lose` for each of these requests, from which on the Manager is lost. They mostly wait, so all at once.
#[track_caller]
fn at_each(requests: impl IntoIterator<Item = usize>, lose: impl Fn(usize, &Fault, &str) -> i32 + Sync) -> Codes {
    let codes = Mutex::new(Codes::new());
    let (lose, kept) = (&lose, &codes);
    let cases = requests.into_iter().map(|nth| {
        let (fault, word) = loss(nth);
        let part = move || {
            let code = lose(nth, &fault, word);
            kept.lock().expect("no panic").insert(nth, code);
        };
        (format!("{word} from request {nth} on"), part)
    });
    all_at_once(cases.collect());
    codes.into_inner().expect("no panic")
}

/// Fails unless a command that has lost its Manager says which, why and what next.
#[track_caller]
fn is_told(studio: &Studio, outcome: &Outcome, words: &[&str]) {
    outcome.check_manners();
    outcome.clone().says(&[&studio.server.url(), "next:"]).says(words);
}

/// Each frame's digest by its job and number, where it lies in `out/`.
fn frames(studio: &Studio) -> BTreeMap<(&'static str, u32), String> {
    let each = ["A", "B"].into_iter().flat_map(|job| (1..=3).map(move |frame| (job, frame)));
    each.map(|(job, frame)| ((job, frame), tree::digest(&studio.farm.frame("r1", job, frame)))).collect()
}

/// How many frames lie in `dist/`; fails unless each is whole, and in `out/` or in `dist/` and not in both.
#[track_caller]
fn delivered(studio: &Studio, rendered: &BTreeMap<(&'static str, u32), String>, outcome: &Outcome) -> usize {
    let mut count = 0;
    for ((job, frame), digest) in rendered {
        let out = studio.farm.frame("r1", job, *frame);
        let dist = studio.farm.path(format!("dist/r1/{job}.{frame:04}.png"));
        assert_ne!(out.exists(), dist.exists(), "{job} {frame} is in both places, or in none: {outcome}");
        let place = if dist.exists() { &dist } else { &out };
        assert_eq!(&tree::digest(place), digest, "{}: {outcome}", place.display());
        count += usize::from(dist.exists());
    }
    count
}

/// Everything is asked before anything is moved: two lists, a worker, and of two jobs the tasks, three logs and where each
/// is. What is lost after those is not missed.
#[test]
fn a_harvest_is_done_or_not_begun() {
    const ASKED: usize = 17;
    let codes = at_each(1..=ASKED + 1, |nth, fault, word| {
        let studio = Studio::new(Release::V3_9);
        studio.run(PLAN).expect(0);
        studio.work();
        let rendered = frames(&studio);
        studio.server.trap_from(nth, fault.clone(), "");
        let harvest = studio.run(HARVEST);
        let count = delivered(&studio, &rendered, &harvest);
        let is_listed = studio.farm.path("dist/r1/manifest.json").exists();
        match harvest.code {
            0 => assert_eq!((count, is_listed), (6, true), "{harvest}"),
            6 => {
                is_told(&studio, &harvest, &[word, "nothing was moved"]);
                assert_eq!((count, is_listed), (0, false), "{harvest}");
            }
            _ => panic!("{harvest}"),
        }
        studio.server.mend();
        let again = studio.run(HARVEST).expect(0);
        assert_eq!(delivered(&studio, &rendered, &again), 6, "{harvest}{again}");
        harvest.code
    });
    assert!(codes.iter().all(|(nth, code)| *code == if *nth > ASKED { 0 } else { 6 }), "{codes:?}");
}

/// From here on a `--wait` only looks: what comes before it plans and submits.
const LOOKS: usize = 12;

/// Its worker goes on meanwhile: whoever comes back finds one job of each scene, and every frame.
#[test]
fn a_wait_gives_up_and_can_be_gone_on_with() {
    let wait = format!("{PLAN} --wait");
    at_each([6, 11, 16, 21, 26, 31], |nth, fault, word| {
        let mut studio = Studio::new(Release::V3_9);
        studio.farm.room.set("FARM_WAIT_PATIENCE", "1s");
        studio.while_working(|| {
            // A submission that is cut is another matter, which `cuts` is about.
            studio.server.trap_from(nth, fault.clone(), "GET ");
            let first = studio.run(&wait);
            match first.code {
                0 => {}
                6 if nth > LOOKS => is_told(&studio, &first, &[word, "looking again"]),
                6 => {
                    is_told(&studio, &first, &[word, " submitted"]);
                    assert!(studio.jobs().is_empty(), "{first}");
                }
                _ => panic!("{first}"),
            }
            studio.server.mend();
            let again = studio.run(&wait).expect(0);
            assert_eq!(studio.jobs().len(), 2, "{first}{again}");
            for (job, frame) in frames(&studio).keys() {
                let size = png::size_of(&studio.farm.frame("r1", job, *frame));
                assert_eq!(size, Some((64, 64)), "{job} {frame}: {first}{again}");
            }
            first.code
        })
    });
}

/// Partly done or not at all: what was left stays as it was, for the next recovery.
#[test]
fn a_recovery_leaves_what_it_cannot_finish() {
    let codes = at_each(1..=9, |nth, fault, word| {
        let studio = Studio::new(Release::V3_9);
        studio.server.trap(Fault::coded(400, "not today"), "POST /api/v3/jobs ", usize::MAX);
        studio.run(PLAN).expect(1);
        studio.server.mend();
        studio.server.trap_from(nth, fault.clone(), "GET ");
        let first = studio.run("recover");
        match first.code {
            0 => {}
            4 | 6 => first.clone().says(&[&studio.server.url(), word]).check_manners(),
            _ => panic!("{first}"),
        }
        studio.server.mend();
        let again = studio.run("recover").expect(0);
        let mut names: Vec<String> = studio.jobs().into_iter().map(|job| job.name).collect();
        names.sort();
        assert_eq!(names, ["r1/A", "r1/B"], "{first}{again}");
        let left = studio.run("recover --dry-run --json").expect(0).json("farm.recover/1");
        assert_eq!(left["actions"], serde_json::json!([]), "{first}{again}");
        first.code
    });
    assert!(codes.iter().all(|(nth, code)| (*nth > 1 || *code != 0) && (*nth < 9 || *code == 0)), "{codes:?}");
}

#[test]
fn a_set_up_leaves_a_whole_script_or_none() {
    let printed = Studio::new(Release::V3_9).run("setup manager --print").expect(0).stdout;
    let codes = at_each(1..=4, |nth, fault, word| {
        let studio = Studio::new(Release::V3_9);
        let scripts = studio.farm.room.path("scripts");
        let (setup, script) = (format!("setup manager --scripts {}", scripts.display()), scripts.join("farm.js"));
        studio.server.trap_from(nth, fault.clone(), "");
        let first = studio.run(&setup);
        if first.code == 6 {
            is_told(&studio, &first, &[word]);
        }
        assert!(!script.exists() || std::fs::read_to_string(&script).expect("a script") == printed, "{first}");
        studio.server.mend();
        // The Manager does not serve it before it is started anew.
        studio.run(&setup).expect(7).says(&["next: start the Manager anew"]);
        assert_eq!(std::fs::read_to_string(&script).expect("a script"), printed);
        first.code
    });
    // It is asked whether it is there, and whether it serves the script; nothing else can be missed.
    assert!(codes.iter().all(|(nth, code)| *code == if *nth > 3 { 7 } else { 6 }), "{codes:?}");
}
