//! `frames-to-video`: `exe exeArgs argsBefore -r fps -pattern_type glob -i inputGlob args -r fps outputFile`.

use super::{Halt, Parameters};
use crate::manager::local::attempt::Attempt;

/// Runs ffmpeg over the frames.
pub(super) fn run(parameters: &Parameters, attempt: &mut Attempt<'_>) -> Result<(), Halt> {
    // The bare name stands for the ffmpeg that is configured here.
    let ffmpeg = match parameters.text("exe")? {
        "ffmpeg" | "ffmpeg.exe" => attempt.post.local.settings().ffmpeg.clone(),
        exe => exe.to_owned(),
    };
    let fps = parameters.number("fps")?;
    if !(fps.is_finite() && fps > 0.0) {
        return Err(Halt::Failed(format!("the parameter \"fps\" is {fps}, it must be above 0")));
    }
    let fps = fps.to_string();
    let mut arguments = parameters.arguments_before()?;
    // The rate is given for the input too: it would be read at 25 frames per second otherwise, and some would be lost.
    let input = ["-r", &fps, "-pattern_type", "glob", "-i", parameters.text("inputGlob")?];
    arguments.extend(input.map(str::to_owned));
    arguments.extend(parameters.texts("args")?);
    arguments.extend(["-r", &fps, parameters.text("outputFile")?].map(str::to_owned));
    attempt.run_program(&ffmpeg, &arguments)
}
