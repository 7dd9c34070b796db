//! Killing, pausing and prioritising jobs on a Manager of each release.

use super::server::flamenco::Release;
use super::server::{Answer, Fault, Heard};
use super::{Studio, all_at_once};
use crate::support::Outcome;
use crate::support::output::list;
use farm::base::ids::{JobId, RunId};
use farm::base::status::JobStatus;
use farm::manager::job::{META_ID, META_JOB, META_USER};
use farm::manager::{Manager, ManagerJob, RenderWork, Submission, Work};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A studio with so many planned jobs `r1/S00`, `r1/S01`…
fn studio_of(release: Release, jobs: usize) -> Studio {
    let studio = Studio::new(release);
    let scenes: Vec<String> = (0..jobs).map(|number| format!("scenes/S{number:02}.blend")).collect();
    for scene in &scenes {
        studio.farm.scene(scene.trim_start_matches("scenes/"), "scenes/cube3_zstd.blend");
    }
    studio.run(&format!("plan release r1 {} --frames 1-2 --yes", scenes.join(" "))).expect(0);
    studio
}

/// A job that somebody else submitted, and not with farm.
fn add_foreign(studio: &Studio, name: &str) -> JobId {
    add(studio, name, BTreeMap::new())
}

/// A job that farm submitted from another volume.
fn add_of_other_volume(studio: &Studio, name: &str) -> JobId {
    let pairs = [(META_ID, RunId::random().to_string()), (META_JOB, name.to_owned()), (META_USER, "artist".to_owned())];
    add(studio, name, pairs.map(|(key, value)| (key.to_owned(), value)).into())
}

fn add(studio: &Studio, name: &str, metadata: BTreeMap<String, String>) -> JobId {
    let work = RenderWork {
        blendfile: "/x.blend".into(),
        scene: None,
        frames: "1".parse().expect("frames"),
        chunk_size: 1,
        render_output_path: "/x/######".into(),
        format: "PNG".into(),
        image_file_extension: ".png".into(),
        options: Default::default(),
    };
    let submission = Submission {
        name: name.into(),
        priority: 50,
        metadata,
        tag: None,
        paused: false,
        work: Work::SimpleBlenderRender(work),
    };
    studio.engine.submit(&submission).expect("taken").id
}

/// By the jobs' names: several are submitted at once, in any order.
fn sorted(studio: &Studio) -> Vec<ManagerJob> {
    let mut jobs = studio.jobs();
    jobs.sort_by(|a, b| a.name.cmp(&b.name));
    jobs
}

fn statuses(studio: &Studio) -> Vec<String> {
    sorted(studio).iter().map(|job| job.status.to_string()).collect()
}

#[test]
fn every_release_is_steered() {
    let parts = Release::ALL.map(|release| {
        (format!("{release:?}"), move || {
            let studio = studio_of(release, 3);
            studio.run("kill release.jobs S00 --yes --wait --reason enough").expect(0).says(&["killed 1 job"]);
            let job = sorted(&studio).remove(0);
            assert!(job.activity.starts_with("farm kill by artist@") && job.activity.ends_with(": enough"), "{job:?}");
            studio.run("priority 80 r1/S01 --yes").expect(0);
            assert_eq!(sorted(&studio)[1].priority, 80);
            if release == Release::V3_2 {
                let told = studio.run("priority 0 r1/S01 --yes").expect(4);
                told.says(&["changed the priority of 0 jobs", "the Manager keeps priority 80", "1 is the least"]);
            } else {
                studio.run("priority 0 r1/S01 --yes").expect(0);
            }
            if release.can_pause() {
                studio.run("pause r1/S01 --yes").expect(0);
                assert_eq!(statuses(&studio), ["canceled", "paused", "queued"]);
                studio.run("unpause r1/S01 --yes").expect(0);
            } else {
                studio.run("pause r1/S01 --yes").expect(6).says(&["3.6", "nothing was paused"]);
            }
            studio.work();
            assert_eq!(statuses(&studio), ["canceled", "completed", "completed"]);
            let told = studio.run("kill r1.jobs --all --delete --yes").expect(0);
            told.says(&["3 to delete", "deleted 3 jobs, none had to be killed"]);
            assert_eq!(studio.jobs(), []);
        })
    });
    all_at_once(parts.into());
}

/// `queued`, set in the Manager's own pages, leaves paused tasks paused: nobody would ever begin them.
#[test]
fn paused_tasks_under_a_queued_job_are_woken() {
    let studio = studio_of(Release::V3_9, 1);
    studio.run("pause r1/S00 --yes").expect(0);
    studio.engine.set_job_status(&sorted(&studio)[0].id, JobStatus::Queued, "").expect("set");
    studio.run("why r1/S00").expect(0).says(&["tasks-paused", "farm unpause r1/S00"]);
    studio.run("unpause r1/S00 --yes").expect(0).says(&["is paused", "unpaused 1 job"]);
    studio.work();
    assert_eq!(statuses(&studio), ["completed"]);
}

/// One whose tasks were never begun goes on with `queued`: its tasks wait as they are.
#[test]
fn a_job_that_was_submitted_paused_goes_on() {
    let studio = Studio::new(Release::V3_9);
    studio.run("plan release r1 scenes/A.blend --frames 1-2 --paused --yes").expect(0);
    studio.server.take_heard();
    studio.run("unpause r1/A --yes").expect(0);
    let asked = studio.server.take_heard();
    let order = asked.iter().find(|heard| heard.line().ends_with("/setstatus")).expect("an order").json();
    assert_eq!(order["status"], "queued");
    studio.work();
    assert_eq!(statuses(&studio), ["completed"]);
}

#[test]
fn many_jobs_are_listed_and_killed_without_a_request_for_each_but_its_own() {
    let studio = studio_of(Release::V3_9, 40);
    let lines = |words: &str| {
        studio.server.take_heard();
        studio.run(words).expect(0);
        studio.server.take_heard().iter().map(Heard::line).collect::<Vec<_>>()
    };
    let asked = lines("kill jobs release:r1 --dry-run");
    assert_eq!(asked, ["GET /api/v3/jobs"], "a dry run");
    let asked = lines("kill jobs release:r1 --yes");
    let orders = asked.iter().filter(|line| line.ends_with("/setstatus")).count();
    assert_eq!((orders, asked.len()), (40, 42), "{asked:#?}");
    assert!(statuses(&studio).iter().all(|status| status == "canceled"));
    let asked = lines("kill jobs release:r1 --yes");
    assert_eq!(asked, ["GET /api/v3/jobs", "GET /api/v3/jobs"]);
}

/// What is shown and what is done are told by a list each; whatever comes after is asked of the jobs that were ended.
#[test]
fn a_kill_asks_for_two_lists_whatever_comes_after() {
    let studio = studio_of(Release::V3_9, 4);
    let ids: Vec<JobId> = sorted(&studio).into_iter().map(|job| job.id).collect();
    let asked = |number: usize, words: &str, after: &[&str]| {
        studio.engine.set_job_status(&ids[number], JobStatus::Active, "").expect("set");
        studio.server.take_heard();
        studio.run(&format!("kill r1/S0{number} --yes {words}")).expect(0);
        let heard = studio.server.take_heard().into_iter().map(|heard| heard.line());
        let heard: Vec<String> = heard.map(|line| line.replace(&ids[number].0, "ID")).collect();
        let list = "GET /api/v3/jobs";
        let first = [list, list, "POST /api/v3/jobs/ID/setstatus"];
        assert_eq!(heard, [&first[..], after].concat(), "{words}");
    };
    let (job, tasks, workers) = ("GET /api/v3/jobs/ID", "GET /api/v3/jobs/ID/tasks", "GET /api/v3/worker-mgt/workers");
    asked(0, "", &[job]);
    asked(1, "--wait", &[workers, tasks, job]);
    asked(2, "--delete", &[workers, tasks, job, "DELETE /api/v3/jobs/ID", job]);
}

#[test]
fn foreign_jobs_and_other_peoples_are_counted_apart() {
    let mut studio = studio_of(Release::V3_9, 2);
    let foreign = add_foreign(&studio, "S00 \u{1b}[2J");
    let refused = studio.run("kill jobs status:queued --yes").expect(5);
    refused.says(&["1 was not made by farm", "--include-foreign 1", "nothing was killed"]);
    studio.run("kill jobs status:queued --yes --include-foreign 2").expect(5).says(&["says 2"]);
    assert_eq!(statuses(&studio), ["queued", "queued", "queued"]);
    let dry = studio.run("kill jobs status:queued --dry-run --json").expect(0).json("farm.kill/1");
    let verdicts: Vec<&str> = list(&dry["jobs"]).iter().filter_map(|job| job["verdict"].as_str()).collect();
    assert_eq!(verdicts, ["cancel", "cancel", "foreign"]);
    studio.run("kill release.jobs status:queued name:S00* --yes").expect(0).says(&["killed 1 job"]);
    studio.farm.room.set("USER", "bob");
    let outcome = studio.run("kill jobs status:queued --yes --include-foreign 1 --json").expect(0);
    let counts = &outcome.says(&["1 of other people", "1 not made by farm"]).json("farm.kill/1")["counts"];
    assert_eq!((&counts["own"], &counts["of_others"], &counts["foreign"]), (&0.into(), &1.into(), &1.into()));
    assert_eq!(studio.engine.job(&foreign).expect("readable").expect("there").status, JobStatus::Canceled);
}

/// Two studios on one Manager: who says `jobs` sees both.
#[test]
fn jobs_of_another_volume_are_left_until_their_number_is_said() {
    let studio = studio_of(Release::V3_9, 1);
    let theirs = add_of_other_volume(&studio, "x/C");
    let refused = studio.run("kill jobs status:queued --yes").expect(5);
    refused.says(&["1 is not known to this volume", "--include-foreign 1", "release.jobs", "nothing was killed"]);
    studio.run("priority 90 jobs status:queued --yes").expect(5).says(&["no priority was changed"]);
    let dry = studio.run("kill jobs status:queued --dry-run --json").expect(0).json("farm.kill/1");
    let told: Vec<_> =
        list(&dry["jobs"]).iter().map(|job| (&job["standing"], &job["verdict"], &job["foreign"])).collect();
    let (own, unrecorded) = ("own".into(), "unrecorded".into());
    let (cancel, foreign, no) = ("cancel".into(), "foreign".into(), false.into());
    assert_eq!(told, [(&own, &cancel, &no), (&unrecorded, &foreign, &no)]);
    assert_eq!((&dry["counts"]["acting"], &dry["counts"]["unrecorded"]), (&1.into(), &1.into()));
    studio.run("jobs is:foreign").expect(3);
    studio.run("kill release.jobs status:queued --yes").expect(0).says(&["killed 1 job"]);
    assert_eq!(studio.engine.job(&theirs).expect("readable").expect("there").status, JobStatus::Queued);
    let outcome = studio.run("kill jobs status:queued --yes --include-foreign 1").expect(0);
    outcome.says(&["1 not known to this volume", "killed 1 job"]);
}

/// A Manager that is busy says so, and when it wants to be asked again.
#[test]
fn a_busy_manager_is_given_time() {
    let studio = studio_of(Release::V3_9, 12);
    let headers = vec![("Retry-After".to_owned(), "1".to_owned())];
    let busy = Answer { headers, ..Answer::json(503, &serde_json::json!({"code": 503, "message": "busy"})) };
    studio.server.trap(Fault::Refuse(busy), "setstatus", 3);
    let began = Instant::now();
    studio.run("kill jobs r1 --yes").expect(0).says(&["killed 12 jobs"]);
    assert!(began.elapsed().as_secs_f64() >= 1.0, "it was not left alone");
    assert!(statuses(&studio).iter().all(|status| status == "canceled"));
}

#[test]
fn a_manager_that_goes_away_is_6_and_says_how_far_it_came() {
    let studio = studio_of(Release::V3_9, 12);
    studio.server.trap_from(5, Fault::CutBefore, "setstatus");
    let outcome = studio.run("kill jobs r1 --yes").expect(6);
    let outcome = outcome.says(&["killed 4 of 12 jobs, and ", "had no answer and may be killed", "same command again"]);
    assert_eq!(statuses(&studio).iter().filter(|status| *status == "canceled").count(), 4, "{outcome}");
    studio.server.mend();
    studio.run("kill jobs r1 --yes").expect(0).says(&["killed 8 jobs", "left 4"]);
}

/// How many orders a failure says to have had no answer.
fn unanswered(outcome: &Outcome) -> usize {
    let (before, _) = outcome.stderr.split_once(" had no answer").expect("some had none");
    before.rsplit(' ').next().and_then(|word| word.parse().ok()).expect("a number")
}

/// The line dies once the order has arrived: nobody hears that the job is over.
#[test]
fn orders_without_an_answer_are_counted_apart() {
    let studio = studio_of(Release::V3_9, 12);
    studio.server.trap_from(5, Fault::CutAfter, "setstatus");
    let outcome = studio.run("kill jobs r1 --yes --json").expect(6);
    assert!(outcome.json("farm.error/1")["message"].as_str().is_some_and(|words| words.contains("had no answer")));
    let canceled = || statuses(&studio).iter().filter(|status| *status == "canceled").count();
    assert_eq!(canceled(), 4 + unanswered(&outcome), "{outcome}");
    studio.server.mend();
    studio.run("undo --resubmit --yes").expect(0);
    assert_eq!(studio.jobs().len(), 12 + canceled(), "all that were killed came back");
}

#[test]
fn orders_that_are_interrupted_on_their_way_are_counted_apart() {
    let mut studio = studio_of(Release::V3_9, 6);
    studio.farm.room.set("FARM_ACCESS_TIMEOUT", "2s");
    studio.server.trap(Fault::Silent, "setstatus", usize::MAX);
    studio.server.take_heard();
    let killing = studio.farm.start("kill jobs r1 --yes");
    while !studio.server.take_heard().iter().any(|heard| heard.line().ends_with("/setstatus")) {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(200));
    killing.signal(Signal::INT);
    let outcome = killing.wait().expect(130).says(&["killed 0 of 6 jobs", "interrupted", "same command again"]);
    let canceled = statuses(&studio).iter().filter(|status| *status == "canceled").count();
    assert_eq!(unanswered(&outcome), canceled, "{outcome}");
}

/// The Manager does not answer once all is done.
#[test]
fn a_hiccup_after_the_orders_hides_no_report() {
    let killed = |words: &str, at: &str| {
        let mut studio = studio_of(Release::V3_9, 2);
        studio.farm.room.set("FARM_ACCESS_TIMEOUT", "1s");
        studio.jobs().iter().for_each(|job| {
            studio.engine.set_job_status(&job.id, JobStatus::Active, "").expect("set");
        });
        studio.server.trap(Fault::coded(500, "busy"), at, usize::MAX);
        let outcome = studio.run(words);
        assert_eq!(statuses(&studio), ["canceled", "canceled"], "{outcome}");
        outcome
    };
    let outcome = killed("kill jobs r1 --yes --json", "GET /api/v3/jobs/").expect(0);
    let document = outcome.says(&["killed 2 jobs", "nobody could look how they ended", "busy"]).json("farm.kill/1");
    assert_eq!((&document["counts"]["done"], list(&document["notes"]).len()), (&2.into(), 1));
    let outcome = killed("kill jobs r1 --yes --wait", "GET /api/v3/worker-mgt/").expect(6);
    outcome.says(&["killed 2 jobs, but the waiting failed", "busy"]);
    let outcome = killed("kill jobs r1 --yes --delete", "DELETE ").expect(6);
    outcome.says(&["killed 2 jobs, but not all of them are deleted", "busy"]);
}

#[test]
fn a_job_that_was_killed_and_cannot_be_deleted_was_killed() {
    let studio = studio_of(Release::V3_9, 3);
    let no = Answer::json(400, &serde_json::json!({"code": 400, "message": "not today"}));
    studio.server.trap(Fault::Refuse(no), "DELETE ", 1);
    let began = Instant::now();
    let outcome = studio.run("kill jobs r1 --delete --yes --json").expect(4);
    assert!(began.elapsed() < Duration::from_secs(45), "what is refused is not waited for: {:?}", began.elapsed());
    let outcome = outcome.says(&["killed 3 jobs; deleted 2 jobs", "1 job killed and not deleted", "not today"]);
    let document = outcome.json("farm.kill/1");
    assert_eq!((&document["counts"]["done"], &document["deleted"]), (&3.into(), &2.into()));
    let outcomes: Vec<&str> = list(&document["jobs"]).iter().filter_map(|job| job["outcome"].as_str()).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "not-deleted").count(), 1, "{document:#}");
}

/// Once for those that are under way, and once for one that is repeated.
#[test]
fn a_deletion_that_is_interrupted_says_so() {
    for patience in ["3s", "1s"] {
        let mut studio = studio_of(Release::V3_9, 3);
        studio.farm.room.set("FARM_ACCESS_TIMEOUT", patience);
        studio.server.trap(Fault::Silent, "DELETE ", usize::MAX);
        studio.server.take_heard();
        let killing = studio.farm.start("kill jobs r1 --delete --yes");
        while !studio.server.take_heard().iter().any(|heard| heard.line().starts_with("DELETE")) {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(1500));
        killing.signal(Signal::INT);
        killing.wait().expect(130).says(&["killed 3 jobs", "interrupted"]);
    }
}

/// What one job alone is refused keeps none of the others back.
#[test]
fn a_job_that_cannot_be_cancelled_is_named() {
    let studio = studio_of(Release::V3_9, 4);
    let no = Answer::json(400, &serde_json::json!({"code": 400, "message": "not today \u{1b}[31m"}));
    studio.server.trap(Fault::Refuse(no), "setstatus", 1);
    let outcome = studio.run("kill jobs r1 --yes --json").expect(4).says(&["1 job could not be done", "not today"]);
    let document = outcome.json("farm.kill/1");
    assert_eq!((&document["counts"]["done"], &document["counts"]["failed"]), (&3.into(), &1.into()));
    // One that is deleted meanwhile does nothing more.
    let gone = Answer::json(404, &serde_json::json!({"code": 404, "message": "no such job"}));
    studio.server.trap(Fault::Refuse(gone), "setstatus", 1);
    studio.run("kill jobs r1 --yes").expect(0);
}

/// Between the look and the deed a job ends: the second list says so.
#[test]
fn only_what_was_shown_and_still_matches_is_killed() {
    let studio = studio_of(Release::V3_9, 3);
    let id = sorted(&studio)[0].id.clone();
    studio.server.trap(Fault::Delay(Duration::from_secs(1)), "GET /api/v3/jobs ", 1);
    let killing = studio.farm.start("kill jobs status:queued --yes --json");
    while studio.server.take_heard().iter().filter(|heard| heard.line() == "GET /api/v3/jobs").count() == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(100));
    studio.engine.set_job_status(&id, JobStatus::Paused, "").expect("set");
    let outcome = killing.wait().expect(0).says(&["killed 2 jobs", "left alone", "does not match any more"]);
    assert_eq!(statuses(&studio), ["paused", "canceled", "canceled"], "{outcome}");
    let document = outcome.json("farm.kill/1");
    assert_eq!((&document["counts"]["left"], &document["jobs"][0]["outcome"]), (&1.into(), &"left".into()));
}

/// A studio whose one job is at work, and which, after it was ended, becomes `late` by a report that was on its way.
fn killed_and_then(late: JobStatus) -> (Studio, Outcome) {
    let studio = studio_of(Release::V3_9, 1);
    let id = sorted(&studio)[0].id.clone();
    studio.engine.set_job_status(&id, JobStatus::Active, "").expect("set");
    studio.server.trap(Fault::Delay(Duration::from_secs(1)), "GET /api/v3/worker-mgt/workers ", 1);
    let killing = studio.farm.start("kill jobs r1/S00 --yes --wait --json");
    while sorted(&studio)[0].status != JobStatus::Canceled {
        std::thread::sleep(Duration::from_millis(5));
    }
    studio.engine.set_job_status(&id, late, "").expect("set");
    let outcome = killing.wait().expect(0);
    (studio, outcome)
}

#[test]
fn a_job_that_a_late_report_calls_failed_was_killed_all_the_same() {
    let (studio, outcome) = killed_and_then(JobStatus::Failed);
    let document = outcome.says(&["killed 1 job", "called failed, by a late report"]).json("farm.kill/1");
    assert_eq!((&document["counts"]["done"], &document["waited"]), (&1.into(), &true.into()));
    assert_eq!(statuses(&studio), ["failed"]);
}

#[test]
fn a_job_that_a_late_report_brings_back_is_ended_again() {
    let (studio, outcome) = killed_and_then(JobStatus::Active);
    outcome.says(&["killed 1 job", "came back", "was ended again"]);
    assert_eq!(statuses(&studio), ["canceled"]);
}
