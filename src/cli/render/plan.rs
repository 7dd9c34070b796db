//! A plan and its report, for people.

use super::table::Table;
use crate::base::counted::{agree, counted, frames_named};
use crate::base::render_options::RenderOptions;
use crate::base::size::{Bytes, told_apart};
use crate::ops::follow::{Awaited, Followed};
use crate::ops::plan::apply::PlanReport;
use crate::ops::plan::refusal::first;
use crate::ops::plan::{JobVerdict, PlannedJob, ReleasePlan, WaitingJob};
use crate::volume::release_file::Output;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The plan: a table of jobs, what is copied, and every warning under its job's name.
pub fn human(plan: &ReleasePlan, free: Option<Bytes>) -> String {
    let mut table = Table::new(&["JOB", "FRAMES", "SIZE", "FORMAT", "TASKS", "SAVED BY", "SAVED", ""]);
    for job in &plan.jobs {
        table.row(&[
            &job.reference.to_string(),
            &format!("{} ({})", job.frames, job.frames.len()),
            &size(&job.output),
            &job.output.format,
            &tasks(job),
            &format!("Blender {}", job.blender),
            &job.saved.to_string(),
            &verdict(job),
        ]);
    }
    let mut text = table.to_string();
    for job in &plan.jobs {
        for warning in &job.warnings {
            let _infallible = writeln!(text, "warning: {}: {}", job.reference, warning.text);
        }
    }
    for left in &plan.left_out {
        let _infallible = writeln!(text, "left out: {}: {}", left.path, left.reason);
    }
    for repair in &plan.repairs {
        let _infallible = writeln!(text, "{} {}: it is copied again", repair.path, repair.damage);
    }
    text + &beyond_the_scene(plan) + &summary(plan, free)
}

/// What jobs are submitted with beyond what their scenes say: a line for all that are asked the same.
fn beyond_the_scene(plan: &ReleasePlan) -> String {
    let mut alike: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for job in plan.jobs.iter().filter(|job| job.verdict != JobVerdict::Unchanged) {
        alike.entry(asked(job).join(", ")).or_default().push(job.reference.to_string());
    }
    alike.remove("");
    alike.iter().map(|(words, jobs)| format!("{}: {words}\n", first(jobs, NAMED, ", "))).collect()
}

/// Values of the environment may be nobody's business: its names will do.
fn asked(job: &PlannedJob) -> Vec<String> {
    let RenderOptions { blender, device, samples, environment } = &job.options;
    let mut words = Vec::new();
    words.extend(blender.as_ref().map(|blender| format!("rendered by {blender}")));
    words.extend(device.as_ref().map(|device| format!("rendered on {device}")));
    words.extend(samples.map(|samples| format!("{} per pixel", counted(samples, "sample"))));
    if !environment.is_empty() {
        let names: Vec<&str> = environment.keys().map(String::as_str).collect();
        words.push(format!("with {} set", names.join(", ")));
    }
    words.extend(job.tag.as_ref().map(|tag| format!("only by workers with the tag {tag}")));
    if job.paused {
        words.push("paused until somebody starts it".to_owned());
    }
    words
}

/// Width and height; `?` where the scene does not tell them.
fn size(output: &Output) -> String {
    if output.width == 0 { "?".to_owned() } else { format!("{}x{}", output.width, output.height) }
}

/// The tasks that are submitted now.
fn tasks(job: &PlannedJob) -> String {
    if job.tasks == 0 { "-".to_owned() } else { format!("{} x {}", job.tasks, job.chunk) }
}

fn verdict(job: &PlannedJob) -> String {
    match &job.verdict {
        JobVerdict::New => "new".to_owned(),
        JobVerdict::Unchanged if !job.waiting.is_empty() => "there already, not submitted yet".to_owned(),
        JobVerdict::Unchanged => "there already".to_owned(),
        JobVerdict::MoreFrames(more) => counted(more.len(), "more frame"),
        JobVerdict::Revised(revised) => format!("revision {}", revised.number),
    }
}

fn summary(plan: &ReleasePlan, free: Option<Bytes>) -> String {
    let to_render = match plan.frames_now() {
        // What is missing is found out when it is carried out.
        0 => format!("no new frames for {}; what is missing of those that are there is submitted again", plan.manager),
        frames => format!("{} to render on {}", counted(frames, "frame"), plan.manager),
    };
    let free = free.map(|bytes| format!(" of {bytes} free")).unwrap_or_default();
    let chunk = chunk_lines(plan);
    let beside: String = plan.waiting.iter().map(beside).collect();
    format!(
        "{}, {to_render}; {} copied with them; about {}{free}\n{chunk}{beside}",
        counted(plan.jobs.len(), "job"),
        counted(plan.copies.len(), "file"),
        Bytes(plan.bytes_now()),
    )
}

fn beside(job: &WaitingJob) -> String {
    format!(
        "also submitted, of an earlier command that did not come to it: {}, {}\n",
        job.reference,
        frames_named(&job.frames)
    )
}

/// What to say where the frames, as estimated, do not fit; copies that do not fit are refused.
pub fn too_little_space(plan: &ReleasePlan, free: Bytes) -> Option<String> {
    let need = plan.bytes_now();
    (need > free.0).then(|| {
        let (need, free) = told_apart(Bytes(need), free);
        format!("about {need} are needed, scenes and frames together, and {free} are free: the frames may not fit")
    })
}

/// A line for each reason: jobs of unequal length are cut differently for the same one, and the table has each.
fn chunk_lines(plan: &ReleasePlan) -> String {
    let mut sizes: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for job in plan.jobs.iter().filter(|job| job.verdict != JobVerdict::Unchanged) {
        let (least, most) = sizes.entry(&job.chunk_reason).or_insert((job.chunk, job.chunk));
        (*least, *most) = (job.chunk.min(*least), job.chunk.max(*most));
    }
    let line = |(reason, size): (&&str, &(u32, u32))| match size {
        (least, most) if least == most => format!("frames per task: {most} ({reason})\n"),
        (least, most) => format!("frames per task: {least} to {most} ({reason})\n"),
    };
    sizes.iter().map(line).collect()
}

/// How many jobs a report names.
const NAMED: usize = 5;

/// The question before the plan is carried out.
pub fn question(plan: &ReleasePlan) -> String {
    match plan.jobs_now() {
        0 => format!("Submit to {} what is missing of {}?", plan.manager, counted(plan.jobs.len(), "job")),
        count => format!("Submit {} to {}?", counted(count, "job"), plan.manager),
    }
}

/// What applying the plan did. Where it went on with what an earlier command began, only this tells which jobs were
/// submitted now: then none is left out.
pub fn applied(plan: &ReleasePlan, report: &PlanReport) -> String {
    if report.submitted.is_empty() {
        return format!("{}: every frame was submitted before", report.release);
    }
    let jobs: Vec<String> = report.submitted.iter().map(|(job, id)| format!("{job} as {id}")).collect();
    match jobs.len() {
        count if count > NAMED && plan.goes_on() => format!("submitted {count} jobs:\n  {}", jobs.join("\n  ")),
        count if count > NAMED => format!("submitted {count} jobs: {}", first(&jobs, NAMED, ", ")),
        _ => format!("submitted {}", jobs.join(", ")),
    }
}

/// Jobs whose frames are all there, but for those that nobody asked for.
pub fn rendered(awaited: &Awaited<'_>, outcome: &Followed) -> String {
    let Followed { frames, left_missing, .. } = outcome;
    let suspect = match frames.suspect {
        0 => String::new(),
        n => format!(", {n} of them suspect"),
    };
    let all = match (frames.expected, left_missing.is_empty()) {
        (1, true) => "its one frame is".to_owned(),
        (count, true) => format!("all {count} frames are"),
        (1, false) => "the one frame that was asked for is".to_owned(),
        (count, false) => format!("the {count} frames that were asked for are"),
    };
    let next = match (left_missing.first(), awaited.home.release()) {
        (Some((job, left)), _) => {
            let (frames, stays) = (frames_named(left), agree(left.len(), "stays", "stay"));
            format!(
                "; {frames} of {job} {stays} missing: `farm retry {job}` renders {}",
                agree(left.len(), "it", "them")
            )
        }
        (None, Some(release)) => {
            format!("; collect {} with `farm harvest release {release}`", agree(frames.expected, "it", "them"))
        }
        (None, None) => String::new(),
    };
    format!("{awaited}: {all} rendered{suspect}{next}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::VolumeId;
    use crate::ops::plan::{PlanRequest, PlannedCopy, SCHEMA, Update};

    #[test]
    fn what_does_not_fit_is_told() {
        let release: crate::base::name::Home = "r1".parse().expect("a name");
        let copy = PlannedCopy {
            from: "/film/wood.png".into(),
            to: crate::base::rel_path::RelPath::new("releases/r1/store/deps/7/wood.png").expect("a path"),
            size: 5000,
            digest: crate::base::digest::Digest::of(b""),
            edits: Vec::new(),
        };
        let plan = ReleasePlan {
            schema: SCHEMA.into(),
            release: release.clone(),
            volume: VolumeId::random(),
            manager: "local".into(),
            jobs: Vec::new(),
            copies: vec![copy],
            repairs: Vec::new(),
            left_out: Vec::new(),
            waiting: Vec::new(),
            request: PlanRequest {
                release,
                jobs: Vec::new(),
                job_name_template: "{file}".into(),
                update: Update::Refuse,
            },
        };
        assert_eq!(too_little_space(&plan, Bytes(5000)), None);
        assert!(too_little_space(&plan, Bytes(4999)).is_some_and(|words| words.contains("may not fit")));
    }
}
