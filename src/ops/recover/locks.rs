//! Locks whose owner is proved to be gone.

use super::{Action, Kind, Means, Verdict};
use crate::volume::lock::{self, Standing};

/// Takes away what is stale. Locks that were taken over for other repairs are gone with these already.
pub(super) fn recover(means: &Means<'_>, found: &[Standing]) -> Vec<Action> {
    let end = |stale: &Standing| {
        let what = stale.to_string();
        match lock::clear(means.volume, stale, &means.requester()) {
            Ok(true) => Action::new(Kind::Lock, what, Verdict::Removed, "its owner is gone"),
            Ok(false) => Action::new(Kind::Lock, what, Verdict::LeftAlone, "somebody holds it again"),
            Err(error) => Action::failed(Kind::Lock, what, &error.into()),
        }
    };
    found.iter().filter(|lock| lock.is_stale()).map(end).collect()
}
