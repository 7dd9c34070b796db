//! The query language: one grammar for jobs, tasks, workers and frames (`docs/queries.md`).
//!
//! Pure: a text becomes a [`Query`], which is put to rows that answer only what they are asked. A wrong word is an error with
//! its column, never an answer of nothing.

mod error;
mod field;
mod frames;
mod glob;
mod lexer;
mod matcher;
mod parser;
mod print;
mod range;
mod row;
mod term;
mod tree;
mod words;

#[cfg(test)]
mod tests;

pub use error::QueryError;
pub use field::{Field, Subject};
pub use parser::{Named, NamedQuery};
pub use row::{Row, Value};

use crate::base::time::Timestamp;
use std::collections::BTreeSet;
use std::fmt;
use tree::Node;

/// A query that was read: what it asks for is known to exist, patterns are compiled.
#[derive(Debug, Clone)]
pub struct Query {
    subject: Subject,
    /// As it is printed.
    written: Node,
    /// The same, what is cheap to know first.
    plan: Node,
}

/// Who asks, and when.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Ages count back from here.
    pub now: Timestamp,
    /// Whose jobs `is:mine` means; nobody's where it is empty.
    pub user: &'a str,
}

impl Query {
    /// The query that everything of the subject matches.
    pub fn everything(subject: Subject) -> Query {
        Query::of(subject, Node::All(Vec::new()))
    }

    /// Reads `text` as a question about `subject`. `@name` stands for one of `named`.
    pub fn parse(subject: Subject, text: &str, named: &Named) -> Result<Query, QueryError> {
        parser::parse(subject, text, named).map(|written| Query::of(subject, written))
    }

    fn of(subject: Subject, written: Node) -> Query {
        Query { subject, plan: written.clone().cheapest_first(), written }
    }

    /// What it selects.
    pub fn subject(&self) -> Subject {
        self.subject
    }

    /// Whether it asks for nothing, and so matches everything.
    pub fn is_empty(&self) -> bool {
        self.written == Node::All(Vec::new())
    }

    /// What both match. Both are about the same subject.
    #[must_use]
    pub fn and(self, other: Query) -> Query {
        Query::of(self.subject, Node::all(vec![self.written, other.written]))
    }

    /// Whether `row` matches. One that leaves open what the answer hangs on does not.
    pub fn matches(&self, row: &(impl Row + ?Sized), asked: &Asked<'_>) -> bool {
        self.verdict(row, asked) == Some(true)
    }

    /// Whether `row` matches; `None` where the answer hangs on a value that the row says is [`Value::Unknown`]. So a caller
    /// can put a query to rows that are not whole yet, and look up the rest of those alone that are still in question.
    pub fn verdict(&self, row: &(impl Row + ?Sized), asked: &Asked<'_>) -> Option<bool> {
        self.plan.verdict(row, asked)
    }

    /// What it may ask of a row.
    pub fn fields(&self) -> BTreeSet<Field> {
        let mut fields = BTreeSet::new();
        self.written.each_term(&mut |term| fields.extend(term.fields()));
        fields
    }

    /// The bare words in it that are no globs: the names that a message may be about when nothing matches.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.written.each_term(&mut |term| names.extend(term.bare_names()));
        names
    }

    /// Names that stand side by side, so that one thing would have to bear them all: most often any of them was meant.
    pub fn names_side_by_side(&self) -> Vec<&str> {
        let Node::All(nodes) = &self.written else { return Vec::new() };
        let names: Vec<Vec<&str>> = nodes
            .iter()
            .filter_map(|node| if let Node::Term(term) = node { Some(term.bare_names().collect()) } else { None })
            .filter(|names: &Vec<&str>| !names.is_empty())
            .collect();
        if names.len() > 1 { names.concat() } else { Vec::new() }
    }
}

impl PartialEq for Query {
    fn eq(&self, other: &Query) -> bool {
        self.subject == other.subject && self.written == other.written
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written.fmt(f)
    }
}
