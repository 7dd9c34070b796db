//! What the engine knows, in the shape of the release.

use super::{Release, StandIn};
use farm::base::ids::WorkerId;
use farm::manager::{Manager, ManagerJob, ManagerTask, ManagerWorker};
use serde_json::{Value, json};

impl StandIn {
    pub(super) fn job(&self, job: &ManagerJob) -> Value {
        let submitted = self.submitted.lock().unwrap().get(&job.id.0).cloned().unwrap_or_default();
        let mut shape = json!({
            "activity": job.activity, "created": job.created, "id": job.id, "metadata": job.metadata, "name": job.name,
            "priority": job.priority, "settings": submitted["settings"], "status": job.status,
            "submitter_platform": "", "type": job.job_type, "updated": job.updated,
        });
        if self.release >= Release::V3_8 {
            shape["steps_completed"] = json!(0);
            shape["steps_total"] = json!(0);
            if let Some(tag) = submitted.get("worker_tag") {
                shape["worker_tag"] = tag.clone();
            }
        }
        shape
    }

    pub(super) fn task(&self, index: usize, task: &ManagerTask, workers: &[ManagerWorker]) -> Value {
        let mut shape = json!({
            "id": task.id, "name": task.name, "priority": 50, "status": task.status, "task_type": task.task_type,
            "updated": task.updated,
        });
        if self.release >= Release::V3_8 {
            shape["index_in_job"] = json!(index + 1);
            shape["steps_completed"] = json!(0);
            shape["steps_total"] = json!(1);
            shape["worker"] = worker_of(task, workers);
        }
        shape
    }

    /// A task that was asked for names its worker in each release.
    pub(super) fn task_in_full(
        &self,
        job: &ManagerJob,
        index: usize,
        task: &ManagerTask,
        workers: &[ManagerWorker],
    ) -> Value {
        let mut shape = self.task(index, task, workers);
        let command = json!({"name": "blender-render", "parameters": {}});
        let story = self.engine.task_story(&task.id).unwrap().unwrap_or_default();
        shape["activity"] = json!(story.activity);
        shape["commands"] = json!([command]);
        shape["created"] = json!(job.created);
        let failed_by = story.failed_by.iter().map(|id| worker_named(id, workers));
        shape["failed_by_workers"] = json!(failed_by.collect::<Vec<_>>());
        shape["job_id"] = json!(job.id);
        shape["last_touched"] = json!(task.updated);
        shape["worker"] = worker_of(task, workers);
        shape
    }

    pub(super) fn worker(&self, worker: &ManagerWorker) -> Value {
        let mut shape = json!({
            "id": worker.id, "last_seen": worker.last_seen, "name": worker.name, "status": worker.status,
            "version": worker.version,
        });
        if self.release >= Release::V3_5 {
            shape["can_restart"] = json!(false);
        }
        shape
    }

    pub(super) fn worker_in_full(&self, worker: &ManagerWorker) -> Value {
        let mut shape = self.worker(worker);
        shape["ip_address"] = json!("127.0.0.1");
        shape["platform"] = json!("linux");
        shape["supported_task_types"] = json!(worker.task_types);
        if !worker.tags.is_empty() {
            let tag = |name: &String| json!({"id": "cc6fb858-0abb-4b9a-9549-8681bc24f946", "name": name});
            shape["tags"] = json!(worker.tags.iter().map(tag).collect::<Vec<_>>());
        }
        if let Some((job, index, task)) = worker.last_task.as_ref().and_then(|id| self.find_task(&id.0)) {
            shape["task"] = self.task(index, &task, std::slice::from_ref(worker));
            shape["task"]["job_id"] = json!(job.id);
        }
        shape
    }
}

fn worker_of(task: &ManagerTask, workers: &[ManagerWorker]) -> Value {
    let none = || json!({"address": "", "id": "", "name": ""});
    let known = task.worker.as_ref().filter(|id| workers.iter().any(|worker| worker.id == **id));
    known.map_or_else(none, |id| worker_named(id, workers))
}

fn worker_named(id: &WorkerId, workers: &[ManagerWorker]) -> Value {
    let name = workers.iter().find(|worker| worker.id == *id).map(|worker| worker.name.as_str());
    json!({"address": "127.0.0.1", "id": id, "name": name.unwrap_or_default()})
}
