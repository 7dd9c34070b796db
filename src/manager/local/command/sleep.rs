//! `sleep`: rests for a while.

use super::{Halt, Parameters};
use crate::manager::local::attempt::Attempt;
use std::time::Duration;

/// Rests.
pub(super) fn run(parameters: &Parameters, attempt: &mut Attempt<'_>) -> Result<(), Halt> {
    let seconds = parameters.number("duration_in_seconds")?;
    let duration =
        Duration::try_from_secs_f64(seconds).map_err(|_| Halt::Failed(format!("cannot rest for {seconds} seconds")))?;
    attempt.rest(duration)?;
    attempt.say(&format!("slept {seconds} s"));
    Ok(())
}
