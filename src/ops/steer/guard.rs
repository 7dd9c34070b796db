//! What keeps a query from doing more than was meant.

use super::{Guard, Standing, SteerPlan, Verb, Verdict};
use crate::base::counted::{agree, counted};
use crate::base::error::{Class, Failure};

/// Refuses a plan that is not as large as was said.
pub fn check(guard: &Guard, verb: Verb, plan: &SteerPlan) -> Result<(), Failure> {
    count(guard, verb, plan)?;
    foreign(guard, verb, plan).map_err(|failure| failure.but(verb.nothing()))
}

/// The number of jobs that match.
pub fn count(guard: &Guard, verb: Verb, plan: &SteerPlan) -> Result<(), Failure> {
    let matched = plan.jobs.len();
    let refuse = |said: String| {
        let (jobs, matches) = (counted(matched, "job"), agree(matched, "matches", "match"));
        let words = format!("{jobs} {matches} the query, and {said}; {}", verb.nothing());
        Err(Failure::new(Class::Refused, words).with_hint("See which they are with `farm jobs` and the same query."))
    };
    match (guard.expect, guard.most) {
        (Some(expect), _) if expect != matched => refuse(format!("--expect says {expect}")),
        (_, Some(most)) if matched > most => refuse(format!("--max allows {most}")),
        _ => Ok(()),
    }
}

/// Jobs that farm did not make are touched only where it was said exactly how many there are to be touched.
pub fn foreign(guard: &Guard, verb: Verb, plan: &SteerPlan) -> Result<(), Failure> {
    let count = plan.of_verdict(Verdict::Foreign) + plan.of_standing(Standing::Foreign);
    let (word, them) = (agree(count, "was", "were"), agree(count, "it", "them"));
    let not_farms = format!("of the jobs that would be {}, {count} {word} not made by farm", verb.done());
    match guard.foreign {
        None if count > 0 => {
            let hint = format!(
                "Say --include-foreign {count} to take {them} in, or put -is:foreign behind the query to leave {them} out."
            );
            Err(Failure::new(Class::Refused, not_farms).with_hint(hint))
        }
        Some(said) if said != count => {
            let words = format!("{not_farms}, and --include-foreign says {said}");
            Err(Failure::new(Class::Refused, words)
                .with_hint("`farm jobs` with the same query and is:foreign lists them."))
        }
        _ => Ok(()),
    }
}
