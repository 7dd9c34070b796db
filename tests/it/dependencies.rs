//! Scenes take along what they need: rendered from the store, with the originals out of reach, each frame has the pixels
//! that it has at its own place.

use crate::support::output::list;
use crate::support::{Farm, png, skipped};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Makes the scenes of `dependency_scenes.py` in the room's `film/`; `None` where there is no Blender.
fn film() -> Option<Farm> {
    if !Path::new("/usr/bin/blender").exists() {
        skipped("dependencies", "there is no Blender");
        return None;
    }
    let farm = Farm::with_real_blender();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/dependency_scenes.py");
    blender(&farm, &["--factory-startup", "--python", &script.to_string_lossy(), "--", "film"]);
    Some(farm)
}

fn blender(farm: &Farm, arguments: &[&str]) {
    let mut command = Command::new("blender");
    command.args(["--background", "--python-exit-code", "1"]).args(arguments);
    farm.room.start_command(command, format!("blender {}", arguments.join(" "))).wait().expect(0);
}

/// Renders each of `scenes` at its own place and through farm with `film/` gone, and compares every file.
fn render_both_ways(scenes: &[&str], frames: &str) {
    let Some(farm) = film() else { return };
    for scene in scenes {
        let name = Path::new(scene).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        blender(
            &farm,
            &[&format!("film/{scene}"), "-o", &format!("bare/{name}/######"), "-f", &frames.replace('-', "..")],
        );
    }
    let paths: Vec<String> = scenes.iter().map(|scene| format!("film/{scene}")).collect();
    farm.run(&format!("plan release r1 {} --frames {frames} --yes", paths.join(" "))).expect(0);
    fs::rename(farm.room.path("film"), farm.room.path("gone")).expect("the originals go out of reach");
    farm.run("work").expect(0);
    for scene in scenes {
        let name = Path::new(scene).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        compare(&farm, &name);
    }
    let document = farm.run("harvest release r1 --json").expect(0).json("farm.harvest/1");
    assert_eq!(document["frames"]["ok"], document["frames"]["expected"], "{document:#}");
}

/// Every picture that Blender alone rendered of a scene is there with the same pixels.
fn compare(farm: &Farm, name: &str) {
    let bare = farm.room.path(format!("bare/{name}"));
    let mut names: Vec<_> = fs::read_dir(&bare).expect("frames").flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    assert!(!names.is_empty());
    for file in names {
        let through = farm.path(format!("releases/r1/out/{name}")).join(&file);
        assert!(through.is_file(), "{} is not there", through.display());
        assert!(png::pixels_of(&bare.join(&file)) == png::pixels_of(&through), "{name}: {file:?} differs");
    }
}

#[test]
fn the_same_relative_path_and_different_bytes() {
    render_both_ways(&["one/wall.blend", "two/floor.blend"], "1-2");
}

#[test]
fn a_library_with_a_texture_of_its_own() {
    render_both_ways(&["linked.blend"], "1-2");
}

#[test]
fn tiles_and_sequences() {
    render_both_ways(&["udim.blend", "sequence.blend"], "1-3");
}

#[test]
fn a_disk_cache_keeps_its_motion() {
    // From the middle: without its cache the cloth would still lie where it began.
    render_both_ways(&["cloth.blend"], "4-6");
}

#[test]
fn stereo_views() {
    render_both_ways(&["stereo.blend"], "1-2");
}

#[test]
fn a_file_output_nodes_frames_are_expected_checked_and_harvested() {
    let Some(farm) = film() else { return };
    farm.run("plan release r1 film/passes.blend --frames 1-2 --yes").expect(0);
    fs::rename(farm.room.path("film"), farm.room.path("gone")).expect("the originals go out of reach");
    farm.run("work").expect(0);
    let files: Vec<String> =
        farm.tree_of("releases/r1/out/passes").0.into_keys().filter(|p| p.ends_with(".png")).collect();
    let passes: Vec<&String> = files.iter().filter(|path| path.contains('/')).collect();
    assert_eq!((files.len(), passes.len()), (4, 2), "{files:?}");
    let pass = farm.path("releases/r1/out/passes").join(passes[0]);
    let good = fs::read(&pass).expect("a pass");
    png::cut(&pass, 100);
    farm.run("harvest release r1").expect(7);
    fs::write(&pass, good).expect("the pass again");
    farm.run("harvest release r1").expect(0);
    let harvested =
        farm.tree_of("dist/r1").0.into_keys().filter(|p| p.ends_with(".png") && !p.starts_with("preview/")).count();
    assert_eq!(harvested, 4);
}

#[test]
fn the_plan_names_what_comes_along() {
    let Some(farm) = film() else { return };
    let outcome = farm.run("inspect film/linked.blend --json").expect(0);
    let document = outcome.json("farm.inspect/1");
    let found = list(&document["files"][0]["dependencies"]).iter().filter(|d| d["state"] == "found").count();
    assert!(found >= 2, "{outcome}");
    farm.run("plan release r1 film/linked.blend --frames 1 --yes").expect(0);
    let stored: Vec<String> = farm.tree_of("releases/r1/store/deps").0.into_keys().collect();
    for name in ["props.blend", "wood.png"] {
        assert!(stored.iter().any(|path| path.ends_with(name)), "{name} did not come along: {stored:?}");
    }
}
