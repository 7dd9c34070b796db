//! The files that a job must have, and where each of them lies.

use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::name::{Home, JobRef};
use crate::base::rel_path::RelPath;
use crate::frames::expected::{self, Expected, Outputs};
use crate::ops::check::read_files::FileToRead;
use crate::ops::harvest::manifest::ManifestFile;
use crate::sys::disk::{Dir, Kind};
use crate::volume::release_file::{JobRecord, Output};
use crate::volume::{Volume, layout};
use std::collections::{BTreeMap, HashMap};

/// A job's expected files, in the order of its frames.
#[derive(Debug)]
pub struct JobFiles {
    /// `release/job`.
    pub reference: JobRef,
    /// `out/<job>/` beneath the volume.
    pub out: RelPath,
    /// `dist/<release>/`, if it is there.
    pub dist: Option<Dir>,
    /// The files.
    pub files: Vec<JobFile>,
    /// Names in the job's folders that belong to no expected file.
    pub extras: Vec<String>,
    /// How many folders are held open for the files.
    pub folders: usize,
}

/// One expected file.
#[derive(Debug)]
pub struct JobFile {
    /// Which file of which frame.
    pub expected: Expected,
    /// Where it lies.
    pub place: Place,
    /// What the manifest says of it, if it was harvested and is not out of date.
    pub harvested: Option<Box<ManifestFile>>,
}

/// Where a file lies.
#[derive(Debug)]
pub enum Place {
    /// In the job's folder.
    Out(FileToRead),
    /// Something else bears its name there.
    Odd(Kind),
    /// Not in the job's folder; in `dist/`, where it was harvested.
    Dist(FileToRead),
    /// Nowhere that farm knows of.
    Nowhere,
}

/// Finds the files of `frames` of a job: one listing per folder in `out/`; what is not there and was harvested is taken to
/// lie where `harvested`, the job's part of the manifest, says.
pub fn locate(
    volume: &Volume,
    release: &Home,
    record: &JobRecord,
    frames: &FrameSet,
    harvested: &[ManifestFile],
) -> Result<JobFiles, Failure> {
    let reference = JobRef::within(release, &record.name);
    let out = layout::out_dir(&reference);
    let expected = expected_files(&record.current().output, frames)?;
    let mut folders = Folders::list(volume, &out, &expected)?;
    let mut dist = DistFolders { root: volume.dir(&layout::dist_dir(release))?, open: HashMap::new() };
    let fresh = harvested.iter().filter(|file| !file.is_stale(Some(record)));
    let by_key: HashMap<_, _> = fresh.map(|file| ((file.frame, &file.role), file)).collect();
    let mut files = Vec::with_capacity(expected.len());
    for expected in expected {
        let harvested = by_key.get(&(expected.frame, &expected.role)).map(|file| Box::new((*file).clone()));
        let place = match (folders.take(&expected.path), &harvested) {
            (Some(place), _) => place,
            (None, Some(file)) => dist.place(&file.path)?,
            (None, None) => Place::Nowhere,
        };
        files.push(JobFile { expected, place, harvested });
    }
    let open = folders.0.len() + dist.open.len();
    Ok(JobFiles { reference, out, dist: dist.root, files, extras: folders.extras(), folders: open })
}

/// What lies in the job's folder under the names of these frames' files, whatever it is: the frame, and the path beneath the
/// volume.
pub fn in_out(
    volume: &Volume,
    release: &Home,
    record: &JobRecord,
    frames: &FrameSet,
) -> Result<Vec<(i32, RelPath)>, Failure> {
    let located = locate(volume, release, record, frames, &[])?;
    let is_there = |file: &&JobFile| matches!(file.place, Place::Out(_) | Place::Odd(_));
    let path = |file: &JobFile| Ok((file.expected.frame, located.out.join(file.expected.path.as_str())?));
    located.files.iter().filter(is_there).map(path).collect()
}

/// Where each file lies, or would lie, beneath the volume.
pub fn paths(located: &JobFiles, release: &Home) -> Result<Vec<RelPath>, Failure> {
    let dist = layout::dist_dir(release);
    let path = |file: &JobFile| match (&file.place, &file.harvested) {
        (Place::Dist(_), Some(entry)) => dist.join(entry.path.as_str()),
        _ => located.out.join(file.expected.path.as_str()),
    };
    located.files.iter().map(|file| Ok(path(file)?)).collect()
}

/// The folders of `dist/<release>/` that harvested files lie in, each opened once: a job has more files than a process may
/// open folders.
struct DistFolders {
    root: Option<Dir>,
    open: HashMap<RelPath, Option<Dir>>,
}

impl DistFolders {
    fn place(&mut self, path: &RelPath) -> Result<Place, Failure> {
        let Some(root) = &self.root else { return Ok(Place::Nowhere) };
        let (folder, name) = path.split().unwrap_or((RelPath::ROOT, ""));
        let dir = match self.open.get(&folder) {
            Some(dir) => dir.clone(),
            None => self.open.entry(folder.clone()).or_insert(root.dir(&folder)?).clone(),
        };
        Ok(dir.map_or(Place::Nowhere, |dir| Place::Dist(FileToRead { dir, name: name.to_owned() })))
    }
}

/// Every file that `frames` of a job must have, in the order of the frames: the frame or its views, then the passes.
pub fn expected_files(output: &Output, frames: &FrameSet) -> Result<Vec<Expected>, Failure> {
    let pass = |pass: &crate::volume::release_file::Pass| expected::Pass {
        node: pass.node.clone(),
        slot: pass.slot.clone(),
        view: (!pass.view.is_empty()).then(|| pass.view.clone()),
        pattern: pass.pattern.clone(),
    };
    let outputs = Outputs {
        frames: frames.clone(),
        extension: output.extension.clone(),
        views: output.views.clone(),
        passes: output.passes.iter().map(pass).collect(),
    };
    Ok(outputs.files()?)
}

/// The listings of a job's folders.
struct Folders(BTreeMap<RelPath, Option<Folder>>);

struct Folder {
    dir: Dir,
    names: HashMap<String, Kind>,
    /// Names that are no UTF-8, for people.
    odd: Vec<String>,
}

impl Folders {
    fn list(volume: &Volume, out: &RelPath, expected: &[Expected]) -> Result<Self, Failure> {
        let mut folders = BTreeMap::from([(RelPath::ROOT, list(volume, out)?)]);
        for file in expected {
            let mut path = file.path.split().map(|(folder, _)| folder);
            while let Some(folder) = path.filter(|folder| !folders.contains_key(folder)) {
                let whole = out.join(folder.as_str())?;
                folders.insert(folder.clone(), list(volume, &whole)?);
                path = folder.split().map(|(above, _)| above);
            }
        }
        Ok(Folders(folders))
    }

    /// What bears an expected name; each name is taken once.
    fn take(&mut self, path: &RelPath) -> Option<Place> {
        let (folder, name) = path.split()?;
        let folder = self.0.get_mut(&folder)?.as_mut()?;
        let place = |kind| match kind {
            Kind::File => Place::Out(FileToRead { dir: folder.dir.clone(), name: name.to_owned() }),
            kind => Place::Odd(kind),
        };
        folder.names.remove(name).map(place)
    }

    /// What is left; folders on the way to expected files are no extras.
    fn extras(&self) -> Vec<String> {
        let mut extras = Vec::new();
        for (path, folder) in &self.0 {
            let Some(folder) = folder else { continue };
            let names = folder.names.keys().filter_map(|name| path.join(name).ok());
            extras.extend(names.filter(|name| !self.0.contains_key(name)).map(|name| name.to_string()));
            extras.extend(folder.odd.iter().map(|name| format!("{path}/{name}")));
        }
        extras.sort();
        extras
    }
}

fn list(volume: &Volume, path: &RelPath) -> Result<Option<Folder>, Failure> {
    let Some(dir) = volume.dir(path)? else { return Ok(None) };
    let mut folder = Folder { names: HashMap::new(), odd: Vec::new(), dir };
    for entry in folder.dir.list()? {
        match entry.name.into_string() {
            Ok(name) => drop(folder.names.insert(name, entry.kind)),
            Err(name) => folder.odd.push(name.to_string_lossy().into_owned()),
        }
    }
    Ok(Some(folder))
}
