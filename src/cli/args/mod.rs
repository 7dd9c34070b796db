//! Arguments as they are written; the doc comments are the help text.

#![allow(
    missing_docs,
    reason = "a doc comment at a command's arguments would take the place of the command's own text"
)]

pub mod ask;
pub mod change;
pub mod global;
pub mod harvest;
pub mod job_options;
pub mod logs;
pub mod manager_setup;
pub mod plan;
pub mod replace;
pub mod retry;
pub mod seed;
pub mod setup;
pub mod status;
pub mod steer;
pub mod undo;

use clap::{Parser, Subcommand};

/// The page about queries.
pub const QUERIES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/queries.md"));

/// Render Blender scenes on a farm: plan releases, watch them render, harvest checked frames.
///
/// A render farm computes the frames of your scenes in the background, on one machine or on many. A release is a set
/// of scenes that belong together; each scene is a job of it. `farm plan release` takes your .blend files and puts
/// their frames in the queue, `farm status` shows how far they are, `farm harvest release` checks every frame and puts
/// them, renamed, into dist/. The frames are rendered on this machine, or on many by Flamenco, Blender's render farm,
/// whose Manager you name with --manager.
#[derive(Debug, Parser)]
#[command(name = "farm", version, max_term_width = 110, arg_required_else_help = true, after_help = FIRST_STEPS)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: global::GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Each line fits into 80 columns.
const FIRST_STEPS: &str = "First steps:
  farm init /mnt/farm                             make the folder that farm keeps everything in
  cd /mnt/farm
  farm plan release r1 ~/shots/*.blend --wait     render what the files say
  farm harvest release r1                         checked frames in /mnt/farm/dist/r1

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 nothing matched, 4 partly done, 5 refused,
6 Manager trouble, 7 a check found something wrong, 75 locked by another run,
129/130/143 interrupted.";

/// Every command, as the user types it.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    /// Make a folder a volume, the place where farm keeps scenes, frames and results.
    ///
    /// Everything that farm knows lies in this one folder. Making a volume again changes nothing.
    Init(setup::InitArgs),
    /// Show what scene files say: frames, sizes, cameras, and the files they need.
    ///
    /// Reads the files without Blender and changes nothing. Needs no volume.
    Inspect(setup::InspectArgs),
    /// Put new work in the queue.
    #[command(subcommand)]
    Plan(plan::PlanCommand),
    /// Put a changed scene in the place of the one that a job was planned from.
    #[command(subcommand)]
    Replace(replace::ReplaceCommand),
    /// Render one scene by itself, outside any release.
    #[command(subcommand)]
    Seed(seed::SeedCommand),
    /// Show how far releases and jobs are, what failed, and who is rendering.
    ///
    /// Frames count as finished when they were found sound, not because a file of that name exists.
    Status(status::StatusArgs),
    /// List the jobs that a query matches: by release, status, age, worker and much else.
    ///
    /// What is listed by a query is what the same query kills, so that you can try it first. docs/queries.md tells how
    /// queries are written. Nothing matched: exit code 3.
    Jobs(steer::JobsArgs),
    /// List tasks: what each worker was given of a job, and what became of it.
    ///
    /// docs/queries.md tells how queries are written. A Manager tells of tasks job by job: narrow the query where there are
    /// many. Tasks of jobs that farm did not make are listed where the query speaks of is:foreign. Nothing matched: exit
    /// code 3.
    Tasks(ask::TasksArgs),
    /// List workers: their status, what they are at, when they were heard of.
    ///
    /// docs/queries.md tells how queries are written. Nothing matched: exit code 3.
    Workers(ask::WorkersArgs),
    /// List frames by what is true of them: ok, bad, missing, suspect, being rendered.
    ///
    /// They are looked at on the volume, as `farm status` does; with --json there is a row for each. docs/queries.md tells
    /// how queries are written. Nothing matched: exit code 3.
    Frames(ask::FramesArgs),
    /// Print how queries are written: the page docs/queries.md.
    #[command(after_long_help = QUERIES)]
    Queries,
    /// End jobs before they are done: cancel what a query matches.
    ///
    /// The jobs are shown first, and looked at again before anything is done; what does not match any more by then is left
    /// alone. On a terminal farm asks, but not about a single job of your own; in a script say --yes. Frames that are
    /// finished stay. Renderers end within ten seconds: --wait stays until no worker can write any more.
    #[command(override_usage = steer::KILL_USAGE)]
    Kill(steer::KillArgs),
    /// Let jobs wait: tasks that are being rendered end first, the others are not begun.
    #[command(override_usage = steer::PAUSE_USAGE)]
    Pause(steer::SteerArgs),
    /// Let paused jobs go on.
    #[command(override_usage = steer::UNPAUSE_USAGE)]
    Unpause(steer::SteerArgs),
    /// Give jobs another priority: of those that wait, the highest is rendered first.
    #[command(override_usage = steer::PRIORITY_USAGE)]
    Priority(steer::PriorityArgs),
    /// Print the path of a job's frames, results, scene or logs.
    ///
    /// One absolute path and nothing else, for use in other commands: cd "$(farm path r1/shot010 out)"
    Path(status::PathArgs),
    /// Render bad, missing and suspect frames again, and nothing else.
    ///
    /// Every frame is looked at: what is cut off, damaged or missing, or was rendered without something that it needs, is
    /// rendered again by one new run per job. Bad frames go to the trash first, with their views and passes; `farm undo`
    /// brings them back. Frames that are in the queue already are left to it. Exit code 7 when frames are still wrong after
    /// --wait, or when what is wrong is in dist/; 4 when all that is wrong is that frames are not rendered yet, because
    /// somebody paused or canceled their run, or because they are not free.
    Retry(retry::RetryArgs),
    /// Print what the renderers of a job wrote, task by task, the newest run last.
    ///
    /// Bytes that would do something to a terminal are shown, not sent.
    Logs(logs::LogsArgs),
    /// Say why a job is not rendering: the causes, what shows each, and what helps.
    ///
    /// Looks at the job, its tasks and their logs, the workers, what else is in the queue and the disk; the most likely cause
    /// comes first. A job that renders, or has been rendered, has none.
    Why(logs::WhyArgs),
    /// Collect finished frames, checked and renamed.
    #[command(subcommand)]
    Harvest(harvest::HarvestCommand),
    /// Render what is in this machine's own queue, until it is empty.
    ///
    /// Each `farm work` renders one task at a time; start as many as the machine can bear. Killing one loses nothing:
    /// its task goes back into the queue.
    Work(status::WorkArgs),
    /// Take a change back: what it threw away returns, what it made goes to the trash.
    ///
    /// The last change that a person made, or the one that you name. Its runs are ended first. If anything newer is in the
    /// way nothing is done. Nothing is submitted, but with --resubmit.
    Undo(undo::UndoArgs),
    /// Show what is in the trash, or free its space.
    #[command(subcommand)]
    Trash(undo::TrashCommand),
    /// Finish or roll back what a killed farm left behind.
    ///
    /// After a crash, a power cut or a kill -9: half-done changes are finished or undone, stale locks and temporary
    /// files are taken away, renderers without an owner are stopped. Running it again does nothing more.
    Recover(setup::RecoverArgs),
    /// Check volume, Blender, ffmpeg, Manager and clock, and say what to do.
    ///
    /// Changes nothing, but for a test file and, with Flamenco, an empty folder that it makes and takes away. Exit code
    /// 7 when a check fails.
    Doctor(setup::DoctorArgs),
    /// Prepare a Flamenco Manager for farm, or find one on the network.
    #[command(subcommand)]
    Setup(manager_setup::SetupCommand),
    /// Show the settings and where each comes from.
    #[command(subcommand)]
    Config(setup::ConfigCommand),
    /// Print completions for your shell.
    ///
    /// For bash: farm completions bash > ~/.local/share/bash-completion/completions/farm
    Completions(setup::CompletionsArgs),
    /// Print the manual page, or write the pages of all commands into a folder.
    ///
    /// To read it: farm man | man -l -
    Man(setup::ManArgs),
}
