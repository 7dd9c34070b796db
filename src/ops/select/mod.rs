//! Which jobs a query means: the Manager's list, asked for once, joined with what the volume knows.
//!
//! Most terms are answered by that. Who works at a job, and how far it is, is looked up for those jobs alone of which
//! nothing else decides.

mod facts;
mod lookup;
mod row;

pub use facts::{Facts, Reach};
pub use row::{JobRow, Key, Origin};

use crate::base::error::Failure;
use crate::ops::ports::Ports;
use crate::query::{Asked, Field, Query};
use crate::sys::clock;

/// The jobs among `facts` that match, in the order of the facts.
pub fn select<'a>(ports: &Ports<'_>, facts: &'a Facts, query: &Query) -> Result<Vec<JobRow<'a>>, Failure> {
    let asked = Asked { now: clock::now(), user: &ports.actor.user };
    let is_possible = |row: &JobRow<'_>| query.verdict(row, &asked) != Some(false);
    let mut rows = facts.rows(ports.manager);
    rows.retain(is_possible);
    let fields = query.fields();
    for (field, look_up) in [(Field::Progress, lookup::progress as lookup::LookUp), (Field::Worker, lookup::workers)] {
        let mut in_question: Vec<&mut JobRow<'a>> =
            rows.iter_mut().filter(|row| query.verdict(*row, &asked).is_none()).collect();
        if fields.contains(&field) && !in_question.is_empty() {
            look_up(ports, facts, &mut in_question)?;
            rows.retain(is_possible);
        }
    }
    rows.retain(|row| query.matches(row, &asked));
    Ok(rows)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
