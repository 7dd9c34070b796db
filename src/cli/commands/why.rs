//! `farm why`

use crate::base::error::{Class, Failure};
use crate::cli::args::logs::WhyArgs;
use crate::cli::needs::Context;
use crate::cli::{exit, render};
use crate::ops::ports::{Ports, Silent};
use crate::ops::why::{self, Answer};
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    #[serde(flatten)]
    answer: &'a Answer,
}

/// Prints why a job is not rendering. An answer is exit 0, whatever it says; but where the Manager did not answer nobody knows
/// whether the job is rendering all the same, and that is 6.
pub fn run(args: &WhyArgs, context: &Context) -> Result<u8, Failure> {
    let (volume, settings) = context.volume()?;
    let manager = context.manager_to_look(&volume, &settings)?;
    let actor = context.actor(&settings);
    let ports = Ports { volume: &volume, manager: manager.as_ref(), progress: &Silent, actor: &actor };
    let answer = why::why(&ports, &args.job)?;
    context.output.result(&render::why::text(&answer), &Document { schema: "farm.why/1", answer: &answer });
    Ok(if answer.is_manager_away { exit::code(Class::Manager) } else { exit::DONE })
}
