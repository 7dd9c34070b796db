//! What a command printed and how it ended, as one text.

use serde_json::Value;
use std::fmt;
use std::fs;
use std::path::Path;

/// How a command ended. Its `Display` is the whole story with the room's folder written as `$ROOM`.
#[derive(Clone)]
pub(crate) struct Outcome {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The exit code; 128 and the signal's number for one that was killed.
    pub(crate) code: i32,
    words: String,
    room: String,
}

impl Outcome {
    pub(crate) fn read(words: &str, code: i32, stdout: &Path, stderr: &Path, room: &Path) -> Self {
        let text = |path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
        Outcome {
            stdout: text(stdout),
            stderr: text(stderr),
            code,
            words: words.to_owned(),
            room: room.to_string_lossy().into_owned(),
        }
    }

    /// stdout and stderr together.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Fails unless it ended with `code`, and whatever it printed holds the rules of all output.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert!(self.code == code, "expected exit {code}:\n{self}");
        self.check_manners();
        self
    }

    /// What holds for every command without a terminal: no panic, no escape sequences, errors that name the next step.
    #[track_caller]
    pub(crate) fn check_manners(&self) {
        assert!(!self.text().contains("panicked at"), "it panicked:\n{self}");
        let control = |c: char| (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}');
        assert!(!self.text().contains(control), "control characters reached the output:\n{self:?}");
    }

    /// Fails unless stdout or stderr has each of `words`.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.text().contains(word), "it does not say {word:?}:\n{self}");
        }
        self
    }

    /// The one JSON document on stdout, whose first key is its schema.
    #[track_caller]
    pub(crate) fn json(&self, schema: &str) -> Value {
        let value: Value = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("stdout is not one JSON document ({e}):\n{self}"));
        assert_eq!(value["schema"], schema, "{self}");
        let first = self.stdout.trim_start().trim_start_matches('{').trim_start();
        assert!(first.starts_with("\"schema\""), "the schema is not the first key:\n{self}");
        value
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("$ farm {}\n{}--- stderr\n{}--- exit {}", self.words, self.stdout, self.stderr, self.code);
        f.write_str(&text.replace(&self.room, "$ROOM"))
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

/// Fails unless `value` is an object that has each of `keys`.
#[track_caller]
pub(crate) fn has_keys(value: &Value, keys: &[&str]) {
    for key in keys {
        assert!(value.get(key).is_some(), "no key {key:?} in {value:#}");
    }
}

/// The items of a JSON list.
#[track_caller]
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("not a list: {value:#}"))
}
