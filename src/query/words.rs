//! Words that are compared with text: as they stand, or as patterns.

use super::error::Fault;
use super::glob::{Glob, Piece, is_glob};
use super::lexer::{Letter, keyword};
use std::fmt::Write;

/// A word to compare with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Pattern {
    /// This very text.
    Text(String),
    /// Whatever fits.
    Glob(Glob),
}

impl Pattern {
    /// A pattern where it has any of `*?[` outside of quotes, otherwise a text.
    pub(super) fn new(word: &[Letter]) -> Result<Pattern, Fault> {
        if is_glob(word) { Glob::new(word).map(Pattern::Glob) } else { Ok(Pattern::Text(text(word))) }
    }

    /// Whether it is, or fits, this text.
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Pattern::Text(word) => word == text,
            Pattern::Glob(glob) => glob.matches(text, |c| c),
        }
    }

    /// The same in whatever case.
    pub(super) fn matches_any_case(&self, text: &str) -> bool {
        match self {
            Pattern::Text(word) => word.eq_ignore_ascii_case(text),
            Pattern::Glob(glob) => glob.matches(text, |c| c.to_ascii_lowercase()),
        }
    }
}

/// The characters of a word.
pub(super) fn text(word: &[Letter]) -> String {
    word.iter().map(|letter| letter.c).collect()
}

/// Characters that never mean anything in a word.
fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || "._-/+%#@".contains(c)
}

/// A text so that it is read as a word again: in quotes where anything in it would mean something.
pub(super) fn print_text(text: &str) -> String {
    if !text.is_empty() && text.chars().all(is_plain) && !text.contains("..") {
        return text.to_owned();
    }
    quoted(text)
}

/// The same for a word that stands alone, which must not be taken for a word of the grammar.
pub(super) fn print_bare(text: &str) -> String {
    let letters: Vec<Letter> = text.chars().map(|c| Letter { c, quoted: false, column: 0 }).collect();
    match keyword(&letters).is_some() || text.starts_with(['-', '@']) {
        true => quoted(text),
        false => print_text(text),
    }
}

/// A text in quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A pattern so that it is read as the same again.
pub(super) fn print_glob(glob: &Glob) -> String {
    let mut text = String::new();
    for (at, piece) in glob.0.iter().enumerate() {
        match piece {
            Piece::Any => text.push('?'),
            Piece::Many => text.push('*'),
            Piece::One(c) => {
                let is_dotted = *c == '.' && text.ends_with('.');
                let is_first = at == 0 && matches!(c, '-' | '@');
                text += &if is_plain(*c) && !is_dotted && !is_first { c.to_string() } else { quoted(&c.to_string()) };
            }
            Piece::Class { negated, ranges } => {
                text += if *negated { "[!" } else { "[" };
                ranges.iter().for_each(|range| print_range(&mut text, *range));
                text.push(']');
            }
        }
    }
    text
}

fn print_range(text: &mut String, (first, last): (char, char)) {
    let member = |c: char| if c.is_alphanumeric() { c.to_string() } else { quoted(&c.to_string()) };
    let _infallible = match first == last {
        true => write!(text, "{}", member(first)),
        false => write!(text, "{}-{}", member(first), member(last)),
    };
}
