//! Every file in `examples/` works as it stands.

use crate::support::output::list;
use crate::support::{Farm, skipped};
use std::fs;
use std::path::{Path, PathBuf};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

#[test]
fn every_example_is_known_here() {
    let mut names: Vec<String> = fs::read_dir(example(""))
        .expect("the examples")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    // quickstart.sh is run by .ci/run; it builds the release binary, which a test must not.
    assert_eq!(names, ["config.yaml", "plan.yaml", "quickstart.sh", "quickstart_scenes.py"]);
}

/// The scenes of the quickstart, or `None` where there is no Blender.
fn quickstart_scenes(farm: &Farm, folder: &Path) -> Option<()> {
    let mut command = std::process::Command::new("blender");
    command.args(["--background", "--factory-startup", "--python-exit-code", "1", "--python"]);
    command.arg(example("quickstart_scenes.py")).arg("--").arg(folder);
    if !Path::new("/usr/bin/blender").exists() {
        skipped("examples", "there is no Blender");
        return None;
    }
    farm.room.start_command(command, "blender --python quickstart_scenes.py".to_owned()).wait().expect(0);
    Some(())
}

#[test]
fn the_plan_is_planned_rendered_and_harvested() {
    let farm = Farm::with_real_blender();
    let folder = farm.room.path("film");
    fs::create_dir(&folder).expect("a folder");
    fs::copy(example("plan.yaml"), folder.join("plan.yaml")).expect("the plan");
    if quickstart_scenes(&farm, &folder.join("scenes")).is_none() {
        return;
    }
    let document = farm.run("plan release --from film/plan.yaml --dry-run --json").expect(0).json("farm.plan/1");
    let jobs: Vec<(&str, &str)> = list(&document["jobs"])
        .iter()
        .map(|job| (job["ref"].as_str().unwrap_or(""), job["frames"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(jobs, [("demo/cube", "1-5"), ("demo/cube-closing-frames", "4-5"), ("demo/room", "1-5x2")]);
    farm.run("plan release --from film/plan.yaml --yes --wait").expect(0);
    farm.run("harvest release demo").expect(0);
    for name in ["cube.0005.png", "cube-closing-frames.0004.png", "room.0003.png"] {
        let path = farm.path("dist/demo").join(name);
        assert_eq!(crate::support::png::size_of(&path), Some((160, 90)), "{name}");
    }
}

#[test]
fn the_template_that_the_plan_recommends_is_one() {
    let text = fs::read_to_string(example("plan.yaml")).expect("the plan");
    let template = text.split("job_name_template`, such as '").nth(1).and_then(|rest| rest.split('\'').next());
    let farm = Farm::new();
    let words =
        format!("plan release r1 scenes/A.blend --job-name-template {} --dry-run", template.expect("a template"));
    farm.run(&words).expect(0).says(&["r1/A-1"]);
}

#[test]
fn the_configuration_is_understood() {
    let mut farm = Farm::new();
    farm.room.unset("FARM_BLENDER");
    farm.room.unset("FARM_MANAGER");
    fs::copy(example("config.yaml"), farm.path(".farm/config.yaml")).expect("the configuration");
    let outcome = farm.run("config show").expect(0);
    let from_file = outcome.stdout.lines().filter(|line| line.contains(".farm/config.yaml")).count();
    assert_eq!(from_file, 5, "{outcome}");
}
