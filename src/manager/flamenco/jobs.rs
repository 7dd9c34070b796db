//! Listing jobs: all of them in one request.

use super::Flamenco;
use super::offer::Listing;
use super::reply::Answer;
use crate::manager::wire::job::Jobs;
use crate::manager::{ManagerError, ManagerJob};
use crate::sys::http::Method;

/// How messages name the list.
const WHAT: &str = "the list of jobs";

impl Flamenco {
    /// Every job.
    pub(super) fn all_jobs(&self) -> Result<Vec<ManagerJob>, ManagerError> {
        let listing = self.offer.listing.get().copied().unwrap_or(Listing::Get);
        let answer = self.ask_for_list(listing)?;
        let (listing, answer) = match listing {
            Listing::Get if answer.is_missing_call() => (Listing::Query, self.ask_for_list(Listing::Query)?),
            _ => (listing, answer),
        };
        let jobs: Jobs = self.api.document(&answer.expect(WHAT)?)?;
        let _already = self.offer.listing.set(listing);
        Ok(jobs.into())
    }

    fn ask_for_list(&self, listing: Listing) -> Result<Answer<'_>, ManagerError> {
        match listing {
            Listing::Get => self.api.list(Method::Get, "jobs"),
            Listing::Query => self.api.list(Method::Post, "jobs/query"),
        }
    }
}
