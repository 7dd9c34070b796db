//! What is done with the jobs that a query selects, for people.

use super::table::Table;
use crate::base::counted::{agree, counted};
use crate::ops::steer::{Afterwards, Outcome, PlannedJob, Standing, SteerPlan, SteerReport, Verb, Verdict};
use std::fmt::Write;

/// So many jobs are shown before something is done; `farm jobs` and a dry run show all.
const SHOWN: usize = 20;
/// So many are named of those that could not be done.
const NAMED: usize = 10;

/// Every job that matches, and what would be done with it.
pub fn plan(verb: Verb, plan: &SteerPlan) -> String {
    table(&plan.jobs) + &summary(verb, plan)
}

/// The same, of many only the first.
pub fn shown(verb: Verb, plan: &SteerPlan) -> String {
    let mut text = table(&plan.jobs[..plan.jobs.len().min(SHOWN)]);
    if plan.jobs.len() > SHOWN {
        let _infallible = writeln!(text, "and {}", counted(plan.jobs.len() - SHOWN, "more job"));
    }
    text + summary(verb, plan).trim_end()
}

fn table(jobs: &[PlannedJob]) -> String {
    let mut table = Table::new(&["JOB", "STATUS", "USER", "", "BECAUSE"]);
    for job in jobs {
        let user = job.user.as_deref().unwrap_or(if job.foreign { "(foreign)" } else { "" });
        table.row(&[job.words(), &job.status, user, word(job.verdict), &job.reason]);
    }
    table.to_string()
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Cancel => "kill",
        Verdict::Delete => "delete",
        Verdict::Withdraw => "take back",
        Verdict::Pause => "pause",
        Verdict::Unpause => "unpause",
        Verdict::Change => "change",
        Verdict::Foreign => "foreign",
        _ => "leave",
    }
}

fn summary(verb: Verb, plan: &SteerPlan) -> String {
    let acting = plan.acting().count();
    let matched = counted(plan.jobs.len(), "job");
    let rest = match acting {
        0 => format!("there is nothing to {}", infinitive(verb, plan)),
        _ => format!("{acting} to {}{}", infinitive(verb, plan), of_whom(plan)),
    };
    format!("{matched} on {}: {rest}\n", plan.manager)
}

fn infinitive(verb: Verb, plan: &SteerPlan) -> String {
    match verb {
        Verb::Priority(priority) => format!("give priority {priority}"),
        Verb::Kill(Afterwards::Gone) if kills_none(plan) => "delete".to_owned(),
        Verb::Kill(Afterwards::Gone) => "kill and delete".to_owned(),
        verb => verb.word().to_owned(),
    }
}

/// Whether all that is deleted has ended already.
fn kills_none(plan: &SteerPlan) -> bool {
    plan.acting().all(|job| job.verdict == Verdict::Delete)
}

/// How many are not one's own, as a part of a sentence.
fn of_whom(plan: &SteerPlan) -> String {
    let words = [
        (Standing::OfOther, "of other people"),
        (Standing::Unrecorded, "not known to this volume"),
        (Standing::Foreign, "not made by farm"),
    ];
    let counts = words.map(|(standing, words)| (plan.of_standing(standing), words));
    let named: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect();
    if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) }
}

/// The question before it is done.
pub fn question(verb: Verb, plan: &SteerPlan) -> String {
    let (count, of_whom) = (counted(plan.acting().count(), "job"), of_whom(plan));
    match verb {
        Verb::Kill(Afterwards::Gone) if kills_none(plan) => format!("Delete {count}{of_whom}?"),
        Verb::Kill(Afterwards::Gone) => format!("Kill and delete {count}{of_whom}?"),
        Verb::Kill(_) => format!("Kill {count}{of_whom}?"),
        Verb::Pause => format!("Pause {count}{of_whom}?"),
        Verb::Unpause => format!("Let {count}{of_whom} go on?"),
        Verb::Priority(priority) => format!("Give {count}{of_whom} the priority {priority}?"),
    }
}

/// One line that sums it up, then those that were left or could not be done.
pub fn done(verb: Verb, report: &SteerReport) -> String {
    let plan = &report.plan;
    let mut text = what_was_done(verb, report);
    let already = plan.jobs.iter().filter(|job| !job.verdict.acts()).count();
    if already > 0 {
        let _infallible = write!(text, "; left {already} as {}", agree(already, "it was", "they were"));
    }
    if report.quiet == Some(true) {
        text += "; no worker writes for them any more";
    }
    let not_all_right = [
        (Outcome::Left, "left alone"),
        (Outcome::NotDeleted, "killed and not deleted"),
        (Outcome::Failed, "could not be done"),
    ];
    for (outcome, words) in not_all_right {
        text += &named(plan, outcome, words);
    }
    let late: Vec<String> = plan
        .jobs
        .iter()
        .filter(|job| job.outcome == Outcome::Done && !job.note.is_empty())
        .map(|job| format!("{}: {}", job.words(), job.note))
        .collect();
    late.iter().take(NAMED).for_each(|line| text += &format!("\n{line}"));
    text
}

fn what_was_done(verb: Verb, report: &SteerReport) -> String {
    let plan = &report.plan;
    let done = counted(plan.of_outcome(Outcome::Done), "job");
    match verb {
        _ if plan.acting().count() == 0 => format!("there was nothing to {}", infinitive(verb, plan)),
        Verb::Kill(Afterwards::Gone) => match (counted(report.deleted, "job"), plan.killed()) {
            (deleted, 0) => format!("deleted {deleted}, none had to be killed"),
            (deleted, killed) => format!("killed {}; deleted {deleted}", counted(killed, "job")),
        },
        Verb::Kill(_) | Verb::Pause | Verb::Unpause => format!("{} {done}", verb.done()),
        Verb::Priority(_) => format!("changed the priority of {done}"),
    }
}

/// The first of these lines, and how many there are beside them.
fn first(lines: &[String]) -> String {
    let named = lines[..lines.len().min(NAMED)].concat();
    match lines.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named}\n  and {more} more"),
    }
}

fn named(plan: &SteerPlan, outcome: Outcome, words: &str) -> String {
    let of_it = plan.jobs.iter().filter(|job| job.outcome == outcome);
    let lines: Vec<String> = of_it.map(|job| format!("\n  {}: {}", job.words(), job.note)).collect();
    match lines.len() {
        0 => String::new(),
        count => format!("\n{} {words}:{}", counted(count, "job"), first(&lines)),
    }
}
