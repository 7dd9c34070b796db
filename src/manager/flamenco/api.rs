//! Calls of the API: sent, sent again where that is harmless, and read.

use super::Bounds;
use super::met::Met;
use super::reply::{self, Answer};
use crate::manager::ManagerError;
use crate::sys::clock::Stopwatch;
use crate::sys::http::{Access, Arrival, Client, HttpError, MAX_BODY, Many, Method, Patience, Pieces, Reply, Request};
use crate::sys::interrupt;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What stands before every path.
pub(super) const PREFIX: &str = "api/v3/";
/// What Flamenco answers while its database is busy, and what proxies say while it is away.
pub(super) const PASSING: [u16; 6] = [429, 500, 502, 503, 504, 408];

/// One try of a request.
type Send<'a> = &'a mut dyn FnMut(&Request<'_>) -> Result<Reply, HttpError>;

/// One Manager's API.
pub(super) struct Api {
    http: Client,
    address: String,
    pub(super) bounds: Bounds,
}

impl Api {
    pub(super) fn new(address: &str, access: &Access, bounds: Bounds) -> Result<Api, HttpError> {
        let http = Client::with(address, access)?;
        Ok(Api { address: http.address(), http, bounds })
    }

    /// How messages name the Manager: its URL without a user's name and password.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// `GET`: the document, which is always there.
    pub(super) fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, ManagerError> {
        let path = format!("{PREFIX}{path}");
        let answer = self.ask(&Request::get(&path))?;
        self.document(&answer.expect(&path)?)
    }

    /// The same for a document that may be large.
    pub(super) fn read_at_length<T: DeserializeOwned>(&self, path: &str) -> Result<T, ManagerError> {
        self.document(&self.list(Method::Get, path)?.expect(&format!("{PREFIX}{path}"))?)
    }

    /// `GET`: the document, `None` where the Manager knows no such thing or has nothing to say of it.
    pub(super) fn read_if_there<T: DeserializeOwned>(&self, path: &str, what: &str) -> Result<Option<T>, ManagerError> {
        match self.read_bytes(path, what) {
            Ok(Some(reply)) => self.document(&reply).map(Some),
            Ok(None) | Err(ManagerError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// `GET` of text, `None` where there is none.
    pub(super) fn read_text(&self, path: &str, what: &str) -> Result<Option<Vec<u8>>, ManagerError> {
        let path = format!("{PREFIX}{path}");
        let reply = self.ask(&Request::get(&path))?.expect_text(what)?;
        Ok((reply.status != 204).then_some(reply.body))
    }

    /// `GET`: the reply as it came, `None` where there is nothing (204).
    pub(super) fn read_bytes(&self, path: &str, what: &str) -> Result<Option<Reply>, ManagerError> {
        let path = format!("{PREFIX}{path}");
        let reply = self.ask(&Request::get(&path))?.expect(what)?;
        Ok((reply.status != 204).then_some(reply))
    }

    /// `GET` of something beside the API, beneath the Manager's own address: a log.
    pub(super) fn read_file(&self, path: &str, what: &str) -> Result<Vec<u8>, ManagerError> {
        let limit = self.bounds.list;
        let request = Request { patience: self.patient(), limit, ..Request::get(path.trim_start_matches('/')) };
        Ok(self.ask(&request)?.expect_text(what)?.body)
    }

    /// The same from a byte on, and no more than `most` bytes where parts are given.
    pub(super) fn read_part(&self, path: &str, from: u64, most: u64, what: &str) -> Result<Vec<u8>, ManagerError> {
        let (limit, range) = (self.bounds.list, Some((from, from.saturating_add(most) - 1)));
        let request = Request { patience: self.patient(), limit, range, ..Request::get(path.trim_start_matches('/')) };
        let answer = self.ask(&request)?;
        match answer.reply.status {
            // Nothing is there any more: it was begun anew.
            416 => Ok(Vec::new()),
            206 => Ok(answer.expect_text(what)?.body),
            _ => {
                let mut whole = answer.expect_text(what)?.body;
                Ok(whole.split_off(whole.len().min(usize::try_from(from).unwrap_or(usize::MAX))))
            }
        }
    }

    /// `POST` that asks and changes nothing.
    pub(super) fn question<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ManagerError> {
        let full = format!("{PREFIX}{path}");
        let reply = self.ask(&Request { is_question: true, ..post(&full, body) })?.expect(path)?;
        self.document(&reply)
    }

    /// `POST` that may be repeated: asked for twice, the second changes nothing.
    pub(super) fn change(&self, path: &str, body: &impl Serialize, what: &str) -> Result<(), ManagerError> {
        let full = format!("{PREFIX}{path}");
        self.ask(&post(&full, body))?.expect_nothing(what)
    }

    /// `POST` that changes nothing, and whose answer the caller judges.
    pub(super) fn try_out(&self, path: &str, body: &impl Serialize) -> Result<Answer<'_>, ManagerError> {
        let full = format!("{PREFIX}{path}");
        self.ask(&Request { patience: self.patient(), is_question: true, ..post(&full, body) })
    }

    /// `DELETE`: what is not there any more after a repeated request was deleted by the first.
    pub(super) fn delete(&self, path: &str, what: &str) -> Result<(), ManagerError> {
        let path = format!("{PREFIX}{path}");
        let request = Request { method: Method::Delete, is_question: false, ..Request::get(&path) };
        let (answer, tries) = self.ask_counting(&request)?;
        match answer.expect_nothing(what) {
            Err(ManagerError::NotFound { .. }) if tries > 1 => Ok(()),
            outcome => outcome,
        }
    }

    /// `POST` that must not be repeated: one try, whatever comes of it.
    pub(super) fn post_once(&self, path: &str, body: &impl Serialize) -> Result<Answer<'_>, HttpError> {
        let path = format!("{PREFIX}{path}");
        let request = Request { patience: self.patient(), ..post(&path, body) };
        self.http.send(&request).map(|reply| self.answer(reply))
    }

    /// Sends many requests, each once, several at a time.
    pub(super) fn send_many(&self, count: usize, at_once: usize, many: &mut impl Many) -> Result<(), ManagerError> {
        self.http.send_many(count, at_once, many).map_err(|error| self.unusable(&error))
    }

    /// A question that a list answers, of any status. A good answer goes to `pieces` while it comes, from its beginning at
    /// each try.
    pub(super) fn list_in_pieces(
        &self,
        method: Method,
        path: &str,
        pieces: &mut dyn Pieces,
    ) -> Result<Answer<'_>, ManagerError> {
        let path = format!("{PREFIX}{path}");
        let request = self.for_a_list(method, &path);
        let (reply, _) = self.insist(&request, &mut |request| self.http.send_in_pieces(request, pieces))?;
        Ok(self.answer(reply))
    }

    /// A question that a list answers, of any status.
    fn list(&self, method: Method, path: &str) -> Result<Answer<'_>, ManagerError> {
        let path = format!("{PREFIX}{path}");
        self.ask(&self.for_a_list(method, &path))
    }

    fn for_a_list<'a>(&self, method: Method, path: &'a str) -> Request<'a> {
        let json = (method == Method::Post).then(|| b"{}".to_vec());
        Request { method, json, patience: self.patient(), limit: self.bounds.list, ..Request::get(path) }
    }

    /// What a JSON document says.
    pub(super) fn document<T: DeserializeOwned>(&self, reply: &Reply) -> Result<T, ManagerError> {
        serde_json::from_slice(&reply.body).map_err(|error| reply::no_manager(&self.address, reply, &error))
    }

    /// That it is no document of a Manager.
    pub(super) fn no_document(&self, reply: &Reply, error: &serde_json::Error) -> ManagerError {
        reply::no_manager(&self.address, reply, error)
    }

    /// No answer at all.
    pub(super) fn unusable(&self, error: &HttpError) -> ManagerError {
        let address = self.address.clone();
        match error {
            HttpError::ProxyUnauthorized { .. } => ManagerError::ProxyUnauthorized { address },
            HttpError::Interrupted { signal, .. } => ManagerError::Interrupted { address, signal: *signal },
            _ => ManagerError::Unusable { address, message: error.to_string(), next: next_after(error) },
        }
    }

    /// No answer at all to what changes something: it may have been done.
    pub(super) fn unanswered(&self, error: &HttpError) -> ManagerError {
        match error.arrival() {
            Arrival::Never => self.unusable(error),
            Arrival::Perhaps => self.unknown(error.to_string(), false),
            Arrival::PerhapsLater => self.unknown(error.to_string(), true),
        }
    }

    /// That nobody can say what became of a change; `later`: it may still be made.
    pub(super) fn unknown(&self, message: String, later: bool) -> ManagerError {
        ManagerError::Unknown { address: self.address.clone(), message, later }
    }

    /// The same of what one of several tries met.
    pub(super) fn unsure(&self, met: Met) -> ManagerError {
        self.unknown(met.message, met.later)
    }

    fn patient(&self) -> Patience {
        Patience::Long(self.bounds.long)
    }

    /// Asks until there is an answer that stands.
    pub(super) fn ask(&self, request: &Request<'_>) -> Result<Answer<'_>, ManagerError> {
        self.ask_counting(request).map(|(answer, _)| answer)
    }

    /// The same, with the number of tries.
    pub(super) fn ask_counting(&self, request: &Request<'_>) -> Result<(Answer<'_>, usize), ManagerError> {
        let (reply, tries) = self.insist(request, &mut |request| self.http.send(request))?;
        Ok((self.answer(reply), tries))
    }

    /// What a reply means.
    pub(super) fn answer(&self, reply: Reply) -> Answer<'_> {
        Answer::new(&self.address, reply).with_known(self.http.says_who_asks())
    }

    /// Sends what may be repeated until there is an answer that stands, or patience is over: all tries together take no
    /// longer than [`Bounds::long`]. With the number of tries. A change that no answer stands for may have been made by any
    /// of them, whatever the last one met.
    fn insist(&self, request: &Request<'_>, send: Send<'_>) -> Result<(Reply, usize), ManagerError> {
        let mut pauses = self.bounds.pauses.into_iter();
        let (mut tries, mut met, watch) = (0, None, Stopwatch::start());
        let left = || self.bounds.long.saturating_sub(watch.elapsed());
        loop {
            tries += 1;
            let outcome = send(&Request { at_most: left(), ..request.clone() });
            let again = match &outcome {
                Ok(answer) => PASSING.contains(&answer.status),
                Err(error) => error.may_pass(),
            };
            if !request.is_question {
                met = Met::or(met, Met::by(&outcome));
            }
            if outcome.as_ref().is_err_and(HttpError::took_long) {
                pauses.nth(1);
            }
            let wanted = outcome.as_ref().ok().and_then(|answer| answer.retry_after).unwrap_or_default();
            let pause = pauses.next().map(|pause| pause.max(wanted));
            match pause.filter(|pause| again && left() > *pause) {
                Some(pause) => interrupt::rest(pause),
                None => {
                    let stands = outcome.as_ref().is_ok_and(|_| !again);
                    return match met.filter(|_| !stands) {
                        Some(met) => Err(self.unsure(met)),
                        None => outcome.map(|answer| (answer, tries)).map_err(|error| self.unusable(&error)),
                    };
                }
            }
            if let Some(signal) = interrupt::signal_that_came() {
                let interrupted = || ManagerError::Interrupted { address: self.address.clone(), signal };
                return Err(met.map_or_else(interrupted, |met| self.unsure(met)));
            }
        }
    }
}

/// What to do about an answer that did not come, where it is not to look at the address.
fn next_after(error: &HttpError) -> Option<&'static str> {
    match error {
        HttpError::ProxyUnreachable { .. } => Some(
            "Check access.proxy (FARM_ACCESS_PROXY) and that the proxy runs; leave it out where the Manager can be reached \
             without one.",
        ),
        HttpError::NoTls { .. } => {
            Some("Try http:// in place of https:// in the address (--manager), or another port.")
        }
        _ => None,
    }
}

fn post<'a>(path: &'a str, body: &impl Serialize) -> Request<'a> {
    let json = serde_json::to_vec(body).expect("requests have text keys and finite numbers");
    Request { method: Method::Post, json: Some(json), limit: MAX_BODY, is_question: false, ..Request::get(path) }
}
