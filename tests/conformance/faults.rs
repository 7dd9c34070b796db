//! What a Manager, a proxy or a line can do wrong, at each call that farm makes: the right kind of error, a message that
//! names the URL and the cause, in bounded time and memory.

use super::flamenco_farm::FlamencoFarm;
use super::server::flamenco::Release;
use super::server::{Answer, Fault, nobody};
use super::test_farm::{Scene, TestFarm, submission};
use farm::base::error::{Class, Explain};
use farm::base::ids::{JobId, TaskId};
use farm::base::status::JobStatus;
use farm::manager::flamenco::Bounds;
use farm::manager::{Flamenco, Manager, ManagerError, Order, Submission};
use farm::sys::http::Access;
use serde_json::json;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

/// The longest that any struck call may take with the patience of these tests.
const LONGEST: Duration = Duration::from_secs(20);
/// The most memory that this program may ever have taken, in KiB.
const MOST_MEMORY: u64 = 512 << 10;

/// How the client tells what went wrong.
#[derive(Debug, Clone, Copy)]
enum Tells {
    /// It does not: nothing did.
    Fine,
    /// It answers, and cannot; with this word in the message.
    InTrouble(&'static str),
    /// `Unusable`, with this word in the message.
    Unusable(&'static str),
    Unauthorized,
    Rejected(&'static str),
    Incapable,
    /// `Unknown`, with its `later`.
    Unknown(bool),
}

/// What a call is told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// JSON.
    Document,
    /// 204.
    Nothing,
    /// Plain text.
    Text,
    /// The job that was made: nobody may repeat this one.
    Made,
    /// 204, of what was changed.
    Changed,
}

/// What calls are about.
struct Subject {
    farm: FlamencoFarm,
    submission: Submission,
    /// A job that was worked off, and its task.
    done: (JobId, TaskId),
    /// Jobs that wait.
    waits: [JobId; 2],
}

impl Subject {
    fn new() -> Self {
        let farm = FlamencoFarm::new(Release::V3_9);
        let (job, _) = submission(&farm, Scene::Light, "1-3", 3);
        let done = farm.manager().submit(&job).unwrap().id;
        farm.work();
        let task = farm.manager().tasks(&done).unwrap().remove(0).id;
        let waits = [(); 2].map(|()| farm.manager().submit(&submission(&farm, Scene::Light, "1", 1).0).unwrap().id);
        let (submission, _) = submission(&farm, Scene::Light, "1", 1);
        Subject { farm, submission, done: (done, task), waits }
    }
}

/// A call of the trait.
struct Call {
    name: &'static str,
    /// The request of it that is struck.
    at: &'static str,
    kind: Kind,
    make: fn(&dyn Manager, &Subject) -> Result<(), ManagerError>,
}

const fn call(
    name: &'static str,
    at: &'static str,
    kind: Kind,
    make: fn(&dyn Manager, &Subject) -> Result<(), ManagerError>,
) -> Call {
    Call { name, at, kind, make }
}

const CALLS: &[Call] = &[
    call("version", "GET /api/v3/version ", Kind::Document, |m, _| m.version().map(drop)),
    call("storage", "GET /api/v3/configuration ", Kind::Document, |m, _| m.storage(Path::new("/v")).map(drop)),
    call("sees_folder", "POST /api/v3/configuration/check/", Kind::Document, |m, _| m.sees_folder("/tmp").map(drop)),
    call("check", "POST /api/v3/jobs/check ", Kind::Nothing, |m, s| m.check(&s.submission)),
    call("check, its type", "GET /api/v3/jobs/type/", Kind::Document, |m, s| m.check(&s.submission)),
    call("submit", "POST /api/v3/jobs ", Kind::Made, |m, s| m.submit(&s.submission).map(drop)),
    call("submit, its type", "GET /api/v3/jobs/type/", Kind::Document, |m, s| m.submit(&s.submission).map(drop)),
    call("jobs", "GET /api/v3/jobs ", Kind::Document, |m, _| m.jobs().map(drop)),
    call("find_run", "GET /api/v3/jobs ", Kind::Document, |m, _| m.find_run(farm::base::ids::RunId::NONE).map(drop)),
    call("job", "GET /api/v3/jobs/", Kind::Document, |m, s| m.job(&s.done.0).map(drop)),
    call("tasks", "/tasks ", Kind::Document, |m, s| m.tasks(&s.done.0).map(drop)),
    call("task", "GET /api/v3/tasks/", Kind::Document, |m, s| m.task(&s.done.1).map(drop)),
    call("set_job_status", "/setstatus ", Kind::Changed, |m, s| {
        m.set_job_status(&s.waits[0], JobStatus::CancelRequested, "")
    }),
    call("delete_job", "DELETE /api/v3/jobs/", Kind::Changed, |m, s| m.delete_job(&s.waits[1])),
    call("log_tail", "/logtail ", Kind::Text, |m, s| m.log_tail(&s.done.1).map(drop)),
    call("log", "/log ", Kind::Document, |m, s| m.log(&s.done.1).map(drop)),
    call("log, its file", "GET /job-files/", Kind::Text, |m, s| m.log(&s.done.1).map(drop)),
    call("workers", "GET /api/v3/worker-mgt/workers ", Kind::Document, |m, _| m.workers().map(drop)),
    call("workers, one of them", "GET /api/v3/worker-mgt/workers/", Kind::Document, |m, _| m.workers().map(drop)),
];

/// What is told of a fault: where a document, nothing, text or a made job was waited for.
type Row = [Tells; 4];

/// What is told of a call. Of a change without an answer nobody knows whether it was made, as of a job.
fn tells(kind: Kind, [document, nothing, text, made]: Row) -> Tells {
    match (kind, nothing) {
        (Kind::Document, _) => document,
        (Kind::Text, _) => text,
        (Kind::Made, _)
        | (Kind::Changed, Unusable("hung up" | "in time" | "larger than" | "HTTP 502") | InTrouble("timing out")) => {
            made
        }
        (Kind::Nothing | Kind::Changed, _) => nothing,
    }
}

/// A patience that lets a test see the end of it.
fn impatient(url: &str, timeout: Duration) -> Flamenco {
    let access = Access { timeout: Some(timeout), ..Access::default() };
    // Larger than what is no list may be.
    let bounds = Bounds { pauses: [Duration::from_millis(5); 3], long: timeout, list: 40 << 20, arrival: timeout };
    Flamenco::with_bounds(url, &access, bounds).unwrap()
}

/// Strikes every call with the fault, each for as often as it is tried.
fn strike(fault: &Fault, timeout: Duration, row: Row) {
    let subject = Subject::new();
    for call in CALLS {
        let url = subject.farm.server().url();
        let manager = impatient(&url, timeout);
        subject.farm.server().mend();
        subject.farm.server().trap(fault.clone(), call.at, usize::MAX);
        let start = Instant::now();
        let outcome = (call.make)(&manager, &subject);
        assert!(start.elapsed() < LONGEST, "{}: {:?}", call.name, start.elapsed());
        judge(call.name, &url, tells(call.kind, row), outcome);
    }
}

fn judge(call: &str, url: &str, tells: Tells, outcome: Result<(), ManagerError>) {
    let message = outcome.as_ref().err().map(ToString::to_string).unwrap_or_default();
    let is_right = match (tells, &outcome) {
        (Tells::Fine, Ok(())) => return,
        (Tells::Unusable(word), Err(ManagerError::Unusable { .. })) => message.contains(word),
        (Tells::InTrouble(word), Err(ManagerError::InTrouble { .. })) => message.contains(word),
        (Tells::Rejected(word), Err(ManagerError::Rejected { .. })) => message.contains(word),
        (Tells::Unauthorized, Err(ManagerError::Unauthorized { .. })) => true,
        (Tells::Incapable, Err(ManagerError::Incapable { .. })) => true,
        (Tells::Unknown(expected), Err(ManagerError::Unknown { later, .. })) => *later == expected,
        _ => false,
    };
    assert!(is_right, "{call}: expected {tells:?}, got {outcome:?}: {message}");
    assert!(message.contains(url), "{call}: {message}");
    let error = outcome.unwrap_err();
    assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{call}: {message}: no next step");
    // A request that is wrong is the caller's fault, everything else the Manager's.
    let class = if matches!(tells, Tells::Rejected(_)) { Class::Failed } else { Class::Manager };
    assert_eq!(error.class(), class, "{call}: {message}");
}

/// One test for each fault. A time is how long an answer is waited for.
macro_rules! faults {
    ($($name:ident: $fault:expr, $timeout:expr => $document:expr, $nothing:expr, $text:expr, $made:expr;)*) => {
        $(#[test] fn $name() {
            strike(&$fault, Duration::from_millis($timeout), [$document, $nothing, $text, $made]);
        })*
    };
}

use Tells::{Fine, InTrouble, Incapable, Rejected, Unauthorized, Unknown, Unusable};

/// Enough for every answer that comes at all.
const LONG: u64 = 10_000;
const SHORT: u64 = 250;

faults! {
    reset_before_reading: Fault::Reset, LONG =>
        Unusable("hung up"), Unusable("hung up"), Unusable("hung up"), Unknown(false);
    cut_before_it_was_done: Fault::CutBefore, LONG =>
        Unusable("hung up"), Unusable("hung up"), Unusable("hung up"), Unknown(false);
    cut_after_it_was_done: Fault::CutAfter, LONG =>
        Unusable("hung up"), Unusable("hung up"), Unusable("hung up"), Unknown(false);
    cut_in_the_head: Fault::CutInHead, LONG =>
        Unusable("hung up"), Unusable("hung up"), Unusable("hung up"), Unknown(false);
    cut_in_the_body: Fault::CutInBody, LONG => Unusable("broke off"), Fine, Unusable("broke off"), Unknown(false);
    silent: Fault::Silent, SHORT =>
        Unusable("in time"), Unusable("in time"), Unusable("in time"), Unknown(true);
    stalled: Fault::Stall, SHORT => Unusable("in time"), Fine, Unusable("in time"), Unknown(false);
    dripping: Fault::Drip, SHORT =>
        Unusable("in time"), Unusable("in time"), Unusable("in time"), Unknown(false);
    late: Fault::Delay(Duration::from_millis(100)), LONG => Fine, Fine, Fine, Fine;
    endless: Fault::Endless("          "), LONG =>
        Unusable("larger than"), Unusable("larger than"), Unusable("larger than"), Unknown(false);
    huge: Fault::Huge(50 << 20), LONG =>
        Unusable("larger than"), Unusable("larger than"), Unusable("larger than"), Unknown(false);
    sent_elsewhere: Fault::redirect("http://elsewhere.invalid/"), LONG =>
        Unusable("elsewhere.invalid"), Unusable("elsewhere.invalid"), Unusable("elsewhere.invalid"), Unknown(false);
    login_page: Fault::page(200), LONG =>
        Unusable("web page"), Unusable("web page"), Unusable("web page"), Unknown(false);
    page_401: Fault::page(401), LONG => Unauthorized, Unauthorized, Unauthorized, Unauthorized;
    page_404: Fault::page(404), LONG =>
        Unusable("web page"), Unusable("web page"), Unusable("web page"), Unusable("web page");
    page_502: Fault::page(502), LONG =>
        Unusable("HTTP 502"), Unusable("HTTP 502"), Unusable("HTTP 502"), Unknown(true);
    busy_503: Fault::coded(503, "too busy"), LONG =>
        InTrouble("too busy"), InTrouble("too busy"), InTrouble("too busy"), Unknown(true);
    a_gateways_504: Fault::plain(504, "The upstream server is timing out"), LONG =>
        InTrouble("timing out"), InTrouble("timing out"), InTrouble("timing out"), Unknown(true);
    failed_500_before_the_code: Fault::plain(500, "Internal Server Error"), LONG =>
        InTrouble("HTTP 500"), InTrouble("HTTP 500"), InTrouble("HTTP 500"), Unknown(true);
    failed_500: Fault::coded(500, "database is locked"), LONG =>
        InTrouble("is locked"), InTrouble("is locked"), InTrouble("is locked"), Unknown(false);
    too_many_429: Fault::plain(429, "slow down"), LONG =>
        InTrouble("slow down"), InTrouble("slow down"), InTrouble("slow down"), InTrouble("slow down");
    refused_400_by_the_code: Fault::coded(400, "invalid range"), LONG =>
        Rejected("invalid range"), Rejected("invalid range"), Rejected("invalid range"), Rejected("invalid range");
    refused_400_before_the_code: Fault::plain(400, "not nullable"), LONG =>
        Rejected("not nullable"), Rejected("not nullable"), Rejected("not nullable"), Rejected("not nullable");
    no_such_call: Fault::plain(404, "Not Found"), LONG => Incapable, Incapable, Incapable, Incapable;
    a_gateways_404: Fault::plain(404, "no Route matched with those values"), LONG =>
        Unusable("no Route"), Unusable("no Route"), Unusable("no Route"), Unusable("no Route");
    a_gateways_405: Fault::plain(405, "not here"), LONG =>
        Unusable("HTTP 405"), Unusable("HTTP 405"), Unusable("HTTP 405"), Unusable("HTTP 405");
    half_of_the_json: Fault::HalfJson, LONG => Unusable("not answer as a Flamenco"), Fine, Fine, Unknown(false);
    wrong_types: Fault::Instead(Answer::json(200, &json!([1, "x"]))), LONG =>
        Unusable("not answer as a Flamenco"), Unusable("not as a Flamenco"), Fine, Unknown(false);
    null: Fault::Instead(Answer::json(200, &json!(null))), LONG =>
        Unusable("not answer as a Flamenco"), Unusable("not as a Flamenco"), Fine, Unknown(false);
    unknown_words: Fault::Replace("\"status\":\"", "\"status\":\"half-"), LONG => Fine, Fine, Fine, Fine;
    no_http: Fault::Garbage, LONG =>
        Unusable("hung up"), Unusable("hung up"), Unusable("hung up"), Unknown(false);
}

#[test]
fn nobody_is_there() {
    let subject = Subject::new();
    let url = nobody();
    for call in CALLS {
        judge(call.name, &url, Unusable("efused"), (call.make)(&impatient(&url, Duration::from_secs(10)), &subject));
    }
}

/// What is away for a moment is asked again; a submission that may have arrived is not sent again.
#[test]
fn what_passes_is_waited_for() {
    let subject = Subject::new();
    for fault in [Fault::page(502), Fault::coded(503, "too busy"), Fault::CutBefore, Fault::Reset] {
        for call in CALLS {
            let manager = impatient(&subject.farm.server().url(), Duration::from_secs(10));
            subject.farm.server().mend();
            subject.farm.server().trap(fault.clone(), call.at, 2);
            let outcome = (call.make)(&manager, &subject);
            match call.kind {
                Kind::Made => assert!(matches!(outcome, Err(ManagerError::Unknown { .. })), "{outcome:?}"),
                // The first one may have arrived.
                _ if call.name == "delete_job" && matches!(outcome, Err(ManagerError::NotFound { .. })) => {}
                _ => assert!(outcome.is_ok(), "{fault:?}: {}: {outcome:?}", call.name),
            }
        }
    }
}

/// A change of which one try may have been heard may have been made, whatever the others met.
#[test]
fn what_one_try_of_a_change_met_is_not_forgotten() {
    let subject = Subject::new();
    let server = subject.farm.server();
    let busy = || Fault::coded(503, "too busy");
    for fault in [Fault::CutAfter, Fault::Silent] {
        let timeout = Duration::from_millis(300);
        let access = Access { timeout: Some(timeout), ..Access::default() };
        let bounds = Bounds {
            pauses: [Duration::from_millis(5); 3],
            long: Duration::from_secs(5),
            list: 1 << 20,
            arrival: timeout,
        };
        let manager = Flamenco::with_bounds(&server.url(), &access, bounds).unwrap();
        let is_unsure = |spared: usize, orders: usize| {
            server.mend();
            server.trap(busy(), "/setstatus ", spared);
            server.trap(fault.clone(), "/setstatus ", 1);
            server.trap(busy(), "/setstatus ", usize::MAX);
            let order = Order::Status(JobStatus::CancelRequested);
            let mut heard = Vec::new();
            match orders {
                0 => heard.push(manager.order(&subject.waits[0], &order, "")),
                _ => manager.order_all(&[(subject.waits[0].clone(), order)], "", &mut |_, outcome| {
                    heard.push(outcome);
                    ControlFlow::Continue(())
                }),
            }
            assert!(matches!(heard[..], [Err(ManagerError::Unknown { .. })]), "{fault:?}: {spared}: {heard:?}");
        };
        is_unsure(0, 0);
        is_unsure(1, 0);
        is_unsure(0, 1);
        is_unsure(1, 1);
        is_unsure(2, 1);
    }
    // Larger than any answer to an order: it was heard.
    let manager = impatient(&server.url(), Duration::from_secs(10));
    server.mend();
    server.trap(Fault::Huge(50 << 20), "/setstatus ", usize::MAX);
    let order = Order::Status(JobStatus::CancelRequested);
    manager.order_all(&[(subject.waits[0].clone(), order)], "", &mut |_, outcome| {
        assert!(matches!(outcome, Err(ManagerError::Unknown { .. })), "{outcome:?}");
        ControlFlow::Continue(())
    });
}

/// All tries of one request have one time together: a Manager that takes requests and says nothing is given up once that
/// is over. A short answer is asked for twice within it.
#[test]
fn a_silent_manager_is_asked_no_longer_than_was_said() {
    let subject = Subject::new();
    let server = subject.farm.server();
    let access = Access { timeout: Some(Duration::from_millis(200)), ..Access::default() };
    let bounds = Bounds {
        pauses: [Duration::from_millis(5); 3],
        long: Duration::from_millis(800),
        list: 1 << 20,
        arrival: Duration::from_millis(200),
    };
    let manager = Flamenco::with_bounds(&server.url(), &access, bounds).unwrap();
    server.trap(Fault::Silent, "", usize::MAX);
    let asked = |call: &dyn Fn() -> Result<(), ManagerError>| {
        server.take_heard();
        assert!(matches!(call(), Err(ManagerError::Unusable { .. })));
        server.take_heard().len()
    };
    assert_eq!(asked(&|| manager.version().map(drop)), 2);
    assert_eq!(asked(&|| manager.jobs().map(drop)), 1);
    assert_eq!(asked(&|| manager.tasks(&subject.done.0).map(drop)), 1);
    // What passes quickly is asked for again within the same time, however often it may be.
    server.mend();
    server.trap(Fault::coded(503, "too busy"), "", usize::MAX);
    let patient = Bounds { pauses: [Duration::from_millis(500); 3], ..bounds };
    let manager = Flamenco::with_bounds(&server.url(), &access, patient).unwrap();
    server.take_heard();
    let start = Instant::now();
    assert!(matches!(manager.jobs(), Err(ManagerError::InTrouble { .. })));
    assert_eq!(server.take_heard().len(), 2, "{:?}", start.elapsed());
}

/// What is not there is told by 404 with a code: an answer, not a failure.
#[test]
fn a_404_with_a_code_is_an_answer() {
    let subject = Subject::new();
    for call in CALLS {
        let manager = impatient(&subject.farm.server().url(), Duration::from_secs(10));
        subject.farm.server().mend();
        subject.farm.server().trap(Fault::coded(404, "no such thing"), call.at, 1);
        let outcome = (call.make)(&manager, &subject);
        let is_an_answer = ["job", "task", "workers, one of them"].contains(&call.name);
        let is_right = match &outcome {
            Ok(()) => is_an_answer,
            Err(ManagerError::Incapable { .. }) => call.name.ends_with("its type"),
            Err(ManagerError::NotFound { .. }) => !is_an_answer,
            Err(_) => false,
        };
        assert!(is_right, "{}: {outcome:?}", call.name);
    }
}

/// A submission that is cut: where its outcome is unknown a look finds the job or does not, and then it is there once.
#[test]
fn a_cut_submission_makes_one_job_in_the_end() {
    let farm = FlamencoFarm::new(Release::V3_9);
    let before_sending = Fault::Reset;
    let faults = [
        (before_sending, false, 0),
        (Fault::CutBefore, false, 0),
        (Fault::CutAfter, false, 1),
        (Fault::CutInBody, false, 1),
        (Fault::coded(500, "error retrieving job from database").after_success(), false, 1),
        (Fault::page(504).after_success(), true, 1),
        (Fault::plain(504, "The upstream server is timing out").after_success(), true, 1),
        (Fault::page(502), true, 0),
        (Fault::Silent, true, 1),
        (Fault::SilentBefore, true, 0),
    ];
    for (fault, expected_later, made) in faults {
        // Those that are waited for take their time.
        let times = if matches!(fault, Fault::Silent | Fault::SilentBefore) { 5 } else { 20 };
        for _ in 0..times {
            let (submission, _) = submission(&farm, Scene::Light, "1", 1);
            let run = submission.metadata["farm.id"].parse().unwrap();
            // Only one that is never answered is in a hurry: on a busy machine the others take their time.
            let is_silent = matches!(fault, Fault::Silent | Fault::SilentBefore);
            let patience = if is_silent { Duration::from_millis(SHORT) } else { Duration::from_secs(10) };
            let manager = impatient(&farm.server().url(), patience);
            farm.server().mend();
            farm.server().trap(fault.clone(), "POST /api/v3/jobs ", 1);
            let outcome = manager.submit(&submission);
            let later = matches!(outcome, Err(ManagerError::Unknown { later: true, .. }));
            assert!(matches!(outcome, Err(ManagerError::Unknown { .. })), "{fault:?}: {outcome:?}");
            assert_eq!(later, expected_later, "{fault:?}: {outcome:?}");
            let manager = impatient(&farm.server().url(), Duration::from_secs(10));
            let found = manager.find_run(run).unwrap();
            assert_eq!(found.is_some(), made == 1, "{fault:?}");
            if found.is_none() {
                manager.submit(&submission).unwrap();
            }
            let jobs = manager.jobs().unwrap();
            assert_eq!(jobs.iter().filter(|job| job.run_id() == Some(run)).count(), 1, "{fault:?}");
        }
    }
}

/// A connection that was kept, and that the other side has closed meanwhile, carries no submission.
#[test]
fn closed_connections_are_not_used_again() {
    let subject = Subject::new();
    let manager = impatient(&subject.farm.server().url(), Duration::from_secs(10));
    subject.farm.server().trap(Fault::CutAfterAnswer, "", usize::MAX);
    for _ in 0..50 {
        let (submission, _) = submission(&subject.farm, Scene::Light, "1", 1);
        let run = submission.metadata["farm.id"].parse().unwrap();
        std::thread::sleep(Duration::from_millis(5));
        manager.submit(&submission).unwrap();
        assert!(manager.find_run(run).unwrap().is_some());
    }
}

/// A body that never ends is let go of at its limit.
#[test]
fn memory_stays_bounded() {
    let subject = Subject::new();
    let job = r#"{"id":"x","name":"n","status":"queued","type":"t","created":"2026-11-22T00:42:50.3Z","updated":"2026-11-22T00:42:50.3Z"},"#;
    subject.farm.server().trap(Fault::Endless(job), "GET /api/v3/jobs ", 1);
    let manager = impatient(&subject.farm.server().url(), Duration::from_secs(30));
    assert!(matches!(manager.find_run(farm::base::ids::RunId::NONE), Err(ManagerError::Unusable { .. })));
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.split_whitespace().next().unwrap().parse().unwrap();
    assert!(kib < MOST_MEMORY, "{kib} KiB");
}

/// As for a job of twenty thousand tasks.
#[test]
#[ignore = "takes half a minute: cargo test --test conformance thinks_long -- --ignored"]
fn a_manager_that_thinks_long_is_waited_for() {
    let subject = Subject::new();
    subject.farm.server().trap(Fault::Delay(Duration::from_secs(32)), "POST /api/v3/jobs ", 1);
    let manager = Flamenco::new(&subject.farm.server().url(), &Access::default()).unwrap();
    manager.submit(&subject.submission).unwrap();
}
