//! Requests and replies, spelled as Flamenco spells them.
//!
//! Source: the OpenAPI file of Flamenco 3.2 to 3.9, and replies of running Managers. What a Manager leaves out or has as
//! `null` is as good as empty; what farm does not use is not read.

pub(super) mod job;
pub(super) mod job_list;
pub(super) mod meta;
pub(super) mod submitted;
pub(super) mod task;
mod text;
pub(super) mod worker;

use serde::{Deserialize, Deserializer};

/// `null` is as good as left out.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

/// An error's body: `{code, message}` from Flamenco's own code, `{message}` from what stands before it.
#[derive(Debug, Deserialize)]
pub(super) struct Error {
    /// Only there if Flamenco's own code speaks: then the call exists.
    pub(super) code: Option<i64>,
    pub(super) message: String,
}
