//! `farm retry`: what is wrong is rendered again, and nothing else.

use crate::support::fake_blender::Fake;
use crate::support::output::list;
use crate::support::{Farm, Outcome, Tree, png, skipped};
use std::fs;

const OUT: &str = "releases/r1/out";

/// The frames that changed since, by the names of their files.
fn changed(before: &Tree, farm: &Farm) -> Vec<String> {
    let now = farm.tree_of(OUT).0;
    let differs = |(path, entry): &(String, crate::support::tree::Entry)| {
        entry.kind == "file" && before.0.get(path) != Some(entry)
    };
    now.into_iter().filter(differs).map(|(path, _)| path).collect()
}

/// What the stand-in rendered after its first `count` frames.
fn rendered_after(farm: &Farm, count: usize) -> Vec<String> {
    farm.render_log().split_off(count)
}

#[track_caller]
fn is_whole(farm: &Farm, job: &str, frames: &[u32]) {
    for frame in frames {
        assert!(png::size_of(&farm.frame("r1", job, *frame)).is_some(), "{job} {frame}");
    }
}

#[test]
fn only_the_broken_frame_is_new() {
    let farm = Farm::new().rendered("r1");
    let whole = fs::read(farm.frame("r1", "A", 2)).expect("a frame");
    png::cut(&farm.frame("r1", "A", 2), 1000);
    let broken = fs::read(farm.frame("r1", "A", 2)).expect("a frame");
    let before = farm.tree_of(OUT);
    let outcome = farm.run("retry r1/A --yes --wait").expect(0);
    outcome.says(&["frame 2 is bad", "submitted r1/A frame 2", "every frame is there and sound"]);
    assert_eq!(changed(&before, &farm), ["A/000002.png"]);
    assert_eq!(rendered_after(&farm, 6), ["A 2"]);
    assert_eq!(fs::read(farm.frame("r1", "A", 2)).expect("a frame"), whole);
    let trashed = farm.tree_of(".farm/trash").0.into_keys().find(|path| path.ends_with("out/A/000002.png"));
    let trashed = farm.path(".farm/trash").join(trashed.expect("it is in the trash"));
    assert_eq!(fs::read(trashed).expect("readable"), broken);
    farm.run("retry r1/A --yes --wait").expect(0).says(&["nothing to retry", "every frame is there and sound"]);
    farm.run("harvest release r1 --no-preview").expect(0);
}

#[test]
fn jobs_beside_it_are_left_alone_and_a_whole_release_is_not() {
    let farm = Farm::new().rendered("r1");
    for job in ["A", "B"] {
        png::cut(&farm.frame("r1", job, 3), 1000);
    }
    farm.run("retry r1/A --yes --wait").expect(0);
    assert_eq!(rendered_after(&farm, 6), ["A 3"]);
    fs::rename(farm.frame("r1", "A", 1), farm.room.path("away")).expect("it goes away");
    farm.run("retry r1 --yes --wait").expect(0);
    let mut rendered = rendered_after(&farm, 7);
    rendered.sort();
    assert_eq!(rendered, ["A 1", "B 3"]);
    for words in ["r1/*", "r?", "r1/A,r1/B", "r1/A or r1/B"] {
        farm.run(&format!("retry {words} --yes")).expect(0).says(&["nothing to retry"]);
    }
}

/// As with `farm jobs` and `farm kill`.
#[test]
fn words_side_by_side_are_all_of_one_job() {
    let farm = Farm::new().rendered("r1");
    for job in ["A", "B"] {
        png::cut(&farm.frame("r1", job, 3), 1000);
    }
    farm.run("retry r1/A r1/B --yes").expect(3).says(&["r1/A,r1/B", "any of these", "nothing was submitted"]);
    farm.run("retry r1 B status:completed --yes --wait").expect(0);
    assert_eq!(rendered_after(&farm, 6), ["B 3"]);
    let document = farm.run("retry r1/A,r1/B --dry-run --json").expect(0).json("farm.retry/1");
    assert_eq!(document["request"]["jobs"], serde_json::json!(["r1/A", "r1/B"]));
    farm.run("retry statsu:failed --yes").expect(2).says(&["status", "nothing was submitted"]);
}

#[test]
fn nothing_is_done_without_leave_or_for_wrong_words() {
    let farm = Farm::new().rendered("r1");
    png::cut(&farm.frame("r1", "A", 2), 1000);
    let before = farm.tree();
    let document = farm.run("retry r1 --dry-run --json").expect(0).json("farm.retry/1");
    let job = &document["jobs"][0];
    assert_eq!((&job["ref"], &job["verdict"], &job["frames"]), (&"r1/A".into(), &"retry".into(), &"2".into()));
    assert_eq!(job["trash"][0]["path"], "releases/r1/out/A/000002.png", "{document:#}");
    assert_eq!(document["jobs"][1]["verdict"], "sound", "{document:#}");
    farm.run("retry r1").expect(5).says(&["--yes", "nothing was submitted"]);
    farm.run("retry r9 --yes").expect(3).says(&["r9", "nothing was submitted"]);
    farm.run("retry r1 r1/C --yes").expect(3).says(&["r1/C", "nothing was submitted"]);
    farm.run("retry --yes").expect(2);
    farm.run("retry r1 --apply nosuch.json --yes").expect(2);
    farm.unchanged_since(&before);
}

#[test]
fn a_saved_plan_is_carried_out_once_and_refused_when_the_world_moved() {
    let farm = Farm::new().rendered("r1");
    png::cut(&farm.frame("r1", "A", 2), 1000);
    farm.run("retry r1 --plan-out plan.json").expect(0).says(&["nothing was submitted"]);
    png::cut(&farm.frame("r1", "A", 3), 1000);
    let before = farm.tree_of("releases");
    farm.run("retry --apply plan.json --yes").expect(5).says(&["r1/A", "out of date", "nothing was submitted"]);
    assert_eq!(before.difference(&farm.tree_of("releases")), "");
    farm.run("retry r1 --plan-out plan.json").expect(0);
    farm.run("retry --apply plan.json --yes").expect(0);
    farm.run("retry --apply plan.json --yes --wait").expect(0).says(&["every run was submitted before"]);
    assert_eq!(rendered_after(&farm, 6), ["A 2", "A 3"]);
}

#[test]
fn what_is_no_file_at_all_goes_and_is_rendered() {
    let farm = Farm::new().rendered("r1");
    let frame = |number| farm.frame("r1", "A", number);
    for number in 1..=2 {
        fs::rename(frame(number), farm.room.path(format!("away{number}"))).expect("it goes away");
    }
    fs::create_dir(frame(1)).expect("a folder in its place");
    fs::write(frame(1).join("precious"), "somebody's").expect("a file");
    let fifo = std::process::Command::new("mkfifo").arg(frame(2)).status().expect("mkfifo");
    assert!(fifo.success());
    farm.run("retry r1/A --yes --wait").expect(0);
    is_whole(&farm, "A", &[1, 2, 3]);
    assert_eq!(rendered_after(&farm, 6), ["A 1", "A 2"]);
    assert!(farm.tree_of(".farm/trash").0.into_keys().any(|path| path.ends_with("A/000001.png/precious")));
}

#[test]
fn what_was_delivered_and_altered_is_a_persons() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1 --no-preview").expect(0);
    png::cut(&farm.path("dist/r1/A.0002.png"), 1000);
    let before = farm.tree_of("dist");
    let outcome = farm.run("retry r1/A --yes --wait").expect(7);
    outcome.says(&["dist/r1/A.0002.png", "left", "move them away"]);
    let document = farm.run("retry r1/A --yes --json").expect(7).json("farm.retry/1");
    assert_eq!(document["jobs"][0]["verdict"], "left", "{document:#}");
    assert_eq!(document["jobs"][0]["left"][0]["frame"], 2, "{document:#}");
    assert_eq!(before.difference(&farm.tree_of("dist")), "");
    // With a frame beside it that can be mended, that one is.
    fs::rename(farm.path("dist/r1/A.0001.png"), farm.room.path("away")).expect("it goes away");
    farm.run("retry r1/A --yes --wait").expect(7).says(&["still wrong", "frame 2"]);
    assert_eq!(rendered_after(&farm, 6), ["A 1"]);
}

#[test]
fn what_fails_again_is_said_with_its_kind() {
    let farm = Farm::with(&Fake { fails_at: Some(3), ..Fake::default() });
    farm.run("plan release r1 scenes/A.blend --frames 1-4 --yes --wait").expect(1);
    let outcome: Outcome = farm.run("retry r1/A --yes --wait --json").expect(7);
    let document = outcome.json("farm.retry/1");
    let failures = list(&document["jobs"][0]["failures"]);
    assert!(failures[0]["kind"].is_string() && failures[0]["advice"].is_string(), "{document:#}");
    assert_eq!(failures[0]["count"], 1, "{document:#}");
    assert_eq!(document["after"][0]["missing"], "3-4", "{document:#}");
    outcome.says(&["still wrong: r1/A: frames 3-4 are missing"]);
    // The cause is mended.
    Fake::default().install(&farm.room.path("fake"));
    farm.run("retry r1/A --yes --wait").expect(0);
    is_whole(&farm, "A", &[1, 2, 3, 4]);
}

#[test]
fn suspect_frames_are_rendered_again_unless_they_are_allowed() {
    let farm = Farm::with(&Fake { says: "Error in PyDriver: expression failed\\n", ..Fake::default() });
    farm.run("plan release r1 scenes/A.blend --frames 1-2 --yes --wait").expect(0);
    farm.run("retry r1/A --yes --allow-suspect").expect(0).says(&["nothing to retry"]);
    Fake::default().install(&farm.room.path("fake"));
    let outcome = farm.run("retry r1/A --yes --wait").expect(0);
    outcome.says(&["suspect", "its log says"]);
    assert_eq!(rendered_after(&farm, 2), ["A 1", "A 2"]);
    assert_eq!(farm.run("status r1 --json").expect(0).json("farm.status/1")["jobs"][0]["frames"]["suspect"], 0);
}

#[test]
fn what_waits_in_the_queue_is_not_submitted_again() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-3 --yes").expect(0);
    let document = farm.run("retry r1 --yes --json").expect(0).json("farm.retry/1");
    assert_eq!(document["jobs"][0]["verdict"], "waits", "{document:#}");
    farm.run("retry r1 --yes --wait").expect(0);
    assert_eq!(farm.render_log(), ["A 1", "A 2", "A 3"]);
}

/// Killed after the record was written and before the Manager's answer was: the run is there, and is not submitted twice.
#[test]
fn a_run_that_is_only_written_down_is_submitted_once() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-3 --yes").expect(0);
    let path = farm.path("releases/r1/release.yaml");
    let text = fs::read_to_string(&path).expect("a record");
    let without: Vec<&str> = text.lines().filter(|line| !line.contains("manager_job:")).collect();
    assert!(without.len() < text.lines().count(), "{text}");
    fs::write(&path, without.join("\n") + "\n").expect("the record");
    farm.run("retry r1 --yes").expect(0);
    farm.run("work").expect(0);
    assert_eq!(farm.render_log(), ["A 1", "A 2", "A 3"]);
}

/// Blender writes over the passes of File Output nodes whatever lies there, and skips a frame whose passes are gone.
#[test]
fn passes_go_with_their_frame_and_bring_it_along() {
    if !std::path::Path::new("/usr/bin/blender").exists() {
        return skipped("passes_go_with_their_frame_and_bring_it_along", "there is no Blender");
    }
    let farm = Farm::with_real_blender();
    farm.scene("P.blend", "scenes/nodes/passes.blend");
    farm.run("plan release r1 scenes/P.blend --frames 1-2 --yes --wait").expect(0);
    let before = farm.tree_of(OUT);
    let of_frame = |number: &str| -> Vec<&String> {
        let short = format!("_{}_", &number[2..]);
        let is_of = |path: &str| path.contains(number) || path.contains(&short);
        let files = before.0.iter().filter(|(path, entry)| entry.kind == "file" && is_of(path));
        files.map(|(path, _)| path).collect()
    };
    assert!(of_frame("0002").len() > 1, "{before:?}");
    png::cut(&farm.frame("r1", "P", 2), 1000);
    farm.run("retry r1/P --yes --wait").expect(0);
    assert_eq!(changed(&before, &farm).iter().collect::<Vec<_>>(), of_frame("0002"));
    let trash = farm.tree_of(".farm/trash").0;
    for path in of_frame("0002") {
        assert!(trash.keys().any(|kept| kept.ends_with(path.as_str())), "{path} is not in the trash");
    }
    let between = farm.tree_of(OUT);
    let pass = of_frame("0001").into_iter().find(|path| !path.ends_with("000001.png")).expect("a pass");
    fs::rename(farm.path(OUT).join(pass), farm.room.path("away")).expect("it goes away");
    farm.run("retry r1/P --yes --wait").expect(0);
    assert_eq!(changed(&between, &farm).iter().collect::<Vec<_>>(), of_frame("0001"));
}

#[test]
fn both_views_of_a_frame_go() {
    if !std::path::Path::new("/usr/bin/blender").exists() {
        return skipped("both_views_of_a_frame_go", "there is no Blender");
    }
    let farm = Farm::with_real_blender();
    farm.scene("S.blend", "scenes/nodes/stereo.blend");
    farm.run("plan release r1 scenes/S.blend --frames 1-2 --yes --wait").expect(0);
    let before = farm.tree_of(OUT);
    fs::rename(farm.path(OUT).join("S/000002_R.png"), farm.room.path("away")).expect("it goes away");
    farm.run("retry r1/S --yes --wait").expect(0);
    let new = changed(&before, &farm);
    assert!(new.contains(&"S/000002_L.png".to_owned()) && new.contains(&"S/000002_R.png".to_owned()), "{new:?}");
    assert!(new.iter().all(|path| path.contains("0002")), "{new:?}");
}

/// Nothing behind a link is looked at or moved.
#[test]
fn a_link_in_the_place_of_the_folder_stops_it() {
    let farm = Farm::new().rendered("r1");
    let (out, elsewhere) = (farm.path(OUT).join("A"), farm.room.path("elsewhere"));
    fs::rename(&out, &elsewhere).expect("it goes away");
    png::cut(&elsewhere.join("000002.png"), 1000);
    std::os::unix::fs::symlink(&elsewhere, &out).expect("a link");
    let before = Tree::of(&elsewhere);
    let outcome = farm.run("retry r1/A --yes");
    assert!([1, 5].contains(&outcome.code), "{outcome}");
    outcome.check_manners();
    assert_eq!(before.difference(&Tree::of(&elsewhere)), "");
}

#[test]
fn a_retry_is_taken_back() {
    let farm = Farm::new().rendered("r1");
    png::cut(&farm.frame("r1", "A", 2), 1000);
    let before = farm.tree_of(OUT);
    farm.run("retry r1/A --yes --wait").expect(0);
    farm.run("undo --yes").expect(0);
    let files = |tree: Tree| -> Tree { Tree(tree.0.into_iter().filter(|(_, entry)| entry.kind == "file").collect()) };
    assert_eq!(files(before).difference(&files(farm.tree_of(OUT))), "", "bytes, modes and times");
    farm.run("retry r1/A --yes --wait").expect(0).says(&["frame 2 is bad"]);
    is_whole(&farm, "A", &[1, 2, 3]);
}

#[test]
fn a_query_says_which_jobs_are_retried() {
    let farm = Farm::new().rendered("r1");
    png::cut(&farm.frame("r1", "A", 2), 40);
    png::cut(&farm.frame("r1", "B", 2), 40);
    farm.run("retry name:C status:completed --yes").expect(3).says(&["nothing was submitted"]);
    farm.run("retry statsu:failed --yes").expect(2).says(&["column 1", "status"]);
    let plan = farm.run("retry release:r1 name:A --dry-run --json").expect(0).json("farm.retry/1");
    assert_eq!((plan["jobs"].as_array().map(Vec::len), &plan["jobs"][0]["ref"]), (Some(1), &"r1/A".into()));
    farm.run("retry release:r1 name:A --yes --wait").expect(0);
    assert!(png::size_of(&farm.frame("r1", "A", 2)).is_some() && png::size_of(&farm.frame("r1", "B", 2)).is_none());
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !done() {
        assert!(began.elapsed() < std::time::Duration::from_secs(60), "waited in vain for {what}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn what_is_paused_is_called_paused() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-3 --yes").expect(0);
    farm.run("pause r1/A --yes").expect(0);
    farm.run("retry r1 --yes").expect(0).says(&["frames 1-3 are paused", "farm unpause"]);
    farm.run("retry r1 --yes --wait").expect(4).says(&["not rendered: r1/A", "farm unpause r1/A"]);
    farm.run("unpause r1/A --yes").expect(0);
    farm.run("retry r1 --yes --wait").expect(0);
}

#[test]
fn a_job_that_is_killed_while_it_is_waited_for_is_unfinished_and_not_wrong() {
    let farm = Farm::with(&Fake { pause: "1", ..Fake::default() });
    farm.run("plan release r1 scenes/A.blend --frames 1-9 --yes").expect(0);
    let retry = farm.start("retry r1/A --yes --wait");
    wait_until("a frame", || farm.frame("r1", "A", 1).exists());
    farm.run("kill r1/A --yes").expect(0);
    retry.wait().expect(4).says(&["not rendered: r1/A", "somebody canceled its run", "farm why"]);
}

/// Each `farm work` takes the place of the one before it in the queue's list of workers.
#[test]
fn a_worker_that_is_gone_is_named() {
    let farm = Farm::with(&Fake { fails_at: Some(2), ..Fake::default() });
    farm.run("plan release r1 scenes/A.blend --frames 1-2 --yes").expect(0);
    farm.run("work --name smithy").expect(1);
    farm.run("work --name smithy").expect(0);
    let document = farm.run("retry r1 --dry-run --json").expect(0).json("farm.retry/1");
    assert_eq!(document["jobs"][0]["failures"][0]["workers"], serde_json::json!(["smithy"]), "{document:#}");
    farm.run("logs r1/A --failed").expect(0).says(&["worker smithy"]);
}
