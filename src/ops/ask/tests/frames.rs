use super::*;
use crate::base::status::TaskStatus;
use crate::ops::check::room::Room;
use crate::query::Subject;
use std::sync::atomic::Ordering;

/// `r1/A` with a good, a broken and a missing frame and one that is being rendered; `r1/B` whole.
fn room() -> Room {
    let mut room = Room::rendered(&[("A", "1-4"), ("B", "1-2")]);
    room.put("releases/r1/out/A/000002.png", b"half");
    room.lose("releases/r1/out/A/000003.png");
    room.lose("releases/r1/out/A/000004.png");
    room.add_run("4", TaskStatus::Active);
    room
}

fn ask(room: &Room, text: &str) -> Result<FrameListing, Failure> {
    let query = Query::parse(Subject::Frames, text, &Default::default()).expect("a query");
    list(&room.ports(), &query, Effort::Trust)
}

fn found(room: &Room, text: &str) -> String {
    let listing = ask(room, text).unwrap_or_default();
    let frames = listing.jobs.iter().map(|one| format!("{}:{}", one.job.reference.job, one.matching));
    frames.collect::<Vec<_>>().join(" ")
}

#[test]
fn each_field_of_a_frame_is_asked_for() {
    let room = room();
    for (query, expected) in [
        ("", "A:1-4 B:1-2"),
        ("status:ok", "A:1 B:1-2"),
        ("status:bad", "A:2"),
        ("status:bad,missing", "A:2-3"),
        ("status:rendering", "A:4"),
        ("status:unknown", ""),
        ("r1/B", "B:1-2"),
        ("A frame:2..", "A:2-4"),
        ("frame:1-100x2", "A:1,3 B:1"),
        ("path:*/A/000003*", "A:3"),
        ("release:r1 job:B", "B:1-2"),
        ("is:mine", "A:1-4 B:1-2"),
        ("not status:ok", "A:2-4"),
        ("user:bob", ""),
    ] {
        assert_eq!(found(&room, query), expected, "{query}");
    }
}

#[test]
fn jobs_that_cannot_match_are_not_looked_at() {
    let mut room = room();
    room.add_run_of(1, "1-2", TaskStatus::Canceled);
    let asked = |text: &str| {
        let before = room.manager.lists.load(Ordering::Relaxed);
        let found = found(&room, text);
        (room.manager.lists.load(Ordering::Relaxed) - before, found)
    };
    assert_eq!(asked("status:bad"), (2, "A:2".to_owned()));
    assert_eq!(asked("frame:3"), (1, "A:3".to_owned()), "r1/B has no such frame");
    assert_eq!(asked("r1/B status:bad"), (1, String::new()));
    assert_eq!(asked("user:bob or job:none"), (0, String::new()));
}

#[test]
fn each_frame_says_where_it_lies_and_what_is_wrong() {
    let room = room();
    let listing = ask(&room, "r1/A").expect("frames");
    let rows: Vec<_> = listing.frames().map(|frame| (frame.status().as_str(), frame.path(), frame.cause())).collect();
    assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), ["ok", "bad", "missing", "rendering"]);
    let path = |at: usize| rows[at].1.as_ref().map(ToString::to_string).unwrap_or_default();
    assert_eq!((path(1), path(2)), ("releases/r1/out/A/000002.png".into(), "releases/r1/out/A/000003.png".into()));
    assert!(rows[1].2.as_ref().is_some_and(|cause| cause.starts_with("it ")), "{rows:?}");
    assert_eq!((&rows[0].2, &rows[2].2), (&None, &None));
    for status in FrameStatus::ALL {
        let of_status = listing.frames().filter(|frame| frame.status() == status).map(|frame| frame.frame);
        assert_eq!(of_status.collect::<FrameSet>(), listing.jobs[0].of_status(status), "{status:?}");
    }
}

#[test]
fn the_statuses_are_those_of_the_query_language() {
    for status in FrameStatus::ALL {
        let word = serde_json::to_value(status).expect("JSON");
        assert_eq!(word, status.as_str());
        Query::parse(Subject::Frames, &format!("status:{}", status.as_str()), &Default::default()).expect("known");
    }
}

#[test]
fn a_release_that_cannot_be_looked_at_hides_no_other() {
    let room = room();
    room.put("dist/r1/manifest.json", b"{");
    let listing = ask(&room, "").expect("lists");
    assert_eq!((listing.jobs.len(), listing.unreadable.len()), (0, 1), "{listing:?}");
    let failure = ask(&room, "r1/A").expect_err("nothing");
    assert_eq!(failure.class(), Class::NoMatch);
    assert!(failure.hint().is_some_and(|hint| hint.contains("farm doctor")), "{failure}");
}

#[test]
fn nothing_matched_says_what_was_probably_meant() {
    let failure = ask(&room(), "r1/a").expect_err("nothing");
    assert_eq!(failure.hint(), Some("Did you mean \"r1/A\"? `farm frames` lists all."));
}
