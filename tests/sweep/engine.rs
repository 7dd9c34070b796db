//! From a case to a tally: every strike on a fresh copy of the state.

use crate::case::Case;
use crate::oracle::{Findings, Oracle, finals};
use crate::strike::{Blow, Extent, Random, Strike, all, chosen, kills, seed};
use crate::support::{Outcome, skipped, strace};
use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;

/// How many strikes there were and what they did.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) all: Count,
    /// The same by what the strike was.
    by_blow: BTreeMap<String, Count>,
    /// How many strikes there could have been.
    possible: usize,
    /// The first few that lost something or left something wrong.
    pub(crate) stories: Vec<String>,
}

/// Strikes, those that lost something, those that left something wrong.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) points: usize,
    pub(crate) lost: usize,
    pub(crate) wrong: usize,
}

/// A strike, and one at the recovery that follows it.
type Blows = (Strike, Option<Strike>);

/// Strikes of each case that are taken when nothing else is asked for.
const USUAL: usize = 40;
/// How many stories are told.
const STORIES: usize = 5;

/// Sweeps a case and fails if anything was lost or wrong. Says what it did, also when the harness hides output.
pub(crate) fn sweep(case: &Case) {
    judge(case, |case| strike_all(case, Extent::from_environment(USUAL)));
}

/// Kills the run, and then the recovery; a sample of the pairs, twenty times the usual number if all are asked for.
pub(crate) fn sweep_twice(case: &Case) {
    let count = match Extent::from_environment(USUAL / 2) {
        Extent::Sample(count) => count,
        Extent::Full => 20 * USUAL,
    };
    judge(case, |case| strike_twice(case, count));
}

/// Ends the run by the signals with which people end programs.
pub(crate) fn sweep_with_signals(case: &Case) {
    judge(case, |case| {
        let extent = Extent::from_environment(USUAL / 4);
        let (oracle, strikes) = survey(case);
        let strikes = chosen(kills(strikes), extent, seed());
        let signals = ["SIGINT", "SIGTERM"].map(Blow::Signal).into_iter().cycle();
        let blows = strikes.into_iter().zip(signals).map(|(strike, blow)| (Strike { blow, ..strike }, None));
        strike_each(case, &oracle, blows.collect())
    });
}

fn judge(case: &Case, strike: impl FnOnce(&Case) -> Tally) {
    if !strace::works() {
        return skipped(case.plan.name, "strace may not trace here");
    }
    let tally = strike(case);
    let _ = writeln!(std::io::stderr(), "{}: {tally}", case.plan.name);
    assert!(tally.all.points > 0, "{}: nothing was struck", case.plan.name);
    assert!(tally.all.lost == 0 && tally.all.wrong == 0, "{}:\n{}", case.plan.name, tally.stories.join("\n"));
}

/// Strikes and counts.
pub(crate) fn strike_all(case: &Case, extent: Extent) -> Tally {
    let (oracle, strikes) = survey(case);
    let possible = strikes.len();
    let blows = chosen(strikes, extent, seed()).into_iter().map(|strike| (strike, None));
    Tally { possible, ..strike_each(case, &oracle, blows.collect()) }
}

fn strike_twice(case: &Case, count: usize) -> Tally {
    let (oracle, strikes) = survey(case);
    let firsts = kills(strikes);
    let seconds = strikes_at_recovery(case, &firsts);
    let possible = firsts.len() * seconds.len();
    let mut pairs: Vec<Blows> = Vec::new();
    for first in &firsts {
        pairs.extend(seconds.iter().map(|second| (first.clone(), Some(second.clone()))));
    }
    Random(seed()).shuffle(&mut pairs);
    pairs.truncate(count);
    Tally { possible, ..strike_each(case, &oracle, pairs) }
}

/// The kills at the recovery of a run that was killed half-way, as an example of what a recovery does.
fn strikes_at_recovery(case: &Case, firsts: &[Strike]) -> Vec<Strike> {
    case.restore();
    case.run_under(&firsts[firsts.len() / 2].wrapper(), case.plan.run);
    let (recovery, calls) = case.trace(case.plan.recover);
    assert_eq!(recovery.code, 0, "the recovery that nothing strikes:\n{recovery}");
    kills(all(&calls, &own_output(case)))
}

/// What an unharmed run leaves, and every strike that could be made at it.
fn survey(case: &Case) -> (Oracle, Vec<Strike>) {
    case.restore();
    let (unharmed, calls) = case.trace(case.plan.run);
    assert_eq!(unharmed.code, 0, "the run that nothing strikes:\n{unharmed}");
    if case.plan.finish != case.plan.run {
        let finish = case.run(case.plan.finish);
        assert_eq!(finish.code, 0, "finishing what nothing struck:\n{finish}");
    }
    let good = finals(case, &case.tree());
    assert_eq!((case.plan.finished)(case), Ok(()), "{}: after what nothing struck", case.plan.name);
    case.restore();
    (Oracle::new(case, good), all(&calls, &own_output(case)))
}

/// Where the run's own output goes.
fn own_output(case: &Case) -> String {
    format!("</{}", case.farm.room.path("log").to_string_lossy().trim_start_matches('/'))
}

fn strike_each(case: &Case, oracle: &Oracle, blows: Vec<Blows>) -> Tally {
    let mut tally = Tally { possible: blows.len(), ..Tally::default() };
    for (strike, again) in blows {
        case.restore();
        let (findings, struck) = oracle.judge(case, &strike, again.as_ref());
        tally.add((&strike, again.as_ref()), findings, &struck);
    }
    tally
}

impl Tally {
    fn add(&mut self, (strike, again): (&Strike, Option<&Strike>), findings: Findings, struck: &Outcome) {
        let again = again.map(|again| format!(", then {again}")).unwrap_or_default();
        let blow = if again.is_empty() { strike.blow.to_string() } else { format!("{} twice", strike.blow) };
        for count in [&mut self.all, self.by_blow.entry(blow).or_default()] {
            count.points += 1;
            count.lost += usize::from(!findings.lost.is_empty());
            count.wrong += usize::from(!findings.wrong.is_empty());
        }
        let whole = findings.lost.is_empty() && findings.wrong.is_empty();
        if !whole && self.stories.len() < STORIES {
            let lines = [findings.lost, findings.wrong].concat().join("\n  ");
            self.stories.push(format!("{strike}{again}: the run ends with {}\n  {lines}\n{struck}", struck.code));
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "POINTS {} LOST {} WRONG {}", self.points, self.lost, self.wrong)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (of {} possible", self.all, self.possible)?;
        for (blow, count) in &self.by_blow {
            write!(f, "; {blow} {}/{}/{}", count.points, count.lost, count.wrong)?;
        }
        f.write_str(")")
    }
}
