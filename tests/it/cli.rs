//! What holds for every command: help, version, usage errors, JSON errors.

use crate::support::{Farm, Room};

/// Every command with words that make it complete.
pub(crate) const COMMANDS: [&str; 13] = [
    "init",
    "inspect",
    "plan",
    "plan release",
    "status",
    "path",
    "harvest",
    "harvest release",
    "work",
    "recover",
    "doctor",
    "config show",
    "completions",
];

fn farm(words: &str) -> crate::support::Outcome {
    Room::new().farm(&words.split_whitespace().collect::<Vec<_>>())
}

#[test]
fn the_version_is_the_packages() {
    let outcome = farm("--version").expect(0);
    assert_eq!(outcome.stdout, format!("farm {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(outcome.stderr, "");
}

#[test]
fn help_names_every_command_and_goes_to_stdout() {
    let outcome = farm("--help").expect(0);
    assert_eq!(outcome.stderr, "");
    for command in COMMANDS {
        let word = command.split(' ').next().unwrap_or_default();
        assert!(outcome.stdout.contains(word), "{word} is not in the help:\n{outcome}");
    }
}

#[test]
fn every_command_explains_itself() {
    for command in COMMANDS {
        let outcome = farm(&format!("{command} --help")).expect(0);
        assert!(outcome.stdout.contains("Usage: farm"), "{outcome}");
        let first = outcome.stdout.lines().next().unwrap_or_default();
        assert!(first.split(' ').count() >= 4, "{command} begins without a sentence:\n{outcome}");
        let long = outcome.stdout.lines().find(|line| line.chars().count() > 120);
        assert_eq!(long, None, "{command}");
    }
}

#[test]
fn wrong_words_are_exit_2_and_say_what_would_be_right() {
    for words in
        ["", "nosuchcommand", "--nosuchflag", "status --nosuchflag", "plan nosuchthing", "harvest nosuchthing", "init"]
    {
        let outcome = farm(words).expect(2);
        assert!(!outcome.stderr.is_empty() || words.is_empty(), "{outcome}");
    }
    farm("statos").expect(2).says(&["status"]);
}

#[test]
fn wrong_words_with_json_are_a_document() {
    farm("status --nosuchflag --json").expect(2).json("farm.error/1");
    farm("--json nosuchcommand").expect(2).json("farm.error/1");
}

#[test]
fn every_error_names_thing_cause_and_next_step() {
    let test = Farm::new();
    for (words, code, thing) in [
        ("status nosuch", 3, "nosuch"),
        ("harvest release nosuch", 3, "nosuch"),
        ("path nosuch/A out", 3, "nosuch/A"),
        ("plan release bad/name scenes/A.blend --yes", 2, "bad/name"),
        ("plan release r1 scenes/A.blend", 5, "--yes"),
        ("plan release --from nowhere.yaml --yes", 2, "nowhere.yaml"),
        ("--manager ftp://x status", 2, "ftp://x"),
    ] {
        let outcome = test.run(words);
        assert!(outcome.code == code || (outcome.code == 1 && code == 2), "expected {code}:\n{outcome}");
        outcome.check_manners();
        assert!(outcome.stderr.contains(thing), "the thing is not named:\n{outcome}");
        assert!(outcome.stderr.contains("error: ") && outcome.stderr.contains("next: "), "no next step:\n{outcome}");
        assert_eq!(outcome.stdout, "", "words of an error on stdout:\n{outcome}");
        let words = format!("{words} --json");
        let document = test.run(&words).json("farm.error/1");
        assert!(document.to_string().contains(thing), "{document:#}");
    }
}

#[test]
fn data_goes_to_stdout_and_talk_to_stderr() {
    let farm = Farm::new().rendered("r1");
    for words in ["status --json", "doctor --json", "path r1/A out", "config show"] {
        let outcome = farm.run(words);
        assert!(!outcome.stdout.is_empty(), "{outcome}");
    }
    let outcome = farm.run("harvest release r1 --json").expect(0);
    outcome.json("farm.harvest/1");
    let quiet = farm.run("status --quiet --json").expect(0);
    assert_eq!(quiet.stderr, "", "{quiet}");
}

#[test]
fn completions_come_for_every_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let outcome = farm(&format!("completions {shell}")).expect(0);
        assert!(outcome.stdout.contains("harvest"), "{shell}: {} bytes", outcome.stdout.len());
    }
    farm("completions cobol").expect(2);
}

#[test]
fn a_closed_pipe_is_no_error() {
    let test = Farm::new().rendered("r1");
    let program = env!("CARGO_BIN_EXE_farm");
    let mut command = std::process::Command::new("/bin/sh");
    command.args(["-c", &format!("'{program}' --volume V status --json | head -c 1 >/dev/null; echo done")]);
    test.room.start_command(command, "status | head".to_owned()).wait().expect(0).says(&["done"]);
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let room = Room::new();
    let onto_a_full_disk = ["sh", "-c", "exec \"$@\" >/dev/full", "sh"];
    room.start_under(&onto_a_full_disk, &["completions", "bash"]).wait().expect(1).says(&["standard output"]);
    let onto_nobody = ["bash", "-c", "exec \"$@\" > >(exec true)", "bash"];
    room.start_under(&onto_nobody, &["completions", "bash"]).wait().expect(0);
}

#[test]
fn the_short_help_is_short_and_the_long_one_whole() {
    for command in COMMANDS {
        let help = |flag: &str| farm(&format!("{command} {flag}")).expect(0).stdout;
        assert!(help("--help").contains("--volume"), "{command}");
        assert!(!help("-h").contains("--volume"), "{command}");
    }
}

#[test]
fn the_page_about_queries_is_at_hand() {
    for words in ["queries", "help queries"] {
        farm(words).expect(0).says(&["release:r1 status:active,queued", "How conditions are joined"]);
    }
}
