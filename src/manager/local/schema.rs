//! The queue's tables.

/// The version of the tables below, kept in SQLite's `user_version`. A farm refuses a queue of a later one.
pub(super) const VERSION: i64 = 4;

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
        settings TEXT NOT NULL,             -- the work
        tally TEXT NOT NULL,                -- how many of its tasks are in each status
        created INTEGER NOT NULL,
        updated INTEGER NOT NULL
    );
    CREATE INDEX job_run ON job (run);
    -- The jobs that are worked on, in the order in which they are.
    CREATE INDEX job_open ON job (priority DESC, seq) WHERE status IN ('active', 'queued');
    CREATE TABLE task (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        job INTEGER NOT NULL REFERENCES job (seq) ON DELETE CASCADE,
        position INTEGER NOT NULL,          -- within the job, from 1
        name TEXT NOT NULL,
        type TEXT NOT NULL,
        status TEXT NOT NULL,
        frames TEXT NOT NULL,
        commands TEXT NOT NULL,             -- empty: those of the job's work, for these frames
        activity TEXT NOT NULL,
        worker TEXT,                        -- who has it or had it last; nobody once a canceled one is over
        attempts INTEGER NOT NULL DEFAULT 0,
        updated INTEGER NOT NULL
    );
    -- The first waiting task of a type, and the few active ones, are found without a look at the others.
    CREATE INDEX task_waiting ON task (job, status, type, position);
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
        leader TEXT,
        scope TEXT                          -- the ids of the jobs that it works on; NULL for all
    ) WITHOUT ROWID;
    CREATE TABLE former_worker (            -- whose name another one has now, and of whom tasks tell
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE failure (
        task INTEGER NOT NULL REFERENCES task (seq) ON DELETE CASCADE,
        worker TEXT NOT NULL,
        PRIMARY KEY (task, worker)
    ) WITHOUT ROWID;
    CREATE INDEX failure_worker ON failure (worker);
    CREATE TABLE block (
        job INTEGER NOT NULL REFERENCES job (seq) ON DELETE CASCADE,
        worker TEXT NOT NULL,
        task_type TEXT NOT NULL,
        PRIMARY KEY (job, worker, task_type)
    ) WITHOUT ROWID;
";

/// What makes a queue of version 1 one of version 2. Its tasks keep the commands that were stored with them.
pub(super) const FROM_1_TO_2: &str = "
    ALTER TABLE job ADD COLUMN tally TEXT NOT NULL DEFAULT '{}';
    UPDATE job SET tally = (
        SELECT json_group_object(status, number)
        FROM (SELECT status, count(*) AS number FROM task WHERE task.job = job.seq GROUP BY status)
    );
    DROP INDEX job_status;
    CREATE INDEX job_open ON job (priority DESC, seq) WHERE status IN ('active', 'queued');
    DROP INDEX task_job;
    CREATE INDEX task_waiting ON task (job, status, type, position);
    CREATE INDEX failure_worker ON failure (worker);
";

/// What makes a queue of version 2 one of version 3.
pub(super) const FROM_2_TO_3: &str = "ALTER TABLE worker ADD COLUMN scope TEXT;";

/// What makes a queue of version 3 one of version 4.
pub(super) const FROM_3_TO_4: &str = "
    CREATE TABLE former_worker (id TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
";

#[cfg(test)]
mod tests {
    use crate::base::status::{JobStatus, TaskStatus};
    use crate::manager::Manager;
    use crate::manager::local::{Local, LocalSettings, WorkerOptions};
    use crate::sys::process::Guard;
    use rusqlite::Connection;

    /// The tables of version 1, as it made them.
    const VERSION_1: &str = "
    CREATE TABLE owner (
        host TEXT NOT NULL,
        machine TEXT NOT NULL
    );
    CREATE TABLE job (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        run TEXT,
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
        position INTEGER NOT NULL,
        name TEXT NOT NULL,
        type TEXT NOT NULL,
        status TEXT NOT NULL,
        frames TEXT NOT NULL,
        commands TEXT NOT NULL,
        activity TEXT NOT NULL,
        worker TEXT,
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

    const WORK: &str = r#"{"type":"simple-blender-render","blendfile":"/a.blend","scene":null,"frames":"1-3",
        "chunk_size":1,"render_output_path":"/o/#","format":"PNG","image_file_extension":".png"}"#;

    fn queue_of_version_1(settings: &LocalSettings) {
        std::fs::create_dir_all(&settings.folder).unwrap();
        let old = Connection::open(settings.queue()).unwrap();
        old.execute_batch(VERSION_1).unwrap();
        let host = &settings.host;
        old.execute("INSERT INTO owner VALUES (?1, ?2)", (&host.name, &host.machine)).unwrap();
        old.execute("INSERT INTO job VALUES (1, 'j', NULL, 'n', 't', 'active', 50, NULL, '', '{}', ?1, 0, 0)", (WORK,))
            .unwrap();
        for (seq, status) in [(1, "completed"), (2, "soft-failed"), (3, "queued")] {
            let commands = r#"[{"name":"echo","parameters":{"message":"old"}}]"#;
            old.execute(
                "INSERT INTO task VALUES (?1, 't' || ?1, 1, ?1, 'n' || ?1, 'blender', ?2, '\"1\"', ?3, '', NULL, 1, 0)",
                (seq, status, commands),
            )
            .unwrap();
        }
        old.pragma_update(None, "user_version", 1).unwrap();
    }

    #[test]
    fn a_queue_of_version_1_is_looked_at_as_it_is_and_brought_up_to_date_to_work_with() {
        let folder = tempfile::tempdir().unwrap();
        let settings = LocalSettings::new(folder.path().join("local"));
        queue_of_version_1(&settings);
        let before = std::fs::read(settings.queue()).unwrap();
        let peek = Local::peek(settings.clone()).unwrap();
        let id = peek.jobs().unwrap().remove(0).id;
        assert_eq!(peek.tasks(&id).unwrap().len(), 3);
        peek.check_integrity().unwrap();
        assert_eq!(std::fs::read(settings.queue()).unwrap(), before);
        let local = Local::open(settings).unwrap();
        local.check_integrity().unwrap();
        local.set_job_status(&id, JobStatus::CancelRequested, "").unwrap();
        local.check_integrity().unwrap();
        let statuses: Vec<TaskStatus> = local.tasks(&id).unwrap().into_iter().map(|task| task.status).collect();
        assert_eq!(statuses, [TaskStatus::Completed, TaskStatus::Canceled, TaskStatus::Canceled]);
        local.sign_on(&WorkerOptions::new(Guard::this_executable())).unwrap();
        let fresh = Local::open(LocalSettings::new(folder.path().join("fresh"))).unwrap();
        fresh.write(|_| Ok(())).unwrap();
        // Apart from the order of columns and from comments, both are the same.
        let names = |local: &Local| {
            let query = "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema ORDER BY name)";
            local.read(|queue| Ok(queue.query_row(query, (), |row| row.get::<_, String>(0))?)).unwrap()
        };
        assert_eq!(names(&local), names(&fresh));
    }
}
