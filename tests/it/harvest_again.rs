//! `farm harvest release` where the world changed since the last one: a mount that is gone, files that were altered, plans
//! that were applied, previews.

use crate::support::{Farm, png, skipped, strace};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// The frames that were delivered.
fn delivered(farm: &Farm) -> Vec<String> {
    let names = farm.tree_of("dist/r1").0.into_keys();
    names.filter(|name| name.ends_with(".png") && !name.contains('/')).collect()
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("a name")) {
        if entry.path().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
        }
    }
}

/// `dist/` as a file system of its own, while this lives.
struct Mounted(std::path::PathBuf);

impl Mounted {
    /// `None` where this user may not mount.
    fn on(path: std::path::PathBuf) -> Option<Mounted> {
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "farm-test"]).arg(&path).stderr(std::process::Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then_some(Mounted(path))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_dist_that_is_not_mounted_any_more_is_not_taken_for_empty() {
    let farm = Farm::new().rendered("r1");
    let Some(mounted) = Mounted::on(farm.path("dist")) else {
        return skipped("a_dist_that_is_not_mounted_any_more", "this user may not mount");
    };
    farm.run("harvest release r1 --dry-run").expect(0);
    assert!(!farm.path(".farm/mounts.json").exists());
    farm.run("harvest release r1 --no-preview").expect(0);
    drop(mounted);
    for words in ["status", "harvest release r1", "plan release r2 scenes/A.blend --yes", "recover"] {
        farm.run(words).expect(5).says(&["V/dist is not mounted", "Mount it first"]);
    }
    farm.run("doctor").expect(7).says(&["V/dist is not mounted"]);
    assert!(farm.tree_of("dist").0.is_empty(), "nothing goes beneath the mount point");
    fs::rename(farm.path(".farm/mounts.json"), farm.room.path("away")).expect("it goes away");
    farm.run("status").expect(0);
}

#[test]
fn which_of_two_copies_was_altered_is_said() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1 --keep").expect(0);
    png::flip(&farm.path("dist/r1/A.0002.png"), 200);
    let refused = farm.run("harvest release r1").expect(5);
    refused.says(&[
        "A.0002.png was altered or damaged",
        "out/A/000002.png is as it was",
        "Move the files in dist/ away",
    ]);
    fs::rename(farm.path("dist/r1/A.0002.png"), farm.room.path("away.png")).expect("it goes away");
    farm.run("harvest release r1").expect(0);
    assert_eq!(delivered(&farm).len(), 6);
}

#[test]
fn what_is_bad_in_dist_has_to_be_moved_away_first() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1").expect(0);
    png::flip(&farm.path("dist/r1/A.0002.png"), 200);
    farm.run("harvest release r1").expect(7).says(&["Move what is bad in dist/ away first"]);
    fs::rename(farm.path("dist/r1/A.0002.png"), farm.room.path("away.png")).expect("it goes away");
    farm.run("plan release r1 scenes/A.blend scenes/B.blend --frames 1-3 --yes --wait").expect(0);
    farm.run("harvest release r1").expect(0);
}

#[test]
fn a_killed_change_of_the_jobs_is_put_in_order_first() {
    let farm = Farm::new().rendered("r1");
    png::cut(&farm.frame("r1", "A", 2), 40);
    farm.run("retry r1/A --yes --wait").expect(0);
    farm.unend(&farm.newest("retry"));
    farm.run("harvest release r1").expect(0).says(&["a retry of release r1 that was interrupted is finished"]);
    assert_eq!(delivered(&farm).len(), 6);
    farm.run("recover").expect(0).says(&["nothing was left"]);
}

/// Of a retry that was killed between its record and its submission the harvest sends the run.
#[test]
fn a_killed_change_whose_run_was_not_sent_is_put_in_order_too() {
    let farm = Farm::new().rendered("r1");
    png::cut(&farm.frame("r1", "B", 2), 40);
    let (queue, aside) = (farm.path(".farm/local"), farm.room.path("queue"));
    copy_files(&queue, &aside);
    farm.run("retry r1/B --yes").expect(0);
    farm.unend(&farm.newest("retry"));
    let record = farm.path("releases/r1/release.yaml");
    let text = fs::read_to_string(&record).expect("a record");
    let at = text.rfind("manager_job:").expect("the newest run of the last job");
    let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
    fs::write(&record, format!("{}{}", &text[..at], &text[end..])).expect("written");
    fs::rename(&queue, farm.room.path("away")).expect("a queue");
    fs::rename(&aside, &queue).expect("as it was before the retry");
    let before = farm.tree();
    farm.run("harvest release r1 --dry-run").expect(7);
    farm.unchanged_since(&before);
    let blocked = farm.run("harvest release r1").expect(7);
    blocked.says(&["a retry of release r1 that was interrupted is finished", "B/000002.png"]);
    farm.run("work").expect(0);
    farm.run("harvest release r1").expect(0);
    assert_eq!(delivered(&farm).len(), 6);
}

/// `B` has two frames now, and nothing of it is rendered yet.
#[test]
fn what_is_out_of_date_stays_until_something_newer_is_taken() {
    let farm = Farm::new().rendered("r1");
    farm.scene("C.blend", "scenes/cube3_v42_zstd.blend");
    farm.run("harvest release r1 --no-preview").expect(0);
    farm.run("replace job r1/B --with scenes/C.blend --range 1-2 --yes").expect(0);
    let before = farm.tree_of("dist").essence();
    let left = farm.run("harvest release r1 --completed --no-preview").expect(0).says(&["left for later"]);
    assert!(!left.text().contains("trash"), "{left}");
    let blocked = farm.run("harvest release r1 --jobs B --partial --no-preview").expect(7);
    assert!(!blocked.text().contains("went to the trash"), "{blocked}");
    assert_eq!(farm.tree_of("dist").essence(), before);
    farm.run("work").expect(0);
    farm.run("harvest release r1 --no-preview").expect(0);
    assert_eq!(delivered(&farm).len(), 5);
    assert!(!farm.path("dist/r1/B.0003.png").exists());
}

#[test]
fn a_saved_plan_that_was_applied_can_be_applied_again() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1 --plan-out r1.plan").expect(0);
    farm.run("harvest release --apply r1.plan").expect(0);
    farm.run("harvest release --apply r1.plan").expect(0).says(&["already"]);
    png::flip(&farm.path("dist/r1/A.0002.png"), 200);
    farm.run("harvest release --apply r1.plan").expect(5).says(&["out of date"]);
}

#[test]
fn a_preview_takes_nobodys_place() {
    let mut farm = Farm::new().rendered("r1");
    fs::create_dir_all(farm.path("dist/r1/preview")).expect("a folder");
    fs::write(farm.path("dist/r1/preview/A.png"), "mine").expect("a file");
    farm.room.set("FARM_FFMPEG", "/nowhere/ffmpeg");
    farm.run("harvest release r1").expect(0);
    assert!(png::size_of(&farm.path("dist/r1/preview/A.png")).is_some());
    let before: Vec<String> = farm.tree_of(".farm/trash").0.into_keys().collect();
    assert_eq!(before.iter().filter(|path| path.ends_with("dist/r1/preview/A.png")).count(), 1, "{before:?}");
    farm.run("harvest release r1").expect(0);
    assert!(!farm.path("dist/r1/preview/A.mp4").exists());
    farm.room.unset("FARM_FFMPEG");
    farm.run("harvest release r1").expect(0);
    let has_ffmpeg = std::path::Path::new("/usr/bin/ffmpeg").exists();
    assert!(!has_ffmpeg || farm.path("dist/r1/preview/A.mp4").exists(), "ffmpeg is there now");
    let after: Vec<String> = farm.tree_of(".farm/trash").0.into_keys().collect();
    assert_eq!(after, before, "farm's own sheet is no stranger");
}

#[test]
fn a_frame_that_differs_from_the_others_is_rendered_again() {
    let farm = Farm::new().rendered("r1");
    let other = png::without_alpha(&farm.frame("r1", "A", 2));
    fs::write(farm.frame("r1", "A", 2), other).expect("a frame of another kind");
    farm.run("harvest release r1").expect(7).says(&["channels"]);
    let again = farm.run("plan release r1 scenes/A.blend scenes/B.blend --frames 1-3 --yes --wait").expect(0);
    again.says(&["submitted r1/A frame 2 again"]);
    farm.run("harvest release r1").expect(0);
}

#[test]
fn a_lost_manifest_is_named_before_anything_is_rendered_again() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1").expect(0);
    fs::rename(farm.path("dist/r1/manifest.json"), farm.room.path("manifest.json")).expect("it goes away");
    farm.run("harvest release r1").expect(7).says(&["dist/r1 holds files and no manifest.json", "restore it"]);
    farm.run("doctor").says(&["no manifest.json"]);
    fs::rename(farm.room.path("manifest.json"), farm.path("dist/r1/manifest.json")).expect("it comes back");
    farm.run("harvest release r1").expect(0);
}

#[test]
fn what_was_just_rendered_is_put_on_disk_before_it_is_moved() {
    if !strace::works() {
        return skipped("what_was_just_rendered_is_put_on_disk_before_it_is_moved", "strace may not trace here");
    }
    for (age, calls) in [(0, 1), (3600, 0)] {
        let farm = Farm::new().rendered("r1");
        let log = farm.room.path("strace.log");
        for (job, frame) in [("A", 1), ("A", 2), ("A", 3), ("B", 1), ("B", 2), ("B", 3)] {
            let file = fs::File::options().write(true).open(farm.frame("r1", job, frame)).expect("a frame");
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).expect("a time");
        }
        let tracing = strace::tracing(&log, &["syncfs", "renameat2"]);
        let harvest = farm.arguments("harvest release r1 --no-preview");
        farm.room.start_under(&tracing, &harvest).wait().expect(0);
        let called = strace::all(&log);
        let synced = called.iter().position(|call| call.name == "syncfs");
        let moved = called.iter().position(|call| call.rest.contains("000001.png"));
        assert_eq!(called.iter().filter(|call| call.name == "syncfs").count(), calls, "{age} s old: {called:?}");
        assert!(moved.is_some() && synced.is_none_or(|synced| Some(synced) < moved), "{called:?}");
    }
}
