//! `--from plan.yaml`: a release and its jobs as a document.

use super::request::{Asked, Chunk, JobRequest, Missing, Packing, PlanRequest, SceneChoice, Update};
use crate::base::error::{Class, Explain};
use crate::base::frame_set::FrameSet;
use crate::base::name::ReleaseName;
use crate::base::render_options::{RenderOptions, blender_variable, device, variable};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    release: ReleaseName,
    #[serde(default)]
    job_name_template: Option<String>,
    #[serde(default)]
    defaults: Options,
    jobs: Vec<Job>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Job {
    scene: PathBuf,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    frames: Option<Text>,
    #[serde(default)]
    chunk: Option<Text>,
    #[serde(default)]
    priority: Option<u8>,
    #[serde(default)]
    tag: Option<String>,
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    blender_scene: Option<String>,
    #[serde(default)]
    allow_missing: Option<bool>,
    #[serde(default)]
    pack: Option<bool>,
    #[serde(default)]
    paused: Option<bool>,
    #[serde(default)]
    blender: Option<Text>,
    #[serde(default)]
    device: Option<String>,
    #[serde(default)]
    samples: Option<u32>,
    #[serde(default)]
    env: BTreeMap<String, Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    frames: Option<Text>,
    chunk: Option<Text>,
    priority: Option<u8>,
    tag: Option<String>,
    format: Option<String>,
    blender_scene: Option<String>,
    allow_missing: Option<bool>,
    pack: Option<bool>,
    paused: Option<bool>,
    blender: Option<Text>,
    device: Option<String>,
    samples: Option<u32>,
    env: BTreeMap<String, Text>,
}

/// `frames: 7` and `blender: 4.2` are numbers in YAML, `frames: 1-3` is a text.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Text {
    Number(i64),
    Fraction(f64),
    Words(String),
}

impl Text {
    fn text(&self) -> String {
        match self {
            Text::Number(n) => n.to_string(),
            Text::Fraction(n) => n.to_string(),
            Text::Words(words) => words.clone(),
        }
    }
}

/// A plan file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {cause}")]
pub struct PlanFileError {
    /// The file.
    pub path: PathBuf,
    /// Where and why.
    pub cause: String,
}

impl Explain for PlanFileError {
    fn class(&self) -> Class {
        Class::Usage
    }
    fn hint(&self) -> Option<String> {
        Some("Mend the file; examples/plan.yaml shows every key.".into())
    }
}

/// Reads the text of the plan file at `path`. Relative scenes are relative to the file. `fallback` fills what neither
/// job nor defaults say.
pub fn parse(
    text: &str,
    path: &Path,
    fallback: &JobRequest,
    template: &str,
    update: Update,
) -> Result<PlanRequest, PlanFileError> {
    let fail = |cause: String| PlanFileError { path: path.to_owned(), cause };
    let document: Document = serde_yaml::from_str(text).map_err(|error| fail(error.to_string()))?;
    if document.jobs.is_empty() {
        return Err(fail("it has no jobs".into()));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let jobs = document.jobs.iter().map(|job| request(job, &document.defaults, fallback, folder));
    Ok(PlanRequest {
        release: document.release.clone().into(),
        jobs: jobs.collect::<Result<_, _>>().map_err(fail)?,
        job_name_template: document.job_name_template.clone().unwrap_or_else(|| template.to_owned()),
        update,
    })
}

/// What is asked of the renderer; the job's own words before those for all jobs.
fn options(job: &Job, defaults: &Options, fallback: &RenderOptions) -> Result<RenderOptions, String> {
    let blender = job.blender.as_ref().or(defaults.blender.as_ref()).map(|text| blender_variable(&text.text()));
    let word = job.device.as_ref().or(defaults.device.as_ref()).map(|word| device(word));
    let mut environment = fallback.environment.clone();
    for (name, value) in defaults.env.iter().chain(&job.env) {
        environment.extend([variable(name, &value.text())?]);
    }
    Ok(RenderOptions {
        blender: blender.transpose()?.or_else(|| fallback.blender.clone()),
        device: word.transpose()?.or_else(|| fallback.device.clone()),
        samples: job.samples.or(defaults.samples).or(fallback.samples),
        environment,
    })
}

fn request(job: &Job, defaults: &Options, fallback: &JobRequest, folder: &Path) -> Result<JobRequest, String> {
    let frames = job.frames.as_ref().or(defaults.frames.as_ref());
    let frames = frames.map(|text| text.text().parse::<FrameSet>()).transpose().map_err(|error| error.to_string())?;
    let chunk = job.chunk.as_ref().or(defaults.chunk.as_ref()).map(chunk).transpose()?;
    let asked_priority = job.priority.or(defaults.priority);
    let priority = asked_priority.unwrap_or(fallback.priority);
    if priority > 100 {
        return Err(format!("priority {priority} is not from 0 to 100"));
    }
    let scene = job.blender_scene.as_ref().or(defaults.blender_scene.as_ref()).map(|word| scene(word));
    let missing = job.allow_missing.or(defaults.allow_missing);
    let pack = job.pack.or(defaults.pack);
    Ok(JobRequest {
        options: options(job, defaults, &fallback.options)?,
        file: folder.join(&job.scene),
        name: job.name.clone(),
        frames: frames.or_else(|| fallback.frames.clone()),
        chunk: chunk.unwrap_or(fallback.chunk),
        priority,
        tag: job.tag.clone().or_else(|| defaults.tag.clone()).or_else(|| fallback.tag.clone()),
        format: job.format.clone().or_else(|| defaults.format.clone()).or_else(|| fallback.format.clone()),
        scene: scene.unwrap_or_else(|| fallback.scene.clone()),
        missing: missing.map_or(fallback.missing, |allow| if allow { Missing::Allow } else { Missing::Refuse }),
        packing: pack.map_or(fallback.packing, |pack| if pack { Packing::WhereNeeded } else { Packing::Never }),
        paused: job.paused.or(defaults.paused).unwrap_or(fallback.paused),
        asked: Asked {
            chunk: chunk.is_some() || fallback.asked.chunk,
            priority: asked_priority.is_some() || fallback.asked.priority,
        },
        found: false,
    })
}

fn chunk(text: &Text) -> Result<Chunk, String> {
    match text {
        Text::Number(n) if *n >= 1 => Ok(Chunk::Frames(u32::try_from(*n).unwrap_or(u32::MAX))),
        Text::Words(word) if word == "auto" => Ok(Chunk::Auto),
        other => Err(format!("chunk {:?} is neither auto nor a number of frames", other.text())),
    }
}

/// `all` means a job per scene; any other word names one.
pub fn scene(word: &str) -> SceneChoice {
    if word == "all" { SceneChoice::All } else { SceneChoice::Named(word.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fallback() -> JobRequest {
        JobRequest {
            options: RenderOptions::default(),
            file: PathBuf::new(),
            name: None,
            frames: None,
            chunk: Chunk::Auto,
            priority: 50,
            tag: None,
            format: None,
            scene: SceneChoice::Active,
            missing: Missing::Refuse,
            packing: Packing::Never,
            paused: false,
            asked: Asked::default(),
            found: false,
        }
    }

    #[test]
    fn jobs_take_what_they_do_not_say_from_the_defaults() {
        let text = "release: r1\ndefaults: {frames: 1-10, priority: 70}\njobs:\n  - {scene: a.blend}\n  - {scene: /x/b.blend, frames: 7, name: B, chunk: 4}\n";
        let plan = parse(text, Path::new("/p/plan.yaml"), &fallback(), "{file}", Update::Refuse).expect("valid");
        assert_eq!(plan.jobs[0].file, Path::new("/p/a.blend"));
        assert_eq!(plan.jobs[0].frames.as_ref().map(ToString::to_string).as_deref(), Some("1-10"));
        assert_eq!((plan.jobs[1].priority, plan.jobs[1].chunk), (70, Chunk::Frames(4)));
        assert_eq!(plan.jobs[0].asked, Asked { chunk: false, priority: true });
        assert_eq!(plan.jobs[1].frames.as_ref().map(FrameSet::len), Some(1));
    }

    #[test]
    fn wrong_documents_are_named() {
        for text in [
            "",
            "release: ../x\njobs: []",
            "release: r\njobs: []",
            "release: r\njobs: [{scene: a, framez: 1}]",
            "release: r\njobs: [{scene: a, chunk: 0}]",
        ] {
            assert!(parse(text, Path::new("p.yaml"), &fallback(), "{file}", Update::Refuse).is_err(), "{text:?}");
        }
    }
}
