//! `exec`: a program with arguments, without a shell.

use super::{Halt, Parameters};
use crate::manager::local::attempt::Attempt;

/// Runs the program.
pub(super) fn run(parameters: &Parameters, attempt: &mut Attempt<'_>) -> Result<(), Halt> {
    let arguments = parameters.texts("args")?;
    attempt.run_program(parameters.text("exe")?, &arguments)
}
