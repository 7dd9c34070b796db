//! Loading and saving release files.

use crate::base::error::Failure;
use crate::base::name::ReleaseName;
use crate::volume::release_file::ReleaseFile;
use crate::volume::{Volume, layout};

/// The largest release file that is read, in bytes: some hundred thousand jobs.
const MAX_RELEASE_FILE: u64 = 256 << 20;

/// The release's file; `None` if there is none.
pub fn load(volume: &Volume, release: &ReleaseName) -> Result<Option<ReleaseFile>, Failure> {
    let Some(dir) = volume.dir(&layout::release_dir(release))? else { return Ok(None) };
    let Some(bytes) = dir.read("release.yaml", MAX_RELEASE_FILE)? else { return Ok(None) };
    Ok(Some(ReleaseFile::parse(&bytes, &layout::release_file(release))?))
}

/// Whether there is such a release, whatever its file says.
pub fn exists(volume: &Volume, release: &ReleaseName) -> Result<bool, Failure> {
    Ok(volume.stat(&layout::release_file(release))?.is_some())
}

/// Writes the release's file in one step. The caller holds the release's lock.
pub fn save(volume: &Volume, file: &ReleaseFile) -> Result<(), Failure> {
    let dir = volume.make_dir(&layout::release_dir(&file.name))?;
    dir.write("release.yaml", file.print().as_bytes())?;
    Ok(())
}
