//! One file per command, named as the user types it: arguments become a request, the report becomes text or JSON.

pub mod ask;
pub mod completions;
pub mod config;
pub mod doctor;
pub mod harvest;
pub mod init;
pub mod inspect;
pub mod jobs;
pub mod logs;
pub mod man;
pub mod path;
pub mod plan;
pub mod recover;
pub mod replace;
pub mod retry;
pub mod seed;
pub mod setup;
pub mod status;
pub mod steer;
pub mod trash;
pub mod undo;
pub mod why;
pub mod work;

use crate::base::error::Failure;
use crate::cli::args::{Command, QUERIES};
use crate::cli::exit;
use crate::cli::needs::Context;

/// Runs a command; the value is its exit code.
pub fn run(command: Command, context: &Context) -> Result<u8, Failure> {
    match command {
        Command::Harvest(args) => harvest::run(args, context),
        Command::Init(args) => init::run(&args, context),
        Command::Inspect(args) => inspect::run(&args, context),
        Command::Plan(args) => plan::run(args, context),
        Command::Retry(args) => retry::run(&args, context),
        Command::Replace(args) => replace::run(args, context),
        Command::Seed(args) => seed::run(args, context),
        Command::Status(args) => status::run(&args, context),
        Command::Jobs(args) => jobs::run(&args, context),
        Command::Tasks(args) => ask::tasks(&args, context),
        Command::Workers(args) => ask::workers(&args, context),
        Command::Frames(args) => ask::frames(&args, context),
        Command::Queries => {
            context.output.data(QUERIES);
            Ok(exit::DONE)
        }
        Command::Kill(args) => steer::kill(&args, context),
        Command::Pause(args) => steer::pause(&args, context),
        Command::Unpause(args) => steer::unpause(&args, context),
        Command::Priority(args) => steer::priority(&args, context),
        Command::Path(args) => path::run(&args, context),
        Command::Logs(args) => logs::run(args, context),
        Command::Why(args) => why::run(&args, context),
        Command::Work(args) => work::run(&args, context),
        Command::Undo(args) => undo::run(&args, context),
        Command::Trash(command) => trash::run(&command, context),
        Command::Recover(args) => recover::run(&args, context),
        Command::Doctor(_) => doctor::run(context),
        Command::Setup(args) => setup::run(args, context),
        Command::Config(args) => config::run(&args, context),
        Command::Completions(args) => completions::run(&args, context),
        Command::Man(args) => man::run(&args, context),
    }
}
