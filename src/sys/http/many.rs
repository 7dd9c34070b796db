//! Many requests, several of them under way at once, by one thread.
//!
//! A thread for each would cost more than the requests themselves. Here they are steps of one runtime of the calling
//! thread's own, so that nothing is handed from thread to thread.

use super::{Client, HttpError, Reply, Request};
use futures_util::stream::{FuturesUnordered, StreamExt};
use reqwest::RequestBuilder;
use std::io;
use std::time::Duration;
use tokio::runtime::Builder;

/// What to do after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Go on, with so many requests under way.
    Go(usize),
    /// Send no more, and hear of those that are under way.
    Stop,
}

/// Requests by their number, and whoever hears what came of them.
pub trait Many {
    /// The path of the request of this number, beneath the base.
    fn path(&self, number: usize) -> String;
    /// The request of this number, with that path.
    fn request<'a>(&self, number: usize, path: &'a str) -> Request<'a>;
    /// What came of it, and how it goes on.
    fn heard(&mut self, number: usize, outcome: Result<Reply, HttpError>) -> Next;
}

impl Client {
    /// Sends the requests `0..count`, in that order, at first `at_once` at a time. Each has one try, and every one that was
    /// sent is heard of.
    pub fn send_many(&self, count: usize, at_once: usize, many: &mut impl Many) -> Result<(), HttpError> {
        let setup = |error: io::Error| HttpError::Setup { url: self.address(), cause: error.to_string() };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(setup)?;
        let mut under_way = FuturesUnordered::new();
        let (mut next, mut at_once) = (0, Some(at_once));
        loop {
            while next < count && at_once.is_some_and(|most| under_way.len() < most.max(1)) {
                under_way.push(self.send_one(next, self.prepare_one(next, many)));
                next += 1;
            }
            // Whoever hears does so outside of the runtime, and may ask something else of the server.
            let Some((number, outcome)) = runtime.block_on(under_way.next()) else { return Ok(()) };
            // Whoever has stopped once hears of the others, and does not begin anew.
            match (many.heard(number, outcome), at_once) {
                (Next::Go(most), Some(_)) => at_once = Some(most),
                _ => at_once = None,
            }
        }
    }

    /// One request, ready to be sent.
    fn prepare_one(&self, number: usize, many: &impl Many) -> Result<Prepared, HttpError> {
        let path = many.path(number);
        let request = many.request(number, &path);
        let total = self.time_for(&request);
        let prepared = self.prepare(&request, self.address_of(&request)?).timeout(total);
        let limit = request.limit;
        Ok(Prepared { prepared, path, total, limit })
    }

    async fn send_one(
        &self,
        number: usize,
        prepared: Result<Prepared, HttpError>,
    ) -> (usize, Result<Reply, HttpError>) {
        let Prepared { prepared, path, total, limit } = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return (number, Err(error)),
        };
        // What changes something is waited for, whoever asks farm to end meanwhile.
        let bounds = Request { limit, is_question: false, ..Request::get(&path) };
        (number, self.answer_to(prepared, &bounds, total, None).await)
    }
}

struct Prepared {
    prepared: RequestBuilder,
    path: String,
    total: Duration,
    limit: u64,
}
