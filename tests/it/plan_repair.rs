//! `farm plan release` where copies in the store are not what was stored.

use crate::support::output::list;
use crate::support::{Farm, fixture, png};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const WORDS: &str = "plan release r1 scenes/A.blend --frames 1-2 --yes";

fn repairs(farm: &Farm, words: &str) -> Vec<Value> {
    let document = farm.run(&words.replace("--yes", "--dry-run --json")).expect(0).json("farm.plan/1");
    list(&document["repairs"]).to_vec()
}

/// What lies in the trash, by name.
fn trashed(farm: &Farm) -> Vec<String> {
    fn walk(folder: &Path, names: &mut Vec<String>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type().expect("a kind").is_dir() {
                true => walk(&entry.path(), names),
                false => names.push(entry.file_name().to_string_lossy().into_owned()),
            }
        }
    }
    let mut names = Vec::new();
    walk(&farm.path(".farm/trash"), &mut names);
    names.retain(|name| name != "record.jsonl");
    names
}

#[test]
fn a_scene_that_was_damaged_in_the_store_is_copied_again() {
    let farm = Farm::new();
    farm.run(WORDS).expect(0);
    let copy = farm.path("releases/r1/store/A.blend");
    let whole = fs::read(&copy).expect("the copy");
    fs::write(&copy, "x").expect("damage");
    assert_eq!(repairs(&farm, WORDS)[0]["path"], "releases/r1/store/A.blend");
    farm.run(&format!("{WORDS} --wait")).expect(0).says(&["store/A.blend is damaged (1 B instead of"]);
    assert_eq!(fs::read(&copy).expect("the copy"), whole);
    assert_eq!(trashed(&farm), ["A.blend"], "the damaged one can be looked at");
    assert_eq!(png::size_of(&farm.frame("r1", "A", 2)), Some((64, 64)));
    assert!(repairs(&farm, WORDS).is_empty());
}

#[test]
fn a_scene_whose_size_is_right_is_compared_if_it_was_touched() {
    let farm = Farm::new();
    farm.run(WORDS).expect(0);
    let copy = farm.path("releases/r1/store/A.blend");
    let whole = fs::read(&copy).expect("the copy");
    let mut bytes = whole.clone();
    bytes[whole.len() / 2] ^= 1;
    fs::write(&copy, bytes).expect("damage");
    farm.run(WORDS).expect(0).says(&["other bytes than were stored", "it is copied again"]);
    assert_eq!(fs::read(&copy).expect("the copy"), whole);
}

#[test]
fn a_scene_that_is_gone_from_the_store_is_copied_again() {
    let farm = Farm::new();
    farm.run(WORDS).expect(0);
    fs::rename(farm.path("releases/r1/store"), farm.room.path("away")).expect("damage");
    farm.run(WORDS).expect(0).says(&["store/A.blend is missing"]);
    assert!(farm.path("releases/r1/store/A.blend").is_file() && trashed(&farm).is_empty());
}

/// Every file below `folder`, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        match entry.path().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found.sort();
    found
}

#[test]
fn what_a_scene_needs_is_copied_again_too() {
    let farm = Farm::new();
    for file in ["shot.blend", "lib/bolt.blend", "lib/maps/grain.png", "lib/deep/nut.blend", "lib/deep/maps/grain.png"]
    {
        let to = farm.room.path("film").join(file);
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        fs::copy(fixture("scenes/deps/nested").join(file), to).expect("a copy");
    }
    let words = "plan release r1 film/shot.blend --frames 1-2 --yes";
    farm.run(words).expect(0);
    let deps = farm.path("releases/r1/store/deps");
    let before: Vec<(PathBuf, Vec<u8>)> =
        files(&deps).into_iter().map(|path| (path.clone(), fs::read(path).expect("read"))).collect();
    // Libraries, which are rewritten, and a picture, which is not.
    assert!(before.len() >= 3, "{before:?}");
    for (path, bytes) in &before {
        let mut damaged = bytes.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        fs::write(path, damaged).expect("damage");
    }
    assert_eq!(repairs(&farm, words).len(), before.len());
    farm.run(words).expect(0);
    for (path, bytes) in &before {
        assert_eq!(&fs::read(path).expect("read"), bytes, "{}", path.display());
    }
    assert!(repairs(&farm, words).is_empty());
    // A job that is new needs the same files.
    fs::copy(farm.room.path("film/shot.blend"), farm.room.path("film/other.blend")).expect("a copy");
    fs::write(&before[0].0, "x").expect("damage");
    farm.run("plan release r1 film/shot.blend film/other.blend --frames 1-2 --yes --update").expect(0);
    assert_eq!(fs::read(&before[0].0).expect("read"), before[0].1);
}

#[test]
fn a_copy_that_cannot_be_made_again_is_named_with_what_it_takes() {
    let farm = Farm::new();
    farm.run(WORDS).expect(0);
    fs::rename(farm.path("releases/r1/store/A.blend"), farm.room.path("away")).expect("damage");
    fs::copy(farm.room.path("scenes/B.blend"), farm.room.path("scenes/A.blend")).expect("another scene");
    let before = farm.tree();
    let words = ["changed since it was planned", "releases/r1/store/A.blend, the copy of it, is missing", "Put back"];
    farm.run(WORDS).expect(5).says(&words);
    fs::rename(farm.room.path("scenes/A.blend"), farm.room.path("gone")).expect("gone");
    farm.run(WORDS).expect(2).says(&[
        "scenes/A.blend",
        "the copy of it, is missing",
        "Put back",
        "nothing was submitted",
    ]);
    farm.unchanged_since(&before);
}

/// Blender renders pink where a picture is gone, and ends well.
#[test]
fn nothing_is_rendered_from_a_store_that_lacks_something() {
    let farm = Farm::new();
    let film = farm.room.path("film/textures");
    fs::create_dir_all(&film).expect("a folder");
    for file in ["one.blend", "textures/wood.png"] {
        fs::copy(fixture("scenes/deps/one").join(file), farm.room.path("film").join(file)).expect("a copy");
    }
    let words = "plan release r1 film/one.blend --frames 1 --yes";
    farm.run(words).expect(0);
    let wood = files(&farm.path("releases/r1/store/deps")).pop().expect("a picture");
    for damage in [None, Some("x")] {
        match damage {
            None => fs::rename(&wood, farm.room.path("wood.png")).expect("lost"),
            Some(bytes) => fs::write(&wood, bytes).expect("damage"),
        }
        let cause = if damage.is_some() { "it has 1 bytes instead of" } else { "it is gone" };
        let failed = farm.run("work");
        assert_ne!(failed.code, 0, "{failed}");
        failed.says(&["wood.png is not what was planned", cause, "give the command that planned it again"]);
        assert!(!farm.frame("r1", "one", 1).exists());
        farm.run("status r1").says(&["stale input", "wood.png", cause]);
        farm.run(words).expect(0);
        assert!(!farm.run("status r1").text().contains("stale input"));
    }
    farm.run("work").expect(0);
    farm.run("harvest release r1 --no-preview").expect(0);
}
