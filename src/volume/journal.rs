//! Journals: what a command set out to do, and how far it came.
//!
//! `.farm/journal/<id>.jsonl` is made whole with its first line, the intent, before anything changes; a line is added
//! after each batch of steps, and a last one when all is done. Then the journal moves to `.farm/journal/done/`, where
//! undo and reports find it. A journal that is not there yet means that nothing was begun; one that says something
//! that farm does not understand stops whoever needs it, for guessing loses frames.

mod error;

pub use error::JournalError;

use super::jsonl;
use super::layout;
use super::lock::{Lock, Scope};
use super::open::Volume;
use crate::base::ids::TransactionId;
use crate::base::time::Timestamp;
use crate::sys::clock;
use crate::sys::disk::{Dir, DiskError, Kind, RecordFile, rename_new};
use crate::sys::process::identity::ProcessId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The schema this farm writes and reads.
const SCHEMA: &str = "farm.journal/1";
const SUFFIX: &str = ".jsonl";
/// The largest journal that is read, in bytes.
const MAX_SIZE: u64 = 512 << 20;

/// The first line: what is to be done, by whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent<B = Value> {
    schema: String,
    /// The transaction; also the file's name.
    pub id: TransactionId,
    /// The command's word for it: `harvest`, `plan`…
    pub kind: String,
    /// What the lock covered.
    pub scope: String,
    /// The lock's number.
    pub fence: u64,
    /// The process.
    pub owner: ProcessId,
    /// When it began.
    pub at: Timestamp,
    /// Everything that is needed to finish it or to roll it back: the command knows.
    pub body: B,
}

/// A step that was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step<B = Value> {
    /// When.
    pub at: Timestamp,
    /// Under which number of the lock.
    pub fence: u64,
    /// What: the command knows.
    pub body: B,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
enum Line<B = Value> {
    Intent(Intent<B>),
    Step(Step<B>),
    /// Another process goes on with it.
    Resumed {
        owner: ProcessId,
        at: Timestamp,
        fence: u64,
    },
    Done(Step<B>),
}

/// What a journal says.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// What was to be done.
    pub intent: Intent,
    /// The steps that were done, in order.
    pub steps: Vec<Step>,
    /// The last process that worked on it.
    pub owner: ProcessId,
    /// The last line, if all is done.
    pub done: Option<Step>,
    /// How many bytes of the file say this.
    whole: u64,
}

/// What lies in the folder of journals.
#[derive(Debug, Default)]
pub struct Journals {
    /// Not done; whether their owners still run is for [`Account::owner`] to say.
    pub unfinished: Vec<Account>,
    /// Done, but not moved to the done ones: killed in between.
    pub not_filed: Vec<TransactionId>,
    /// Those that do not say what they should.
    pub unreadable: Vec<Unreadable>,
}

/// A journal that cannot be read.
#[derive(Debug)]
pub struct Unreadable {
    /// The transaction, by the file's name.
    pub id: TransactionId,
    /// What its lock covered, where at least that can be told.
    pub scope: Option<String>,
    /// What is wrong with it.
    pub error: JournalError,
}

impl Journals {
    /// Whether nothing lies there.
    pub fn is_empty(&self) -> bool {
        self.unfinished.is_empty() && self.not_filed.is_empty() && self.unreadable.is_empty()
    }

    /// What is unfinished within `scope`, oldest first. A journal that cannot be read and may be about that stops this, for
    /// guessing loses frames; one of another release does not.
    pub fn unfinished_in(self, scope: &Scope) -> Result<Vec<Account>, JournalError> {
        let scope = scope.to_string();
        let concerns = |one: &Unreadable| one.scope.as_ref().is_none_or(|other| *other == scope);
        if let Some(stopper) = self.unreadable.into_iter().find(concerns) {
            return Err(stopper.error);
        }
        Ok(self.unfinished.into_iter().filter(|account| account.intent.scope == scope).collect())
    }
}

/// A journal being written. It checks the lock before each line. Dropped without [`Journal::done`], it stays
/// unfinished, and recovery finds it.
#[derive(Debug)]
pub struct Journal<'a> {
    volume: &'a Volume,
    lock: &'a Lock,
    folder: Dir,
    record: RecordFile,
    id: TransactionId,
}

impl<'a> Journal<'a> {
    /// Writes down what is to be done, before it is begun.
    pub fn begin(
        volume: &'a Volume,
        lock: &'a Lock,
        kind: &str,
        body: &impl Serialize,
    ) -> Result<Journal<'a>, JournalError> {
        lock.check()?;
        let intent = Intent {
            schema: SCHEMA.to_owned(),
            id: TransactionId::random(),
            kind: kind.to_owned(),
            scope: lock.scope().to_string(),
            fence: lock.fence(),
            owner: ProcessId::current(),
            at: clock::now(),
            body,
        };
        let id = intent.id;
        let folder = volume.make_dir(&layout::journal_dir())?;
        let bytes = jsonl::encode(&[Line::Intent(intent)]);
        folder.create(file_name(id), &bytes)?;
        let record = open_record(&folder, id, bytes.len() as u64)?;
        Ok(Journal { volume, lock, folder, record, id })
    }

    /// Goes on with what another process left, once that is gone.
    pub fn resume(volume: &'a Volume, lock: &'a Lock, account: &Account) -> Result<Journal<'a>, JournalError> {
        let id = account.intent.id;
        if account.owner != ProcessId::current() && account.owner.is_alive() {
            return Err(JournalError::Alive { id, owner: account.owner.clone() });
        }
        lock.check()?;
        let folder = volume.make_dir(&layout::journal_dir())?;
        let record = open_record(&folder, id, account.whole)?;
        let mut journal = Journal { volume, lock, folder, record, id };
        let resumed = Line::<()>::Resumed { owner: ProcessId::current(), at: clock::now(), fence: lock.fence() };
        journal.record.append(&jsonl::encode(&[resumed]))?;
        Ok(journal)
    }

    /// The transaction: also names its folder in the trash.
    pub fn id(&self) -> TransactionId {
        self.id
    }

    /// Writes down steps that were done. One write, on disk when this returns: to be called once per batch.
    pub fn steps(&mut self, bodies: &[impl Serialize]) -> Result<(), JournalError> {
        self.lock.check()?;
        let lines: Vec<Line<_>> = bodies.iter().map(|body| Line::Step(self.now(body))).collect();
        Ok(self.record.append(&jsonl::encode(&lines))?)
    }

    /// Writes down that all is done, and files the journal.
    pub fn done(mut self, outcome: &impl Serialize) -> Result<TransactionId, JournalError> {
        self.lock.check()?;
        let line = Line::Done(self.now(outcome));
        self.record.append(&jsonl::encode(&[line]))?;
        file_away(self.volume, &self.folder, self.id)?;
        Ok(self.id)
    }

    fn now<B>(&self, body: B) -> Step<B> {
        Step { at: clock::now(), fence: self.lock.fence(), body }
    }
}

/// What is not done. Reads only.
pub fn survey(volume: &Volume) -> Result<Journals, JournalError> {
    let mut journals = Journals::default();
    let Some(folder) = volume.dir(&layout::journal_dir())? else { return Ok(journals) };
    for id in ids_in(&folder)? {
        match read(&folder, id) {
            Ok(None) => {}
            Ok(Some(account)) if account.done.is_some() => journals.not_filed.push(id),
            Ok(Some(account)) => journals.unfinished.push(account),
            Err(error @ (JournalError::Newer { .. } | JournalError::Damaged { .. })) => {
                journals.unreadable.push(Unreadable { id, scope: scope_of(&folder, id), error });
            }
            Err(error) => return Err(error),
        }
    }
    journals.unfinished.sort_by_key(|account| (account.intent.at, account.intent.id));
    Ok(journals)
}

/// Files journals that are done. Twice is once.
pub fn file_done(volume: &Volume, ids: &[TransactionId]) -> Result<(), JournalError> {
    let Some(folder) = volume.dir(&layout::journal_dir())? else { return Ok(()) };
    ids.iter().try_for_each(|id| file_away(volume, &folder, *id))
}

/// The journal of a transaction that is done; `None` if there is none.
pub fn finished(volume: &Volume, id: TransactionId) -> Result<Option<Account>, JournalError> {
    match volume.dir(&layout::done_dir())? {
        Some(folder) => read(&folder, id),
        None => Ok(None),
    }
}

/// The transactions that are done, with the time of each one's last line, newest first.
pub fn finished_by_time(volume: &Volume) -> Result<Vec<(TransactionId, Timestamp)>, JournalError> {
    let Some(folder) = volume.dir(&layout::done_dir())? else { return Ok(Vec::new()) };
    let id_of = |name: &std::ffi::OsStr| name.to_str()?.strip_suffix(SUFFIX)?.parse().ok();
    let listed = folder.list_attributes()?.into_iter().filter(|(entry, _)| entry.kind != Kind::Folder);
    let mut found: Vec<_> = listed.filter_map(|(entry, at)| Some((id_of(&entry.name)?, at.mtime))).collect();
    found.sort_by_key(|(id, at)| std::cmp::Reverse((*at, *id)));
    Ok(found)
}

fn file_name(id: TransactionId) -> String {
    format!("{id}{SUFFIX}")
}

fn open_record(folder: &Dir, id: TransactionId, length: u64) -> Result<RecordFile, JournalError> {
    let gone = || JournalError::Damaged { path: folder.path_of(file_name(id)), cause: "it is gone".to_owned() };
    folder.open_record(file_name(id), length)?.ok_or_else(gone)
}

fn file_away(volume: &Volume, folder: &Dir, id: TransactionId) -> Result<(), JournalError> {
    let done = volume.make_dir(&layout::done_dir())?;
    match rename_new(folder, file_name(id), &done, file_name(id)) {
        Err(error) if !error.is_missing() => return Err(error.into()),
        _ => {}
    }
    done.sync()?;
    Ok(folder.sync()?)
}

fn ids_in(folder: &Dir) -> Result<Vec<TransactionId>, DiskError> {
    let entries = folder.list()?.into_iter().filter(|entry| entry.kind != Kind::Folder);
    Ok(entries.filter_map(|entry| entry.name.to_str()?.strip_suffix(SUFFIX)?.parse().ok()).collect())
}

/// `None`: filed away by its owner since the listing.
fn read(folder: &Dir, id: TransactionId) -> Result<Option<Account>, JournalError> {
    let Some(bytes) = folder.read(file_name(id), MAX_SIZE)? else { return Ok(None) };
    parse(id, &bytes).map(Some).map_err(|fault| {
        let path = folder.path_of(file_name(id));
        match fault {
            Fault::Newer(schema) => JournalError::Newer { path, schema },
            Fault::Damaged(cause) => JournalError::Damaged { path, cause },
        }
    })
}

/// What the first line says of the lock, whatever else is wrong.
fn scope_of(folder: &Dir, id: TransactionId) -> Option<String> {
    #[derive(Deserialize)]
    struct Header {
        scope: String,
    }
    let bytes = folder.read(file_name(id), MAX_SIZE).ok()??;
    let line = bytes.split_inclusive(|byte| *byte == b'\n').next()?;
    Some(serde_json::from_slice::<Header>(line).ok()?.scope)
}

#[derive(Debug, PartialEq)]
enum Fault {
    Newer(String),
    Damaged(String),
}

fn parse(id: TransactionId, bytes: &[u8]) -> Result<Account, Fault> {
    check_schema(bytes)?;
    let damaged = |cause: &str| Err(Fault::Damaged(cause.to_owned()));
    let lines = jsonl::decode(bytes).map_err(|fault| Fault::Damaged(fault.to_string()))?;
    let mut items = lines.items.into_iter();
    let Some(Line::Intent(intent)) = items.next() else { return damaged("it does not begin with an intent") };
    if intent.id != id {
        return damaged("it is that of another transaction");
    }
    let owner = intent.owner.clone();
    let mut account = Account { intent, steps: Vec::new(), owner, done: None, whole: lines.whole };
    for line in items {
        if account.done.is_some() {
            return damaged("it goes on after its end");
        }
        match line {
            Line::Intent(_) => return damaged("it begins twice"),
            Line::Step(step) => account.steps.push(step),
            Line::Resumed { owner, .. } => account.owner = owner,
            Line::Done(step) => account.done = Some(step),
        }
    }
    Ok(account)
}

/// The version first: a newer farm's lines may be of any shape.
fn check_schema(bytes: &[u8]) -> Result<(), Fault> {
    #[derive(Deserialize)]
    struct Header {
        schema: String,
    }
    let line = bytes.split_inclusive(|byte| *byte == b'\n').next().filter(|line| line.ends_with(b"\n"));
    let Some(line) = line else { return Err(Fault::Damaged("its first line is not whole".to_owned())) };
    match serde_json::from_slice::<Header>(line) {
        Ok(header) if header.schema == SCHEMA => Ok(()),
        Ok(header) if header.schema.starts_with("farm.journal/") => Err(Fault::Newer(header.schema)),
        _ => Err(Fault::Damaged(format!("its first line does not say {SCHEMA}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::{Class, Explain};
    use crate::volume::fixture::{locked, volume};
    use serde_json::json;

    fn journal_bytes(volume: &Volume, id: TransactionId) -> Vec<u8> {
        let folder = volume.dir(&layout::journal_dir()).expect("open").expect("there");
        folder.read(file_name(id), MAX_SIZE).expect("read").expect("there")
    }

    #[test]
    fn what_is_begun_is_unfinished_until_it_is_done() {
        let (_temp, volume) = volume();
        let lock = locked(&volume);
        let mut journal = Journal::begin(&volume, &lock, "harvest", &json!({"release": "r1"})).expect("begin");
        journal.steps(&[json!({"moved": 1}), json!({"moved": 2})]).expect("steps");
        let id = journal.id();
        drop(journal);
        let found = survey(&volume).expect("survey").unfinished;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].intent.id, found[0].intent.kind.as_str(), found[0].steps.len()), (id, "harvest", 2));
        assert!(found[0].owner.is_alive());
        assert_eq!(found[0].steps[1].body, json!({"moved": 2}));
        let journal = Journal::resume(&volume, &lock, &found[0]).expect("resume");
        journal.done(&json!({"files": 2})).expect("done");
        assert!(survey(&volume).expect("survey").is_empty());
        let account = finished(&volume, id).expect("read").expect("filed");
        assert_eq!(account.done.map(|done| done.body), Some(json!({"files": 2})));
        assert_eq!(finished_by_time(&volume).expect("list").into_iter().map(|(id, _)| id).collect::<Vec<_>>(), [id]);
    }

    #[test]
    fn a_journal_cut_at_any_byte_is_read_up_to_there_or_refused() {
        let (_temp, volume) = volume();
        let lock = locked(&volume);
        let mut journal = Journal::begin(&volume, &lock, "plan", &json!({"a": "\n"})).expect("begin");
        journal.steps(&[1, 2, 3]).expect("steps");
        let id = journal.id();
        let bytes = journal_bytes(&volume, id);
        let first = bytes.iter().position(|byte| *byte == b'\n').expect("a line") + 1;
        for cut in 0..=bytes.len() {
            match parse(id, &bytes[..cut]) {
                Ok(account) => {
                    assert!(cut >= first);
                    let lines = bytes[..cut].iter().filter(|byte| **byte == b'\n').count();
                    assert_eq!(account.steps.len(), lines - 1);
                }
                Err(fault) => assert!(cut < first, "{cut}: {fault:?}"),
            }
        }
    }

    #[test]
    fn a_torn_line_is_cut_off_when_work_goes_on() {
        let (_temp, volume) = volume();
        let lock = locked(&volume);
        let mut journal = Journal::begin(&volume, &lock, "plan", &()).expect("begin");
        journal.steps(&["whole"]).expect("steps");
        let id = journal.id();
        let folder = volume.dir(&layout::journal_dir()).expect("open").expect("there");
        let mut torn = journal_bytes(&volume, id);
        torn.extend_from_slice(b"{\"line\":\"step\",\"at");
        folder.write(file_name(id), &torn).expect("tear");
        let account = survey(&volume).expect("survey").unfinished.remove(0);
        let mut resumed = Journal::resume(&volume, &lock, &account).expect("resume");
        resumed.steps(&["after"]).expect("steps");
        let account = survey(&volume).expect("survey").unfinished.remove(0);
        let bodies: Vec<_> = account.steps.iter().map(|step| step.body.as_str().unwrap_or_default()).collect();
        assert_eq!(bodies, ["whole", "after"]);
    }

    #[test]
    fn foreign_empty_doubled_and_mistaken_journals_are_refused_by_name() {
        let (_temp, volume) = volume();
        let lock = locked(&volume);
        let journal = Journal::begin(&volume, &lock, "plan", &()).expect("begin");
        let (id, bytes) = (journal.id(), journal_bytes(&volume, journal.id()));
        let folder = volume.dir(&layout::journal_dir()).expect("open").expect("there");
        let text = String::from_utf8(bytes).expect("json");
        let twice = text.repeat(2);
        let done = jsonl::encode(&[Line::Done(Step { at: clock::now(), fence: 1, body: Value::Null })]);
        let after_end = [text.as_bytes(), &done, &done].concat();
        let newer = text.replace("farm.journal/1", "farm.journal/2");
        for bad in [&b""[..], b"\n", b"\0\0\0\n", b"{}\n", twice.as_bytes(), newer.as_bytes(), &after_end] {
            folder.write(file_name(id), bad).expect("plant");
            let error = survey(&volume).expect("listed").unfinished_in(lock.scope()).expect_err("refused");
            assert_eq!(error.class(), Class::Refused);
            assert!(error.to_string().contains(&id.to_string()), "{error}");
        }
        let other = TransactionId::random();
        folder.write(file_name(id), text.as_bytes()).expect("plant");
        folder.write(file_name(other), text.as_bytes()).expect("plant");
        let found = survey(&volume).expect("listed");
        assert_eq!(found.unfinished.len(), 1, "the others can be read all the same");
        let error = found.unfinished_in(lock.scope()).expect_err("a copy");
        assert!(error.to_string().contains("another transaction"));
    }

    #[test]
    fn an_unreadable_journal_stops_only_what_it_may_be_about() {
        let (_temp, volume) = volume();
        let lock = locked(&volume);
        let journal = Journal::begin(&volume, &lock, "plan", &()).expect("begin");
        let (id, bytes) = (journal.id(), journal_bytes(&volume, journal.id()));
        let folder = volume.dir(&layout::journal_dir()).expect("open").expect("there");
        let newer = String::from_utf8(bytes).expect("json").replace("farm.journal/1", "farm.journal/2");
        folder.write(file_name(id), newer.as_bytes()).expect("plant");
        let other = Scope::Release("r2".parse().expect("name"));
        assert!(survey(&volume).expect("listed").unfinished_in(&other).expect("of another release").is_empty());
        survey(&volume).expect("listed").unfinished_in(lock.scope()).expect_err("of this one");
        folder.write(file_name(id), b"{}\n").expect("plant");
        survey(&volume).expect("listed").unfinished_in(&other).expect_err("it may be about anything");
    }

    #[test]
    fn a_done_journal_that_was_not_filed_is_filed_later() {
        let (_temp, volume) = volume();
        let lock = locked(&volume);
        let mut journal = Journal::begin(&volume, &lock, "plan", &()).expect("begin");
        let (id, line) = (journal.id(), Line::Done(journal.now(&())));
        journal.record.append(&jsonl::encode(&[line])).expect("append");
        let journals = survey(&volume).expect("survey");
        assert_eq!((journals.unfinished.len(), journals.not_filed.as_slice()), (0, &[id][..]));
        for _ in 0..2 {
            file_done(&volume, &journals.not_filed).expect("file");
            assert!(survey(&volume).expect("survey").is_empty());
            assert_eq!(
                finished_by_time(&volume).expect("list").into_iter().map(|(id, _)| id).collect::<Vec<_>>(),
                [id]
            );
        }
    }

    #[test]
    fn another_process_that_still_works_on_it_is_left_alone() {
        let (_temp, volume) = volume();
        let lock = locked(&volume);
        drop(Journal::begin(&volume, &lock, "plan", &()).expect("begin"));
        let mut account = survey(&volume).expect("survey").unfinished.remove(0);
        let mut sleeper = std::process::Command::new("sleep").arg("30").spawn().expect("spawn");
        account.owner = ProcessId::of(sleeper.id()).expect("/proc is there").expect("it runs");
        assert!(matches!(Journal::resume(&volume, &lock, &account), Err(JournalError::Alive { .. })));
        sleeper.kill().expect("ours");
        sleeper.wait().expect("ours");
        Journal::resume(&volume, &lock, &account).expect("it is gone");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            proptest::prop_assert!(parse(TransactionId::random(), &bytes).is_err());
        }
    }
}
