//! Hostile names, links that lead out, volumes that are not what they seem, logs that want to talk to the terminal.

use crate::support::fake_blender::Fake;
use crate::support::{Farm, Room, Tree};
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;

/// Names that are none, from the shell's, the file system's, the terminal's and Windows' point of view.
fn names() -> Vec<OsString> {
    let long = "x".repeat(256);
    let texts = [
        "../../etc",
        "/abs",
        "-rf",
        "",
        ".",
        "..",
        "a/b",
        "a\\b",
        "a\nb",
        "a\tb",
        "\u{1b}[2J",
        &long,
        &long[..101],
        "%s{}$(id)`;",
        "é",
        "e\u{301}",
        "\u{202e}x",
        "a\u{200b}b",
        "CON",
        "nul.png",
        "aux.blend",
        "COM1",
        "COM¹",
        "dot.",
        "space ",
        "a:b",
        "quick",
        "release",
        "jobs",
    ];
    let mut names: Vec<OsString> = texts.iter().map(OsString::from).collect();
    names.push(OsString::from_vec(b"in\xffvalid".to_vec()));
    names
}

#[test]
fn hostile_release_names_are_wrong_usage() {
    let farm = Farm::new();
    let before = farm.tree();
    for name in names() {
        let mut words: Vec<OsString> = farm.arguments("plan release").into_iter().map(OsString::from).collect();
        words.push(name.clone());
        words.extend(["scenes/A.blend", "--frames", "1", "--yes"].map(OsString::from));
        let outcome = farm.room.farm(&words);
        assert_eq!(outcome.code, 2, "{name:?}\n{outcome}");
        outcome.check_manners();
    }
    farm.unchanged_since(&before);
}

#[test]
fn hostile_names_of_what_is_looked_for_match_nothing() {
    let farm = Farm::new().rendered("r1");
    let before = (farm.tree_of("releases"), farm.tree_of("dist"));
    for name in names() {
        for command in ["harvest release", "status"] {
            let mut words: Vec<OsString> = farm.arguments(command).into_iter().map(OsString::from).collect();
            words.extend([OsString::from("--"), name.clone()]);
            let outcome = farm.room.farm(&words);
            assert!([2, 3].contains(&outcome.code), "{command} {name:?}\n{outcome}");
            outcome.check_manners();
        }
    }
    assert_eq!(before, (farm.tree_of("releases"), farm.tree_of("dist")));
}

#[test]
fn a_scene_with_an_odd_name_becomes_a_job_with_a_plain_one() {
    let farm = Farm::new();
    farm.scene("shot 010 $(touch p)'.blend", "scenes/cube3_zstd.blend");
    let mut words = farm.arguments("plan release r1 --frames 1 --yes --wait");
    words.push("scenes/shot 010 $(touch p)'.blend".to_owned());
    farm.room.farm(&words).expect(0);
    let jobs: Vec<String> = farm.tree_of("releases/r1/out").0.into_keys().filter(|path| !path.contains('/')).collect();
    assert_eq!(jobs.len(), 1);
    assert!(jobs[0].chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)), "{jobs:?}");
    assert!(!farm.room.path("p").exists() && !farm.path("p").exists(), "a name was run as a command");
}

#[test]
fn a_link_out_of_the_volume_is_not_followed() {
    let farm = Farm::new().rendered("r1");
    let outside = farm.room.path("outside");
    fs::rename(farm.path("releases/r1/out/A"), &outside).expect("the folder goes out");
    symlink(&outside, farm.path("releases/r1/out/A")).expect("a link leads there");
    let before = (Tree::of(&outside), farm.tree_of("dist"));
    let outcome = farm.run("harvest release r1");
    assert_ne!(outcome.code, 0, "{outcome}");
    outcome.check_manners();
    assert_eq!(before, (Tree::of(&outside), farm.tree_of("dist")));
}

#[test]
fn a_dist_that_leads_elsewhere_is_not_written_to() {
    let farm = Farm::new().rendered("r1");
    let outside = farm.room.path("outside");
    fs::create_dir(&outside).expect("a folder");
    fs::rename(farm.path("dist"), farm.room.path("old-dist")).expect("it goes away");
    symlink(&outside, farm.path("dist")).expect("a link in its place");
    let before = farm.tree_of("releases/r1/out");
    let outcome = farm.run("harvest release r1");
    assert_ne!(outcome.code, 0, "{outcome}");
    outcome.check_manners();
    assert!(Tree::of(&outside).0.is_empty(), "something was written outside");
    assert_eq!(before, farm.tree_of("releases/r1/out"));
}

#[test]
fn what_is_no_volume_is_refused() {
    let farm = Farm::new();
    let empty = farm.room.path("empty");
    fs::create_dir(&empty).expect("a folder");
    for (name, folder) in
        [("/", "/".into()), ("home", farm.room.path("home")), ("empty", empty), ("none", farm.room.path("none"))]
    {
        let folder = folder.to_string_lossy().into_owned();
        for command in
            ["plan release r1 scenes/A.blend --frames 1 --yes", "harvest release r1", "recover", "work", "status"]
        {
            let words: Vec<&str> = ["--volume", &folder].into_iter().chain(command.split(' ')).collect();
            let outcome = farm.room.farm(&words);
            assert!([2, 5].contains(&outcome.code), "{name}: {command}\n{outcome}");
            outcome.check_manners();
        }
    }
    assert!(Tree::of(&farm.room.path("empty")).0.is_empty());
}

#[test]
fn what_a_renderer_says_cannot_drive_the_terminal() {
    let farm = Farm::with(&Fake { fails_at: Some(1), ..Fake::default() });
    // The stand-in's error has a clear-screen, a title and a bell in it; `check_manners` looks for such bytes.
    let outcome = farm.run("plan release r1 scenes/A.blend --frames 1 --yes --wait");
    outcome.check_manners();
    assert!(outcome.text().contains("the stand-in gives up"), "{outcome}");
    farm.run("status").check_manners();
    farm.run("status --json").check_manners();
}

#[test]
fn flamencos_own_folders_are_never_touched() {
    let farm = Farm::new();
    for folder in ["jobs/x", "file-store/stored"] {
        fs::create_dir_all(farm.path(folder)).expect("a folder of Flamenco's");
        fs::write(farm.path(folder).join("y"), "theirs").expect("a file of Flamenco's");
    }
    let before = (farm.tree_of("jobs"), farm.tree_of("file-store"));
    let farm = farm.rendered("r1");
    farm.run("harvest release r1").expect(0);
    farm.run("recover").expect(0);
    assert_eq!(before, (farm.tree_of("jobs"), farm.tree_of("file-store")));
}

#[test]
fn nothing_is_needed_of_home_or_umask() {
    let mut farm = Farm::new();
    for name in ["HOME", "XDG_CONFIG_HOME", "USER", "LANG"] {
        farm.room.unset(name);
    }
    let mut command = std::process::Command::new("/bin/sh");
    let farm_program = env!("CARGO_BIN_EXE_farm");
    let script =
        format!("umask 000; exec '{farm_program}' --volume V plan release r1 scenes/A.blend --frames 1 --yes --wait");
    command.args(["-c", &script]);
    farm.room.start_command(command, "plan under umask 000".to_owned()).wait().expect(0);
    farm.run("harvest release r1").expect(0);
}

#[test]
fn a_second_volume_is_not_mistaken_for_the_first() {
    // A plan is for one volume: applied to another it is refused.
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1 --plan-out plan.json").expect(0);
    farm.room.farm(&["init", "W"]).expect(0);
    let before = Tree::of(&farm.room.path("W"));
    farm.room.farm(&["--volume", "W", "plan", "release", "--apply", "plan.json", "--yes"]).expect(5);
    assert_eq!(before.difference(&Tree::of(&farm.room.path("W"))), "");
}

#[test]
fn a_room_has_no_terminal_and_so_nothing_is_asked() {
    let outcome = Room::new().farm(&["plan", "release"]);
    assert!([2, 5].contains(&outcome.code), "{outcome}");
    outcome.check_manners();
}
