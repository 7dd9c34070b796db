//! Patterns with `*`, `?` and `[a-z]`.

use super::error::Fault;
use super::lexer::Letter;

/// A compiled pattern. Matching takes at most the product of both lengths, whatever the pattern.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Glob(pub(super) Vec<Piece>);

/// One place of a pattern.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    /// This character.
    One(char),
    /// Any character.
    Any,
    /// Any number of characters.
    Many,
    /// A character that is, or is not, in one of these ranges.
    Class { negated: bool, ranges: Vec<(char, char)> },
}

/// Whether a character outside of quotes makes a word a pattern.
pub(super) fn is_glob(word: &[Letter]) -> bool {
    word.iter().any(|letter| ['*', '?', '['].iter().any(|c| letter.is(*c)))
}

impl Glob {
    /// Compiles a word. What stood in quotes means itself.
    pub(super) fn new(word: &[Letter]) -> Result<Glob, Fault> {
        let (mut pieces, mut at) = (Vec::new(), 0);
        while let Some(letter) = word.get(at) {
            at += 1;
            match letter {
                letter if letter.is('*') => {
                    if pieces.last() != Some(&Piece::Many) {
                        pieces.push(Piece::Many);
                    }
                }
                letter if letter.is('?') => pieces.push(Piece::Any),
                letter if letter.is('[') => {
                    let (class, length) = class(&word[at..]).ok_or_else(|| {
                        Fault::new(letter.column, "a bracket that is never closed")
                            .hint("Put it into quotes if it belongs to the name: \"[\".")
                    })?;
                    pieces.push(class);
                    at += length;
                }
                letter => pieces.push(Piece::One(letter.c)),
            }
        }
        Ok(Glob(pieces))
    }

    /// Whether the whole of `text` fits, each of its characters changed by `fold` first.
    pub(super) fn matches(&self, text: &str, fold: fn(char) -> char) -> bool {
        let (mut pieces, mut rest) = (self.0.as_slice(), text.chars());
        // Where to go on if what follows the last star does not fit: the star takes one more.
        let mut retry: Option<(&[Piece], std::str::Chars<'_>)> = None;
        loop {
            if let Some((Piece::Many, after)) = pieces.split_first() {
                pieces = after;
                retry = Some((after, rest.clone()));
                continue;
            }
            let mut next = rest.clone();
            let fits = match (pieces.split_first(), next.next()) {
                (None, None) => return true,
                (Some((piece, after)), Some(c)) if piece.fits(fold(c)) => Some(after),
                _ => None,
            };
            if let Some(after) = fits {
                (pieces, rest) = (after, next);
                continue;
            }
            let Some((after, from)) = &mut retry else { return false };
            if from.next().is_none() {
                return false;
            }
            (pieces, rest) = (after, from.clone());
        }
    }
}

impl Piece {
    fn fits(&self, c: char) -> bool {
        match self {
            Piece::One(one) => *one == c,
            Piece::Any | Piece::Many => true,
            Piece::Class { negated, ranges } => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&c)) != *negated
            }
        }
    }
}

/// The class that begins behind its bracket, and how many letters it takes. A `]` that comes first is one of its characters.
fn class(word: &[Letter]) -> Option<(Piece, usize)> {
    let negated = word.first().is_some_and(|letter| letter.is('!') || letter.is('^'));
    let begin = usize::from(negated);
    let (mut ranges, mut at) = (Vec::new(), begin);
    loop {
        let letter = word.get(at)?;
        if letter.is(']') && at > begin {
            return Some((Piece::Class { negated, ranges }, at + 1));
        }
        let last = word.get(at + 2).filter(|last| word[at + 1].is('-') && !last.is(']'));
        ranges.push((letter.c, last.map_or(letter.c, |last| last.c)));
        at += if last.is_some() { 3 } else { 1 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Glob {
        let letter = |(n, c)| Letter { c, quoted: false, column: n + 1 };
        Glob::new(&text.chars().enumerate().map(letter).collect::<Vec<_>>()).expect(text)
    }

    fn matches(pattern: &str, text: &str) -> bool {
        glob(pattern).matches(text, |c| c)
    }

    #[test]
    fn patterns_fit_whole_words() {
        for (pattern, text) in [
            ("*", ""),
            ("a*", "a"),
            ("a*c", "abcbc"),
            ("*b*", "abc"),
            ("a?c", "aéc"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("[^a]", "b"),
            ("[]a]", "]"),
            ("[a-]", "-"),
            ("[*]", "*"),
            ("**a**", "xa"),
            ("*/shot?", "r1/shot1"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a*", "ba"), ("a?", "a"), ("[a-c]", "d"), ("[!a]", ""), ("*b", "abc"), ("A*", "a")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
        assert!(glob("act*").matches("ACTIVE", |c| c.to_ascii_lowercase()));
    }

    #[test]
    fn many_stars_take_no_longer_than_the_product() {
        let pattern = format!("{}b", "*a".repeat(200));
        assert!(!matches(&pattern, &"a".repeat(20_000)));
    }
}
