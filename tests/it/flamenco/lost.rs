//! A Manager that is lost in the middle of a command: its first requests were answered, the later ones are not.

use super::server::Fault;
use super::server::flamenco::Release;
use super::{Studio, all_at_once};
use crate::support::{Outcome, tree};
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
