//! Where each thing lies below the volume's root. The only place that spells these paths.

use super::area::Area;
use crate::base::digest::Digest;
use crate::base::name::{Home, JobRef, ReleaseName};
use crate::base::rel_path::RelPath;

/// `releases/<release>/` or `quick/`.
pub fn home_dir(home: &Home) -> RelPath {
    match home {
        Home::Release(release) => release_dir(release),
        Home::Quick => Area::Quick.folder(),
    }
}

/// `releases/<release>/`
pub fn release_dir(release: &ReleaseName) -> RelPath {
    below(&Area::Releases.folder(), release.as_str())
}

/// `releases/<release>/release.yaml`
pub fn release_file(release: &ReleaseName) -> RelPath {
    below(&release_dir(release), "release.yaml")
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

/// Harvested frames: `dist/<release>/`
pub fn dist_dir(release: &ReleaseName) -> RelPath {
    below(&Area::Dist.folder(), release.as_str())
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
            (release_file(&release), "releases/r1/release.yaml"),
            (dist_dir(&release), "dist/r1"),
            (archive_file(&release), "archives/r1.tar.gz"),
            (marker_file(), ".farm/volume.yaml"),
            (done_dir(), ".farm/journal/done"),
        ] {
            assert_eq!(path.as_str(), text);
        }
    }
}
