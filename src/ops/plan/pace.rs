//! How long a frame of a scene took before.

use crate::base::digest::Digest;
use crate::base::error::Failure;
use crate::ops::release;
use crate::volume::Volume;
use crate::volume::release_file::{JobRecord, ReleaseFile};
use std::collections::HashMap;

/// Seconds per frame, by the scene's bytes and which of the file's scenes it is.
#[derive(Default)]
pub(super) struct Paces(HashMap<(Digest, Option<String>), f64>);

impl Paces {
    /// Of every release of the volume. One that cannot be read tells nothing: it is told of where it is meant.
    pub(super) fn of(volume: &Volume) -> Result<Paces, Failure> {
        let names = volume.releases()?.names;
        Ok(Paces::told_by(names.iter().filter_map(|name| release::load(volume, name).ok().flatten())))
    }

    fn told_by(releases: impl Iterator<Item = ReleaseFile>) -> Paces {
        let jobs = releases.flat_map(|file| file.jobs);
        let told = jobs.filter_map(|job| Some((key(&job), job.seconds_per_frame?)));
        Paces(told.collect())
    }

    /// Of this scene.
    pub(super) fn get(&self, source: Digest, scene: Option<&str>) -> Option<f64> {
        self.0.get(&(source, scene.map(str::to_owned))).copied()
    }
}

fn key(job: &JobRecord) -> (Digest, Option<String>) {
    let revision = job.current();
    (revision.source.digest, revision.scene.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::room::Room;

    #[test]
    fn another_release_tells_the_pace_of_the_same_scene() {
        let mut file = Room::new(&[("A", "1-3")]).file.clone();
        file.jobs[0].seconds_per_frame = Some(2.5);
        let (source, scene) = key(&file.jobs[0]);
        let paces = Paces::told_by(std::iter::once(file));
        assert_eq!(paces.get(source, scene.as_deref()), Some(2.5));
        assert_eq!(paces.get(source, Some("another scene")), None);
    }
}
