//! `docs/queries.md` says what the code does.

use crate::query::{Named, NamedQuery, Query, Subject};
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../docs/queries.md");

/// What stands in backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The lines of the page below a heading, up to the next one.
fn below(heading: &str) -> impl Iterator<Item = &str> {
    PAGE.lines().skip_while(move |line| *line != heading).skip(1).take_while(|line| !line.starts_with("## "))
}

#[test]
fn the_tables_have_every_field_status_and_word() {
    for (subject, heading) in [
        (Subject::Jobs, "## Fields of jobs"),
        (Subject::Tasks, "## Fields of tasks"),
        (Subject::Workers, "## Fields of workers"),
        (Subject::Frames, "## Fields of frames"),
    ] {
        let rows: Vec<&str> = below(heading).filter(|line| line.starts_with("| `")).collect();
        let cells = |row: &'static str| row.trim_matches('|').split_once(" | ").expect("two cells");
        let told: BTreeSet<&str> = rows.iter().flat_map(|row| quoted(cells(row).0)).collect();
        let known: BTreeSet<&str> = subject.field_names().into_iter().collect();
        assert_eq!(told, known, "{heading}");

        let row = |name: &str| rows.iter().find(|row| row.starts_with(&format!("| `{name}`"))).expect("a row");
        let told: BTreeSet<&str> = quoted(cells(row("status")).1).into_iter().collect();
        assert_eq!(told, subject.statuses().into_iter().collect(), "{heading}");
        let told: BTreeSet<&str> = quoted(cells(row("is")).1).into_iter().collect();
        assert_eq!(told, subject.is_words().iter().map(|is| is.name()).collect(), "{heading}");
    }
}

#[test]
fn the_examples_are_queries() {
    let named = |name: &str| {
        let line = below("## Queries with a name").find(|line| line.trim_start().starts_with(&format!("{name}:")));
        let text = line.and_then(|line| line.split('"').nth(1)).expect("a query in quotes").to_owned();
        (name.to_owned(), NamedQuery { text, origin: String::new() })
    };
    let named: Named = ["nightly", "stuck"].map(named).into_iter().collect();
    let mut count = 0;
    for (command, subject) in [
        ("farm jobs '", Subject::Jobs),
        ("farm tasks '", Subject::Tasks),
        ("farm workers '", Subject::Workers),
        ("farm frames '", Subject::Frames),
    ] {
        for (at, _) in PAGE.match_indices(command) {
            let text = PAGE[at + command.len()..].split('\'').next().expect("a query");
            Query::parse(subject, text, &named).unwrap_or_else(|error| panic!("{error}"));
            count += 1;
        }
    }
    assert_eq!(count, 7);
}
