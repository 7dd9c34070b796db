//! `farm work`

use crate::base::counted::counted;
use crate::base::error::{Class, Failure};
use crate::cli::args::status::WorkArgs;
use crate::cli::exit;
use crate::cli::needs::{Context, catch_interrupts};
use crate::cli::render::progress::Progress;
use crate::cli::settings::ManagerChoice;
use crate::cli::wait::{in_this_queue, patient};
use crate::manager::local::{Staying, WorkReport, WorkerOptions};
use crate::ops::ports::Ports;
use crate::ops::work;
use crate::sys::process::Guard;
use serde::Serialize;

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    completed: u64,
    failed: u64,
    requeued: u64,
    revoked: u64,
}

/// Works this machine's queue off.
pub fn run(args: &WorkArgs, context: &Context) -> Result<u8, Failure> {
    let (volume, settings) = context.volume()?;
    if let ManagerChoice::Flamenco(url) = &settings.manager {
        return Err(work::refuse_remote(url));
    }
    let local = context.local(&volume, &settings)?;
    let interrupt = catch_interrupts()?;
    let options = WorkerOptions {
        name: args.name.clone(),
        staying: if args.follow { Staying::Follow } else { Staying::UntilIdle },
        ..WorkerOptions::new(Guard::this_executable())
    };
    let progress = Progress::new(&context.output);
    let actor = patient(context.actor(&settings));
    let ports = Ports { volume: &volume, manager: &local, progress: &progress, actor: &actor };
    let report = work::work(&ports, &local, &options, interrupt.flag())?;
    progress.clear();
    let WorkReport { completed, failed, requeued, revoked } = report;
    let text = format!(
        "{} done, {failed} failed, {requeued} put back, {revoked} canceled meanwhile\n",
        counted(completed, "task")
    );
    context.output.result(&text, &Document { schema: "farm.work/1", completed, failed, requeued, revoked });
    Ok(interrupt.signal().map_or(exit_code(completed, failed), |signal| {
        let interrupted = in_this_queue(signal);
        context.output.error(&interrupted);
        exit::code(interrupted.class())
    }))
}

/// What was put back or canceled is neither done nor failed.
fn exit_code(completed: u64, failed: u64) -> u8 {
    match (completed, failed) {
        (_, 0) => exit::DONE,
        (0, _) => exit::code(Class::Failed),
        _ => exit::code(Class::Partial),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partly_done_is_where_something_was_done() {
        for (completed, failed, code) in [(0, 0, 0), (3, 0, 0), (2, 1, 4), (0, 10, 1)] {
            assert_eq!(exit_code(completed, failed), code, "{completed} done, {failed} failed");
        }
    }
}
