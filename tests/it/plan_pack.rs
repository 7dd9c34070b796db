//! Files that cannot be taken along: named, and packed into the scene by Blender on request.

use crate::support::output::list;
use crate::support::{Farm, png, skipped};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Makes the scenes of `packing_scenes.py` in the room's `film/`; `None` where there is no Blender.
fn film() -> Option<Farm> {
    if !Path::new("/usr/bin/blender").exists() {
        skipped("plan_pack", "there is no Blender");
        return None;
    }
    let farm = Farm::with_real_blender();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/packing_scenes.py");
    blender(&farm, &["--factory-startup", "--python", &script.to_string_lossy(), "--", "film"]);
    Some(farm)
}

fn blender(farm: &Farm, arguments: &[&str]) {
    let mut command = Command::new("blender");
    command.args(["--background", "--python-exit-code", "1"]).args(arguments);
    farm.room.start_command(command, format!("blender {}", arguments.join(" "))).wait().expect(0);
}

/// A stand-in that says its version as Blender does and then does what `script` says.
fn stand_in(farm: &mut Farm, script: &str) {
    let program = farm.room.path("stand-in");
    let text = format!("#!/bin/sh\ncase \"$*\" in *--version*) exec blender --version;; esac\n{script}\n");
    fs::write(&program, text).expect("the stand-in");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it may be run");
    farm.room.set("FARM_BLENDER", program);
}

/// The folders into which Blender packs.
fn rooms(farm: &Farm) -> Vec<PathBuf> {
    let listed = fs::read_dir(farm.path(".farm/packing"));
    listed.map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}

#[test]
fn what_cannot_be_taken_along_is_named() {
    let Some(farm) = film() else { return };
    let before = farm.tree();
    farm.run("plan release r1 film/odd.blend film/linked.blend --yes").expect(5).says(&[
        "r1/odd",
        "maps/wood_",
        "Image.name of IM",
        "not UTF-8",
        "--pack",
        "--allow-missing",
        "nothing was",
    ]);
    farm.run("plan release r1 film/linked.blend --yes").expect(5).says(&["props_", "Library.name of LI", "not UTF-8"]);
    farm.unchanged_since(&before);
}

#[test]
fn packed_by_blender_a_scene_renders_the_same_pixels() {
    let Some(farm) = film() else { return };
    for name in ["odd", "linked"] {
        blender(&farm, &[&format!("film/{name}.blend"), "-o", &format!("bare/{name}/######"), "-a"]);
    }
    farm.run("plan release r1 film/odd.blend film/linked.blend --pack --yes").expect(0);
    let stored: Vec<String> = farm.tree_of("releases/r1/store").0.into_keys().collect();
    let files: Vec<&String> = stored.iter().filter(|path| path.contains('.')).collect();
    assert_eq!(files.len(), 3, "two scenes, and the picture that needs no packing: {stored:?}");
    assert!(files.iter().any(|path| path.ends_with("fine.png")), "{stored:?}");
    assert!(rooms(&farm).is_empty());
    fs::rename(farm.room.path("film"), farm.room.path("gone")).expect("the originals go out of reach");
    farm.run("work").expect(0);
    for name in ["odd", "linked"] {
        for frame in 1..=2 {
            let bare = png::pixels_of(&farm.room.path(format!("bare/{name}/{frame:06}.png")));
            assert!(bare == png::pixels_of(&farm.frame("r1", name, frame)), "{name} {frame} has other pixels");
        }
    }
    farm.run("harvest release r1").expect(0);
}

#[test]
fn the_plan_says_what_blender_will_pack() {
    let Some(farm) = film() else { return };
    let before = farm.tree();
    let document = farm.run("plan release r1 film/odd.blend --pack --dry-run --json").expect(0).json("farm.plan/1");
    let job = &document["jobs"][0];
    let packed = list(&job["packed"]);
    assert_eq!(packed.len(), 1, "{document:#}");
    assert!(packed[0]["path"].as_str().is_some_and(|path| path.contains("maps/wood_")), "{document:#}");
    assert_eq!((&packed[0]["kind"], &packed[0]["cause"]), (&"image".into(), &"its name is not UTF-8".into()));
    assert!(list(&job["warnings"]).iter().any(|warning| warning["code"] == "packed-by-blender"), "{document:#}");
    assert_eq!(list(&document["copies"]).len(), 1, "{document:#}");
    farm.run("plan release r1 film/odd.blend --pack --dry-run")
        .expect(0)
        .says(&["Blender will pack 1 file into", "wood_"]);
    farm.unchanged_since(&before);
    let document = farm.run("plan release r1 scenes/A.blend --pack --dry-run --json").expect(0).json("farm.plan/1");
    assert!(list(&document["jobs"][0]["packed"]).is_empty(), "{document:#}");
}

#[test]
fn a_saved_plan_packs_when_it_is_applied() {
    let Some(farm) = film() else { return };
    farm.run("plan release r1 film/odd.blend --pack --plan-out plan.json").expect(0);
    assert!(rooms(&farm).is_empty());
    farm.run("plan release --apply plan.json --yes").expect(0);
    assert!(farm.path("releases/r1/store/odd.blend").is_file());
    farm.run("plan release --apply plan.json --yes").expect(0).says(&["submitted before"]);
    farm.run("plan release r1 film/odd.blend --pack --yes").expect(0).says(&["submitted before"]);
}

#[test]
fn without_it_the_scene_renders_where_that_is_allowed() {
    let Some(farm) = film() else { return };
    let outcome = farm.run("plan release r1 film/odd.blend --frames 1 --allow-missing --yes").expect(0);
    outcome.says(&["renders without 1", "wood_"]);
    let stored: Vec<String> = farm.tree_of("releases/r1/store/deps").0.into_keys().collect();
    assert!(stored.iter().all(|path| !path.contains("wood_")), "{stored:?}");
}

#[test]
fn what_blender_cannot_pack_is_refused_beforehand() {
    let Some(farm) = film() else { return };
    let deep = farm.path(format!("assets/{0}/{0}/{0}", "d".repeat(250)));
    fs::create_dir_all(deep.join("clip")).expect("a deep folder");
    for file in ["strip.blend", "clip/plate.png"] {
        fs::copy(farm.room.path("film").join(file), deep.join(file)).expect("a copy");
    }
    let scene = deep.join("strip.blend").to_string_lossy().into_owned();
    let before = farm.tree();
    let field = "Strip.dir of SC";
    farm.run(&format!("plan release r1 {scene} --yes")).expect(5).says(&["r1/strip", "plate.png", field, "--pack"]);
    farm.run(&format!("plan release r1 {scene} --pack --yes")).expect(5).says(&[field, "cannot pack", "767"]);
    farm.unchanged_since(&before);
    farm.run(&format!("plan release r1 {scene} --frames 1 --allow-missing --yes")).expect(0).says(&["plate.png"]);
}

#[test]
fn without_blender_nothing_is_packed() {
    let Some(mut farm) = film() else { return };
    farm.room.set("FARM_BLENDER", "/nowhere/blender");
    let before = farm.tree();
    farm.run("plan release r1 film/odd.blend --pack --yes").expect(5).says(&[
        "r1/odd",
        "/nowhere/blender",
        "FARM_BLENDER",
    ]);
    farm.unchanged_since(&before);
}

#[test]
fn a_blender_that_fails_or_packs_nothing_leaves_no_scene() {
    let Some(mut farm) = film() else { return };
    stand_in(&mut farm, "echo 'Error: out of sorts'; exit 9");
    farm.run("plan release r1 film/odd.blend --pack --yes").expect(1).says(&["film/odd.blend", "out of sorts"]);
    let scene = farm.room.path("film/odd.blend");
    let saves = format!("cp '{}' \"$TMPDIR/packed.blend\"", scene.display());
    stand_in(&mut farm, &saves);
    farm.run("plan release r1 film/odd.blend --pack --yes").expect(5).says(&["did not pack 1 file into", "wood_"]);
    assert!(!farm.path("releases/r1/store/odd.blend").exists());
    assert!(rooms(&farm).is_empty());
}

#[test]
fn what_a_killed_packing_left_goes_away() {
    let Some(mut farm) = film() else { return };
    stand_in(&mut farm, "echo $$ > \"$TMPDIR/pid\"; exec sleep 300");
    let mut running = farm.start("plan release r1 film/odd.blend --pack --yes");
    let since = Instant::now();
    let pid = loop {
        let said = rooms(&farm).first().and_then(|room| fs::read_to_string(room.join("pid")).ok());
        if let Some(pid) = said.filter(|pid| pid.ends_with('\n')) {
            break pid.trim().to_owned();
        }
        assert!(since.elapsed() < Duration::from_secs(60) && !running.has_ended(), "Blender was not started");
        std::thread::sleep(Duration::from_millis(20));
    };
    running.kill();
    assert_eq!(running.wait().code, 137);
    assert!(!farm.path("releases/r1/store/odd.blend").exists());
    assert_eq!(rooms(&farm).len(), 1);
    farm.run("recover --dry-run").expect(0).says(&["half-packed"]);
    farm.run("recover").expect(0).says(&["half-packed"]);
    assert!(rooms(&farm).is_empty());
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "the renderer outlived its farm: {state}");
    farm.room.unset("FARM_BLENDER");
    farm.run("plan release r1 film/odd.blend --pack --yes").expect(0);
}
