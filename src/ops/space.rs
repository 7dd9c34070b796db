//! How much room the volume has.

use crate::base::error::Failure;
use crate::base::size::Bytes;
use crate::sys::disk::space;
use crate::volume::Volume;

/// Bytes that a user may still write.
pub fn free_space(volume: &Volume) -> Result<Bytes, Failure> {
    Ok(Bytes(space::space(volume.root())?.free))
}
