//! Listing jobs: all of them in one request.

use super::Flamenco;
use super::offer::Listing;
use super::reply::Answer;
use crate::manager::wire::job_list::JobList;
use crate::manager::{ManagerError, ManagerJob};
use crate::sys::http::{Method, Pieces};

/// How messages name the list.
const WHAT: &str = "the list of jobs";

impl Flamenco {
    /// Every job that is wanted; the others are let go of as soon as they are read.
    pub(super) fn listed_jobs(
        &self,
        wants: &mut dyn FnMut(&ManagerJob) -> bool,
    ) -> Result<Vec<ManagerJob>, ManagerError> {
        let mut list = JobList::new(wants);
        let listing = self.offer.listing.get().copied().unwrap_or(Listing::Get);
        let answer = self.ask_for_list(listing, &mut list)?;
        let (listing, answer) = match listing {
            Listing::Get if answer.is_missing_call() => (Listing::Query, self.ask_for_list(Listing::Query, &mut list)?),
            _ => (listing, answer),
        };
        let reply = answer.expect(WHAT)?;
        let jobs = list.finish().map_err(|error| self.api.no_document(&reply, &error))?;
        let _already = self.offer.listing.set(listing);
        Ok(jobs)
    }

    fn ask_for_list(&self, listing: Listing, list: &mut JobList<'_>) -> Result<Answer<'_>, ManagerError> {
        match listing {
            Listing::Get => self.api.list_in_pieces(Method::Get, "jobs", list),
            Listing::Query => self.api.list_in_pieces(Method::Post, "jobs/query", list),
        }
    }
}

impl Pieces for JobList<'_> {
    fn begin(&mut self) {
        JobList::begin(self);
    }
    fn piece(&mut self, bytes: &[u8]) {
        JobList::piece(self, bytes);
    }
}
