//! Putting a plan's files onto the volume: scenes, and what they need.

use super::gather::Copy;
use super::pack;
use super::repair::{Damage, Repair};
use super::survey::{SceneWork, Survey};
use super::{JobVerdict, PlannedJob};
use crate::base::counted::counted;
use crate::base::error::{Class, Failure};
use crate::base::ids::TransactionId;
use crate::base::name::JobRef;
use crate::base::rel_path::RelPath;
use crate::blend::{self, Edit};
use crate::ops::check::in_parallel::try_in_parallel;
use crate::ops::discard;
use crate::ops::ports::{Ports, Stage};
use crate::ops::renderer::Renderer;
use crate::sys::disk::{Dir, DiskError, OpenFile, Target};
use crate::sys::outside;
use crate::volume::layout;
use crate::volume::lock::Lock;
use crate::volume::release_file::{ReleaseFile, StoredFile};
use crate::volume::trash::Discard;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Puts files onto the volume.
pub(super) struct Writer<'a> {
    pub(super) ports: &'a Ports<'a>,
    pub(super) lock: &'a Lock,
    pub(super) transaction: TransactionId,
    pub(super) release: &'a ReleaseFile,
    pub(super) survey: &'a Survey,
    pub(super) renderer: &'a Renderer,
    /// Held while Blender packs: one at a time, for each takes the memory of a whole scene.
    pub(super) packing: Mutex<()>,
}

/// A file that is put onto the volume.
struct Put<'a> {
    from: &'a Path,
    to: &'a RelPath,
    edits: &'a [Edit],
    /// Bytes.
    size: u64,
    /// The job whose scene Blender packs files into first.
    packed: Option<(&'a PlannedJob, &'a SceneWork)>,
}

impl<'a> Put<'a> {
    fn needed(copy: &'a Copy) -> Self {
        Put { from: &copy.from, to: &copy.planned.to, edits: &copy.edits, size: copy.planned.size, packed: None }
    }

    fn scene(job: &'a PlannedJob, work: &'a SceneWork) -> Self {
        let packed = (!work.pack.is_empty()).then_some((job, work));
        Put { from: Path::new(&job.source.path), to: &job.store, edits: &work.edits, size: job.source.size, packed }
    }
}

impl Writer<'_> {
    /// Files that scenes need, and the scenes; what stands in the way goes to the trash first.
    pub(super) fn write_all(&self) -> Result<Vec<(JobRef, StoredFile)>, Failure> {
        let plan = &self.survey.plan;
        self.ports.progress.begin(Stage::Copies, plan.copied_bytes());
        self.clear_the_way()?;
        let new: Vec<&PlannedJob> = plan.jobs.iter().filter(|job| self.is_stored(job)).collect();
        try_in_parallel(self.ports, &new, |job| self.ports.volume.make_dir(&layout::out_dir(&job.reference)))?;
        let needed = self.survey.copies.iter().map(Put::needed);
        let scenes = new.iter().map(|job| Put::scene(job, &self.survey.scenes[&job.store]));
        let puts: Vec<Put<'_>> = needed.chain(scenes).collect();
        let mut stored = try_in_parallel(self.ports, &puts, |put| {
            let stored = self.put(put)?;
            self.ports.progress.advance(put.size);
            Ok::<_, Failure>(stored)
        })?;
        let scenes = stored.split_off(self.survey.copies.len());
        Ok(new.iter().map(|job| job.reference.clone()).zip(scenes).collect())
    }

    /// Whether the job's scene is copied: it is another one now, or its copy is damaged.
    fn is_stored(&self, job: &PlannedJob) -> bool {
        job.puts_its_scene() || self.survey.plan.is_repaired(&job.store)
    }

    /// A run that died before it wrote `release.yaml` may have left scenes and even frames of jobs that the release
    /// does not know: they go to the trash, for a frame of another scene must never be taken for one of this.
    fn clear_the_way(&self) -> Result<(), Failure> {
        let mut discards = Vec::new();
        for job in self.survey.plan.jobs.iter().filter(|job| job.verdict == JobVerdict::New) {
            debug_assert!(self.release.job(&job.reference.job).is_none());
            for path in [job.store.clone(), layout::out_dir(&job.reference)] {
                if self.is_in_the_way(&path)? {
                    discards.push(Discard { path, reason: format!("in the way of the new job {}", job.reference) });
                }
            }
        }
        // What is only missing is not there to be discarded.
        discards.extend(
            self.survey
                .plan
                .repairs
                .iter()
                .filter(|repair| repair.damage != Damage::Missing)
                .map(|Repair { path, damage, .. }| Discard { path: path.clone(), reason: format!("it {damage}") }),
        );
        discard::within(self.ports.volume, self.lock, self.transaction, &discards).map(drop)
    }

    fn is_in_the_way(&self, path: &RelPath) -> Result<bool, Failure> {
        match self.ports.volume.dir(path) {
            Ok(None) => Ok(false),
            Ok(Some(dir)) => Ok(!dir.is_empty()?),
            Err(DiskError::NotAFolder { .. }) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Copies a file to its place, rewritten where there are edits. A file of the right bytes that is there is kept.
    fn put(&self, put: &Put<'_>) -> Result<StoredFile, Failure> {
        if let Some((job, work)) = put.packed {
            return self.put_packed(job, work);
        }
        let source = self.open_unchanged(put.from)?;
        match put.edits {
            [] => self.copy(&source, put),
            edits => self.write(put.to, source, edits),
        }
    }

    /// The same for a scene that Blender packs files into first.
    fn put_packed(&self, job: &PlannedJob, work: &SceneWork) -> Result<StoredFile, Failure> {
        let Ports { volume, progress, .. } = self.ports;
        progress.note(&format!("{}: Blender packs {} into the copy", job.reference, counted(work.pack.len(), "file")));
        let _alone = self.packing.lock().unwrap_or_else(PoisonError::into_inner);
        let path = Path::new(&job.source.path);
        self.open_unchanged(path)?;
        let packed = pack::pack(volume, self.survey, job, work, self.renderer);
        // Blender is ended with whoever was asked to end: that is no fault of the scene.
        self.ports.go_on()?;
        let packed = packed?;
        // Blender opened it by its name, under which another file may lie by now.
        self.open_unchanged(path)?;
        let copy = outside::open(&packed.path)?.ok_or_else(|| gone(&packed.path))?;
        self.write(&job.store, copy, &packed.edits)
    }

    /// The file at `path`, if it is what the plan was made of.
    fn open_unchanged(&self, path: &Path) -> Result<OpenFile, Failure> {
        let hashed = self.survey.known.digests.get(path).ok_or_else(|| gone(path))?;
        let file = outside::open(path)?.ok_or_else(|| gone(path))?;
        match file.attributes().is_unchanged_since(&hashed.attributes) {
            true => Ok(file),
            false => Err(DiskError::Changed { path: path.to_owned() }.into()),
        }
    }

    /// Copies a file, whose digest is known, byte for byte.
    fn copy(&self, source: &OpenFile, put: &Put<'_>) -> Result<StoredFile, Failure> {
        let (dir, name) = self.place(put.to)?;
        let digest = self.survey.known.digests[put.from].digest;
        if let Some(there) = dir.open_read(name)? {
            return match there.digest()? {
                (found, size) if found == digest => Ok(StoredFile { path: put.to.clone(), size, digest }),
                _ => Err(other_bytes(put.to)),
            };
        }
        let written = dir.copy_known(source, digest, name, Target::New)?;
        Ok(StoredFile { path: put.to.clone(), size: written.bytes, digest: written.digest })
    }

    /// Writes the scene in `source` with its edits as `to`.
    fn write(&self, to: &RelPath, source: OpenFile, edits: &[Edit]) -> Result<StoredFile, Failure> {
        let (dir, name) = self.place(to)?;
        store_rewritten(&dir, name, to, source, edits)
    }

    /// The folder in which `to` lies, made where it is not there, and its name.
    fn place<'p>(&self, to: &'p RelPath) -> Result<(Dir, &'p str), Failure> {
        let name = to.name().ok_or_else(|| Failure::new(Class::Failed, "a copy without a name"))?;
        let folder = to.split().map(|(folder, _)| folder).unwrap_or_default();
        Ok((self.ports.volume.make_dir(&folder)?, name))
    }
}

/// Writes the scene in `source` with its edits as `name`; one that is there already is kept if it is the same. What is
/// stored was made of the bytes that `source` had when it was opened, or nothing is stored.
fn store_rewritten(
    dir: &Dir,
    name: &str,
    to: &RelPath,
    mut source: OpenFile,
    edits: &[Edit],
) -> Result<StoredFile, Failure> {
    let path = source.path().to_owned();
    if let Some(mut there) = dir.open_read(name)? {
        let is_same = blend::is_rewritten(&mut source, &path, &mut there, edits)?;
        source.check_unchanged()?;
        let (digest, size) = there.digest()?;
        return if is_same { Ok(StoredFile { path: to.clone(), size, digest }) } else { Err(other_bytes(to)) };
    }
    let written = dir.write_with(name, Target::New, |part| {
        blend::rewrite(&mut source, &path, part, edits)?;
        source.check_unchanged().map_err(Failure::from)
    })?;
    Ok(StoredFile { path: to.clone(), size: written.bytes, digest: written.digest })
}

fn gone(path: &Path) -> Failure {
    Failure::new(Class::Failed, format!("{}: it is gone since the plan was made", path.display()))
        .with_hint("Put it back, or plan again without it.")
}

fn other_bytes(to: &RelPath) -> Failure {
    Failure::new(Class::Failed, format!("{to}: other bytes are there than the plan puts there"))
        .with_hint("Somebody changed the release's store; move the file away and plan again.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;
    use std::fs;
    use std::path::PathBuf;

    /// A scene with a texture, at this path, and edits of it.
    fn scene(path: &Path) -> Vec<Edit> {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenes/deps/one/one.blend");
        fs::copy(from, path).expect("temp");
        blend::read(path).expect("a scene").dependencies[0].edits("//deps/7").expect("it fits")
    }

    struct Place {
        temp: tempfile::TempDir,
        dir: Dir,
        source: PathBuf,
        edits: Vec<Edit>,
    }

    impl Place {
        fn new() -> Place {
            let temp = tempfile::tempdir().expect("temp");
            let source = temp.path().join("given.blend");
            let edits = scene(&source);
            fs::create_dir(temp.path().join("store")).expect("temp");
            let dir = Dir::open_root(&temp.path().join("store")).expect("open");
            Place { temp, dir, source, edits }
        }

        fn open(&self) -> OpenFile {
            outside::open(&self.source).expect("open").expect("there")
        }

        fn store(&self, source: OpenFile) -> Result<StoredFile, Failure> {
            let to = RelPath::new("releases/r1/store/A.blend").expect("a path");
            store_rewritten(&self.dir, "A.blend", &to, source, &self.edits)
        }

        fn stored(&self) -> Option<Vec<u8>> {
            fs::read(self.temp.path().join("store/A.blend")).ok()
        }
    }

    #[test]
    fn a_scene_that_is_saved_while_it_is_copied_is_not_stored() {
        let place = Place::new();
        let source = place.open();
        let mut bytes = fs::read(&place.source).expect("read");
        bytes.extend(b"more");
        fs::write(&place.source, bytes).expect("write");
        let refused = place.store(source).expect_err("it changed").message();
        assert!(refused.contains("given.blend"), "{refused}");
        assert_eq!(fs::read_dir(place.temp.path().join("store")).expect("list").count(), 0);
    }

    #[test]
    fn what_is_stored_is_made_of_the_file_that_was_opened() {
        let place = Place::new();
        let expected = place.store(place.open()).expect("stored");
        let other = Place::new();
        let source = other.open();
        let newer = other.temp.path().join("newer.blend");
        fs::write(&newer, b"another scene").expect("write");
        fs::rename(&newer, &other.source).expect("rename");
        // Its time of change is another by now, for it lost its name: refused rather than mixed.
        match other.store(source) {
            Ok(stored) => assert_eq!(stored.digest, expected.digest),
            Err(_) => assert!(other.stored().is_none()),
        }
    }

    #[test]
    fn a_copy_that_is_there_is_kept_if_it_is_the_same_and_never_replaced() {
        let place = Place::new();
        let first = place.store(place.open()).expect("stored");
        let stored = place.stored().expect("there");
        assert_eq!(Digest::of(&stored), first.digest);
        assert_eq!(place.store(place.open()).expect("kept"), first);
        let path = place.temp.path().join("store/A.blend");
        fs::write(&path, &stored[..stored.len() - 1]).expect("write");
        let refused = place.store(place.open()).expect_err("other bytes").message();
        assert!(refused.contains("releases/r1/store/A.blend: other bytes"), "{refused}");
        assert_eq!(place.stored().expect("there"), stored[..stored.len() - 1]);
    }
}
