//! Moving things to the trash as part of a change.

use crate::base::error::Failure;
use crate::base::ids::TransactionId;
use crate::sys::clock;
use crate::volume::Volume;
use crate::volume::lock::Lock;
use crate::volume::trash::{Discard, HOLD_DAYS, PutReport, Trash};

/// Moves `discards` to the trash of the change `id`, which may have something there already. All of it is on disk when this
/// returns; where there is nothing to discard nothing is made.
pub fn within(volume: &Volume, lock: &Lock, id: TransactionId, discards: &[Discard]) -> Result<PutReport, Failure> {
    if discards.is_empty() {
        return Ok(PutReport::default());
    }
    let mut trash = Trash::begin(volume, lock, id, clock::now(), HOLD_DAYS);
    let report = trash.put(discards)?;
    trash.finish()?;
    Ok(report)
}
