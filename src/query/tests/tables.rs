//! What texts match, how they are printed, and what is wrong with others.

use crate::base::error::{Class, Explain};
use crate::base::frame_set::FrameSet;
use crate::base::time::Timestamp;
use crate::query::{Asked, Field, Named, NamedQuery, Query, QueryError, Row, Subject, Value};
use std::cell::RefCell;

/// 2026-11-03T00:00:00Z
const NOW: i64 = 1_793_664_000;
const DAY: i64 = 86_400;

fn asked() -> Asked<'static> {
    Asked { now: Timestamp::from_unix(NOW), user: "ann" }
}

fn parse(subject: Subject, text: &str) -> Query {
    Query::parse(subject, text, &Named::new()).unwrap_or_else(|error| panic!("{error}"))
}

fn error(subject: Subject, text: &str) -> QueryError {
    match Query::parse(subject, text, &Named::new()) {
        Ok(query) => panic!("{text} was read as {query}"),
        Err(error) => error,
    }
}

/// A job that is at work: `r1/cube`, made yesterday, changed an hour ago.
struct Cube;

impl Row for Cube {
    fn value(&self, field: &Field) -> Value<'_> {
        match field {
            Field::Id => Value::texts(["0f3c9a7e-1111", "aaaaaaaa-2222"]),
            Field::Name => "cube".into(),
            Field::Ref => "r1/cube".into(),
            Field::Release => "r1".into(),
            Field::Status => "active".into(),
            Field::Priority => 50.into(),
            Field::Type => "simple-blender-render".into(),
            Field::Worker => Value::texts(["node7", "node8"]),
            Field::Progress => 33.into(),
            Field::Created => Timestamp::from_unix(NOW - DAY).into(),
            Field::Updated => Timestamp::from_unix(NOW - 3600).into(),
            Field::User => "ann".into(),
            Field::Path => "releases/r1/out/cube (2)".into(),
            Field::Frames => Value::Frames(std::borrow::Cow::Owned("1-100x3".parse::<FrameSet>().expect("frames"))),
            Field::Foreign => false.into(),
            Field::Meta(key) if key == "shot" => "010".into(),
            _ => Value::None,
        }
    }
}

const MATCHING: &[&str] = &[
    "",
    "r1",
    "r1/cube",
    "cube",
    "0f3c9a",
    "aaaaaaaa-2",
    "c*",
    "r?/cu[ab]e",
    "room,cube",
    "\"cube\"",
    "status:active",
    "STATUS:Active",
    "status=active",
    "status:=active",
    "status:queued,active",
    "status:act*",
    "status:~^act",
    "not status:failed",
    "-status:failed",
    "-(status:failed or status:queued)",
    "not (room and cube)",
    "cube and r1",
    "room or cube",
    "CUBE or cube",
    "room or cube status:active",
    "(room or cube) status:active",
    "not not cube",
    "id:0f3c9a",
    "id:0f*",
    "id:=0f3c9a7e-1111",
    "name:cube",
    "name=cube",
    "name:=cube",
    "name~ub",
    "name:~(cube|room)$",
    "(name:~(cube|room)$)",
    "ref:r1/*",
    "release:r1",
    "priority:50",
    "priority:..50",
    "priority:40,50..60",
    "priority:>=50",
    "priority<51",
    "progress:30..40",
    "progress:33%",
    "worker:node8",
    "created:2026-11-02",
    "created:2026-11-01..2026-11-02",
    "created:>2026-11-01",
    "created:<=2026-11-02T00:00:00Z",
    "created=2026-11-02T01:00:00+01:00",
    "age:1d",
    "age:..1d,2d",
    "age:>=24h",
    "older:1d",
    "newer:1d",
    "idle:..1h",
    "idle:>59m",
    "user:ann",
    "is:mine",
    "is:open",
    "is:foreign,mine",
    "-is:foreign",
    "frames:1",
    "frames:100..",
    "frames:2-5,9",
    "frames:2..4",
    "frames:<2",
    "path:*/cube*",
    "path:\"releases/r1/out/cube (2)\"",
    "path:*\" (\"*",
    "path:~\"cube \\(\"",
    "meta.shot:010",
    "META.shot:0*",
    "-meta.other:*",
    "-tag:*",
];

const OTHERS: &[&str] = &[
    "R1",
    "r",
    "cub",
    "r1/c",
    "0f3c9",
    "3c9a7e",
    "\"c*\"",
    "0f*",
    "status:queued",
    "status:~^pa",
    "-cube",
    "not cube",
    "id:0f3c9b",
    "id:=0f3c9a",
    "name:Cube",
    "name:=c*",
    "name:\"c*\"",
    "name~^ub",
    "room or cube status:failed",
    "(room or cube) status:failed",
    "priority:51..",
    "priority:>50",
    "worker:node9",
    "created:2026-11-03..",
    "age:>1d",
    "age:..1h",
    "older:25h",
    "newer:23h",
    "idle:2h..",
    "is:foreign",
    "is:ended",
    "frames:2,3,5",
    "frames:101..",
    "frames:..0",
    "meta.Shot:010",
    "meta.shot:=0*",
    "tag:*",
    "type:blender",
];

#[test]
fn texts_match_what_they_say() {
    for text in MATCHING {
        assert!(parse(Subject::Jobs, text).matches(&Cube, &asked()), "{text}");
    }
    for text in OTHERS {
        assert!(!parse(Subject::Jobs, text).matches(&Cube, &asked()), "{text}");
    }
}

#[test]
fn what_is_printed_is_read_as_the_same() {
    for text in MATCHING.iter().chain(OTHERS) {
        let query = parse(Subject::Jobs, text);
        assert_eq!(parse(Subject::Jobs, &query.to_string()), query, "{text} is printed as {query}");
    }
    for (text, printed) in [
        ("  a   B ", "a B"),
        ("a AND b Or c", "a b or c"),
        ("a (b or c)", "a (b or c)"),
        ("(a b) or (c)", "a b or c"),
        ("((a))", "a"),
        ("-(a b)", "not (a b)"),
        ("--a".trim_start_matches('-'), "a"),
        ("not -a", "a"),
        ("\"or\"", "\"or\""),
        ("\"a b\"", "\"a b\""),
        ("\"-a\"", "\"-a\""),
        ("\"-\"a*", "\"-\"a*"),
        ("\"@a\"", "\"@a\""),
        ("-\"-a\"", "not \"-a\""),
        ("name=\"a\"", "name:a"),
        ("name:=a*", "name:\"a*\""),
        ("name:a\" \"*", "name:a\" \"*"),
        ("STATUS=Active", "status:active"),
        ("status:=Weird,active", "status:=weird,active"),
        ("older:1w", "age:7d.."),
        ("newer:90s", "age:..1m30s"),
        ("idle:>1h", "idle:1h1s.."),
        ("created:>2026-11-01", "created:2026-11-02.."),
        ("created:2026-11-01..2026-11-01", "created:2026-11-01"),
        ("created:<2026-11-01T10:30", "created:..2026-11-01T10:29:59Z"),
        ("priority>50", "priority:51.."),
        ("frames:9,1-3,20..,4", "frames:1-4,9,20.."),
        ("name~a b", "name:~a b"),
        ("name:~\"a b\"", "name:~\"a b\""),
        ("name:~(a)", "name:~\"(a)\""),
        ("meta.my.key:x", "meta.my.key:x"),
        ("meta.\"my key\":x", "meta.\"my key\":x"),
        ("id:=abc", "id:=abc"),
        ("is:Mine", "is:mine"),
    ] {
        assert_eq!(parse(Subject::Jobs, text).to_string(), printed, "{text}");
    }
}

#[test]
fn wrong_texts_name_the_column_and_what_was_meant() {
    for (text, column, words) in [
        ("statsu:active", 1, "\"status\""),
        ("cube statsu:active", 6, "\"statsu\""),
        ("status:actve", 8, "\"active\""),
        ("status:queued,actve", 15, "\"active\""),
        ("status:cancelled", 8, "\"canceled\""),
        ("status:x*", 8, "status:=WORD"),
        ("status:~zzz", 9, "status:=WORD"),
        ("is:min", 4, "is:mine"),
        ("is~mine", 4, "is:mine"),
        ("is:busy", 4, "busy"),
        ("version:3.8", 1, "no field"),
        ("http://x", 1, "quotes"),
        (":x", 1, "field is missing"),
        ("=x", 1, "field is missing"),
        ("name:", 6, "value is missing"),
        ("name:~", 7, "value is missing"),
        ("name:a,", 7, "comma"),
        ("name:a,,b", 8, "comma"),
        ("name:,a", 6, "comma"),
        ("name:[a", 6, "never closed"),
        ("name:a..b", 7, "range"),
        ("name:>a", 7, "order"),
        ("name:~(", 7, "regular expression"),
        ("\"name\":x", 2, "quotes"),
        ("id:abc", 4, "too short"),
        ("priority:x", 10, "\"x\""),
        ("priority:~5", 11, "priority:"),
        ("priority:101", 10, "100"),
        ("priority:5..x", 10, "\"x\""),
        ("progress:..", 10, "range"),
        ("age:2", 5, "unit"),
        ("age:soon", 5, "2d"),
        ("older:1d..2d", 7, "duration"),
        ("older:>1d", 8, "age:2d.."),
        ("created:2d..", 9, "age:"),
        ("created:2026-02-30", 9, "2026-02-30"),
        ("frames:5-1", 8, "before it begins"),
        ("frames:1,q", 10, "\"q\""),
        ("frames=1-5", 8, "as a whole"),
        ("meta.:x", 6, "key"),
        ("meta:x", 1, "meta.KEY"),
        ("or a", 1, "before"),
        ("a or", 5, "missing"),
        ("a or or b", 6, "before"),
        ("a and and b", 7, "before"),
        ("not", 4, "missing"),
        ("()", 2, "nothing stands in"),
        ("(a", 1, "never closed"),
        ("a)", 2, "never opened"),
        (")", 1, "missing before"),
        ("(a or )", 7, "missing before"),
        ("a \"b", 3, "never closed"),
        ("name:\"\"", 6, "nothing stands in"),
        ("a --yes", 3, "minus"),
        ("a(b)", 2, "parenthesis"),
        ("@nightly", 1, "@nightly"),
        ("é statsu:active", 3, "status"),
    ] {
        let error = error(Subject::Jobs, text);
        let all = format!("{error} {}", error.hint().unwrap_or_default());
        assert_eq!((error.column(), error.class()), (column, Class::Usage), "{all}");
        assert!(all.contains(words), "{text}: {all}");
        assert!(all.contains(&format!("column {column}")), "{all}");
    }
}

#[test]
fn every_subject_has_its_own_fields() {
    for (subject, good, bad) in [
        (
            Subject::Tasks,
            "job:a name:render-* status:soft-failed worker:w idle:5m.. frames:3 r1/A is:ended age:1d..",
            "status:paused-requested",
        ),
        (
            Subject::Workers,
            "status:awake tag:gpu version:3.8* platform:linux seen:2026-11-01.. idle:..2m is:busy task:abc* node1",
            "status:active",
        ),
        (
            Subject::Frames,
            "r1/A frame:1-10 frame=7 frame>3 status:bad,missing path:*.png user:ann is:mine",
            "id:abcdef",
        ),
    ] {
        let query = parse(subject, good);
        assert_eq!(parse(subject, &query.to_string()), query);
        assert_eq!(error(subject, bad).class(), Class::Usage);
        assert_eq!(query.subject(), subject);
    }
}

#[test]
fn a_frame_and_a_worker_are_asked_as_jobs_are() {
    struct Frame;
    impl Row for Frame {
        fn value(&self, field: &Field) -> Value<'_> {
            match field {
                Field::Frames => 7.into(),
                Field::Status => "bad".into(),
                Field::Ref => "r1/A".into(),
                _ => Value::None,
            }
        }
    }
    for (text, is) in [("frame:1-9x2 status:bad", true), ("frame:8", false), ("frames:>6", true), ("r1/A", true)] {
        assert_eq!(parse(Subject::Frames, text).matches(&Frame, &asked()), is, "{text}");
    }
    struct Idle;
    impl Row for Idle {
        fn value(&self, field: &Field) -> Value<'_> {
            if *field == Field::Name { "node1".into() } else { Value::None }
        }
    }
    for (text, is) in [("node1", true), ("node", false), ("is:busy", false), ("-is:busy", true), ("-idle:1m..", true)] {
        assert_eq!(parse(Subject::Workers, text).matches(&Idle, &asked()), is, "{text}");
    }
}

/// A job of which the list says no more than its status; what is asked for is written down.
struct Listed {
    status: &'static str,
    asked_for: RefCell<Vec<Field>>,
}

impl Row for Listed {
    fn value(&self, field: &Field) -> Value<'_> {
        self.asked_for.borrow_mut().push(field.clone());
        if *field == Field::Status { self.status.into() } else { Value::Unknown }
    }
}

#[test]
fn only_what_is_still_in_question_is_looked_up() {
    let listed = |status| Listed { status, asked_for: RefCell::default() };
    for (text, status, verdict) in [
        ("worker:w status:active", "queued", Some(false)),
        ("worker:w status:active", "active", None),
        ("worker:w or status:active", "active", Some(true)),
        ("worker:w or status:active", "queued", None),
        ("-worker:w", "active", None),
        ("-(worker:w status:active)", "queued", Some(true)),
        ("is:mine,open", "active", Some(true)),
        ("cube", "active", None),
    ] {
        let (query, row) = (parse(Subject::Jobs, text), listed(status));
        assert_eq!(query.verdict(&row, &asked()), verdict, "{text} {status}");
        assert_eq!(query.matches(&row, &asked()), verdict == Some(true), "what is open does not match");
        let asked_for = row.asked_for.borrow();
        assert!(verdict.is_none() || !asked_for.contains(&Field::Worker), "{text} {status}: {asked_for:?}");
    }
    let fields: Vec<Field> =
        parse(Subject::Jobs, "worker:w (status:active or -meta.x:y)").fields().into_iter().collect();
    assert_eq!(fields, [Field::Status, Field::Worker, Field::Meta("x".into())]);
    assert!(Field::Worker.is_costly() && !Field::Status.is_costly());
}

/// A task of a job that nobody asked for its tasks.
struct Unlisted;

impl Row for Unlisted {
    fn value(&self, field: &Field) -> Value<'_> {
        if matches!(field, Field::Name | Field::Id) { Value::Unknown } else { "r1".into() }
    }
    fn may_be(&self, field: &Field, word: &str) -> bool {
        *field != Field::Name || word.starts_with("render-")
    }
}

#[test]
fn a_bare_word_that_can_be_no_name_and_no_id_leaves_nothing_open() {
    for (text, verdict) in [
        ("r1", Some(true)),
        ("r2", Some(false)),
        ("release2", None),
        ("render-1", None),
        ("r2,render-1", None),
        ("x*", None),
        ("name:r2", None),
        ("-r2", Some(true)),
    ] {
        assert_eq!(parse(Subject::Tasks, text).verdict(&Unlisted, &asked()), verdict, "{text}");
    }
}

#[test]
fn an_empty_text_is_told_from_one_that_matches_everything() {
    assert!(parse(Subject::Jobs, " \t").is_empty());
    assert!(!parse(Subject::Jobs, "name:*").is_empty());
    let both = parse(Subject::Jobs, "release:r1").and(parse(Subject::Jobs, "a or b"));
    assert_eq!(both.to_string(), "release:r1 (a or b)");
    assert_eq!(both.names(), ["a", "b"]);
    assert!(parse(Subject::Jobs, "").and(parse(Subject::Jobs, "")).is_empty());
}

fn named(queries: &[(&str, &str)]) -> Named {
    let query = |text: &str, name: &str| NamedQuery { text: text.into(), origin: format!("queries.{name} of c.yaml") };
    queries.iter().map(|(name, text)| ((*name).to_owned(), query(text, name))).collect()
}

#[test]
fn named_queries_stand_for_their_text() {
    let known = named(&[
        ("nightly", "release:night* or @old"),
        ("old", "older:2w"),
        ("bad", "a statsu:x"),
        ("uses-bad", "b @bad"),
        ("loop", "a @pool"),
        ("pool", "@loop"),
        ("none", " "),
    ]);
    let read = |text: &str| Query::parse(Subject::Jobs, text, &known);
    let query = read("status:failed @nightly").expect("a query");
    assert_eq!(query.to_string(), "status:failed (release:night* or age:14d..)");
    assert_eq!(read("not @old").expect("a query").to_string(), "not age:14d..");
    for (text, message, hint) in [
        ("a @nigthly", "query \"a @nigthly\", column 3: no query is named @nigthly", "@nightly"),
        ("@zzz", "query \"@zzz\", column 1: no query is named @zzz", "@bad, @loop"),
        ("@bad", "queries.bad of c.yaml: \"a statsu:x\", column 3: a job has no field \"statsu\"", "status"),
        ("x @uses-bad", "queries.bad of c.yaml: \"a statsu:x\", column 3: a job has no field \"statsu\"", "status"),
        ("@loop", "queries.pool of c.yaml: \"@loop\", column 1: @loop is a part of itself", ""),
        ("@none", "query \"@none\", column 1: @none is empty", "queries.none of c.yaml"),
    ] {
        let error = read(text).expect_err(text);
        assert_eq!(error.to_string(), message);
        assert!(error.hint().unwrap_or_default().contains(hint), "{:?}", error.hint());
    }
    let hint = error(Subject::Jobs, "@x").hint().expect("a hint");
    assert!(hint.contains("queries.NAME"), "{hint}");
}

#[test]
fn what_is_too_much_is_refused() {
    let deep = |depth| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(parse(Subject::Jobs, &deep(100)).to_string(), "a");
    assert!(error(Subject::Jobs, &deep(101)).to_string().contains("100 parentheses"));
    assert!(error(Subject::Jobs, &deep(30_000)).to_string().contains("100 parentheses"));
    assert!(error(Subject::Jobs, &"not ".repeat(9000)).to_string().contains("100 parentheses"));
    assert!(!parse(Subject::Jobs, &"a ".repeat(32 * 1024)).is_empty());
    assert!(error(Subject::Jobs, &"a ".repeat(33 * 1024)).to_string().contains("64 KiB"));
    assert!(error(Subject::Jobs, "name:~\\w{9999}").to_string().contains("regular expression"));
    let many = "frames:1-900000 or ".repeat(20) + "a";
    assert!(error(Subject::Jobs, &many).to_string().contains("frames in one query"));
    // Each names the one before twice.
    let doubling: Vec<(String, String)> =
        (1..40).map(|n| (format!("q{n}"), format!("@q{} @q{}", n - 1, n - 1))).collect();
    let mut known: Vec<(&str, &str)> = doubling.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    known.push(("q0", "a"));
    let error = Query::parse(Subject::Jobs, "@q39", &named(&known)).expect_err("too long");
    assert!(error.to_string().contains("with all that it names"), "{error}");
}
