//! Damaged frames: each is named, nothing is moved.

use crate::support::fake_blender::Fake;
use crate::support::png::{self, Filling};
use crate::support::{Farm, Outcome};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

/// Harvests `r1` and sees that it ends with 7, names each of `bad` and moves nothing.
#[track_caller]
fn is_found(farm: &Farm, bad: &[String]) -> Outcome {
    let before = (farm.tree_of("dist"), farm.tree_of("releases/r1/out"));
    let people = farm.run("harvest release r1").expect(7);
    let machine = farm.run("harvest release r1 --json").expect(7);
    let document = machine.json("farm.harvest/1");
    for name in bad {
        assert!(people.text().contains(name), "people are not told of {name}:\n{people}");
        assert!(document.to_string().contains(name), "JSON does not name {name}:\n{machine}");
    }
    let wrong = document["frames"]["missing"].as_u64().unwrap_or(0) + document["frames"]["bad"].as_u64().unwrap_or(0);
    assert_eq!(wrong, bad.len() as u64, "{machine}");
    let after = (farm.tree_of("dist"), farm.tree_of("releases/r1/out"));
    assert_eq!(before.0.difference(&after.0), "", "dist changed");
    assert_eq!(before.1.difference(&after.1), "", "out changed");
    machine
}

/// A release whose frame 2 of job A was damaged by `damage`.
#[track_caller]
fn one(damage: impl FnOnce(&Path)) -> Outcome {
    let farm = Farm::new().rendered("r1");
    damage(&farm.frame("r1", "A", 2));
    is_found(&farm, &["000002.png".to_owned()])
}

/// A release of `count` frames of job A, rendered.
fn many(count: u32) -> Farm {
    let farm = Farm::with(&Fake { frames: count, ..Fake::default() });
    farm.run(&format!("plan release r1 scenes/A.blend --frames 1-{count} --yes --wait")).expect(0);
    farm
}

fn away(path: &Path) {
    fs::rename(path, path.with_file_name("../../../../../away")).expect("it goes away");
}

#[test]
fn missing() {
    let outcome = one(away);
    assert_eq!(outcome.json("farm.harvest/1")["frames"]["missing"], 1, "{outcome}");
}

#[test]
fn empty() {
    one(|frame| png::cut(frame, 0));
}

#[test]
fn one_byte_short() {
    one(|frame| png::cut(frame, fs::metadata(frame).expect("a frame").len() - 1));
}

#[test]
fn one_byte_too_long() {
    one(|frame| {
        let mut bytes = fs::read(frame).expect("a frame");
        bytes.push(0);
        fs::write(frame, bytes).expect("it can be written");
    });
}

#[test]
fn cut_at_every_hundredth_byte() {
    let length = png::picture(64, 64, Filling::Noise, 1).len() as u64;
    let count = u32::try_from(length / 100).expect("a small picture");
    let farm = many(count + 1);
    for frame in 1..=count {
        png::cut(&farm.frame("r1", "A", frame), u64::from(frame) * 100);
    }
    let names: Vec<String> = (1..=count).map(|frame| format!("{frame:06}.png")).collect();
    is_found(&farm, &names);
}

#[test]
fn a_flipped_bit_at_every_hundredth_byte() {
    let length = png::picture(64, 64, Filling::Noise, 1).len();
    let count = u32::try_from(length / 100).expect("a small picture");
    let farm = many(count + 1);
    for frame in 1..=count {
        png::flip(&farm.frame("r1", "A", frame), frame as usize * 100 - 60);
    }
    let names: Vec<String> = (1..=count).map(|frame| format!("{frame:06}.png")).collect();
    is_found(&farm, &names);
}

#[test]
fn of_another_size() {
    one(|frame| fs::write(frame, png::picture(32, 64, Filling::Noise, 2)).expect("it can be written"));
}

#[test]
fn all_of_another_size_than_the_scene_says() {
    let farm = Farm::new().rendered("r1");
    for frame in 1..=3 {
        fs::write(farm.frame("r1", "A", frame), png::picture(32, 32, Filling::Noise, 2)).expect("it can be written");
    }
    is_found(&farm, &["000001.png".to_owned(), "000002.png".to_owned(), "000003.png".to_owned()]);
}

#[test]
fn another_kind_of_file() {
    one(|frame| fs::write(frame, b"\xff\xd8\xff\xe0 not a PNG at all \xff\xd9".repeat(50)).expect("it can be written"));
}

#[test]
fn a_folder_in_its_place() {
    one(|frame| {
        away(frame);
        fs::create_dir(frame).expect("a folder");
    });
}

#[test]
fn a_fifo_in_its_place() {
    one(|frame| {
        away(frame);
        assert!(Command::new("mkfifo").arg(frame).status().expect("mkfifo runs").success());
    });
}

#[test]
fn a_link_in_its_place() {
    one(|frame| {
        let elsewhere = frame.with_file_name("../../../../../elsewhere.png");
        fs::rename(frame, &elsewhere).expect("it goes away");
        symlink(elsewhere, frame).expect("a link");
    });
}

#[test]
fn a_frame_that_may_not_be_read() {
    if rustix::process::geteuid().is_root() {
        return crate::support::skipped("a_frame_that_may_not_be_read", "root may read everything");
    }
    let farm = Farm::new().rendered("r1");
    let frame = farm.frame("r1", "A", 2);
    let closed = std::os::unix::fs::PermissionsExt::from_mode(0o000);
    fs::set_permissions(&frame, closed).expect("it can be closed");
    let outcome = farm.run("harvest release r1");
    assert!([1, 7].contains(&outcome.code), "{outcome}");
    outcome.says(&["000002.png"]).check_manners();
    assert!(!farm.path("dist/r1/A.0001.png").exists());
}
