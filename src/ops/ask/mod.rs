//! What a query about tasks, workers or frames finds.
//!
//! A list says what is cheap to know. What costs a request for each job, worker or file is looked up for those alone of
//! which the query cannot be answered without.

mod frame_row;
pub mod frames;
mod task_row;
pub mod tasks;
mod worker_row;
pub mod workers;

use crate::base::counted::counted;
use crate::base::error::{Class, Failure};
use crate::base::nearest::nearest;
use crate::ops::select::{Facts, JobRow};
use crate::query::Query;

/// What to say where nothing matches: the name among `names` that was probably meant, and `next`, a full sentence.
fn nothing_matches(query: &Query, names: &[String], next: &str) -> Failure {
    let near = query.names().into_iter().find_map(|word| {
        let others = names.iter().map(String::as_str).filter(|name| *name != word);
        nearest(word, others)
    });
    let near = near.map(|near| format!("Did you mean {near:?}? ")).unwrap_or_default();
    Failure::new(Class::NoMatch, format!("no {} matches {:?}", query.subject(), query.to_string()))
        .with_hint(format!("{near}{next}"))
}

/// What a bare word may name of these jobs: the jobs, in full and without their release, and the releases.
fn names_of(facts: &Facts, rows: &[JobRow<'_>]) -> Vec<String> {
    let jobs = rows.iter().flat_map(|row| [row.words(), row.name().to_owned()]);
    jobs.chain(facts.files.iter().map(|file| file.name.to_string())).collect()
}

/// A sentence about records that cannot be read, behind another one; nothing where all can.
fn of_unreadable(unreadable: &[String]) -> String {
    match unreadable.len() {
        0 => String::new(),
        count => format!(" {} cannot be read: `farm doctor` says what to do.", counted(count, "release")),
    }
}
