//! The one door to the terminal: data to stdout, talk to stderr, nothing of foreign origin unescaped.

use crate::base::error::{Class, Failure};
use crate::cli::{escape, exit, json};
use console::{Key, Term};
use serde::Serialize;
use std::io::{self, BufRead, IsTerminal, Write};
use std::ops::ControlFlow;
use std::sync::OnceLock;

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
    /// Why something that belongs on stdout did not get there.
    lost: OnceLock<io::Error>,
}

/// The signal of Ctrl-C.
const SIGINT: i32 = 2;

impl Output {
    /// An output of this form.
    pub fn new(form: Form, talk: Talk) -> Self {
        Output { form, talk, lost: OnceLock::new() }
    }

    /// How results are printed.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Whether a person can answer a question: stdin and stderr are both a terminal.
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks on stderr and reads a line from stdin, without its end; `None` at the end of the input.
    pub fn ask(&self, question: &str) -> Option<String> {
        let mut terminal = io::stderr().lock();
        let _closed = write!(terminal, "{}", escape::line(question)).and_then(|()| terminal.flush());
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line).ok()?;
        (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Asks on stderr and reads an answer key by key: `None` for Esc and Ctrl-D, which leave. A whole line would be read to
    /// its Enter, whatever is pressed.
    pub fn ask_or_leave(&self, question: &str) -> Result<Option<String>, Failure> {
        let terminal = Term::stderr();
        let broken = |error: io::Error| match error.kind() {
            io::ErrorKind::Interrupted => Failure::new(Class::Interrupted(SIGINT), "interrupted"),
            _ => Failure::new(Class::Usage, format!("the terminal cannot be read: {error}")),
        };
        terminal.write_str(&escape::line(question)).map_err(broken)?;
        let mut answer = String::new();
        let left = loop {
            match terminal.read_key().map_err(broken)? {
                Key::Enter => break false,
                Key::Escape | Key::Char('\u{4}') => break true,
                Key::Backspace => {
                    let width = answer.pop().map(|last| console::measure_text_width(&last.to_string()));
                    terminal.clear_chars(width.unwrap_or_default()).map_err(broken)?;
                }
                Key::Char(letter) if !letter.is_control() => {
                    answer.push(letter);
                    terminal.write_str(&letter.to_string()).map_err(broken)?;
                }
                _ => {}
            }
        };
        terminal.write_line("").map_err(broken)?;
        Ok((!left).then(|| answer.trim().to_owned()))
    }

    /// Whether progress may be drawn: stderr is a terminal and the talk is not quiet.
    pub fn can_draw(&self) -> bool {
        self.talk == Talk::Normal && io::stderr().is_terminal()
    }

    /// Whether stdout is a terminal, so that a screen may be redrawn there.
    pub fn is_screen(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Prints a result: `human` for people, `document` with `--json`.
    pub fn result(&self, human: &str, document: &impl Serialize) {
        match self.form {
            Form::Human => self.data(human),
            Form::Json => self.document(document),
        }
    }

    /// The same, where either is long: only what is wanted is made.
    pub fn long_result<D: Serialize>(&self, human: impl FnOnce() -> String, document: impl FnOnce() -> D) {
        match self.form {
            Form::Human => self.data(&human()),
            Form::Json => self.document(&document()),
        }
    }

    /// Text to stdout, escaped line by line. A closed pipe ends the output, not the program.
    pub fn data(&self, text: &str) {
        let mut text = escape::lines(text);
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let _closed = self.write_out(text.as_bytes());
    }

    /// Bytes that farm itself made (completions, man pages, a screen) to stdout as they are.
    pub fn raw(&self, bytes: &[u8]) {
        let _closed = self.write_out(bytes);
    }

    /// One JSON document to stdout. It is written while it is made: a long one never lies in memory as a whole.
    pub fn document(&self, document: &impl Serialize) {
        let mut out = io::BufWriter::new(io::stdout().lock());
        let made = json::write(&mut out, document).map_err(io::Error::from);
        let _closed = self.note(made.and_then(|()| writeln!(out)).and_then(|()| out.flush()));
    }

    /// Talk to stderr; not with `--quiet`.
    pub fn say(&self, text: &str) {
        if self.talk == Talk::Normal {
            eprintln_lossy(&escape::lines(text));
        }
    }

    /// What an error is about, on stderr before it, also with `--quiet`.
    pub fn show(&self, text: &str) {
        eprintln_lossy(&escape::lines(text));
    }

    /// A warning to stderr, also with `--quiet`.
    pub fn warn(&self, text: &str) {
        eprintln_lossy(&format!("warning: {}", escape::line(text)));
    }

    /// Part of a long output, as it is: escaped before, unless somebody wants it raw. Break: nobody reads on, or it cannot
    /// be written.
    pub fn piece(&self, bytes: &[u8]) -> ControlFlow<()> {
        self.write_out(bytes)
    }

    fn write_out(&self, bytes: &[u8]) -> ControlFlow<()> {
        let mut out = io::stdout().lock();
        self.note(out.write_all(bytes).and_then(|()| out.flush()))
    }

    /// Keeps what went wrong with standard output. Break: nothing more can go there.
    fn note(&self, written: io::Result<()>) -> ControlFlow<()> {
        match written {
            Ok(()) => return ControlFlow::Continue(()),
            // Whoever closed the pipe does not want the rest: `farm status | head` is no error.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            // The first cause is the one to tell.
            Err(error) => drop(self.lost.set(error)),
        }
        ControlFlow::Break(())
    }

    /// The failure to print a result, if there was one: a document on a full disk is cut, and nobody must take it for whole.
    pub fn lost(&self) -> Option<Failure> {
        let cause = self.lost.get()?;
        let failure = Failure::new(Class::Failed, format!("the result cannot be written to standard output: {cause}"));
        Some(failure.with_hint("Free some space where the output goes, then run the same command again."))
    }

    /// An error in words on stderr, where something else is printed on stdout.
    pub fn error(&self, failure: &Failure) {
        eprintln_lossy(&format!("error: {}", escape::line(&failure.message())));
        if let Some(hint) = failure.hint() {
            eprintln_lossy(&format!("  next: {}", escape::line(hint)));
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

fn eprintln_lossy(text: &str) {
    let _closed = writeln!(io::stderr().lock(), "{text}");
}
