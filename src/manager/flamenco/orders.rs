//! Orders for many jobs: several requests at a time, each sent again where that is needed.

use super::Flamenco;
use super::api::{PASSING, PREFIX};
use super::met::Met;
use super::pace::Pace;
use crate::base::ids::JobId;
use crate::manager::wire::submitted::{PriorityChange, StatusChange};
use crate::manager::{Heard, ManagerError, Order};
use crate::sys::clock::Stopwatch;
use crate::sys::http::{HttpError, MAX_BODY, Many, Method, Next, Reply, Request};
use crate::sys::interrupt;
use std::ops::ControlFlow;

impl Flamenco {
    /// Gives each job its order. One that meets a Manager that is busy or away waits until the others that are under way
    /// have their answers, and is then repeated alone, as any request is; what comes of that decides whether it goes on. Of
    /// those that are not repeated any more it is heard which ones may have been done.
    pub(super) fn give_orders(&self, orders: &[(JobId, Order)], reason: &str, heard: &mut Heard<'_>) {
        let (mut pace, mut begun) = (Pace::new(), 0);
        while begun < orders.len() {
            let mut sending = Sending {
                flamenco: self,
                orders,
                reason,
                first: begun,
                heard,
                pace,
                watch: Stopwatch::start(),
                again: Vec::new(),
                sent: 0,
                is_over: false,
            };
            let sent = self.api.send_many(orders.len() - begun, sending.pace.at_once(), &mut sending);
            let Sending { pace: paced, again, sent: count, is_over, .. } = sending;
            (pace, begun) = (paced, begun + count);
            if let Err(error) = sent {
                let _nothing_was_sent = heard(begun, Err(error));
                return;
            }
            if self.repeat(again, is_over, orders, reason, heard) {
                return;
            }
        }
    }

    /// Repeats orders one after the other, until whoever hears breaks off; whether that was so.
    fn repeat(
        &self,
        again: Vec<Unheard>,
        mut is_over: bool,
        orders: &[(JobId, Order)],
        reason: &str,
        heard: &mut Heard<'_>,
    ) -> bool {
        for Unheard { place, met } in again {
            let (id, order) = &orders[place];
            let outcome = match (is_over, met) {
                (false, met) => self.order_alone(id, order, reason).map_err(|error| self.after_the_first(error, met)),
                (true, Some(met)) => Err(self.api.unsure(met)),
                // It certainly was not done, and is as one that was never begun.
                (true, None) => continue,
            };
            is_over |= heard(place, outcome).is_break();
        }
        is_over
    }

    /// What a repeated order failed with: where it ended without an answer, the first may have been heard.
    fn after_the_first(&self, error: ManagerError, met: Option<Met>) -> ManagerError {
        use ManagerError::{InTrouble, Interrupted, Unusable};
        match (&error, met) {
            (InTrouble { .. } | Interrupted { .. } | Unusable { .. }, Some(met)) => self.api.unsure(met),
            _ => error,
        }
    }

    fn order_alone(&self, id: &JobId, order: &Order, reason: &str) -> Result<(), ManagerError> {
        match order {
            Order::Status(status) => self.ask_for_status(id, status, reason),
            Order::Priority(priority) => self.ask_for_priority(id, *priority),
            // The first try may have been heard.
            Order::Delete => match self.api.delete(&format!("jobs/{id}"), &format!("job {id}")) {
                Err(ManagerError::NotFound { .. }) => Ok(()),
                outcome => outcome,
            },
        }
    }

    /// What an answer to an order means.
    fn judge_order(&self, id: &JobId, order: &Order, reply: Reply) -> Result<(), ManagerError> {
        let outcome = self.api.answer(reply).expect_nothing(&format!("job {id}"));
        match order {
            Order::Status(status) => self.explain_status(status, outcome),
            _ => outcome,
        }
    }
}

/// An order that met a Manager that is busy or away.
struct Unheard {
    place: usize,
    /// What it met, where it may have been done all the same.
    met: Option<Met>,
}

/// The orders from `first` on, on their way.
struct Sending<'a, 'h> {
    flamenco: &'a Flamenco,
    orders: &'a [(JobId, Order)],
    reason: &'a str,
    first: usize,
    heard: &'a mut Heard<'h>,
    pace: Pace,
    watch: Stopwatch,
    again: Vec<Unheard>,
    /// How many were sent.
    sent: usize,
    is_over: bool,
}

impl Many for Sending<'_, '_> {
    fn path(&self, number: usize) -> String {
        let (id, order) = &self.orders[self.first + number];
        match order {
            Order::Status(_) => format!("{PREFIX}jobs/{id}/setstatus"),
            Order::Priority(_) => format!("{PREFIX}jobs/{id}/setpriority"),
            Order::Delete => format!("{PREFIX}jobs/{id}"),
        }
    }

    fn request<'a>(&self, number: usize, path: &'a str) -> Request<'a> {
        let json = |body: serde_json::Result<Vec<u8>>| Some(body.expect("texts and a number have a JSON form"));
        let (method, json) = match &self.orders[self.first + number].1 {
            Order::Status(status) => {
                let change = StatusChange { status: status.as_str(), reason: self.reason };
                (Method::Post, json(serde_json::to_vec(&change)))
            }
            Order::Priority(priority) => {
                (Method::Post, json(serde_json::to_vec(&PriorityChange { priority: *priority })))
            }
            Order::Delete => (Method::Delete, None),
        };
        Request { method, json, limit: MAX_BODY, is_question: false, ..Request::get(path) }
    }

    fn heard(&mut self, number: usize, outcome: Result<Reply, HttpError>) -> Next {
        let place = self.first + number;
        self.sent = self.sent.max(number + 1);
        let passes = match &outcome {
            Ok(reply) => PASSING.contains(&reply.status),
            Err(error) => error.may_pass(),
        };
        if passes {
            self.again.push(Unheard { place, met: Met::by(&outcome) });
            if let Some(pause) = outcome.ok().and_then(|reply| reply.retry_after) {
                interrupt::rest(pause.min(self.flamenco.api.bounds.long));
            }
            self.pace.is_busy(self.watch.elapsed());
            return Next::Stop;
        }
        self.pace.answered(self.watch.elapsed());
        let (id, order) = &self.orders[place];
        let (flamenco, met) = (self.flamenco, Met::by(&outcome));
        let outcome = match (outcome, met) {
            (Ok(reply), _) => flamenco.judge_order(id, order, reply),
            (Err(_), Some(met)) => Err(flamenco.api.unsure(met)),
            (Err(error), None) => Err(flamenco.api.unusable(&error)),
        };
        match (self.heard)(place, outcome) {
            ControlFlow::Continue(()) => Next::Go(self.pace.at_once()),
            ControlFlow::Break(()) => {
                self.is_over = true;
                Next::Stop
            }
        }
    }
}
