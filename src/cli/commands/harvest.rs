//! `farm harvest release`

mod document;

use crate::base::error::{Class, Failure};
use crate::base::name::{Home, JobName, ReleaseName};
use crate::cli::args::harvest::{HarvestCommand, HarvestReleaseArgs};
use crate::cli::exit;
use crate::cli::needs::{Context, catch_interrupts};
use crate::cli::plan_file;
use crate::cli::render;
use crate::cli::render::progress::Progress;
use crate::cli::settings::Settings;
use crate::frames::sampling::Depth;
use crate::frames::template::Template;
use crate::ops::check::Remember;
use crate::ops::harvest::plan::{self, HarvestPlan, JobVerdict, Problem, ProblemState};
use crate::ops::harvest::request::{NamesOfOld, RenderedAgain};
use crate::ops::harvest::{Gaps, HarvestReport, HarvestRequest, JobsTaken, Keeping, Outcome, Suspects, apply, survey};
use crate::ops::harvest::{manifest, unfinished};
use crate::ops::ports::{Actor, Ports};
use crate::ops::preview::{self, Encoder, Level};
use crate::volume::lock::Lock;
use crate::volume::{Volume, layout};
use std::path::Path;

/// Harvests a release.
pub fn run(command: HarvestCommand, context: &Context) -> Result<u8, Failure> {
    let HarvestCommand::Release(args) = command;
    release(&args, context)
}

fn release(args: &HarvestReleaseArgs, context: &Context) -> Result<u8, Failure> {
    let asked = Asked::of(args, context).map_err(apply::nothing_moved)?;
    let call =
        Call { args, context, volume: &asked.volume, settings: &asked.settings, actor: context.actor(&asked.settings) };
    let ended = call.show(&call.work(&asked.request, asked.saved.as_ref())?);
    Ok(catch_interrupts()?.signal().map_or(ended, |signal| exit::code(Class::Interrupted(signal))))
}

/// What the words of the command come to, before anything is looked at.
struct Asked {
    volume: Volume,
    settings: Settings,
    request: HarvestRequest,
    saved: Option<HarvestPlan>,
}

impl Asked {
    fn of(args: &HarvestReleaseArgs, context: &Context) -> Result<Self, Failure> {
        // Wrong words are refused before anything is opened.
        let named: Option<ReleaseName> = args.release.as_deref().map(str::parse).transpose()?;
        let named = named.map(Home::Release);
        let early = named.clone().map(|release| request_of(release, args, None)).transpose()?;
        let saved: Option<HarvestPlan> =
            args.change.apply.as_deref().map(|file| plan_file::read(file, plan::SCHEMA)).transpose()?;
        if let (Some(saved), Some(named)) = (&saved, &named)
            && saved.request.release != *named
        {
            let other = format!("the plan is for release {}, not {named}", saved.request.release);
            return Err(Failure::new(Class::Usage, other).with_hint("Name the plan's own release, or none."));
        }
        let (volume, mut settings) = context.volume()?;
        settings.lock_wait = args.change.lock_wait.unwrap_or(settings.lock_wait);
        let request = match (&saved, early) {
            (Some(saved), _) => saved.request.clone(),
            (None, Some(early)) => request_of(early.release, args, settings.harvest_template.as_deref())?,
            (None, None) => return Err(Failure::new(Class::Usage, "the release's name is missing")),
        };
        Ok(Asked { volume, settings, request, saved })
    }
}

/// One call of the command, with what it works on.
struct Call<'a> {
    args: &'a HarvestReleaseArgs,
    context: &'a Context,
    volume: &'a Volume,
    settings: &'a Settings,
    actor: Actor,
}

impl Call<'_> {
    /// Surveys, and harvests unless only the plan is wanted.
    fn work(&self, request: &HarvestRequest, saved: Option<&HarvestPlan>) -> Result<HarvestReport, Failure> {
        let change = &self.args.change;
        // A harvest ends changes that were killed on their way, and these may have runs that were not sent.
        let manager = match change.dry_run || change.plan_out.is_some() {
            true => self.context.manager_to_look(self.volume, self.settings),
            false => self.context.manager(self.volume, self.settings),
        };
        let manager = manager.map_err(apply::nothing_moved)?;
        let progress = Progress::new(&self.context.output).heeding(catch_interrupts()?);
        let ports = Ports { volume: self.volume, manager: manager.as_ref(), progress: &progress, actor: &self.actor };
        let done = match (&change.plan_out, change.dry_run) {
            (None, false) => self.harvest(&ports, request, saved),
            (file, _) => self.plan(&ports, request, file.as_deref()).map_err(apply::nothing_moved),
        };
        progress.clear();
        done
    }

    /// What a harvest would do, also into a file where one is named.
    fn plan(&self, ports: &Ports<'_>, request: &HarvestRequest, file: Option<&Path>) -> Result<HarvestReport, Failure> {
        let plan = survey::survey(ports, request, Remember::Nothing)?;
        if let Some(file) = file {
            plan_file::write(file, &plan)?;
            self.context.output.say(&format!("wrote the plan to {}; nothing was moved", file.display()));
        }
        Ok(HarvestReport::planned(plan))
    }

    fn harvest(
        &self,
        ports: &Ports<'_>,
        request: &HarvestRequest,
        saved: Option<&HarvestPlan>,
    ) -> Result<HarvestReport, Failure> {
        let (mut report, lock) = apply::harvest(ports, request, saved)?;
        if !self.args.no_preview && report.outcome != Outcome::Blocked {
            self.add_previews(ports, &lock, &request.release, &mut report);
        }
        Ok(report)
    }

    /// The frames are harvested: what goes wrong from here on is a warning.
    fn add_previews(&self, ports: &Ports<'_>, lock: &Lock, release: &Home, report: &mut HarvestReport) {
        let taken = report.plan.jobs.iter().filter(|job| job.verdict == JobVerdict::Taken);
        let jobs: Vec<JobName> = taken.map(|job| job.reference.job.clone()).collect();
        let encoder = Encoder { program: self.settings.ffmpeg.clone() };
        match preview::make(ports, lock, release, &jobs, &encoder) {
            Ok(previews) => report.previews = previews,
            Err(end) if matches!(end.class(), Class::Interrupted(_)) => {
                self.context.output.warn("interrupted: not all previews were made; the next harvest makes them");
            }
            Err(failure) => self.context.output.warn(&format!("no previews: {failure}")),
        }
    }

    /// Prints the report; the value is the exit code.
    fn show(&self, report: &HarvestReport) -> u8 {
        let output = &self.context.output;
        for preview in &report.previews {
            for note in &preview.notes {
                let line = format!("{}/{}: {}", report.plan.request.release, preview.job, note.text);
                match note.level {
                    Level::Note => output.say(&line),
                    Level::Warning => output.warn(&line),
                }
            }
        }
        let is_missing = |problem: &Problem| problem.state == ProblemState::Missing;
        let release = &report.plan.request.release;
        if report.plan.problems.iter().any(is_missing) && unfinished::lacks_manifest(self.volume, release) {
            let dist = layout::dist_dir(release);
            output.warn(&format!(
                "{dist} holds files and no {}, which tells what was harvested: restore it from a backup before anything is \
                 rendered again",
                manifest::NAME
            ));
        }
        let text = || render::harvest::text(report, &self.volume.path());
        output.long_result(text, || document::Document::of(report));
        exit_code(report)
    }
}

fn exit_code(report: &HarvestReport) -> u8 {
    let outcome = if report.outcome == Outcome::Planned { report.plan.outcome() } else { report.outcome };
    match outcome {
        Outcome::Planned | Outcome::Harvested | Outcome::Verified => exit::DONE,
        Outcome::Partial => exit::code(Class::Partial),
        Outcome::Blocked => exit::code(Class::Found),
    }
}

fn request_of(release: Home, args: &HarvestReleaseArgs, configured: Option<&str>) -> Result<HarvestRequest, Failure> {
    let template = args.template.as_deref().or(configured).map(str::parse::<Template>).transpose()?;
    Ok(HarvestRequest {
        jobs: args.jobs.clone(),
        taken: if args.completed { JobsTaken::Completed } else { JobsTaken::All },
        gaps: if args.partial { Gaps::Allow } else { Gaps::Refuse },
        keeping: if args.keep { Keeping::Keep } else { Keeping::Move },
        suspects: if args.allow_suspect { Suspects::Allow } else { Suspects::Refuse },
        depth: match (args.deep, args.quick_check) {
            (true, _) => Depth::Deep,
            (false, true) => Depth::Quick,
            (false, false) => Depth::Standard,
        },
        template,
        names: if args.template.is_some() { NamesOfOld::Change } else { NamesOfOld::Stay },
        rendered_again: if args.replace { RenderedAgain::Replace } else { RenderedAgain::Refuse },
        ..HarvestRequest::of(release)
    })
}
