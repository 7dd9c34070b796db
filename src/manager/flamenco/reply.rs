//! What a reply means. Flamenco has two shapes of errors: `{code, message}` where its own code speaks, `{message}` where the
//! router or the check before it does. A 404 with a code is a thing that is not there, one without a call that is not there.

use crate::manager::error::{IS_IT_A_LOGIN, PAGE_NEXT};
use crate::manager::{ManagerError, wire};
use crate::sys::http::Reply;

/// The longest piece of a Manager's words that is repeated, in characters.
const MAX_WORDS: usize = 500;
/// The next step where a call is not there.
const NO_CALL: &str =
    "It may be too old for it: `farm doctor` shows its version. Or the path in its URL (--manager) is wrong.";

/// A reply, and whose it is.
pub(super) struct Answer<'a> {
    address: &'a str,
    pub(super) reply: Reply,
    is_to_known: bool,
}

impl<'a> Answer<'a> {
    pub(super) fn new(address: &'a str, reply: Reply) -> Self {
        Answer { address, reply, is_to_known: false }
    }

    /// The same to somebody who said who asks, or did not.
    pub(super) fn with_known(self, is_to_known: bool) -> Self {
        Answer { is_to_known, ..self }
    }

    /// The reply if it is a good one, or what is wrong with the request about `what`.
    pub(super) fn expect(self, what: &str) -> Result<Reply, ManagerError> {
        match self.reply.status {
            200..=299 => Ok(self.reply),
            _ => Err(self.error(what)),
        }
    }

    /// That it was done, of a call that has nothing to tell. What tells something else is no Manager's: a proxy's page
    /// comes with a good status too.
    pub(super) fn expect_nothing(self, what: &str) -> Result<(), ManagerError> {
        let address = self.address.to_owned();
        match self.expect(what)? {
            reply if reply.body.trim_ascii().is_empty() => Ok(()),
            reply => Err(unusable(&address, &reply, strange(&reply))),
        }
    }

    /// Text, of a call that tells no JSON.
    pub(super) fn expect_text(self, what: &str) -> Result<Reply, ManagerError> {
        let address = self.address.to_owned();
        match self.expect(what)? {
            reply if is_html(&reply) => Err(unusable(&address, &reply, strange(&reply))),
            reply => Ok(reply),
        }
    }

    /// Whether the Manager does not have the call at all.
    pub(super) fn is_missing_call(&self) -> bool {
        is_missing_call(&self.reply)
    }

    /// Whether Flamenco's own code speaks, and not what stands before it, here or on another machine.
    pub(super) fn is_its_own(&self) -> bool {
        parse(&self.reply).is_some_and(|said| said.code.is_some())
    }

    /// The Manager's words, if it speaks as Flamenco does.
    pub(super) fn words(&self) -> Option<String> {
        words(&self.reply)
    }

    /// What is wrong, of a reply that is no good one.
    pub(super) fn error(&self, what: &str) -> ManagerError {
        let address = self.address.to_owned();
        let status = self.reply.status;
        let said = parse(&self.reply);
        match (status, said) {
            (407, _) => ManagerError::ProxyUnauthorized { address },
            (401 | 403, _) => ManagerError::Unauthorized { address, status, given: self.is_to_known },
            (_, Some(_)) if self.is_missing_call() => ManagerError::Incapable {
                address,
                what: format!("answer {what}: it does not know this call"),
                next: NO_CALL.to_owned(),
            },
            (404, Some(wire::Error { code: Some(_), .. })) => ManagerError::NotFound { address, what: what.to_owned() },
            // A gateway that has nothing at this path.
            (404 | 405, Some(said @ wire::Error { code: None, .. })) => {
                let message = format!("{}: {}", strange(&self.reply), cut(&said.message));
                unusable(&address, &self.reply, message)
            }
            (408 | 429, Some(said)) => {
                ManagerError::InTrouble { address, message: format!("HTTP {status}: {}", cut(&said.message)) }
            }
            (400..=499, Some(said)) => ManagerError::Rejected { address, message: cut(&said.message) },
            (_, Some(said)) => {
                ManagerError::InTrouble { address, message: format!("HTTP {status}: {}", cut(&said.message)) }
            }
            (_, None) => unusable(&address, &self.reply, strange(&self.reply)),
        }
    }
}

/// Whether a reply says that there is no such call: 404 on newer Managers, 400 on older ones.
pub(super) fn is_missing_call(reply: &Reply) -> bool {
    let said = parse(reply).filter(|said| said.code.is_none());
    let says = |word: &str| said.as_ref().is_some_and(|said| said.message.eq_ignore_ascii_case(word));
    matches!(reply.status, 400 | 404 | 405) && (says("method not allowed") || says("not found"))
}

/// The Manager's words, if it speaks as Flamenco does.
pub(super) fn words(reply: &Reply) -> Option<String> {
    parse(reply).map(|said| cut(&said.message))
}

fn parse(reply: &Reply) -> Option<wire::Error> {
    serde_json::from_slice(&reply.body).ok()
}

/// A good status, and a body that is none of a Manager.
pub(super) fn no_manager(address: &str, reply: &Reply, error: &serde_json::Error) -> ManagerError {
    unusable(address, reply, not_a_manager(reply, error))
}

/// What is said of such a reply.
pub(super) fn not_a_manager(reply: &Reply, error: &serde_json::Error) -> String {
    match is_page(reply) {
        true => strange(reply),
        false => format!("it does not answer as a Flamenco Manager does: {error}"),
    }
}

fn unusable(address: &str, reply: &Reply, message: String) -> ManagerError {
    let next = match reply.status {
        _ if !is_page(reply) => None,
        200..=299 => Some(PAGE_NEXT),
        502..=504 => Some("See that the Manager runs: a proxy before it answers in its place."),
        _ => None,
    };
    ManagerError::Unusable { address: address.to_owned(), message, next }
}

fn strange(reply: &Reply) -> String {
    let status = reply.status;
    match status {
        _ if !is_page(reply) => format!("it answers with HTTP {status}, and not as a Flamenco Manager does"),
        200..=299 => format!("it answers with a web page (HTTP {status}); {IS_IT_A_LOGIN}"),
        502..=504 => format!("a proxy answers in its place with a web page (HTTP {status})"),
        _ => format!("it answers with a web page (HTTP {status}), and not as a Flamenco Manager does"),
    }
}

fn is_page(reply: &Reply) -> bool {
    is_html(reply) || reply.body.trim_ascii_start().starts_with(b"<")
}

fn is_html(reply: &Reply) -> bool {
    reply.content_type.starts_with("text/html")
}

fn cut(words: &str) -> String {
    words.chars().take(MAX_WORDS).collect()
}
