//! The main job with the real Blender.

use crate::support::{Farm, png, skipped};
use std::path::Path;

fn has_blender(test: &str) -> bool {
    let there = Path::new("/usr/bin/blender").exists();
    if !there {
        skipped(test, "there is no Blender");
    }
    there
}

#[test]
fn a_release_is_planned_rendered_and_harvested() {
    if !has_blender("a_release_is_planned_rendered_and_harvested") {
        return;
    }
    let farm = Farm::with_real_blender();
    farm.run("plan release r1 scenes/A.blend scenes/B.blend --frames 1-3 --yes --wait").expect(0);
    assert!(farm.path("releases/r1/store/A.blend").is_file() && farm.frame("r1", "A", 1).is_file());
    farm.run("status r1").expect(0).says(&["r1"]);
    let document = farm.run("harvest release r1 --json").expect(0).json("farm.harvest/1");
    assert_eq!(document["frames"]["ok"], 6, "{document:#}");
    for name in ["A.0001.png", "A.0003.png", "B.0002.png"] {
        assert_eq!(png::size_of(&farm.path("dist/r1").join(name)), Some((64, 64)), "{name}");
    }
}

#[test]
fn frames_are_what_blender_alone_renders() {
    if !has_blender("frames_are_what_blender_alone_renders") {
        return;
    }
    let farm = Farm::with_real_blender();
    farm.run("plan release r1 scenes/A.blend --frames 1,3 --yes --wait").expect(0);
    let mut bare = std::process::Command::new("blender");
    bare.args(["-b", "scenes/A.blend", "-o", "bare/######", "-f", "1,3"]);
    farm.room.start_command(bare, "bare blender".to_owned()).wait().expect(0);
    for frame in [1, 3] {
        let alone = png::pixels_of(&farm.room.path(format!("bare/{frame:06}.png")));
        assert!(alone == png::pixels_of(&farm.frame("r1", "A", frame)), "frame {frame} differs");
    }
}

#[test]
fn another_scene_of_the_file_and_steps() {
    if !has_blender("another_scene_of_the_file_and_steps") {
        return;
    }
    let farm = Farm::with_real_blender();
    farm.scene("T.blend", "scenes/two_scenes.blend");
    farm.run("plan release r1 scenes/T.blend --scene Closeup --frames 10-12x2 --yes --wait").expect(0);
    assert!(farm.frame("r1", "T", 10).is_file() && farm.frame("r1", "T", 12).is_file());
    assert!(!farm.frame("r1", "T", 11).exists());
}

#[test]
fn exr_frames_are_checked_and_harvested() {
    if !has_blender("exr_frames_are_checked_and_harvested") {
        return;
    }
    let farm = Farm::with_real_blender();
    farm.scene("R.blend", "scenes/range_fps_exr.blend");
    farm.run("plan release r1 scenes/R.blend --yes --wait").expect(0);
    let frames: Vec<String> = farm.tree_of("releases/r1/out/R").0.into_keys().collect();
    assert_eq!(frames, ["000101.exr", "000104.exr", "000107.exr", "000110.exr"]);
    farm.run("harvest release r1 --keep --deep").expect(0);
    assert!(farm.path("dist/r1/R.0104.exr").is_file());
    let frame = farm.path("releases/r1/out/R/000104.exr");
    png::cut(&frame, std::fs::metadata(&frame).expect("a frame").len() - 1);
    farm.run("harvest release r1").expect(7).says(&["000104.exr"]);
}

#[test]
fn a_sequencer_with_sounds_alone_takes_no_picture_away() {
    if !has_blender("a_sequencer_with_sounds_alone_takes_no_picture_away") {
        return;
    }
    let farm = Farm::with_real_blender();
    farm.scene("beep.wav", "scenes/deps/media/sounds/beep.wav");
    let make = |scene: &str, strip: &str| {
        let script = format!(
            "import bpy; s = bpy.context.scene; s.sequence_editor_create(); s.sequence_editor.sequences.{strip}; \
             bpy.ops.wm.save_as_mainfile(filepath='{}')",
            farm.room.path(format!("scenes/{scene}")).display()
        );
        let mut blender = std::process::Command::new("blender");
        blender.args(["-b", "scenes/A.blend", "--python-exit-code", "1", "--python-expr", &script]);
        farm.room.start_command(blender, scene.to_owned()).wait().expect(0);
        farm.run(&format!("plan release r1 scenes/{scene} --frames 1 --dry-run")).expect(0).text()
    };
    let sound = format!("new_sound('beep', '{}', 1, 1)", farm.room.path("scenes/beep.wav").display());
    assert!(!make("sound.blend", &sound).contains("sequencer"));
    assert!(make("colour.blend", "new_effect('c', 'COLOR', 1, frame_start=1, frame_end=9)").contains("sequencer"));
}
