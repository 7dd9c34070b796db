//! Properties: queries are made as trees, written in every spelling, and must answer as a plain reading of the tree does.

use crate::base::frame_set::FrameSet;
use crate::base::time::Timestamp;
use crate::query::{Asked, Field, Named, Query, Row, Subject, Value};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use std::borrow::Cow;
use std::collections::BTreeSet;

const NOW: i64 = 1_793_664_000;
const DAY: i64 = 86_400;
const STATUSES: [&str; 5] = ["active", "queued", "failed", "pause-requested", "planned"];

/// A job, whole.
#[derive(Debug, Clone)]
struct Job {
    ids: Vec<String>,
    name: String,
    release: String,
    status: &'static str,
    priority: Option<i64>,
    tag: Option<String>,
    workers: Vec<String>,
    created: i64,
    updated: i64,
    user: Option<String>,
    frames: BTreeSet<i32>,
    is_foreign: bool,
    meta: Option<String>,
    /// What is not known of it yet.
    hidden: BTreeSet<Field>,
}

impl Row for Job {
    fn value(&self, field: &Field) -> Value<'_> {
        if self.hidden.contains(field) {
            return Value::Unknown;
        }
        match field {
            Field::Id => Value::texts(self.ids.iter().map(String::as_str)),
            Field::Name => self.name.as_str().into(),
            Field::Ref => format!("{}/{}", self.release, self.name).into(),
            Field::Release => self.release.as_str().into(),
            Field::Status => self.status.into(),
            Field::Priority => self.priority.into(),
            Field::Tag => self.tag.as_deref().into(),
            Field::Worker => Value::texts(self.workers.iter().map(String::as_str)),
            Field::Created => Timestamp::from_unix(self.created).into(),
            Field::Updated => Timestamp::from_unix(self.updated).into(),
            Field::User => self.user.as_deref().into(),
            Field::Frames => Value::Frames(Cow::Owned(self.frames.iter().copied().collect::<FrameSet>())),
            Field::Foreign => self.is_foreign.into(),
            Field::Meta(key) if key == "a key" => self.meta.as_deref().into(),
            _ => Value::None,
        }
    }
}

/// A place of a pattern.
#[derive(Debug, Clone)]
enum Part {
    Char(char),
    Any,
    Many,
    OneOf(bool, Vec<char>),
}

/// A word that is asked for.
#[derive(Debug, Clone)]
enum Word {
    Text(String),
    Glob(Vec<Part>),
}

/// How an expression is anchored around plain letters.
#[derive(Debug, Clone)]
struct Needle {
    letters: String,
    begins: bool,
    ends: bool,
}

/// One condition.
#[derive(Debug, Clone)]
enum Leaf {
    Bare(Vec<Word>),
    Text(&'static str, Vec<Word>),
    Exact(&'static str, Vec<String>),
    Needle(&'static str, Needle),
    Status(&'static str),
    /// A span, both ends included, of a field that counts.
    Span(&'static str, Option<i64>, Option<i64>),
    Compare(&'static str, &'static str, i64),
    Frames(Vec<(i32, i32, i32)>),
    FramesFrom(i32),
    Is(&'static str),
}

#[derive(Debug, Clone)]
enum Tree {
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Not(Box<Tree>),
    Leaf(Leaf),
}

// ---- what it means

fn fits(parts: &[Part], text: &[char]) -> bool {
    match (parts.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((Part::Many, rest)), None) => fits(rest, text),
        (Some((Part::Many, rest)), Some((_, shorter))) => fits(rest, text) || fits(parts, shorter),
        (Some((part, rest)), Some((c, shorter))) => {
            let is = match part {
                Part::Char(one) => one == c,
                Part::OneOf(negated, chars) => chars.contains(c) != *negated,
                Part::Any | Part::Many => true,
            };
            is && fits(rest, shorter)
        }
        _ => false,
    }
}

fn is(word: &Word, text: &str) -> bool {
    match word {
        Word::Text(word) => word == text,
        Word::Glob(parts) => fits(parts, &text.chars().collect::<Vec<_>>()),
    }
}

fn texts(job: &Job, field: &str) -> Vec<String> {
    match field {
        "name" => vec![job.name.clone()],
        "ref" => vec![format!("{}/{}", job.release, job.name)],
        "release" => vec![job.release.clone()],
        "tag" => job.tag.iter().cloned().collect(),
        "worker" => job.workers.clone(),
        "user" => job.user.iter().cloned().collect(),
        "meta.\"a key\"" => job.meta.iter().cloned().collect(),
        _ => panic!("{field}"),
    }
}

fn number(job: &Job, field: &str) -> Option<i64> {
    match field {
        "priority" => job.priority,
        "age" => Some((NOW - job.created).max(0)),
        "idle" => Some((NOW - job.updated).max(0)),
        // Days since 1970: dates are asked for as whole days.
        "created" => Some(job.created.div_euclid(DAY)),
        _ => panic!("{field}"),
    }
}

fn holds(leaf: &Leaf, job: &Job) -> bool {
    match leaf {
        Leaf::Bare(words) => words.iter().any(|word| {
            let names = ["release", "ref", "name"].iter().flat_map(|field| texts(job, field));
            let is_id = |text: &String| text.chars().count() >= 6 && job.ids.iter().any(|id| id.starts_with(text));
            names.into_iter().any(|name| is(word, &name)) || matches!(word, Word::Text(text) if is_id(text))
        }),
        Leaf::Text(field, words) => texts(job, field).iter().any(|text| words.iter().any(|word| is(word, text))),
        Leaf::Exact(field, words) => texts(job, field).iter().any(|text| words.contains(text)),
        Leaf::Needle(field, needle) => texts(job, field).iter().any(|text| match (needle.begins, needle.ends) {
            (true, true) => *text == needle.letters,
            (true, false) => text.starts_with(&needle.letters),
            (false, true) => text.ends_with(&needle.letters),
            (false, false) => text.contains(&needle.letters),
        }),
        Leaf::Status(status) => job.status == *status,
        Leaf::Span(field, first, last) => number(job, field)
            .is_some_and(|n| first.is_none_or(|first| n >= first) && last.is_none_or(|last| n <= last)),
        Leaf::Compare(field, operator, than) => number(job, field).is_some_and(|n| match *operator {
            ">" => n > *than,
            ">=" => n >= *than,
            "<" => n < *than,
            _ => n <= *than,
        }),
        Leaf::Frames(ranges) => ranges
            .iter()
            .flat_map(|(first, width, step)| (*first..=first + width).step_by(*step as usize))
            .any(|frame| job.frames.contains(&frame)),
        Leaf::FramesFrom(first) => job.frames.iter().any(|frame| frame >= first),
        Leaf::Is("mine") => job.user.as_deref() == Some("ann"),
        Leaf::Is("foreign") => job.is_foreign,
        Leaf::Is("open") => !["failed", "planned"].contains(&job.status),
        Leaf::Is(_) => job.status == "failed",
    }
}

fn truth(tree: &Tree, job: &Job) -> bool {
    match tree {
        Tree::All(trees) => trees.iter().all(|tree| truth(tree, job)),
        Tree::Any(trees) => trees.iter().any(|tree| truth(tree, job)),
        Tree::Not(tree) => !truth(tree, job),
        Tree::Leaf(leaf) => holds(leaf, job),
    }
}

// ---- how it is written

/// Chooses among spellings.
struct Style<'a>(std::iter::Cycle<std::slice::Iter<'a, u8>>);

impl Style<'_> {
    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(*self.0.next().expect("endless")) % of.len()]
    }
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn write_text(text: &str, style: &mut Style<'_>) -> String {
    let is_word = |word: &str| text.eq_ignore_ascii_case(word);
    let plain = text.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '/') && !text.starts_with('-');
    let plain = plain && !["and", "or", "not"].into_iter().any(is_word);
    if plain && style.pick(&[true, true, false]) { text.to_owned() } else { quote(text) }
}

fn write_word(word: &Word, style: &mut Style<'_>) -> String {
    let parts = match word {
        Word::Text(text) => return write_text(text, style),
        Word::Glob(parts) => parts,
    };
    let part = |part: &Part| match part {
        Part::Char(c) => write_text(&c.to_string(), style),
        Part::Any => "?".into(),
        Part::Many => style.pick(&["*", "**"]).into(),
        Part::OneOf(negated, chars) => {
            let sign = if *negated { style.pick(&["!", "^"]) } else { "" };
            let chars: String = chars.iter().map(|c| write_text(&c.to_string(), style)).collect();
            format!("[{sign}{chars}]")
        }
    };
    parts.iter().map(part).collect()
}

fn write_list<T>(items: &[T], mut write: impl FnMut(&T) -> String) -> String {
    items.iter().map(&mut write).collect::<Vec<_>>().join(",")
}

fn write_number(field: &str, number: i64, style: &mut Style<'_>) -> String {
    match field {
        "priority" => number.to_string(),
        "created" => Timestamp::from_unix(number * DAY).to_string().split('T').next().unwrap_or_default().to_owned(),
        _ => match style.pick(&[0, 1, 2]) {
            0 => format!("{number}s"),
            1 => format!("{}m{}s", number / 60, number % 60),
            _ => format!("{}W{}h{}s", number / (7 * DAY), number % (7 * DAY) / 3600, number % 3600),
        },
    }
}

fn write_leaf(leaf: &Leaf, style: &mut Style<'_>) -> String {
    let colon = style.pick(&["", ":"]);
    match leaf {
        Leaf::Bare(words) => write_list(words, |word| write_word(word, style)),
        Leaf::Text(field, words) => format!("{field}:{}", write_list(words, |word| write_word(word, style))),
        Leaf::Exact(field, words) => format!("{field}{colon}={}", write_list(words, |word| write_text(word, style))),
        Leaf::Needle(field, needle) => {
            let escaped: String = needle.letters.chars().map(|c| format!("[{}]", class(c))).collect();
            let (begins, ends) = (if needle.begins { "^" } else { "" }, if needle.ends { "$" } else { "" });
            let expression = style.pick(&[0, 1]);
            match expression {
                0 => format!("{field}{colon}~{}", quote(&format!("{begins}(?:{escaped}){ends}"))),
                _ => format!("{field}{colon}~{begins}{}{ends}", escaped_raw(&needle.letters)),
            }
        }
        Leaf::Status(status) => {
            let (before, case) = (style.pick(&[":", "=", ":="]), style.pick(&[false, true]));
            format!("status{before}{}", if case { status.to_ascii_uppercase() } else { (*status).to_owned() })
        }
        Leaf::Span("age", Some(first), None) if style.pick(&[true, false]) => {
            format!("older:{}", write_number("age", *first, style))
        }
        Leaf::Span("age", None, Some(last)) if style.pick(&[true, false]) => {
            format!("newer:{}", write_number("age", *last, style))
        }
        Leaf::Span(field, first, last) => {
            let [first, last] = [first, last].map(|end| end.map(|n| write_number(field, n, style)).unwrap_or_default());
            format!("{field}:{first}..{last}")
        }
        Leaf::Compare(field, operator, than) => {
            format!("{field}{colon}{operator}{}", write_number(field, *than, style))
        }
        Leaf::Frames(ranges) => {
            let range = |(first, width, step): &(i32, i32, i32)| format!("{first}-{}x{step}", first + width);
            format!("frames:{}", write_list(ranges, range))
        }
        Leaf::FramesFrom(first) => style.pick(&["frames:N..", "frames:>=N"]).replace('N', &first.to_string()),
        Leaf::Is(word) => format!("is:{word}"),
    }
}

/// A character inside of brackets.
fn class(c: char) -> String {
    if c.is_alphanumeric() || " <>".contains(c) { c.to_string() } else { format!("\\{c}") }
}

/// Letters in an expression that stands without quotes.
fn escaped_raw(letters: &str) -> String {
    let escaped = |c: char| match c {
        ' ' => "\\x20".to_owned(),
        c if c.is_alphanumeric() || "/<>".contains(c) => c.to_string(),
        c => format!("\\{c}"),
    };
    letters.chars().map(escaped).collect()
}

fn write(tree: &Tree, style: &mut Style<'_>) -> String {
    let space = style.pick(&[" ", "  ", "\t"]);
    match tree {
        Tree::All(trees) => {
            let and = style.pick(&[space, " and ", " AND "]);
            trees.iter().map(|tree| group(tree, style)).collect::<Vec<_>>().join(and)
        }
        Tree::Any(trees) => {
            let or = style.pick(&[" or ", " OR "]);
            trees.iter().map(|tree| group(tree, style)).collect::<Vec<_>>().join(or)
        }
        Tree::Not(tree) => match (style.pick(&[0, 1, 2]), &**tree) {
            (0, tree) => format!("not {}", group(tree, style)),
            (1, Tree::Leaf(leaf)) => format!("-{}", write_leaf(leaf, style)),
            (_, tree) => format!("{}({})", style.pick(&["not", "-", "Not "]), write(tree, style)),
        },
        Tree::Leaf(leaf) => write_leaf(leaf, style),
    }
}

fn group(tree: &Tree, style: &mut Style<'_>) -> String {
    match tree {
        Tree::Leaf(leaf) if style.pick(&[true, true, false]) => write_leaf(leaf, style),
        tree => format!("({})", write(tree, style)),
    }
}

// ---- what is made up

/// Short, of few characters, so that words meet each other, and of those that have a meaning somewhere.
fn letters() -> impl Strategy<Value = String> {
    prop_oneof!["[ab]{1,3}", "[ab*\\[\\]?\"\\\\ ,:=~<>()@.-]{1,3}", Just("or".to_owned()), "[ab]{6,7}"]
}

fn words() -> impl Strategy<Value = Vec<Word>> {
    let chars = || prop::sample::select(vec!['a', 'b', '*', ']', '-', '"', ' ', '!']);
    let part = prop_oneof![
        chars().prop_map(Part::Char),
        Just(Part::Any),
        Just(Part::Many),
        (any::<bool>(), vec(chars(), 1..3)).prop_map(|(negated, chars)| Part::OneOf(negated, chars)),
    ];
    // A pattern without any place of its own is a text.
    let has_own = |parts: &Vec<Part>| parts.iter().any(|part| !matches!(part, Part::Char(_)));
    let glob = vec(part, 1..5).prop_filter("a pattern", has_own).prop_map(Word::Glob);
    vec(prop_oneof![letters().prop_map(Word::Text), glob], 1..3)
}

fn leaf() -> impl Strategy<Value = Leaf> {
    let field = || prop::sample::select(vec!["name", "ref", "release", "tag", "worker", "user", "meta.\"a key\""]);
    let needle = (letters(), any::<bool>(), any::<bool>());
    let needle = needle.prop_map(|(letters, begins, ends)| Needle { letters, begins, ends });
    let today = NOW / DAY;
    let counted = move || {
        prop_oneof![
            (Just("priority"), 0..=100i64, 0..=100i64),
            (prop::sample::select(vec!["age", "idle"]), 0..5 * DAY, 0..5 * DAY),
            (Just("created"), today - 5..today + 2, today - 5..today + 2),
        ]
    };
    let span = (counted(), 0..3).prop_map(|((field, a, b), ends)| match ends {
        0 => Leaf::Span(field, Some(a), None),
        1 => Leaf::Span(field, None, Some(b)),
        _ => Leaf::Span(field, Some(a.min(b)), Some(a.max(b))),
    });
    let compare = (counted(), prop::sample::select(vec![">", ">=", "<", "<="]))
        .prop_filter("it lies within the scale", |((field, a, _), operator)| {
            (*operator != "<" || *a > 0) && (*operator != ">" || *field != "priority" || *a < 100)
        })
        .prop_map(|((field, a, _), operator)| Leaf::Compare(field, operator, a));
    prop_oneof![
        words().prop_map(Leaf::Bare),
        (field(), words()).prop_map(|(field, words)| Leaf::Text(field, words)),
        (field(), vec(letters(), 1..3)).prop_map(|(field, words)| Leaf::Exact(field, words)),
        (field(), needle).prop_map(|(field, needle)| Leaf::Needle(field, needle)),
        prop::sample::select(STATUSES.to_vec()).prop_map(Leaf::Status),
        span,
        compare,
        vec((-5..20i32, 0..9i32, 1..4i32), 1..3).prop_map(Leaf::Frames),
        (-5..20i32).prop_map(Leaf::FramesFrom),
        prop::sample::select(vec!["mine", "foreign", "open", "ended"]).prop_map(Leaf::Is),
    ]
}

fn tree() -> impl Strategy<Value = Tree> {
    leaf().prop_map(Tree::Leaf).prop_recursive(4, 20, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..4).prop_map(Tree::All),
            vec(inner.clone(), 1..4).prop_map(Tree::Any),
            inner.prop_map(|tree| Tree::Not(Box::new(tree))),
        ]
    })
}

fn job() -> impl Strategy<Value = Job> {
    let ids = vec("[ab]{8}", 0..3);
    let user = option::of(prop_oneof![Just("ann".to_owned()), letters()]);
    let names = (ids, letters(), letters(), option::of(letters()), vec(letters(), 0..3), user, option::of(letters()));
    let counts = (
        prop::sample::select(STATUSES.to_vec()),
        option::of(0..=100i64),
        NOW - 5 * DAY..NOW + DAY,
        NOW - 5 * DAY..NOW + DAY,
        btree_set(-5..30i32, 0..9),
        any::<bool>(),
    );
    (names, counts).prop_map(|((ids, name, release, tag, workers, user, meta), counts)| {
        let (status, priority, created, updated, frames, is_foreign) = counts;
        let hidden = BTreeSet::new();
        Job {
            ids,
            name,
            release,
            status,
            priority,
            tag,
            workers,
            created,
            updated,
            user,
            frames,
            is_foreign,
            meta,
            hidden,
        }
    })
}

/// Pieces of queries in any order, most of them no query.
fn soup() -> impl Strategy<Value = String> {
    let pieces = [
        "status:",
        "active",
        "name",
        ":",
        "=",
        "~",
        "<",
        ">",
        "..",
        "(",
        ")",
        "\"",
        "\\",
        " ",
        "not ",
        " or ",
        "-",
        "@a",
        ",",
        "*",
        "[",
        "]",
        "a",
        "é",
        "\u{301}",
        "2d",
        "age:",
        "created:2026-11-01",
        "frames:",
        "1-9x2",
        "meta.",
        "is:mine",
        "%",
        "priority:",
        "100",
        "id:",
        "abcdef",
        "\n",
        "worker:~",
        "|",
        "{9}",
    ];
    prop_oneof![vec(prop::sample::select(pieces.to_vec()), 0..12).prop_map(|pieces| pieces.concat()), ".*"]
}

fn read(text: &str) -> Result<Query, TestCaseError> {
    Query::parse(Subject::Jobs, text, &Named::new()).map_err(|error| TestCaseError::fail(error.to_string()))
}

proptest! {
    #[test]
    fn a_query_answers_as_a_plain_reading_does(tree in tree(), jobs in vec(job(), 8), style in vec(any::<u8>(), 1..40)) {
        let text = write(&tree, &mut Style(style.iter().cycle()));
        let query = read(&text)?;
        let printed = query.to_string();
        prop_assert_eq!(&read(&printed)?, &query, "{} is printed as {}", text, printed);
        prop_assert_eq!(read(&printed)?.to_string(), printed);
        let asked = Asked { now: Timestamp::from_unix(NOW), user: "ann" };
        for job in &jobs {
            prop_assert_eq!(query.matches(job, &asked), truth(&tree, job), "{} {:?}", text, job);
        }
    }

    #[test]
    fn an_answer_stands_whatever_is_learnt_later(tree in tree(), jobs in vec(job(), 8), hidden in any::<u32>()) {
        let query = read(&write(&tree, &mut Style([0].iter().cycle())))?;
        let asked = Asked { now: Timestamp::from_unix(NOW), user: "ann" };
        let some = query.fields().into_iter().enumerate().filter(|(n, _)| hidden & (1 << n) != 0);
        let some: BTreeSet<Field> = some.map(|(_, field)| field).collect();
        for job in jobs {
            let partly = Job { hidden: some.clone(), ..job.clone() };
            if let Some(verdict) = query.verdict(&partly, &asked) {
                prop_assert_eq!(verdict, query.matches(&job, &asked), "{} {:?}", query, partly);
            }
            prop_assert!(query.verdict(&job, &asked).is_some());
        }
    }

    #[test]
    fn no_text_panics(text in soup()) {
        for subject in [Subject::Jobs, Subject::Tasks, Subject::Workers, Subject::Frames] {
            match Query::parse(subject, &text, &Named::new()) {
                Ok(query) => {
                    let printed = query.to_string();
                    let again = Query::parse(subject, &printed, &Named::new());
                    prop_assert!(again.as_ref() == Ok(&query), "{:?} is printed as {}: {:?}", text, printed, again);
                }
                Err(error) => {
                    prop_assert!((1..=text.chars().count() + 1).contains(&error.column()), "{}", error);
                    prop_assert!(error.pointer().lines().count() == 2, "{}", error.pointer());
                }
            }
        }
    }
}
