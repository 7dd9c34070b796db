//! What will surprise, gathered for one job: from the scene's lints, its age, and the Blender that will render it.

use super::output::Wanted;
use super::{PackedFile, Warning};
use crate::base::counted::{counted, few};
use crate::blend::{BlenderVersion, Scene, SceneFile};
use std::cmp::Ordering;

/// How many files a warning names.
const NAMED: usize = 5;

/// The Blender that will render, where its version is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renders {
    /// This machine's.
    Here(Option<BlenderVersion>),
    /// Those of a farm's workers, by what they rendered last.
    OnWorkers(Option<BlenderVersion>),
}

/// All warnings of a job.
pub fn of(
    file: &SceneFile,
    scene: &Scene,
    wanted: &Wanted<'_>,
    renders: Renders,
    missing: &[String],
    packed: &[PackedFile],
) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = version(file.blender_version, renders).into_iter().collect();
    warnings.extend(missing_files(missing));
    warnings.extend(packed_files(packed));
    warnings.extend(wanted.warnings.iter().cloned());
    let already = |code: &str| wanted.warnings.iter().any(|warning| warning.code == code);
    let concerns = |lint: &&crate::blend::Lint| lint.scene.as_deref().is_none_or(|name| name == scene.name);
    let lints = file.lints.iter().filter(concerns).filter(|lint| !already(lint.code));
    warnings.extend(lints.map(|lint| Warning { code: lint.code.to_owned(), text: lint.sentence.clone() }));
    warnings
}

/// Nobody is there to take the job now.
pub(super) fn no_worker(tag: Option<&str>) -> Warning {
    let which = tag.map(|tag| format!(" with the tag {tag}")).unwrap_or_default();
    let text = format!("no worker{which} that renders is awake: the job waits until one is");
    Warning { code: "no-worker".to_owned(), text }
}

/// A newer scene crashes an older Blender, or looks different in it.
fn version(scene: BlenderVersion, renders: Renders) -> Option<Warning> {
    let warning = |code: &str, text: String| Some(Warning { code: code.to_owned(), text });
    let (other, whose) = match renders {
        Renders::Here(None) => {
            let text = "no Blender was found on this machine, so its version cannot be compared with the scene's";
            return warning("no-blender", text.into());
        }
        // They have not rendered yet: nothing is known against it.
        Renders::OnWorkers(None) => return None,
        Renders::Here(Some(here)) => (here, "here"),
        Renders::OnWorkers(Some(theirs)) => (theirs, "the workers rendered with last"),
    };
    match scene.cmp(&other) {
        Ordering::Greater => warning(
            "newer-scene",
            format!(
                "saved by Blender {scene}, which is newer than the {other} {whose}: an older Blender may crash on it"
            ),
        ),
        Ordering::Less => warning(
            "older-scene",
            format!("saved by Blender {scene}, will be rendered by {other}: it may look different"),
        ),
        Ordering::Equal => None,
    }
}

fn packed_files(packed: &[PackedFile]) -> Option<Warning> {
    let word = |file: &PackedFile| format!("{} {} ({}: {})", file.kind, file.path, file.field, file.cause);
    let words: Vec<String> = packed.iter().map(word).collect();
    (!words.is_empty()).then(|| Warning {
        code: "packed-by-blender".into(),
        text: format!("Blender will pack {} into the copy: {}", counted(words.len(), "file"), few(&words, NAMED, "")),
    })
}

/// Scenes of the file that this job leaves out.
pub fn other_scenes(file: &SceneFile, scene: &Scene) -> Option<Warning> {
    let others: Vec<&str> =
        file.scenes.iter().map(|other| other.name.as_str()).filter(|name| *name != scene.name).collect();
    let text = format!(
        "renders scene {:?}; the file has {} too (--scene NAME, or --scene all)",
        scene.name,
        others.join(", ")
    );
    (!others.is_empty()).then(|| Warning { code: "other-scenes".into(), text })
}

fn missing_files(missing: &[String]) -> Option<Warning> {
    if missing.is_empty() {
        return None;
    }
    Some(Warning {
        code: "missing-files".into(),
        text: format!("renders without {}: {}", counted(missing.len(), "file"), few(missing, NAMED, "")),
    })
}
