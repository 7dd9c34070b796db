//! What must hold after a strike.

use crate::case::{Case, Then, Words};
use crate::strike::{Blow, Strike};
use crate::support::tree::Entry;
use crate::support::{Outcome, Tree};
use std::collections::BTreeSet;
use std::fs;

/// What farm writes anew as a whole.
const OWN: [&str; 3] = ["release.yaml", "quick.yaml", "manifest.json"];

/// What a run that nothing struck left behind, and what stood before it.
pub(crate) struct Oracle {
    /// Digests of all contents before.
    before: BTreeSet<String>,
    /// What lay under final names before, and may lie there until the work is finished.
    old: Tree,
    protected: Vec<(&'static str, Tree)>,
    /// The files under final names as they must be.
    good: Tree,
}

/// What did not hold.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) lost: Vec<String>,
    pub(crate) wrong: Vec<String>,
}

impl Oracle {
    /// Looks at the state before; `good` is the tree after an unharmed run.
    pub(crate) fn new(case: &Case, good: Tree) -> Self {
        let tree = case.tree();
        Oracle { before: inputs(&tree).contents(), old: finals(case, &tree), protected: case.protected(), good }
    }

    /// Strikes the run, and its recovery too if `again` says so, and judges everything that follows.
    pub(crate) fn judge(&self, case: &Case, strike: &Strike, again: Option<&Strike>) -> (Findings, Outcome) {
        let mut findings = Findings::default();
        let struck = case.run_under(&strike.wrapper(), case.plan.run);
        findings.manners("the struck run", &struck);
        findings.ending(strike.blow, case.plan.words, &struck);
        self.check_finals(case, "after the strike", &mut findings);
        if struck.code == 0 {
            findings.note("exit 0, but", self.check_finished(case));
        }
        if let Some(again) = again {
            let recovery = case.run_under(&again.wrapper(), case.plan.recover);
            findings.manners("the struck recovery", &recovery);
            self.check_finals(case, "after the strike at the recovery", &mut findings);
        }
        let unfinished = case.plan.finish != case.plan.run || struck.code != 0;
        if case.plan.then == Then::AgainAndRecover && unfinished {
            findings.expect_zero("giving the command again at once", &case.run(case.plan.finish));
        }
        self.recover(case, &mut findings);
        self.check_contents(case, "after recover", &mut findings);
        self.check_finals(case, "after recover", &mut findings);
        if case.plan.then == Then::RecoverAndAgain && unfinished {
            findings.expect_zero("giving the command again", &case.run(case.plan.finish));
        }
        findings.note("in the end", self.check_finished(case));
        self.check_contents(case, "in the end", &mut findings);
        self.check_protected(case, &mut findings);
        (findings, struck)
    }

    /// `recover` ends with 0, and twice is once.
    fn recover(&self, case: &Case, findings: &mut Findings) {
        if case.plan.recover.is_empty() {
            return;
        }
        findings.expect_zero("recover", &case.run(case.plan.recover));
        let once = case.tree().essence();
        findings.expect_zero("recover again", &case.run(case.plan.recover));
        if once != case.tree().essence() {
            findings.wrong.push("recover twice is not the same as once".to_owned());
        }
        let left = case.temporaries();
        if !left.is_empty() {
            findings.wrong.push(format!("half-written files are left after recover: {left:?}"));
        }
    }

    fn check_contents(&self, case: &Case, when: &str, findings: &mut Findings) {
        let now = case.tree().contents();
        let gone = self.before.difference(&now).count();
        if gone > 0 {
            findings.lost.push(format!("{when}: {gone} contents are nowhere"));
        }
    }

    /// Every file under a final name is what an unharmed run leaves there.
    fn check_finals(&self, case: &Case, when: &str, findings: &mut Findings) {
        for (path, entry) in finals(case, &case.tree()).0 {
            if entry.kind != "file" || path.split('/').any(|part| part.starts_with('.')) {
                continue;
            }
            let right = match self.good.0.get(&path) {
                // Documents have times in them: it is enough that they are whole.
                _ if is_document(&path) => is_whole_document(case, &path),
                Some(good) if good.content == entry.content => true,
                _ => self.old.0.get(&path).is_some_and(|old| old.content == entry.content),
            };
            if !right {
                findings.wrong.push(format!("{when}: {path} is wrong under its final name"));
            }
        }
    }

    /// Everything that an unharmed run leaves is there, and what the plan says holds.
    fn check_finished(&self, case: &Case) -> Result<(), String> {
        let now = finals(case, &case.tree());
        let missing: Vec<&String> = self.good.0.keys().filter(|path| !now.0.contains_key(*path)).collect();
        if !missing.is_empty() {
            return Err(format!("missing: {missing:?}"));
        }
        let is_other = |(path, good): &(&String, &Entry)| !is_document(path) && now.0[*path].content != good.content;
        if let Some((path, _)) = self.good.0.iter().find(is_other) {
            return Err(format!("{path} is not what it should be"));
        }
        (case.plan.finished)(case)
    }

    fn check_protected(&self, case: &Case, findings: &mut Findings) {
        for ((folder, before), (_, now)) in self.protected.iter().zip(case.protected()) {
            let difference = before.difference(&now);
            if !difference.is_empty() {
                findings.wrong.push(format!("{folder} changed: {difference}"));
            }
        }
    }
}

impl Findings {
    fn note(&mut self, when: &str, result: Result<(), String>) {
        if let Err(cause) = result {
            self.wrong.push(format!("{when}: {cause}"));
        }
    }

    fn manners(&mut self, what: &str, outcome: &Outcome) {
        if outcome.text().contains("panicked at") {
            self.wrong.push(format!("{what} panicked: {outcome}"));
        }
    }

    /// A signal that is not caught gives the shell's code for it; an error names what it struck, and itself.
    fn ending(&mut self, blow: Blow, words: Words, outcome: &Outcome) {
        // What is done in part is told on stdout, as what came of each thing.
        let told = outcome.text();
        let explains = |name| told.contains('/') && names(name, &told);
        let wrong = match blow {
            _ if words == Words::Any => false,
            Blow::Signal(name) => ![0, signal_code(name)].contains(&outcome.code),
            Blow::Error(name) => outcome.code >= 100 || (outcome.code != 0 && !explains(name)),
            // Its own words may have been refused, too; 101 would be a panic.
            Blow::Lasting(_) => outcome.code >= 100,
        };
        if wrong {
            self.wrong.push(format!("{blow}: its ending does not say what happened: {outcome}"));
        }
    }

    fn expect_zero(&mut self, what: &str, outcome: &Outcome) {
        self.manners(what, outcome);
        if outcome.code != 0 {
            self.wrong.push(format!("{what} ends with {}: {outcome}", outcome.code));
        }
    }
}

/// What a shell says of a process that this signal ended.
fn signal_code(name: &str) -> i32 {
    match name {
        "SIGINT" => 130,
        "SIGTERM" => 143,
        _ => 137,
    }
}

/// Whether a message names the error, in the system's words or SQLite's.
fn names(error: &str, message: &str) -> bool {
    let words: &[&str] = match error {
        "EIO" => &["Input/output error", "disk I/O error"],
        "ENOSPC" => &["No space left on device", "database or disk is full"],
        "EXDEV" => &["Invalid cross-device link", "another device", "other device"],
        _ => &["Permission denied"],
    };
    words.iter().any(|word| message.contains(word)) || message.contains("queue.sqlite")
}

/// The files that people and renderers made; what farm keeps for itself may come and go.
fn inputs(tree: &Tree) -> Tree {
    let own = |path: &str| path.starts_with(".farm") || OWN.iter().any(|name| path.ends_with(name));
    Tree(tree.0.iter().filter(|(path, _)| !own(path)).map(|(path, entry)| (path.clone(), entry.clone())).collect())
}

/// The part of a tree that lies in the plan's final folders.
pub(crate) fn finals(case: &Case, tree: &Tree) -> Tree {
    let inside = |path: &str| case.plan.finals.iter().any(|folder| path.starts_with(&format!("{folder}/")));
    let kept = tree.0.iter().filter(|(path, entry)| inside(path) && entry.kind == "file");
    Tree(kept.map(|(path, entry)| (path.clone(), entry.clone())).collect())
}

/// JSON or YAML, which has times in it.
fn is_document(path: &str) -> bool {
    path.ends_with(".json") || path.ends_with(".yaml")
}

/// Whether a JSON or YAML file of the volume reads to its end as a mapping.
fn is_whole_document(case: &Case, path: &str) -> bool {
    let real = case.real_path(path);
    let Ok(text) = fs::read_to_string(real) else { return false };
    if path.ends_with(".json") {
        serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|value| value.is_object())
    } else {
        serde_yaml::from_str::<serde_yaml::Value>(&text).is_ok_and(|value| value.is_mapping())
    }
}
