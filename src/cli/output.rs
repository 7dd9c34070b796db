//! The one door to the terminal: data to stdout, talk to stderr, nothing of foreign origin unescaped.

use crate::base::error::Failure;
use crate::cli::{escape, exit};
use serde::Serialize;
use std::io::{IsTerminal, Write};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Human,
    /// One JSON document on stdout.
    Json,
}

/// How much talk goes to stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Talk {
    /// Progress, hints and summaries.
    Normal,
    /// Warnings and errors alone.
    Quiet,
}

/// Where everything that is printed goes through.
pub struct Output {
    form: Form,
    talk: Talk,
}

impl Output {
    /// An output of this form.
    pub fn new(form: Form, talk: Talk) -> Self {
        Output { form, talk }
    }

    /// How results are printed.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Whether a person can answer a question: stdin and stderr are both a terminal.
    pub fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Whether progress may be drawn: stderr is a terminal and the talk is not quiet.
    pub fn can_draw(&self) -> bool {
        self.talk == Talk::Normal && std::io::stderr().is_terminal()
    }

    /// Whether stdout is a terminal, so that a screen may be redrawn there.
    pub fn is_screen(&self) -> bool {
        std::io::stdout().is_terminal()
    }

    /// Prints a result: `human` for people, `document` with `--json`.
    pub fn result(&self, human: &str, document: &impl Serialize) {
        match self.form {
            Form::Human => self.data(human),
            Form::Json => self.document(document),
        }
    }

    /// Text to stdout, escaped line by line. A closed pipe ends the output, not the program.
    pub fn data(&self, text: &str) {
        let mut text = escape::lines(text);
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        write_out(text.as_bytes());
    }

    /// Bytes that farm itself made (completions, man pages, a screen) to stdout as they are.
    pub fn raw(&self, bytes: &[u8]) {
        write_out(bytes);
    }

    /// One JSON document to stdout.
    pub fn document(&self, document: &impl Serialize) {
        match serde_json::to_string_pretty(document) {
            Ok(text) => write_out(format!("{text}\n").as_bytes()),
            Err(error) => self.warn(&format!("the JSON document could not be made: {error}")),
        }
    }

    /// Talk to stderr; not with `--quiet`.
    pub fn say(&self, text: &str) {
        if self.talk == Talk::Normal {
            eprintln_lossy(&escape::lines(text));
        }
    }

    /// A warning to stderr, also with `--quiet`.
    pub fn warn(&self, text: &str) {
        eprintln_lossy(&format!("warning: {}", escape::lines(text)));
    }

    /// An error in words on stderr, where something else is printed on stdout.
    pub fn error(&self, failure: &Failure) {
        eprintln_lossy(&format!("error: {}", escape::lines(&failure.message())));
        if let Some(hint) = failure.hint() {
            eprintln_lossy(&format!("  next: {}", escape::lines(hint)));
        }
    }

    /// An error: `farm.error/1` on stdout with `--json`, and words on stderr in any case.
    pub fn failure(&self, failure: &Failure) {
        self.error(failure);
        if self.form == Form::Json {
            self.document(&ErrorDocument {
                schema: "farm.error/1",
                class: exit::word(failure.class()),
                exit_code: exit::code(failure.class()),
                message: &failure.message(),
                hint: failure.hint(),
            });
        }
    }
}

/// `farm.error/1`.
#[derive(Serialize)]
struct ErrorDocument<'a> {
    schema: &'static str,
    class: &'static str,
    exit_code: u8,
    message: &'a str,
    hint: Option<&'a str>,
}

fn write_out(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    // Whoever closed the pipe does not want the rest: `farm status | head` is no error.
    let _closed = out.write_all(bytes).and_then(|()| out.flush());
}

fn eprintln_lossy(text: &str) {
    let _closed = writeln!(std::io::stderr().lock(), "{text}");
}
