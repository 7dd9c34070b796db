//! Workers of this machine's own queue that died: their renderers end, their tasks go back.

use super::{Action, Kind, Means, Verdict};
use crate::base::counted::counted;
use crate::base::error::Failure;

/// The names of the dead that still count as at work.
pub(super) fn survey(means: &Means<'_>) -> Result<Vec<String>, Failure> {
    Ok(means.local.map(|local| local.dead_workers()).transpose()?.unwrap_or_default())
}

pub(super) fn words(name: &str) -> String {
    format!("{name}, which died")
}

pub(super) fn recover(means: &Means<'_>) -> Result<Vec<Action>, Failure> {
    let Some(local) = means.local else { return Ok(Vec::new()) };
    // Looking at the queue puts it in order too; whoever is named here was dead before.
    let dead = local.dead_workers()?;
    let done = local.recover()?;
    let named = dead.iter().filter(|name| !done.left.iter().any(|left| left.contains(name.as_str())));
    let note = format!(
        "{} back in the queue, {} ended",
        counted(done.requeued.len(), "task"),
        counted(done.killed, "renderer process")
    );
    let mut actions: Vec<Action> =
        named.map(|name| Action::new(Kind::Worker, words(name), Verdict::Finished, note.clone())).collect();
    let swept = done.swept.iter().map(|folder| {
        Action::new(Kind::Temporary, format!("folder {} of a renderer", folder.display()), Verdict::Removed, "")
    });
    actions.extend(swept);
    actions.extend(done.left.iter().map(|left| Action::new(Kind::Worker, left, Verdict::Failed, "")));
    Ok(actions)
}
