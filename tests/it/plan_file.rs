//! `farm plan release --from plan.yaml`

use crate::support::Farm;
use crate::support::output::list;
use std::fs;

fn with_plan(text: &str) -> Farm {
    let farm = Farm::new();
    fs::write(farm.room.path("plan.yaml"), text).expect("a plan");
    farm
}

#[test]
fn jobs_come_from_a_file() {
    let farm = with_plan(
        "release: r1\ndefaults: {frames: 1-4, priority: 60}\njobs:\n  - scene: scenes/A.blend\n  - {scene: scenes/A.blend, name: late, frames: 9}\n",
    );
    let document = farm.run("plan release --from plan.yaml --dry-run --json").expect(0).json("farm.plan/1");
    let jobs: Vec<(&str, &str)> = list(&document["jobs"])
        .iter()
        .map(|job| (job["ref"].as_str().unwrap_or(""), job["frames"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(jobs, [("r1/A", "1-4"), ("r1/late", "9")]);
    farm.run("plan release --from plan.yaml --yes --wait").expect(0);
    assert!(farm.frame("r1", "late", 9).is_file() && farm.frame("r1", "A", 4).is_file());
}

#[test]
fn hostile_files_are_refused_in_one_line() {
    let deep = format!("release: {}{}", "[".repeat(5000), "]".repeat(5000));
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n\
                d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\nrelease: *d\n";
    for text in [
        "",
        "just a text",
        "release: r1\n",
        "release: ../../etc\njobs: [{scene: scenes/A.blend}]\n",
        "release: r1\njobs: [{scene: scenes/A.blend, name: ../x}]\n",
        "release: r1\njobs: [{scene: scenes/A.blend, framez: 1-2}]\n",
        "release: r1\nrelease: r2\njobs: [{scene: scenes/A.blend}]\n",
        "release: r1\njobs: [{scene: scenes/A.blend, frames: '1-99999999999'}]\n",
        "\u{0}\u{1}",
        &deep,
        bomb,
    ] {
        let farm = with_plan(text);
        let before = farm.tree();
        let outcome = farm.run("plan release --from plan.yaml --yes");
        assert!([1, 2, 5].contains(&outcome.code), "{text:.60}\n{outcome}");
        outcome.check_manners();
        assert!(outcome.stderr.len() < 2000, "an endless message:\n{outcome}");
        farm.unchanged_since(&before);
    }
}

#[test]
fn options_count_for_all_jobs_of_the_file() {
    let farm = with_plan(
        "release: r1\ndefaults: {priority: 60, env: {A: file, B: file}}\njobs:\n  - {scene: scenes/A.blend, frames: 1-4, \
         chunk: 4}\n  - {scene: scenes/B.blend, priority: 70}\n",
    );
    let plan = |words: &str| {
        let words = format!("plan release --from plan.yaml {words} --dry-run --json");
        list(&farm.run(&words).expect(0).json("farm.plan/1")["jobs"]).to_vec()
    };
    let of = |jobs: &[serde_json::Value], key: &str| jobs.iter().map(|job| job[key].clone()).collect::<Vec<_>>();
    assert_eq!(of(&plan(""), "priority"), [60, 70]);
    let jobs = plan("--priority 80 --frames 2-3 --chunk 1 --format OPEN_EXR --env A=flag --env C=flag --samples 8");
    assert_eq!(of(&jobs, "priority"), [80, 80]);
    assert_eq!(of(&jobs, "frames"), ["2-3", "2-3"]);
    assert_eq!(of(&jobs, "chunk"), [1, 1]);
    for job in &jobs {
        assert_eq!(job["output"]["format"], "OPEN_EXR");
        let expected = serde_json::json!({"environment": {"A": "flag", "B": "file", "C": "flag"}, "samples": 8});
        assert_eq!(job["options"], expected);
    }
    let named = plan("--job-name-template {file}_{number}");
    assert_eq!(of(&named, "ref"), ["r1/A_1", "r1/B_2"]);
    farm.run("plan release --from plan.yaml scenes/A.blend --dry-run").expect(2);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let outcome = Farm::new().run("plan release --from nowhere.yaml --yes");
    assert_ne!(outcome.code, 0, "{outcome}");
    outcome.check_manners();
    outcome.says(&["nowhere.yaml"]);
}

#[test]
fn what_was_not_done_is_said_once() {
    let outcome = with_plan("release: r1\njobs: []\n").run("plan release --from plan.yaml --yes").expect(2);
    assert_eq!(outcome.stderr.to_lowercase().matches("nothing was submitted").count(), 1, "{outcome}");
}

#[test]
fn a_plan_is_kept_in_a_file_and_nowhere_else() {
    let farm = Farm::new();
    for words in ["plan release r1 scenes/A.blend --plan-out -", "harvest release r1 --apply -"] {
        farm.run(words).expect(2).says(&["'-'", "name one"]);
    }
    assert!(!farm.room.path("-").exists());
}
