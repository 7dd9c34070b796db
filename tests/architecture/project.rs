//! What the project promises beside its code: listed tests, the glossary, documents, scripts, dependencies.

use crate::source::{Source, files, project};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

fn read(path: &str) -> String {
    fs::read_to_string(project().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Test modules that lie in `folder` and that no `mod` line in its main.rs (or mod.rs) names.
fn forgotten(folder: &str, root: &str, sources: &[Source]) -> Vec<String> {
    let listed: BTreeSet<&str> = sources
        .iter()
        .find(|source| source.path == format!("{folder}/{root}"))
        .map(|source| source.text.lines().filter_map(module_of).collect())
        .unwrap_or_default();
    sources
        .iter()
        .filter_map(|source| source.path.strip_prefix(&format!("{folder}/")))
        .map(|path| path.split('/').next().unwrap_or_default().trim_end_matches(".rs"))
        .filter(|name| *name != root.trim_end_matches(".rs") && !listed.contains(name))
        .map(str::to_owned)
        .collect()
}

fn module_of(line: &str) -> Option<&str> {
    let line = line.trim().strip_suffix(';')?;
    line.strip_prefix("mod ").or_else(|| line.strip_prefix("pub(crate) mod "))
}

#[test]
fn no_test_module_is_forgotten() {
    for (folder, root) in [
        ("tests/it", "main.rs"),
        ("tests/it/support", "mod.rs"),
        ("tests/sweep", "main.rs"),
        ("tests/conformance", "main.rs"),
    ] {
        assert_eq!(forgotten(folder, root, &files(folder, ".rs")), [""; 0], "{folder}/{root} does not list them");
    }
}

/// Folders of `tests/` with a `main.rs` that no target in the manifest names: with `autotests` off nothing runs them.
fn unnamed_programs(manifest: &str, sources: &[Source]) -> Vec<String> {
    let mains = sources.iter().map(|source| source.path.as_str()).filter(|path| path.ends_with("/main.rs"));
    mains.filter(|path| !manifest.contains(&format!("path = \"{path}\""))).map(str::to_owned).collect()
}

#[test]
fn no_test_program_is_forgotten() {
    assert_eq!(unnamed_programs(&read("Cargo.toml"), &files("tests", ".rs")), [""; 0], "Cargo.toml does not name them");
    let sources = [Source::new("tests/new/main.rs", "")];
    assert_eq!(unnamed_programs("path = \"tests/it/main.rs\"", &sources), ["tests/new/main.rs"]);
}

#[test]
fn the_forgotten_are_found() {
    let sources = [
        Source::new("tests/it/main.rs", "mod plan;\n"),
        Source::new("tests/it/plan.rs", ""),
        Source::new("tests/it/x.rs", ""),
    ];
    assert_eq!(forgotten("tests/it", "main.rs", &sources), ["x"]);
}

/// The words that a reader of farm's messages meets; each has its place in the glossary.
const WORDS: [&str; 26] = [
    "Archive",
    "Area",
    "Checkpoint",
    "Chunk",
    "Dist",
    "Frame",
    "Frame set",
    "Job",
    "Journal",
    "Lock",
    "Manager",
    "Mark",
    "Out",
    "Plan",
    "Query",
    "Quick",
    "Reason",
    "Release",
    "Report",
    "Run",
    "Selection",
    "Stage",
    "Store",
    "Task",
    "Trash",
    "Volume",
];

fn undefined(glossary: &str) -> Vec<&'static str> {
    WORDS.into_iter().filter(|word| !glossary.contains(&format!("\n**{word}**"))).collect()
}

#[test]
fn the_glossary_has_every_word() {
    assert_eq!(undefined(&read("docs/glossary.md")), [""; 0]);
    assert!(!undefined("\n**Job** is\n").is_empty(), "the rule does not bite");
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut broken = Vec::new();
    let readme = Source::new("README.md", &read("README.md"));
    for source in files("docs", ".md").iter().chain([&readme]) {
        let folder = project().join(&source.path);
        for link in links(&source.text) {
            if !folder.parent().is_some_and(|folder| folder.join(link).exists()) {
                broken.push(format!("{}: {link}", source.path));
            }
        }
    }
    assert_eq!(broken, [""; 0]);
    assert_eq!(links("[a](b.md#c) [d](https://e) [f](#g) `x](y)`"), ["b.md"]);
}

/// The targets of links to other files of the project, without the part after `#`.
fn links(text: &str) -> Vec<&str> {
    let outside_code: Vec<&str> = text.split('`').step_by(2).collect();
    outside_code
        .into_iter()
        .flat_map(|part| part.split("](").skip(1))
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://") && !target.starts_with('#'))
        .map(|target| target.split('#').next().unwrap_or_default())
        .collect()
}

#[test]
fn what_is_expected_lies_at_its_place() {
    for path in ["README.md", "LICENSE", "Cargo.lock", ".ci/run", "tests/run.sh", "examples/quickstart.sh"] {
        assert!(project().join(path).is_file(), "{path} is missing");
    }
    assert!(read("LICENSE").starts_with("MIT License"));
    let readme = read("README.md");
    for command in ["examples/quickstart.sh", "tests/run.sh"] {
        assert!(readme.contains(command), "the README does not name {command}");
    }
}

/// Licences under which a dependency may come. All allow use in a program under MIT.
const LICENCES: [&str; 15] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unlicense",
    "Unicode-3.0",
    "0BSD",
    "CC0-1.0",
    "MIT-0",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
    "bzip2-1.0.6",
];

/// Whether an SPDX expression can be met with the licences above.
fn is_allowed(expression: &str) -> bool {
    let text = expression.replace('/', " OR ");
    let flat = text.replace(['(', ')'], " ");
    // Without nesting in practice: an `AND` of `OR`s or an `OR` of `AND`s, so every `AND` group is looked at apart.
    if text.contains('(') && text.contains(" AND ") {
        return flat.split(" AND ").all(|group| group.split(" OR ").any(|name| LICENCES.contains(&name.trim())));
    }
    flat.split(" OR ").any(|group| group.split(" AND ").all(|name| LICENCES.contains(&name.trim())))
}

/// The packages farm is built from on this platform, by cargo's own account.
fn metadata() -> serde_json::Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let about = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let about = String::from_utf8_lossy(&about.stdout).into_owned();
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host])
        .current_dir(project())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

#[test]
fn every_dependency_has_an_allowed_licence() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 20, "cargo metadata lists {} packages", packages.len());
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| !package["license"].as_str().is_some_and(is_allowed))
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert_eq!(refused, [""; 0]);

    assert!(is_allowed("(MIT OR Apache-2.0) AND Unicode-3.0") && is_allowed("Unlicense/MIT"));
    assert!(!is_allowed("GPL-3.0") && !is_allowed("MIT AND GPL-2.0") && !is_allowed("(MIT OR ISC) AND SSPL-1.0"));
}

/// How many packages may be there in more than one version. Lower it when one goes; raise it only with a reason.
const MOST_DUPLICATES: usize = 5;

#[test]
fn few_packages_come_twice() {
    let lock = read("Cargo.lock");
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    for line in lock.lines() {
        if let Some(name) = line.strip_prefix("name = ") {
            *versions.entry(name).or_default() += 1;
        }
    }
    let twice: Vec<&str> = versions.iter().filter(|(_, count)| **count > 1).map(|(name, _)| *name).collect();
    assert!(twice.len() <= MOST_DUPLICATES, "{} packages come in several versions: {}", twice.len(), twice.join(" "));
}

#[test]
fn no_dependency_comes_from_outside_the_registry() {
    let lock = read("Cargo.lock");
    let sources: BTreeSet<&str> = lock.lines().filter_map(|line| line.strip_prefix("source = ")).collect();
    assert_eq!(sources.into_iter().collect::<Vec<_>>(), ["\"registry+https://github.com/rust-lang/crates.io-index\""]);
}
