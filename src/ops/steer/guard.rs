//! What keeps a query from doing more than was meant.

use super::{Guard, Standing, SteerPlan, Verb};
use crate::base::counted::{agree, counted};
use crate::base::error::{Class, Failure};

/// Refuses a plan that is not as large as was said.
pub fn check(guard: &Guard, verb: Verb, plan: &SteerPlan) -> Result<(), Failure> {
    count(guard, verb, plan)?;
    foreign(guard, verb, plan).map_err(|failure| failure.but(verb.nothing()))
}

/// The number of jobs that match, and of those that something is done with.
pub fn count(guard: &Guard, verb: Verb, plan: &SteerPlan) -> Result<(), Failure> {
    let (matched, acting) = (plan.jobs.len(), plan.acting().count());
    let refuse = |words: String, flag: &str| {
        let words = format!("{words}; {}", verb.nothing());
        // With the flag a dry run is refused too.
        Err(Failure::new(Class::Refused, words)
            .with_hint(format!("See which they are with --dry-run in place of {flag}.")))
    };
    match (guard.expect, guard.most) {
        (Some(expect), _) if expect != matched => {
            let (jobs, matches) = (counted(matched, "job"), agree(matched, "matches", "match"));
            refuse(format!("{jobs} {matches} the query, and --expect says {expect}"), "--expect")
        }
        (_, Some(most)) if acting > most => {
            let words = format!("{} would be {}, and --max allows {most}", counted(acting, "job"), verb.done());
            refuse(words, "--max")
        }
        _ => Ok(()),
    }
}

/// Jobs that the volume knows nothing of are touched only where it was said exactly how many there are to be touched:
/// neither farm's records nor `farm undo` bring them back.
pub fn foreign(guard: &Guard, verb: Verb, plan: &SteerPlan) -> Result<(), Failure> {
    let (foreign, unrecorded) = (plan.concerned(Standing::Foreign), plan.concerned(Standing::Unrecorded));
    let count = foreign + unrecorded;
    let parts = [
        (foreign, format!("{foreign} {} not made by farm", agree(foreign, "was", "were"))),
        (unrecorded, format!("{unrecorded} {} not known to this volume", agree(unrecorded, "is", "are"))),
    ];
    let named: Vec<String> = parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, words)| words).collect();
    let strangers = match named.is_empty() {
        true => format!("all jobs that would be {} are known to this volume", verb.done()),
        false => format!("of the jobs that would be {}, {}", verb.done(), named.join(" and ")),
    };
    match guard.foreign {
        None if count > 0 => {
            let them = agree(count, "it", "them");
            let hint = format!(
                "Say --include-foreign {count} to take {them} in, or {} to leave {them} out.",
                without(unrecorded)
            );
            Err(Failure::new(Class::Refused, strangers).with_hint(hint))
        }
        Some(said) if said != count => {
            let words = format!("{strangers}, and --include-foreign says {said}");
            Err(Failure::new(Class::Refused, words).with_hint("See which they are with --dry-run."))
        }
        _ => Ok(()),
    }
}

/// How strangers are left out, among whom so many are of another volume: no query tells these apart.
fn without(unrecorded: usize) -> &'static str {
    match unrecorded {
        0 => "put -is:foreign behind the query",
        _ => "write release.jobs in place of jobs",
    }
}
