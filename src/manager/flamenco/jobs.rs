//! Listing jobs: all of them in one request, read as they come.

use super::Flamenco;
use super::offer::Listing;
use super::reply::{self, Answer};
use crate::manager::wire::job::Jobs;
use crate::manager::{ManagerError, ManagerJob};
use crate::sys::http::{Body, Method, Reply};
use serde::de::DeserializeSeed;
use std::io::{BufReader, Read};

/// The piece in which a list is read.
const PIECE: usize = 256 << 10;
/// The longest error that is read, in bytes.
const MAX_ERROR: u64 = 1 << 20;

impl Flamenco {
    /// Every job.
    pub(super) fn all_jobs(&self) -> Result<Vec<ManagerJob>, ManagerError> {
        let mut jobs = Vec::new();
        self.hear_jobs(|job| jobs.push(job))?;
        Ok(jobs)
    }

    fn hear_jobs(&self, hear: impl FnMut(ManagerJob)) -> Result<(), ManagerError> {
        let listing = self.offer.listing.get().copied().unwrap_or(Listing::Get);
        let body = self.open_list(listing)?;
        if listing == Listing::Get && body.status() != 200 {
            let reply = rest(body);
            if !reply::is_missing_call(&reply) {
                return Err(Answer::new(self.api.address(), reply).error("the list of jobs"));
            }
            let _already = self.offer.listing.set(Listing::Query);
            return self.hear(self.open_list(Listing::Query)?, hear);
        }
        let _already = self.offer.listing.set(listing);
        self.hear(body, hear)
    }

    fn open_list(&self, listing: Listing) -> Result<Body<'_>, ManagerError> {
        match listing {
            Listing::Get => self.api.open(Method::Get, "jobs"),
            Listing::Query => self.api.open(Method::Post, "jobs/query"),
        }
    }

    fn hear(&self, body: Body<'_>, hear: impl FnMut(ManagerJob)) -> Result<(), ManagerError> {
        if body.status() != 200 {
            return Err(Answer::new(self.api.address(), rest(body)).error("the list of jobs"));
        }
        let page = Reply { status: 200, content_type: body.content_type().to_owned(), body: Vec::new() };
        let mut reader = BufReader::with_capacity(PIECE, body);
        let mut parser = serde_json::Deserializer::from_reader(&mut reader);
        let read = Jobs(hear).deserialize(&mut parser).and_then(|()| parser.end());
        read.map_err(|error| match error.io_error_kind() {
            Some(_) => self.api.unusable(&reader.get_ref().failure(error.into())),
            None => reply::no_manager(self.api.address(), &page, &error),
        })
    }
}

/// The whole of a short answer. What cannot be read says nothing.
fn rest(mut body: Body<'_>) -> Reply {
    let mut bytes = Vec::new();
    let _cut = (&mut body).take(MAX_ERROR).read_to_end(&mut bytes);
    Reply { status: body.status(), content_type: body.content_type().to_owned(), body: bytes }
}
