//! Previews of harvested frames: a contact sheet for each job, and a video where the job is a sequence and ffmpeg is there.
//!
//! They are for looking at, so nothing about them fails a harvest: what cannot be made is said, and made the next time.

mod contact;
mod index;
mod video;

use crate::base::digest::{Digest, Hasher};
use crate::base::error::Failure;
use crate::base::name::{Home, JobName};
use crate::base::rel_path::RelPath;
use crate::frames::expected::Role;
use crate::ops::harvest::manifest::{Manifest, ManifestFile};
use crate::ops::ports::{Ports, Stage};
use crate::ops::release;
use crate::ops::work::discard;
use crate::sys::disk::{Dir, Kind};
use crate::sys::process::environment::find_program;
use crate::volume::Volume;
use crate::volume::layout;
use crate::volume::lock::Lock;
use crate::volume::release_file::JobRecord;
use index::{Index, Made};
use serde::Serialize;

/// The folder of previews beneath `dist/<release>/`.
pub const FOLDER: &str = "preview";

/// What makes videos.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoder {
    /// ffmpeg: a name on `PATH` or a path.
    pub program: String,
}

/// The previews of one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// The job.
    pub job: JobName,
    /// Whether they were made now.
    pub state: PreviewState,
    /// The contact sheet, beneath the volume.
    pub sheet: Option<RelPath>,
    /// The video, beneath the volume.
    pub video: Option<RelPath>,
    /// What could not be made, and why.
    pub notes: Vec<Note>,
}

/// Whether previews were made now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PreviewState {
    /// Now.
    Made,
    /// Before, of the same frames.
    Kept,
}

/// Something that could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// How much it matters.
    pub level: Level,
    /// What and why, a sentence without its full stop.
    pub text: String,
}

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// As it should be on this machine.
    Note,
    /// Something went wrong.
    Warning,
}

/// Makes the previews that are missing or out of date, of the jobs in `wanted`. `lock` covers the release.
pub fn make(
    ports: &Ports<'_>,
    lock: &Lock,
    release: &Home,
    wanted: &[JobName],
    encoder: &Encoder,
) -> Result<Vec<Preview>, Failure> {
    let manifest = Manifest::load(ports.volume, release)?;
    let file = release::load(ports.volume, release)?;
    let dist = ports.volume.make_dir(&layout::dist_dir(release))?;
    let folder = dist.make_dir(&RelPath::new(FOLDER)?)?;
    let mut index = Index::load(&folder);
    let mut previews = Vec::new();
    ports.progress.begin(Stage::Previews, wanted.len() as u64);
    for job in wanted {
        if ports.go_on().is_err() {
            break;
        }
        let record = file.as_ref().and_then(|file| file.job(job));
        let series = record.and_then(|record| Series::of(&manifest, record));
        if let Some(series) = series {
            let maker = Maker { ports, lock, release, dist: &dist, folder: &folder, encoder };
            previews.push(maker.preview(&series, &mut index)?);
        }
        ports.progress.advance(1);
    }
    index.save(&folder)?;
    ports.go_on()?;
    Ok(previews)
}

/// The previews of these jobs that farm made, beneath the volume. Reads only.
pub fn of_jobs(volume: &Volume, release: &Home, jobs: &[JobName]) -> Result<Vec<RelPath>, Failure> {
    let place = layout::dist_dir(release).join(FOLDER)?;
    let Some(folder) = volume.dir(&place)? else { return Ok(Vec::new()) };
    let index = Index::load(&folder);
    let made = jobs.iter().filter_map(|job| index.jobs.get(job));
    let mut paths = Vec::new();
    for name in made.flat_map(|made| made.sheet.iter().chain(&made.video)) {
        if folder.stat(name)?.is_some_and(|found| found.kind == Kind::File) {
            paths.push(place.join(name)?);
        }
    }
    Ok(paths)
}

/// The harvested frames of a job that stand for it: the frame itself, or its first view.
pub(crate) struct Series<'a> {
    pub(crate) record: &'a JobRecord,
    /// In the order of the frames; not out of date; never empty.
    pub(crate) files: Vec<&'a ManifestFile>,
}

impl<'a> Series<'a> {
    fn of(manifest: &'a Manifest, record: &'a JobRecord) -> Option<Self> {
        let first_view = record.current().output.views.first();
        let stands = |file: &&ManifestFile| match &file.role {
            Role::Frame => first_view.is_none(),
            Role::View { view } => Some(view) == first_view,
            Role::Pass { .. } => false,
        };
        let own = manifest.files.iter().filter(|file| file.job == record.name && !file.is_stale(Some(record)));
        let mut files: Vec<&ManifestFile> = own.filter(stands).collect();
        files.sort_by_key(|file| file.frame);
        (!files.is_empty()).then_some(Series { record, files })
    }

    /// Changes whenever a preview would look otherwise.
    fn fingerprint(&self) -> Digest {
        let output = &self.record.current().output;
        let mut hasher = Hasher::new();
        hasher.update(format!("{} {:?} {}\n", output.fps, output.movie, self.record.current().frames).as_bytes());
        for file in &self.files {
            hasher.update(format!("{} {} {}\n", file.frame, file.sha256, file.path).as_bytes());
        }
        hasher.finish()
    }
}

struct Maker<'a> {
    ports: &'a Ports<'a>,
    lock: &'a Lock,
    release: &'a Home,
    dist: &'a Dir,
    folder: &'a Dir,
    encoder: &'a Encoder,
}

impl Maker<'_> {
    fn preview(&self, series: &Series<'_>, index: &mut Index) -> Result<Preview, Failure> {
        let job = &series.record.name;
        let fingerprint = series.fingerprint();
        let is_whole =
            |made: &&Made| made.frames == fingerprint && self.is_there(made) && !self.lacks_video(made, series);
        let kept = index.jobs.get(job).filter(is_whole);
        if let Some(made) = kept {
            return self.told(job, PreviewState::Kept, made.clone(), Vec::new());
        }
        let own = index.jobs.get(job).cloned();
        let clear = |name: &str| self.clear(name, own.as_ref());
        let mut notes = Vec::new();
        let sheet = format!("{job}.png");
        let sheet =
            note(contact::make(self.ports, self.dist, self.folder, &sheet, series, clear), &mut notes).map(|()| sheet);
        let video = format!("{job}.mp4");
        let video =
            note(video::make(self.dist, self.folder, &video, series, self.encoder, clear), &mut notes).map(|()| video);
        // What failed is tried again; what cannot be here is not asked for each time.
        let made = Made { frames: fingerprint, sheet, video };
        // Then it is of no frames at all, and what was made stays known as farm's own.
        let has_failed = notes.iter().any(|note| note.level == Level::Warning);
        let frames = if has_failed { Digest::of(b"") } else { fingerprint };
        index.jobs.insert(job.clone(), Made { frames, ..made.clone() });
        self.told(job, PreviewState::Made, made, notes)
    }

    /// Makes room for a preview: what is called so and is none of farm's, as far as is known, goes to the trash.
    fn clear(&self, name: &str, own: Option<&Made>) -> Result<(), Unmade> {
        let is_own = own.is_some_and(|made| made.sheet.iter().chain(&made.video).any(|own| own == name));
        if is_own || self.folder.stat(name)?.is_none() {
            return Ok(());
        }
        let reason = "a preview has this name".to_owned();
        let moved = self.path_of(name).and_then(|path| discard(self.ports, self.lock, vec![(path, reason)]));
        moved.map_err(|failure| Unmade::Failed(format!("no preview {name}: {failure}")))
    }

    /// Where a preview lies, beneath the volume.
    fn path_of(&self, name: &str) -> Result<RelPath, Failure> {
        Ok(layout::dist_dir(self.release).join(&format!("{FOLDER}/{name}"))?)
    }

    /// Whether there was no ffmpeg, and is one now.
    fn lacks_video(&self, made: &Made, series: &Series<'_>) -> bool {
        made.video.is_none() && series.files.len() > 1 && find_program(&self.encoder.program).is_some()
    }

    fn is_there(&self, made: &Made) -> bool {
        let there = |name: &String| self.folder.stat(name).ok().flatten().is_some_and(|found| found.kind == Kind::File);
        made.sheet.iter().chain(&made.video).all(there)
    }

    fn told(&self, job: &JobName, state: PreviewState, made: Made, notes: Vec<Note>) -> Result<Preview, Failure> {
        let path = |name: String| self.path_of(&name);
        let (sheet, video) = (made.sheet.map(path).transpose()?, made.video.map(path).transpose()?);
        Ok(Preview { job: job.clone(), state, sheet, video, notes })
    }
}

/// Why one preview was not made.
pub(crate) enum Unmade {
    /// There is nothing to make: a still has no video.
    NotWanted,
    /// It cannot be made here.
    Impossible(String),
    /// It should have worked.
    Failed(String),
}

impl<E: std::error::Error> From<E> for Unmade {
    fn from(error: E) -> Self {
        Unmade::Failed(error.to_string())
    }
}

fn note(made: Result<(), Unmade>, notes: &mut Vec<Note>) -> Option<()> {
    let (level, text) = match made {
        Ok(()) => return Some(()),
        Err(Unmade::NotWanted) => return None,
        Err(Unmade::Impossible(text)) => (Level::Note, text),
        Err(Unmade::Failed(text)) => (Level::Warning, text),
    };
    notes.push(Note { level, text });
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::room::Room;
    use crate::ops::harvest::{Gaps, HarvestRequest, apply};

    fn harvested(jobs: &[(&str, &str)]) -> (Room, Lock) {
        let room = Room::rendered(jobs);
        let request = HarvestRequest { gaps: Gaps::Allow, ..HarvestRequest::of("r1".parse().expect("name")) };
        let (_, lock) = apply::harvest(&room.ports(), &request, None).expect("harvest");
        (room, lock)
    }

    fn previews(room: &Room, lock: &Lock, program: &str) -> Vec<Preview> {
        let jobs: Vec<JobName> = room.file.jobs.iter().map(|job| job.name.clone()).collect();
        let encoder = Encoder { program: program.to_owned() };
        make(&room.ports(), lock, room.release(), &jobs, &encoder).expect("nothing about previews fails")
    }

    #[test]
    fn sheets_are_drawn_once_and_a_missing_ffmpeg_is_a_note() {
        let (room, lock) = harvested(&[("A", "1-3"), ("still", "1")]);
        let made = previews(&room, &lock, "/nonexistent/ffmpeg");
        assert!(made.iter().all(|preview| preview.state == PreviewState::Made && preview.video.is_none()));
        let notes: Vec<&[Note]> = made.iter().map(|preview| preview.notes.as_slice()).collect();
        assert!(matches!(notes[0], [Note { level: Level::Note, .. }]), "{notes:?}");
        assert!(notes[1].is_empty(), "a still wants no video: {notes:?}");
        for sheet in ["dist/r1/preview/A.png", "dist/r1/preview/still.png"] {
            let bytes = room.read(sheet).expect("there");
            assert!(crate::frames::walk::walk(&bytes, "png").facts().is_some(), "{sheet}");
        }
        let before = room.tree("dist");
        let again = previews(&room, &lock, "/nonexistent/ffmpeg");
        assert!(again.iter().all(|preview| preview.state == PreviewState::Kept));
        assert_eq!(room.tree("dist"), before);
        room.lose("dist/r1/preview/A.png");
        let again = previews(&room, &lock, "/nonexistent/ffmpeg");
        let states: Vec<PreviewState> = again.iter().map(|preview| preview.state).collect();
        assert_eq!(states, [PreviewState::Made, PreviewState::Kept]);
    }

    #[test]
    fn a_failing_ffmpeg_is_a_warning_and_is_tried_again() {
        let (room, lock) = harvested(&[("A", "1-2")]);
        for _ in 0..2 {
            let made = previews(&room, &lock, "false");
            assert_eq!(made[0].state, PreviewState::Made);
            assert!(matches!(made[0].notes.as_slice(), [Note { level: Level::Warning, .. }]), "{:?}", made[0].notes);
        }
        let silent = previews(&room, &lock, "true");
        assert!(silent[0].notes[0].text.contains("wrote none"), "{:?}", silent[0].notes);
    }

    #[test]
    fn new_frames_make_new_previews() {
        let (room, lock) = harvested(&[("A", "1-3")]);
        previews(&room, &lock, "/nonexistent/ffmpeg");
        let mut manifest = Manifest::load(&room.volume, room.release()).expect("manifest");
        manifest.files.retain(|file| file.frame != 2);
        let dist = room.volume.make_dir(&layout::dist_dir(room.release())).expect("dist");
        Manifest::write(&dist, &manifest.into_text()).expect("save");
        assert_eq!(previews(&room, &lock, "/nonexistent/ffmpeg")[0].state, PreviewState::Made);
    }
}
