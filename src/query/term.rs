//! One condition: a field and its values, or a bare word.

use super::error::Fault;
use super::field::{Field, Is, Kind, Subject};
use super::frames::Wanted;
use super::lexer::{Letter, OPERATORS};
use super::range::{Order, Range, Scale, duration};
use super::words::{Pattern, text};
use crate::base::ids::SHORTEST;

/// The largest compiled expression, in bytes.
const LARGEST_EXPRESSION: usize = 1 << 16;

/// One condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    /// One of these fields is one of these names.
    Bare { among: &'static [Field], patterns: Vec<Pattern> },
    /// The text fits one of these.
    Text { field: Field, is_exact: bool, patterns: Vec<Pattern> },
    /// The expression occurs in the text.
    Expression { field: Field, expression: Expression },
    /// The number lies in one of these.
    Number { field: Field, ranges: Vec<Range> },
    /// The moment lies in one of these.
    Date { field: Field, ranges: Vec<Range> },
    /// The time since then does.
    Since { field: Field, ranges: Vec<Range> },
    /// It shares a frame with these.
    Frames { field: Field, wanted: Wanted },
    /// One of these words is true of it.
    Is(Vec<Is>),
}

/// A compiled regular expression. Two of the same text are the same.
#[derive(Debug, Clone)]
pub(super) struct Expression(pub(super) regex_lite::Regex);

impl PartialEq for Expression {
    fn eq(&self, other: &Expression) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Term {
    /// What it may ask of a row.
    pub(super) fn fields(&self) -> Vec<Field> {
        match self {
            Term::Bare { among, .. } => among.to_vec(),
            Term::Text { field, .. }
            | Term::Expression { field, .. }
            | Term::Number { field, .. }
            | Term::Date { field, .. }
            | Term::Since { field, .. }
            | Term::Frames { field, .. } => vec![field.clone()],
            Term::Is(words) => words.iter().map(|word| word.field()).collect(),
        }
    }

    /// How many frames it holds.
    pub(super) fn frames(&self) -> usize {
        if let Term::Frames { wanted, .. } = self { wanted.len() } else { 0 }
    }

    /// The names in it that stand alone.
    pub(super) fn bare_names(&self) -> impl Iterator<Item = &str> {
        let patterns = if let Term::Bare { patterns, .. } = self { patterns.as_slice() } else { &[] };
        patterns.iter().filter_map(|pattern| match pattern {
            Pattern::Text(name) => Some(name.as_str()),
            Pattern::Glob(_) => None,
        })
    }
}

/// How a field and its values are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    /// `:`
    Matches,
    /// `=` or `:=`
    Exactly,
    /// `~` or `:~`
    Contains,
    /// `>`, `:>` and the like
    Compares(Order),
}

/// What stands behind a field's name.
struct Values<'a> {
    name: &'a str,
    subject: Subject,
    operator: Operator,
    letters: &'a [Letter],
    /// Where they begin.
    column: usize,
}

/// Reads a word, which has a letter.
pub(super) fn read(word: &[Letter], subject: Subject) -> Result<Term, Fault> {
    let is_operator = |letter: &Letter| !letter.quoted && OPERATORS.contains(&letter.c);
    let Some(at) = word.iter().position(is_operator) else {
        let patterns = items(word)?.into_iter().map(Pattern::new).collect::<Result<_, _>>()?;
        return Ok(Term::Bare { among: subject.named_by(), patterns });
    };
    let (name, rest) = word.split_at(at);
    let (operator, length) = operator(rest);
    let column = rest[length - 1].column + 1;
    let letters = &rest[length..];
    let known = named_field(name, rest[0], subject)?;
    if letters.is_empty() {
        return Err(Fault::new(column, format!("a value is missing behind {}", text(&word[..at + length]))));
    }
    let name = text(name);
    let values = Values { name: &name, subject, operator, letters, column };
    match known {
        Named::Is => values.is_words(),
        Named::Field(field, kind) => values.of_kind(field, kind),
    }
}

/// The operator at the beginning, and how many letters it takes.
fn operator(rest: &[Letter]) -> (Operator, usize) {
    let is = |at: usize, c: char| rest.get(at).is_some_and(|letter| letter.is(c));
    let colon = usize::from(is(0, ':'));
    let or_equal = |strict, wide| if is(colon + 1, '=') { (wide, colon + 2) } else { (strict, colon + 1) };
    let (order, length) = if is(colon, '>') {
        or_equal(Order::Above, Order::AtLeast)
    } else if is(colon, '<') {
        or_equal(Order::Below, Order::AtMost)
    } else if is(colon, '=') {
        return (Operator::Exactly, colon + 1);
    } else if is(colon, '~') {
        return (Operator::Contains, colon + 1);
    } else {
        return (Operator::Matches, colon);
    };
    (Operator::Compares(order), length)
}

/// What a name before an operator means.
enum Named {
    Is,
    Field(Field, Kind),
}

fn named_field(letters: &[Letter], operator: Letter, subject: Subject) -> Result<Named, Fault> {
    let Some(first) = letters.first() else {
        return Err(Fault::new(operator.column, format!("a field is missing before {:?}", operator.c))
            .hint(format!("Write status{}…, or put the word into quotes if it is a name.", operator.c)));
    };
    let name = text(letters);
    let is_meta = |prefix: &str| prefix.eq_ignore_ascii_case("meta.") && letters.iter().take(5).all(|l| !l.quoted);
    if let Some(key) = name.get(..5).filter(|prefix| is_meta(prefix)).map(|_| &name[5..]) {
        return match (subject.has_metadata(), key) {
            (false, _) => Err(unknown_field(first.column, &name, subject)),
            (true, "") => Err(Fault::new(operator.column, "a key of the metadata is missing behind meta.")),
            (true, key) => Ok(Named::Field(Field::Meta(key.to_owned()), Kind::Text)),
        };
    }
    if let Some(quoted) = letters.iter().find(|letter| letter.quoted) {
        return Err(Fault::new(quoted.column, "a field's name in quotes")
            .hint("Take the quotes off, or put the whole word into them if it is a name."));
    }
    if name.eq_ignore_ascii_case("is") {
        return Ok(Named::Is);
    }
    let known = subject.words().iter().find(|word| word.name.eq_ignore_ascii_case(&name));
    let known = known.ok_or_else(|| unknown_field(first.column, &name, subject))?;
    Ok(Named::Field(known.field.clone(), known.kind))
}

fn unknown_field(column: usize, name: &str, subject: Subject) -> Fault {
    let fields = format!("The fields of a {subject} are {}.", subject.field_names().join(", "));
    let hint = match subject.nearest_field(name) {
        Some(near) => format!("Did you mean {near:?}? {fields}"),
        None => format!("{fields} A name with a colon in it stands in quotes."),
    };
    Fault::new(column, format!("a {subject} has no field {name:?}")).hint(hint)
}

/// Parts a list at its commas. Every item has a letter.
fn items(letters: &[Letter]) -> Result<Vec<&[Letter]>, Fault> {
    let items: Vec<&[Letter]> = letters.split(|letter| letter.is(',')).collect();
    let mut commas = letters.iter().filter(|letter| letter.is(','));
    for item in &items {
        // The comma behind an item; behind the last there is none.
        let comma = commas.next().or(letters.last());
        if let (true, Some(comma)) = (item.is_empty(), comma) {
            return Err(Fault::new(comma.column, "a comma with nothing on one side")
                .hint("Put the comma into quotes if it belongs to a name."));
        }
    }
    Ok(items)
}

impl Values<'_> {
    fn of_kind(&self, field: Field, kind: Kind) -> Result<Term, Fault> {
        match kind {
            Kind::Text => self.words(field, false),
            Kind::Id => self.ids(field),
            Kind::Status => self.statuses(field),
            Kind::Number => Ok(Term::Number { field, ranges: self.ranges(Scale::Hundred)? }),
            Kind::Date => Ok(Term::Date { field, ranges: self.ranges(Scale::Moments)? }),
            Kind::Since => Ok(Term::Since { field, ranges: self.ranges(Scale::Seconds)? }),
            Kind::Older => self.duration().map(|age| since(field, Range { first: Some(age), last: None })),
            Kind::Newer => self.duration().map(|age| since(field, Range { first: None, last: Some(age) })),
            Kind::FrameSet | Kind::Frame => Ok(Term::Frames { field, wanted: self.frames(kind)? }),
        }
    }

    fn fault(&self, cause: impl Into<String>) -> Fault {
        Fault::new(self.column, cause)
    }

    fn words(&self, field: Field, is_exact: bool) -> Result<Term, Fault> {
        match self.operator {
            Operator::Contains => self.expression().map(|expression| Term::Expression { field, expression }),
            Operator::Compares(_) => Err(self
                .fault(format!("{} has no order to compare by", self.name))
                .hint("Numbers, times and frames have one; globs are written as name:a*.")),
            Operator::Exactly => {
                let patterns = items(self.letters)?.into_iter().map(|item| Pattern::Text(text(item))).collect();
                Ok(Term::Text { field, is_exact, patterns })
            }
            Operator::Matches => {
                let items = items(self.letters)?;
                let dots = |two: &[Letter]| two.iter().all(|letter| letter.is('.'));
                if let Some(range) = items.iter().flat_map(|item| item.windows(2)).find(|two| dots(two))
                    && field != Field::Path
                {
                    return Err(Fault::new(range[0].column, format!("{} has no order for a range", self.name))
                        .hint("Put the value into quotes if the dots belong to it."));
                }
                let patterns = items.into_iter().map(Pattern::new).collect::<Result<_, _>>()?;
                Ok(Term::Text { field, is_exact: false, patterns })
            }
        }
    }

    /// The beginning of an id, unless it is asked for exactly.
    fn ids(&self, field: Field) -> Result<Term, Fault> {
        if self.operator == Operator::Matches {
            let is_short = |item: &&[Letter]| item.len() < SHORTEST && !super::glob::is_glob(item);
            if let Some(short) = items(self.letters)?.into_iter().find(is_short) {
                return Err(Fault::new(short[0].column, format!("{:?} is too short for an id", text(short)))
                    .hint(format!("Write {SHORTEST} letters or more of it.")));
            }
        }
        self.words(field, true)
    }

    /// Words of the list that is known; exactly, any word that a Manager may use.
    fn statuses(&self, field: Field) -> Result<Term, Fault> {
        let known = self.subject.statuses();
        let mut term = self.words(field, false)?;
        let (is_exact, patterns) = match &mut term {
            Term::Text { is_exact, patterns, .. } => (is_exact, patterns),
            Term::Expression { expression, .. } if !known.iter().any(|status| expression.0.is_match(status)) => {
                return Err(self.unknown_status(self.letters, &known));
            }
            _ => return Ok(term),
        };
        for (pattern, item) in patterns.iter_mut().zip(items(self.letters)?) {
            let lower: Vec<Letter> =
                item.iter().map(|letter| Letter { c: letter.c.to_ascii_lowercase(), ..*letter }).collect();
            let folded =
                if self.operator == Operator::Exactly { Pattern::Text(text(&lower)) } else { Pattern::new(&lower)? };
            if !known.iter().any(|status| folded.matches(status)) {
                if self.operator != Operator::Exactly {
                    return Err(self.unknown_status(item, &known));
                }
                *is_exact = true;
            }
            *pattern = folded;
        }
        Ok(term)
    }

    fn unknown_status(&self, item: &[Letter], known: &[&str]) -> Fault {
        let word = text(item);
        let list = format!("They are {}; {}:=WORD asks for any other.", known.join(", "), self.name);
        let near = crate::base::nearest::nearest(&word, known.iter().copied());
        let near = near.map(|near| format!("Did you mean {near:?}? ")).unwrap_or_default();
        Fault::new(item[0].column, format!("no status of a {} is {word:?}", self.subject)).hint(near + &list)
    }

    fn expression(&self) -> Result<Expression, Fault> {
        let pattern = text(self.letters);
        let built = regex_lite::RegexBuilder::new(&pattern).size_limit(LARGEST_EXPRESSION).build();
        built.map(Expression).map_err(|error| {
            self.fault(format!("{pattern:?} is no regular expression: {error}"))
                .hint("Spaces and lone parentheses in it need quotes: name:~\"a b\".")
        })
    }

    fn ranges(&self, scale: Scale) -> Result<Vec<Range>, Fault> {
        match self.operator {
            Operator::Contains => Err(self.no_text()),
            Operator::Compares(order) => {
                let range = scale.compared(order, &text(self.letters)).map_err(|cause| self.fault(cause))?;
                Ok(vec![range])
            }
            Operator::Matches | Operator::Exactly => items(self.letters)?
                .into_iter()
                .map(|item| scale.range(&text(item)).map_err(|cause| Fault::new(item[0].column, cause)))
                .collect(),
        }
    }

    fn no_text(&self) -> Fault {
        self.fault(format!("{} is no text that could be searched", self.name))
            .hint(format!("Write {}: and a value or a range.", self.name))
    }

    fn duration(&self) -> Result<i64, Fault> {
        match self.operator {
            Operator::Matches => duration(&text(self.letters)).map_err(|cause| self.fault(cause)),
            _ => Err(self
                .fault(format!("{} says already how it compares", self.name))
                .hint(format!("Write {}:2d, or age:2d.. and the like.", self.name))),
        }
    }

    fn frames(&self, kind: Kind) -> Result<Wanted, Fault> {
        match self.operator {
            Operator::Contains => Err(self.no_text()),
            Operator::Exactly if kind == Kind::FrameSet => Err(self
                .fault("frames are not compared as a whole")
                .hint("frames:1-100 matches what has one frame or more of these.")),
            Operator::Compares(order) => {
                Wanted::compared(order, &text(self.letters)).map_err(|cause| self.fault(cause))
            }
            Operator::Matches | Operator::Exactly => {
                let items = items(self.letters)?;
                let texts: Vec<String> = items.iter().map(|item| text(item)).collect();
                Wanted::new(&texts).map_err(|(at, cause)| Fault::new(items[at][0].column, cause))
            }
        }
    }

    fn is_words(&self) -> Result<Term, Fault> {
        if !matches!(self.operator, Operator::Matches | Operator::Exactly) {
            return Err(self.fault("is has words, not values").hint(self.is_list()));
        }
        items(self.letters)?.into_iter().map(|item| self.is_word(item)).collect::<Result<_, _>>().map(Term::Is)
    }

    fn is_word(&self, item: &[Letter]) -> Result<Is, Fault> {
        let (word, known) = (text(item), self.subject.is_words());
        known.iter().copied().find(|is| is.name().eq_ignore_ascii_case(&word)).ok_or_else(|| {
            let near = crate::base::nearest::nearest(&word, known.iter().map(|is| is.name()));
            let near = near.map(|near| format!("Did you mean {near:?}? ")).unwrap_or_default();
            Fault::new(item[0].column, format!("a {} cannot be asked whether it is {word:?}", self.subject))
                .hint(near + &self.is_list())
        })
    }

    fn is_list(&self) -> String {
        let words: Vec<String> = self.subject.is_words().iter().map(|is| format!("is:{}", is.name())).collect();
        format!("There are {}.", words.join(", "))
    }
}

fn since(field: Field, range: Range) -> Term {
    Term::Since { field, ranges: vec![range] }
}
