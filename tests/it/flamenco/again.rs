//! The same command again: what it goes on with, what it holds back, and what it says once.

use super::Studio;
use super::server::Fault;
use super::server::flamenco::{Release, StandIn};
use crate::support::fake_blender::Fake;
use farm::base::status::{JobStatus, TaskStatus};
use farm::manager::Manager;
use farm::sys::http::{Client, Method, Request};
use std::fs;
use std::time::{Duration, Instant};

/// A plan whose submissions fail after some: `how_many` jobs.
fn cut_off(how_many: usize) -> (Studio, String) {
    let studio = Studio::new(Release::V3_9);
    fs::create_dir(studio.farm.room.path("scenes/many")).expect("a folder");
    for number in 0..how_many {
        studio.farm.scene(&format!("many/S{number:02}.blend"), "scenes/cube3_zstd.blend");
    }
    let plan = "plan release r1 scenes/many --frames 1-2 --yes".to_owned();
    studio.server.trap(Fault::coded(400, "not today"), "POST /api/v3/jobs ", usize::MAX);
    let first = studio.run(&plan);
    assert_ne!(first.code, 0, "{first}");
    assert_eq!(first.text().matches("ame command again").count(), 1, "{first}");
    studio.server.mend();
    assert!(studio.jobs().is_empty());
    (studio, plan)
}

#[test]
fn a_plan_that_goes_on_says_what_it_submits() {
    let (studio, plan) = cut_off(7);
    let shown = studio.run(&plan.replace("--yes", "--dry-run --json")).expect(0).json("farm.plan/1");
    assert_eq!((&shown["jobs"][0]["verdict"], &shown["jobs"][0]["waiting"]), (&"unchanged".into(), &"1-2".into()));
    let again = studio.run(&plan).expect(0);
    let text = again.text();
    assert!(text.contains("14 frames to render") && text.contains("not submitted yet"), "{again}");
    for job in studio.jobs() {
        assert!(text.contains(&job.id.0), "{} is not named: {again}", job.id);
    }
    let third = studio.run(&plan).expect(0);
    assert!(!third.text().contains("0 frames") && third.text().contains("no new frames"), "{third}");
}

/// What an earlier command wrote down is submitted whatever is planned now, so nobody agrees to less than that.
#[test]
fn jobs_that_wait_beside_the_plan_are_counted_and_named() {
    let (studio, _) = cut_off(1);
    let plan = "plan release r1 scenes/B.blend --frames 1-3 --update";
    let shown = studio.run(&format!("{plan} --dry-run --json")).expect(0).json("farm.plan/1");
    assert_eq!(shown["waiting"][0]["ref"], "r1/S00");
    let second = studio.run(&format!("{plan} --yes")).expect(0);
    second.says(&["5 frames to render", "also submitted", "r1/S00, frames 1-2", "r1/B as ", "r1/S00 as "]);
    assert_eq!(studio.jobs().len(), 2);
}

/// What was begun and not ended is not left half done when the same command ends it.
#[test]
fn a_plan_that_was_ended_by_the_same_command_is_not_left_half_done() {
    let (studio, plan) = cut_off(2);
    let is_left = || studio.run("status").expect(0).text().contains("did not come to its end");
    assert!(is_left());
    studio.run(&plan).expect(0);
    assert!(!is_left());
    let findings = studio.run("doctor --json").json("farm.doctor/1").to_string();
    assert!(findings.contains("nothing is half done"), "{findings}");
}

/// The worker may not know yet that its task has ended.
#[test]
fn frames_that_are_held_back_are_named_with_their_worker() {
    let studio = Studio::with(Release::V3_9, &Fake { fails_at: Some(2), ..Fake::default() });
    let plan = "plan release r1 scenes/A.blend --frames 1-4 --chunk 4 --yes";
    studio.run(plan).expect(0);
    studio.work();
    let jobs = studio.jobs();
    assert_eq!(jobs[0].status, JobStatus::Failed, "{jobs:?}");
    assert!(studio.engine.tasks(&jobs[0].id).expect("tasks").iter().any(|task| task.status == TaskStatus::Failed));
    let worker = studio.engine.workers().expect("workers")[0].name.clone();
    let again = studio.run(plan).expect(4);
    let words = ["r1/A: frames 2-4 are not submitted again", &worker, "may still be writing", "next: "];
    again.says(&words);
    assert_eq!(studio.jobs().len(), 1);
    studio.run("harvest release r1 --no-preview").expect(7).says(&[&worker, "may still be writing"]);
}

#[test]
fn a_run_of_another_manager_is_named_with_it() {
    let mut studio = Studio::new(Release::V3_9);
    let plan = "plan release r1 scenes/A.blend --frames 1-4 --yes";
    studio.run(plan).expect(0);
    let elsewhere = Studio::new(Release::V3_9);
    let first = studio.server.url();
    studio.farm.room.set("FARM_MANAGER", elsewhere.server.url());
    let harvest = studio.run("harvest release r1 --no-preview").expect(7);
    harvest.says(&["frames 1-4", &first, "--manager"]);
    studio.run("status").expect(0).says(&["elsewhere", &first, "--manager"]);
    let job = studio.run("status --json").expect(0).json("farm.status/1")["jobs"][0].clone();
    assert_eq!((&job["status"], &job["elsewhere"]), (&"elsewhere".into(), &first.trim_end_matches('/').into()));
}

#[test]
fn each_failure_is_told_once_while_waiting() {
    let mut studio = Studio::with(Release::V3_9, &Fake { fails_at: Some(2), ..Fake::default() });
    studio.farm.room.set("FARM_WAIT_TRIES", "2");
    let plan = "plan release r1 scenes/A.blend --frames 1-2 --chunk 1 --yes --wait";
    let outcome = studio.while_working(|| studio.run(plan).expect(1));
    for job in studio.jobs() {
        let said = outcome.text().matches(&format!("job {} failed", job.id)).count();
        assert_eq!(said, 1, "job {} is told of {said} times: {outcome}", job.id);
    }
    let tries = outcome.text().matches("again (run ").count();
    assert!(tries >= 1, "{outcome}");
    let told = outcome.text().matches("r1/A: task render-2 failed").count();
    assert_eq!(told, studio.jobs().len(), "{outcome}");
}

/// The job's request arrives once more, as one does that a gateway kept for a while. Paused, so that no worker is done with
/// it before farm sees it: rendering what is there already takes no time.
fn arrives_again(studio: &Studio) {
    let first = studio.jobs()[0].id.clone();
    let mut body = studio.gate.stand_in().submitted(&first.0).expect("it was submitted");
    body["initial_status"] = "paused".into();
    let client = Client::new(&studio.server.url()).expect("an address");
    let post =
        Request { method: Method::Post, json: Some(body.to_string().into_bytes()), ..Request::get("api/v3/jobs") };
    assert_eq!(client.send(&post).expect("an answer").status, 200);
    assert_eq!(studio.jobs().len(), 2);
}

#[track_caller]
fn one_was_ended(studio: &Studio) {
    let mut statuses: Vec<JobStatus> = studio.jobs().into_iter().map(|job| job.status).collect();
    statuses.retain(|status| *status == JobStatus::Canceled);
    assert_eq!(statuses.len(), 1, "{:?}", studio.jobs());
}

/// Also where nothing is left to submit.
#[test]
fn what_arrived_twice_is_ended_by_the_same_command() {
    let studio = Studio::new(Release::V3_9);
    let plan = "plan release r1 scenes/A.blend --frames 1-4 --yes";
    studio.run(plan).expect(0);
    let named = studio.jobs()[0].id.clone();
    arrives_again(&studio);
    studio.run(plan).expect(0).says(&["submitted twice", &named.0]);
    one_was_ended(&studio);
    let stays = studio.jobs().into_iter().find(|job| job.status != JobStatus::Canceled).expect("one stays");
    assert_eq!(stays.id, named);
    assert!(!studio.run(plan).expect(0).text().contains("submitted twice"));
}

#[test]
fn what_arrives_twice_is_ended_by_whoever_waits() {
    let studio = Studio::with(Release::V3_9, &Fake { pause: "0.3", ..Fake::default() });
    let outcome = studio.while_working(|| {
        let waiting = studio.farm.start("plan release r1 scenes/A.blend --frames 1-4 --yes --wait");
        let began = Instant::now();
        while !studio.farm.frame("r1", "A", 1).exists() {
            assert!(began.elapsed() < Duration::from_secs(60), "waited in vain for a frame");
            std::thread::sleep(Duration::from_millis(20));
        }
        arrives_again(&studio);
        waiting.wait()
    });
    outcome.expect(0).says(&["submitted twice"]);
    one_was_ended(&studio);
}

fn studio_with_tags() -> Studio {
    let tag = |stand_in: StandIn| {
        stand_in
            .with_tag("6e1f6a3e-0000-4000-8000-00000000000a", "gpu")
            .with_tag("6e1f6a3e-0000-4000-8000-00000000000b", "cpu")
    };
    Studio::of(Release::V3_9, &Fake::default(), tag)
}

/// A tag, and a pause, of frames that were submitted without: nothing comes of it, and that is not kept quiet.
#[test]
fn a_tag_and_a_pause_are_compared_with_those_of_earlier_runs() {
    let studio = studio_with_tags();
    let plan = |words: &str| studio.run(&format!("plan release r1 scenes/A.blend --frames 1-3 {words} --yes"));
    plan("--tag gpu").expect(0);
    assert_eq!(studio.submitted()["worker_tag"], "6e1f6a3e-0000-4000-8000-00000000000a");
    for (words, told) in [
        ("--tag cpu", "r1/A has tag gpu instead of cpu"),
        ("--paused", "r1/A has no pause before it instead of one"),
        ("--tag cpu --paused --update", "tag gpu instead of cpu and no pause before it instead of one"),
    ] {
        plan(words).expect(5).says(&[told, "nothing was submitted", "next:"]);
    }
    for same in ["--tag gpu", ""] {
        plan(same).expect(0);
    }
    assert_eq!(studio.jobs().len(), 1);

    let more = studio.run("plan release r1 scenes/A.blend --frames 1-5 --tag cpu --paused --update --yes").expect(0);
    more.says(&[
        "r1/A: only by workers with the tag cpu, paused until somebody starts it",
        "frames 1-3 keep tag gpu instead of cpu",
        "frames 1-3 keep no pause before it instead of one",
    ]);
    let jobs = studio.jobs();
    let added = jobs.iter().find(|job| job.status == JobStatus::Paused).unwrap_or_else(|| panic!("{jobs:?}"));
    let submitted = studio.gate.stand_in().submitted(&added.id.0).expect("it was submitted");
    assert_eq!(submitted["worker_tag"], "6e1f6a3e-0000-4000-8000-00000000000b");
    assert_eq!((&submitted["initial_status"], &submitted["settings"]["frames"]), (&"paused".into(), &"4,5".into()));
}

#[test]
fn a_job_without_a_tag_is_told_from_one_with() {
    let studio = studio_with_tags();
    studio.run("plan release r1 scenes/A.blend --frames 1-3 --paused --yes").expect(0);
    let again = |words: &str| studio.run(&format!("plan release r1 scenes/A.blend --frames 1-3 {words} --yes"));
    again("--tag gpu").expect(5).says(&["r1/A has no tag instead of gpu"]);
    again("--paused").expect(0);
    assert_eq!(studio.jobs().len(), 1);
}

/// A person who says so must not have the farm begin.
#[test]
fn what_is_planned_paused_is_submitted_again_paused() {
    let studio = Studio::new(Release::V3_9);
    let plan = "plan release r1 scenes/A.blend --frames 1-3 --paused --yes";
    studio.run(plan).expect(0);
    let first = studio.jobs().remove(0);
    studio.engine.set_job_status(&first.id, JobStatus::CancelRequested, "by hand").expect("canceled");
    studio.run(plan).expect(0).says(&["submitted r1/A frames 1-3 again"]);
    let words: Vec<JobStatus> = studio.jobs().into_iter().map(|job| job.status).collect();
    assert!(words.contains(&JobStatus::Paused) && words.contains(&JobStatus::Canceled), "{words:?}");
    studio
        .run("plan release r1 scenes/A.blend --frames 1-3 --yes --wait")
        .expect(1)
        .says(&["is paused: `farm unpause`"]);
}

#[test]
fn nobody_waits_for_what_a_person_has_to_start() {
    let studio = Studio::new(Release::V3_9);
    let plan = "release: r1\njobs: [{scene: scenes/A.blend, frames: 1-3, paused: true}]\n";
    fs::write(studio.farm.room.path("plan.yaml"), plan).expect("a plan");
    let before = studio.farm.tree();
    studio.run("plan release --from plan.yaml --yes --wait").expect(5).says(&["r1/A", "paused", "next:"]);
    studio.farm.unchanged_since(&before);
    assert!(studio.jobs().is_empty());
    studio.run("plan release --from plan.yaml --yes").expect(0);
}
