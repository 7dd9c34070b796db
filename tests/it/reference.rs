//! The reference: every command that the program has is in `docs/commands.md` and has a man page.
//!
//! That the pages say what the program says is held where they are made, in `src/cli/reference.rs`.

use crate::support::Room;
use std::fs;
use std::path::Path;

/// The commands below `words`, as the help lists them; without `help` itself.
fn commands(words: &[&str]) -> Vec<String> {
    let arguments: Vec<&str> = words.iter().copied().chain(["--help"]).collect();
    let help = Room::new().farm(&arguments).expect(0).stdout;
    let listed = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let names = listed.take_while(|line| line.starts_with("  ")).filter_map(command_of);
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The command's name on a line of the help; lines that go on from the one before have none.
fn command_of(line: &str) -> Option<&str> {
    let text = line.strip_prefix("  ")?;
    if text.starts_with(' ') { None } else { text.split_whitespace().next() }
}

/// Every command that does something, such as `plan release`.
fn leaves() -> Vec<String> {
    let mut found = Vec::new();
    for command in commands(&[]) {
        let below = commands(&[&command]);
        match below.is_empty() {
            true => found.push(command),
            false => found.extend(below.into_iter().map(|word| format!("{command} {word}"))),
        }
    }
    assert!(found.len() >= 10, "{found:?}");
    found
}

#[test]
fn every_command_has_a_section() {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md")).expect("docs/commands.md");
    let missing: Vec<String> =
        leaves().into_iter().filter(|command| !page.contains(&format!("\n## farm {command}\n"))).collect();
    assert_eq!(missing, [""; 0], "run FARM_UPDATE_DOCS=1 cargo test --lib reference");
}

#[test]
fn every_command_has_a_man_page() {
    let room = Room::new();
    fs::create_dir(room.path("man")).expect("a folder");
    room.farm(&["man", "--out", "man"]).expect(0);
    for command in leaves() {
        let name = format!("man/farm-{}.1", command.replace(' ', "-"));
        let page = fs::read_to_string(room.path(&name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(page.starts_with(".ie") || page.contains(".TH"), "{name} is no man page:\n{page:.200}");
    }
    room.farm(&["man"]).expect(0).says(&[".TH"]);
}
