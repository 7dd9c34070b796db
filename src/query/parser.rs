//! A text read as a tree of terms.

use super::QueryError;
use super::error::Fault;
use super::field::Subject;
use super::lexer::{Keyword, Letter, Placed, Token, keyword, tokens};
use super::term;
use super::tree::Node;
use super::words::text;
use crate::base::frame_set::MAX_FRAMES;
use crate::base::nearest::nearest;
use std::collections::BTreeMap;

/// The longest query, in bytes; no shell passes a longer word on.
const LONGEST: usize = 64 * 1024;
/// The deepest that parentheses, `not` and named queries may lie in each other.
const DEEPEST: usize = 100;
/// The longest query with all that it names, each counted as often as it is named.
const LONGEST_IN_ALL: usize = 16 * LONGEST;
/// The most single frames in all of it: a short text may stand for very many.
const MOST_FRAMES: usize = 4 * MAX_FRAMES as usize;

/// Named queries: what `@name` stands for.
pub type Named = BTreeMap<String, NamedQuery>;

/// A query under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedQuery {
    /// The query.
    pub text: String,
    /// What an error in it is told to be of: `queries.nightly of /vol/.farm/config.yaml`.
    pub origin: String,
}

/// Reads `text`.
pub(super) fn parse(subject: Subject, text: &str, named: &Named) -> Result<Node, QueryError> {
    let mut room = Room { depth: 0, length: 0, frames: 0, open: Vec::new() };
    read(&Text { subject, named, origin: "query ", text }, &mut room)
}

/// A text that is being read: the query, or one that it names.
struct Text<'a> {
    subject: Subject,
    named: &'a Named,
    origin: &'a str,
    text: &'a str,
}

/// What has been used up of the bounds, over all texts.
struct Room {
    depth: usize,
    length: usize,
    frames: usize,
    /// The named queries that are being read, the outermost first.
    open: Vec<String>,
}

/// Why a text cannot be read: it is wrong itself, or one that it names is.
enum Trouble {
    Here(Fault),
    Within(QueryError),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Trouble {
        Trouble::Here(fault)
    }
}

fn read(text: &Text<'_>, room: &mut Room) -> Result<Node, QueryError> {
    room.length += text.text.len();
    let limits = [(text.text.len(), LONGEST, "it is"), (room.length, LONGEST_IN_ALL, "with all that it names it is")];
    if let Some((_, limit, what)) = limits.into_iter().find(|(length, limit, _)| length > limit) {
        let fault = Fault::new(1, format!("{what} longer than {} KiB", limit / 1024));
        return Err(fault.hint("Make several queries of it.").within(text.origin, text.text));
    }
    let node = tokens(text.text).map_err(Trouble::Here).and_then(|tokens| {
        let end = text.text.chars().count() + 1;
        Parser { text, room, tokens: &tokens, at: 0, end }.whole()
    });
    node.map_err(|trouble| match trouble {
        Trouble::Here(fault) => fault.within(text.origin, text.text),
        Trouble::Within(error) => error,
    })
}

struct Parser<'a> {
    text: &'a Text<'a>,
    room: &'a mut Room,
    tokens: &'a [Placed],
    at: usize,
    /// The column behind the last character.
    end: usize,
}

impl<'a> Parser<'a> {
    fn whole(&mut self) -> Result<Node, Trouble> {
        if self.tokens.is_empty() {
            return Ok(Node::All(Vec::new()));
        }
        let node = self.alternatives()?;
        match self.peek() {
            // Only a parenthesis ends alternatives before the text does.
            Some(placed) => Err(Fault::new(placed.column, "a parenthesis that was never opened").into()),
            None => Ok(node),
        }
    }

    fn peek(&self) -> Option<&'a Placed> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<&'a Placed> {
        let placed = self.tokens.get(self.at)?;
        self.at += 1;
        Some(placed)
    }

    fn peek_keyword(&self) -> Option<Keyword> {
        match &self.peek()?.token {
            Token::Word(word) => keyword(word),
            _ => None,
        }
    }

    /// The column of what comes next, or of the end.
    fn column(&self) -> usize {
        self.peek().map_or(self.end, |placed| placed.column)
    }

    fn alternatives(&mut self) -> Result<Node, Trouble> {
        let mut nodes = vec![self.conjunction()?];
        while self.peek_keyword() == Some(Keyword::Or) {
            self.next();
            nodes.push(self.conjunction()?);
        }
        Ok(Node::any(nodes))
    }

    fn conjunction(&mut self) -> Result<Node, Trouble> {
        let mut nodes = vec![self.unary()?];
        loop {
            match (self.peek().map(|placed| &placed.token), self.peek_keyword()) {
                (None | Some(Token::Close), _) | (_, Some(Keyword::Or)) => return Ok(Node::all(nodes)),
                (_, Some(Keyword::And)) => drop(self.next()),
                _ => {}
            }
            nodes.push(self.unary()?);
        }
    }

    fn unary(&mut self) -> Result<Node, Trouble> {
        let column = self.column();
        if let Some(word @ (Keyword::And | Keyword::Or)) = self.peek_keyword() {
            let word = if word == Keyword::And { "and" } else { "or" };
            return Err(Fault::new(column, format!("nothing stands before {word:?}"))
                .hint(format!("Put it into quotes, \"{word}\", if it is a name."))
                .into());
        }
        if self.peek_keyword() == Some(Keyword::Not) {
            self.next();
            return self.deeper(column, |parser| parser.unary().map(Node::not));
        }
        let Some(placed) = self.next() else {
            return Err(Fault::new(column, "something is missing at the end").into());
        };
        match &placed.token {
            Token::Minus => self.deeper(column, |parser| parser.unary().map(Node::not)),
            Token::Open => self.deeper(column, |parser| parser.group(column)),
            Token::Close => Err(self.nothing_before(column).into()),
            Token::Word(word) if word[0].is('@') => self.named(&word[1..], column),
            Token::Word(word) => self.term(word, column),
        }
    }

    fn nothing_before(&self, column: usize) -> Fault {
        let is_empty = self.at >= 2 && self.tokens[self.at - 2].token == Token::Open;
        Fault::new(
            column,
            if is_empty { "nothing stands in the parentheses" } else { "something is missing before it" },
        )
    }

    fn group(&mut self, opened: usize) -> Result<Node, Trouble> {
        let node = self.alternatives()?;
        match self.next() {
            Some(_) => Ok(node),
            None => Err(Fault::new(opened, "a parenthesis that is never closed").into()),
        }
    }

    fn term(&mut self, word: &[Letter], column: usize) -> Result<Node, Trouble> {
        let term = term::read(word, self.text.subject)?;
        self.room.frames += term.frames();
        if self.room.frames > MOST_FRAMES {
            return Err(Fault::new(column, format!("more than {MOST_FRAMES} frames in one query")).into());
        }
        Ok(Node::Term(term))
    }

    fn deeper<T>(&mut self, column: usize, read: impl FnOnce(&mut Self) -> Result<T, Trouble>) -> Result<T, Trouble> {
        self.room.depth += 1;
        if self.room.depth > DEEPEST {
            return Err(Fault::new(column, format!("it goes deeper than {DEEPEST} parentheses")).into());
        }
        let result = read(self);
        self.room.depth -= 1;
        result
    }

    /// What `@name` stands for.
    fn named(&mut self, name: &[Letter], column: usize) -> Result<Node, Trouble> {
        let name = text(name);
        let known = self.text.named;
        let Some(found) = known.get(&name) else { return Err(unknown_name(&name, column, known).into()) };
        if self.room.open.contains(&name) {
            return Err(Fault::new(column, format!("@{name} is a part of itself")).into());
        }
        let inner = Text { origin: &format!("{}: ", found.origin), text: &found.text, ..*self.text };
        self.room.open.push(name.clone());
        let node = self.deeper(column, |parser| read(&inner, parser.room).map_err(Trouble::Within))?;
        self.room.open.pop();
        if node == Node::All(Vec::new()) {
            // It would match everything.
            return Err(Fault::new(column, format!("@{name} is empty"))
                .hint(format!("Write a query there: {}.", found.origin))
                .into());
        }
        Ok(node)
    }
}

fn unknown_name(name: &str, column: usize, known: &Named) -> Fault {
    let hint = match nearest(name, known.keys().map(String::as_str)) {
        Some(near) => format!("Did you mean @{near}?"),
        None if known.is_empty() => "There are none: `queries.NAME: QUERY` in the configuration makes one.".into(),
        None => format!("There are @{}.", known.keys().cloned().collect::<Vec<_>>().join(", @")),
    };
    Fault::new(column, format!("no query is named @{name}")).hint(hint)
}
