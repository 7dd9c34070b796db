//! `farm jobs`, `farm kill`, `farm pause`, `farm unpause`, `farm priority` on the local queue.

use crate::support::Farm;
use crate::support::fake_blender::Fake;
use crate::support::output::{has_keys, list};
use farm::manager::Manager;
use farm::manager::local::{Local, LocalSettings};
use serde_json::Value;
use std::fs;

/// Two releases, nothing of them rendered: `r1` of A and B, `r1.2` of A.
fn planned() -> Farm {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend scenes/B.blend --frames 1-3 --yes").expect(0);
    farm.run("plan release r1.2 scenes/A.blend --frames 1-3 --yes").expect(0);
    farm
}

fn refs(document: &Value) -> Vec<String> {
    list(&document["jobs"]).iter().map(|job| job["ref"].as_str().unwrap_or("-").to_owned()).collect()
}

/// The jobs' statuses, as `farm jobs` tells them.
fn statuses(farm: &Farm) -> String {
    let document = farm.run("jobs --json").expect(0).json("farm.jobs/1");
    let status =
        |job: &Value| format!("{}={}", job["ref"].as_str().unwrap_or("-"), job["status"].as_str().unwrap_or(""));
    list(&document["jobs"]).iter().map(status).collect::<Vec<_>>().join(" ")
}

/// The queue itself.
fn queue(farm: &Farm) -> Local {
    Local::open(LocalSettings::new(farm.path(".farm/local"))).expect("opens")
}

/// What the finished journals of kills say first.
fn journals(farm: &Farm) -> Vec<Value> {
    let files =
        fs::read_dir(farm.path(".farm/journal/done")).expect("a folder").map(|file| file.expect("a file").path());
    let texts = files.map(|path| fs::read_to_string(path).expect("text"));
    let first = texts.map(|text| serde_json::from_str(text.lines().next().unwrap_or_default()).expect("a line"));
    first.filter(|intent: &Value| intent["kind"] == "kill").collect()
}

#[test]
fn jobs_have_the_keys_of_status() {
    let farm = Farm::new().rendered("r1");
    let jobs = farm.run("jobs release:r1 status:completed --json").expect(0).json("farm.jobs/1");
    let status = farm.run("status --json").expect(0).json("farm.status/1");
    for (job, known) in list(&jobs["jobs"]).iter().zip(list(&status["jobs"])) {
        for (key, value) in known.as_object().expect("an object") {
            assert_eq!(&job[key], value, "{key}");
        }
        assert_eq!((&job["foreign"], &job["user"]), (&false.into(), &"artist".into()));
    }
    assert_eq!(refs(&jobs), ["r1/A", "r1/B"]);
    assert_eq!(refs(&farm.run("jobs progress:100 name:B --json").expect(0).json("farm.jobs/1")), ["r1/B"]);
    farm.run("jobs release:r1 status:active").expect(3).says(&["farm jobs"]);
    farm.run("jobs release:r1 status:active --json").expect(3).json("farm.error/1");
    for words in ["jobs", "status", "kill jobs", "pause r1.jobs", "priority 60 jobs", "tasks", "frames"] {
        let outcome = farm.run(&format!("{words} r1,statsu:active")).expect(2).says(&["\nerror: "]);
        assert!(outcome.stderr.starts_with("r1,statsu:active\n"), "where it is wrong is shown first: {outcome}");
    }
    farm.run("jobs statsu:active").expect(2).says(&["statsu:active\n^", "column 1", "\"status\""]);
    farm.run("jobs r7").expect(3).says(&["Did you mean \"r1\""]);
}

#[test]
fn an_empty_volume_has_no_jobs_and_that_is_no_error() {
    let document = Farm::new().run("jobs --json").expect(0).json("farm.jobs/1");
    assert_eq!(list(&document["jobs"]).len(), 0);
    Farm::new().run("jobs").expect(0);
}

#[test]
fn status_takes_a_query() {
    let farm = planned();
    farm.run("kill jobs r1.2/A --yes").expect(0);
    let of = |query: &str| refs(&farm.run(&format!("status {query} --json")).expect(0).json("farm.status/1"));
    assert_eq!(of("status:queued"), ["r1/A", "r1/B"]);
    assert_eq!(of("release:r1*"), ["r1/A", "r1/B", "r1.2/A"]);
    assert_eq!(of("r1"), ["r1/A", "r1/B"], "a name is a name");
    farm.run("status status:active").expect(3);
    farm.run("status statsu:active").expect(2).says(&["status"]);
}

#[test]
fn a_dry_run_shows_and_changes_nothing() {
    let farm = planned();
    let before = farm.tree();
    let document = farm.run("kill jobs name:A* --dry-run --json").expect(0).json("farm.kill/1");
    let jobs = list(&document["jobs"]);
    assert_eq!(refs(&document), ["r1/A", "r1.2/A"]);
    for job in jobs {
        has_keys(job, &["ref", "id", "verdict", "reason"]);
        assert_eq!((&job["verdict"], &job["outcome"]), (&"cancel".into(), &"untouched".into()));
    }
    assert_eq!(document["counts"]["acting"], 2, "{document:#}");
    farm.run("pause jobs name:A* --dry-run").expect(0);
    farm.unchanged_since(&before);
}

#[test]
fn what_matches_is_killed_and_the_rest_goes_on() {
    let farm = planned();
    let document = farm.run("kill release.jobs status:active,queued release:r1 --yes --wait --json").expect(0);
    let document = document.json("farm.kill/1");
    assert_eq!((&document["waited"], &document["consent"]), (&true.into(), &"flag".into()));
    assert_eq!((&document["counts"]["done"], &document["jobs"][0]["outcome"]), (&2.into(), &"done".into()));
    assert_eq!(statuses(&farm), "r1/A=canceled r1/B=canceled r1.2/A=queued");
    let told = queue(&farm).jobs().expect("jobs").remove(0);
    assert!(told.activity.starts_with("farm kill by artist@"), "{}", told.activity);
    farm.run("kill jobs r1 --yes").expect(0).says(&["nothing to kill", "left 2"]);
    farm.run("work").expect(0);
    assert_eq!(statuses(&farm), "r1/A=canceled r1/B=canceled r1.2/A=completed");
}

#[test]
fn a_kill_is_written_down_for_whoever_takes_it_back() {
    let farm = planned();
    let volume = farm.path("").to_string_lossy().into_owned();
    farm.room.farm(&["--volume", &volume, "kill", "jobs", "name:A", "--yes", "--reason", "it's (gone)"]).expect(0);
    let mut journals = journals(&farm);
    journals.sort_by_key(|journal| journal["scope"].to_string());
    let scopes: Vec<&Value> = journals.iter().map(|journal| &journal["scope"]).collect();
    assert_eq!(scopes, ["release r1", "release r1.2"]);
    let body = &journals[0]["body"];
    assert_eq!(
        (&body["release"], &body["jobs"][0]["name"], &body["jobs"][0]["frames"]),
        (&"r1".into(), &"A".into(), &"1-3".into())
    );
    let status = farm.run("status r1/A --json").expect(0).json("farm.status/1");
    assert_eq!(body["jobs"][0]["ends"][0], status["jobs"][0]["run"]);
    assert_eq!(body["by"]["user"], "artist");
    let command = body["by"]["command"].as_str().expect("text");
    assert!(command.ends_with(r"kill jobs name:A --yes --reason 'it'\''s (gone)'"), "{command}");
    farm.run("recover").expect(0).says(&["nothing was left"]);
    farm.run("undo --list").expect(0).says(&["kill"]);
    farm.run("undo --resubmit --yes").expect(0);
    farm.run("work").expect(0);
    assert!(statuses(&farm).contains("r1.2/A=completed"), "{}", statuses(&farm));
}

#[test]
fn what_is_not_said_clearly_is_refused_and_nothing_is_killed() {
    let farm = planned();
    let nothing = |words: &[&str], code: i32, says: &[&str]| {
        let volume = farm.path("").to_string_lossy().into_owned();
        let words: Vec<&str> = ["--volume", &volume].iter().chain(words).copied().collect();
        let outcome = farm.room.farm(&words).expect(code).says(says).says(&["nothing was killed"]);
        assert_eq!(statuses(&farm), "r1/A=queued r1/B=queued r1.2/A=queued", "{outcome}");
    };
    nothing(&["kill", "jobs", "", "--yes"], 2, &["--all"]);
    nothing(&["kill", "jobs", "--yes"], 2, &["--all"]);
    nothing(&["kill", "jobs", "r1", "--all", "--yes"], 2, &["--all"]);
    nothing(&["kill", "r1", "--yes"], 2, &["release.jobs"]);
    nothing(&["kill", "r1.jobs", "statsu:active", "--yes"], 2, &["column 1", "\"status\""]);
    nothing(&["kill", "r7.jobs", "status:queued", "--yes"], 3, &["r7"]);
    nothing(&["kill", "../r1.jobs", "A", "--yes"], 2, &["name"]);
    nothing(&["kill", "jobs", "status:failed", "--yes"], 3, &["no job matches"]);
    nothing(&["kill", "jobs", "release:r1", "--expect", "1", "--yes"], 5, &["2 jobs", "--expect says 1"]);
    nothing(&["kill", "jobs", "release:r1", "--max", "1", "--yes"], 5, &["--max allows 1"]);
    nothing(&["kill", "jobs", "r1", "--expect", "1", "--dry-run"], 5, &["--dry-run in place of --expect"]);
    nothing(&["kill", "jobs", "r1", "--max", "1", "--dry-run"], 5, &["--dry-run in place of --max"]);
    nothing(&["kill", "jobs", "*", "--include-foreign", "1", "--yes"], 5, &["--include-foreign says 1"]);
    nothing(&["kill", "jobs", "*"], 5, &["--yes"]);
    nothing(&["kill", "jobs", "r1/A"], 5, &["--yes"]);
    farm.run("kill jobs release:r1 --expect 2 --max 2 --yes").expect(0);
    // What has ended is counted among what matches, and not among what is killed.
    farm.run("kill jobs release:r1 --expect 2 --max 0 --yes").expect(0).says(&["nothing to kill"]);
    farm.run("kill jobs --all --yes").expect(0).says(&["killed 1 job", "left 2"]);
}

#[test]
fn a_release_narrows_and_a_name_may_have_dots() {
    let farm = planned();
    farm.run("kill r1.2.jobs status:queued --yes").expect(0).says(&["killed 1 job"]);
    assert_eq!(statuses(&farm), "r1/A=queued r1/B=queued r1.2/A=canceled");
    farm.run("kill quick.jobs status:queued --yes").expect(3);
    farm.run("kill r1.jobs B or C --yes").expect(0);
    assert_eq!(statuses(&farm), "r1/A=queued r1/B=canceled r1.2/A=canceled");
}

#[test]
fn a_renderer_is_gone_when_the_command_ends() {
    let farm = Farm::with(&Fake { pause: "0.2", ..Fake::default() });
    farm.run("plan release r1 scenes/A.blend --frames 1-20 --yes").expect(0);
    let mut worker = farm.start("work");
    while !farm.frame("r1", "A", 1).is_file() {
        assert!(!worker.has_ended(), "it renders");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    farm.run("kill jobs r1/A --yes --wait").expect(0).says(&["no worker writes"]);
    let before = farm.tree_of("releases/r1/out");
    std::thread::sleep(std::time::Duration::from_millis(600));
    assert!(before.difference(&farm.tree_of("releases/r1/out")).is_empty());
    worker.wait().expect(0);
    assert_eq!(statuses(&farm), "r1/A=canceled");
}

#[test]
fn deleted_jobs_are_gone_from_the_queue_and_frames_stay() {
    let farm = planned().rendered("r3");
    farm.run("kill jobs r3 or r1 --delete --yes")
        .expect(0)
        .says(&["4 to kill and delete", "killed 2 jobs; deleted 4 jobs"]);
    assert_eq!(queue(&farm).jobs().expect("jobs").len(), 1);
    assert!(farm.frame("r3", "A", 1).is_file());
    assert_eq!(statuses(&farm), "r1/A=gone r1/B=gone r1.2/A=queued r3/A=gone r3/B=gone");
}

/// A plan that died before it submitted left runs that `farm recover` would submit.
#[test]
fn what_was_never_submitted_is_taken_back_for_good() {
    let farm = planned();
    farm.run("kill jobs --all --delete --yes").expect(0);
    let path = farm.path("releases/r1/release.yaml");
    let text = fs::read_to_string(&path).expect("a file");
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("manager_job:")).collect();
    fs::write(&path, lines.join("\n") + "\n").expect("written");
    assert_eq!(statuses(&farm), "r1/A=planned r1/B=planned r1.2/A=gone");
    let document = farm.run("kill r1.jobs A --yes --json").expect(0).json("farm.kill/1");
    assert_eq!(
        (&document["jobs"][0]["verdict"], &document["jobs"][0]["outcome"]),
        (&"withdraw".into(), &"done".into())
    );
    assert_eq!(statuses(&farm), "r1/A=canceled r1/B=planned r1.2/A=gone");
    assert!(fs::read_to_string(&path).expect("a file").contains("withdrawn: true"));
}

#[test]
fn jobs_are_paused_and_go_on_with_another_priority() {
    let farm = planned();
    farm.run("pause r1/A --yes").expect(0).says(&["paused 1 job"]);
    farm.run("pause jobs r1 --yes").expect(0).says(&["paused 1 job", "left 1"]);
    assert_eq!(statuses(&farm), "r1/A=paused r1/B=paused r1.2/A=queued");
    farm.run("work").expect(0);
    farm.run("priority 90 r1.jobs B --yes").expect(0);
    let document = farm.run("jobs priority:90 --json").expect(0).json("farm.jobs/1");
    assert_eq!(refs(&document), ["r1/B"]);
    assert!(fs::read_to_string(farm.path("releases/r1/release.yaml")).expect("a file").contains("priority: 90"));
    farm.run("unpause jobs status:paused --yes").expect(0).says(&["unpaused 2 jobs"]);
    farm.run("work").expect(0);
    assert_eq!(statuses(&farm), "r1/A=completed r1/B=completed r1.2/A=completed");
    let log = farm.render_log();
    assert!(
        log.iter().position(|line| line.starts_with('B')) < log.iter().rposition(|line| line.starts_with('A')),
        "{log:?}"
    );
    farm.run("priority 101 jobs r1 --yes").expect(2);
    farm.run("priority 10 jobs r1 --yes").expect(0).says(&["nothing to give priority 10"]);
    farm.run("unpause r1/X --yes").expect(3);
    let document = farm.run("unpause r1/A --yes --json").expect(0).json("farm.unpause/1");
    assert_eq!(document["jobs"][0]["verdict"], "already-ended");
}

#[test]
fn one_job_is_killed_by_its_full_name() {
    let farm = planned();
    farm.run("kill r1/A --yes").expect(0).says(&["killed 1 job"]);
    assert_eq!(statuses(&farm), "r1/A=canceled r1/B=queued r1.2/A=queued");
}
