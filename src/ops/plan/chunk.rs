//! How many frames a task gets, and why.

use super::request::Chunk;
use crate::base::counted::counted;

/// What the choice depends on.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Frames to be rendered; at least 1.
    pub frames: usize,
    /// Workers that may take the job; at least 1 is assumed.
    pub workers: usize,
    /// Seconds per frame, where an earlier run of the scene told.
    pub seconds_per_frame: Option<f64>,
    /// Who hands tasks out.
    pub queue: Queue,
}

/// Who hands tasks out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// The local manager: no pause between tasks, so one task per worker process starts Blender least often.
    Local,
    /// Flamenco: a worker spends about five seconds on every task beside the work itself.
    Flamenco,
}

/// Seconds that a task should last at least and at most on Flamenco.
const TASK_SECONDS: (f64, f64) = (60.0, 900.0);

/// The frames per task, and the reason in words.
pub fn choose(chunk: Chunk, facts: Facts) -> (u32, String) {
    match chunk {
        Chunk::Frames(n) => (n.max(1), "as asked".to_owned()),
        Chunk::Auto => automatic(facts),
    }
}

fn automatic(facts: Facts) -> (u32, String) {
    let workers = facts.workers.max(1);
    let per = |parts: usize| facts.frames.div_ceil(parts.max(1)).max(1);
    let (size, reason) = match (facts.queue, facts.seconds_per_frame) {
        // One is started by whoever waits, or by `farm work`.
        (Queue::Local, _) => (per(workers), format!("one task for {}", each_of(workers, "local worker"))),
        (Queue::Flamenco, None) => {
            let whom = match facts.workers {
                0 => "as for one worker; none that may take the job is awake".to_owned(),
                workers => format!("for {}", each_of(workers, "worker")),
            };
            (per(workers * 6), format!("time per frame unknown: six tasks {whom}"))
        }
        (Queue::Flamenco, Some(seconds)) => (timed(facts.frames, workers, seconds), timed_reason(seconds)),
    };
    (u32::try_from(size).unwrap_or(u32::MAX), reason)
}

/// Those that the tasks are counted for.
fn each_of(workers: usize, noun: &str) -> String {
    match workers {
        1 => format!("the one {noun}"),
        many => format!("each of {}", counted(many, noun)),
    }
}

/// Tasks of one to fifteen minutes, at least three per worker where that leaves them above a minute.
fn timed(frames: usize, workers: usize, seconds: f64) -> usize {
    let seconds = seconds.max(0.001);
    let least = (TASK_SECONDS.0 / seconds).ceil().max(1.0);
    let most = (TASK_SECONDS.1 / seconds).floor().max(1.0);
    let fair = frames.div_ceil(workers * 3).max(1) as f64;
    fair.clamp(least, most.max(least)).min(frames as f64) as usize
}

fn timed_reason(seconds: f64) -> String {
    format!("{seconds:.1} s per frame in earlier runs: tasks of one to fifteen minutes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(frames: usize, workers: usize, seconds: Option<f64>, queue: Queue) -> u32 {
        choose(Chunk::Auto, Facts { frames, workers, seconds_per_frame: seconds, queue }).0
    }

    #[test]
    fn chunks_follow_the_measured_cost_of_a_task() {
        assert_eq!(auto(200, 1, None, Queue::Local), 200);
        assert_eq!(auto(200, 3, None, Queue::Local), 67);
        assert_eq!(auto(20, 2, None, Queue::Flamenco), 2);
        assert_eq!(auto(5, 4, None, Queue::Flamenco), 1);
        assert_eq!(auto(200, 1, Some(0.2), Queue::Flamenco), 200, "all of it is less than a minute");
        assert_eq!(auto(1000, 4, Some(30.0), Queue::Flamenco), 30, "fifteen minutes at the most");
        assert_eq!(auto(100, 10, Some(20.0), Queue::Flamenco), 4, "three per worker");
        assert_eq!(auto(10, 10, Some(3600.0), Queue::Flamenco), 1);
    }

    #[test]
    fn workers_that_are_not_there_are_not_counted() {
        let reason =
            |workers, queue| choose(Chunk::Auto, Facts { frames: 20, workers, seconds_per_frame: None, queue }).1;
        assert_eq!(
            reason(0, Queue::Flamenco),
            "time per frame unknown: six tasks as for one worker; none that may take the job is awake"
        );
        assert_eq!(reason(1, Queue::Flamenco), "time per frame unknown: six tasks for the one worker");
        assert_eq!(reason(0, Queue::Local), "one task for the one local worker");
        assert_eq!(reason(3, Queue::Local), "one task for each of 3 local workers");
    }

    proptest::proptest! {
        #[test]
        fn a_chunk_is_never_empty_nor_larger_than_the_job(
            frames in 1usize..100_000, workers in 0usize..500, seconds in proptest::option::of(0.0f64..1e6)
        ) {
            for queue in [Queue::Local, Queue::Flamenco] {
                let size = auto(frames, workers, seconds, queue) as usize;
                proptest::prop_assert!(size >= 1 && size <= frames);
            }
        }
    }
}
