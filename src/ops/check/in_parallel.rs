//! The same work for many things, by as many threads as the actor has.

use crate::base::error::Failure;
use crate::ops::ports::{Ports, Stage};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Does `work` for each index of `order`, handed out in that order, and returns the results in the same order. Each thread
/// keeps what `tools` makes for it. `ports` hears of each thing that is done, and may end it between two.
pub fn in_parallel<T: Send, U>(
    ports: &Ports<'_>,
    stage: Stage,
    order: &[usize],
    tools: impl Fn() -> U + Sync,
    work: impl Fn(usize, &mut U) -> T + Sync,
) -> Result<Vec<T>, Failure> {
    ports.progress.begin(stage, order.len() as u64);
    let results = hand_out(ports.actor.threads, order.len(), tools, |place, tools| {
        ports.progress.interrupted().is_none().then(|| {
            let result = work(order[place], tools);
            ports.progress.advance(1);
            result
        })
    });
    let results: Vec<T> = results.into_iter().flatten().collect();
    if results.len() < order.len() {
        ports.go_on()?;
    }
    Ok(results)
}

/// Does `work` for each of `items`, handed out in their order, and returns the results in the same order, or the error of
/// the first item that has one. After an error no more items are begun; which one is reported does not depend on chance,
/// for all items before it were begun too.
pub fn try_in_parallel<I: Sync, T: Send, E: Into<Failure> + Send>(
    ports: &Ports<'_>,
    items: &[I],
    work: impl Fn(&I) -> Result<T, E> + Sync,
) -> Result<Vec<T>, Failure> {
    try_by_hands(ports, ports.actor.threads, items, work)
}

/// The same by `hands` threads.
pub fn try_by_hands<I: Sync, T: Send, E: Into<Failure> + Send>(
    ports: &Ports<'_>,
    hands: usize,
    items: &[I],
    work: impl Fn(&I) -> Result<T, E> + Sync,
) -> Result<Vec<T>, Failure> {
    let (done, failure) = until_failure(ports, hands, items, work);
    failure.map_or_else(|| Ok(done.into_iter().flatten().collect()), Err)
}

/// The same by `hands` threads, for work whose results count although other work failed: what was done, and the first
/// failure.
pub fn until_failure<I: Sync, T: Send, E: Into<Failure> + Send>(
    ports: &Ports<'_>,
    hands: usize,
    items: &[I],
    work: impl Fn(&I) -> Result<T, E> + Sync,
) -> (Vec<Option<T>>, Option<Failure>) {
    let failed = AtomicBool::new(false);
    let one = |place: usize, _: &mut ()| {
        let go_on = !failed.load(Ordering::Relaxed);
        let step = || ports.go_on().and_then(|()| work(&items[place]).map_err(Into::into));
        go_on.then(|| step().inspect_err(|_| failed.store(true, Ordering::Relaxed)))
    };
    let mut failure = None;
    let mut done: Vec<Option<T>> = Vec::with_capacity(items.len());
    for outcome in hand_out(hands, items.len(), || (), one) {
        done.push(outcome.and_then(|outcome| match outcome {
            Ok(result) => Some(result),
            Err(error) => {
                failure.get_or_insert(error);
                None
            }
        }));
    }
    (done, failure)
}

/// Does `work` for all of `items` by `hands` threads, to the end whatever happens, and returns the error of the first item
/// that has one.
pub fn all_by_hands<I: Sync, E: Send>(
    hands: usize,
    items: &[I],
    work: impl Fn(&I) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let errors = hand_out(hands, items.len(), || (), |place, ()| work(&items[place]).err());
    errors.into_iter().flatten().next().map_or(Ok(()), Err)
}

/// Calls `work` for each number below `count`, in their order, and returns what it gives, in the same order. One thread
/// means the calling one.
fn hand_out<T: Send, U>(
    threads: usize,
    count: usize,
    tools: impl Fn() -> U + Sync,
    work: impl Fn(usize, &mut U) -> Option<T> + Sync,
) -> Vec<Option<T>> {
    let next = AtomicUsize::new(0);
    let turn = || {
        let mut tools = tools();
        let places = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed)).take_while(|place| *place < count);
        places.map(|place| (place, work(place, &mut tools))).collect::<Vec<_>>()
    };
    let threads = threads.min(count);
    if threads <= 1 {
        return turn().into_iter().map(|(_, result)| result).collect();
    }
    let done: Vec<Vec<(usize, Option<T>)>> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(turn)).collect();
        running.into_iter().map(|one| one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let mut results: Vec<Option<T>> = std::iter::repeat_with(|| None).take(count).collect();
    done.into_iter().flatten().for_each(|(place, result)| results[place] = result);
    results
}
