//! The commands of Flamenco's Worker, one file each. Names, parameters and rules: Flamenco 3.9.

mod blender_render;
mod copy_file;
mod echo;
mod exec;
mod frames_to_video;
mod make_directory;
mod move_directory;
mod parameters;
mod sleep;

use super::attempt::Attempt;
use super::variables::fill_in;
use crate::manager::compile::Command;
use parameters::Parameters;

/// Why a command, and with it the attempt, goes no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Halt {
    /// It failed; the words say why, and where it helps what to do.
    Failed(String),
    /// The worker was told to stop, or cannot do it now.
    Stopped,
    /// The task was canceled or deleted.
    Revoked,
    /// Its renderer cannot be ended; the words say why.
    RendererLives(String),
}

impl From<std::io::Error> for Halt {
    fn from(error: std::io::Error) -> Self {
        Halt::Failed(error.to_string())
    }
}

/// Runs one command of an attempt.
pub(super) fn run(command: &Command, attempt: &mut Attempt<'_>) -> Result<(), Halt> {
    let run: fn(&Parameters, &mut Attempt<'_>) -> Result<(), Halt> = match command.name.as_str() {
        "blender-render" => blender_render::run,
        "copy-file" => copy_file::run,
        "echo" => echo::run,
        "exec" => exec::run,
        "frames-to-video" => frames_to_video::run,
        "make-directory" => make_directory::run,
        "move-directory" => move_directory::run,
        "sleep" => sleep::run,
        unknown => return Err(Halt::Failed(format!("this worker does not know the command {unknown:?}"))),
    };
    let settings = attempt.post.local.settings();
    let parameters = Parameters::new(&command.parameters, |text| fill_in(text, settings));
    run(&parameters, attempt).map_err(|halt| match halt {
        Halt::Failed(words) => Halt::Failed(format!("{}: {words}", command.name)),
        other => other,
    })
}
