//! What a try of a change met that may have been heard, though nobody says so.

use crate::sys::http::{Arrival, HttpError, Reply};

/// Why nobody can say whether a change was made.
#[derive(Debug)]
pub(super) struct Met {
    /// The cause.
    pub(super) message: String,
    /// Whether the try may still arrive.
    pub(super) later: bool,
}

impl Met {
    /// What this try met. A proxy that does not get the Manager's answer says so in its place; who sends on has done
    /// nothing, and the address is to be looked at.
    pub(super) fn by(outcome: &Result<Reply, HttpError>) -> Option<Met> {
        match outcome {
            Ok(reply) if matches!(reply.status, 502 | 504) => {
                Some(Met { message: format!("a proxy answers with HTTP {}", reply.status), later: true })
            }
            Err(error) if !matches!(error, HttpError::SentOn { .. }) && error.arrival() != Arrival::Never => {
                Some(Met { message: error.to_string(), later: error.arrival() == Arrival::PerhapsLater })
            }
            _ => None,
        }
    }

    /// Of two tries what says the most of the change: the newer one, but that the other may still arrive.
    pub(super) fn or(older: Option<Met>, newer: Option<Met>) -> Option<Met> {
        match (older, newer) {
            (Some(older), Some(newer)) => Some(Met { later: older.later || newer.later, ..newer }),
            (older, newer) => newer.or(older),
        }
    }
}
