//! How large things may grow and what they may be called.

use crate::source::{Offence, Source, assert_none, files};

const LONGEST_FILE: usize = 400;
const LONGEST_FUNCTION: usize = 100;
const LONGEST_MAIN: usize = 30;
/// A file of that name collects whatever has no home.
const NO_NAMES: [&str; 8] = ["util", "utils", "helper", "helpers", "common", "misc", "manager2", "shared"];
/// Words of unfinished work. Put together here so that this file does not accuse itself.
fn open_ends() -> [String; 3] {
    [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["X", "XX"].concat()]
}

fn too_long(source: &Source) -> Vec<Offence> {
    let lines = source.lines_without_tests().len();
    let limit = if source.path == "src/main.rs" { LONGEST_MAIN } else { LONGEST_FILE };
    if lines <= limit {
        return Vec::new();
    }
    vec![source.offence(limit, format!("{lines} lines without tests, at most {limit}"))]
}

/// Functions longer than the limit; counted from `fn` to the closing brace of the body.
fn long_functions(source: &Source) -> Vec<Offence> {
    let code = source.code();
    let lines: Vec<&str> = code.lines().collect();
    let mut offences = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        if !begins_function(line) {
            continue;
        }
        let length = body_length(&lines[start..]);
        if length > LONGEST_FUNCTION {
            offences.push(source.offence(start, format!("a function of {length} lines, at most {LONGEST_FUNCTION}")));
        }
    }
    offences
}

fn begins_function(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.any(|word| word == "fn") && line.contains('(') && !line.trim_start().starts_with("type ")
}

/// Lines up to the brace that closes the first one; 0 for a declaration without a body.
fn body_length(lines: &[&str]) -> usize {
    let (mut depth, mut opened) = (0_i32, false);
    for (n, line) in lines.iter().enumerate() {
        for c in line.chars() {
            match c {
                '{' => (depth, opened) = (depth + 1, true),
                '}' => depth -= 1,
                ';' if !opened && depth == 0 => return 0,
                _ => {}
            }
            if opened && depth == 0 {
                return n + 1;
            }
        }
    }
    0
}

fn nameless(source: &Source) -> Vec<Offence> {
    let parts = source.path.split('/').map(|part| part.trim_end_matches(".rs"));
    parts
        .filter(|part| NO_NAMES.contains(part))
        .map(|part| source.offence(0, format!("{part} names no subject")))
        .collect()
}

fn unfinished(source: &Source) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (line, text) in source.text.lines().enumerate() {
        for word in open_ends() {
            let whole = |at: usize| {
                let edge = |c: char| c.is_alphanumeric() || c == '_';
                !text[..at].ends_with(edge) && !text[at + word.len()..].starts_with(edge)
            };
            if text.match_indices(&word).any(|(at, _)| whole(at)) {
                offences.push(source.offence(line, format!("{word}: finish it or write it down where it is seen")));
            }
        }
    }
    offences
}

fn all(folders: &[&str], endings: &[&str], rule: fn(&Source) -> Vec<Offence>) -> Vec<Offence> {
    let mut offences = Vec::new();
    for folder in folders {
        for ending in endings {
            offences.extend(files(folder, ending).iter().flat_map(rule));
        }
    }
    offences
}

#[test]
fn files_stay_short() {
    assert_none("files stay below their limit", &all(&["src", "tests/it", "tests/sweep"], &[".rs"], too_long));
}

#[test]
fn functions_stay_short() {
    assert_none("functions stay below their limit", &all(&["src", "tests"], &[".rs"], long_functions));
}

#[test]
fn files_are_named_after_their_subject() {
    assert_none("file names", &all(&["src", "tests"], &[".rs"], nameless));
}

#[test]
fn nothing_is_left_open() {
    let endings = [".rs", ".md", ".sh", ".py", ".yaml"];
    assert_none("open ends", &all(&["src", "tests", "docs", "examples", ".ci"], &endings, unfinished));
}

#[test]
fn the_rules_bite() {
    let long = "x\n".repeat(LONGEST_FILE + 1);
    assert_eq!(too_long(&Source::new("src/ops/x.rs", &long)).len(), 1);
    assert_eq!(too_long(&Source::new("src/main.rs", &"x\n".repeat(31))).len(), 1);
    let tests = format!("x\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
    assert_eq!(too_long(&Source::new("src/ops/x.rs", &tests)), []);

    let function = format!("pub(crate) fn f(\n  a: u8,\n) -> u8 {{\n{}}}\n", "    a;\n".repeat(98));
    assert_eq!(long_functions(&Source::new("src/ops/x.rs", &function)).len(), 1);
    let short = "trait T {\n    fn f(&self) -> [u8; 4];\n    fn g(&self) { }\n}\n".repeat(60);
    assert_eq!(long_functions(&Source::new("src/ops/x.rs", &short)), []);

    assert_eq!(nameless(&Source::new("src/ops/util.rs", "")).len(), 1);
    assert_eq!(nameless(&Source::new("src/helpers/plan.rs", "")).len(), 1);
    assert_eq!(nameless(&Source::new("src/ops/utility_bill.rs", "")), []);

    let [word, ..] = open_ends();
    assert_eq!(unfinished(&Source::new("docs/x.md", &format!("- {word}: later"))).len(), 1);
    assert_eq!(unfinished(&Source::new("docs/x.md", &format!("mas{word}n"))), []);
}
