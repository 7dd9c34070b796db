//! Changes that were begun and not ended: the operation that began one knows how to end it.

use super::{Action, Kind, Means, Verdict, plan_journal};
use crate::base::counted::{agree, counted};
use crate::base::error::{Class, Explain, Failure};
use crate::base::ids::TransactionId;
use crate::ops::change::{KILL, PLAN, REPLACE, RETRY, SEED, UNDO};
use crate::ops::harvest;
use crate::ops::harvest::unfinished::JOURNAL_KIND as HARVEST;
use crate::ops::trash::{self, JOURNAL_KIND as PURGE};
use crate::ops::undo::{self, Ended};
use crate::ops::work::JOURNAL_KIND as CLEAR_FRAMES;
use crate::volume::Volume;
use crate::volume::journal::{self, Account, Journal, Unreadable};
use crate::volume::lock::{Lock, Scope};

fn words(account: &Account) -> String {
    let intent = &account.intent;
    format!("{} of {}, begun {}", intent.kind, intent.scope, intent.at)
}

pub(super) fn not_filed_words(id: TransactionId) -> String {
    format!("the finished journal {id}")
}

/// What would be done about it.
pub(super) fn describe(account: &Account) -> Action {
    match running(account) {
        Some(note) => Action::new(Kind::Journal, words(account), Verdict::LeftAlone, note),
        None => Action::new(Kind::Journal, words(account), Verdict::Due, ""),
    }
}

/// Who is at work on it now, if anybody is.
fn running(account: &Account) -> Option<String> {
    let owner = &account.owner;
    owner.is_alive().then(|| format!("process {} is at work on it", owner.pid))
}

/// Ends one journal. `None` if its owner has ended it since the survey.
pub(super) fn recover(means: &Means<'_>, account: &Account) -> Option<Action> {
    let what = words(account);
    match end(means, account) {
        Ok(Some((verdict, note))) => Some(Action::new(Kind::Journal, what, verdict, note)),
        Ok(None) => None,
        Err(failure) => Some(Action::failed(Kind::Journal, what, &failure)),
    }
}

fn end(means: &Means<'_>, account: &Account) -> Result<Option<(Verdict, String)>, Failure> {
    if let Some(note) = running(account) {
        return Ok(Some((Verdict::LeftAlone, note)));
    }
    let lock = match means.lock(scope(account)?)? {
        Ok(lock) => lock,
        Err(holder) => return Ok(Some((Verdict::LeftAlone, holder))),
    };
    // What was seen without the lock may have gone on since.
    let id = account.intent.id;
    let now = journal::survey(means.volume)?.unfinished.into_iter().find(|found| found.intent.id == id);
    now.map(|account| dispatch(means, &lock, &account)).transpose()
}

fn dispatch(means: &Means<'_>, lock: &Lock, account: &Account) -> Result<(Verdict, String), Failure> {
    match account.intent.kind.as_str() {
        PLAN => plan_journal::recover(means, lock, account),
        SEED | REPLACE | RETRY => end_change(means, lock, account),
        PURGE => finish_purge(means.volume, lock, account),
        KILL => close_kill(means.volume, lock, account),
        UNDO => finish_undo(means, lock, account),
        HARVEST => finish_harvest(means, lock, account),
        CLEAR_FRAMES => close_clearing(means.volume, lock, account),
        kind => Err(Failure::new(Class::Refused, format!("this farm does not know what {kind:?} is"))
            .with_hint("Run `farm recover` with the farm that began it, or a newer one.")),
    }
}

/// Where its runs are in the record what is left of it is done; elsewhere it is taken back.
fn end_change(means: &Means<'_>, lock: &Lock, account: &Account) -> Result<(Verdict, String), Failure> {
    Ok(match undo::roll_back(&means.ports()?, lock, account)? {
        Ended::Finished => (Verdict::Finished, "its runs are submitted".to_owned()),
        Ended::RolledBack => (
            Verdict::RolledBack,
            "files and record are as they were before; runs that it had ended stay ended, `farm retry` renders the rest"
                .to_owned(),
        ),
    })
}

fn finish_purge(volume: &Volume, lock: &Lock, account: &Account) -> Result<(Verdict, String), Failure> {
    let purged = trash::finish(volume, lock, account)?;
    Ok((Verdict::Finished, format!("{} erased", counted(purged.files, "file"))))
}

fn finish_undo(means: &Means<'_>, lock: &Lock, account: &Account) -> Result<(Verdict, String), Failure> {
    undo::finish(means.volume, lock, account)?;
    Ok((Verdict::Finished, "what it takes back is as it was".to_owned()))
}

/// What was not moved yet is moved, if it is still what it was; the manifest names all that is in place.
fn finish_harvest(means: &Means<'_>, lock: &Lock, account: &Account) -> Result<(Verdict, String), Failure> {
    let finished = harvest::recover::recover(means.volume, lock, account)?;
    let mut note = format!(
        "{} {} in dist/{}",
        counted(finished.placed, "file"),
        agree(finished.placed, "is", "are"),
        finished.release
    );
    if let Some(first) = finished.left.first() {
        note.push_str(&format!(
            "; {} {} left: {}: {}",
            finished.left.len(),
            agree(finished.left.len(), "was", "were"),
            first.path,
            first.cause
        ));
    }
    Ok((Verdict::Finished, note))
}

/// What was moved is in the trash and recorded there; the rest may have been rendered anew since, and is looked at
/// again before its task.
fn close_clearing(volume: &Volume, lock: &Lock, account: &Account) -> Result<(Verdict, String), Failure> {
    Journal::resume(volume, lock, account)?.done(&"closed by recover")?;
    Ok((Verdict::Finished, "broken frames that were not moved yet are looked at again before they are rendered".into()))
}

/// What it names was ended before it was written down.
fn close_kill(volume: &Volume, lock: &Lock, account: &Account) -> Result<(Verdict, String), Failure> {
    Journal::resume(volume, lock, account)?.done(&"closed by recover")?;
    Ok((Verdict::Finished, "the jobs that it names were ended".into()))
}

/// The scope is written as people read it.
fn scope(account: &Account) -> Result<Scope, Failure> {
    let text = account.intent.scope.as_str();
    let fixed = [Scope::Volume, Scope::Cleanup, Scope::Quick].into_iter().find(|scope| scope.to_string() == text);
    let release = || Some(Scope::Release(text.strip_prefix("release ")?.parse().ok()?));
    fixed.or_else(release).ok_or_else(|| {
        Failure::new(Class::Refused, format!("this farm does not know the lock of {text:?}"))
            .with_hint("Run `farm recover` with the farm that began it, or a newer one.")
    })
}

/// One that says what farm does not understand: guessing loses frames.
pub(super) fn unreadable(journal: &Unreadable) -> Action {
    let about = journal.scope.as_deref().map_or(String::new(), |scope| format!(" of {scope}"));
    let next = journal.error.hint().unwrap_or_default();
    let what = format!("the journal {}{about}", journal.id);
    Action::new(Kind::Journal, what, Verdict::Failed, format!("{}. {next}", journal.error))
}

/// Files journals that say that all is done, and were not filed away.
pub(super) fn file_done(volume: &Volume, ids: &[TransactionId]) -> Vec<Action> {
    let file = |id: &TransactionId| match journal::file_done(volume, &[*id]) {
        Ok(()) => Action::new(Kind::Journal, not_filed_words(*id), Verdict::Finished, "filed away"),
        Err(error) => Action::failed(Kind::Journal, not_filed_words(*id), &error.into()),
    };
    ids.iter().map(file).collect()
}
