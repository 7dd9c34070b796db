//! Answers about single tasks, kept while the client lives: whoever waits looks every two seconds.

use crate::base::ids::TaskId;
use crate::manager::ManagerTask;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// What was answered about tasks, by their ids.
#[derive(Debug, Default)]
pub(super) struct Answers(Mutex<HashMap<TaskId, ManagerTask>>);

impl Answers {
    /// What was answered about the task, if a list shows that it did not change since.
    pub(super) fn about(&self, listed: &ManagerTask) -> Option<ManagerTask> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(&listed.id).filter(|answer| answer.updated == listed.updated).cloned()
    }

    /// Keeps an answer instead of an older one.
    pub(super) fn keep(&self, answer: &ManagerTask) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(answer.id.clone(), answer.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::WorkerId;
    use crate::base::status::TaskStatus;
    use crate::base::time::Timestamp;

    #[test]
    fn an_answer_holds_while_the_task_does_not_change() {
        let listed = |updated: i64| ManagerTask {
            id: TaskId("t".into()),
            name: "render-1".into(),
            task_type: "blender".into(),
            status: TaskStatus::Canceled,
            worker: None,
            worker_name: None,
            names_worker: false,
            updated: Timestamp::from_unix(updated),
        };
        let answers = Answers::default();
        assert_eq!(answers.about(&listed(1)), None);
        let answer = ManagerTask { worker: Some(WorkerId("w".into())), names_worker: true, ..listed(1) };
        answers.keep(&answer);
        assert_eq!(answers.about(&listed(1)), Some(answer));
        assert_eq!(answers.about(&listed(2)), None);
    }
}
