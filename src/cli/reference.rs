//! The pages of `docs/` that are made from the program itself: commands, keys of the configuration, exit codes.

use crate::cli::args::Cli;
use crate::cli::config::KEYS;
use crate::cli::exit;
use clap::{Arg, Command, CommandFactory};
use std::fmt::Write;

/// What the list of the options of every command ends with.
const HELP_AND_VERSION: &str = "- `-h`, `--help`: Print help; `-h` prints less

`farm --version`, or `farm -V`, prints the version; the commands themselves have no such option. What `--json` prints is
told in [JSON documents](json.md).
";

/// Every command with its help, as Markdown: `docs/commands.md`.
pub fn reference() -> String {
    let mut farm = Cli::command().disable_help_subcommand(true).disable_help_flag(true).disable_version_flag(true);
    farm.build();
    let mut text = format!("# Commands\n\n{}\n\n", marker("commands"));
    text += &long_about(&farm);
    text += "\n\n| command | does |\n|---|---|\n";
    for command in leaves(&farm) {
        let _infallible = writeln!(text, "| [`{}`](#{}) | {} |", name(command), anchor(command), cell(&about(command)));
    }
    text += "\n## Options of every command\n\n";
    text += &options(&farm, |arg| arg.is_global_set());
    text += HELP_AND_VERSION;
    for command in leaves(&farm) {
        text += &section(command);
    }
    text
}

/// The commands that do something: those without commands below them, in the order of the help.
fn leaves(command: &Command) -> Vec<&Command> {
    let mut found = Vec::new();
    for below in command.get_subcommands() {
        match below.has_subcommands() {
            true => found.extend(leaves(below)),
            false => found.push(below),
        }
    }
    found
}

fn section(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let mut text = format!("\n## {}\n\n{}\n\n```\n{usage}\n```\n", name(command), long_about(command));
    let list = options(command, |arg| !arg.is_global_set());
    if !list.is_empty() {
        text += "\n";
        text += &list;
    }
    text
}

/// A line per argument that `shown` lets pass, positional ones first.
fn options(command: &Command, shown: impl Fn(&Arg) -> bool) -> String {
    let mut text = String::new();
    let positional = command.get_arguments().filter(|arg| arg.is_positional());
    let named = command.get_arguments().filter(|arg| !arg.is_positional());
    for arg in positional.chain(named).filter(|arg| shown(arg) && !arg.is_hide_set()) {
        let _infallible = writeln!(text, "- {}: {}{}", spelling(arg), one_line(&help(arg)), values(arg));
    }
    text
}

/// `-y`, `--yes`, or `--frames FRAMES`, or `NAME`.
fn spelling(arg: &Arg) -> String {
    let value = match arg.get_value_names() {
        Some(names) if arg.get_action().takes_values() => names.join(" "),
        _ => String::new(),
    };
    let short = arg.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
    match arg.get_long() {
        Some(long) => format!("{short}`{}`", format!("--{long} {value}").trim_end()),
        None => format!("`{value}`"),
    }
}

/// What an argument may be, where it is one of few words.
fn values(arg: &Arg) -> String {
    if !arg.get_action().takes_values() {
        return String::new();
    }
    let word = |value: &clap::builder::PossibleValue| match value.get_help() {
        Some(help) => format!("\n  - `{}`: {}", value.get_name(), one_line(&help.to_string())),
        None => format!("\n  - `{}`", value.get_name()),
    };
    arg.get_possible_values().iter().filter(|value| !value.is_hide_set()).map(word).collect()
}

fn help(arg: &Arg) -> String {
    arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string).unwrap_or_default()
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn long_about(command: &Command) -> String {
    command.get_long_about().map(ToString::to_string).unwrap_or_else(|| about(command))
}

/// `farm plan release`
fn name(command: &Command) -> String {
    command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned()
}

fn anchor(command: &Command) -> String {
    name(command).replace(' ', "-")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text fit for a cell of a Markdown table.
fn cell(text: &str) -> String {
    one_line(text).replace('|', "\\|")
}

/// The keys of the configuration, as the table of `docs/config.md`.
pub fn config_table() -> String {
    let mut text = "| key | environment | default | means |\n|---|---|---|---|\n".to_owned();
    for key in KEYS {
        let default = if key.default.is_empty() { String::new() } else { format!("`{}`", key.default) };
        let _infallible = writeln!(text, "| `{}` | `{}` | {default} | {} |", key.name, key.env, cell(key.meaning));
    }
    text
}

/// The exit codes, as the table of `docs/exit-codes.md`.
pub fn exit_table() -> String {
    let mut text = "| code | means | for instance |\n|---|---|---|\n".to_owned();
    for row in exit::TABLE {
        let _infallible = writeln!(text, "| {} | {} | {} |", row.code, row.means, cell(row.example));
    }
    text
}

fn marker(what: &str) -> String {
    format!("<!-- generated: {what} -->")
}

/// `page` with what stands between the markers of `what` replaced by `table`; `None` if it has no such markers.
pub fn replace_generated(page: &str, what: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(&marker(what))?;
    let (_, after) = rest.split_once("<!-- end -->")?;
    Some(format!("{before}{}\n{table}<!-- end -->{after}", marker(what)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn page(name: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
    }

    /// Compares a page with what the program says; with FARM_UPDATE_DOCS=1 writes it instead.
    fn check(name: &str, expected: &str) {
        let path = page(name);
        if std::fs::read_to_string(&path).is_ok_and(|text| text == expected) {
            return;
        }
        assert!(
            std::env::var_os("FARM_UPDATE_DOCS").is_some_and(|value| value == "1"),
            "docs/{name} is stale: run `FARM_UPDATE_DOCS=1 cargo test --lib reference` and look at the difference"
        );
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, expected).unwrap();
    }

    fn check_table(name: &str, what: &str, table: &str) {
        let text = std::fs::read_to_string(page(name)).unwrap_or_else(|e| panic!("docs/{name}: {e}"));
        let expected = replace_generated(&text, what, table);
        check(name, &expected.unwrap_or_else(|| panic!("docs/{name} has no {} … <!-- end -->", marker(what))));
    }

    #[test]
    fn the_pages_say_what_the_program_says() {
        check("commands.md", &reference());
        check_table("config.md", "config", &config_table());
        check_table("exit-codes.md", "exit-codes", &exit_table());
    }

    #[test]
    fn every_command_and_option_is_in_the_reference() {
        let text = reference();
        for words in ["## farm plan release", "## farm path", "`--frames FRAMES`", "`-y`, `--yes`", "`--volume DIR`"] {
            assert!(text.contains(words), "{words}\n{text}");
        }
        assert!(!text.contains("internal-exec"));
    }

    #[test]
    fn only_what_stands_between_the_markers_is_replaced() {
        let page = "a\n<!-- generated: x -->\nold\n<!-- end -->\nb\n";
        let replaced = replace_generated(page, "x", "new\n").unwrap();
        assert_eq!(replaced, "a\n<!-- generated: x -->\nnew\n<!-- end -->\nb\n");
        assert_eq!(replace_generated(page, "y", "new\n"), None);
    }

    /// Help is read on a terminal of 80 columns, by people who do not know the words yet.
    #[test]
    fn every_argument_and_command_has_help() {
        fn bare(command: &Command, found: &mut Vec<String>) {
            let mut check = |what: String, empty: bool| {
                if empty {
                    found.push(what)
                }
            };
            check(name(command), about(command).is_empty());
            for arg in command.get_arguments() {
                check(format!("{} {}", name(command), arg.get_id()), help(arg).is_empty());
            }
            command.get_subcommands().for_each(|below| bare(below, found));
        }
        let mut farm = Cli::command();
        farm.build();
        let mut found = Vec::new();
        bare(&farm, &mut found);
        assert_eq!(found, [""; 0]);
    }
}
