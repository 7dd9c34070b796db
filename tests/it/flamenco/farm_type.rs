//! What only farm's own job type can do, on a Manager that does not have it, and how it gets there.

use super::Studio;
use super::server::flamenco::{Release, StandIn};
use super::server::{Fault, Heard, Server, Site, nobody};
use crate::support::fake_blender::Fake;
use crate::support::output::list;
use crate::support::png;
use farm::manager::Manager;
use serde_json::json;
use std::sync::Arc;

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

/// Its variable has to be there too: both are said, in the order in which they are to be mended.
#[test]
fn a_blender_that_no_variable_names_is_refused_before_anything_is_copied() {
    let studio = Studio::new(Release::V3_9);
    let before = studio.farm.tree();
    for end in ["--dry-run", "--yes"] {
        let outcome = studio.run(&format!("plan release r1 scenes/A.blend --blender 4.2 {end}")).expect(6);
        outcome.clone().says(&[&studio.server.url(), "no variable blender-4.2", "next:", "flamenco-manager.yaml"]);
        let at = |words: &str| outcome.text().find(words).unwrap_or_else(|| panic!("{words}: {outcome}"));
        assert!(at("type farm") < at("no variable") && at("farm setup manager") < at("flamenco-manager.yaml"));
        studio.farm.unchanged_since(&before);
    }
    assert!(studio.jobs().is_empty());
}

/// With the job type and a variable for another Blender.
fn studio_with_it() -> Studio {
    let adapt = |stand_in: StandIn| stand_in.with_farm_type().with_variable("blender-4.2");
    Studio::of(Release::V3_9, &Fake::default(), adapt)
}

#[test]
fn a_manager_with_it_gets_what_each_option_asks_for() {
    for (option, in_plan, told, words) in [
        ("--device OPTIX", vec!["--cycles-device", "OPTIX"], json!({"device": "OPTIX"}), "r1/A: rendered on OPTIX\n"),
        (
            "--samples 16",
            vec!["setattr(part, name, 16)", "'samples'"],
            json!({"samples": 16}),
            "r1/A: 16 samples per pixel\n",
        ),
        (
            "--env OCIO=/x/config.ocio",
            vec!["OCIO=/x/config.ocio", "\"exe\":\"env\""],
            json!({"environment": {"OCIO": "/x/config.ocio"}}),
            "r1/A: with OCIO set\n",
        ),
        ("--blender 4.2", vec!["{blender-4.2}"], json!({"blender": "blender-4.2"}), "r1/A: rendered by blender-4.2\n"),
    ] {
        let studio = studio_with_it();
        let plan = format!("plan release r1 scenes/A.blend --frames 1-5 --chunk 2 {option}");
        let shown = studio.run(&format!("{plan} --dry-run --json")).expect(0).json("farm.plan/1");
        assert_eq!(shown["jobs"][0]["options"], told, "{option}");
        let said = studio.run(&format!("{plan} --yes")).expect(0);
        assert!(said.text().contains(words) && said.text().contains("submitted r1/A as"), "{option}: {said}");
        let submitted = studio.submitted();
        assert_eq!(submitted["type"], "farm", "{option}: {submitted:#}");
        let settings = &submitted["settings"];
        assert_eq!((&settings["frames"], &settings["chunk_size"]), (&json!("1..5"), &json!(2)), "{submitted:#}");
        let templates = settings["plan"].as_str().expect("a plan");
        for words in in_plan {
            assert!(templates.contains(words), "{option}: {words}: {templates}");
        }
        assert_eq!(studio.engine.tasks(&studio.jobs()[0].id).expect("tasks").len(), 3);
        studio.run(&format!("{plan} --yes")).expect(0);
        assert_eq!(studio.jobs().len(), 1, "{option}: planned twice, submitted once");
    }
}

#[test]
fn frames_below_0_are_submitted_as_farm_s_type_takes_them() {
    let studio = studio_with_it();
    let plan = "plan release r1 scenes/A.blend --frames=-3--1,2 --chunk 2 --yes";
    studio.run(plan).expect(0).says(&["-3--1,2 (4)"]);
    let submitted = studio.submitted();
    assert_eq!((&submitted["type"], &submitted["settings"]["frames"]), (&json!("farm"), &json!("-3..-1,2")));
    let tasks = studio.engine.tasks(&studio.jobs()[0].id).expect("tasks");
    let names: Vec<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(names, ["render--3--2", "render--1,2"]);
}

#[test]
fn what_it_was_asked_for_is_rendered_and_harvested() {
    let studio = studio_with_it();
    studio.run("plan release r1 scenes/A.blend --frames 1-5 --samples 16 --device CPU --env OCIO=/x --yes").expect(0);
    studio.work();
    studio.run("status").expect(0).says(&["completed"]);
    studio.run("harvest release r1 --no-preview").expect(0);
    assert!((1..=5).all(|frame| png::size_of(&studio.farm.path(format!("dist/r1/A.{frame:04}.png"))).is_some()));
}

/// Plain renders take Flamenco's own type, whether farm's is there or not.
#[test]
fn who_asks_for_nothing_special_does_not_need_it() {
    let studio = studio_with_it();
    studio.run("plan release r1 scenes/A.blend --frames 1-2 --yes").expect(0);
    assert_eq!(studio.submitted()["type"], "simple-blender-render");
    studio.run("setup manager").expect(0).says(&["the Manager serves farm's job type"]);
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

    let newer = printed.stdout.replace("label: \"farm 1\"", "label: \"farm 99\"");
    std::fs::write(&script, &newer).expect("a script");
    studio.run(&words).expect(5).says(&["farm 99", "newer farm", "next: Update farm"]);
    assert_eq!(std::fs::read_to_string(&script).expect("the script"), newer);

    std::fs::write(&script, "// somebody else's\n").expect("a script");
    studio.run(&words).expect(5).says(&["not farm's", "next:"]);
    assert_eq!(std::fs::read_to_string(&script).expect("the script"), "// somebody else's\n");
    assert!(studio.jobs().is_empty());
}

/// A folder that the Manager does not read is not taken for its own because another one serves the type.
#[test]
fn setup_does_not_claim_a_script_that_was_served_before() {
    let studio = studio_with_it();
    let wrong = studio.farm.room.path("wrong/scripts");
    let words = format!("setup manager --scripts {}", wrong.display());
    let script = wrong.join("farm.js").display().to_string();
    studio.run(&words).expect(0).says(&["did so before this", &script, "cannot tell whether from this file"]);
    let document = studio.run(&format!("{words} --json")).expect(0).json("farm.setup-manager/1");
    assert!(document["notes"].to_string().contains("cannot tell"), "{document:#}");
    let plain = studio.run("setup manager").expect(0);
    assert!(!plain.text().contains("before"), "{plain}");
}

/// What lies there is farm's own, and the workers': it is not lost to a slip.
#[test]
fn setup_puts_programs_for_their_platform_on_the_volume_and_nothing_else() {
    let studio = studio_with_it();
    std::fs::write(studio.farm.room.path("notes.md"), "# no program\n").expect("a text");
    let notes = studio.farm.room.path("notes.md").display().to_string();
    studio.run("setup manager").expect(0).says(&["was put there"]);
    let before = studio.farm.tree();
    for (binary, words) in [
        (format!("linux-x86_64={notes}"), vec!["no program for linux-x86_64", "nothing was written", "next:"]),
        ("lulu=/bin/sh".to_owned(), vec!["no platform \"lulu\"", "linux-x86_64, linux-aarch64"]),
        (format!("windows-x86_64={}", env!("CARGO_BIN_EXE_farm")), vec!["it is one for linux"]),
        ("linux-x86_64".to_owned(), vec!["linux-aarch64=FILE"]),
    ] {
        studio.run(&format!("setup manager --binary {binary}")).expect(2).says(&words);
        studio.farm.unchanged_since(&before);
    }
}

/// A build that is named for this platform is meant in place of the one that runs, and not after it.
#[test]
fn setup_has_one_line_for_each_platform() {
    let studio = studio_with_it();
    let platform = farm::ops::setup::this_platform();
    let placed = studio.farm.path(format!(".farm/lib/{platform}/farm"));
    studio.run("setup manager").expect(0);
    std::fs::write(&placed, "an older build").expect("an older build");
    let binary = format!("--binary {platform}={}", env!("CARGO_BIN_EXE_farm"));
    let outcome = studio.run(&format!("setup manager {binary}")).expect(0);
    let lines = outcome.stdout.lines().filter(|line| line.starts_with(".farm/lib/")).count();
    assert_eq!(lines, 1, "{outcome}");
    outcome.says(&["in place of another build (SHA-256 "]);
    assert_ne!(std::fs::read(&placed).expect("a build"), b"an older build");
    studio.run(&format!("setup manager {binary} {binary}")).expect(2).says(&["two files for"]);
}

/// Nothing is put anywhere for a Manager that is not there.
#[test]
fn setup_asks_before_it_copies() {
    let mut studio = Studio::new(Release::V3_9);
    studio.farm.room.set("FARM_MANAGER", nobody());
    let before = studio.farm.tree();
    let scripts = studio.farm.room.path("manager/scripts");
    studio.run(&format!("setup manager --scripts {}", scripts.display())).expect(6).says(&["efused", "next:"]);
    studio.farm.unchanged_since(&before);
    assert!(!scripts.exists());
}

/// The check of this name.
#[track_caller]
fn check(findings: &serde_json::Value, name: &str) -> serde_json::Value {
    let of_name: Vec<_> = list(&findings["checks"]).iter().filter(|check| check["name"] == name).collect();
    let [found] = of_name[..] else { panic!("not one check {name}: {findings:#}") };
    found.clone()
}

/// Each check keeps its name, whatever keeps it from looking.
#[test]
fn doctor_says_once_that_workers_cannot_be_listed() {
    let studio = Studio::new(Release::V3_9);
    studio.server.trap(Fault::coded(500, "no such table"), "GET /api/v3/worker-mgt/workers ", usize::MAX);
    let findings = studio.run("doctor --json").expect(7).json("farm.doctor/1");
    assert_eq!(check(&findings, "workers")["status"], "fail", "{findings:#}");
    for name in ["task-types", "variables", "scripts"] {
        assert_eq!(check(&findings, name)["status"], "skip", "{findings:#}");
    }
}

#[test]
fn doctor_has_the_same_checks_where_the_manager_is_not_there() {
    let mut studio = Studio::new(Release::V3_9);
    let names = |findings: &serde_json::Value| -> Vec<String> {
        list(&findings["checks"]).iter().map(|check| check["name"].to_string()).collect()
    };
    let there = studio.run("doctor --json").json("farm.doctor/1");
    studio.farm.room.set("FARM_MANAGER", nobody());
    let away = studio.run("doctor --json").expect(7).json("farm.doctor/1");
    assert_eq!(names(&there), names(&away));
    assert_eq!(check(&away, "manager")["status"], "fail", "{away:#}");
    for name in ["job-type", "storage", "shaman", "exposure", "workers", "task-types", "variables", "scripts"] {
        let check = check(&away, name);
        assert_eq!(check["status"], "skip", "{away:#}");
        assert!(check["message"].as_str().is_some_and(|words| words.starts_with("not looked at")), "{away:#}");
    }
}

/// The Manager's variable decides, and not what is set here.
#[test]
fn doctor_says_that_scripts_run_on_a_manager_all_the_same() {
    let mut studio = Studio::new(Release::V3_9);
    let scripts = |studio: &Studio| check(&studio.run("doctor --json").json("farm.doctor/1"), "scripts");
    assert_eq!(scripts(&studio)["status"], "ok");
    studio.farm.room.set("FARM_BLENDER_AUTOEXEC", "false");
    let warned = scripts(&studio);
    assert_eq!(warned["status"], "warn", "{warned:#}");
    assert!(warned["message"].as_str().is_some_and(|words| words.contains("-b -y")), "{warned:#}");
    assert!(warned["remedy"].as_str().is_some_and(|words| words.contains("flamenco-manager.yaml")), "{warned:#}");
}

/// The Manager's address is right: the next step is about the proxy's.
#[test]
fn a_proxy_that_is_not_there_is_to_blame_and_not_the_manager() {
    let mut studio = Studio::new(Release::V3_9);
    let proxy = nobody().replace("http://", "http://ann:hush@");
    studio.farm.room.set("FARM_ACCESS_PROXY", &proxy);
    for words in ["status", "doctor", "setup manager"] {
        let outcome = studio.run(words);
        assert!([6, 7].contains(&outcome.code) && !outcome.text().contains("hush"), "{outcome}");
        outcome.says(&["through the proxy http://127.0.0.1:", "next: Check access.proxy (FARM_ACCESS_PROXY)"]);
    }
    studio.farm.room.set("FARM_ACCESS_PROXY", "socks5://127.0.0.1:1");
    studio.run("status").expect(2).says(&["access.proxy", "FARM_ACCESS_PROXY", "http:// and https:// only"]);
}

#[test]
fn credentials_that_are_refused_are_told_from_those_that_are_not_there() {
    let mut studio = Studio::new(Release::V3_9);
    studio.server.trap(Fault::plain(401, "who is it"), "", usize::MAX);
    studio.run("status").expect(6).says(&["wants credentials (HTTP 401)", "next: Set access.token_file"]);
    studio.farm.room.set("FARM_ACCESS_USER", "ann");
    studio.farm.room.set("FARM_ACCESS_PASSWORD", "hush");
    let refused = ["refuses the credentials that it was given (HTTP 401)", "next: Check the name and the password"];
    studio.run("status").expect(6).says(&refused);
    let outcome = studio.run("doctor").expect(7).says(&refused);
    let line = outcome.stdout.lines().find(|line| line.contains("refuses")).unwrap_or_default();
    assert_eq!(line.matches(&studio.server.url()).count(), 1, "{outcome}");
}

/// A name that is none is the command's fault, and the Manager's names are told.
#[test]
fn a_tag_that_is_not_there_is_a_wrong_word() {
    let tag = "22222222-2222-2222-2222-222222222222";
    let studio = Studio::of(Release::V3_9, &Fake::default(), |stand_in| stand_in.with_tag(tag, "gpu"));
    let before = studio.farm.tree();
    let outcome = studio.run("plan release r1 scenes/A.blend --frames 1 --tag cpu --yes").expect(2);
    outcome.says(&["no worker tag \"cpu\"", "next: It has gpu: name one of them with --tag"]);
    studio.farm.unchanged_since(&before);
    let studio = Studio::new(Release::V3_9);
    studio.run("plan release r1 scenes/A.blend --frames 1 --tag cpu --dry-run").expect(2).says(&["It has no tags"]);
}

#[test]
fn doctor_says_that_it_cannot_tell_whether_a_name_is_public() {
    let mut studio = Studio::new(Release::V3_9);
    // A proxy knows the name; this machine does not.
    let manager = Arc::clone(&studio.gate);
    let proxy = Server::new(move |request: &Heard| {
        let path = request.path.trim_start_matches("http://barn.invalid").to_owned();
        manager.answer(&Heard { path, ..request.clone() })
    });
    studio.farm.room.set("FARM_ACCESS_PROXY", proxy.url());
    studio.farm.room.set("FARM_MANAGER", "http://barn.invalid");
    let findings = studio.run("doctor --json").json("farm.doctor/1");
    let found = list(&findings["checks"]).iter().find(|check| check["name"] == "exposure");
    let found = found.unwrap_or_else(|| panic!("{findings:#}"));
    assert_eq!(found["status"], "skip", "{findings:#}");
    assert!(found["message"].as_str().is_some_and(|words| words.contains("barn.invalid")), "{findings:#}");
}
