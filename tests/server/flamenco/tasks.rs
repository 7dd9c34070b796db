//! Calls about tasks, their logs, and workers.

use super::{Answer, StandIn};
use farm::base::ids::{JobId, TaskId};
use farm::manager::{Manager, ManagerJob, ManagerTask};
use serde_json::{Value, json};

impl StandIn {
    pub(super) fn list_tasks(&self, job: &str) -> Answer {
        let workers = self.engine.workers().unwrap();
        let tasks = self.engine.tasks(&JobId(job.to_owned())).unwrap();
        let tasks: Vec<Value> =
            tasks.iter().enumerate().map(|(index, task)| self.task(index, task, &workers)).collect();
        self.json(&json!({ "tasks": tasks }))
    }

    pub(super) fn find_task(&self, id: &str) -> Option<(ManagerJob, usize, ManagerTask)> {
        self.engine.jobs().unwrap().into_iter().find_map(|job| {
            let tasks = self.engine.tasks(&job.id).unwrap();
            let (index, task) = tasks.into_iter().enumerate().find(|(_, task)| task.id.0 == id)?;
            Some((job, index, task))
        })
    }

    pub(super) fn tell_task(&self, id: &str) -> Answer {
        let Some((job, index, task)) = self.find_task(id) else { return self.coded(404, "no such task") };
        self.json(&self.task_in_full(&job, index, &task, &self.engine.workers().unwrap()))
    }

    pub(super) fn tell_log(&self, id: &str) -> Answer {
        let Some((job, _, task)) = self.find_task(id) else { return self.coded(404, "no such task") };
        let Some(log) = self.engine.log(&task.id).unwrap() else { return Answer::nothing() };
        let url = format!("/job-files/job-{}/{}/task-{}.txt", &job.id.0[..4], job.id, task.id);
        self.json(&json!({"job_id": job.id, "task_id": task.id, "size": log.len(), "url": url}))
    }

    pub(super) fn tell_log_tail(&self, id: &str) -> Answer {
        let Some((_, _, task)) = self.find_task(id) else { return self.coded(404, "no such task") };
        match self.engine.log_tail(&task.id).unwrap() {
            Some(tail) => Answer::text(200, "text/plain; charset=UTF-8", &tail),
            None => Answer::nothing(),
        }
    }

    /// `job-<four letters>/<job>/task-<task>.txt` of the Manager's own storage.
    pub(super) fn send_file(&self, path: &str) -> Answer {
        let name = path.rsplit('/').next().unwrap_or_default();
        let task = name.trim_start_matches("task-").trim_end_matches(".txt");
        match self.engine.log(&TaskId(task.to_owned())) {
            Ok(Some(log)) => Answer { body: log, ..Answer::text(200, "text/plain; charset=utf-8", "") },
            _ => self.plain(404, "Not Found"),
        }
    }

    pub(super) fn list_workers(&self) -> Answer {
        let workers: Vec<Value> = self.engine.workers().unwrap().iter().map(|worker| self.worker(worker)).collect();
        self.json(&json!({ "workers": workers }))
    }

    pub(super) fn tell_worker(&self, id: &str) -> Answer {
        match self.engine.workers().unwrap().iter().find(|worker| worker.id.0 == id) {
            Some(worker) => self.json(&self.worker_in_full(worker)),
            None => self.coded(404, &format!("worker {id:?} not found")),
        }
    }

    pub(super) fn list_tags(&self) -> Answer {
        let tag = |(id, name): &(String, String)| json!({"description": "", "id": id, "name": name});
        self.json(&json!({"tags": self.tags.iter().map(tag).collect::<Vec<_>>()}))
    }
}
