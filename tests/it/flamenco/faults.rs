//! What goes wrong between farm and a Manager, told by each command.

use super::server::flamenco::Release;
use super::server::{Answer, Fault};
use super::{Studio, all_at_once};
use crate::support::{Outcome, Tree};
use serde_json::json;

/// A fault, and what is told of it.
struct Case {
    name: &'static str,
    fault: Fault,
    /// How status, plan and harvest end.
    code: i32,
    /// One of these words names the cause.
    causes: &'static [&'static str],
    /// `FARM_ACCESS_TIMEOUT`
    timeout: &'static str,
}

/// The longest list that is read is 128 MiB; with its buffers and the threads' stacks twice that and some more is used.
const MOST_MEMORY_KIB: u32 = 1_000_000;
const LONG: &str = "30s";
const SHORT: &str = "500ms";

const fn case(name: &'static str, fault: Fault, code: i32, causes: &'static [&'static str]) -> Case {
    Case { name, fault, code, causes, timeout: LONG }
}

fn cases() -> Vec<Case> {
    let json = |value| Fault::Instead(Answer::json(200, &value));
    vec![
        case("refused 400 by its code", Fault::coded(400, "no such range"), 1, &["no such range"]),
        case("refused 400 before its code", Fault::plain(400, "not nullable"), 1, &["not nullable"]),
        case("400 page", Fault::page(400), 6, &["HTTP 400"]),
        case("401", Fault::plain(401, "who is it"), 6, &["credentials (HTTP 401)"]),
        case("401 page", Fault::page(401), 6, &["credentials (HTTP 401)"]),
        case("403 page", Fault::page(403), 6, &["credentials (HTTP 403)"]),
        case("404 page", Fault::page(404), 6, &["HTTP 404"]),
        case("no such call", Fault::plain(404, "Not Found"), 6, &["does not know this call"]),
        case("a gateway's 404", Fault::plain(404, "no Route matched"), 6, &["no Route matched"]),
        case("500 by its code", Fault::coded(500, "database is locked"), 6, &["database is locked"]),
        case("502 page", Fault::page(502), 6, &["HTTP 502"]),
        case("503 by its code", Fault::coded(503, "too busy"), 6, &["too busy"]),
        case("429", Fault::plain(429, "slow down"), 6, &["slow down"]),
        case("login page", Fault::page(200), 6, &["web page"]),
        case("half of the JSON", Fault::HalfJson, 6, &["as a Flamenco Manager does"]),
        case("wrong type", json(json!([1, "x"])), 6, &["as a Flamenco Manager does"]),
        case("null", json(json!(null)), 6, &["as a Flamenco Manager does"]),
        case("empty body", Fault::Instead(Answer::text(200, "application/json", "")), 6, &["Flamenco Manager"]),
        case("nothing to say", Fault::Instead(Answer::nothing()), 6, &["Flamenco Manager"]),
        case("another host", Fault::redirect("http://elsewhere.invalid/login"), 6, &["elsewhere.invalid"]),
        case("reset", Fault::Reset, 6, &["hung up", "reset"]),
        case("cut", Fault::CutAfter, 6, &["hung up"]),
        case("cut in the head", Fault::CutInHead, 6, &["hung up"]),
        case("cut in the body", Fault::CutInBody, 6, &["broke off"]),
        case("no HTTP", Fault::Garbage, 6, &["hung up", "HTTP"]),
        case("huge", Fault::Huge(500 << 20), 6, &["larger than"]),
        case("endless", Fault::Endless("          "), 6, &["larger than"]),
        Case { timeout: SHORT, ..case("silent", Fault::Silent, 6, &["in time"]) },
        Case { timeout: SHORT, ..case("dripping", Fault::Drip, 6, &["in time"]) },
    ]
}

/// Every request of a command is struck; then none is, and the command does what it always does.
fn strike(case: &Case) {
    let mut studio = Studio::new(Release::V3_9);
    studio.run("plan release r1 scenes/A.blend --frames 1-2 --yes").expect(0);
    studio.work();
    studio.farm.room.set("FARM_ACCESS_TIMEOUT", case.timeout);
    studio.server.trap(case.fault.clone(), "", usize::MAX);
    let before = results(&studio);
    let plan = "plan release r2 scenes/B.blend --frames 1-2 --yes";
    let struck =
        [("status", case.code), ("harvest release r1 --no-preview", case.code), (plan, case.code), ("doctor", 7)];
    let commands = struck.map(|(words, code)| {
        let studio = &studio;
        (words.to_owned(), move || is_told(case, studio, &within_memory(studio, words), code))
    });
    all_at_once(commands.into());
    let difference = before.difference(&results(&studio));
    assert!(difference.is_empty(), "the volume changed:\n{difference}");
    assert_eq!(studio.jobs().len(), 1);
    studio.server.mend();
    studio.farm.room.set("FARM_ACCESS_TIMEOUT", LONG);
    studio.run(plan).expect(0);
    studio.run(plan).expect(0);
    assert_eq!(studio.jobs().len(), 2);
    studio.run("harvest release r1 --no-preview").expect(0);
}

/// What must not change: everything but farm's own notes.
fn results(studio: &Studio) -> Tree {
    Tree::without(&studio.farm.path(""), |path| path == ".farm")
}

/// Under a limit: who reads without end is ended by it.
fn within_memory(studio: &Studio, words: &str) -> Outcome {
    let limited = format!("ulimit -v {MOST_MEMORY_KIB}; exec \"$@\"");
    studio.farm.room.start_under(&["sh", "-c", &limited, "sh"], &studio.farm.arguments(words)).wait()
}

#[track_caller]
fn is_told(case: &Case, studio: &Studio, outcome: &Outcome, code: i32) {
    let text = outcome.text();
    assert_eq!(outcome.code, code, "{outcome}");
    outcome.check_manners();
    assert!(text.contains(&studio.server.url()), "it does not name the Manager:\n{outcome}");
    assert!(case.causes.iter().any(|cause| text.contains(cause)), "{:?}\n{outcome}", case.causes);
    assert!(text.contains("next:"), "no next step:\n{outcome}");
}

/// They mostly wait, so all at once.
#[test]
fn each_fault_is_told_and_changes_nothing() {
    all_at_once(cases().into_iter().map(|case| (case.name.to_owned(), move || strike(&case))).collect());
}

/// A Manager that answers has the right address: what keeps it from taking the job is in its own log.
#[test]
fn a_manager_that_takes_no_job_is_not_looked_for_elsewhere() {
    let studio = Studio::new(Release::V3_9);
    studio.server.trap(Fault::coded(500, "error persisting job in database"), "POST /api/v3/jobs ", usize::MAX);
    let outcome = studio.run("plan release r1 scenes/A.blend --frames 1-2 --yes").expect(6);
    let outcome = outcome.says(&["error persisting job", "not in its queue", "Manager's own log", "0 of 1 run "]);
    assert!(!outcome.text().contains("Check the address"), "{outcome}");
    assert!(studio.jobs().is_empty());
}

/// A status of a newer Manager may be one of a job that is being rendered: it is shown, and its frames are left alone.
#[test]
fn an_unknown_status_is_shown_and_taken_for_open() {
    let studio = Studio::new(Release::V3_9);
    studio.run("plan release r1 scenes/A.blend --frames 1-2 --yes").expect(0);
    studio.work();
    studio.server.trap(Fault::Replace("\"status\":\"", "\"status\":\"half-"), "", usize::MAX);
    let before = results(&studio);
    studio.run("status").expect(0).says(&["half-completed"]);
    studio.run("harvest release r1 --no-preview").expect(7).says(&["its task has not ended"]);
    studio.run("doctor").check_manners();
    let difference = before.difference(&results(&studio));
    assert!(difference.is_empty(), "the volume changed:\n{difference}");
    studio.run("plan release r2 scenes/B.blend --frames 1-2 --yes").expect(0);
    assert_eq!(studio.jobs().len(), 2);
    studio.server.mend();
    studio.run("harvest release r1 --no-preview").expect(0);
}

#[test]
fn nobody_is_there() {
    let mut studio = Studio::new(Release::V3_9);
    let url = "http://127.0.0.1:1";
    studio.farm.room.set("FARM_MANAGER", url);
    let before = studio.farm.tree();
    let status = || studio.run("status").expect(6).says(&[url, "efused", "next:"]);
    let told = || studio.run("status --json").expect(6).says(&[url, "efused", "next:", "farm.error/1"]);
    let plan = || studio.run("plan release r1 scenes/A.blend --yes").expect(6).says(&[url, "efused", "next:"]);
    let doctor = || studio.run("doctor").expect(7).says(&[url, "efused", "next:"]);
    // No run was left behind, so nothing has to be asked of anybody.
    let recover = || studio.run("recover").expect(0);
    let commands: [&(dyn Fn() -> Outcome + Sync); 5] = [&status, &told, &plan, &doctor, &recover];
    all_at_once(commands.map(|command| (String::new(), move || drop(command()))).into());
    studio.farm.unchanged_since(&before);
}
