//! From a case to a tally: every strike on a fresh copy of the state.

use crate::case::Case;
use crate::oracle::{Oracle, finals};
use crate::strike::{Extent, all, chosen, seed};
use crate::support::{skipped, strace};
use std::io::Write;

/// How many strikes there were and what they did.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) points: usize,
    pub(crate) lost: usize,
    pub(crate) wrong: usize,
    /// The first few that lost something or left something wrong.
    pub(crate) stories: Vec<String>,
}

/// Strikes of each case that are taken when nothing else is asked for.
const USUAL: usize = 60;
/// How many stories are told.
const STORIES: usize = 5;

/// Sweeps a case and fails if anything was lost or wrong. Says what it did, also when the harness hides output.
pub(crate) fn sweep(case: &Case) {
    if !strace::works() {
        return skipped(case.plan.name, "strace may not trace here");
    }
    let tally = strike_all(case, Extent::from_environment(USUAL));
    let Tally { points, lost, wrong, .. } = tally;
    let _ = writeln!(std::io::stderr(), "{}: POINTS {points} LOST {lost} WRONG {wrong}", case.plan.name);
    assert!(points > 0, "{}: nothing was struck", case.plan.name);
    assert!(lost == 0 && wrong == 0, "{}:\n{}", case.plan.name, tally.stories.join("\n"));
}

/// Strikes and counts.
pub(crate) fn strike_all(case: &Case, extent: Extent) -> Tally {
    case.restore();
    let (unharmed, calls) = case.trace();
    assert_eq!(unharmed.code, 0, "the run that nothing strikes:\n{unharmed}");
    if case.plan.finish != case.plan.run {
        let finish = case.run(case.plan.finish);
        assert_eq!(finish.code, 0, "finishing what nothing struck:\n{finish}");
    }
    let good = finals(case, &case.tree());
    let own_output = format!("</{}", case.farm.room.path("log").to_string_lossy().trim_start_matches('/'));
    let strikes = chosen(all(&calls, &own_output), extent, seed());
    case.restore();
    let oracle = Oracle::new(case, good);

    let mut tally = Tally { points: strikes.len(), ..Tally::default() };
    for strike in strikes {
        case.restore();
        let (findings, struck) = oracle.judge(case, &strike.wrapper());
        tally.lost += usize::from(!findings.lost.is_empty());
        tally.wrong += usize::from(!findings.wrong.is_empty());
        let whole = findings.lost.is_empty() && findings.wrong.is_empty();
        if !whole && tally.stories.len() < STORIES {
            let lines = [findings.lost, findings.wrong].concat().join("\n  ");
            tally.stories.push(format!("{strike}: the run ends with {}\n  {lines}\n{struck}", struck.code));
        }
    }
    tally
}
