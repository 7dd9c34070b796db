//! What is different about a job that gets a new revision.

use super::PlannedJob;
use crate::base::render_options::RenderOptions;
use crate::base::size::Bytes;
use crate::volume::release_file::{DependencyRecord, Output, Revision, Source};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The word for the scene's own file.
const SCENE_FILE: &str = "scene file";
/// The word for the range.
const FRAMES: &str = "frames";

/// Everything that is different.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Difference {
    /// What the scene says, or is asked for beside it.
    pub changed: Vec<Changed>,
    /// What it needs.
    pub dependencies: Dependencies,
}

/// One thing that is different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// What: `scene file`, `frames`, `resolution`, …
    pub what: String,
    /// As it was.
    pub was: String,
    /// As it is now.
    pub now: String,
}

/// Files that the scene needs, by what became of them: their paths.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Dependencies {
    /// It needs them since.
    pub added: Vec<String>,
    /// It does not need them any more.
    pub removed: Vec<String>,
    /// Their bytes are others.
    pub changed: Vec<String>,
}

impl Difference {
    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        *self == Difference::default()
    }

    /// Whether it is the same scene, and everything that it needs is, whatever frames are asked of it.
    pub fn is_of_frames_alone(&self) -> bool {
        self.dependencies.is_empty() && self.changed.iter().all(|one| one.what == FRAMES)
    }

    /// What the planned job has that the revision has not, and the other way round.
    pub fn between(revision: &Revision, job: &PlannedJob) -> Difference {
        let mut changed = Vec::new();
        if revision.source.digest != job.source.digest {
            changed.push(scene_file(&revision.source, &job.source));
        }
        let mut compare = |what: &str, was: String, now: String| {
            if was != now {
                changed.push(Changed { what: what.to_owned(), was, now });
            }
        };
        let scene = |name: &Option<String>| name.clone().unwrap_or_else(|| "the active one".to_owned());
        compare(FRAMES, revision.frames.to_string(), job.frames.to_string());
        compare("scene", scene(&revision.scene), scene(&job.scene));
        let (old, new) = (&revision.output, &job.output);
        compare("resolution", resolution(old), resolution(new));
        compare("format", format(old), format(new));
        compare("frames per second", old.fps.to_string(), new.fps.to_string());
        compare("views", old.views.join(", "), new.views.join(", "));
        compare("passes", passes(old), passes(new));
        compare("view layers", old.layers.join(", "), new.layers.join(", "));
        compare("Blender version", revision.blender.clone(), job.blender.clone());
        changed.extend(options(&revision.options, &job.options));
        Difference { changed, dependencies: Dependencies::between(&revision.dependencies, &job.dependencies) }
    }
}

/// Two files of other bytes. Of two with equal bytes it says nothing which one was named.
fn scene_file(old: &Source, new: &Source) -> Changed {
    let told = |file: &Source| format!("{} ({}, saved {})", file.path, Bytes(file.size), file.modified);
    let (mut was, mut now) = (told(old), told(new));
    if was == now {
        (was, now) = (old.digest.to_string(), new.digest.to_string());
    }
    Changed { what: SCENE_FILE.to_owned(), was, now }
}

impl Dependencies {
    fn between(old: &[DependencyRecord], new: &[DependencyRecord]) -> Dependencies {
        let by_path = |records: &'_ [DependencyRecord]| -> BTreeMap<String, Option<_>> {
            records.iter().map(|record| (record.path.clone(), record.digest)).collect()
        };
        let (old, new) = (by_path(old), by_path(new));
        let mut dependencies = Dependencies::default();
        for (path, digest) in &new {
            match old.get(path) {
                None => dependencies.added.push(path.clone()),
                Some(was) if was != digest => dependencies.changed.push(path.clone()),
                Some(_) => {}
            }
        }
        dependencies.removed.extend(old.into_keys().filter(|path| !new.contains_key(path)));
        dependencies
    }

    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        *self == Dependencies::default()
    }
}

fn resolution(output: &Output) -> String {
    match output.width {
        0 => "not told".to_owned(),
        width => format!("{width}x{}", output.height),
    }
}

fn format(output: &Output) -> String {
    match &output.movie {
        Some(movie) => format!("{} for {movie}", output.format),
        None => output.format.clone(),
    }
}

fn passes(output: &Output) -> String {
    output.passes.iter().map(|pass| pass.pattern.as_str()).collect::<Vec<_>>().join(", ")
}

/// Values of the environment may be nobody's business: that they differ will do.
fn options(old: &RenderOptions, new: &RenderOptions) -> Vec<Changed> {
    let word = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
    let values = |options: &RenderOptions| {
        let samples = options.samples.map(|samples| samples.to_string());
        [options.blender.clone(), options.device.clone(), samples].map(word)
    };
    let pairs = ["blender", "device", "samples"].into_iter().zip(values(old).into_iter().zip(values(new)));
    let differ = pairs.filter(|(_, (was, now))| was != now);
    let mut changed: Vec<Changed> =
        differ.map(|(what, (was, now))| Changed { what: what.to_owned(), was, now }).collect();
    if old.environment != new.environment {
        let names = |options: &RenderOptions| options.environment.keys().cloned().collect::<Vec<_>>().join(", ");
        changed.push(Changed { what: "environment".to_owned(), was: names(old), now: names(new) });
    }
    changed
}
