//! The examples of `docs/queries.md` work as they stand there, quotes and all.

use crate::support::fake_blender::Fake;
use crate::support::{Farm, Outcome};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Each command of the page, as a shell reads it, without the words behind it.
fn examples() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/queries.md");
    let text = fs::read_to_string(page).expect("the page");
    let blocks = text.lines().filter(|line| line.starts_with("farm ")).map(str::to_owned);
    // What is named without a query in it is no example.
    let is_example = |code: &&str| code.starts_with("farm ") && code.contains('\'');
    let inline = text.split('`').skip(1).step_by(2).filter(is_example).map(str::to_owned);
    let command = |line: String| match line.match_indices('\'').nth(1) {
        Some((end, _)) => line[..=end].to_owned(),
        None => line,
    };
    blocks.chain(inline).map(command).collect()
}

/// The queries that the page gives names to, as a file of the configuration.
fn named() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/queries.md");
    let text = fs::read_to_string(page).expect("the page");
    let begin = text.find("```yaml\n").expect("an example of the configuration") + "```yaml\n".len();
    let end = text[begin..].find("```").expect("its end");
    text[begin..begin + end].to_owned()
}

fn shell(farm: &Farm, line: &str) -> Outcome {
    let program = env!("CARGO_BIN_EXE_farm");
    let mut command = Command::new("sh");
    command.arg("-c").arg(line.replacen("farm", program, 1));
    farm.room.start_command(command, line.trim_start_matches("farm ").to_owned()).wait()
}

/// `r1/cube` failed, `r1/shot010` is done, `r1/shot020` waits.
fn studio() -> Farm {
    let mut farm = Farm::with(&Fake { fails_at: Some(2), ..Fake::default() });
    farm.room.set("FARM_VOLUME", farm.path(""));
    for (scene, frames) in [("shot010", "3"), ("cube", "1-3")] {
        farm.scene(&format!("{scene}.blend"), "scenes/cube3_zstd.blend");
        farm.run(&format!("plan release r1 scenes/{scene}.blend --frames {frames} --update --yes")).expect(0);
    }
    farm.run("work");
    farm.scene("shot020.blend", "scenes/cube3_zstd.blend");
    farm.run("plan release r1 scenes/shot020.blend --frames 1-3 --update --yes").expect(0);
    fs::write(farm.path(".farm/config.yaml"), named()).expect("a file");
    farm
}

#[test]
fn every_example_of_the_page_runs_as_written() {
    let farm = studio();
    let examples = examples();
    assert!(examples.len() >= 7, "{examples:#?}");
    // Two days ago there was none, no worker of the local queue has a tag, and `@stuck` is about releases of another name.
    let nothing_yet = ["older:2d", "tag:gpu", "@stuck"];
    for line in &examples {
        let code = if nothing_yet.iter().any(|term| line.contains(term)) { 3 } else { 0 };
        shell(&farm, line).expect(code);
        shell(&farm, &format!("{line} --json")).expect(code);
    }
}
