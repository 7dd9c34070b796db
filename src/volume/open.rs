//! Opening a volume: found, verified, and from then on a handle, never a bare path again.

use super::area::Area;
use super::layout;
use super::marker::{self, Marker, MarkerFault};
use super::mounts;
use super::refusal::VolumeError;
use crate::base::ids::VolumeId;
use crate::base::rel_path::RelPath;
use crate::sys::disk::erase::TrashFolder;
use crate::sys::disk::{Attributes, Dir, DiskError, Kind, OpenFile, home_folders, space};
use crate::sys::outside;
use std::path::{Path, PathBuf};

/// A verified volume. Every change starts from here.
#[derive(Debug, Clone)]
pub struct Volume {
    root: Dir,
    marker: Marker,
    mounts: Vec<(Area, Dir)>,
}

impl Volume {
    /// Opens the volume at `path`. `home` is the user's home folder, which is never a volume.
    pub fn open(path: &Path, home: Option<&Path>) -> Result<Volume, VolumeError> {
        let root = open_folder(path)?;
        refuse_forbidden(&root, home)?;
        refuse_unmounted(&root.path())?;
        let marker = read_marker(&root)?.ok_or_else(|| no_marker(&root))?;
        let mounts = mounts_of(&root)?;
        mounts::refuse_missing(&root, &mounts)?;
        Ok(Volume { root, marker, mounts })
    }

    /// The same, and it must be the volume `expected`.
    pub fn open_expecting(path: &Path, home: Option<&Path>, expected: VolumeId) -> Result<Volume, VolumeError> {
        let volume = Volume::open(path, home)?;
        match volume.id() {
            found if found == expected => Ok(volume),
            found => Err(VolumeError::Other { path: volume.path(), found, expected }),
        }
    }

    /// The nearest folder at or above `start` that bears a marker, as git finds a repository.
    pub fn find(start: &Path) -> Result<Option<PathBuf>, VolumeError> {
        let start = std::path::absolute(start).unwrap_or_else(|_| start.to_owned());
        for folder in start.ancestors() {
            if bears_marker(folder)? {
                return Ok(Some(folder.to_owned()));
            }
        }
        Ok(None)
    }

    /// The volume's identity.
    pub fn id(&self) -> VolumeId {
        self.marker.id
    }

    /// What the marker says.
    pub fn marker(&self) -> &Marker {
        &self.marker
    }

    /// The path as it was given, absolute: for people, renderers and the Manager.
    pub fn path(&self) -> PathBuf {
        self.root.path()
    }

    /// The whole path of what is at `rel`.
    pub fn path_of(&self, rel: &RelPath) -> PathBuf {
        self.root.path_of(rel.as_str())
    }

    /// The root folder.
    pub fn root(&self) -> &Dir {
        &self.root
    }

    /// The areas that are mounts of their own.
    pub fn mounts(&self) -> &[(Area, Dir)] {
        &self.mounts
    }

    /// Opens the folder at `rel`; `None` if there is none.
    pub fn dir(&self, rel: &RelPath) -> Result<Option<Dir>, DiskError> {
        let (root, below) = self.root_of(rel);
        root.dir(&below)
    }

    /// Opens the folder at `rel`, making what is missing of it.
    pub fn make_dir(&self, rel: &RelPath) -> Result<Dir, DiskError> {
        let (root, below) = self.root_of(rel);
        root.make_dir(&below)
    }

    /// The attributes of whatever is at `rel`; `None` if nothing is.
    pub fn stat(&self, rel: &RelPath) -> Result<Option<Attributes>, DiskError> {
        let (root, below) = self.root_of(rel);
        root.stat_at(&below)
    }

    /// Opens the file at `rel` for reading; `None` if there is none.
    pub fn open_read(&self, rel: &RelPath) -> Result<Option<OpenFile>, DiskError> {
        let (root, below) = self.root_of(rel);
        root.open_read_at(&below)
    }

    /// Looks again whether the marker is the one that was read: the share may have gone away beneath a long run.
    pub fn check_still_there(&self) -> Result<(), VolumeError> {
        match read_marker(&self.root)? {
            Some(marker) if marker.id == self.id() => Ok(()),
            Some(marker) => Err(VolumeError::Other { path: self.path(), found: marker.id, expected: self.id() }),
            None => Err(no_marker(&self.root)),
        }
    }

    /// The root that holds `rel`, the volume's or that of a mounted area, and the path below it.
    fn root_of(&self, rel: &RelPath) -> (&Dir, RelPath) {
        for (area, root) in &self.mounts {
            let folder = area.folder();
            if rel.is_within(&folder) {
                let below = rel.as_str()[folder.as_str().len()..].trim_start_matches('/');
                return (root, RelPath::new(below).expect("the end of a checked path"));
            }
        }
        (&self.root, rel.clone())
    }

    /// All roots, with what their paths begin with and where each keeps its trash.
    pub(super) fn trash_roots(&self) -> impl Iterator<Item = (&Dir, RelPath, RelPath)> {
        let own = (&self.root, RelPath::ROOT, TrashFolder::of_volume());
        let mounts = self.mounts.iter().map(|(area, root)| (root, area.folder(), TrashFolder::of_mount()));
        std::iter::once(own).chain(mounts)
    }

    /// The trash folders: the volume's own, and that of each mounted area.
    pub fn trash_folders(&self) -> Vec<RelPath> {
        let path = |(_, prefix, trash): (&Dir, RelPath, RelPath)| prefix.join(trash.as_str()).ok();
        self.trash_roots().filter_map(path).collect()
    }

    /// The one of them that holds `rel`.
    pub(super) fn trash_root_of(&self, rel: &RelPath) -> (&Dir, RelPath, RelPath) {
        let holds = |(_, prefix, _): &(&Dir, RelPath, RelPath)| rel.is_within(prefix);
        // The volume's own root holds everything, and comes first; a mounted area knows better.
        self.trash_roots().filter(holds).last().expect("the volume's root holds every path")
    }
}

pub(super) fn open_folder(path: &Path) -> Result<Dir, VolumeError> {
    Dir::open_root(path).map_err(|error| match error {
        error if error.is_missing() => VolumeError::NoFolder { path: path.to_owned() },
        error if is_no_folder(&error) => VolumeError::Forbidden { path: path.to_owned(), what: "not a folder" },
        error => error.into(),
    })
}

/// Whether something else than a folder is there, or on the way.
pub(super) fn is_no_folder(error: &DiskError) -> bool {
    matches!(error, DiskError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotADirectory)
}

/// `/` and home folders, known by device and number: names can be disguised.
pub(super) fn refuse_forbidden(root: &Dir, home: Option<&Path>) -> Result<(), VolumeError> {
    let found = root.attributes()?;
    let is = |path: &Path| outside::stat(path).ok().flatten().is_some_and(|other| other.is_same_file(&found));
    let refuse = |what| Err(VolumeError::Forbidden { path: root.path(), what });
    if is(Path::new("/")) {
        return refuse("the root of this machine");
    }
    if home.is_some_and(is) || home_folders().iter().any(|home| is(home)) {
        return refuse("a home folder");
    }
    Ok(())
}

pub(super) fn refuse_unmounted(path: &Path) -> Result<(), VolumeError> {
    match space::missing_mount(path) {
        Some(mount) => Err(VolumeError::NotMounted { path: path.to_owned(), mount }),
        None => Ok(()),
    }
}

/// The marker below `root`, confined: a link in its place is refused.
pub(super) fn read_marker(root: &Dir) -> Result<Option<Marker>, VolumeError> {
    let Some(mut file) = root.open_read_at(&layout::marker_file())? else { return Ok(None) };
    Marker::parse(&file.read_all(marker::MAX_SIZE)?).map(Some).map_err(|fault| match fault {
        MarkerFault::Newer(schema) => VolumeError::Newer { path: root.path(), schema },
        MarkerFault::Damaged(cause) => VolumeError::Damaged { path: root.path(), cause },
    })
}

pub(super) fn bears_marker(folder: &Path) -> Result<bool, VolumeError> {
    let found = outside::stat(&folder.join(layout::marker_file().as_str()))?;
    Ok(found.is_some_and(|attributes| attributes.kind == Kind::File))
}

fn no_marker(root: &Dir) -> VolumeError {
    VolumeError::NoMarker { path: root.path(), empty: root.is_empty().unwrap_or(false) }
}

fn mounts_of(root: &Dir) -> Result<Vec<(Area, Dir)>, DiskError> {
    let mut mounts = Vec::new();
    for area in Area::ALL.into_iter().filter(|area| area.may_be_mounted()) {
        // Another error is met by whoever needs the area; the others can be used.
        if let Err(DiskError::OtherDevice { .. }) = root.dir(&area.folder()) {
            mounts.extend(root.mounted_root(&area.folder())?.map(|mount| (area, mount)));
        }
    }
    Ok(mounts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::{Class, Explain};
    use crate::volume::fixture::{plant, rel, try_init, volume};
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_volume_is_opened_by_its_marker_and_id() {
        let (temp, volume) = volume();
        let id = volume.id();
        assert_eq!(Volume::open_expecting(temp.path(), None, id).expect("open").marker(), volume.marker());
        let other = Volume::open_expecting(temp.path(), None, VolumeId::random()).expect_err("another");
        assert_eq!(other.class(), Class::Refused);
        volume.check_still_there().expect("it is");
        fs::rename(temp.path().join(".farm"), temp.path().join("away")).expect("temp");
        assert!(matches!(volume.check_still_there(), Err(VolumeError::NoMarker { .. })));
        assert!(matches!(Volume::open(temp.path(), None), Err(VolumeError::NoMarker { empty: false, .. })));
        let empty = tempfile::tempdir().expect("temp");
        assert!(matches!(Volume::open(empty.path(), None), Err(VolumeError::NoMarker { empty: true, .. })));
        assert!(matches!(Volume::open(&empty.path().join("no"), None), Err(VolumeError::NoFolder { .. })));
    }

    #[test]
    fn root_and_home_are_no_volumes_under_any_name() {
        let (temp, _) = volume();
        let refused = |path: &Path, home: Option<&Path>| match Volume::open(path, home) {
            Err(VolumeError::Forbidden { .. }) => true,
            other => panic!("{path:?}: {other:?}"),
        };
        assert!(refused(Path::new("/"), None));
        assert!(refused(Path::new("/root/.."), None) && refused(Path::new("/proc/self/root"), None));
        assert!(refused(temp.path(), Some(temp.path())));
        let alias = tempfile::tempdir().expect("temp");
        symlink(temp.path(), alias.path().join("home")).expect("temp");
        assert!(refused(temp.path(), Some(&alias.path().join("home"))));
        assert!(refused(&alias.path().join("home"), Some(temp.path())));
        for home in home_folders().iter().filter(|home| home.is_dir()) {
            assert!(refused(home, None));
        }
    }

    #[test]
    fn newer_and_damaged_markers_are_refused() {
        let (temp, _) = volume();
        let marker = temp.path().join(".farm/volume.yaml");
        fs::write(&marker, "schema: farm.volume/2\n").expect("temp");
        assert!(matches!(Volume::open(temp.path(), None), Err(VolumeError::Newer { .. })));
        fs::write(&marker, "").expect("temp");
        assert!(matches!(Volume::open(temp.path(), None), Err(VolumeError::Damaged { .. })));
    }

    #[test]
    fn links_planted_at_any_level_are_refused() {
        let (temp, volume) = volume();
        let outside = tempfile::tempdir().expect("temp");
        fs::create_dir_all(outside.path().join("out/A")).expect("temp");
        fs::write(outside.path().join("out/A/000001.png"), b"precious").expect("temp");
        plant(&volume, "releases/r2/out/A/000001.png", b"frame");
        symlink(outside.path(), temp.path().join("releases/r1")).expect("temp");
        symlink(outside.path().join("out"), temp.path().join("releases/r2/away")).expect("temp");
        symlink("../../..", temp.path().join("releases/r2/out/up")).expect("temp");
        for path in ["releases/r1", "releases/r1/out/A", "releases/r2/away/A", "releases/r2/out/up/quick"] {
            assert!(matches!(volume.dir(&rel(path)), Err(DiskError::Link { .. })), "{path}");
            assert!(matches!(volume.make_dir(&rel(path)), Err(DiskError::Link { .. })), "{path}");
            assert!(matches!(volume.open_read(&rel(&format!("{path}/f"))), Err(DiskError::Link { .. })), "{path}");
        }
        assert_eq!(volume.homes().expect("list").odd, ["r1"]);
        fs::rename(temp.path().join("releases"), temp.path().join("away")).expect("temp");
        symlink(outside.path(), temp.path().join("releases")).expect("temp");
        assert!(matches!(volume.homes(), Err(DiskError::Link { .. })));
        fs::rename(temp.path().join(".farm"), outside.path().join("farm")).expect("temp");
        symlink(outside.path().join("farm"), temp.path().join(".farm")).expect("temp");
        assert!(Volume::open(temp.path(), None).is_err(), "a marker behind a link is none");
    }

    #[test]
    fn a_volume_is_found_from_below() {
        let (temp, volume) = volume();
        plant(&volume, "releases/r1/out/A/1.png", b"");
        let below = temp.path().join("releases/r1/out");
        assert_eq!(Volume::find(&below).expect("find").as_deref(), Some(temp.path()));
        let elsewhere = tempfile::tempdir().expect("temp");
        assert_eq!(Volume::find(elsewhere.path()).expect("find"), None);
        assert_eq!(Volume::find(&temp.path().join("no/such")).expect("find").as_deref(), Some(temp.path()));
    }

    #[test]
    fn a_folder_that_was_swapped_while_open_stays_the_same_folder() {
        let (temp, volume) = volume();
        let outside = tempfile::tempdir().expect("temp");
        plant(&volume, "releases/r1/out/A/1.png", b"frame");
        let open = volume.dir(&rel("releases/r1/out/A")).expect("open").expect("there");
        fs::rename(temp.path().join("releases/r1/out/A"), temp.path().join("releases/r1/out/B")).expect("temp");
        symlink(outside.path(), temp.path().join("releases/r1/out/A")).expect("temp");
        open.create("2.png", b"two").expect("create");
        assert!(outside.path().read_dir().expect("list").next().is_none());
        assert!(temp.path().join("releases/r1/out/B/2.png").exists());
    }

    /// Somebody swaps a folder for a link that leads out, again and again, while farm writes, moves and lists there.
    #[test]
    fn a_folder_that_is_swapped_for_a_link_leads_nowhere() {
        let (temp, volume) = volume();
        let outside = tempfile::tempdir().expect("temp");
        fs::create_dir_all(outside.path().join("out/A")).expect("temp");
        fs::write(outside.path().join("out/A/precious.png"), b"precious").expect("temp");
        plant(&volume, "releases/r1/out/A/1.png", b"frame");
        symlink(outside.path(), temp.path().join("releases/link")).expect("temp");
        let done = std::sync::atomic::AtomicBool::new(false);
        let swaps = std::thread::scope(|scope| {
            let attacker = scope.spawn(|| swap_until(&done, &temp.path().join("releases")));
            for round in 0..2000 {
                let _ = volume.make_dir(&rel("releases/r1/out/A/new")).map(|dir| dir.create("planted", b"1"));
                let Ok(Some(dir)) = volume.dir(&rel("releases/r1/out/A")) else { continue };
                let _ = crate::sys::disk::move_new(&dir, "precious.png", &dir, format!("stolen{round}"));
                let _ = dir.write("state", b"state");
            }
            done.store(true, std::sync::atomic::Ordering::SeqCst);
            attacker.join().expect("no panic")
        });
        assert!(swaps > 100, "{swaps}");
        let left: Vec<_> = walkdir::WalkDir::new(outside.path()).into_iter().map(|e| e.expect("walk")).collect();
        assert_eq!(left.len(), 4, "{left:?}");
        assert_eq!(fs::read(outside.path().join("out/A/precious.png")).expect("read"), b"precious");
    }

    /// Exchanges `r1` and `link` again and again, each time in one step.
    fn swap_until(done: &std::sync::atomic::AtomicBool, releases: &Path) -> usize {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        let (one, two) = (releases.join("r1"), releases.join("link"));
        let mut swaps = 0;
        while !done.load(std::sync::atomic::Ordering::SeqCst) {
            renameat_with(CWD, &one, CWD, &two, RenameFlags::EXCHANGE).expect("both are there");
            swaps += 1;
        }
        swaps
    }

    #[test]
    fn initialising_twice_is_once() {
        let (temp, first) = volume();
        let again = try_init(temp.path()).expect("again");
        assert_eq!(again.outcome, crate::volume::init::InitOutcome::Already);
        assert_eq!((again.volume.id(), again.made.len()), (first.id(), 0));
    }
}
