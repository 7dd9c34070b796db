//! `echo`: a message into the log.

use super::{Halt, Parameters};
use crate::manager::local::attempt::Attempt;

/// Writes the message.
pub(super) fn run(parameters: &Parameters, attempt: &mut Attempt<'_>) -> Result<(), Halt> {
    let message = parameters.value("message")?;
    let text = message.as_str().map_or_else(|| message.to_string(), str::to_owned);
    attempt.say(&format!("echo: {text}"));
    Ok(())
}
