//! Why a plan is refused, each with what to do next.

use super::obstacle::Obstacle;
use super::request::{Packing, PlanRequest};
use crate::base::counted::{agree, counted};
use crate::base::error::{Class, Explain, Failure};
use crate::base::frame_set::{FrameSet, LAST_FRAME};
use crate::base::name::JobRef;
use crate::blend::{BlenderVersion, Cause, SceneFile};
use crate::ops::renderer::RendererError;
use std::path::Path;

/// How many things a message names before it only counts.
const NAMED: usize = 8;
/// The same for files, of which each has a path and a cause.
const FILES: usize = 5;

/// Only .blend files can be submitted; .rib files are read by `farm inspect`.
pub fn check_kind(file: &Path) -> Result<(), Failure> {
    let is_rib = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("rib"));
    if is_rib {
        return Err(Failure::new(
            Class::Refused,
            format!("{}: this version of farm cannot submit .rib files", file.display()),
        )
        .with_hint("Plan .blend files; `farm inspect` shows what a .rib file says."));
    }
    Ok(())
}

/// The local queue has no tags and one Blender.
pub fn check_queue(manager: &str, request: &PlanRequest) -> Result<(), Failure> {
    if manager != "local" {
        return Ok(());
    }
    let refuse = |words: String, hint: &str| Err(Failure::new(Class::Refused, words).with_hint(hint));
    if let Some(tag) = request.jobs.iter().find_map(|job| job.tag.as_ref()) {
        return refuse(
            format!("workers of the local queue have no tags: a job for tag {tag:?} would wait for ever"),
            "Leave the tag out, or name a Flamenco Manager with --manager.",
        );
    }
    if let Some(blender) = request.jobs.iter().find_map(|job| job.options.blender.as_ref()) {
        return refuse(
            format!("the local queue renders with the one Blender of this machine, and knows no {blender}"),
            "Name the program with FARM_BLENDER=/path/to/blender, or a Flamenco Manager with --manager.",
        );
    }
    Ok(())
}

/// Blender renders nothing without a camera, save what comes from the sequencer or from the compositor alone.
pub fn check_cameras(without: &[String]) -> Result<(), Failure> {
    if without.is_empty() {
        return Ok(());
    }
    let verb = if without.len() == 1 { "has" } else { "have" };
    Err(Failure::new(Class::Refused, format!("{} {verb} no camera, and Blender cannot render that", some(without)))
        .with_hint(
            "Make a camera the scene's own in Blender (Scene properties > Camera) and save, choose another scene of the \
             file with --scene, or leave the file out; a library comes along with the scenes that link it.",
        ))
}

/// Scenes cannot be read: all of them in one message.
pub fn unreadable(failures: Vec<Failure>, of: usize) -> Failure {
    let class = |wanted| failures.iter().any(|failure| failure.class() == wanted);
    let worst = [Class::Failed, Class::Usage].into_iter().find(|wanted| class(*wanted));
    let worst = worst.or_else(|| failures.first().map(Failure::class)).unwrap_or(Class::Failed);
    let words: Vec<String> = failures.iter().map(Failure::message).collect();
    match (failures.len(), failures.into_iter().next()) {
        (1, Some(only)) => only,
        (count, _) => {
            Failure::new(worst, format!("{count} of {of} files cannot be planned: {}", first(&words, FILES, "; ")))
                .with_hint(
                    "Mend them, or name only the files that are whole; `farm inspect` shows what is wrong with each.",
                )
        }
    }
}

/// There must be frames, and none that Blender does not know.
pub fn check_frames(file: &Path, frames: &FrameSet) -> Result<(), Failure> {
    let wrong = match frames.first() {
        None => "it has no frames: its range ends before it begins".to_owned(),
        Some(_) if frames.last().is_some_and(|last| last > LAST_FRAME) => {
            format!("Blender renders no frame above {LAST_FRAME}")
        }
        Some(_) => return Ok(()),
    };
    Err(Failure::new(Class::Usage, format!("{}: {wrong}", file.display()))
        .with_hint("Say which frames with --frames 1-100."))
}

/// Flamenco's built-in job type names frames as the scene says, up to 3.8; farm's own switches extensions on.
pub fn no_extensions(job: &JobRef) -> Failure {
    let words = format!("{job}: file extensions are switched off in the scene, and Flamenco may render by that");
    Failure::new(Class::Refused, words).with_hint(
        "Switch File Extensions on in Blender (Output properties > Output) and save. Jobs of farm's own type, such as those with \
         --samples, need that not.",
    )
}

/// Files that a job needs are not there.
pub fn missing_files(job: &JobRef, missing: &[String]) -> Failure {
    Failure::new(
        Class::Refused,
        format!(
            "{job} needs {} that {} missing: {}",
            counted(missing.len(), "file"),
            agree(missing.len(), "is", "are"),
            some(missing)
        ),
    )
    .with_hint(match missing.len() {
        1 => "Put it where the scene looks for it, or say --allow-missing to render without it.",
        _ => "Put them where the scene looks for them, or say --allow-missing to render without them.",
    })
}

/// A folder that a job needs cannot be listed.
pub fn unreadable_folder(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Class::Failed, format!("{}: {error}", folder.display()))
        .with_hint("Make the folder readable, or move it away if the scene does not need it.")
}

/// Files that a job needs cannot be taken along.
pub fn left_behind(job: &JobRef, left: &[Obstacle<'_>], packing: Packing) -> Failure {
    let words: Vec<String> = left.iter().map(ToString::to_string).collect();
    let hint = match packing {
        Packing::Never => {
            "Rename them, let Blender pack them into the copy with --pack, or say --allow-missing to render without them."
        }
        Packing::WhereNeeded => {
            "Blender cannot pack these: rename or move them, or say --allow-missing to render without them."
        }
    };
    Failure::new(
        Class::Refused,
        format!("{job} needs {} that cannot be taken along: {}", counted(words.len(), "file"), some(&words)),
    )
    .with_hint(hint)
}

/// The folder of a File Output node does not fit into its field once it is rewritten.
pub fn output_does_not_fit(job: &JobRef, cause: &Cause) -> Failure {
    Failure::new(Class::Refused, format!("{job}: the folder of a File Output node cannot be rewritten: {cause}"))
        .with_hint("Give the node's files a shorter name, or the job.")
}

/// There is no Blender that could pack.
pub fn no_packer(job: &JobRef, error: &RendererError) -> Failure {
    let failure = Failure::new(Class::Refused, format!("Blender has to pack files into {job}, but {error}"));
    match error.hint() {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

/// Blender left outside what it should have packed.
pub fn not_packed(job: &JobRef, left: &[&Obstacle<'_>]) -> Failure {
    let words: Vec<String> = left.iter().map(ToString::to_string).collect();
    Failure::new(
        Class::Refused,
        format!("Blender did not pack {} into {job}: {}", counted(words.len(), "file"), some(&words)),
    )
    .with_hint("Pack them in Blender and save the scene, rename them, or say --allow-missing without --pack.")
}

/// Saving with an older Blender drops what it does not know.
pub fn too_old_to_pack(job: &JobRef, scene: BlenderVersion, here: BlenderVersion) -> Failure {
    Failure::new(
        Class::Refused,
        format!("Blender has to pack files into {job}, but Blender {here} would damage a scene of Blender {scene}"),
    )
    .with_hint("Name a Blender of that version or a newer one with FARM_BLENDER=/path/to/blender.")
}

/// A scene whose path cannot be written down.
pub fn check_path(file: &Path) -> Result<(), Failure> {
    match file.to_str() {
        Some(_) => Ok(()),
        None => Err(Failure::new(Class::Refused, format!("{}: its path is not UTF-8", file.display()))
            .with_hint("Rename the file, or the folder that has the odd name.")),
    }
}

/// The file has no scene of this name.
pub fn no_such_scene(file: &SceneFile, name: &str) -> Failure {
    let names: Vec<String> = file.scenes.iter().map(|scene| format!("{:?}", scene.name)).collect();
    Failure::new(Class::Usage, format!("{}: there is no scene {name:?} in it", file.path.display()))
        .with_hint(format!("Its scenes are {}.", some(&names)))
}

/// The file has no scene at all: a library of objects.
pub fn no_scene(file: &SceneFile) -> Failure {
    Failure::new(Class::Usage, format!("{}: there is no scene in it", file.path.display()))
        .with_hint("Name the file that is rendered, not a library that it links.")
}

/// The first few things, and how many more there are.
pub(super) fn some(things: &[String]) -> String {
    first(things, NAMED, ", ")
}

/// The first `most` things, and how many more there are.
pub fn first(things: &[String], most: usize, between: &str) -> String {
    let named = things.iter().take(most).cloned().collect::<Vec<_>>().join(between);
    match things.len().saturating_sub(most) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
