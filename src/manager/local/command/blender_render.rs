//! `blender-render`: `exe exeArgs argsBefore blendfile args`. The blendfile may be empty, for a script that makes its own.

use super::{Halt, Parameters};
use crate::manager::local::attempt::Attempt;
use crate::sys::process::environment::find_program;

/// Runs Blender.
pub(super) fn run(parameters: &Parameters, attempt: &mut Attempt<'_>) -> Result<(), Halt> {
    let blender = parameters.text("exe")?;
    let mut arguments = parameters.arguments_before()?;
    let scene = parameters.text_or_empty("blendfile")?;
    if !scene.is_empty() {
        arguments.push(scene.to_owned());
    }
    arguments.extend(parameters.texts("args")?);
    if find_program(blender).is_none() {
        return Err(Halt::Failed(format!(
            "Blender is not here: there is no program {blender:?}. Install Blender, or name its executable in farm's \
             configuration; `farm doctor` shows what farm looks for."
        )));
    }
    attempt.run_program(blender, &arguments)
}
