//! The project's source as the rules see it: files, and code without comments, strings and test modules.

use std::fs;
use std::path::{Path, PathBuf};

/// One source file.
pub(crate) struct Source {
    /// Its path below the project, with `/`: `src/base/name.rs`.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

/// Where a rule is broken.
#[derive(Debug, PartialEq)]
pub(crate) struct Offence {
    pub(crate) place: String,
    pub(crate) what: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    /// The module folder below `src/`: `base` for `src/base/name.rs`, empty for `src/lib.rs`.
    pub(crate) fn floor(&self) -> &str {
        let below = self.path.strip_prefix("src/").unwrap_or_default();
        below.split_once('/').map_or_else(|| below.strip_suffix(".rs").unwrap_or_default(), |(folder, _)| folder)
    }

    /// Whether the file is a test module of its own, kept apart from a file that it would make too long.
    fn is_test_module(&self) -> bool {
        self.path.starts_with("src/") && (self.path.ends_with("/tests.rs") || self.path.contains("/tests/"))
    }

    /// The lines before the test module at the end, if there is one.
    pub(crate) fn lines_without_tests(&self) -> Vec<&str> {
        if self.is_test_module() {
            return Vec::new();
        }
        let lines: Vec<&str> = self.text.lines().collect();
        let end = lines.iter().enumerate().position(|(n, line)| {
            line.starts_with("#[cfg(test)]") && lines[n + 1..].iter().take(3).any(|next| next.starts_with("mod tests"))
        });
        lines[..end.unwrap_or(lines.len())].to_vec()
    }

    /// The code without the test module, comments and the contents of strings; line numbers stay.
    pub(crate) fn code(&self) -> String {
        strip(&self.lines_without_tests().join("\n"))
    }

    pub(crate) fn offence(&self, line: usize, what: impl Into<String>) -> Offence {
        Offence { place: format!("{}:{}", self.path, line + 1), what: what.into() }
    }
}

/// Replaces comments and the contents of strings and characters by blanks; line breaks stay.
fn strip(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = end_of_blank(bytes, at);
        if end == at {
            out.push(bytes[at]);
            at += 1;
        } else {
            out.extend(bytes[at..end].iter().map(|&b| if b == b'\n' { b'\n' } else { b' ' }));
            at = end;
        }
    }
    String::from_utf8(out).expect("blanks are only put for whole comments and strings")
}

/// Where the comment or string that begins at `at` ends; `at` itself if none begins there.
fn end_of_blank(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let after_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    if rest.starts_with(b"//") {
        at + rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len())
    } else if rest.starts_with(b"/*") {
        at + find(rest, b"*/").map_or(rest.len(), |n| n + 2)
    } else if !after_word && (rest.starts_with(b"r\"") || rest.starts_with(b"r#")) {
        end_of_raw_string(bytes, at)
    } else if rest[0] == b'"' {
        end_of_string(bytes, at)
    } else if rest[0] == b'\'' {
        end_of_char(bytes, at)
    } else {
        at
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn end_of_raw_string(bytes: &[u8], at: usize) -> usize {
    let hashes = bytes[at + 1..].iter().take_while(|&&b| b == b'#').count();
    let open = at + 1 + hashes;
    if bytes.get(open) != Some(&b'"') {
        return at; // `r#match`: a raw identifier
    }
    let close = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
    find(&bytes[open + 1..], &close).map_or(bytes.len(), |n| open + 1 + n + close.len())
}

fn end_of_string(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while end < bytes.len() && bytes[end] != b'"' {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    (end + 1).min(bytes.len())
}

/// A character literal; a lifetime (`'a`) is left alone.
fn end_of_char(bytes: &[u8], at: usize) -> usize {
    if bytes.get(at + 1) == Some(&b'\\') {
        return bytes[at + 3..].iter().position(|&b| b == b'\'').map_or(bytes.len(), |n| at + 3 + n + 1);
    }
    let close = bytes[at + 1..].iter().take(5).position(|&b| b == b'\'');
    match close {
        Some(n) if n == 1 || !bytes[at + 1].is_ascii() => at + 1 + n + 1,
        _ => at,
    }
}

/// The project's folder.
pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folder` whose name ends with `ending`, sorted.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&project().join(folder), ending, &mut found);
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let below = path.strip_prefix(project()).expect("it lies in the project");
            Source { path: below.to_string_lossy().replace('\\', "/"), text }
        })
        .collect()
}

/// The sources of the program itself: not the build script, which cargo runs and which is no part of it.
pub(crate) fn program() -> Vec<Source> {
    files("src", ".rs").into_iter().filter(|source| source.path != "src/build.rs").collect()
}

fn collect(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
}

/// Fails with every offence, one per line.
pub(crate) fn assert_none(rule: &str, offences: &[Offence]) {
    let lines: Vec<String> = offences.iter().map(|o| format!("  {}: {}", o.place, o.what)).collect();
    assert!(offences.is_empty(), "{rule}:\n{}", lines.join("\n"));
}

#[test]
fn comments_and_strings_are_no_code() {
    let text = "a // std::fs::x\n\"std::fs::y\" 'q' '\\'' b'\"' r#\"std::fs::z\"# 'a: loop /* std::fs\n:: */ é 'é' end";
    let code = strip(text);
    assert!(!code.contains("std::fs"), "{code}");
    assert!(code.contains("'a: loop") && code.contains("end"), "{code}");
    assert_eq!(code.lines().count(), text.lines().count());
}

#[test]
fn the_test_module_is_left_out() {
    let source = Source::new("src/base/x.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n  use std::fs;\n}\n");
    assert_eq!(source.lines_without_tests(), ["fn a() {}"]);
    assert_eq!(Source::new("src/base/x/tests.rs", "use std::fs;").code(), "");
    assert_eq!(source.floor(), "base");
    assert_eq!(Source::new("src/lib.rs", "").floor(), "lib");
}
