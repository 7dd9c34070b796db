//! Making a folder a volume.

use super::area::Area;
use super::layout;
use super::marker::{Marker, Purpose};
use super::open::{Volume, bears_marker, is_no_folder, open_folder, read_marker, refuse_forbidden, refuse_unmounted};
use super::refusal::VolumeError;
use crate::base::rel_path::RelPath;
use crate::sys::clock;
use crate::sys::disk::erase::TrashFolder;
use crate::sys::disk::{Dir, DiskError, Kind, make_root};
use crate::sys::outside;
use std::path::{Component, Path, PathBuf};

/// Folders that may lie in a new volume without a word: Flamenco's own, and what a file system puts there itself.
const EXPECTED: [&str; 3] = ["jobs", "file-store", "lost+found"];
/// The longest name of a volume, in characters.
const MAX_NAME: usize = 100;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct InitRequest<'a> {
    /// The folder; it is made where only itself is missing.
    pub path: &'a Path,
    /// The volume's name; by default the folder's.
    pub name: Option<&'a str>,
    /// What it is for.
    pub purpose: Purpose,
    /// The user's home folder, which is never a volume.
    pub home: Option<&'a Path>,
}

/// What becomes of a folder that was a volume and lost its marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// It is refused: its marker belongs back.
    Lost,
    /// It gets a new one.
    New,
}

/// What [`init`] would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitPlan {
    /// The folder, absolute.
    pub path: PathBuf,
    /// The volume's name: that of its marker, where it has one.
    pub name: String,
    /// Whether it would be new.
    pub outcome: InitOutcome,
    /// The folders that would be made below it.
    pub made: Vec<RelPath>,
    /// What else lies in the folder.
    pub foreign: Vec<String>,
}

/// Whether there was a volume before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitOutcome {
    /// There is one now.
    Created,
    /// There was one; its identity and name are unchanged.
    Already,
}

/// What was done.
#[derive(Debug)]
pub struct Initialised {
    /// The volume, open.
    pub volume: Volume,
    /// Whether it is new.
    pub outcome: InitOutcome,
    /// The folders that were made.
    pub made: Vec<RelPath>,
    /// What else lies in the folder. farm leaves it alone, and says so.
    pub foreign: Vec<String>,
}

/// Makes the folder a volume, or finds that it is one; one that lost its marker is refused.
///
/// The marker comes last: a killed run leaves a folder that is no volume yet, and the next run completes it.
pub fn init(request: &InitRequest<'_>) -> Result<Initialised, VolumeError> {
    init_as(request, Identity::Lost)
}

/// The same, and says what becomes of one that lost its marker.
pub fn init_as(request: &InitRequest<'_>, identity: Identity) -> Result<Initialised, VolumeError> {
    let (path, name) = place(request)?;
    make_root(&path).map_err(|error| match error {
        error if error.is_missing() && folder_above(&path).is_some() => VolumeError::NotMade { path: path.clone() },
        error if error.is_missing() || is_no_folder(&error) => no_folder_above(&path),
        error => error.into(),
    })?;
    let root = open_folder(&path)?;
    let existed = examine(&root, request, identity)?.is_some();
    let foreign = foreign_in(&root)?;
    let made = make_areas(&root)?;
    let outcome = if existed { InitOutcome::Already } else { place_marker(&root, &name, request.purpose)? };
    Ok(Initialised { volume: Volume::open(&path, request.home)?, outcome, made, foreign })
}

/// What [`init_as`] would do. Changes nothing.
pub fn plan(request: &InitRequest<'_>, identity: Identity) -> Result<InitPlan, VolumeError> {
    let (path, name) = place(request)?;
    if outside::stat(&path)?.is_none() {
        folder_above(&path).ok_or_else(|| no_folder_above(&path))?;
        return Ok(InitPlan { path, name, outcome: InitOutcome::Created, made: folders(), foreign: Vec::new() });
    }
    let root = open_folder(&path)?;
    let marker = examine(&root, request, identity)?;
    let outcome = if marker.is_some() { InitOutcome::Already } else { InitOutcome::Created };
    let foreign = foreign_in(&root)?;
    let name = marker.map_or(name, |marker| marker.name);
    Ok(InitPlan { path, name, outcome, made: missing_areas(&root)?, foreign })
}

/// The absolute path and the name, of a place that may become a volume as far as its path tells.
fn place(request: &InitRequest<'_>) -> Result<(PathBuf, String), VolumeError> {
    let path = std::path::absolute(request.path).map_err(|source| outside_error(request.path, source))?;
    let path = without_way_back(path);
    let name = volume_name(request.name, &path)?;
    refuse_unmounted(&path)?;
    refuse_nested(&path)?;
    Ok((path, name))
}

/// The path without `..`, which lead past folders that it does not lie in. Where they lead to nothing it stays as it is.
fn without_way_back(path: PathBuf) -> PathBuf {
    if !path.components().any(|part| part == Component::ParentDir) {
        return path;
    }
    let above = path.parent().and_then(|above| outside::resolve(above).ok());
    outside::resolve(&path).ok().or_else(|| Some(above?.join(path.file_name()?))).unwrap_or(path)
}

/// The marker of a folder that is a volume; refuses one that must not become any.
fn examine(root: &Dir, request: &InitRequest<'_>, identity: Identity) -> Result<Option<Marker>, VolumeError> {
    refuse_forbidden(root, request.home)?;
    refuse_around(root)?;
    let marker = read_marker(root)?;
    if marker.is_none() && identity == Identity::Lost {
        refuse_lost(root)?;
    }
    Ok(marker)
}

fn no_folder_above(path: &Path) -> VolumeError {
    let path = path.parent().unwrap_or(path).to_owned();
    match outside::stat(&path) {
        Ok(Some(found)) => VolumeError::NoFolderButThere { path, kind: found.kind },
        _ => VolumeError::NoFolder { path },
    }
}

/// The folder that `path` is to lie in, if it is there.
fn folder_above(path: &Path) -> Option<&Path> {
    let above = path.parent()?;
    let found = outside::stat(above).ok().flatten()?;
    (found.kind == Kind::Folder).then_some(above)
}

/// A marker is never taken away by farm: where work was done there was one, and journals and reports bear its id.
fn refuse_lost(root: &Dir) -> Result<(), VolumeError> {
    match trace_in(root)? {
        Some(trace) => Err(VolumeError::Lost { path: root.path(), trace: root.path_of(trace.as_str()) }),
        None => Ok(()),
    }
}

/// Something that farm left there, and that is not made by [`init`] itself.
fn trace_in(root: &Dir) -> Result<Option<RelPath>, VolumeError> {
    let of_work = [layout::journal_dir(), layout::done_dir(), layout::lock_dir(), TrashFolder::of_volume()];
    let of_looks = [layout::local_dir(), layout::verdicts_dir(), layout::reports_dir()];
    let made = folders();
    for folder in of_work.iter().chain(&of_looks) {
        let mut traces = below(root, folder)?.into_iter().filter(|path| !made.contains(path));
        if let Some(trace) = traces.next() {
            return Ok(Some(trace));
        }
    }
    // A folder that somebody else called so is no trace.
    for release in below(root, &Area::Releases.folder())? {
        if let Ok(file) = release.join("release.yaml")
            && matches!(root.stat_at(&file), Ok(Some(_)))
        {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// What lies in a folder, by its path below the root; nothing where there is no such folder.
fn below(root: &Dir, folder: &RelPath) -> Result<Vec<RelPath>, DiskError> {
    let Some(dir) = root.dir(folder)? else { return Ok(Vec::new()) };
    let names = dir.list()?.into_iter().filter_map(|entry| entry.name.into_string().ok());
    Ok(names.filter_map(|name| folder.join(&name).ok()).collect())
}

fn outside_error(path: &Path, source: std::io::Error) -> VolumeError {
    VolumeError::Disk(DiskError::Io { op: "find", path: path.to_owned(), source })
}

fn volume_name(asked: Option<&str>, path: &Path) -> Result<String, VolumeError> {
    let folder = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = asked.map(str::to_owned).or(folder).unwrap_or_else(|| "farm".to_owned());
    let fine = !name.trim().is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
    if fine { Ok(name) } else { Err(VolumeError::Name { name: name.chars().take(MAX_NAME).collect() }) }
}

/// Above: what cleans the outer volume would meet the inner one's files.
fn refuse_nested(path: &Path) -> Result<(), VolumeError> {
    // Also by the true path: a link must not hide the volume that it leads into.
    let resolved = outside::resolve(path.parent().unwrap_or(path)).ok();
    let above = path.parent().into_iter().flat_map(Path::ancestors).map(Path::to_owned);
    let above = above.chain(resolved.iter().flat_map(|path| path.ancestors()).map(Path::to_owned));
    for other in above.collect::<Vec<PathBuf>>() {
        if bears_marker(&other)? {
            return Err(VolumeError::Nested { path: path.to_owned(), other });
        }
    }
    Ok(())
}

/// Below: one level, where a volume next to other data would be.
fn refuse_around(root: &Dir) -> Result<(), VolumeError> {
    for entry in root.list()? {
        let other = root.path_of(&entry.name);
        if entry.kind == Kind::Folder && bears_marker(&other).unwrap_or(false) {
            return Err(VolumeError::Nested { path: root.path(), other });
        }
    }
    Ok(())
}

/// What is neither farm's, nor Flamenco's, nor hidden.
fn foreign_in(root: &Dir) -> Result<Vec<String>, DiskError> {
    let entries = root.list()?.into_iter().map(|entry| entry.name.to_string_lossy().into_owned());
    let is_known = |name: &str| EXPECTED.contains(&name) || Area::ALL.iter().any(|area| area.name() == name);
    Ok(entries.filter(|name| !name.starts_with('.') && !is_known(name)).collect())
}

fn folders() -> Vec<RelPath> {
    let quick = crate::base::name::Home::Quick;
    let mut folders = vec![layout::store_dir(&quick), layout::out_root(&quick)];
    folders.extend([Area::Releases, Area::Dist, Area::Archives].map(Area::folder));
    folders.extend([layout::lock_dir(), layout::journal_dir(), layout::done_dir(), TrashFolder::of_volume()]);
    folders.extend([layout::logs_dir(), layout::reports_dir(), layout::local_dir(), layout::lib_dir()]);
    folders
}

fn make_areas(root: &Dir) -> Result<Vec<RelPath>, DiskError> {
    let missing = missing_areas(root)?;
    missing.iter().try_for_each(|folder| root.make_dir(folder).map(drop))?;
    Ok(missing)
}

fn missing_areas(root: &Dir) -> Result<Vec<RelPath>, DiskError> {
    let mut missing = Vec::new();
    for folder in folders() {
        match root.dir(&folder) {
            Ok(Some(_)) => {}
            Ok(None) => missing.push(folder),
            // A mount of its own is there already.
            Err(DiskError::OtherDevice { .. }) if is_mountable(&folder) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(missing)
}

fn is_mountable(folder: &RelPath) -> bool {
    Area::ALL.into_iter().any(|area| area.may_be_mounted() && area.folder() == *folder)
}

/// Of two that do this at once, one places the marker and the other finds it.
fn place_marker(root: &Dir, name: &str, purpose: Purpose) -> Result<InitOutcome, VolumeError> {
    let own = root.make_dir(&layout::own_dir())?;
    let marker = Marker::new(name, purpose, clock::now());
    match own.create("volume.yaml", marker.to_yaml().as_bytes()) {
        Ok(_) => Ok(InitOutcome::Created),
        Err(error) if error.is_exists() => Ok(InitOutcome::Already),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::{Class, Explain};
    use crate::volume::fixture::try_init;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_new_volume_has_its_areas_and_says_what_else_lies_there() {
        let temp = tempfile::tempdir().expect("temp");
        let path = temp.path().join("share");
        let done = try_init(&path).expect("init");
        assert_eq!((done.outcome, done.foreign.len()), (InitOutcome::Created, 0));
        for folder in ["quick/store", "quick/out", "releases", "dist", "archives", ".farm/lock", ".farm/trash"] {
            assert!(path.join(folder).is_dir(), "{folder}");
        }
        assert_eq!(done.volume.marker().name, "test");
        assert_eq!(done.volume.marker().purpose(), Purpose::Testing);
        fs::create_dir(path.join("jobs")).expect("temp");
        fs::create_dir(path.join("textures")).expect("temp");
        fs::rename(path.join("dist"), path.join(".away")).expect("temp");
        let again = try_init(&path).expect("again");
        assert_eq!((again.outcome, again.foreign), (InitOutcome::Already, vec!["textures".to_owned()]));
        assert_eq!(again.made.iter().map(RelPath::as_str).collect::<Vec<_>>(), ["dist"]);
    }

    #[test]
    fn a_volume_that_lost_its_marker_is_not_given_another_unasked() {
        let temp = tempfile::tempdir().expect("temp");
        let path = temp.path().join("share");
        let request = InitRequest { path: &path, name: None, purpose: Purpose::Testing, home: None };
        let first = try_init(&path).expect("init").volume.id();
        let marker = path.join(".farm/volume.yaml");
        let lose = || fs::rename(&marker, temp.path().join("lost.yaml")).expect("temp");
        // Killed before the marker was placed: nothing but what init makes.
        lose();
        let id = init(&request).expect("completed").volume.id();
        assert_ne!(id, first);
        for trace in [".farm/journal/done/x.jsonl", ".farm/lock/release-r1.fence", "releases/r1/release.yaml"] {
            lose();
            let trace = path.join(trace);
            fs::create_dir_all(trace.parent().expect("a folder")).expect("temp");
            fs::write(&trace, b"x").expect("temp");
            for error in [init(&request).map(drop), plan(&request, Identity::Lost).map(drop)] {
                let error = error.expect_err("refused");
                assert!(matches!(error, VolumeError::Lost { .. }) && error.class() == Class::Refused, "{error}");
                assert!(error.hint().is_some_and(|hint| hint.contains("--new-identity")));
            }
            assert!(!marker.exists());
            assert_ne!(init_as(&request, Identity::New).expect("asked for").volume.id(), id);
            fs::rename(&trace, temp.path().join("trace")).expect("temp");
            if trace.starts_with(path.join("releases")) {
                fs::rename(path.join("releases/r1"), temp.path().join("r1")).expect("temp");
            }
        }
    }

    #[test]
    fn a_plan_says_what_init_does_and_does_nothing() {
        let temp = tempfile::tempdir().expect("temp");
        let path = temp.path().join("share");
        let request = InitRequest { path: &path, name: None, purpose: Purpose::Testing, home: None };
        let planned = plan(&request, Identity::Lost).expect("plan");
        assert!(!path.exists());
        let done = init(&request).expect("init");
        assert_eq!((planned.outcome, &planned.made, planned.name.as_str()), (done.outcome, &done.made, "share"));
        fs::rename(path.join("dist"), path.join(".away")).expect("temp");
        let planned = plan(&request, Identity::Lost).expect("plan");
        assert_eq!((planned.outcome, planned.made.len()), (InitOutcome::Already, 1));
        assert!(!path.join("dist").exists());
        let nowhere = InitRequest { path: &temp.path().join("no/share"), ..request };
        assert!(matches!(plan(&nowhere, Identity::Lost), Err(VolumeError::NoFolder { .. })));
    }

    #[test]
    fn volumes_do_not_nest() {
        let temp = tempfile::tempdir().expect("temp");
        let inner = temp.path().join("inner");
        try_init(&inner).expect("init");
        assert!(matches!(try_init(temp.path()), Err(VolumeError::Nested { .. })));
        assert!(!temp.path().join(".farm").exists(), "nothing was made");
        assert!(matches!(try_init(&inner.join("deeper")), Err(VolumeError::Nested { .. })));
        assert!(!inner.join("deeper").exists());
        let alias = tempfile::tempdir().expect("temp");
        symlink(inner.join("quick"), alias.path().join("link")).expect("temp");
        assert!(matches!(try_init(&alias.path().join("link/v")), Err(VolumeError::Nested { .. })));
    }

    #[test]
    fn bad_places_and_names_are_refused_before_anything_is_made() {
        let temp = tempfile::tempdir().expect("temp");
        let home = temp.path();
        let try_at = |path: &Path, name: Option<&str>| {
            init(&InitRequest { path, name, purpose: Purpose::Production, home: Some(home) })
        };
        let refused = try_at(home, None).expect_err("a home folder");
        assert_eq!(refused.class(), Class::Refused);
        assert!(try_at(Path::new("/"), None).is_err());
        for name in ["", "  ", "a\nb", &"x".repeat(101)] {
            assert!(matches!(try_at(&home.join("v"), Some(name)), Err(VolumeError::Name { .. })), "{name:?}");
        }
        assert!(matches!(try_at(&home.join("no/v"), None), Err(VolumeError::NoFolder { .. })));
        fs::write(home.join("file"), b"").expect("temp");
        assert!(try_at(&home.join("file"), None).is_err());
        assert_eq!(fs::read_dir(home).expect("list").count(), 1);
        assert!(!Path::new("/.farm").exists());
    }

    #[test]
    fn a_link_in_place_of_an_area_stops_it() {
        let temp = tempfile::tempdir().expect("temp");
        let outside = tempfile::tempdir().expect("temp");
        symlink(outside.path(), temp.path().join("quick")).expect("temp");
        assert!(matches!(try_init(temp.path()), Err(VolumeError::Disk(DiskError::Link { .. }))));
        assert_eq!(fs::read_dir(outside.path()).expect("list").count(), 0);
        assert!(!temp.path().join(".farm/volume.yaml").exists());
    }

    #[test]
    fn of_many_that_initialise_at_once_all_have_one_volume() {
        let temp = tempfile::tempdir().expect("temp");
        let ids: std::collections::BTreeSet<_> = std::thread::scope(|scope| {
            let tries: Vec<_> =
                (0..8).map(|_| scope.spawn(|| try_init(temp.path()).expect("init").volume.id())).collect();
            tries.into_iter().map(|one| one.join().expect("no panic")).collect()
        });
        assert_eq!(ids.len(), 1);
    }
}
