//! `farm init`

use crate::base::error::Failure;
use crate::cli::args::setup::InitArgs;
use crate::cli::exit;
use crate::cli::needs::{Context, home};
use crate::ops::init::{InitReport, init};
use crate::volume::init::{InitOutcome, InitRequest};
use crate::volume::marker::Purpose;
use serde::Serialize;

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    volume: VolumeView,
    created: bool,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct VolumeView {
    id: String,
    name: String,
    path: String,
}

/// Makes a volume and says how it is called.
pub(super) fn run(args: &InitArgs, context: &Context) -> Result<u8, Failure> {
    let report = init(&InitRequest {
        path: &args.dir,
        name: args.name.as_deref(),
        purpose: if args.testing { Purpose::Testing } else { Purpose::Production },
        home: home().as_deref(),
    })?;
    for warning in &report.warnings {
        context.output.warn(warning);
    }
    context.output.result(&human(&report), &document(&report));
    Ok(exit::DONE)
}

fn human(report: &InitReport) -> String {
    let path = report.path.display();
    match report.outcome {
        InitOutcome::Created => format!(
            "made the volume {:?} at {path}\n  id    {}\n  next  cd {path}; farm plan release NAME SCENE…\n",
            report.name, report.id
        ),
        InitOutcome::Already => format!("the volume {:?} is at {path} already\n  id    {}\n", report.name, report.id),
    }
}

fn document(report: &InitReport) -> Document {
    Document {
        schema: "farm.init/1",
        volume: VolumeView {
            id: report.id.to_string(),
            name: report.name.clone(),
            path: report.path.display().to_string(),
        },
        created: report.outcome == InitOutcome::Created,
        warnings: report.warnings.clone(),
    }
}
