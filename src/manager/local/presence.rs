//! Workers as the queue knows them: signing on and off, the attempt at work, and whether it may go on.

use super::attempt::Ended;
use super::claim::Assignment;
use super::rows::{stored, to_json};
use super::store::Fault;
use super::transition::TaskEvent;
use super::{Local, WorkerOptions, change, failure};
use crate::base::ids::{TaskId, WorkerId};
use crate::manager::ManagerError;
use crate::sys::clock;
use crate::sys::process::ProcessId;
use rusqlite::{Connection, OptionalExtension, Transaction, named_params};
use std::time::Duration;
use uuid::Uuid;

/// A worker that signed on.
#[derive(Debug)]
pub(super) struct Registered {
    pub(super) id: WorkerId,
    pub(super) name: String,
    /// The ids of the jobs it works on, as JSON; `None` for all.
    pub(super) scope: Option<String>,
}

impl Local {
    /// Signs a worker on, under a name that no worker at work has.
    pub(super) fn sign_on(&self, options: &WorkerOptions) -> Result<Registered, ManagerError> {
        let base = options.name.as_deref().unwrap_or(&self.settings.host.name);
        let scope = options.scope.jobs().map(|jobs| to_json(&jobs));
        let id = WorkerId(Uuid::new_v4().to_string());
        let name = self.write(|tx| {
            let name = free_name(tx, base)?;
            replace(tx, &name)?;
            tx.execute(
                "INSERT INTO worker (id, name, status, version, process, task_types, tags, last_seen, scope)
                 VALUES (:id, :name, 'awake', :version, :process, :task_types, :tags, :now, :scope)",
                named_params! {
                    ":id": id.0,
                    ":name": name,
                    ":version": env!("CARGO_PKG_VERSION"),
                    ":process": to_json(&ProcessId::this()?),
                    ":task_types": to_json(&options.task_types),
                    ":tags": to_json(&options.tags),
                    ":now": stored(clock::now()),
                    ":scope": scope,
                },
            )?;
            Ok(name)
        })?;
        Ok(Registered { id, name, scope })
    }

    /// Signs a worker off; a task that it still has goes back into the queue.
    pub(super) fn sign_off(&self, worker: &Registered) -> Result<(), ManagerError> {
        self.write(|tx| {
            release_attempt(tx, &worker.id, "its worker stopped")?;
            tx.execute(
                "UPDATE worker SET status = 'offline', last_seen = ?2 WHERE id = ?1",
                (&worker.id.0, stored(clock::now())),
            )?;
            Ok(())
        })
    }

    /// Signs a worker off whose renderer lives on: the attempt stays recorded, and its task taken, until somebody ended
    /// the renderer and the queue is put in order.
    pub(super) fn desert(&self, worker: &Registered) -> Result<(), ManagerError> {
        self.write(|tx| {
            tx.execute("UPDATE worker SET status = 'offline' WHERE id = ?1", (&worker.id.0,))?;
            Ok(())
        })
    }

    /// Records the renderer of the attempt at work, before it may do anything.
    pub(super) fn record_renderer(&self, worker: &Registered, leader: &ProcessId) -> Result<(), Fault> {
        self.write_within(Duration::ZERO, |tx| {
            tx.execute("UPDATE worker SET leader = ?2 WHERE id = ?1", (&worker.id.0, to_json(leader)))?;
            Ok(())
        })
    }

    /// Whether the task is still this attempt's: not canceled, not deleted, not given to another.
    pub(super) fn may_run(&self, worker: &Registered, assignment: &Assignment) -> Result<bool, Fault> {
        // The renderer's output waits meanwhile, and so does whoever told the worker to stop.
        let held = |connection: &Connection| held_task(connection, &worker.id, &assignment.mark);
        let found = self.read_within(Duration::ZERO, held)?;
        Ok(found.flatten().is_some())
    }

    /// A sign of life. One that was taken for dead is at work again.
    pub(super) fn beat(&self, worker: &Registered) -> Result<(), Fault> {
        self.write_within(Duration::ZERO, |tx| {
            tx.execute(
                "UPDATE worker SET last_seen = ?2, status = 'awake' WHERE id = ?1",
                (&worker.id.0, stored(clock::now())),
            )?;
            Ok(())
        })
    }

    /// Reports how an attempt ended; its renderer is gone. A task that was taken away meanwhile is not touched: then
    /// it ended as revoked, whatever its worker made of it.
    pub(super) fn finish(
        &self,
        worker: &Registered,
        assignment: &Assignment,
        ended: Ended,
    ) -> Result<Ended, ManagerError> {
        self.write(|tx| {
            let held = held_task(tx, &worker.id, &assignment.mark)?;
            if let Some(task) = held {
                report(tx, task, &worker.id, &ended)?;
            }
            clear_attempt(tx, &worker.id)?;
            Ok(if held.is_some() { ended } else { Ended::Revoked })
        })
    }
}

fn report(tx: &Transaction<'_>, task: i64, worker: &WorkerId, ended: &Ended) -> Result<(), Fault> {
    let now = clock::now();
    match ended {
        Ended::Completed => change::happen(tx, task, TaskEvent::Completed, "", now),
        Ended::Failed(words) => failure::record(tx, task, worker, words, now),
        Ended::Stopped | Ended::Revoked => {
            change::happen(tx, task, TaskEvent::Released, "its worker gave it back", now)
        }
    }
}

/// Takes away the row of a worker that signed off, so that another one can have its name. Of whom tasks tell, the name stays,
/// for as long as they do.
fn replace(tx: &Transaction<'_>, name: &str) -> Result<(), Fault> {
    tx.execute(
        "DELETE FROM former_worker
         WHERE id NOT IN (SELECT worker FROM task WHERE worker IS NOT NULL)
           AND id NOT IN (SELECT worker FROM failure)",
        (),
    )?;
    tx.execute(
        "INSERT OR IGNORE INTO former_worker SELECT id, name FROM worker
         WHERE name = ?1 AND (EXISTS (SELECT 1 FROM task WHERE task.worker = worker.id)
                              OR EXISTS (SELECT 1 FROM failure WHERE failure.worker = worker.id))",
        (name,),
    )?;
    tx.execute("DELETE FROM worker WHERE name = ?1", (name,))?;
    Ok(())
}

/// `base`, or `base-2`, `base-3`, … The rows of workers that signed off do not hold their names, unless they tell of a
/// renderer that lives on.
fn free_name(tx: &Transaction<'_>, base: &str) -> Result<String, Fault> {
    let mut taken = tx.prepare(
        "SELECT EXISTS (SELECT 1 FROM worker WHERE name = ?1 AND (status <> 'offline' OR mark IS NOT NULL))",
    )?;
    for number in 1u32.. {
        let name = if number == 1 { base.to_owned() } else { format!("{base}-{number}") };
        if !taken.query_row((&name,), |row| row.get::<_, bool>(0))? {
            return Ok(name);
        }
    }
    Err(Fault::Rejected("there are too many workers".into()))
}

/// The row of the task that this attempt holds.
fn held_task(connection: &Connection, worker: &WorkerId, mark: &str) -> Result<Option<i64>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT task.seq FROM worker JOIN task ON task.id = worker.task
         WHERE worker.id = ?1 AND worker.mark = ?2 AND task.status = 'active' AND task.worker = worker.id",
    )?;
    Ok(select.query_row((&worker.0, mark), |row| row.get(0)).optional()?)
}

/// Puts the task that a worker holds back into the queue and forgets the attempt, whose renderer must be gone.
/// Returns the task if it was put back.
pub(super) fn release_attempt(tx: &Transaction<'_>, worker: &WorkerId, words: &str) -> Result<Option<TaskId>, Fault> {
    let mark = tx
        .query_row("SELECT mark FROM worker WHERE id = ?1", (&worker.0,), |row| row.get::<_, Option<String>>(0))
        .optional()?
        .flatten();
    let Some(mark) = mark else { return Ok(None) };
    let task = held_task(tx, worker, &mark)?;
    if let Some(task) = task {
        change::happen(tx, task, TaskEvent::Released, words, clock::now())?;
    }
    clear_attempt(tx, worker)?;
    task.map(|seq| Ok(TaskId(tx.query_row("SELECT id FROM task WHERE seq = ?1", (seq,), |row| row.get(0))?)))
        .transpose()
}

/// Forgets an attempt whose renderer is gone. A task of it that was canceled meanwhile is nobody's then: it must not wait
/// for a word of a worker that may have signed off for good.
fn clear_attempt(tx: &Transaction<'_>, worker: &WorkerId) -> Result<(), Fault> {
    tx.execute(
        "UPDATE task SET worker = NULL
         WHERE status = 'canceled' AND worker = ?1 AND id = (SELECT task FROM worker WHERE worker.id = ?1)",
        (&worker.0,),
    )?;
    tx.execute(
        "UPDATE worker SET task = NULL, job = NULL, mark = NULL, leader = NULL, last_seen = ?2 WHERE id = ?1",
        (&worker.0, stored(clock::now())),
    )?;
    Ok(())
}
