//! Which changes there were, newest first, and which of them can be taken back.

use super::deed::Deed;
use crate::base::error::{Class, Failure};
use crate::base::ids::{SHORTEST, TransactionId};
use crate::base::name::{Home, JobName};
use crate::base::time::Timestamp;
use crate::ops::change::{self, Author};
use crate::ops::check::in_parallel::map_by_hands;
use crate::sys::clock;
use crate::volume::Volume;
use crate::volume::journal::{self, Account};
use crate::volume::lock::Scope;
use crate::volume::trash::{self, HOLD_DAYS};
use serde::Serialize;
use std::collections::{HashMap, HashSet};

/// So many journals are read at once: there may be thousands, and on a share each is waited for.
const READERS: usize = 8;

/// How a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// A person made it, and it can be taken back.
    Open,
    /// It was taken back.
    Undone,
    /// It takes a change back itself.
    Undo,
    /// Farm made it by itself: only by its name.
    Automatic,
    /// It changed nothing.
    Empty,
    /// It was held for its time.
    Expired,
    /// What it had thrown away was erased.
    Purged,
}

/// A change that is done.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its id, also of its trash.
    pub id: TransactionId,
    /// What it was: `replace`, `harvest`…
    pub kind: String,
    /// When it was begun.
    pub at: Timestamp,
    /// Until when it can be taken back.
    pub until: Timestamp,
    /// The release, or `quick`.
    pub home: Option<Home>,
    /// The jobs that it touched.
    pub jobs: Vec<JobName>,
    /// Who made it, where that was written down.
    pub by: Option<Author>,
    /// How it stands.
    pub standing: Standing,
    /// How many things of it are in the trash.
    pub trashed: usize,
    pub(super) deed: Deed,
}

impl Entry {
    /// Of an undo the change that it took back.
    pub fn undoes(&self) -> Option<TransactionId> {
        match &self.deed {
            Deed::Undo(intent) => Some(intent.undone),
            _ => None,
        }
    }

    /// Whether it took a harvest back.
    pub fn is_of_a_harvest(&self) -> bool {
        matches!(&self.deed, Deed::Undo(intent) if intent.harvest.is_some())
    }
}

/// The changes, newest first.
#[derive(Debug, Default)]
pub struct History {
    /// Each of them.
    pub entries: Vec<Entry>,
    /// Journals that cannot be read, one line each.
    pub unreadable: Vec<String>,
}

impl History {
    /// Reads the journals of what was done within the time that trash is held, and of whatever still has something there.
    pub fn of(volume: &Volume) -> Result<History, Failure> {
        let trashed = trashed(volume)?;
        let now = clock::now();
        let mut history = History::default();
        let (mut undone, mut purged) = (HashSet::new(), HashSet::new());
        let mut held = journal::finished_by_time(volume)?;
        held.retain(|(id, last)| held_until(*last) >= now || trashed.contains_key(id));
        for read in map_by_hands(READERS, held, |(id, _)| read(volume, id, &trashed)) {
            match read {
                Ok(Some(entry)) => {
                    if let Deed::Purge(freed) = &entry.deed {
                        purged.insert(freed.freed);
                        continue;
                    }
                    // An undo that was taken back itself counts no more.
                    if let Deed::Undo(intent) = &entry.deed
                        && !undone.contains(&entry.id)
                    {
                        undone.insert(intent.undone);
                    }
                    history.entries.push(entry);
                }
                Ok(None) => {}
                Err(failure) => history.unreadable.push(failure.message()),
            }
        }
        history.entries.sort_by_key(|entry| std::cmp::Reverse((entry.at, entry.id)));
        for entry in &mut history.entries {
            if undone.contains(&entry.id) {
                entry.standing = Standing::Undone;
            } else if purged.contains(&entry.id) {
                entry.standing = Standing::Purged;
            }
        }
        Ok(history)
    }

    /// The last change that a person made and that was not taken back.
    pub fn last(&self) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.standing == Standing::Open)
    }

    /// What took this change back, if that still counts.
    pub(super) fn undo_of(&self, entry: &Entry) -> Option<TransactionId> {
        let is_it = |other: &&Entry| matches!(&other.deed, Deed::Undo(undo) if undo.undone == entry.id);
        let counts = |other: &&Entry| entry.standing == Standing::Undone && other.standing != Standing::Undone;
        self.entries.iter().filter(is_it).find(counts).map(|undo| undo.id)
    }

    /// The undo that has to be taken back in place of this change: the change was taken back and had again, and what it had
    /// thrown away is by now where that undo put it.
    pub(super) fn stands_for(&self, entry: &Entry) -> Option<&Entry> {
        let undo_of = |id: TransactionId, undone: bool| {
            self.entries.iter().find(|other| {
                matches!(&other.deed, Deed::Undo(undo) if undo.undone == id)
                    && (other.standing == Standing::Undone) == undone
            })
        };
        let found = undo_of(undo_of(entry.id, true)?.id, false)?;
        // That one may have been taken back and had again in its turn.
        Some(self.stands_for(found).unwrap_or(found))
    }

    /// The change whose id begins so.
    pub fn named(&self, word: &str) -> Result<&Entry, Failure> {
        let word = word.to_ascii_lowercase();
        let is_meant = |entry: &&Entry| entry.id.to_string().starts_with(&word);
        let found: Vec<&Entry> = self.entries.iter().filter(is_meant).collect();
        match found[..] {
            _ if word.len() < SHORTEST => Err(Failure::new(
                Class::Usage,
                format!("{word:?} names no change: six letters of its id are the fewest"),
            )
            .with_hint("`farm undo --list` shows them.")),
            [entry] => Ok(entry),
            [] => Err(Failure::new(Class::NoMatch, format!("there is no change {word:?} that could be taken back"))
                .with_hint("`farm undo --list` shows which there are.")),
            _ => Err(Failure::new(Class::Usage, format!("{word:?} begins the ids of {} changes", found.len()))
                .with_hint("Give more letters of it; `farm undo --list` shows them.")),
        }
    }
}

fn held_until(last: Timestamp) -> Timestamp {
    last.plus_seconds(i64::from(HOLD_DAYS) * 86_400)
}

/// How many things each transaction has in the trash, and until when.
fn trashed(volume: &Volume) -> Result<HashMap<TransactionId, (usize, Timestamp)>, Failure> {
    let mut trashed: HashMap<TransactionId, (usize, Timestamp)> = HashMap::new();
    for part in trash::list(volume)?.transactions {
        let entry = trashed.entry(part.id).or_insert((0, part.until));
        entry.0 += part.items.len();
    }
    Ok(trashed)
}

/// Whether it came to nothing: it was killed, or given up, before it counted.
fn was_taken_back(account: &Account) -> bool {
    account.done.as_ref().is_some_and(|done| done.body == change::TAKEN_BACK)
}

/// Of a journal that does not say where it was: what its lock covered.
fn home_of(scope: &str) -> Option<Home> {
    scope.strip_prefix("release ").unwrap_or(scope).parse().ok().filter(|home| Scope::from(home).to_string() == scope)
}

/// `None`: it is not there any more.
fn read(
    volume: &Volume,
    id: TransactionId,
    trashed: &HashMap<TransactionId, (usize, Timestamp)>,
) -> Result<Option<Entry>, Failure> {
    let Some(account) = journal::finished(volume, id)? else { return Ok(None) };
    let deed = Deed::of(&account)?;
    let last = account.done.as_ref().map_or(account.intent.at, |done| done.at);
    let (items, until) = trashed.get(&id).copied().unwrap_or((0, held_until(last)));
    let standing = match () {
        () if matches!(deed, Deed::Undo(_)) => Standing::Undo,
        () if !deed.is_of_a_person() => Standing::Automatic,
        () if until < clock::now() => Standing::Expired,
        () if items == 0 && (deed.is_empty() || was_taken_back(&account)) => Standing::Empty,
        () => Standing::Open,
    };
    Ok(Some(Entry {
        id,
        kind: account.intent.kind.clone(),
        at: account.intent.at,
        until,
        home: deed.home().cloned().or_else(|| home_of(&account.intent.scope)),
        jobs: deed.jobs().into_iter().cloned().collect(),
        by: deed.author().cloned(),
        standing,
        trashed: items,
        deed,
    }))
}
