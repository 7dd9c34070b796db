//! `farm init`

use crate::support::{Farm, Room, Tree, output::has_keys};
use std::fs;

fn uuid(room: &Room) -> String {
    let text = fs::read_to_string(room.path("V/.farm/volume.yaml")).expect("the marker");
    let uuid = text
        .split(|c: char| !(c.is_ascii_hexdigit() || c == '-'))
        .find(|word| word.len() == 36 && word.matches('-').count() == 4);
    uuid.unwrap_or_else(|| panic!("no UUID in the marker:\n{text}")).to_owned()
}

#[test]
fn makes_a_volume_once() {
    let room = Room::new();
    room.farm(&["init", "V"]).expect(0);
    let first = uuid(&room);
    for area in ["quick", "releases", "dist", "archives"] {
        assert!(room.path("V").join(area).is_dir(), "{area} is missing");
    }
    room.farm(&["init", "V"]).expect(0);
    assert_eq!(uuid(&room), first, "the second time gave the volume another id");
}

#[test]
fn remembers_its_name() {
    let room = Room::new();
    room.farm(&["init", "V", "--name", "Studio_A"]).expect(0);
    let marker = fs::read_to_string(room.path("V/.farm/volume.yaml")).expect("the marker");
    assert!(marker.contains("Studio_A"), "{marker}");
}

#[test]
fn answers_in_json() {
    let room = Room::new();
    let document = room.farm(&["init", "V", "--json"]).expect(0).json("farm.init/1");
    assert!(document.to_string().contains(&uuid(&room)), "{document:#}");
    has_keys(&document, &["schema"]);
}

#[test]
fn two_volumes_have_two_ids() {
    let (a, b) = (Room::new(), Room::new());
    a.farm(&["init", "V"]).expect(0);
    b.farm(&["init", "V"]).expect(0);
    assert_ne!(uuid(&a), uuid(&b));
}

#[test]
fn a_root_or_a_home_is_refused_before_anything_changes() {
    let room = Room::new();
    let before = Tree::of(&room.path("home"));
    let home = room.path("home").to_string_lossy().into_owned();
    room.farm(&["init", &home]).expect(5).says(&[&home]);
    assert_eq!(before.difference(&Tree::of(&room.path("home"))), "");
    room.farm(&["init", "/"]).expect(5);
    assert!(!std::path::Path::new("/.farm").exists());
}

#[test]
fn a_home_behind_a_link_is_still_a_home() {
    let room = Room::new();
    std::os::unix::fs::symlink(room.path("home"), room.path("innocent")).expect("a link");
    room.farm(&["init", "innocent"]).expect(5);
    assert!(!room.path("home/.farm").exists());
}

#[test]
fn a_file_in_the_way_is_named() {
    let room = Room::new();
    fs::write(room.path("V"), "not a folder").expect("a file");
    let outcome = room.farm(&["init", "V"]);
    assert_ne!(outcome.code, 0, "{outcome}");
    outcome.check_manners();
    assert!(outcome.stderr.contains('V'), "{outcome}");
    assert_eq!(fs::read_to_string(room.path("V")).expect("still there"), "not a folder");
}

#[test]
fn what_flamenco_keeps_there_is_left_alone() {
    let room = Room::new();
    fs::create_dir_all(room.path("V/jobs/x")).expect("a folder of Flamenco's");
    fs::create_dir_all(room.path("V/file-store/stored")).expect("a folder of Flamenco's");
    fs::write(room.path("V/jobs/x/y.blend"), "theirs").expect("a file of Flamenco's");
    let before = (Tree::of(&room.path("V/jobs")), Tree::of(&room.path("V/file-store")));
    room.farm(&["init", "V"]).expect(0);
    assert_eq!(before, (Tree::of(&room.path("V/jobs")), Tree::of(&room.path("V/file-store"))));
}

#[test]
fn a_volume_with_a_damaged_marker_is_not_written_to() {
    let farm = Farm::new();
    fs::write(farm.path(".farm/volume.yaml"), "schema: farm.volume/99\nuuid: 00000000-0000-0000-0000-000000000000\n")
        .expect("the marker can be written");
    let before = farm.tree();
    let outcome = farm.run("plan release r1 scenes/A.blend --frames 1 --yes");
    assert_ne!(outcome.code, 0, "{outcome}");
    outcome.check_manners();
    farm.unchanged_since(&before);
}

#[test]
fn a_volume_that_lost_its_marker_gets_no_other_id_unasked() {
    let farm = Farm::new().rendered("r1");
    let first = uuid(&farm.room);
    let marker = farm.path(".farm/volume.yaml");
    fs::rename(&marker, farm.room.path("volume.yaml")).expect("the marker is lost");
    let before = farm.tree();
    farm.room.farm(&["init", "V"]).expect(5).says(&["volume.yaml", "backup", "--new-identity"]);
    farm.room.farm(&["init", "V", "--dry-run"]).expect(5);
    farm.unchanged_since(&before);
    farm.room.farm(&["init", "V", "--new-identity"]).expect(0);
    assert_ne!(uuid(&farm.room), first);
    farm.run("status r1").expect(0);
}

#[test]
fn a_dry_run_says_what_would_be_made() {
    let room = Room::new();
    room.farm(&["init", "V", "--dry-run"]).expect(0).says(&["would make", "releases"]);
    assert!(!room.path("V").exists());
    let document = room.farm(&["init", "V", "--dry-run", "--json"]).expect(0).json("farm.init-plan/1");
    has_keys(&document, &["name", "path", "create", "folders"]);
    room.farm(&["init", "V"]).expect(0);
    room.farm(&["init", "V", "--dry-run"]).expect(0).says(&["already"]);
    room.farm(&["init", "no/V", "--dry-run"]).expect(2);
}

#[test]
fn places_that_are_none_say_why_and_what_to_do() {
    let room = Room::new();
    for (place, words, code) in [
        ("/etc/passwd", "/etc/passwd cannot be a farm volume: it is not a folder", 5),
        ("/etc/passwd/v", "/etc/passwd is no folder: it is a file", 2),
        ("/dev/null/v", "/dev/null is no folder: it is a device", 2),
        ("/nowhere/v", "there is no folder /nowhere", 2),
        ("/proc/foo", "/proc/foo cannot be made", 2),
    ] {
        room.farm(&["init", place]).expect(code).says(&[words, "next: "]);
    }
    room.farm(&["status", "--volume", "/etc/passwd"]).expect(5).says(&["not a folder", "next: "]);
}

#[test]
fn a_way_back_leads_out_of_a_volume() {
    let room = Room::new();
    room.farm(&["init", "V"]).expect(0);
    let first = uuid(&room);
    room.farm(&["init", "V/../W"]).expect(0);
    assert!(room.path("W/.farm/volume.yaml").is_file());
    room.farm(&["init", "W/../V"]).expect(0);
    assert_eq!(uuid(&room), first);
    room.farm(&["init", "W/../V/inner"]).expect(5).says(&["V is one already"]);
}
