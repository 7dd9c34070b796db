//! `farm config show` and the layers below it

use crate::support::Farm;
use crate::support::output::Outcome;
use serde_json::Value;
use std::fs;

/// The line of one key.
#[track_caller]
fn line(outcome: &Outcome, key: &str) -> String {
    let found = outcome.stdout.lines().find(|line| line.split_whitespace().next() == Some(key));
    found.unwrap_or_else(|| panic!("no line for {key}:\n{outcome}")).to_owned()
}

#[test]
fn every_value_has_its_origin() {
    let farm = Farm::new();
    let outcome = farm.run("config show").expect(0);
    assert!(line(&outcome, "manager").contains("FARM_MANAGER"), "{outcome}");
    assert!(line(&outcome, "volume").contains("--volume"), "{outcome}");
    assert!(line(&outcome, "blender.autoexec").contains("default"), "{outcome}");
    assert!(line(&outcome, "blender.executable").contains("FARM_BLENDER"), "{outcome}");
}

#[test]
fn stronger_layers_win() {
    let mut farm = Farm::new();
    let user = farm.room.path("home/.config/farm");
    fs::create_dir_all(&user).expect("the user's folder");
    fs::write(user.join("config.yaml"), "plan:\n  priority: 11\nwait:\n  tries: 4\n").expect("the user's file");
    let show = |farm: &Farm, key: &str| line(&farm.run("config show").expect(0), key);
    assert!(show(&farm, "plan.priority").contains("11"));
    fs::write(farm.path(".farm/config.yaml"), "plan:\n  priority: 22\n").expect("the volume's file");
    assert!(show(&farm, "plan.priority").contains("22"));
    assert!(show(&farm, "plan.priority").contains(".farm/config.yaml"));
    assert!(show(&farm, "wait.tries").contains('4'), "the user's other keys stay");
    farm.room.set("FARM_PLAN_PRIORITY", "33");
    assert!(show(&farm, "plan.priority").contains("33"));
}

#[test]
fn json_has_each_key_value_and_origin() {
    let farm = Farm::new();
    let document = farm.run("config show --json").expect(0).json("farm.config/1");
    let text = document.to_string();
    for word in ["manager", "local", "blender.executable", "FARM_MANAGER"] {
        assert!(text.contains(word), "{document:#}");
    }
    assert!(
        document.as_object().is_some_and(|keys| keys.values().any(|v| matches!(v, Value::Array(_) | Value::Object(_))))
    );
}

#[test]
fn queries_that_have_a_name_are_shown() {
    let farm = Farm::new();
    fs::write(farm.path(".farm/config.yaml"), "queries:\n  stuck: 'is:open idle:2h..'\n").expect("the volume's file");
    let outcome = farm.run("config show").expect(0);
    let shown = line(&outcome, "queries.stuck");
    for words in ["is:open idle:2h..", ".farm/config.yaml", "@stuck"] {
        assert!(shown.contains(words), "{outcome}");
    }
    let document = farm.run("config show --json").expect(0).json("farm.config/1");
    let values = document["values"].as_array().expect("values");
    let query = values.iter().find(|row| row["key"] == "queries.stuck").expect("its row");
    assert_eq!((&query["value"], &query["env"]), (&"is:open idle:2h..".into(), &"".into()));
}

#[test]
fn unknown_keys_and_broken_files_are_named() {
    for text in [
        "blender:\n  exe: x\n",
        "- a\n- b\n",
        "a: [1\n",
        "plan:\n  priority: soon\n",
        "blender:\n  autoexec: perhaps\n",
    ] {
        let farm = Farm::new();
        fs::write(farm.path(".farm/config.yaml"), text).expect("the volume's file");
        let before = farm.tree();
        let outcome = farm.run("plan release r1 scenes/A.blend --frames 1 --yes");
        assert!([1, 2].contains(&outcome.code), "{text}\n{outcome}");
        outcome.check_manners();
        outcome.says(&["config.yaml"]);
        farm.unchanged_since(&before);
    }
}

#[test]
fn a_wrong_value_in_the_environment_is_named() {
    let mut farm = Farm::new();
    farm.room.set("FARM_PLAN_PRIORITY", "very");
    let outcome = farm.run("plan release r1 scenes/A.blend --frames 1 --yes");
    assert!([1, 2].contains(&outcome.code), "{outcome}");
    outcome.says(&["FARM_PLAN_PRIORITY", "very"]).check_manners();
}

#[test]
fn what_is_wrong_is_shown_beside_everything_else() {
    for text in
        [&b"manger: local\nplan:\n  priority: 7\n"[..], b"plan:\n  priority: soon\n", b"a: [1\n", b"user: \xff\n"]
    {
        let farm = Farm::new();
        fs::write(farm.path(".farm/config.yaml"), text).expect("the volume's file");
        let outcome = farm.run("config show").expect(2).says(&["config.yaml", "next: "]);
        line(&outcome, "plan.priority");
        line(&outcome, "threads");
        let document = farm.run("config show --json").expect(2).json("farm.config/1");
        assert_eq!(document["problems"].as_array().map(Vec::len), Some(1), "{document:#}");
    }
    let farm = Farm::new();
    fs::write(farm.path(".farm/config.yaml"), "manger: local\nplan:\n  priority: 7\n").expect("the volume's file");
    let outcome = farm.run("config show").expect(2).says(&["manger", "Did you mean \"manager\""]);
    assert!(line(&outcome, "plan.priority").contains('7'), "{outcome}");
}

#[test]
fn a_folder_in_place_of_the_file_has_a_next_step() {
    let farm = Farm::new();
    fs::create_dir(farm.path(".farm/config.yaml")).expect("a folder");
    farm.run("status").expect(2).says(&["config.yaml", "next: "]);
    farm.run("config show").expect(2).says(&["threads", "config.yaml", "next: "]);
}

#[test]
fn a_misspelt_variable_is_warned_of() {
    let mut farm = Farm::new();
    farm.room.set("FARM_THREDS", "2");
    let outcome = farm.run("status --json").expect(0).says(&["FARM_THREDS", "FARM_THREADS"]);
    outcome.json("farm.status/1");
    let mut farm = Farm::new();
    farm.room.set("FARM_NOSUCH", "2");
    assert_eq!(farm.run("status").expect(0).stderr, "");
}

#[test]
fn without_variables_the_login_name_is_recorded() {
    let mut farm = Farm::new();
    farm.room.unset("USER");
    farm.room.unset("LOGNAME");
    farm.run("plan release r1 scenes/A.blend --frames 1 --yes").expect(0);
    let text = fs::read_to_string(farm.path("releases/r1/release.yaml")).expect("the release's file");
    let listed = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let own = format!(":{}:", rustix::process::geteuid().as_raw());
    if let Some(name) = listed.lines().find(|line| line.contains(&own)).and_then(|line| line.split(':').next()) {
        assert!(text.contains(&format!("user: {name}\n")), "{name}\n{text}");
    }
}

#[test]
fn the_volume_that_is_used_is_the_one_that_is_shown() {
    let farm = Farm::new();
    let user = farm.room.path("home/.config/farm");
    fs::create_dir_all(&user).expect("the user's folder");
    fs::write(user.join("config.yaml"), "volume: /elsewhere\n").expect("the user's file");
    let inside = ["sh", "-c", "cd V/dist && exec \"$@\"", "sh"];
    let shown = farm.room.start_under(&inside, &["config", "show"]).wait().expect(0);
    let line = line(&shown, "volume");
    assert!(line.contains("/V ") && line.contains("working directory"), "{line}");
}
