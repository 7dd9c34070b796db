//! Jobs of which the Manager alone tells: others made them, or another volume's farm did.

use crate::base::counted::few;
use crate::base::error::{Class, Failure};
use crate::base::ids::{JobId, is_named};
use crate::manager::ManagerJob;
use crate::ops::ports::Ports;
use crate::ops::status::{self, Named};

/// So many letters has a whole one, on every Manager known.
const WHOLE: usize = 36;
/// So many jobs of one name are named.
const NAMED: usize = 5;

/// What a word names.
#[derive(Debug)]
pub enum Meant {
    /// Something that the volume has a record of.
    Recorded(Box<Named>),
    /// A job that the Manager has.
    Stranger(Box<ManagerJob>),
}

/// What a word names: on the volume, and if nothing is called so there, among the Manager's jobs, by id, the beginning of an
/// id, or name.
pub fn find(ports: &Ports<'_>, word: &str) -> Result<Meant, Failure> {
    let unknown = match status::find(ports.volume, word) {
        Err(failure) if failure.class() == Class::NoMatch => failure,
        found => return found.map(|named| Meant::Recorded(Box::new(named))),
    };
    // Where the Manager does not answer nobody knows that it has no such job.
    let mut found = on_manager(ports, word).map_err(|failure| {
        failure.context(format!("{}, and nobody can say whether the Manager has it", unknown.message()))
    })?;
    match found.len() {
        0 => Err(unknown),
        1 => Ok(Meant::Stranger(Box::new(found.remove(0)))),
        _ => {
            let ids: Vec<String> = found.iter().map(|job| format!("{} ({})", job.id, job.status)).collect();
            let words =
                format!("{word:?} names several jobs of {}: {}", ports.manager.address(), few(&ids, NAMED, "job"));
            Err(Failure::new(Class::Usage, words).with_hint("Name one by its id; `farm jobs` lists them."))
        }
    }
}

fn on_manager(ports: &Ports<'_>, word: &str) -> Result<Vec<ManagerJob>, Failure> {
    if word.len() == WHOLE {
        return Ok(ports.manager.job(&JobId(word.to_owned()))?.into_iter().collect());
    }
    let is_meant = |job: &ManagerJob| job.name == word || is_named(&job.id.0, word);
    Ok(ports.manager.jobs_where(&mut |job| is_meant(job))?)
}
