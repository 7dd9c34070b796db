//! `farm path`

use crate::support::Farm;
use std::path::Path;

#[test]
fn every_place_of_a_job_has_a_path() {
    let farm = Farm::new().rendered("r1");
    farm.run("harvest release r1 --keep").expect(0);
    let path = |words: &str| {
        let outcome = farm.run(&format!("path {words}")).expect(0);
        assert_eq!(outcome.stdout.lines().count(), 1, "{outcome}");
        outcome.stdout.trim_end_matches('\n').to_owned()
    };
    let real = |below: &str| farm.path(below).canonicalize().expect("it is there");
    let same =
        |told: String, below: &str| assert_eq!(Path::new(&told).canonicalize().ok(), Some(real(below)), "{told}");
    same(path("r1/A out"), "releases/r1/out/A");
    same(path("r1/A store"), "releases/r1/store/A.blend");
    same(path("r1/A dist"), "dist/r1");
    assert!(Path::new(&path("r1/A log")).is_absolute());
    same(path("r1 out"), "releases/r1/out");
    same(path("r1 store"), "releases/r1/store");
}

#[test]
fn json_has_the_path() {
    let farm = Farm::new().rendered("r1");
    let document = farm.run("path r1/A out --json").expect(0).json("farm.path/1");
    assert!(document.to_string().contains("releases/r1/out/A"), "{document:#}");
}

#[test]
fn unknown_names_and_places_are_told_apart() {
    let farm = Farm::new().rendered("r1");
    farm.run("path r1/Nobody out").expect(3).says(&["r1/Nobody"]);
    farm.run("path nosuch out").expect(3).says(&["nosuch"]);
    farm.run("path r1/A nowhere").expect(2).says(&["nowhere", "store"]);
    farm.run("path").expect(2);
}
