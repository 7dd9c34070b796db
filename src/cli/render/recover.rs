//! What recovery did, for people.

use crate::ops::recover::{Action, Kind, Verdict};
use std::fmt::Write;

/// A line per thing that was left, or one that says that there was nothing.
pub fn human(actions: &[Action]) -> String {
    if actions.is_empty() {
        return "nothing was left behind; nothing to do\n".to_owned();
    }
    let mut text = String::new();
    for action in actions {
        let note = if action.note.is_empty() { String::new() } else { format!(": {}", action.note) };
        let _infallible =
            writeln!(text, "{:<12} {:<10} {}{note}", verdict(action.verdict), kind(action.kind), action.what);
    }
    text
}

/// The word for a kind, also in documents.
pub fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Worker => "worker",
        Kind::Journal => "journal",
        Kind::Run => "run",
        Kind::Temporary => "temporary",
        Kind::Lock => "lock",
    }
}

/// The word for a verdict, also in documents.
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Due => "due",
        Verdict::Finished => "finished",
        Verdict::RolledBack => "rolled-back",
        Verdict::Removed => "removed",
        Verdict::LeftAlone => "left-alone",
        Verdict::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_a_line() {
        assert_eq!(human(&[]), "nothing was left behind; nothing to do\n");
        let action = Action {
            kind: Kind::Lock,
            what: "release r1 by ann".into(),
            verdict: Verdict::Removed,
            note: "its owner is gone".into(),
        };
        assert_eq!(human(&[action]), "removed      lock       release r1 by ann: its owner is gone\n");
    }
}
