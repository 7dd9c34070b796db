//! How long a frame of a scene took before.

use crate::base::digest::Digest;
use crate::base::error::Failure;
use crate::base::name::JobRef;
use crate::base::render_options::RenderOptions;
use crate::base::time::Timestamp;
use crate::ops::check::task_logs;
use crate::ops::check::verdict_cache::VerdictCache;
use crate::ops::release;
use crate::volume::Volume;
use crate::volume::release_file::{JobRecord, ReleaseFile};
use std::cmp::Reverse;
use std::collections::HashMap;

/// What takes its time: a file's bytes, which of its scenes it is, and what is asked of the renderer.
type Key = (Digest, Option<String>, RenderOptions);

/// Seconds per frame of scenes, as release files tell them; else as the logs do that a status or a harvest has read.
pub(super) struct Paces<'a> {
    volume: &'a Volume,
    rendered: HashMap<Key, Vec<Rendered>>,
}

/// A job that may tell how long a frame takes.
struct Rendered {
    job: JobRef,
    planned: Timestamp,
    /// What its release tells.
    told: Option<f64>,
}

impl<'a> Paces<'a> {
    /// Of every release of the volume. One that cannot be read tells nothing: it is told of where it is meant.
    pub(super) fn of(volume: &'a Volume) -> Result<Self, Failure> {
        let names = volume.homes()?.names;
        Ok(Paces::told_by(volume, names.iter().filter_map(|name| release::load(volume, name).ok().flatten())))
    }

    /// Where nobody asks for them.
    pub(super) fn none(volume: &'a Volume) -> Self {
        Paces::told_by(volume, std::iter::empty())
    }

    fn told_by(volume: &'a Volume, releases: impl Iterator<Item = ReleaseFile>) -> Self {
        let mut rendered: HashMap<Key, Vec<Rendered>> = HashMap::new();
        for file in releases {
            for record in &file.jobs {
                let (job, planned) = (JobRef::within(&file.name, &record.name), record.current().planned);
                let one = Rendered { job, planned, told: record.seconds_per_frame };
                rendered.entry(key(record)).or_default().push(one);
            }
        }
        // The newest counts: scenes stay the same while drivers and machines change.
        rendered.values_mut().for_each(|jobs| jobs.sort_by_key(|one| Reverse(one.planned)));
        Paces { volume, rendered }
    }

    /// Of this scene, rendered with these options.
    pub(super) fn get(&self, source: Digest, scene: Option<&str>, options: &RenderOptions) -> Option<f64> {
        let key = (source, scene.map(str::to_owned), options.clone());
        let in_logs = |job: &JobRef| task_logs::seconds_per_frame(&VerdictCache::load(self.volume, job).notes);
        self.rendered.get(&key)?.iter().find_map(|one| one.told.or_else(|| in_logs(&one.job)))
    }
}

fn key(job: &JobRecord) -> Key {
    let revision = job.current();
    (revision.source.digest, revision.scene.clone(), revision.options.clone())
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
        let (source, scene, options) = key(&file.jobs[0]);
        let paces = Paces::told_by(&room.volume, std::iter::once(file.clone()));
        assert_eq!(paces.get(source, scene.as_deref(), &options), Some(2.5));
        assert_eq!(paces.get(source, Some("another scene"), &options), None);
        let draft = RenderOptions { samples: Some(1), ..options.clone() };
        assert_eq!(paces.get(source, scene.as_deref(), &draft), None, "a draft says nothing of the final");
        let mut newer = file.clone();
        newer.jobs[0].seconds_per_frame = Some(9.0);
        newer.jobs[0].revisions[0].planned = Timestamp::from_unix(7);
        for order in [[file.clone(), newer.clone()], [newer, file]] {
            let paces = Paces::told_by(&room.volume, order.into_iter());
            assert_eq!(paces.get(source, scene.as_deref(), &options), Some(9.0), "the newest");
        }
    }

    /// Nobody waited for the earlier run; a status looked at it.
    #[test]
    fn logs_that_were_read_tell_it_too() {
        let mut room = Room::rendered(&[("A", "1-2")]);
        let task = room.add_run("1-2", TaskStatus::Completed);
        let log = "Fra:1\nSaved: '/o/000001.png'\n Time: 00:02.00 (Saving: 00:00.01)\n";
        room.manager.logs.insert(task, log.into());
        let (source, scene, options) = key(&room.file.jobs[0]);
        let paces = || Paces::told_by(&room.volume, std::iter::once(room.file.clone()));
        let pace = || paces().get(source, scene.as_deref(), &options);
        assert_eq!(pace(), None);
        let work = OpenWork::of(&room.ports(), &room.file).expect("work");
        check::check_job(&room.ports(), room.release(), &room.file.jobs[0], &work, Effort::Trust).expect("look");
        assert_eq!(pace(), Some(2.0));
        let mut older = room.file.clone();
        older.name = "r0".parse().expect("name");
        older.jobs[0].seconds_per_frame = Some(9.0);
        older.jobs[0].revisions[0].planned = Timestamp::from_unix(-1);
        let both = Paces::told_by(&room.volume, [older, room.file.clone()].into_iter());
        assert_eq!(both.get(source, scene.as_deref(), &options), Some(2.0), "what an older release tells counts less");
    }
}
