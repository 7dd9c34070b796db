//! The queue's file: opening, making, checking, transactions, and what its errors mean.

use super::transition::{Refusal, Tally};
use super::{ADDRESS, LocalSettings, rows, schema};
use crate::base::status::TaskStatus;
use crate::manager::ManagerError;
use crate::sys::process::HostId;
use crate::sys::process::scratch::Scratch;
use crate::sys::{files, outside};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, ffi};
use std::io;
use std::path::Path;
use std::time::Duration;

/// How long a call waits for other processes' transactions. All are short but the submission of a large job.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);
/// Between two tries, so that others of this process have their turn.
pub(super) const PAUSE: Duration = Duration::from_millis(10);
/// How long one try takes at most.
const TRY: Duration = Duration::from_secs(1);

const DAMAGED: &str =
    "`farm doctor` looks closer at the queue and says how it is mended; releases and frames are not in it.";
const FULL: &str =
    "Check that the volume has free space and can be written to; `farm doctor` looks closer at the queue.";

/// Why something could not be done with the queue.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A status change that is not possible.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// A submission that cannot be taken.
    #[error("{0}")]
    Rejected(String),
    /// There is no such job or task.
    #[error("there is no {0}")]
    Missing(String),
    #[error("it belongs to another host, {}", .owner.name)]
    OtherHost { owner: HostId, host: HostId },
    #[error("it has version {found}, made by a newer farm; this one knows versions up to {known}", known = schema::VERSION)]
    Newer { found: i64 },
    #[error("it is damaged: {0}")]
    Damaged(String),
}

impl Fault {
    /// In the words of the trait, naming the queue's file.
    pub(super) fn explain(self, queue: &Path) -> ManagerError {
        let address = ADDRESS.to_owned();
        match self {
            Fault::Missing(what) => ManagerError::NotFound { address, what },
            Fault::Refused(refusal) => ManagerError::Rejected { address, message: refusal.to_string() },
            Fault::Rejected(message) => ManagerError::Rejected { address, message },
            Fault::OtherHost { owner, host } => ManagerError::OtherHost { owner: owner.name, host: host.name },
            other => ManagerError::Queue {
                message: format!("{}: {}", queue.display(), other.words()),
                next: other.next_step().to_owned(),
            },
        }
    }

    /// Whether another process's transaction was in the way.
    pub(super) fn is_busy(&self) -> bool {
        let Fault::Sqlite(error) = self else { return false };
        matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    /// Whether a handle for looking met what a killed process left half done.
    pub(super) fn needs_rollback(&self) -> bool {
        let Fault::Sqlite(error) = self else { return false };
        let code = error.sqlite_error().map(|error| error.extended_code);
        code == Some(ffi::SQLITE_READONLY_ROLLBACK) || code == Some(ffi::SQLITE_READONLY_RECOVERY)
    }

    fn next_step(&self) -> &'static str {
        let code = match self {
            Fault::Newer { .. } => return "Update farm on this machine: a newer one made the queue what it is.",
            Fault::Damaged(_) => return DAMAGED,
            Fault::Io(_) => return FULL,
            Fault::Sqlite(error) => error.sqlite_error_code(),
            _ => None,
        };
        match code {
            _ if self.is_busy() => {
                "Wait for whoever has it, another farm or a backup, then give the same command again."
            }
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => DAMAGED,
            Some(
                ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied,
            ) => FULL,
            _ => "`farm doctor` looks closer at the queue.",
        }
    }

    fn words(&self) -> String {
        match self {
            Fault::Sqlite(_) if self.is_busy() => {
                format!("another process has locked it for more than {} s", PATIENCE.as_secs())
            }
            Fault::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => format!("it is damaged: {error}"),
                _ => error.to_string(),
            },
            other => other.to_string(),
        }
    }
}

/// The queue, open.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) connection: Connection,
    /// Holds the files of a copy; see [`open_read_only`].
    copy: Option<Scratch>,
}

impl Opened {
    /// Whether this is a copy of the queue rather than the queue.
    pub(super) fn is_copy(&self) -> bool {
        self.copy.is_some()
    }
}

/// Opens a queue for reading and writing; `None` if there is none yet.
pub(super) fn open_existing(settings: &LocalSettings) -> Result<Option<Opened>, Fault> {
    if !outside::exists(&settings.queue()) {
        return Ok(None);
    }
    open_or_create(settings).map(Some)
}

/// Opens the queue for reading and writing, making it if there is none.
pub(super) fn open_or_create(settings: &LocalSettings) -> Result<Opened, Fault> {
    files::make_folders(&settings.folder, 0o777)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(settings.queue(), flags)?;
    configure(&connection)?;
    if version(&connection)? == 0 {
        let tx = begin(&mut connection, TransactionBehavior::Immediate)?;
        create(&tx, &settings.host)?;
        commit(tx, || true)?;
    }
    check_owner(&connection, &settings.host)?;
    if version(&connection)? < schema::VERSION {
        let tx = begin(&mut connection, TransactionBehavior::Immediate)?;
        bring_up_to_date(&tx)?;
        commit(tx, || true)?;
    }
    Ok(Opened { connection, copy: None })
}

/// Opens a queue for looking; `None` if there is none yet.
///
/// Where a killed process left a transaction half done, reading needs its roll-back, which is a change. Then a private
/// copy is rolled back and read, and the queue stays as it is.
pub(super) fn open_read_only(settings: &LocalSettings) -> Result<Option<Opened>, Fault> {
    let queue = settings.queue();
    if !outside::exists(&queue) {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&queue, flags)?;
    connection.busy_timeout(TRY)?;
    let opened = match version(&connection) {
        Ok(0) => return Ok(None),
        Ok(_) => Opened { connection, copy: None },
        Err(fault) if fault.needs_rollback() => match open_copy(&queue)? {
            Some(opened) => opened,
            None => return Ok(None),
        },
        Err(fault) => return Err(fault),
    };
    check_owner(&opened.connection, &settings.host)?;
    Ok(Some(opened))
}

fn open_copy(queue: &Path) -> Result<Option<Opened>, Fault> {
    let scratch = Scratch::in_system_folder("farm-queue")?;
    let copy = scratch.path().join("queue.sqlite");
    let journal = |path: &Path| path.with_extension("sqlite-journal");
    // The journal first: if it is rolled back in between, the copy has an old journal beside a whole queue at worst,
    // and the checksums in its header of pages tell SQLite so.
    files::copy_to_new(&journal(queue), &journal(&copy)).map_err(io::Error::from)?;
    files::copy_to_new(queue, &copy).map_err(io::Error::from)?;
    let connection = Connection::open_with_flags(&copy, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let made = version(&connection)? != 0;
    Ok(made.then_some(Opened { connection, copy: Some(scratch) }))
}

/// A rollback journal that is emptied, not removed, at each commit: one request less on a network file system than
/// removal, and SQLite syncs it after emptying it.
fn configure(connection: &Connection) -> Result<(), Fault> {
    connection.busy_timeout(TRY)?;
    connection.pragma_update_and_check(None, "journal_mode", "TRUNCATE", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // In KiB. With SQLite's own 2 MB the submission of a large job would write each of its pages many times, and shut out
    // readers for all of that time.
    connection.pragma_update(None, "cache_size", -65_536)?;
    Ok(())
}

/// The version of a queue that this farm can use; 0 where its maker was killed before it made it.
fn version(connection: &Connection) -> Result<i64, Fault> {
    let found = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > schema::VERSION { Err(Fault::Newer { found }) } else { Ok(found) }
}

fn create(tx: &Transaction<'_>, host: &HostId) -> Result<(), Fault> {
    if version(tx)? != 0 {
        return Ok(()); // Another process was first.
    }
    tx.execute_batch(schema::TABLES)?;
    tx.execute("INSERT INTO owner (host, machine) VALUES (?1, ?2)", (&host.name, &host.machine))?;
    tx.pragma_update(None, "application_id", schema::APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", schema::VERSION)?;
    Ok(())
}

/// Makes a queue of an earlier version one of this. A handle for looking reads either: what is new it looks for first.
fn bring_up_to_date(tx: &Transaction<'_>) -> Result<(), Fault> {
    if version(tx)? == 1 {
        tx.execute_batch(schema::FROM_1_TO_2)?;
        tx.pragma_update(None, "user_version", 2)?;
    }
    if version(tx)? == 2 {
        tx.execute_batch(schema::FROM_2_TO_3)?;
        tx.pragma_update(None, "user_version", 3)?;
    }
    if version(tx)? == 3 {
        tx.execute_batch(schema::FROM_3_TO_4)?;
        tx.pragma_update(None, "user_version", 4)?;
    }
    Ok(())
}

fn check_owner(connection: &Connection, host: &HostId) -> Result<(), Fault> {
    let owner = connection
        .query_row("SELECT host, machine FROM owner", (), |row| Ok(HostId { name: row.get(0)?, machine: row.get(1)? }))
        .optional()?
        .ok_or_else(|| Fault::Damaged("it has no owner".into()))?;
    if owner == *host { Ok(()) } else { Err(Fault::OtherHost { owner, host: host.clone() }) }
}

/// Begins a transaction that has the lock which its kind needs, so that whether the queue is busy shows here and not within.
pub(super) fn begin(connection: &mut Connection, behavior: TransactionBehavior) -> Result<Transaction<'_>, Fault> {
    let tx = connection.transaction_with_behavior(behavior)?;
    // A deferred one takes its lock when it looks at something.
    version(&tx)?;
    Ok(tx)
}

/// Commits, waiting for those who read until `is_over`. What cannot be committed is rolled back.
pub(super) fn commit(tx: Transaction<'_>, is_over: impl Fn() -> bool) -> Result<(), Fault> {
    loop {
        match tx.execute_batch("COMMIT").map_err(Fault::from) {
            Err(fault) if fault.is_busy() && !is_over() => {}
            done => return done,
        }
    }
}

/// SQLite's own check, and that of all references.
pub(super) fn check_integrity(connection: &Connection) -> Result<(), Fault> {
    let verdict: String = connection.query_row("PRAGMA integrity_check", (), |row| row.get(0))?;
    if verdict != "ok" {
        return Err(Fault::Damaged(verdict));
    }
    let dangling = connection.query_row("PRAGMA foreign_key_check", (), |row| row.get::<_, String>(0)).optional()?;
    if let Some(table) = dangling {
        return Err(Fault::Damaged(format!("table {table} refers to rows that are not there")));
    }
    if version(connection)? < 2 { Ok(()) } else { check_tallies(connection) }
}

/// That each job's tally is what counting gives.
fn check_tallies(connection: &Connection) -> Result<(), Fault> {
    let mut select = connection.prepare("SELECT seq, id, tally FROM job")?;
    let mut jobs = select.query(())?;
    while let Some(job) = jobs.next()? {
        let (seq, id, kept): (i64, String, Tally) = (job.get(0)?, job.get(1)?, rows::json(job, 2)?);
        let mut count =
            connection.prepare_cached("SELECT status, count(*) FROM task WHERE job = ?1 GROUP BY status")?;
        let counted = count
            .query_map((seq,), |row| Ok((TaskStatus::from(row.get::<_, String>(0)?), row.get::<_, u32>(1)?.into())))?;
        let counted = Tally::new(counted.collect::<Result<Vec<_>, _>>()?);
        if TaskStatus::KNOWN.iter().any(|status| kept.of(status) != counted.of(status)) {
            return Err(Fault::Damaged(format!("job {id} has {counted:?} and says {kept:?}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::Explain;
    use crate::manager::local::Local;

    fn settings(folder: &Path) -> LocalSettings {
        LocalSettings::new(folder.join("local"))
    }

    #[test]
    fn looking_makes_nothing_and_the_first_write_makes_the_queue_once() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path());
        for local in [Local::peek(settings.clone()).unwrap(), Local::open(settings.clone()).unwrap()] {
            assert_eq!(local.read(|_| Ok(1)).unwrap(), None);
            assert!(outside::list(folder.path()).unwrap().is_empty());
            local.check_integrity().unwrap();
        }
        let makers: Vec<_> = (0..8)
            .map(|_| {
                let settings = settings.clone();
                std::thread::spawn(move || Local::open(settings)?.write(|_| Ok(())))
            })
            .collect();
        makers.into_iter().for_each(|maker| maker.join().unwrap().unwrap());
        Local::peek(settings).unwrap().check_integrity().unwrap();
    }

    #[test]
    fn another_host_a_newer_queue_and_garbage_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path());
        Local::open(settings.clone()).unwrap().write(|_| Ok(())).unwrap();
        let stranger = HostId { name: "render02".into(), machine: "other".into() };
        for open in [Local::open, Local::peek] {
            let error = open(LocalSettings { host: stranger.clone(), ..settings.clone() }).unwrap_err();
            assert!(matches!(error, ManagerError::OtherHost { .. }), "{error}");
        }
        let raw = Connection::open(settings.queue()).unwrap();
        raw.pragma_update(None, "user_version", 99).unwrap();
        drop(raw);
        for open in [Local::open, Local::peek] {
            let error = open(settings.clone()).unwrap_err().to_string();
            assert!(error.contains("newer farm") && error.contains("queue.sqlite"), "{error}");
        }
        std::fs::write(settings.queue(), vec![7; 4096]).unwrap();
        for open in [Local::open, Local::peek] {
            let error = open(settings.clone()).unwrap_err().to_string();
            assert!(error.contains("damaged"), "{error}");
        }
    }

    #[test]
    fn the_next_step_fits_the_fault() {
        let sqlite = |code| {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            Fault::from(error).explain(Path::new("q")).hint().unwrap()
        };
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR, ffi::SQLITE_READONLY] {
            assert!(sqlite(code).contains("free space"), "{code}");
        }
        let newer = Fault::Newer { found: 99 }.explain(Path::new("q")).hint().unwrap();
        let others = [newer, sqlite(ffi::SQLITE_CORRUPT), sqlite(ffi::SQLITE_NOTADB), sqlite(ffi::SQLITE_BUSY)];
        for (hint, words) in others.iter().zip(["Update farm", "mended", "mended", "another farm"]) {
            assert!(hint.contains(words) && !hint.contains("free space") && !hint.contains("--manager"), "{hint}");
        }
    }

    /// A transaction that has spilled to disk, copied from `live` to `dead` as a kill would leave it.
    fn leave_half_done(live: &LocalSettings, dead: &LocalSettings) {
        let mut raw = Connection::open(live.queue()).unwrap();
        raw.pragma_update(None, "cache_size", 2).unwrap();
        let tx = raw.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        tx.execute("UPDATE owner SET host = 'half done'", ()).unwrap();
        for n in 0..200 {
            let name = format!("{n}{}", "x".repeat(2000));
            tx.execute(
                "INSERT INTO worker VALUES (?1, ?1, '', '', '', '', '', 0, NULL, NULL, NULL, NULL, NULL)",
                (name,),
            )
            .unwrap();
        }
        for name in ["queue.sqlite", "queue.sqlite-journal"] {
            std::fs::copy(live.folder.join(name), dead.folder.join(name)).unwrap();
        }
        tx.rollback().unwrap();
    }

    fn count_workers(connection: &Connection) -> Result<i64, Fault> {
        Ok(connection.query_row("SELECT count(*) FROM worker", (), |row| row.get(0))?)
    }

    fn live_and_dead(folder: &Path) -> (LocalSettings, LocalSettings) {
        let (live, dead) = (settings(&folder.join("live")), settings(&folder.join("dead")));
        Local::open(live.clone()).unwrap().write(|_| Ok(())).unwrap();
        files::make_folders(&dead.folder, 0o777).unwrap();
        (live, dead)
    }

    /// Whoever looks on does not end because another one is killed.
    #[test]
    fn a_handle_for_looking_outlives_the_death_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let (live, dead) = live_and_dead(folder.path());
        std::fs::copy(live.queue(), dead.queue()).unwrap();
        let peek = Local::peek(dead.clone()).unwrap();
        assert_eq!(peek.read(count_workers).unwrap(), Some(0));
        leave_half_done(&live, &dead);
        assert_eq!(peek.read(count_workers).unwrap(), Some(0));
        // Somebody rolls it back, and goes on.
        Local::open(dead).unwrap().write(|_| Ok(())).unwrap();
        assert_eq!(peek.read(count_workers).unwrap(), Some(0));
    }

    #[test]
    fn a_look_at_a_half_done_transaction_sees_the_state_before_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (live, dead) = live_and_dead(folder.path());
        leave_half_done(&live, &dead);
        let before = std::fs::read(dead.queue()).unwrap();
        let peek = Local::peek(dead.clone()).unwrap();
        assert_eq!(peek.read(count_workers).unwrap(), Some(0));
        assert_eq!(std::fs::read(dead.queue()).unwrap(), before);
        assert_eq!(outside::list(&dead.folder).unwrap().len(), 2);
        let open = Local::open(dead.clone()).unwrap();
        assert_eq!(open.read(count_workers).unwrap(), Some(0));
        open.check_integrity().unwrap();
    }
}
