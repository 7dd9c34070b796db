//! `farm plan release`

use crate::support::fake_blender::Fake;
use crate::support::output::{has_keys, list};
use crate::support::{Farm, png};
use serde_json::Value;
use std::fs;

fn jobs(farm: &Farm) -> Vec<Value> {
    let document = farm.run("status --json").expect(0).json("farm.status/1");
    list(&document["jobs"]).to_vec()
}

fn expected(farm: &Farm, reference: &str) -> u64 {
    let jobs = jobs(farm);
    let job = jobs.iter().find(|job| job["ref"] == reference);
    let job = job.unwrap_or_else(|| panic!("no job {reference}: {jobs:#?}"));
    job["frames"]["expected"].as_u64().expect("a number")
}

#[test]
fn a_dry_run_says_what_would_be_and_does_nothing() {
    let farm = Farm::new();
    let before = farm.tree();
    let outcome = farm.run("plan release r1 scenes/A.blend scenes/B.blend --frames 1-3 --dry-run --json").expect(0);
    farm.unchanged_since(&before);
    let document = outcome.json("farm.plan/1");
    let jobs = list(&document["jobs"]);
    assert_eq!(jobs.iter().map(|job| job["ref"].as_str().expect("a text")).collect::<Vec<_>>(), ["r1/A", "r1/B"]);
    for job in jobs {
        has_keys(job, &["ref", "frames", "chunk", "tasks", "bytes", "warnings"]);
        assert_eq!(job["frames"], "1-3", "frames are a text");
        assert!(job["tasks"].as_u64().is_some_and(|tasks| tasks >= 1), "{job:#}");
        assert!(job["bytes"].as_u64().is_some_and(|bytes| bytes >= 1000), "{job:#}");
        list(&job["warnings"]);
    }
}

#[test]
fn plans_stores_and_renders() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend scenes/B.blend --frames 1-3 --yes --wait").expect(0);
    for job in ["A", "B"] {
        assert!(farm.path(format!("releases/r1/store/{job}.blend")).is_file());
        for frame in 1..=3 {
            assert_eq!(png::size_of(&farm.frame("r1", job, frame)), Some((64, 64)));
        }
    }
    assert_eq!(farm.render_log().len(), 6, "each frame once: {:?}", farm.render_log());
    let release = fs::read_to_string(farm.path("releases/r1/release.yaml")).expect("what was planned");
    assert!(release.contains("A") && release.contains("B"), "{release}");
}

#[test]
fn a_scene_that_needs_no_change_is_stored_byte_for_byte() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1 --yes").expect(0);
    let [given, stored] = [farm.room.path("scenes/A.blend"), farm.path("releases/r1/store/A.blend")].map(fs::read);
    assert_eq!(given.expect("the scene"), stored.expect("its copy"));
}

#[test]
fn without_a_terminal_consent_is_a_flag() {
    let farm = Farm::new();
    let before = farm.tree();
    farm.run("plan release r1 scenes/A.blend").expect(5).says(&["--yes", "nothing was submitted"]);
    farm.unchanged_since(&before);
    let document = farm.run("plan release r1 scenes/A.blend --json").expect(5).json("farm.error/1");
    assert!(document.to_string().contains("--yes"), "{document:#}");
}

#[test]
fn a_name_that_is_no_name_is_wrong_usage() {
    let farm = Farm::new();
    let before = farm.tree();
    farm.run("plan release bad/name scenes/A.blend --yes").expect(2).says(&["bad/name", "nothing was submitted"]);
    farm.unchanged_since(&before);
}

#[test]
fn steps_in_ranges_are_kept() {
    let farm = Farm::new();
    let dry =
        farm.run("plan release r4 scenes/A.blend --frames 101-110x3 --dry-run --json").expect(0).json("farm.plan/1");
    assert_eq!(dry["jobs"][0]["frames"], "101-110x3");
    farm.run("plan release r4 scenes/A.blend --frames 101-110x3 --yes").expect(0);
    assert_eq!(expected(&farm, "r4/A"), 4);
}

#[test]
fn without_frames_the_scene_says_them() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend scenes/B.blend --yes").expect(0);
    assert_eq!((expected(&farm, "r1/A"), expected(&farm, "r1/B")), (3, 10));
}

#[test]
fn a_folder_or_a_glob_names_many_scenes() {
    let farm = Farm::new();
    let refs = |words: &str| {
        let document = farm.run(words).expect(0).json("farm.plan/1");
        list(&document["jobs"]).iter().map(|job| job["ref"].as_str().unwrap_or("").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(refs("plan release r1 scenes --dry-run --json"), ["r1/A", "r1/B"]);
    assert_eq!(refs("plan release r1 scenes/*.blend --dry-run --json"), ["r1/A", "r1/B"]);
    assert_eq!(refs("plan release r1 scenes/[B]*.blend --dry-run --json"), ["r1/B"]);
}

#[test]
fn the_same_plan_again_submits_nothing_twice() {
    let farm = Farm::new();
    let words = "plan release r1 scenes/A.blend scenes/B.blend --frames 1-3 --yes";
    farm.run(words).expect(0);
    farm.run(words).expect(0);
    assert_eq!(jobs(&farm).len(), 2);
    farm.run("work").expect(0);
    assert_eq!(farm.render_log().len(), 6, "each frame once: {:?}", farm.render_log());
}

#[test]
fn another_plan_of_the_same_name_is_refused_with_what_differs() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-3 --yes").expect(0);
    let before = farm.tree_of("releases");
    farm.run("plan release r1 scenes/A.blend scenes/B.blend --frames 1-3 --yes").expect(5).says(&["r1", "--update"]);
    assert_eq!(before.difference(&farm.tree_of("releases")), "");
    farm.run("plan release r1 scenes/A.blend scenes/B.blend --frames 1-3 --yes --update").expect(0);
    assert_eq!(jobs(&farm).len(), 2);
}

#[test]
fn missing_textures_stop_a_plan() {
    let farm = Farm::new();
    farm.scene("P.blend", "scenes/packed_and_missing.blend");
    let before = farm.tree();
    farm.run("plan release r1 scenes/P.blend --frames 1 --yes").expect(5).says(&["not_there.png", "--allow-missing"]);
    farm.unchanged_since(&before);
    farm.run("plan release r1 scenes/P.blend --frames 1 --yes --allow-missing --wait")
        .expect(0)
        .says(&["not_there.png"]);
}

#[test]
fn a_scene_from_a_newer_blender_is_a_warning_beforehand() {
    let farm = Farm::new();
    farm.scene("N.blend", "scenes/cube3_v50_zstd.blend");
    let outcome = farm.run("plan release r1 scenes/N.blend --frames 1 --dry-run --json").expect(0);
    let document = outcome.json("farm.plan/1");
    let warnings = document["jobs"][0]["warnings"].to_string();
    assert!(warnings.contains("5.0") && warnings.contains("3.4"), "{document:#}");
}

#[test]
fn two_scenes_of_one_name_clash() {
    let farm = Farm::new();
    fs::create_dir(farm.room.path("other")).expect("a folder");
    fs::copy(farm.room.path("scenes/A.blend"), farm.room.path("other/a.blend")).expect("a copy");
    let before = farm.tree();
    farm.run("plan release r1 scenes/A.blend other/a.blend --frames 1 --yes").expect(2).says(&["A.blend", "a.blend"]);
    farm.unchanged_since(&before);
    farm.run("plan release r1 scenes/A.blend other/a.blend --frames 1 --job-name-template {folder}_{file} --yes")
        .expect(0);
    assert_eq!(expected(&farm, "r1/other_a"), 1);
}

#[test]
fn one_job_per_scene_on_request() {
    let farm = Farm::new();
    farm.scene("T.blend", "scenes/two_scenes.blend");
    let words = "plan release r1 scenes/T.blend --scene all --job-name-template {file}_{scene} --yes";
    farm.run(words).expect(0);
    assert_eq!((expected(&farm, "r1/T_Main"), expected(&farm, "r1/T_Closeup")), (4, 3));
}

#[test]
fn a_saved_plan_is_applied_as_it_was_shown() {
    let farm = Farm::new();
    let before = farm.tree();
    farm.run("plan release r1 scenes/A.blend --frames 1-2 --plan-out plan.json").expect(0);
    farm.unchanged_since(&before);
    let saved: Value = serde_json::from_slice(&fs::read(farm.room.path("plan.json")).expect("a plan")).expect("JSON");
    assert_eq!(saved["schema"], "farm.plan/1");
    farm.run("plan release --apply plan.json --yes").expect(0);
    assert_eq!(expected(&farm, "r1/A"), 2);
}

#[test]
fn a_saved_plan_is_refused_when_the_world_moved() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-2 --plan-out plan.json").expect(0);
    fs::copy(farm.room.path("scenes/B.blend"), farm.room.path("scenes/A.blend")).expect("another scene");
    let before = farm.tree();
    farm.run("plan release --apply plan.json --yes").expect(5).says(&["A.blend"]);
    farm.unchanged_since(&before);
}

#[test]
fn a_movie_that_is_asked_for_is_not_the_scenes() {
    let words = "plan release r1 scenes/A.blend --format FFMPEG --dry-run";
    Farm::new().run(words).expect(0).says(&["the format that was asked for is a movie"]);
}

#[test]
fn a_plan_of_unequal_jobs_says_how_their_chunks_differ() {
    let farm = Farm::new();
    fs::write(
        farm.room.path("plan.yaml"),
        "release: r1\njobs:\n  - scene: scenes/A.blend\n    frames: 1-3\n  - scene: scenes/B.blend\n    frames: 1-5\n",
    )
    .expect("write");
    farm.run("plan release --from plan.yaml --yes").expect(0).says(&["frames per task: 3 to 5 (one task for"]);
}

#[test]
fn a_saved_plan_keeps_its_chunks_whoever_is_awake_by_then() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-6 --plan-out plan.json").expect(0);
    let path = farm.room.path("plan.json");
    let mut saved: Value = serde_json::from_slice(&fs::read(&path).expect("a plan")).expect("JSON");
    // As if three workers had been awake when it was made, and another Blender been here.
    let job = &mut saved["jobs"][0];
    job["chunk"] = 2.into();
    job["tasks"] = 3.into();
    job["chunk_reason"] = "one task for each of 3 local workers".into();
    job["warnings"] = serde_json::json!([{"code": "older-scene", "text": "saved by Blender 2.8"}]);
    fs::write(&path, saved.to_string()).expect("write");
    farm.run("plan release --apply plan.json --yes").expect(0);
    let release = fs::read_to_string(farm.path("releases/r1/release.yaml")).expect("what was planned");
    assert!(release.contains("chunk: 2"), "{release}");
}

#[test]
fn options_for_what_was_submitted_already_are_not_dropped_in_silence() {
    let farm = Farm::new();
    let first = "plan release r1 scenes/A.blend --frames 1-3 --priority 60 --chunk 2 --yes";
    farm.run(first).expect(0);
    let release = || fs::read_to_string(farm.path("releases/r1/release.yaml")).expect("what was planned");
    let before = release();
    for (options, words) in [
        ("--priority 80", "priority 60 instead of 80"),
        ("--chunk 1", "2 frames per task instead of 1"),
        ("--priority 80 --update", "r1/A has priority 60"),
    ] {
        let words_again = format!("plan release r1 scenes/A.blend --frames 1-3 {options} --yes");
        farm.run(&words_again).expect(5).says(&[words, "nothing was submitted"]);
        farm.run(&words_again.replace("--yes", "--dry-run")).expect(5);
    }
    for same in [first, "plan release r1 scenes/A.blend --frames 1-3 --yes"] {
        farm.run(same).expect(0);
    }
    assert_eq!(release(), before, "the same again changes nothing");
}

#[test]
fn options_count_for_the_frames_that_are_added() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-3 --priority 60 --yes").expect(0);
    let more = "plan release r1 scenes/A.blend --frames 1-5 --priority 80 --update --yes";
    farm.run(more).expect(0).says(&["frames 1-3 keep priority 60 instead of 80"]);
    let release = || fs::read_to_string(farm.path("releases/r1/release.yaml")).expect("what was planned");
    let runs = release();
    assert!(runs.contains("priority: 60") && runs.contains("priority: 80"), "{runs}");
    farm.run(more).expect(0);
    assert_eq!(release(), runs, "the same again changes nothing");
}

#[test]
fn what_is_added_is_what_the_plan_shows() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-3 --yes").expect(0);
    let more = "plan release r1 scenes/A.blend --frames 1-5 --update";
    let document = farm.run(&format!("{more} --dry-run --json")).expect(0).json("farm.plan/1");
    assert_eq!((&document["jobs"][0]["tasks"], &document["jobs"][0]["chunk"]), (&1.into(), &2.into()));
    let outcome = farm.run(&format!("{more} --yes")).expect(0);
    outcome.says(&["1 x 2", "2 more frames", "2 frames to render", "frames per task: 2"]);
    farm.run(&format!("{more} --yes")).expect(0).says(&["there already", "about 0 B of"]);
}

#[test]
fn the_local_queue_takes_nothing_that_would_wait_for_ever() {
    let farm = Farm::new();
    let before = farm.tree();
    for (option, words) in [("--tag gpu", "have no tags"), ("--blender 4.2", "the one Blender of this machine")] {
        farm.run(&format!("plan release r1 scenes/A.blend --frames 1 {option} --dry-run")).expect(5);
        let outcome = farm.run(&format!("plan release r1 scenes/A.blend --frames 1 {option} --yes")).expect(5);
        outcome.says(&[words, "Flamenco", "nothing was submitted"]);
    }
    farm.unchanged_since(&before);
}

#[test]
fn frames_beyond_the_end_are_refused() {
    let farm = Farm::new();
    for frames in ["99999999999", "1-2147483648"] {
        let outcome = farm.run(&format!("plan release r1 scenes/A.blend --frames {frames} --yes")).expect(2);
        outcome.says(&["the last frame that Blender renders is 1048574"]);
    }
}

/// Blender counts the sign as one of the digits in out/; in dist/ the number has its digits beside it.
#[test]
fn frames_below_zero_are_rendered_and_harvested() {
    let farm = Farm::with_real_blender();
    farm.run("plan release r1 scenes/A.blend --frames -2--1,3 --samples 1 --yes --wait").expect(0);
    farm.run("harvest release r1").expect(0);
    for name in ["A.-0002.png", "A.-0001.png", "A.0003.png"] {
        assert!(farm.path("dist/r1").join(name).is_file(), "{name}: {:?}", farm.tree_of("dist/r1"));
    }
}

#[test]
fn the_local_queue_knows_one_blender() {
    let farm = Farm::new();
    let before = farm.tree();
    for more in ["--yes", "--dry-run"] {
        let outcome = farm.run(&format!("plan release r1 scenes/A.blend --frames 1 --blender 4.2 {more}")).expect(5);
        outcome.says(&["the local queue renders with the one Blender of this machine, and knows no blender-4.2"]);
    }
    farm.unchanged_since(&before);
}

#[test]
fn of_many_submitted_jobs_a_few_are_named() {
    let farm = Farm::new();
    for number in 1..=8 {
        farm.scene(&format!("s{number}.blend"), "scenes/cube3_zstd.blend");
    }
    let outcome = farm.run("plan release r1 scenes --frames 1 --yes").expect(0);
    assert!(!outcome.stderr.contains("r1/s8 as "), "{outcome}");
    outcome.says(&["submitted 10 jobs: r1/A as ", " and 5 more"]);
}

#[test]
fn wrong_words_are_wrong_usage() {
    let farm = Farm::new();
    let before = farm.tree();
    for words in [
        "plan",
        "plan release r1 scenes/A.blend --frames 3-x --yes",
        "plan release r1 scenes/A.blend --chunk 0 --yes",
        "plan release r1 scenes/A.blend --priority 101 --yes",
        "plan release r1 --yes",
        "plan release r1 scenes/A.blend --dry-run --apply x.json",
        "plan release r1 scenes/A.blend --apply x.json --yes",
        "plan release --frames 7 --apply x.json --yes",
        "plan release --paused --apply x.json --yes",
    ] {
        farm.run(words).expect(2);
    }
    farm.unchanged_since(&before);
}

#[test]
fn a_scene_that_is_not_there_or_no_scene_is_named() {
    let farm = Farm::new();
    farm.scene("Bad.blend", "scenes/bad_truncated.blend");
    let before = farm.tree();
    for name in ["Nowhere.blend", "Bad.blend"] {
        let outcome = farm.run(&format!("plan release r1 scenes/{name} --frames 1 --yes"));
        assert_ne!(outcome.code, 0, "{outcome}");
        outcome.check_manners();
        outcome.says(&[name]);
    }
    farm.unchanged_since(&before);
}

#[test]
fn a_failing_render_ends_with_its_last_words() {
    let farm = Farm::with(&Fake { fails_at: Some(2), ..Fake::default() });
    let outcome = farm.run("plan release r1 scenes/A.blend --frames 1-3 --chunk 1 --yes --wait");
    assert_ne!(outcome.code, 0, "{outcome}");
    outcome.check_manners();
    outcome.says(&["the stand-in gives up at frame 2", "r1/A"]);
    assert!(png::size_of(&farm.frame("r1", "A", 1)).is_some() && !farm.frame("r1", "A", 2).exists());
}

#[test]
fn what_is_submitted_paused_waits_on_this_queue_too() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-2 --paused --yes").expect(0);
    farm.run("work").expect(0);
    assert_eq!(farm.render_log(), [""; 0]);
    farm.run("why r1/A").expect(0).says(&["job-paused", "farm unpause r1/A"]);
    farm.run("plan release r1 scenes/A.blend --frames 1-2 --yes --wait").expect(1).says(&["farm unpause"]);
    farm.run("unpause r1/A --yes").expect(0);
    farm.run("work").expect(0);
    assert_eq!(farm.render_log(), ["A 1", "A 2"]);
}
