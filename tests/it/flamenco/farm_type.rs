//! What only farm's own job type can do, on a Manager that does not have it, and how it gets there.

use super::Studio;
use super::server::flamenco::Release;

/// Options that need farm's job type.
const SPECIAL: [&str; 4] = ["--frames=-3--1", "--samples 16", "--device CPU", "--env OCIO=/x"];

#[test]
fn a_manager_without_it_is_refused_before_anything_is_copied() {
    let studio = Studio::new(Release::V3_9);
    let before = studio.farm.tree();
    for option in SPECIAL {
        for end in ["--dry-run", "--yes"] {
            let words = format!("plan release r1 scenes/A.blend {option} {end}");
            let outcome = studio.run(&words).expect(6);
            outcome.says(&[&studio.server.url(), "type farm", "next:", "farm setup manager"]);
            studio.farm.unchanged_since(&before);
        }
    }
    assert!(studio.jobs().is_empty());
}

/// Its variable has to be there too: that is said first, for it is the Manager's own.
#[test]
fn a_blender_that_no_variable_names_is_refused_before_anything_is_copied() {
    let studio = Studio::new(Release::V3_9);
    let before = studio.farm.tree();
    for end in ["--dry-run", "--yes"] {
        let outcome = studio.run(&format!("plan release r1 scenes/A.blend --blender 4.2 {end}")).expect(6);
        outcome.says(&[&studio.server.url(), "no variable blender-4.2", "next:", "flamenco-manager.yaml"]);
        studio.farm.unchanged_since(&before);
    }
    assert!(studio.jobs().is_empty());
}

#[test]
fn setup_writes_the_script_and_says_what_is_left_to_do() {
    let studio = Studio::new(Release::V3_9);
    let scripts = studio.farm.room.path("manager/scripts");
    let words = format!("setup manager --scripts {}", scripts.display());
    let script = scripts.join("farm.js");
    // The Manager does not serve it before it is started anew.
    studio.run(&words).expect(7).says(&["wrote", "farm.js", "next: start the Manager anew"]);
    let printed = studio.run("setup manager --print").expect(0);
    assert_eq!(std::fs::read_to_string(&script).expect("the script"), printed.stdout);
    let volume = studio.farm.tree();
    studio.run(&words).expect(7).says(&["found this very edition", "is there already"]);
    studio.farm.unchanged_since(&volume);
    assert_eq!(studio.run(&format!("{words} --json")).expect(7).json("farm.setup-manager/1")["job_type"], "absent");

    std::fs::write(&script, "// somebody else's\n").expect("a script");
    studio.run(&words).expect(5).says(&["not farm's", "next:"]);
    assert_eq!(std::fs::read_to_string(&script).expect("the script"), "// somebody else's\n");
    assert!(studio.jobs().is_empty());
}
