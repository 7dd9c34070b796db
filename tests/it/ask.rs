//! `farm tasks`, `farm workers`, `farm frames`

use crate::support::output::{has_keys, list};
use crate::support::{Farm, Outcome};
use serde_json::Value;
use std::fs;

/// Runs farm on the volume with one more word, which may have spaces in it.
pub(crate) fn ask(farm: &Farm, words: &str, query: &str) -> Outcome {
    let mut words = farm.arguments(words);
    words.push(query.to_owned());
    farm.room.farm(&words)
}

/// One key of each row, in order.
fn column(document: &Value, rows: &str, key: &str) -> Vec<String> {
    let text = |row: &Value| row[key].as_str().map_or_else(|| row[key].to_string(), str::to_owned);
    list(&document[rows]).iter().map(text).collect()
}

/// `r1` rendered, with frame 2 of `A` cut and frame 3 of it gone, and `r2`, which waits.
fn farm() -> Farm {
    let farm = Farm::new().rendered("r1");
    farm.run("plan release r2 scenes/A.blend --frames 1-3 --chunk 2 --yes").expect(0);
    crate::support::png::cut(&farm.frame("r1", "A", 2), 500);
    fs::rename(farm.frame("r1", "A", 3), farm.room.path("away.png")).expect("it goes away");
    farm
}

#[test]
fn tasks_are_listed_with_their_keys() {
    let farm = farm();
    let document = ask(&farm, "tasks --json", "").expect(0).json("farm.tasks/1");
    assert_eq!(column(&document, "tasks", "ref"), ["r1/A", "r1/B", "r2/A", "r2/A"], "{document:#}");
    for task in list(&document["tasks"]) {
        let keys =
            ["id", "name", "ref", "job", "job_id", "job_status", "run", "run_number", "status", "type", "worker"];
        has_keys(task, &keys);
        has_keys(task, &["worker_id", "frames", "created", "updated", "user", "foreign"]);
    }
    let waiting = ask(&farm, "tasks --json", "r2 is:open").expect(0).json("farm.tasks/1");
    assert_eq!(column(&waiting, "tasks", "name"), ["render-1,2", "render-3"]);
    assert_eq!(column(&waiting, "tasks", "worker"), ["null", "null"]);
    let done = ask(&farm, "tasks --json", "r1 status:completed user:artist").expect(0).json("farm.tasks/1");
    assert_eq!(column(&done, "tasks", "frames"), ["1-3", "1-3"]);
    ask(&farm, "tasks", "r2").expect(0).says(&["render-1,2", "queued", "blender"]);
}

#[test]
fn frames_are_listed_by_what_is_true_of_them() {
    let farm = farm();
    let outcome = farm.run("frames r1 --json").expect(0);
    let document = outcome.json("farm.frames/1");
    assert_eq!(column(&document, "frames", "status"), ["ok", "bad", "missing", "ok", "ok", "ok"], "{document:#}");
    let bad = &document["frames"][1];
    has_keys(bad, &["ref", "frame", "status", "harvested", "path", "cause"]);
    assert_eq!((&bad["path"], &bad["harvested"]), (&"releases/r1/out/A/000002.png".into(), &false.into()));
    assert!(bad["cause"].as_str().is_some_and(|cause| cause.starts_with("it ")), "{bad:#}");
    let again = ask(&farm, "frames --json", "r1 status:bad,missing").expect(0).json("farm.frames/1");
    assert_eq!(column(&again, "frames", "frame"), ["2", "3"]);
    ask(&farm, "frames", "r1").expect(0).says(&["r1/A", "bad", "missing", "1-3", "bad: r1/A: frame 2: it "]);
    let waiting = ask(&farm, "frames --json", "r2").expect(0).json("farm.frames/1");
    assert_eq!(column(&waiting, "frames", "status"), ["rendering"; 3], "a worker may get them");
}

#[test]
fn harvested_frames_lie_in_dist_and_verify_reads_them_again() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1").expect(0);
    let document = farm.run("frames r1/A --json").expect(0).json("farm.frames/1");
    assert_eq!(column(&document, "frames", "path")[0], "dist/r1/A.0001.png", "{document:#}");
    assert_eq!(column(&document, "frames", "harvested"), ["true"; 3]);
    let path = farm.path("dist/r1/A.0002.png");
    let modified = fs::metadata(&path).and_then(|m| m.modified()).expect("a time");
    crate::support::png::flip(&path, 300);
    fs::File::options().write(true).open(&path).and_then(|f| f.set_modified(modified)).expect("its old time");
    ask(&farm, "frames", "status:bad").expect(3);
    ask(&farm, "frames --verify", "status:bad").expect(0).says(&["dist/r1", "frame 2"][1..]);
}

#[test]
fn workers_are_listed_with_their_keys() {
    let farm = farm();
    let document = farm.run("workers --json").expect(0).json("farm.workers/1");
    let worker = &list(&document["workers"])[0];
    has_keys(worker, &["id", "name", "status", "requested", "version", "platform", "tags", "task_types", "last_seen"]);
    has_keys(worker, &["task", "task_id", "ref", "job", "job_id"]);
    assert_eq!(worker["status"], "offline", "{worker:#}");
    ask(&farm, "workers", "type:blender not is:busy").expect(0).says(&["offline"]);
    ask(&farm, "workers", "is:busy").expect(3);
    Farm::new().run("workers").expect(0).says(&["No workers yet"]);
}

#[test]
fn nothing_matched_and_wrong_queries_have_codes_of_their_own() {
    let farm = farm();
    let before = farm.tree();
    for (command, query, near) in [
        ("tasks", "r1/a", "\"r1/A\""),
        ("frames", "r11", "\"r1\""),
        ("workers", "nobody", "farm workers"),
        ("frames", "status:suspect", "farm frames"),
    ] {
        ask(&farm, command, query).expect(3).says(&["matches", near]);
        let error = ask(&farm, &format!("{command} --json"), query).expect(3).json("farm.error/1");
        assert_eq!(error["class"], "no-match");
    }
    for (command, query, column, near) in [
        ("tasks", "r1 statsu:active", 4, "\"status\""),
        ("frames", "status:misssing", 8, "\"missing\""),
        ("workers", "is:bsy", 4, "\"busy\""),
        ("tasks", "(r1", 1, "parenthes"),
        ("frames", "@nightly", 1, "nightly"),
    ] {
        let outcome = ask(&farm, command, query).expect(2).says(&[&format!("column {column}"), near]);
        assert_eq!(outcome.stdout, "", "{outcome}");
        let mark = format!("{query}\n{}^\n", " ".repeat(column - 1));
        assert!(outcome.stderr.starts_with(&mark), "{outcome}");
        let error = ask(&farm, &format!("{command} --json"), query).expect(2).json("farm.error/1");
        assert_eq!(error["class"], "usage");
    }
    let changed: Vec<String> = before.difference(&farm.tree()).lines().map(str::to_owned).collect();
    assert!(changed.iter().all(|line| line.contains(".farm/verdicts")), "{changed:#?}");
}

#[test]
fn named_queries_and_several_words_are_understood() {
    let farm = farm();
    fs::write(farm.path(".farm/config.yaml"), "queries:\n  again: 'status:bad,missing'\n").expect("a file");
    let document = farm.run("frames r1/A @again --json").expect(0).json("farm.frames/1");
    assert_eq!(column(&document, "frames", "frame"), ["2", "3"]);
    fs::write(farm.path(".farm/config.yaml"), "queries:\n  again: 'status:misssing'\n").expect("a file");
    farm.run("frames @again").expect(2).says(&["queries.again", "column 8", "status:misssing\n       ^"]);
}

#[test]
fn an_empty_volume_has_nothing_and_says_so() {
    let farm = Farm::new();
    for command in ["tasks", "frames", "workers"] {
        farm.run(command).expect(0).says(&["No ", " yet"]);
        let document = farm.run(&format!("{command} --json")).expect(0).json(&format!("farm.{command}/1"));
        assert!(list(&document[command]).is_empty(), "{document:#}");
        ask(&farm, command, "r1").expect(3);
    }
}
