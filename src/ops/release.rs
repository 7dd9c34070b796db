//! Loading and saving the files that say what was planned: `release.yaml`, and `quick.yaml` for `quick/`.

use crate::base::error::Failure;
use crate::base::name::Home;
use crate::volume::release_file::ReleaseFile;
use crate::volume::{Volume, layout};

/// The largest release file that is read, in bytes: some hundred thousand jobs.
const MAX_RELEASE_FILE: u64 = 256 << 20;

/// The file of this home; `None` if there is none.
pub fn load(volume: &Volume, home: &Home) -> Result<Option<ReleaseFile>, Failure> {
    let Some(dir) = volume.dir(&layout::home_dir(home))? else { return Ok(None) };
    let Some(bytes) = dir.read(layout::home_file_name(home), MAX_RELEASE_FILE)? else { return Ok(None) };
    Ok(Some(ReleaseFile::parse(&bytes, &layout::home_file(home))?))
}

/// Whether there is such a file, whatever it says.
pub fn exists(volume: &Volume, release: &Home) -> Result<bool, Failure> {
    Ok(volume.stat(&layout::home_file(release))?.is_some())
}

/// Writes the release's file in one step. The caller holds the release's lock.
pub fn save(volume: &Volume, file: &ReleaseFile) -> Result<(), Failure> {
    let dir = volume.make_dir(&layout::home_dir(&file.name))?;
    dir.write(layout::home_file_name(&file.name), file.print().as_bytes())?;
    Ok(())
}
