//! Where each thing lies below the volume's root. The only place that spells these paths.

use super::area::Area;
use crate::base::digest::Digest;
use crate::base::name::{Home, JobRef, ReleaseName};
use crate::base::rel_path::RelPath;

/// `releases/<release>/` or `quick/`.
pub fn home_dir(home: &Home) -> RelPath {
    match home {
        Home::Release(release) => below(&Area::Releases.folder(), release.as_str()),
        Home::Quick => Area::Quick.folder(),
    }
}

/// The name of the file that says what was planned there.
pub fn home_file_name(home: &Home) -> &'static str {
    match home {
        Home::Release(_) => "release.yaml",
        Home::Quick => "quick.yaml",
    }
}

/// `releases/<release>/release.yaml` or `quick/quick.yaml`
pub fn home_file(home: &Home) -> RelPath {
    below(&home_dir(home), home_file_name(home))
}

/// Where the scenes are: `<home>/store/`
pub fn store_dir(home: &Home) -> RelPath {
    below(&home_dir(home), "store")
}

/// A job's scene, `<home>/store/<job>.<extension>`; the extension without its dot.
pub fn store_file(job: &JobRef, extension: &str) -> RelPath {
    below(&store_dir(&job.home), &format!("{}.{extension}", job.job))
}

/// What the scenes need and the volume did not have: `<home>/store/deps/`
pub fn deps_dir(home: &Home) -> RelPath {
    below(&store_dir(home), "deps")
}

/// The folder of one dependency: `<home>/store/deps/<digest>/`
pub fn dep_dir(home: &Home, digest: &Digest) -> RelPath {
    below(&deps_dir(home), &digest.short())
}

/// Where the frames of all jobs are: `<home>/out/`
pub fn out_root(home: &Home) -> RelPath {
    below(&home_dir(home), "out")
}

/// A job's frames, `<home>/out/<job>/`
pub fn out_dir(job: &JobRef) -> RelPath {
    below(&out_root(&job.home), job.job.as_str())
}

/// Harvested frames: `dist/<release>/`, or `dist/quick/`
pub fn dist_dir(home: &Home) -> RelPath {
    below(&Area::Dist.folder(), home.as_str())
}

/// `archives/<release>.tar.gz`
pub fn archive_file(release: &ReleaseName) -> RelPath {
    below(&Area::Archives.folder(), &format!("{release}.tar.gz"))
}

/// farm's own folder, `.farm/`
pub fn own_dir() -> RelPath {
    RelPath::new(".farm").expect("a plain name")
}

/// The marker: what makes a folder a volume.
pub fn marker_file() -> RelPath {
    below(&own_dir(), "volume.yaml")
}

/// Which areas are file systems of their own.
pub fn mounts_file() -> RelPath {
    below(&own_dir(), "mounts.json")
}

/// The volume's layer of configuration.
pub fn config_file() -> RelPath {
    below(&own_dir(), "config.yaml")
}

/// Locks.
pub fn lock_dir() -> RelPath {
    below(&own_dir(), "lock")
}

/// Journals of what is under way.
pub fn journal_dir() -> RelPath {
    below(&own_dir(), "journal")
}

/// Journals of what is done.
pub fn done_dir() -> RelPath {
    below(&journal_dir(), "done")
}

/// Logs kept by farm.
pub fn logs_dir() -> RelPath {
    below(&own_dir(), "logs")
}

/// Reports of cleanup.
pub fn reports_dir() -> RelPath {
    below(&own_dir(), "reports")
}

/// The local manager's queue.
pub fn local_dir() -> RelPath {
    below(&own_dir(), "local")
}

/// What is remembered of frames that were looked at.
pub fn verdicts_dir() -> RelPath {
    below(&own_dir(), "verdicts")
}

/// Where Blender saves scenes that it packed, before they are copied into their store.
pub fn packing_dir() -> RelPath {
    below(&own_dir(), "packing")
}

/// farm itself, by platform, for the nodes.
pub fn lib_dir() -> RelPath {
    below(&own_dir(), "lib")
}

/// Every name here is checked already, so that joining cannot fail.
fn below(folder: &RelPath, name: &str) -> RelPath {
    folder.join(name).expect("names are plain parts of a path")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_as_documented() {
        let job: JobRef = "r1/A".parse().expect("valid");
        let quick: JobRef = "quick/still".parse().expect("valid");
        let release: ReleaseName = "r1".parse().expect("valid");
        for (path, text) in [
            (store_file(&job, "blend"), "releases/r1/store/A.blend"),
            (store_file(&quick, "rib"), "quick/store/still.rib"),
            (out_dir(&job), "releases/r1/out/A"),
            (out_dir(&quick), "quick/out/still"),
            (dep_dir(&job.home, &Digest::of(b"abc")), "releases/r1/store/deps/ba7816bf8f01cfea"),
            (home_file(&job.home), "releases/r1/release.yaml"),
            (home_file(&quick.home), "quick/quick.yaml"),
            (dist_dir(&job.home), "dist/r1"),
            (archive_file(&release), "archives/r1.tar.gz"),
            (marker_file(), ".farm/volume.yaml"),
            (done_dir(), ".farm/journal/done"),
        ] {
            assert_eq!(path.as_str(), text);
        }
    }
}
