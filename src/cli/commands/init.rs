//! `farm init`

use crate::base::error::Failure;
use crate::base::rel_path::RelPath;
use crate::cli::args::setup::InitArgs;
use crate::cli::exit;
use crate::cli::needs::{Context, home};
use crate::ops::init::{InitReport, init, plan, strangers};
use crate::volume::init::{Identity, InitOutcome, InitPlan, InitRequest};
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

/// `farm.init-plan/1`
#[derive(Serialize)]
struct PlanDocument<'a> {
    schema: &'static str,
    name: &'a str,
    path: String,
    create: bool,
    folders: Vec<&'a str>,
    warnings: Vec<String>,
}

/// Makes a volume and says how it is called.
pub(super) fn run(args: &InitArgs, context: &Context) -> Result<u8, Failure> {
    let home = home();
    let request = InitRequest {
        path: &args.dir,
        name: args.name.as_deref(),
        purpose: if args.testing { Purpose::Testing } else { Purpose::Production },
        home: home.as_deref(),
    };
    let identity = if args.new_identity { Identity::New } else { Identity::Lost };
    if args.dry_run {
        show(&plan(&request, identity)?, context);
        return Ok(exit::DONE);
    }
    let report = init(&request, identity)?;
    for warning in &report.warnings {
        context.output.warn(warning);
    }
    context.output.result(&human(&report), &document(&report));
    Ok(exit::DONE)
}

fn show(plan: &InitPlan, context: &Context) {
    let warnings: Vec<String> = strangers(&plan.foreign).into_iter().collect();
    warnings.iter().for_each(|warning| context.output.warn(warning));
    let (name, path) = (&plan.name, plan.path.display());
    let mut text = match plan.outcome {
        InitOutcome::Created => format!("would make the volume {name:?} at {path}\n"),
        InitOutcome::Already => format!("the volume {name:?} is at {path} already\n"),
    };
    let folders: Vec<&str> = plan.made.iter().map(RelPath::as_str).collect();
    if !folders.is_empty() {
        text += &format!("  with  {}\n", folders.join(", "));
    }
    let create = plan.outcome == InitOutcome::Created;
    let document = PlanDocument { schema: "farm.init-plan/1", name, path: path.to_string(), create, folders, warnings };
    context.output.result(&text, &document);
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
