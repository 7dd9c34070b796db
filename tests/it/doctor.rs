//! `farm doctor`

use crate::support::output::{has_keys, list};
use crate::support::{Farm, Room};
use serde_json::Value;

fn check<'a>(document: &'a Value, word: &str) -> &'a Value {
    let checks = list(&document["checks"]);
    let found =
        checks.iter().find(|check| check["name"].as_str().is_some_and(|name| name.to_lowercase().contains(word)));
    found.unwrap_or_else(|| panic!("no check of {word}: {document:#}"))
}

#[test]
fn every_check_has_a_status_and_what_to_do() {
    let farm = Farm::new();
    let outcome = farm.run("doctor --json");
    let document = outcome.json("farm.doctor/1");
    let mut failed = false;
    for item in list(&document["checks"]) {
        has_keys(item, &["name", "status", "remedy"]);
        let status = item["status"].as_str().unwrap_or_default();
        assert!(["ok", "warn", "fail", "skip"].contains(&status), "{item:#}");
        failed |= status == "fail";
        let remedy = item["remedy"].as_str().unwrap_or_default();
        assert!(!matches!(status, "warn" | "fail") || !remedy.is_empty(), "no remedy: {item:#}");
    }
    assert_eq!(outcome.code, if failed { 7 } else { 0 }, "{outcome}");
    for word in ["volume", "marker", "space", "blender", "ffmpeg", "manager", "clock"] {
        check(&document, word);
    }
    assert_eq!(check(&document, "blender")["status"], "ok", "{document:#}");
}

#[test]
fn a_blender_that_is_not_there_is_a_failed_check() {
    let mut farm = Farm::new();
    farm.room.set("FARM_BLENDER", "/nowhere/blender");
    let outcome = farm.run("doctor --json").expect(7);
    let document = outcome.json("farm.doctor/1");
    let blender = check(&document, "blender");
    assert_eq!(blender["status"], "fail", "{document:#}");
    assert!(blender["remedy"].as_str().is_some_and(|remedy| remedy.len() > 10), "{blender:#}");
    farm.run("doctor").expect(7).says(&["/nowhere/blender"]);
}

#[test]
fn a_missing_ffmpeg_is_only_a_warning() {
    let mut farm = Farm::new();
    farm.room.set("FARM_FFMPEG", "/nowhere/ffmpeg");
    let document = farm.run("doctor --json").json("farm.doctor/1");
    assert_eq!(check(&document, "ffmpeg")["status"], "warn", "{document:#}");
}

#[test]
fn a_folder_of_frames_that_is_a_link_is_named() {
    let farm = Farm::new().rendered("r1");
    let out = farm.path("releases/r1/out/A");
    std::fs::rename(&out, farm.room.path("away")).expect("it goes away");
    std::os::unix::fs::symlink(farm.room.path("away"), &out).expect("a link");
    farm.run("status").says(&["releases/r1/out/A", "farm doctor"]);
    let outcome = farm.run("doctor --json").expect(7);
    let document = outcome.json("farm.doctor/1");
    let releases = check(&document, "releases");
    assert_eq!(releases["status"], "fail", "{document:#}");
    assert!(releases["message"].as_str().is_some_and(|message| message.contains("releases/r1/out/A")), "{releases:#}");
}

#[test]
fn it_works_with_hardly_any_environment() {
    let mut farm = Farm::new();
    for name in ["PATH", "HOME", "LANG", "USER", "TMPDIR"] {
        farm.room.unset(name);
    }
    let outcome = farm.run("doctor");
    assert!([0, 7].contains(&outcome.code), "{outcome}");
    outcome.check_manners();
}

#[test]
fn without_a_volume_it_says_so() {
    let outcome = Room::new().farm(&["doctor"]);
    assert!([2, 7].contains(&outcome.code), "{outcome}");
    outcome.says(&["farm init"]).check_manners();
}

#[test]
fn it_changes_nothing() {
    let farm = Farm::new().rendered("r1");
    let before = farm.tree();
    farm.run("doctor");
    farm.unchanged_since(&before);
}

#[test]
fn a_damaged_queue_does_not_send_people_in_a_circle() {
    let farm = Farm::new().rendered("r1");
    std::fs::write(farm.path(".farm/local/queue.sqlite"), vec![7; 4096]).expect("it can be damaged");
    farm.run("status").expect(6).says(&["farm doctor"]);
    let document = farm.run("doctor --json").expect(7).json("farm.doctor/1");
    let manager = check(&document, "manager");
    let remedy = manager["remedy"].as_str().unwrap_or_default();
    assert!(remedy.contains("backup") && !remedy.contains("farm doctor"), "{manager:#}");
}

#[test]
fn a_lost_manifest_is_noticed() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1 --no-preview").expect(0);
    let releases = |document: &Value| check(document, "releases").clone();
    assert_eq!(releases(&farm.run("doctor --json").json("farm.doctor/1"))["status"], "ok");
    std::fs::rename(farm.path("dist/r1/manifest.json"), farm.room.path("manifest.json")).expect("lost");
    let found = releases(&farm.run("doctor --json").json("farm.doctor/1"));
    assert_eq!(found["status"], "warn");
    assert!(found.to_string().contains("dist/r1 holds files and no manifest.json"), "{found:#}");
}
