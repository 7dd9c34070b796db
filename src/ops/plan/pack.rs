//! Letting Blender pack files into a copy of a scene, where they cannot be taken along as files.
//!
//! Blender opens the scene at its own place, packs what the plan names and nothing else, and saves a copy into a private
//! folder on the volume. Farm reads the copy as if it lay beside the original, checks that nothing that had to be packed
//! is still outside, and rewrites the rest of its paths as those of any scene. What a killed run leaves in that folder
//! goes away with the next packing for the release, or with `farm recover`.

use super::PlannedJob;
use super::gather::Gathering;
use super::obstacle::{Libraries, Obstacle};
use super::scenes::Folders;
use super::survey::{SceneWork, Survey};
use super::{output, refusal};
use crate::base::error::{Class, Failure};
use crate::base::name::Home;
use crate::blend::{Contents, Edit, Reader, SceneFile};
use crate::ops::renderer::{self, Renderer};
use crate::sys::process::scratch::{self, Scratch};
use crate::sys::process::stray::{self, Recorded};
use crate::sys::{files, outside};
use crate::volume::{Volume, layout};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// What Blender is told to do; the values that it works with are put before it.
const SCRIPT: &str = include_str!("pack.py");

/// A scene with files packed into it, and what is still to be rewritten in it.
pub struct Packed {
    /// Where it lies.
    pub path: PathBuf,
    /// Its edits.
    pub edits: Vec<Edit>,
    /// The folder that it lies in; goes away with this value.
    _room: Scratch,
}

/// Has Blender pack what `work` names into a copy of the job's scene. The release's lock must be held.
pub fn pack(
    volume: &Volume,
    survey: &Survey,
    job: &PlannedJob,
    work: &SceneWork,
    renderer: &Renderer,
) -> Result<Packed, Failure> {
    let source = Path::new(&job.source.path);
    let room = room(volume, &survey.plan.release).map_err(|error| no_room(volume, &error))?;
    let (script, path) = (room.path().join("pack.py"), room.path().join("packed.blend"));
    let text = script_text(source, &path, &work.pack);
    files::write(&script, text.as_bytes())?;
    renderer.run_script(source, &script, room.path())?;
    let scene = read_as(&path, source, &survey.known.contents)?;
    let edits = edits(volume, survey, job, work, &scene)?;
    Ok(Packed { path, edits, _room: room })
}

/// The script with its values; bytes are spelled in hexadecimal, so that no path can say anything in Python.
fn script_text(scene: &Path, copy: &Path, files: &[PathBuf]) -> String {
    let bytes = |path: &Path| {
        let digits: String = outside::bytes_of(path).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("bytes.fromhex('{digits}')")
    };
    let files: Vec<String> = files.iter().map(|file| bytes(file)).collect();
    format!("SCENE = {}\nCOPY = {}\nFILES = [{}]\n{SCRIPT}", bytes(scene), bytes(copy), files.join(", "))
}

/// The copy, read as if it lay where the original does, for its relative paths are still the original's.
fn read_as(copy: &Path, source: &Path, contents: &Contents) -> Result<SceneFile, Failure> {
    let mut scene = Reader::new(contents).read_as(copy, source)?;
    Folders::default().list(&mut scene)?;
    Ok(scene)
}

/// What is rewritten in the packed copy, if all is in it that had to be.
fn edits(
    volume: &Volume,
    survey: &Survey,
    job: &PlannedJob,
    work: &SceneWork,
    scene: &SceneFile,
) -> Result<Vec<Edit>, Failure> {
    let root = volume.path();
    let gathering = Gathering::new(&root, &job.reference.home, &survey.known.digests, scene.dependencies.iter());
    let luggage = gathering.take(&scene.path, &job.reference);
    let left: Vec<&Obstacle<'_>> =
        luggage.obstacles.iter().filter(|obstacle| obstacle.is_packable(&scene.path, Libraries::StandAlone)).collect();
    if !left.is_empty() {
        return Err(refusal::not_packed(&job.reference, &left));
    }
    let is_planned = |to| survey.plan.copies.iter().any(|planned| &planned.to == to);
    if let Some(copy) = luggage.copies.iter().find(|copy| !is_planned(&copy.planned.to)) {
        let words =
            format!("{}: once packed it needs {}, which is not in the plan", job.reference, copy.from.display());
        return Err(
            Failure::new(Class::Failed, words).with_hint("Open the scene in Blender and save it, then plan again.")
        );
    }
    let here = scene.scenes.iter().find(|one| one.name == work.scene);
    let here = here.ok_or_else(|| {
        Failure::new(Class::Failed, format!("{}: its scene is gone from the packed copy", job.reference))
    })?;
    let wanted = output::wanted(here, Some(&job.output.format), scene.blender_version)?;
    let nodes = output::edits(&wanted, &job.reference);
    let mut edits = luggage.edits;
    edits.extend(nodes.map_err(|cause| refusal::output_does_not_fit(&job.reference, &cause))?);
    Ok(edits)
}

fn no_room(volume: &Volume, error: &io::Error) -> Failure {
    let folder = volume.path_of(&layout::packing_dir());
    Failure::new(Class::Failed, format!("{}: no place for Blender to save into: {error}", folder.display()))
        .with_hint("Check the free space and the permissions of the volume.")
}

/// A new folder for Blender, once what killed runs left for this release is gone.
fn room(volume: &Volume, release: &Home) -> io::Result<Scratch> {
    sweep(volume, release)?;
    Scratch::create(&volume.path_of(&layout::packing_dir()), release.as_str())
}

/// Ends what is left of packings for the release, processes and folders; returns the folders. Whoever calls it holds
/// the release's lock, so that none of them is at work.
pub fn sweep(volume: &Volume, release: &Home) -> io::Result<Vec<PathBuf>> {
    let base = volume.path_of(&layout::packing_dir());
    let listed = scratch::list(&base)?;
    for folder in listed.iter().filter(|folder| owner(folder).as_ref() == Some(release)) {
        stray::kill(&Recorded { mark: renderer::mark(&base.join(folder)), leader: None })?;
    }
    scratch::sweep(&base, listed, |mark| mark != release.as_str())
}

/// The release for which a folder was made.
fn owner(folder: &OsStr) -> Option<Home> {
    folder.to_str()?.rsplit_once('.')?.0.parse().ok()
}

/// The releases for which there are folders, with how many; some may be at work.
pub fn rooms(volume: &Volume) -> io::Result<BTreeMap<Home, usize>> {
    let mut rooms = BTreeMap::new();
    for folder in scratch::list(&volume.path_of(&layout::packing_dir()))? {
        if let Some(release) = owner(&folder) {
            *rooms.entry(release).or_default() += 1;
        }
    }
    Ok(rooms)
}
