//! Who may import whom: `cli → ops → {volume, manager, query, blend, frames} → sys → base`.

use crate::source::{Offence, Source, assert_none, program};

/// The number of a floor; higher sees lower.
fn height(floor: &str) -> Option<u8> {
    Some(match floor {
        "cli" => 4,
        "ops" => 3,
        "volume" | "manager" | "query" | "blend" | "frames" => 2,
        "sys" => 1,
        "base" => 0,
        _ => return None,
    })
}

/// Neighbours that may see each other all the same.
const EXCEPTIONS: [(&str, &str); 1] = [("frames", "volume")];

/// Those that stand higher and touch the world no more than `base` does: text in, answers out.
const PURE: [&str; 1] = ["query"];

fn may_import(from: &str, to: &str) -> bool {
    if PURE.contains(&from) && from != to && to != "base" {
        return false;
    }
    match (height(from), height(to)) {
        (Some(a), Some(b)) => from == to || a > b || EXCEPTIONS.contains(&(from, to)),
        _ => false,
    }
}

/// The top-level modules that a line of `crate::…` paths names, with the offset at which each stands.
fn imports(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        // `$crate::` in a macro is a path like any other; `mycrate::` is not ours.
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let after = at + "crate::".len();
        match code[after..].strip_prefix('{') {
            Some(list) => found.extend(brace_heads(list).into_iter().map(|(n, word)| (after + 1 + n, word))),
            None => found.push((at, word(&code[after..]))),
        }
    }
    found.retain(|(_, word)| !word.is_empty());
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first word of each item of a brace list, at the list's own depth: `a::{b, c}, d` gives `a` and `d`.
fn brace_heads(list: &str) -> Vec<(usize, String)> {
    let (mut depth, mut fresh, mut heads) = (1, true, Vec::new());
    for (n, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => fresh = true,
            c if fresh && depth == 1 && (c.is_alphanumeric() || c == '_') => {
                heads.push((n, word(&list[n..])));
                fresh = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    heads
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count()
}

fn climbs(source: &Source) -> Vec<Offence> {
    let from = source.floor();
    if matches!(from, "lib" | "main") {
        return Vec::new();
    }
    let code = source.code();
    let mut offences: Vec<Offence> = imports(&code)
        .into_iter()
        .filter(|(_, to)| !may_import(from, to))
        .map(|(at, to)| source.offence(line_of(&code, at), format!("{from} may not import {to}")))
        .collect();
    offences.extend(
        code.match_indices("super::super")
            .map(|(at, _)| source.offence(line_of(&code, at), "super::super hides what is imported; write crate::…")),
    );
    offences
}

#[test]
fn imports_go_downward_only() {
    let offences: Vec<Offence> = program().iter().flat_map(climbs).collect();
    assert_none("imports must go down the floors", &offences);
}

#[test]
fn every_folder_of_the_source_has_a_floor() {
    let unknown: Vec<Offence> = program()
        .iter()
        .filter(|source| !matches!(source.floor(), "lib" | "main") && height(source.floor()).is_none())
        .map(|source| source.offence(0, format!("{} has no floor in tests/architecture/floors.rs", source.floor())))
        .collect();
    assert_none("every module stands on a floor", &unknown);
}

#[test]
fn the_rule_bites() {
    let bad = [
        ("src/sys/disk.rs", "use crate::volume::Volume;", 1),
        ("src/blend/x.rs", "use crate::{base::name, manager::{self, job}};", 1),
        ("src/blend/x.rs", "use crate::{\n  frames::{a, b::{c, d}},\n  ops,\n};", 2),
        ("src/volume/x.rs", "fn f() { let a = crate::frames::png::check(); }", 1),
        ("src/base/x.rs", "use super::super::sys;", 1),
        ("src/query/x.rs", "use crate::{sys::clock, manager::job, base::name};", 2),
        ("src/ops/x.rs", "use crate::nowhere::X;", 1),
    ];
    for (path, text, count) in bad {
        assert_eq!(climbs(&Source::new(path, text)).len(), count, "{path}: {text}");
    }
    let good = [
        ("src/frames/x.rs", "use crate::{volume::Volume, sys::disk, base::name::{JobName, ReleaseName}};"),
        ("src/query/x.rs", "use crate::base::status::JobStatus; use crate::query::Field;"),
        ("src/cli/x.rs", "use crate::ops::plan; // crate::nowhere\n"),
        ("src/base/x.rs", "/// [`crate::ops`] uses it.\nuse super::error::Class;"),
        ("src/lib.rs", "use crate::cli;"),
    ];
    for (path, text) in good {
        assert_eq!(climbs(&Source::new(path, text)), [], "{path}: {text}");
    }
}
