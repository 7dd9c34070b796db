//! `farm setup`

mod choice;
mod find;

use crate::base::error::{Class, Failure};
use crate::cli::args::manager_setup::{SetupCommand, SetupManagerArgs};
use crate::cli::exit;
use crate::cli::needs::{Context, flamenco};
use crate::cli::settings::ManagerChoice;
use crate::manager::compile::farm_type::{self, LABEL, SCRIPT};
use crate::manager::{FarmType, Manager};
use crate::ops::setup::{self, Build, Installed, Placed, Script, Scripts};
use serde::Serialize;
use std::path::Path;

/// Sets something up.
pub fn run(command: SetupCommand, context: &Context) -> Result<u8, Failure> {
    match command {
        SetupCommand::Manager(args) => manager(&args, context),
        SetupCommand::Find(args) => find::find(&args, context),
    }
}

#[derive(Serialize)]
struct ManagerDocument<'a> {
    schema: &'static str,
    script: Option<String>,
    job_type: &'static str,
    binaries: Vec<BinaryView<'a>>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct BinaryView<'a> {
    platform: &'a str,
    path: &'a str,
}

/// Installs what was asked for, then looks whether the Manager serves it.
fn manager(args: &SetupManagerArgs, context: &Context) -> Result<u8, Failure> {
    if args.print {
        context.output.data(SCRIPT);
        return Ok(exit::DONE);
    }
    let builds = builds(&args.binary)?;
    let (volume, settings) = context.volume()?;
    let ManagerChoice::Flamenco(url) = &settings.manager else {
        return Err(Failure::new(Class::Usage, "the local queue needs no set-up")
            .with_hint("Name a Flamenco Manager with --manager URL; `farm setup find` looks for one."));
    };
    // Asked first: nothing is put anywhere for a Manager that is not there.
    let client = flamenco(url, &settings)?;
    client.version()?;
    let before = client.farm_type()?;
    let scripts = args.scripts.as_deref().map(setup::write_script).transpose()?;
    let installed = builds.iter().map(|build| setup::install(&volume, build)).collect::<Result<Vec<_>, _>>()?;
    // Another client: one remembers what it was told before.
    let served = flamenco(url, &settings)?.farm_type()?;
    let was_served = scripts.is_some() && before == FarmType::Current && served == FarmType::Current;
    let notes = notes(scripts.as_ref(), &served, was_served, &installed);
    let text = text(scripts.as_ref(), &served, was_served, &installed, &notes);
    let document = ManagerDocument {
        schema: "farm.setup-manager/1",
        script: scripts.as_ref().map(|scripts| scripts.path.display().to_string()),
        job_type: word(&served),
        binaries: installed.iter().map(|one| BinaryView { platform: &one.platform, path: one.path.as_str() }).collect(),
        notes: &notes,
    };
    context.output.result(&text, &document);
    Ok(if served == FarmType::Current { exit::DONE } else { exit::code(Class::Found) })
}

/// The builds that were named, and this one where none was named for its platform: one for each.
fn builds(named: &[String]) -> Result<Vec<Build>, Failure> {
    let mut builds: Vec<Build> = Vec::new();
    for text in named {
        let build = build(text)?;
        if builds.iter().any(|other| other.platform == build.platform) {
            let words = format!("--binary names two files for {}", build.platform);
            return Err(Failure::new(Class::Usage, words).with_hint("Name one."));
        }
        builds.push(build);
    }
    if !builds.iter().any(|build| build.platform == setup::this_platform()) {
        builds.insert(0, Build::own()?);
    }
    Ok(builds)
}

fn build(text: &str) -> Result<Build, Failure> {
    match text.split_once('=') {
        Some((platform, file)) if !platform.is_empty() && !file.is_empty() => {
            Build::of(platform, Path::new(file)).map_err(|failure| failure.context("--binary"))
        }
        _ => Err(Failure::new(Class::Usage, format!("--binary {text:?} names no platform and file"))
            .with_hint("Write it as linux-aarch64=FILE.")),
    }
}

fn word(served: &FarmType) -> &'static str {
    match served {
        FarmType::Current => "current",
        FarmType::Absent => "absent",
        FarmType::Other(_) => "other",
    }
}

fn text(
    scripts: Option<&Scripts>,
    served: &FarmType,
    was_served: bool,
    installed: &[Installed],
    notes: &[String],
) -> String {
    let mut lines = Vec::new();
    if let Some(Scripts { path, script, .. }) = scripts {
        let what = match script {
            Script::Written => "wrote",
            Script::Replaced => "replaced another copy of",
            Script::Same => "found this very edition of",
        };
        lines.push(format!("{what} {}", path.display()));
    }
    for one in installed {
        let what = match one.placed {
            Placed::New => "was put there".to_owned(),
            Placed::Same => "is there already".to_owned(),
            Placed::InPlaceOf(digest) => {
                format!("was put there in place of another build (SHA-256 {})", digest.short())
            }
        };
        lines.push(format!("{}: farm for {} {what}", one.path, one.platform));
    }
    lines.push(match served {
        FarmType::Current if was_served => "the Manager serves farm's job type, and did so before this".to_owned(),
        FarmType::Current => "the Manager serves farm's job type".to_owned(),
        FarmType::Absent => "the Manager does not serve farm's job type yet".to_owned(),
        FarmType::Other(label) => format!("the Manager serves another edition of farm's job type, {label:?}"),
    });
    lines.extend(notes.iter().map(|note| format!("next: {note}")));
    lines.join("\n") + "\n"
}

/// What is left for a person to do. `was_served`: whether the job type was there before any script was written.
fn notes(scripts: Option<&Scripts>, served: &FarmType, was_served: bool, installed: &[Installed]) -> Vec<String> {
    let mut notes = Vec::new();
    match (scripts, served) {
        (Some(Scripts { path, .. }), FarmType::Current) if was_served => notes.push(format!(
            "see that the folder of {} lies beside the Manager's program: the job type was served before, and farm cannot \
             tell whether from this file",
            path.display()
        )),
        (_, FarmType::Current) => {}
        (_, FarmType::Other(label)) if farm_type::edition(label) > farm_type::edition(LABEL) => {
            notes.push("update farm here: a newer one set this Manager up".to_owned());
        }
        (Some(Scripts { new_folder: true, .. }), _) => notes.push(
            "start the Manager anew: it looks for the folder scripts/ only when it starts, and the folder is new".to_owned(),
        ),
        (Some(_), _) => notes.push(
            "start the Manager anew (up to 3.6 it reads scripts only then), and see that the folder lies beside its program"
                .to_owned(),
        ),
        (None, _) => notes.push(
            "run this on the Manager's machine with --scripts DIR, DIR being the folder scripts/ beside its program; or put \
             the output of `farm setup manager --print` there as farm.js"
                .to_owned(),
        ),
    }
    for one in installed.iter().filter(|one| one.is_dynamic) {
        notes.push(format!(
            "farm for {} needs the libraries of a system like this one; for others put a static build there with --binary",
            one.platform
        ));
    }
    notes
}
