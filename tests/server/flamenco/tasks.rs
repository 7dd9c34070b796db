//! Calls about tasks, their logs, and workers.

use super::{Answer, Heard, StandIn};
use farm::base::ids::{JobId, TaskId};
use farm::manager::{Manager, ManagerJob, ManagerTask};
use serde_json::{Value, json};

impl StandIn {
    pub(super) fn list_tasks(&self, job: &str) -> Answer {
        let workers = self.all_workers();
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
        self.json(&self.task_in_full(&job, index, &task, &self.all_workers()))
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
    pub(super) fn send_file(&self, path: &str, request: &Heard) -> Answer {
        let name = path.rsplit('/').next().unwrap_or_default();
        let task = name.trim_start_matches("task-").trim_end_matches(".txt");
        match self.engine.log(&TaskId(task.to_owned())) {
            Ok(Some(log)) => part_of(log, request.header("range")),
            _ => self.plain(404, "Not Found"),
        }
    }

    pub(super) fn list_workers(&self) -> Answer {
        let workers: Vec<Value> = self.all_workers().iter().map(|worker| self.worker(worker)).collect();
        self.json(&json!({ "workers": workers }))
    }

    pub(super) fn tell_worker(&self, id: &str) -> Answer {
        match self.all_workers().iter().find(|worker| worker.id.0 == id) {
            Some(worker) => self.json(&self.worker_in_full(worker)),
            None => self.coded(404, &format!("worker {id:?} not found")),
        }
    }

    pub(super) fn tell_blocklist(&self, job: &str) -> Answer {
        let of_job = self.engine.blocklist(&JobId(job.to_owned())).unwrap();
        let mut blocked: Vec<(String, String)> =
            of_job.into_iter().map(|block| (block.worker.0, block.task_type)).collect();
        blocked.extend(self.blocked.iter().map(|worker| (worker.clone(), "blender".to_owned())));
        let workers = self.all_workers();
        let name = |id: &String| workers.iter().find(|worker| worker.id.0 == *id).map(|worker| worker.name.clone());
        let entry = |(worker, task_type): &(String, String)| json!({"task_type": task_type, "worker_id": worker, "worker_name": name(worker).unwrap_or_default()});
        self.json(&blocked.iter().map(entry).collect())
    }

    pub(super) fn tell_schedule(&self, worker: &str) -> Answer {
        match self.schedules.get(worker) {
            Some(schedule) => self.json(schedule),
            None => Answer::nothing(),
        }
    }

    pub(super) fn list_tags(&self) -> Answer {
        let tag = |(id, name): &(String, String)| json!({"description": "", "id": id, "name": name});
        self.json(&json!({"tags": self.tags.iter().map(tag).collect::<Vec<_>>()}))
    }
}

/// A file, or the part of it that was asked for: `bytes=100-199`.
fn part_of(file: Vec<u8>, range: Option<&str>) -> Answer {
    let whole = Answer { body: file, ..Answer::text(200, "text/plain; charset=utf-8", "") };
    let Some((first, last)) = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-')) else {
        return whole;
    };
    let size = whole.body.len();
    let (first, last): (usize, usize) =
        (first.parse().unwrap(), last.parse().unwrap_or(usize::MAX).min(size.max(1) - 1));
    if first >= size {
        let headers = vec![("content-range".to_owned(), format!("bytes */{size}"))];
        return Answer {
            headers,
            ..Answer::text(416, "text/plain; charset=utf-8", "invalid range: failed to overlap\n")
        };
    }
    let headers = vec![("content-range".to_owned(), format!("bytes {first}-{last}/{size}"))];
    Answer { status: 206, headers, body: whole.body[first..=last].to_vec(), ..whole }
}
