//! A query as text again, in one form for each meaning: it is read as the same query, and needs no shell quotes but for its
//! spaces, globs and parentheses.

use super::field::Field;
use super::range::{Range, Scale};
use super::term::Term;
use super::tree::Node;
use super::words::{Pattern, print_bare, print_glob, print_text, quoted};
use std::fmt;

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::All(nodes) => {
                for (at, node) in nodes.iter().enumerate() {
                    f.write_str(if at > 0 { " " } else { "" })?;
                    match node {
                        Node::Any(_) => write!(f, "({node})")?,
                        node => node.fmt(f)?,
                    }
                }
                Ok(())
            }
            Node::Any(nodes) => {
                for (at, node) in nodes.iter().enumerate() {
                    f.write_str(if at > 0 { " or " } else { "" })?;
                    node.fmt(f)?;
                }
                Ok(())
            }
            Node::Not(node) => match &**node {
                Node::Term(term) => write!(f, "not {term}"),
                node => write!(f, "not ({node})"),
            },
            Node::Term(term) => term.fmt(f),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::Bare { patterns, .. } => f.write_str(&list(patterns, |pattern| print_pattern(pattern, print_bare))),
            Term::Text { field, is_exact, patterns } => {
                let operator = if *is_exact { ":=" } else { ":" };
                let values = list(patterns, |pattern| print_pattern(pattern, print_text));
                write!(f, "{}{operator}{values}", name(field))
            }
            Term::Expression { field, expression } => {
                write!(f, "{}:~{}", name(field), print_expression(expression.0.as_str()))
            }
            Term::Number { field, ranges } => write!(f, "{}:{}", name(field), print_ranges(Scale::Hundred, ranges)),
            Term::Date { field, ranges } => write!(f, "{}:{}", name(field), print_ranges(Scale::Moments, ranges)),
            Term::Since { field, ranges } => {
                let name = if *field == Field::Created { "age" } else { "idle" };
                write!(f, "{name}:{}", print_ranges(Scale::Seconds, ranges))
            }
            Term::Frames { field, wanted } => write!(f, "{}:{wanted}", name(field)),
            Term::Is(words) => write!(f, "is:{}", list(words, |word| word.name().to_owned())),
        }
    }
}

fn list<T>(items: &[T], print: impl Fn(&T) -> String) -> String {
    items.iter().map(print).collect::<Vec<_>>().join(",")
}

fn name(field: &Field) -> String {
    match field {
        Field::Meta(key) => format!("meta.{}", print_text(key)),
        field => field.name().to_owned(),
    }
}

fn print_pattern(pattern: &Pattern, print: fn(&str) -> String) -> String {
    match pattern {
        Pattern::Text(text) => print(text),
        Pattern::Glob(glob) => print_glob(glob),
    }
}

fn print_ranges(scale: Scale, ranges: &[Range]) -> String {
    list(ranges, |range| scale.print(range))
}

/// In quotes where it would end early otherwise.
fn print_expression(text: &str) -> String {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '(' | ')');
    if text.contains(ends) { quoted(text) } else { text.to_owned() }
}
