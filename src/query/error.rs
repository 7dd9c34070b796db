//! What is wrong with a query, and where.

use crate::base::error::{Class, Explain};

/// The longest piece of a query that a message repeats, in characters.
const EXCERPT: usize = 100;

/// Why a text is no query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}{}, column {column}: {cause}", excerpt(text, *column))]
pub struct QueryError {
    origin: String,
    text: String,
    column: usize,
    cause: String,
    hint: Option<String>,
}

/// What is wrong, before it is known in which text.
#[derive(Debug)]
pub(super) struct Fault {
    /// Counted in characters, from 1.
    pub(super) column: usize,
    pub(super) cause: String,
    pub(super) hint: Option<String>,
}

impl Fault {
    pub(super) fn new(column: usize, cause: impl Into<String>) -> Fault {
        Fault { column, cause: cause.into(), hint: None }
    }

    /// The same with the next step, a full sentence.
    pub(super) fn hint(self, hint: impl Into<String>) -> Fault {
        Fault { hint: Some(hint.into()), ..self }
    }

    /// In this text, which `origin` brings (`query `, `queries.nightly of c.yaml: `).
    pub(super) fn within(self, origin: &str, text: &str) -> QueryError {
        QueryError {
            origin: origin.to_owned(),
            text: text.to_owned(),
            column: self.column,
            cause: self.cause,
            hint: self.hint,
        }
    }
}

impl QueryError {
    /// Where in [`QueryError::text`] it is wrong, in characters from 1. It may be one behind the last: something is missing.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The text that is wrong: the query, or the named one that it speaks of.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text with a mark under the column, on two lines, for a terminal.
    pub fn pointer(&self) -> String {
        let (shown, column) = window(&self.text, self.column);
        let flat: String = shown.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        format!("{flat}\n{}^", " ".repeat(column - 1))
    }
}

impl Explain for QueryError {
    fn class(&self) -> Class {
        Class::Usage
    }
    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}

fn excerpt(text: &str, column: usize) -> String {
    format!("{:?}", window(text, column).0)
}

/// As much of the text around the column as a line holds, and the column within that.
fn window(text: &str, column: usize) -> (String, usize) {
    let length = text.chars().count();
    if length <= EXCERPT {
        return (text.to_owned(), column);
    }
    let start = column.saturating_sub(EXCERPT / 2).min(length - EXCERPT);
    let middle: String = text.chars().skip(start).take(EXCERPT).collect();
    let before = if start > 0 { "…" } else { "" };
    let after = if start + EXCERPT < length { "…" } else { "" };
    (format!("{before}{middle}{after}"), column - start + before.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_shown_around_its_fault() {
        let error = Fault::new(2, "no").within("query ", "ab");
        assert_eq!(error.to_string(), "query \"ab\", column 2: no");
        assert_eq!(error.pointer(), "ab\n ^");
        let long = format!("{}!{}", "a".repeat(300), "b".repeat(300));
        let error = Fault::new(301, "no").within("query ", &long);
        let (line, mark) = error.pointer().split_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("lines");
        assert_eq!(line.chars().nth(mark.chars().count() - 1), Some('!'), "{line}");
        assert!(line.chars().count() <= EXCERPT + 2 && error.to_string().contains("column 301"), "{error}");
        let at_the_end = Fault::new(602, "no").within("query ", &long).pointer();
        assert!(at_the_end.starts_with('…') && at_the_end.ends_with('^'), "{at_the_end}");
    }
}
