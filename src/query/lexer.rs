//! A query's text cut into words and parentheses.

use super::error::Fault;
use std::iter::Peekable;
use std::str::Chars;

/// What parts a field from its value.
pub(super) const OPERATORS: [char; 5] = [':', '=', '~', '<', '>'];

/// A character of a word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Letter {
    pub(super) c: char,
    /// Whether it stood in quotes, and so means nothing but itself.
    pub(super) quoted: bool,
    /// Where it stands, from 1.
    pub(super) column: usize,
}

impl Letter {
    /// Whether it is this character and may mean something.
    pub(super) fn is(&self, c: char) -> bool {
        self.c == c && !self.quoted
    }
}

/// A piece of a query.
#[derive(Debug, PartialEq)]
pub(super) enum Token {
    Word(Vec<Letter>),
    Minus,
    Open,
    Close,
}

/// A piece and where it begins.
#[derive(Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) column: usize,
}

/// Cuts a text into its pieces.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, Fault> {
    let mut lexer = Lexer { rest: text.chars().peekable(), column: 1 };
    let mut tokens = Vec::new();
    while let Some(c) = lexer.peek() {
        let column = lexer.column;
        let token = match c {
            c if c.is_whitespace() => {
                lexer.next();
                continue;
            }
            '(' => lexer.single(Token::Open),
            ')' => lexer.single(Token::Close),
            '-' => lexer.minus()?,
            _ => Token::Word(lexer.word()?),
        };
        tokens.push(Placed { token, column });
    }
    Ok(tokens)
}

struct Lexer<'a> {
    rest: Peekable<Chars<'a>>,
    column: usize,
}

impl Lexer<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest.peek().copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.column += 1;
        Some(c)
    }

    fn single(&mut self, token: Token) -> Token {
        self.next();
        token
    }

    fn minus(&mut self) -> Result<Token, Fault> {
        let column = self.column;
        self.next();
        match self.peek() {
            None | Some(')') => Err(Fault::new(column, "nothing stands behind the minus sign")),
            Some('-') => Err(Fault::new(column, "two minus signs: an option stands outside of the query")
                .hint("Put options before or behind the query's quotes; `-status:failed` has one minus sign.")),
            Some(c) if c.is_whitespace() => Err(Fault::new(column, "a minus sign with a space behind it")
                .hint("Write it at what it turns round, `-status:failed`, or write `not`.")),
            Some(_) => Ok(Token::Minus),
        }
    }

    /// Everything up to a space or a parenthesis. In an expression (`name:~(a|b)`) parentheses belong to it, as many as it
    /// opens.
    fn word(&mut self) -> Result<Vec<Letter>, Fault> {
        let mut word: Vec<Letter> = Vec::new();
        let (mut has_operator, mut is_expression, mut open) = (false, false, 0_usize);
        while let Some(c) = self.peek() {
            let column = self.column;
            match c {
                c if c.is_whitespace() => break,
                ')' if !is_expression || open == 0 => break,
                '(' if !is_expression => {
                    self.parenthesis_behind(&word)?;
                    break;
                }
                '"' => {
                    self.quoted(&mut word)?;
                    continue;
                }
                '(' => open += 1,
                ')' => open -= 1,
                _ => {}
            }
            self.next();
            word.push(Letter { c, quoted: false, column });
            if is_expression && c == '\\' {
                self.escaped(&mut word);
            } else if !has_operator && OPERATORS.contains(&c) {
                has_operator = true;
                is_expression = c == '~' || c == ':' && self.peek() == Some('~');
            }
        }
        Ok(word)
    }

    /// `not(…)` may be written so; with any other word nobody can tell what was meant.
    fn parenthesis_behind(&self, word: &[Letter]) -> Result<(), Fault> {
        if keyword(word).is_some() {
            return Ok(());
        }
        Err(Fault::new(self.column, "a parenthesis in the middle of a word")
            .hint("Put the word into quotes if it belongs to it, or a space before it."))
    }

    /// A backslash in an expression takes the next character along, so that `\(` opens nothing.
    fn escaped(&mut self, word: &mut Vec<Letter>) {
        let column = self.column;
        if let Some(c) = self.peek().filter(|c| !c.is_whitespace()) {
            self.next();
            word.push(Letter { c, quoted: false, column });
        }
    }

    /// What stands in quotes. Within them `\"` is a quotation mark and `\\` a backslash.
    fn quoted(&mut self, word: &mut Vec<Letter>) -> Result<(), Fault> {
        let (begin, length) = (self.column, word.len());
        self.next();
        loop {
            let column = self.column;
            let c = match self.next() {
                None => return Err(Fault::new(begin, "a quotation mark that is never closed")),
                Some('"') if word.len() == length => return Err(Fault::new(begin, "nothing stands in the quotes")),
                Some('"') => return Ok(()),
                Some('\\') => match self.peek().filter(|c| matches!(c, '"' | '\\')) {
                    Some(c) => {
                        self.next();
                        c
                    }
                    None => '\\',
                },
                Some(c) => c,
            };
            word.push(Letter { c, quoted: true, column });
        }
    }
}

/// The words of the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    And,
    Or,
    Not,
}

/// Which word of the grammar this is, in whatever case and without quotes.
pub(super) fn keyword(word: &[Letter]) -> Option<Keyword> {
    let is = |text: &str| {
        word.len() == text.len()
            && word.iter().zip(text.chars()).all(|(letter, c)| !letter.quoted && letter.c.eq_ignore_ascii_case(&c))
    };
    [("and", Keyword::And), ("or", Keyword::Or), ("not", Keyword::Not)]
        .into_iter()
        .find_map(|(text, keyword)| is(text).then_some(keyword))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words as `text@column`, quoted characters in angle brackets.
    fn shown(text: &str) -> Vec<String> {
        let letter = |l: &Letter| if l.quoted { format!("<{}>", l.c) } else { l.c.to_string() };
        let shown = |placed: Placed| match placed.token {
            Token::Word(word) => format!("{}@{}", word.iter().map(letter).collect::<String>(), placed.column),
            token => format!("{token:?}@{}", placed.column),
        };
        tokens(text).expect(text).into_iter().map(shown).collect()
    }

    #[test]
    fn words_end_at_spaces_and_parentheses() {
        assert_eq!(shown(" a  (b)"), ["a@2", "Open@5", "b@6", "Close@7"]);
        assert_eq!(shown("-a:b not(c)"), ["Minus@1", "a:b@2", "not@6", "Open@9", "c@10", "Close@11"]);
        assert_eq!(shown("n:\"a b\"*"), ["n:<a>< ><b>*@1"]);
        assert_eq!(shown(r#""\"\\\d""#), [r#"<"><\><\><d>@1"#]);
        assert_eq!(shown("é:b c"), ["é:b@1", "c@5"]);
    }

    #[test]
    fn expressions_keep_their_parentheses() {
        assert_eq!(shown("(n:~(a|b)c)"), ["Open@1", "n:~(a|b)c@2", "Close@11"]);
        assert_eq!(shown(r"n~a\(b"), [r"n~a\(b@1"]);
        assert_eq!(shown("n:a~b)"), ["n:a~b@1", "Close@6"]);
    }

    #[test]
    fn what_cannot_be_cut_is_named() {
        for (text, column) in
            [("a \"b", 3), ("a(b)", 2), ("a --yes", 3), ("- a", 1), ("a -", 3), ("(-)", 2), ("n:\"\"", 3), ("n:a(", 4)]
        {
            assert_eq!(tokens(text).expect_err(text).column, column, "{text}");
        }
    }
}
