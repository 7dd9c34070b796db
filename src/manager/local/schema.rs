//! The queue's tables.

/// The version of the tables below, kept in SQLite's `user_version`. A farm refuses a queue of a later one.
pub(super) const VERSION: i64 = 1;

/// `"farm"`, in SQLite's `application_id`.
pub(super) const APPLICATION_ID: i64 = 0x6661_726d;

/// Times are microseconds since 1970; lists and maps are JSON; `seq` gives the order of submission.
pub(super) const TABLES: &str = "
    CREATE TABLE owner (
        host TEXT NOT NULL,
        machine TEXT NOT NULL
    );
    CREATE TABLE job (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        run TEXT,                           -- farm.id of the metadata
        name TEXT NOT NULL,
        type TEXT NOT NULL,
        status TEXT NOT NULL,
        priority INTEGER NOT NULL,
        tag TEXT,
        activity TEXT NOT NULL,
        metadata TEXT NOT NULL,
        settings TEXT NOT NULL,
        created INTEGER NOT NULL,
        updated INTEGER NOT NULL
    );
    CREATE INDEX job_run ON job (run);
    CREATE INDEX job_status ON job (status);
    CREATE TABLE task (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        job INTEGER NOT NULL REFERENCES job (seq) ON DELETE CASCADE,
        position INTEGER NOT NULL,          -- within the job, from 1
        name TEXT NOT NULL,
        type TEXT NOT NULL,
        status TEXT NOT NULL,
        frames TEXT NOT NULL,
        commands TEXT NOT NULL,
        activity TEXT NOT NULL,
        worker TEXT,                        -- who has it or had it last; nobody once a canceled one is over
        attempts INTEGER NOT NULL DEFAULT 0,
        updated INTEGER NOT NULL
    );
    CREATE INDEX task_job ON task (job, status, position);
    CREATE TABLE worker (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        status TEXT NOT NULL,
        version TEXT NOT NULL,
        process TEXT NOT NULL,
        task_types TEXT NOT NULL,
        tags TEXT NOT NULL,
        last_seen INTEGER NOT NULL,
        -- The attempt at work: not references, for it may outlive its task, and its renderer must be found then.
        task TEXT,
        job TEXT,
        mark TEXT,
        leader TEXT
    ) WITHOUT ROWID;
    CREATE TABLE failure (
        task INTEGER NOT NULL REFERENCES task (seq) ON DELETE CASCADE,
        worker TEXT NOT NULL,
        PRIMARY KEY (task, worker)
    ) WITHOUT ROWID;
    CREATE TABLE block (
        job INTEGER NOT NULL REFERENCES job (seq) ON DELETE CASCADE,
        worker TEXT NOT NULL,
        task_type TEXT NOT NULL,
        PRIMARY KEY (job, worker, task_type)
    ) WITHOUT ROWID;
";
