//! Whether the Manager answers, and whether this farm can drive it.

use super::{Asked, Check};
use crate::base::error::{Class, Failure};
use crate::manager::Manager;
use crate::sys::http::{Client, HttpError, Reply, without_credentials};
use serde::Deserialize;

const NAME: &str = "manager";
const ADDRESS: &str =
    "Check the address (--manager, FARM_MANAGER, or manager in config.yaml) and that the Manager runs.";

const QUEUE: &str = "Mend what the message names. A damaged queue.sqlite: end every `farm work`, then restore it from a backup, \
                     or move it and its -journal or -wal file away. Releases and frames are not in it; `farm plan release NAME … \
                     --wait` renders what is still missing.";

pub(super) fn check(manager: &Asked<'_>) -> Check {
    match manager {
        Asked::Local(None) => Check::skip(NAME, "this machine's own queue; not looked at: no volume is open"),
        Asked::Local(Some(Err(failure))) => refused(failure),
        Asked::Local(Some(Ok(manager))) => local(*manager),
        Asked::Flamenco(url) => flamenco(url),
    }
}

fn local(manager: &dyn Manager) -> Check {
    let queue = || {
        let version = manager.version()?;
        let jobs = manager.jobs()?;
        let waiting = jobs.iter().filter(|job| !job.status.has_ended()).count();
        let workers = manager.workers()?.len();
        Ok::<_, crate::manager::ManagerError>(format!(
            "this machine's own queue (farm {}): {waiting} of {} runs not ended, {workers} workers known",
            version.version,
            jobs.len()
        ))
    };
    match queue() {
        Ok(message) => Check::ok(NAME, message),
        Err(error) => refused(&error.into()),
    }
}

/// Where the queue itself cannot be used, errors send people here: they must not be sent in a circle.
fn refused(failure: &Failure) -> Check {
    match failure.class() {
        Class::Manager => Check::fail(NAME, failure.message(), QUEUE),
        _ => Check::failure(NAME, failure),
    }
}

/// `GET /api/v3/version` as Flamenco answers it; 3.2 has no `git`.
#[derive(Deserialize)]
struct Version {
    name: String,
    version: String,
}

/// This farm renders with its local manager alone; the check says what would otherwise only be found at submission.
fn flamenco(url: &str) -> Check {
    match Client::new(url).and_then(|client| client.get("api/v3/version")) {
        Ok(reply) => answered(url, &reply),
        Err(error @ HttpError::SentOn { .. }) => {
            Check::fail(NAME, error.to_string(), "Use the address that it sends on to.")
        }
        Err(error) => Check::fail(NAME, error.to_string(), ADDRESS),
    }
}

fn answered(url: &str, reply: &Reply) -> Check {
    let url = without_credentials(url);
    let version: Option<Version> = serde_json::from_slice(&reply.body).ok();
    match (reply.status, version) {
        (200, Some(Version { name, version })) => Check::warn(
            NAME,
            format!("{url} is {name} {version}; it answers, but this version of farm drives only the local manager"),
            "Use --manager local to render on this machine.",
        ),
        (200, None) => Check::fail(NAME, format!("{url} answers, but not as a Flamenco Manager"), ADDRESS),
        (401 | 403, _) => Check::fail(
            NAME,
            format!("{url} wants credentials (HTTP {})", reply.status),
            "Ask whoever runs it for an address that this machine may use.",
        ),
        (status, _) => Check::fail(NAME, format!("{url} answers with HTTP {status}"), ADDRESS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::doctor::Status;

    #[test]
    fn answers_are_judged() {
        let judge = |status, body: &str| {
            answered("http://m/", &Reply { status, content_type: String::new(), body: body.as_bytes().to_vec() }).status
        };
        assert_eq!(judge(200, r#"{"name":"Flamenco","shortversion":"3.5","version":"3.5"}"#), Status::Warn);
        assert_eq!(judge(200, "<html>"), Status::Fail);
        assert_eq!(judge(401, ""), Status::Fail);
        assert_eq!(judge(502, ""), Status::Fail);
    }

    #[test]
    fn an_address_that_is_none_is_a_failure() {
        let check = flamenco("http://");
        assert_eq!(check.status, Status::Fail);
        assert!(check.remedy.is_some_and(|remedy| remedy.contains("FARM_MANAGER")));
    }
}
