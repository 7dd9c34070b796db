//! The same work for many things, by as many threads as the actor has.

use crate::ops::ports::{Ports, Stage};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does `work` for each index of `order`, handed out in that order, and returns the results in the same order. Each thread
/// keeps what `tools` makes for it; one thread means the calling one.
pub fn in_parallel<T: Send, U>(
    ports: &Ports<'_>,
    stage: Stage,
    order: &[usize],
    tools: impl Fn() -> U + Sync,
    work: impl Fn(usize, &mut U) -> T + Sync,
) -> Vec<T> {
    ports.progress.begin(stage, order.len() as u64);
    let next = AtomicUsize::new(0);
    let turn = || {
        let mut tools = tools();
        let mut done = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(&at) = order.get(place) else { return done };
            done.push((place, work(at, &mut tools)));
            ports.progress.advance(1);
        }
    };
    let threads = ports.actor.threads.min(order.len());
    if threads <= 1 {
        return turn().into_iter().map(|(_, result)| result).collect();
    }
    let done: Vec<Vec<(usize, T)>> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(turn)).collect();
        running.into_iter().map(|one| one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let mut results: Vec<Option<T>> = std::iter::repeat_with(|| None).take(order.len()).collect();
    done.into_iter().flatten().for_each(|(place, result)| results[place] = Some(result));
    results.into_iter().flatten().collect()
}
