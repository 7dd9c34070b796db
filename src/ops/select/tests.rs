use super::*;
use crate::base::ids::JobId;
use crate::base::status::{JobStatus, TaskStatus};
use crate::manager::job::{META_ID, META_JOB, META_USER};
use crate::ops::check::room::Room;
use crate::query::Subject;
use std::sync::atomic::Ordering;

/// `r1/A` renders, `r1/B` is planned; beside them a job of another volume and two that farm did not make.
fn room() -> Room {
    let mut room = Room::new(&[("A", "1-3"), ("B", "1-4")]);
    room.add_run("1-3", TaskStatus::Active);
    room.add_run_of(1, "1-4", TaskStatus::Queued);
    room.manager.jobs.pop();
    let model = room.manager.jobs[0].clone();
    let mut add = |id: &str, name: &str, status: JobStatus, metadata: &[(&str, &str)]| {
        let metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let job =
            crate::manager::ManagerJob { id: JobId(id.into()), name: name.into(), status, metadata, ..model.clone() };
        room.manager.jobs.push(job);
    };
    let run = crate::base::ids::RunId::random().to_string();
    add("other1", "x/C", JobStatus::Queued, &[(META_ID, &run), (META_JOB, "x/C"), (META_USER, "bob")]);
    add("add-on-1", "cube", JobStatus::Completed, &[("project", "film")]);
    add("add-on-2", "\u{1b}[2Jsphere", JobStatus::Queued, &[]);
    room
}

fn all() -> Query {
    Query::parse(Subject::Jobs, "", &Default::default()).expect("a query")
}

fn names(room: &Room, reach: &Reach, text: &str) -> Vec<String> {
    let query = Query::parse(Subject::Jobs, text, &Default::default()).expect("a query");
    let facts = Facts::gather(&room.ports(), reach, &query).expect("facts");
    let rows = select(&room.ports(), &facts, &query).expect("selects");
    rows.iter().map(JobRow::words).collect()
}

#[test]
fn each_kind_of_job_answers_what_it_knows() {
    let room = room();
    let all = names(&room, &Reach::Everything, "");
    assert_eq!(all, ["r1/A", "r1/B", "cube", "\u{1b}[2Jsphere", "x/C"]);
    for (query, expected) in [
        ("status:active", vec!["r1/A"]),
        ("status:planned", vec!["r1/B"]),
        ("release:r1", vec!["r1/A", "r1/B"]),
        ("r1", vec!["r1/A", "r1/B"]),
        ("C", vec!["x/C"]),
        ("is:foreign status:completed", vec!["cube"]),
        ("meta.project:film", vec!["cube"]),
        ("user:bob", vec!["x/C"]),
        ("is:mine", vec!["r1/A", "r1/B"]),
        ("path:releases/r1/out/*", vec!["r1/A", "r1/B"]),
        ("frames:4", vec!["r1/B"]),
        ("id:add-on-1", vec!["cube"]),
        ("is:ended or status:planned", vec!["r1/B", "cube"]),
        ("nothing", vec![]),
    ] {
        assert_eq!(names(&room, &Reach::Everything, query), expected, "{query}");
    }
}

#[test]
fn a_release_has_its_own_jobs_and_no_other() {
    let room = room();
    let one = Reach::Home("r1".parse().expect("a name"));
    for reach in [&one, &Reach::Releases] {
        assert_eq!(names(&room, reach, ""), ["r1/A", "r1/B"]);
        assert_eq!(names(&room, reach, "is:foreign"), [""; 0]);
    }
    let failure = Facts::gather(&room.ports(), &Reach::Home("r7".parse().expect("a name")), &all()).expect_err("no r7");
    assert_eq!(failure.class(), crate::base::error::Class::NoMatch);
}

#[test]
fn costly_fields_are_looked_up_for_jobs_in_question_alone() {
    let room = room();
    assert_eq!(names(&room, &Reach::Everything, "worker:here status:completed"), [""; 0]);
    assert_eq!(room.manager.lists.load(Ordering::Relaxed), 1, "of the one completed job");
    assert_eq!(names(&room, &Reach::Everything, "worker:here"), ["r1/A"]);
    assert_eq!(room.manager.lists.load(Ordering::Relaxed), 1 + 4, "a planned job has no tasks");
    room.render("A", 1, 0);
    assert_eq!(names(&room, &Reach::Everything, "progress:33"), ["r1/A"]);
    assert_eq!(names(&room, &Reach::Everything, "progress:..99 release:r1"), ["r1/A", "r1/B"]);
}

#[test]
fn a_run_that_was_taken_back_is_canceled_and_an_older_one_that_goes_on_counts() {
    let mut room = room();
    room.file.jobs[1].runs[0].withdrawn = true;
    room.save();
    assert_eq!(names(&room, &Reach::Everything, "status:canceled"), ["r1/B"]);
    room.add_run("1-3", TaskStatus::Completed);
    room.manager.jobs.last_mut().expect("a run").status = JobStatus::Completed;
    let facts = Facts::gather(&room.ports(), &Reach::Releases, &all()).expect("facts");
    let rows = facts.rows(&room.manager);
    assert_eq!((rows[0].status.as_str(), rows[0].others.len()), ("active", 1));
}
