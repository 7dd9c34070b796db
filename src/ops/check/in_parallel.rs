//! The same work for many things, by as many threads as the actor has.

use crate::base::error::Failure;
use crate::ops::ports::{Ports, Stage};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Does `work` for each index of `order`, handed out in that order, and returns each index with its result, in no order.
/// Each thread keeps what `tools` makes for it. `ports` hears of each thing that is done, and may end it between two.
pub fn in_parallel<T: Send, U>(
    ports: &Ports<'_>,
    stage: Stage,
    order: &[usize],
    tools: impl Fn() -> U + Sync,
    work: impl Fn(usize, &mut U) -> T + Sync,
) -> Result<Vec<(usize, T)>, Failure> {
    ports.progress.begin(stage, order.len() as u64);
    let results = hand_out(ports.actor.threads, order.len(), tools, |place, tools| {
        ports.progress.interrupted().is_none().then(|| {
            let result = work(order[place], tools);
            ports.progress.advance(1);
            result
        })
    });
    if results.len() < order.len() {
        ports.go_on()?;
    }
    Ok(results.into_iter().map(|(place, result)| (order[place], result)).collect())
}

/// Does `work` with each of `items`, which it gets for its own, and returns the results in their order.
pub fn map_in_parallel<I: Send, T: Send>(ports: &Ports<'_>, items: Vec<I>, work: impl Fn(I) -> T + Sync) -> Vec<T> {
    map_by_hands(ports.actor.threads, items, work)
}

/// The same by `hands` threads.
pub fn map_by_hands<I: Send, T: Send>(hands: usize, items: Vec<I>, work: impl Fn(I) -> T + Sync) -> Vec<T> {
    let items: Vec<Mutex<Option<I>>> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    let take = |place: usize| items[place].lock().unwrap_or_else(PoisonError::into_inner).take();
    let results = hand_out(hands, items.len(), || (), |place, ()| take(place).map(&work));
    in_order(items.len(), results).into_iter().flatten().collect()
}

/// Does `here` by this thread and, beside it, `there` by another; one after the other where the actor has one thread.
pub fn both<A, B: Send>(ports: &Ports<'_>, here: impl FnOnce() -> A, there: impl FnOnce() -> B + Send) -> (A, B) {
    if ports.actor.threads <= 1 {
        return (here(), there());
    }
    std::thread::scope(|scope| {
        let there = scope.spawn(there);
        (here(), there.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
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
    for outcome in in_order(items.len(), hand_out(hands, items.len(), || (), one)) {
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
    errors.into_iter().min_by_key(|(place, _)| *place).map_or(Ok(()), |(_, error)| Err(error))
}

/// Calls `work` for each number below `count`, in their order, and returns each number with what it gives, where it gives
/// something, in no order. One thread means the calling one.
fn hand_out<T: Send, U>(
    threads: usize,
    count: usize,
    tools: impl Fn() -> U + Sync,
    work: impl Fn(usize, &mut U) -> Option<T> + Sync,
) -> Vec<(usize, T)> {
    let next = AtomicUsize::new(0);
    let turn = || {
        let mut tools = tools();
        let places = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed)).take_while(|place| *place < count);
        places.filter_map(|place| Some((place, work(place, &mut tools)?))).collect::<Vec<_>>()
    };
    let threads = threads.min(count);
    if threads <= 1 {
        return turn();
    }
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(turn)).collect();
        let done = running.into_iter().map(|one| one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        done.flatten().collect()
    })
}

/// `count` places with the results that there are for them.
fn in_order<T>(count: usize, results: Vec<(usize, T)>) -> Vec<Option<T>> {
    let mut ordered: Vec<Option<T>> = std::iter::repeat_with(|| None).take(count).collect();
    results.into_iter().for_each(|(place, result)| ordered[place] = Some(result));
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_handed_out_once_by_any_number_of_threads() {
        for threads in [1, 2, 7] {
            let made = AtomicUsize::new(0);
            let tools = || made.fetch_add(1, Ordering::SeqCst);
            let mut odd = hand_out(threads, 100, tools, |place, _| (place % 2 == 1).then_some(place * 3));
            odd.sort_unstable();
            assert_eq!(odd, (0..50).map(|half| (half * 2 + 1, (half * 2 + 1) * 3)).collect::<Vec<_>>());
            assert_eq!(made.into_inner(), threads, "each thread has its own tools");
            let ordered = in_order(3, vec![(2, 'c'), (0, 'a')]);
            assert_eq!(ordered, [Some('a'), None, Some('c')]);
        }
    }

    #[test]
    fn the_first_item_that_fails_is_reported_whoever_fails_first() {
        let work = |item: &u32| if *item % 2 == 1 { Err(*item) } else { Ok(()) };
        for hands in [1, 4] {
            assert_eq!(all_by_hands(hands, &[2, 4, 9, 6, 7, 5], work), Err(9));
            assert_eq!(all_by_hands(hands, &[2, 4], work), Ok(()));
        }
    }
}
