//! A query put to a row.
//!
//! Answers are yes, no, or open (`None`) where the row does not know: no `and` with a no is open, and no `or` with a yes.

use super::Asked;
use super::field::{Field, Is, NOT_ON_THE_MANAGER};
use super::row::{Row, Value};
use super::term::Term;
use super::tree::Node;
use super::words::Pattern;
use crate::base::ids::{SHORTEST, is_named as is_id};
use crate::base::status::JobStatus;

impl Node {
    /// Whether `row` matches.
    pub(super) fn verdict(&self, row: &(impl Row + ?Sized), asked: &Asked<'_>) -> Option<bool> {
        match self {
            Node::All(nodes) => settle(nodes.iter().map(|node| node.verdict(row, asked)), false),
            Node::Any(nodes) => settle(nodes.iter().map(|node| node.verdict(row, asked)), true),
            Node::Not(node) => node.verdict(row, asked).map(|is| !is),
            Node::Term(term) => term.verdict(row, asked),
        }
    }
}

/// `decisive` if one of the answers is, the other if none is, open if one could be.
fn settle(answers: impl Iterator<Item = Option<bool>>, decisive: bool) -> Option<bool> {
    let mut sum = Some(!decisive);
    for answer in answers {
        match answer {
            Some(is) if is == decisive => return Some(decisive),
            Some(_) => {}
            None => sum = None,
        }
    }
    sum
}

impl Term {
    fn verdict(&self, row: &(impl Row + ?Sized), asked: &Asked<'_>) -> Option<bool> {
        match self {
            Term::Bare { among, patterns } => {
                let bare = |field: &Field| match row.value(field) {
                    Value::Unknown if !patterns.iter().any(|pattern| may_name(row, field, pattern)) => Some(false),
                    value => of_text(value, |text| is_named(field, patterns, text)),
                };
                settle(among.iter().map(bare), true)
            }
            Term::Text { field, is_exact, patterns } => of_text(row.value(field), |text| match field {
                Field::Id if !is_exact => patterns.iter().any(|pattern| begins(pattern, text)),
                Field::Status => patterns.iter().any(|pattern| pattern.matches_any_case(text)),
                _ => patterns.iter().any(|pattern| pattern.matches(text)),
            }),
            Term::Expression { field, expression } => of_text(row.value(field), |text| expression.0.is_match(text)),
            Term::Number { field, ranges } => match row.value(field) {
                Value::Unknown => None,
                Value::Number(number) => Some(ranges.iter().any(|range| range.contains(number))),
                _ => Some(false),
            },
            Term::Date { field, ranges } => match row.value(field) {
                Value::Unknown => None,
                Value::Time(time) => Some(ranges.iter().any(|range| range.contains(time.0.as_second()))),
                _ => Some(false),
            },
            Term::Since { field, ranges } => match row.value(field) {
                Value::Unknown => None,
                Value::Time(time) => {
                    let seconds = i64::try_from(asked.now.since(time).as_secs()).unwrap_or(i64::MAX);
                    Some(ranges.iter().any(|range| range.contains(seconds)))
                }
                _ => Some(false),
            },
            Term::Frames { field, wanted } => match row.value(field) {
                Value::Unknown => None,
                Value::Frames(frames) => Some(wanted.shares_with(&frames)),
                Value::Number(frame) => Some(wanted.has(frame)),
                _ => Some(false),
            },
            Term::Is(words) => settle(words.iter().map(|word| word.verdict(row, asked)), true),
        }
    }
}

fn of_text(value: Value<'_>, test: impl Fn(&str) -> bool) -> Option<bool> {
    match value {
        Value::Unknown => None,
        Value::Text(text) => Some(test(&text)),
        Value::Texts(texts) => Some(texts.iter().any(|text| test(text))),
        _ => Some(false),
    }
}

/// Whether a bare word may name a row by a field that is not known.
fn may_name(row: &(impl Row + ?Sized), field: &Field, pattern: &Pattern) -> bool {
    match (field, pattern) {
        (Field::Id, Pattern::Glob(_)) => false,
        (Field::Id, Pattern::Text(word)) => word.chars().count() >= SHORTEST && row.may_be(field, word),
        (_, Pattern::Text(word)) => row.may_be(field, word),
        (_, Pattern::Glob(_)) => true,
    }
}

/// A bare word is a whole name or the beginning of an id; one that is a pattern never means an id.
fn is_named(field: &Field, patterns: &[Pattern], text: &str) -> bool {
    patterns.iter().any(|pattern| match (field, pattern) {
        (Field::Id, Pattern::Text(_)) => begins(pattern, text),
        (Field::Id, Pattern::Glob(_)) => false,
        _ => pattern.matches(text),
    })
}

fn begins(pattern: &Pattern, id: &str) -> bool {
    match pattern {
        Pattern::Text(word) => is_id(id, word),
        Pattern::Glob(_) => pattern.matches(id),
    }
}

impl Is {
    fn verdict(self, row: &(impl Row + ?Sized), asked: &Asked<'_>) -> Option<bool> {
        let value = row.value(&self.field());
        match self {
            Is::Mine => of_text(value, |user| !asked.user.is_empty() && user == asked.user),
            Is::Foreign => match value {
                Value::Unknown => None,
                value => Some(value == Value::Flag(true)),
            },
            Is::Open => of_text(value, |status| !has_ended(status) && !NOT_ON_THE_MANAGER.contains(&status)),
            Is::Ended => of_text(value, has_ended),
            Is::Busy => match value {
                Value::Unknown => None,
                value => Some(value != Value::None),
            },
        }
    }
}

/// Jobs and tasks end in the same three words.
fn has_ended(status: &str) -> bool {
    [JobStatus::Completed, JobStatus::Canceled, JobStatus::Failed].iter().any(|ended| ended.as_str() == status)
}
