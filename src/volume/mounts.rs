//! Which areas are file systems of their own. It is written down before the first harvest onto one, for a mount that is
//! missing looks like an empty folder: frames would be missed that are there, and others would go beneath it.

use super::area::Area;
use super::layout;
use super::open::Volume;
use super::refusal::VolumeError;
use crate::sys::disk::{Dir, DiskError};
use serde::{Deserialize, Serialize};

/// The largest record that is read, in bytes.
const MAX_SIZE: u64 = 64 << 10;
const SCHEMA: &str = "farm.mounts/1";

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    schema: String,
    /// Their names.
    areas: Vec<String>,
}

impl Volume {
    /// Remembers the areas that are mounts now, so that no later command takes one for empty. Nothing is written where
    /// there are none, or where all are known.
    pub fn remember_mounts(&self) -> Result<(), VolumeError> {
        let mut areas = read(self.root())?;
        let new = self.mounts().iter().map(|(area, _)| area.name()).filter(|name| !areas.iter().any(|old| old == name));
        let new: Vec<String> = new.map(str::to_owned).collect();
        if new.is_empty() {
            return Ok(());
        }
        areas.extend(new);
        let record = Record { schema: SCHEMA.to_owned(), areas };
        let bytes = serde_json::to_vec(&record).expect("plain fields are JSON");
        let file = layout::mounts_file();
        Ok(self.make_dir(&layout::own_dir())?.write(file.name().unwrap_or_default(), &bytes)?)
    }
}

/// Refuses a volume of which an area was a mount and is none now.
pub(super) fn refuse_missing(root: &Dir, mounts: &[(Area, Dir)]) -> Result<(), VolumeError> {
    let is_there = |name: &String| mounts.iter().any(|(area, _)| area.name() == name);
    match read(root)?.into_iter().find(|name| !is_there(name)) {
        Some(area) => Err(VolumeError::AreaNotMounted { path: root.path_of(&area), area }),
        None => Ok(()),
    }
}

/// The areas that were mounts.
fn read(root: &Dir) -> Result<Vec<String>, VolumeError> {
    let Some(mut file) = root.open_read_at(&layout::mounts_file())? else { return Ok(Vec::new()) };
    let bytes = file.read_all(MAX_SIZE)?;
    let damaged = |cause: String| DiskError::Io {
        op: "read",
        path: root.path_of(layout::mounts_file().as_str()),
        source: std::io::Error::new(std::io::ErrorKind::InvalidData, cause),
    };
    let record: Record = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    Ok(record.areas)
}

#[cfg(test)]
mod tests {
    use crate::base::error::{Class, Explain};
    use crate::volume::fixture::{plant, volume};
    use crate::volume::{Volume, VolumeError};

    #[test]
    fn a_volume_without_mounts_remembers_none() {
        let (temp, volume) = volume();
        volume.remember_mounts().expect("nothing to do");
        assert!(!temp.path().join(".farm/mounts.json").exists());
    }

    #[test]
    fn an_area_that_was_a_mount_must_be_one() {
        let (temp, volume) = volume();
        plant(&volume, ".farm/mounts.json", br#"{"schema":"farm.mounts/1","areas":["dist"]}"#);
        let refused = Volume::open(temp.path(), None).expect_err("it is not mounted");
        assert!(matches!(&refused, VolumeError::AreaNotMounted { area, .. } if area == "dist"), "{refused}");
        assert_eq!(refused.class(), Class::Refused);
        std::fs::write(temp.path().join(".farm/mounts.json"), b"{").expect("temp");
        assert_eq!(Volume::open(temp.path(), None).expect_err("damaged").class(), Class::Failed);
    }
}
