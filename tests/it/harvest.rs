//! `farm harvest release`: what goes well, what is refused. Damaged frames are in `harvest_damage`.

use crate::support::fake_blender::Fake;
use crate::support::output::{has_keys, list};
use crate::support::{Farm, png, tree};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

fn dist_names(farm: &Farm, release: &str) -> Vec<String> {
    let tree = farm.tree_of(&format!("dist/{release}"));
    tree.0.iter().filter(|(_, entry)| entry.kind == "file").map(|(path, _)| path.clone()).collect()
}

fn frames_of(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).filter(|name| name.ends_with(".png") && !name.contains('/')).collect()
}

const BOTH: [&str; 6] = ["A.0001.png", "A.0002.png", "A.0003.png", "B.0001.png", "B.0002.png", "B.0003.png"];

/// Digest per frame of `out/`, by the name it is to have in `dist/`.
fn promised(farm: &Farm) -> BTreeMap<String, String> {
    let name = |job: &str, frame: u32| format!("{job}.{frame:04}.png");
    let of = |job: &'static str| (1..=3).map(move |frame| (job, frame));
    of("A").chain(of("B")).map(|(job, n)| (name(job, n), tree::digest(&farm.frame("r1", job, n)))).collect()
}

fn delivered(farm: &Farm) -> BTreeMap<String, String> {
    BOTH.iter().map(|name| ((*name).to_owned(), tree::digest(&farm.path("dist/r1").join(name)))).collect()
}

#[test]
fn whole_frames_are_renamed_and_moved() {
    let farm = Farm::new().rendered("r1");
    let before = promised(&farm);
    let outcome = farm.run("harvest release r1 --json").expect(0);
    let document = outcome.json("farm.harvest/1");
    has_keys(&document, &["frames", "files"]);
    for (key, count) in [("expected", 6), ("ok", 6), ("missing", 0), ("bad", 0), ("suspect", 0)] {
        assert_eq!(document["frames"][key], count, "{document:#}");
    }
    assert!(list(&document["files"]).len() >= 6, "{document:#}");
    assert_eq!(frames_of(&dist_names(&farm, "r1")), BOTH);
    assert_eq!(delivered(&farm), before, "each frame under its own name");
    assert!(!farm.frame("r1", "A", 1).exists(), "moved, not copied");
}

#[test]
fn the_manifest_has_the_digest_of_every_file() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1").expect(0);
    let text = fs::read_to_string(farm.path("dist/r1/manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_str(&text).expect("JSON");
    for (name, digest) in delivered(&farm) {
        assert!(text.contains(&name) && text.contains(&digest), "{name} {digest}: {manifest:#}");
    }
}

#[test]
fn a_contact_sheet_and_a_video_are_made() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1").expect(0);
    let names = dist_names(&farm, "r1");
    for job in ["A", "B"] {
        let sheets: Vec<&String> =
            names.iter().filter(|name| name.starts_with(&format!("preview/{job}")) && name.ends_with(".png")).collect();
        assert!(!sheets.is_empty(), "no contact sheet of {job}: {names:?}");
        assert!(png::size_of(&farm.path("dist/r1").join(sheets[0])).is_some(), "{}", sheets[0]);
    }
    let has_ffmpeg = std::path::Path::new("/usr/bin/ffmpeg").exists();
    assert!(
        !has_ffmpeg || names.iter().any(|name| name.starts_with("preview/A") && name.ends_with(".mp4")),
        "{names:?}"
    );
}

#[test]
fn a_second_harvest_only_verifies() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1").expect(0);
    let before = farm.tree_of("dist");
    let document = farm.run("harvest release r1 --json").expect(0).json("farm.harvest/1");
    assert_eq!(document["frames"]["ok"], 6, "{document:#}");
    assert_eq!(before.difference(&farm.tree_of("dist")), "");
}

#[test]
fn a_harvested_frame_that_was_damaged_since_is_found() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1").expect(0);
    png::flip(&farm.path("dist/r1/A.0002.png"), 200);
    farm.run("harvest release r1").expect(7).says(&["A.0002.png"]);
}

#[test]
fn keep_leaves_out_as_it_is() {
    let farm = Farm::new().rendered("r1");
    let before = farm.tree_of("releases/r1/out").contents();
    farm.run("harvest release r1 --keep").expect(0);
    assert_eq!(farm.tree_of("releases/r1/out").contents(), before);
    assert_eq!(frames_of(&dist_names(&farm, "r1")), BOTH);
    let state = |words: &str| farm.run(words).expect(0).json("farm.status/1")["releases"][0]["state"].clone();
    assert_eq!(state("status r1 --json"), "harvested");
    assert_eq!(state("status r1 --json --verify"), "harvested");
    fs::rename(farm.path("dist/r1/B.0002.png"), farm.room.path("away.png")).expect("it goes away");
    assert_eq!(state("status r1 --json"), "rendered");
}

#[test]
fn what_was_kept_goes_to_the_trash_and_a_dry_run_says_so() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1 --keep").expect(0);
    let planned = farm.run("harvest release r1 --dry-run").expect(0);
    planned.says(&["0 files would be put", "6 files in out/ that are in dist/ as well would go to the trash"]);
    let document = farm.run("harvest release r1 --dry-run --json").expect(0).json("farm.harvest/1");
    let trashed = list(&document["trashed"]);
    assert_eq!((trashed.len(), &trashed[0]), (6, &Value::from("releases/r1/out/A/000001.png")));
    let done = farm.run("harvest release r1").expect(0);
    done.says(&["every file was in", "6 files went to the trash"]);
    assert!(!farm.frame("r1", "A", 1).exists());
}

#[test]
fn nothing_of_a_blocked_harvest_is_called_taken() {
    let farm = Farm::new().rendered("r1");
    png::flip(&farm.frame("r1", "A", 2), 200);
    let verdicts = |words: &str, code: i32| -> Vec<Value> {
        let document = farm.run(words).expect(code).json("farm.harvest/1");
        list(&document["jobs"]).iter().map(|job| job["verdict"].clone()).collect()
    };
    assert_eq!(verdicts("harvest release r1 --dry-run --json", 7), ["blocked", "blocked"]);
    assert_eq!(verdicts("harvest release r1 --json", 7), ["blocked", "blocked"]);
    assert_eq!(verdicts("harvest release r1 --partial --json", 4), ["taken", "taken"]);
    let farm = Farm::new().rendered("r1");
    (1..=3).for_each(|frame| png::flip(&farm.frame("r1", "A", frame), 200));
    let document = farm.run("harvest release r1 --jobs A --partial --json").expect(7).json("farm.harvest/1");
    assert_eq!((&document["outcome"], &document["jobs"][0]["verdict"]), (&"blocked".into(), &"blocked".into()));
}

#[test]
fn a_selection_of_jobs() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1 --jobs B").expect(0);
    assert_eq!(frames_of(&dist_names(&farm, "r1")), BOTH[3..]);
    farm.run("harvest release r1 --jobs A*").expect(0);
    assert_eq!(frames_of(&dist_names(&farm, "r1")), BOTH);
    farm.run("harvest release r1 --jobs nobody*").expect(3);
}

#[test]
fn completed_says_what_the_jobs_lack() {
    let farm = Farm::new().rendered("r1");
    png::cut(&farm.frame("r1", "A", 2), 50);
    for job in ["A", "B"] {
        fs::rename(farm.frame("r1", job, 3), farm.room.path(job)).expect("it goes away");
    }
    farm.run("status r1 --verify").expect(0);
    farm.run("harvest release r1 --completed").expect(3).says(&[
        "A (of 3 frames): frame 2 bad, frame 3 missing",
        "B (of 3 frames): frame 3 missing",
        "next: ",
    ]);
}

#[test]
fn completed_takes_what_is_finished() {
    let farm = Farm::new().rendered("r1");
    fs::rename(farm.frame("r1", "B", 2), farm.room.path("away.png")).expect("it goes away");
    farm.run("harvest release r1 --completed").expect(0);
    assert_eq!(frames_of(&dist_names(&farm, "r1")), BOTH[..3]);
}

#[test]
fn partial_takes_what_is_good_and_says_what_is_not() {
    let farm = Farm::new().rendered("r1");
    fs::rename(farm.frame("r1", "B", 2), farm.room.path("away.png")).expect("it goes away");
    let outcome = farm.run("harvest release r1 --partial");
    assert!([4, 7].contains(&outcome.code), "{outcome}");
    outcome.check_manners();
    assert_eq!(
        frames_of(&dist_names(&farm, "r1")),
        ["A.0001.png", "A.0002.png", "A.0003.png", "B.0001.png", "B.0003.png"]
    );
    fs::rename(farm.room.path("away.png"), farm.frame("r1", "B", 2)).expect("it comes back");
    farm.run("harvest release r1").expect(0);
    assert_eq!(frames_of(&dist_names(&farm, "r1")), BOTH);
}

#[test]
fn a_template_names_the_files() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1 --template {release}_{job}_{frame:03}.{ext}").expect(0);
    let names = dist_names(&farm, "r1");
    assert!(names.contains(&"r1_A_001.png".to_owned()) && names.contains(&"r1_B_003.png".to_owned()), "{names:?}");
}

#[test]
fn a_template_that_cannot_work_is_refused() {
    let farm = Farm::new().rendered("r1");
    let before = (farm.tree_of("dist"), farm.tree_of("releases/r1/out"));
    for (template, codes) in [
        ("{job}.{ext}", &[2, 5][..]),
        ("{nothing}.png", &[2]),
        ("../{job}.{frame}.png", &[2, 5]),
        ("/tmp/{frame}.png", &[2, 5]),
    ] {
        let outcome = farm.run(&format!("harvest release r1 --template {template}"));
        assert!(codes.contains(&outcome.code), "{outcome}");
        outcome.check_manners();
    }
    assert_eq!(before, (farm.tree_of("dist"), farm.tree_of("releases/r1/out")));
}

#[test]
fn another_file_of_that_name_is_never_written_over() {
    let farm = Farm::new().rendered("r1");
    fs::create_dir_all(farm.path("dist/r1")).expect("a folder");
    fs::write(farm.path("dist/r1/A.0002.png"), png::picture(64, 64, png::Filling::Noise, 99))
        .expect("somebody's frame");
    let before = (farm.tree_of("dist"), farm.tree_of("releases/r1/out"));
    farm.run("harvest release r1").expect(5).says(&["A.0002.png"]);
    assert_eq!(before, (farm.tree_of("dist"), farm.tree_of("releases/r1/out")));
}

#[test]
fn the_same_file_already_there_is_taken_as_done() {
    let farm = Farm::new().rendered("r1");
    let before = promised(&farm);
    fs::create_dir_all(farm.path("dist/r1")).expect("a folder");
    fs::copy(farm.frame("r1", "A", 2), farm.path("dist/r1/A.0002.png")).expect("a copy");
    farm.run("harvest release r1").expect(0);
    assert_eq!(delivered(&farm), before);
}

#[test]
fn suspect_frames_are_held_back_unless_allowed() {
    let farm = Farm::with(&Fake { says: "Error in PyDriver: expression failed: bpy.x", ..Fake::default() });
    farm.run("plan release r1 scenes/A.blend --frames 1-3 --yes --wait");
    let document = farm.run("harvest release r1 --json").expect(7).json("farm.harvest/1");
    assert_eq!(document["frames"]["suspect"], 3, "{document:#}");
    assert_eq!(dist_names(&farm, "r1"), [""; 0]);
    farm.run("harvest release r1 --allow-suspect").expect(0);
    assert_eq!(frames_of(&dist_names(&farm, "r1")), BOTH[..3]);
}

#[test]
fn frames_of_a_job_that_still_runs_are_not_touched() {
    let farm = Farm::with(&Fake { pause: "0.2", frames: 40, ..Fake::default() });
    farm.run("plan release r1 scenes/A.blend --frames 1-40 --yes").expect(0);
    let mut worker = farm.start("work");
    let began = std::time::Instant::now();
    while !farm.frame("r1", "A", 2).exists() {
        assert!(began.elapsed().as_secs() < 60 && !worker.has_ended(), "the worker does not begin");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let outcome = farm.run("harvest release r1 --partial");
    outcome.check_manners();
    assert!(outcome.code != 0 && dist_names(&farm, "r1").is_empty(), "{outcome}");
    worker.signal(rustix::process::Signal::TERM);
    worker.wait().expect(143);
}

#[test]
fn nothing_matched() {
    let farm = Farm::new();
    farm.run("harvest release nosuch").expect(3).says(&["nosuch"]);
    farm.run("harvest release nosuch --json").expect(3).json("farm.error/1");
    farm.run("harvest").expect(2);
}

#[test]
fn a_saved_plan_is_refused_when_a_frame_changed() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1 --plan-out plan.json").expect(0);
    let good = fs::read(farm.frame("r1", "A", 2)).expect("a frame");
    fs::write(farm.frame("r1", "A", 2), png::picture(64, 64, png::Filling::Noise, 4242)).expect("another frame");
    let before = (farm.tree_of("dist"), farm.tree_of("releases/r1/out"));
    farm.run("harvest release r1 --apply plan.json").expect(5).says(&["000002.png"]);
    assert_eq!(before, (farm.tree_of("dist"), farm.tree_of("releases/r1/out")));
    fs::write(farm.frame("r1", "A", 2), good).expect("the first again");
    farm.run("harvest release r1 --plan-out plan.json").expect(0);
    farm.run("harvest release r1 --apply plan.json").expect(0);
    assert_eq!(frames_of(&dist_names(&farm, "r1")), BOTH);
}

#[test]
fn more_files_may_be_harvested_than_farm_may_open() {
    let farm = Farm::with(&Fake { frames: 60, ..Fake::default() });
    farm.run("plan release r1 scenes/A.blend --frames 1-60 --yes --wait").expect(0);
    farm.run("harvest release r1 --no-preview --template {job}/{frame:04}.{ext}").expect(0);
    let with_few_files = ["sh", "-c", "ulimit -n 48; exec \"$@\"", "sh"];
    let status = farm.room.start_under(&with_few_files, &farm.arguments("status r1 --json")).wait().expect(0);
    assert_eq!(status.json("farm.status/1")["jobs"][0]["frames"]["ok"], 60);
}

#[test]
fn with_a_plan_to_apply_no_other_wish_is_taken() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1 --plan-out plan.json").expect(0);
    let before = farm.tree();
    for flag in
        ["--partial", "--keep", "--deep", "--quick", "--completed", "--allow-suspect", "--jobs A", "--template x"]
    {
        farm.run(&format!("harvest release r1 --apply plan.json {flag}")).expect(2).says(&["--apply"]);
    }
    farm.unchanged_since(&before);
}

#[test]
fn waiting_for_a_release_leaves_what_was_delivered_alone() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1").expect(0);
    let delivered = farm.path("dist/r1/A.0002.png");
    let whole = fs::read(&delivered).expect("a frame");
    fs::write(&delivered, &whole[..whole.len() / 2]).expect("a damaged frame");
    let log = farm.render_log();
    let waited = farm.run("plan release r1 scenes/A.blend scenes/B.blend --frames 1-3 --yes --wait --update");
    waited.expect(1).says(&["1 of 6"]);
    assert_eq!(fs::read(&delivered).expect("still there").len(), whole.len() / 2);
    assert_eq!(farm.render_log(), log);
}

/// Renders a frame again as Flamenco's own pages can have it done: other bytes of the same picture.
fn render_again(farm: &Farm, job: &str, frame: u32) {
    fs::write(farm.frame("r1", job, frame), png::picture(64, 64, png::Filling::Noise, 99)).expect("a frame");
}

#[test]
fn a_frame_that_was_rendered_again_is_taken_only_on_request() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1 --no-preview").expect(0);
    let harvested = farm.path("dist/r1/A.0001.png");
    let old = tree::digest(&harvested);
    render_again(&farm, "A", 1);
    let new = tree::digest(&farm.frame("r1", "A", 1));
    let refused = farm.run("harvest release r1 --no-preview").expect(5);
    refused.says(&["A.0001.png was harvested before", "--replace", "nothing was moved"]);
    assert_eq!(tree::digest(&harvested), old);
    farm.run("harvest release r1 --no-preview --replace").expect(0);
    assert_eq!(tree::digest(&harvested), new);
    assert!(farm.tree_of(".farm/trash").contents().contains(&old));
    farm.run("harvest release r1 --no-preview").expect(0).says(&["verified"]);
}

#[test]
fn other_names_are_given_to_what_was_harvested_before() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1 --no-preview").expect(0);
    let files = dist_names(&farm, "r1").len();
    farm.run("harvest release r1 --no-preview --template manifest.json").expect(5).says(&["nothing was moved"]);
    farm.run("harvest release r1 --no-preview --template {job}/f{frame:03}.{ext}").expect(0);
    let names = dist_names(&farm, "r1");
    assert!(names.contains(&"A/f001.png".to_owned()) && !names.contains(&"A.0001.png".to_owned()), "{names:?}");
    assert_eq!(names.len(), files);
    farm.run("harvest release r1 --no-preview").expect(0).says(&["verified"]);
}

#[test]
fn a_killed_harvest_is_finished_before_anything_is_rendered_again() {
    if !crate::support::strace::works() {
        return crate::support::skipped("a_killed_harvest_is_finished_before…", "strace may not trace here");
    }
    let farm = Farm::new().rendered("r1");
    let strike = crate::support::strace::striking("renameat2", "signal=SIGKILL:when=4");
    farm.room.start_under(&strike, &farm.arguments("harvest release r1 --no-preview")).wait().expect(137);
    let status = farm.run("status --json").json("farm.status/1");
    let ok: u64 = (0..2).map(|job| status["jobs"][job]["frames"]["ok"].as_u64().expect("a number")).sum();
    assert_eq!(ok, 6, "frames that had been moved count as missing: {status:#}");
    let rendered = farm.render_log().len();
    farm.run("plan release r1 scenes/A.blend scenes/B.blend --frames 1-3 --yes --wait").expect(0);
    assert_eq!(farm.render_log().len(), rendered, "nothing was missing");
    farm.run("harvest release r1 --no-preview").expect(0);
    assert_eq!(frames_of(&dist_names(&farm, "r1")), BOTH);
}

#[test]
fn an_altered_delivery_is_rendered_again_once_it_is_moved_away() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1 --no-preview").expect(0);
    let path = farm.path("dist/r1/A.0002.png");
    fs::write(&path, png::picture(64, 64, png::Filling::Noise, 98)).expect("altered");
    farm.run("harvest release r1 --no-preview").expect(7).says(&["move it away to have it rendered again"]);
    let plan = "plan release r1 scenes/A.blend scenes/B.blend --frames 1-3 --yes --wait";
    farm.run(plan).expect(1).says(&["dist/r1/A.0002.png", "move it away"]);
    fs::rename(&path, farm.room.path("altered.png")).expect("moved away");
    farm.run(plan).expect(0);
    farm.run("harvest release r1 --no-preview").expect(0);
}
