//! Why a plan is refused, each with what to do next.

use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::name::JobRef;
use crate::blend::SceneFile;
use std::path::Path;

/// How many things a message names before it only counts.
const NAMED: usize = 8;

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

/// There must be frames, and none of them negative: no job type of Flamenco renders those.
pub fn check_frames(file: &Path, frames: &FrameSet) -> Result<(), Failure> {
    let wrong = match frames.first() {
        None => "it has no frames: its range ends before it begins".to_owned(),
        Some(first) if first < 0 => {
            format!("frame {first} is negative, and negative frames cannot be rendered by a queue")
        }
        Some(_) => return Ok(()),
    };
    Err(Failure::new(Class::Usage, format!("{}: {wrong}", file.display()))
        .with_hint("Say which frames with --frames 1-100."))
}

/// Files that a job needs are not there.
pub fn missing_files(job: &JobRef, missing: &[String]) -> Failure {
    Failure::new(Class::Refused, format!("{job} needs {} file(s) that are missing: {}", missing.len(), some(missing)))
        .with_hint("Put them where the scene looks for them, or say --allow-missing to render without them.")
}

/// A folder that a job needs cannot be listed.
pub fn unreadable_folder(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Class::Failed, format!("{}: {error}", folder.display()))
        .with_hint("Make the folder readable, or move it away if the scene does not need it.")
}

/// A path does not fit into its field once it is rewritten.
pub fn does_not_fit(cause: &crate::blend::Cause) -> Failure {
    Failure::new(Class::Refused, format!("a stored path cannot be rewritten: {cause}"))
        .with_hint("Give the file a shorter name, or pack it into the scene in Blender.")
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

fn some(things: &[String]) -> String {
    let named = things.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match things.len().checked_sub(NAMED) {
        Some(more) if more > 0 => format!("{named} and {more} more"),
        _ => named,
    }
}
