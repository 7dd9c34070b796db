//! Changes of a home's jobs that were killed on their way. Whoever retries next ends them first: until then nobody can say
//! what the jobs' frames are.

use crate::base::error::Failure;
use crate::base::name::Home;
use crate::ops::change;
use crate::volume::Volume;
use crate::volume::journal;
use crate::volume::lock::Scope;

/// The changes whose state in between is not what the record says.
const CHANGES: [&str; 4] = [change::RETRY, change::SEED, change::REPLACE, change::UNDO];

/// Whether a change of this home's jobs was killed on its way.
pub(super) fn is_there(volume: &Volume, home: &Home) -> Result<bool, Failure> {
    let left = journal::survey(volume)?.unfinished_in(&Scope::from(home))?;
    Ok(left.iter().any(|account| CHANGES.contains(&account.intent.kind.as_str()) && !account.owner.is_alive()))
}
