//! Logs of a Manager that says what it is told.

use super::*;
use crate::base::error::Class;
use crate::base::status::JobStatus;
use crate::ops::check::room::Room;

/// Writes down what it gets.
#[derive(Default)]
struct Page(String);

impl Reader for Page {
    fn begins(&mut self, log: &TaskLog) -> ControlFlow<()> {
        self.0 += &format!("[{} {} {} {}]", log.run, log.task, log.status, log.worker.as_deref().unwrap_or("-"));
        ControlFlow::Continue(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        self.0 += &String::from_utf8_lossy(bytes);
        ControlFlow::Continue(())
    }
}

fn request(name: &str) -> LogsRequest {
    LogsRequest { name: name.to_owned(), task: None, of: Of::All }
}

/// Two runs of `r1/A`, whose jobs the Manager has.
fn room() -> (Room, [TaskId; 2]) {
    let mut room = Room::new(&[("A", "1-3")]);
    let tasks = [TaskStatus::Failed, TaskStatus::Completed].map(|status| room.add_run("1-3", status));
    for (at, job) in room.manager.jobs.iter_mut().enumerate() {
        job.status = if at == 0 { JobStatus::Failed } else { JobStatus::Completed };
        room.file.jobs[0].runs[at].manager_job = Some(job.id.clone());
    }
    room.save();
    (room, tasks)
}

#[test]
fn the_newest_run_comes_last_and_tasks_are_chosen() {
    let (mut room, [first, second]) = room();
    room.manager.logs.insert(first.clone(), "no camera\n".into());
    room.manager.logs.insert(second, "a\nb\nc\n".into());
    let text = |request: &LogsRequest, extent| {
        let found = survey(&room.ports(), request).expect("found");
        let mut page = Page::default();
        print(&room.ports(), &found.tasks, extent, &mut page).expect("read");
        page.0
    };
    let both = "[1 render-1-3 failed here]no camera\n[2 render-1-3 completed here]a\nb\nc\n";
    assert_eq!(text(&request("r1/A"), Extent::Whole), both);
    assert!(text(&request("A"), Extent::Lines(1)).ends_with("here]c\n"));
    let failed = LogsRequest { of: Of::Failed, ..request("r1") };
    assert_eq!(text(&failed, Extent::Whole), "[1 render-1-3 failed here]no camera\n");
    let by_id = LogsRequest { task: Some(first.0[..6].to_owned()), ..request("A") };
    assert!(text(&by_id, Extent::Whole).starts_with("[1 "));
    let wrong = LogsRequest { task: Some("render-9".into()), ..request("A") };
    let failure = survey(&room.ports(), &wrong).expect_err("no such task");
    assert_eq!(failure.class(), Class::NoMatch);
    assert!(failure.hint().is_some_and(|hint| hint.contains("render-1-3")), "{failure}");
}

#[test]
fn what_has_no_log_says_why() {
    let mut room = Room::new(&[("A", "1-3")]);
    let failure = survey(&room.ports(), &request("r1/A")).expect_err("nothing");
    assert!(failure.message().contains("not submitted") && failure.class() == Class::NoMatch, "{failure}");
    room.add_run("1-3", TaskStatus::Active);
    room.file.jobs[0].runs[0].manager = "http://elsewhere:8080".into();
    room.save();
    let failure = survey(&room.ports(), &request("r1/A")).expect_err("elsewhere");
    assert!(failure.message().contains("http://elsewhere:8080"), "{failure}");
}

#[test]
fn a_document_holds_the_ends_and_says_what_was_cut() {
    let (mut room, [first, second]) = room();
    room.manager.logs.insert(first, "x".repeat(3 << 20));
    room.manager.logs.insert(second, "short\n".into());
    let found = survey(&room.ports(), &request("A")).expect("found");
    let kept = keep(&room.ports(), &found.tasks, Extent::Whole).expect("read");
    let sizes: Vec<(usize, bool)> = kept.into_iter().flatten().map(|one| (one.bytes.len(), one.is_cut)).collect();
    assert_eq!(sizes, [(1 << 20, true), (6, false)]);
}

/// Its job has ended already: two looks.
#[test]
fn following_reads_each_byte_once() {
    let (mut room, [first, second]) = room();
    room.manager.logs.insert(first.clone(), "one\n".repeat(100_000));
    room.manager.logs.insert(second, "two\n".into());
    let mut page = Page::default();
    assert_eq!(follow(&room.ports(), &request("A"), Extent::Whole, &mut page).expect("ended"), 2);
    assert_eq!(page.0.matches("one\n").count(), 100_000);
    assert_eq!(page.0.matches('[').count(), 2, "one header each");
    let parts = room.manager.parts.lock().expect("no panic");
    let mut read: Vec<u64> =
        parts.iter().filter(|(id, from)| *id == first && *from > 0).map(|(_, from)| *from).collect();
    read.dedup();
    assert_eq!(read, [read::PIECE, 400_000], "no piece twice");
}
