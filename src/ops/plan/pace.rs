//! How long a frame of a scene took before.

use crate::base::digest::Digest;
use crate::base::error::Failure;
use crate::base::name::JobRef;
use crate::ops::check::task_logs;
use crate::ops::check::verdict_cache::VerdictCache;
use crate::ops::release;
use crate::volume::Volume;
use crate::volume::release_file::{JobRecord, ReleaseFile};
use std::collections::HashMap;

/// A scene: its bytes, and which of the file's scenes it is.
type Key = (Digest, Option<String>);

/// Seconds per frame of scenes, as release files tell them; else as the logs do that a status or a harvest has read.
pub(super) struct Paces<'a> {
    volume: &'a Volume,
    told: HashMap<Key, f64>,
    /// Jobs whose release does not tell it.
    untold: HashMap<Key, Vec<JobRef>>,
}

impl<'a> Paces<'a> {
    /// Of every release of the volume. One that cannot be read tells nothing: it is told of where it is meant.
    pub(super) fn of(volume: &'a Volume) -> Result<Self, Failure> {
        let names = volume.releases()?.names;
        Ok(Paces::told_by(volume, names.iter().filter_map(|name| release::load(volume, name).ok().flatten())))
    }

    /// Where nobody asks for them.
    pub(super) fn none(volume: &'a Volume) -> Self {
        Paces::told_by(volume, std::iter::empty())
    }

    fn told_by(volume: &'a Volume, releases: impl Iterator<Item = ReleaseFile>) -> Self {
        let mut paces = Paces { volume, told: HashMap::new(), untold: HashMap::new() };
        for file in releases {
            for job in &file.jobs {
                match job.seconds_per_frame {
                    Some(pace) => drop(paces.told.insert(key(job), pace)),
                    None => {
                        let reference = JobRef::in_release(&file.name, &job.name);
                        paces.untold.entry(key(job)).or_default().push(reference);
                    }
                }
            }
        }
        paces
    }

    /// Of this scene.
    pub(super) fn get(&self, source: Digest, scene: Option<&str>) -> Option<f64> {
        let key = (source, scene.map(str::to_owned));
        let in_logs = |job: &JobRef| task_logs::seconds_per_frame(&VerdictCache::load(self.volume, job).notes);
        let found = || self.untold.get(&key)?.iter().rev().find_map(in_logs);
        self.told.get(&key).copied().or_else(found)
    }
}

fn key(job: &JobRecord) -> Key {
    let revision = job.current();
    (revision.source.digest, revision.scene.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::status::TaskStatus;
    use crate::ops::check::room::Room;
    use crate::ops::check::{self, Effort, OpenWork};

    #[test]
    fn another_release_tells_the_pace_of_the_same_scene() {
        let room = Room::new(&[("A", "1-3")]);
        let mut file = room.file.clone();
        file.jobs[0].seconds_per_frame = Some(2.5);
        let (source, scene) = key(&file.jobs[0]);
        let paces = Paces::told_by(&room.volume, std::iter::once(file));
        assert_eq!(paces.get(source, scene.as_deref()), Some(2.5));
        assert_eq!(paces.get(source, Some("another scene")), None);
    }

    /// Nobody waited for the earlier run; a status looked at it.
    #[test]
    fn logs_that_were_read_tell_it_too() {
        let mut room = Room::rendered(&[("A", "1-2")]);
        let task = room.add_run("1-2", TaskStatus::Completed);
        let log = "Fra:1\nSaved: '/o/000001.png'\n Time: 00:02.00 (Saving: 00:00.01)\n";
        room.manager.logs.insert(task, log.into());
        let (source, scene) = key(&room.file.jobs[0]);
        let pace = || Paces::told_by(&room.volume, std::iter::once(room.file.clone())).get(source, scene.as_deref());
        assert_eq!(pace(), None);
        let work = OpenWork::of(&room.ports(), &room.file).expect("work");
        check::check_job(&room.ports(), room.release(), &room.file.jobs[0], &work, Effort::Trust).expect("look");
        assert_eq!(pace(), Some(2.0));
    }
}
