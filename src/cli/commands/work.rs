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
        "{} done, {failed} failed, {requeued} put back, {revoked} cancelled meanwhile\n",
        counted(completed, "task")
    );
    context.output.result(&text, &Document { schema: "farm.work/1", completed, failed, requeued, revoked });
    match interrupt.signal() {
        Some(signal) => Err(in_this_queue(signal)),
        None if failed > 0 => Ok(exit::code(Class::Partial)),
        None => Ok(exit::DONE),
    }
}
