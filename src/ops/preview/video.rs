//! The video of a job's frames, by ffmpeg.
//!
//! Frames are named one by one in a list, so that gaps, steps and any naming template make no difference; each is shown
//! once, at the scene's own rate. The video grows in a temporary folder and is copied into place when it is whole.

use super::{Encoder, Series, Unmade};
use crate::ops::check::read_files::extension;
use crate::sys::disk::{Dir, Target};
use crate::sys::files::Appender;
use crate::sys::outside;
use crate::sys::process::probe;
use crate::sys::process::scratch::Scratch;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

/// How long ffmpeg may take for one frame, and for starting.
const PER_FRAME: Duration = Duration::from_secs(5);
const START: Duration = Duration::from_secs(60);
/// The rate where the scene gives none.
const USUAL_FPS: f64 = 24.0;
/// The longest piece of ffmpeg's words that is repeated, in characters.
const MAX_WORDS: usize = 300;

/// Encodes the job's frames as `name` in `folder`; `clear` makes room for it.
pub(super) fn make(
    dist: &Dir,
    folder: &Dir,
    name: &str,
    series: &Series<'_>,
    encoder: &Encoder,
    clear: impl Fn(&str) -> Result<(), Unmade>,
) -> Result<(), Unmade> {
    if series.files.len() < 2 {
        return Err(Unmade::NotWanted);
    }
    let scratch = Scratch::in_system_folder("farm-preview")?;
    let (list, video) = (scratch.path().join("frames.ffconcat"), scratch.path().join("video.mp4"));
    Appender::open(&list)?.append(frame_list(dist, series).as_bytes())?;
    let arguments = arguments(series, &list, &video);
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let limit = START + PER_FRAME * u32::try_from(series.files.len()).unwrap_or(u32::MAX);
    let said = probe::ask(&encoder.program, &words, limit).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Unmade::Impossible(format!("no video: there is no {} on this machine", encoder.program)),
        ErrorKind::Interrupted => Unmade::Impossible("no video: interrupted".to_owned()),
        _ => Unmade::Failed(format!("no video: {} could not be run: {error}", encoder.program)),
    })?;
    if said.code != Some(0) {
        let last = said.err.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        let words: String = last.chars().take(MAX_WORDS).collect();
        return Err(Unmade::Failed(format!("no video: {} failed: {words}", encoder.program)));
    }
    let made =
        outside::open(&video)?.ok_or_else(|| Unmade::Failed(format!("no video: {} wrote none", encoder.program)))?;
    clear(name)?;
    folder.copy_in(&made, name, Target::Replace)?;
    Ok(())
}

fn arguments(series: &Series<'_>, list: &Path, video: &Path) -> Vec<String> {
    let output = &series.record.current().output;
    let fps = if output.fps.is_finite() && output.fps > 0.0 { output.fps } else { USUAL_FPS };
    let mut words: Vec<String> = ["-hide_banner", "-nostdin", "-loglevel", "error", "-y"].map(str::to_owned).into();
    if series.files.first().is_some_and(|file| extension(file.path.as_str()).eq_ignore_ascii_case("exr")) {
        // Scene-linear into sRGB, as Blender shows it without a view transform.
        words.extend(["-apply_trc", "iec61966_2_1"].map(str::to_owned));
    }
    words.extend(["-f", "concat", "-safe", "0", "-r"].map(str::to_owned));
    words.extend([format!("{fps}"), "-i".to_owned(), list.display().to_string()]);
    // H.264 with subsampled colour, which every player knows, has even sides only.
    words.extend(
        ["-vf", "scale=trunc(iw/2)*2:trunc(ih/2)*2,format=yuv420p", "-c:v", "libx264", "-crf", "18"].map(str::to_owned),
    );
    words.extend(["-movflags", "+faststart", "-an"].map(str::to_owned));
    words.push(video.display().to_string());
    words
}

/// In ffmpeg's concat script a quote within quotes is written `'\''`.
fn frame_list(dist: &Dir, series: &Series<'_>) -> String {
    let mut list = "ffconcat version 1.0\n".to_owned();
    for file in &series.files {
        let path = dist.path_of(file.path.as_str()).display().to_string().replace('\'', "'\\''");
        list.push_str(&format!("file '{path}'\n"));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;
    use crate::base::rel_path::RelPath;
    use crate::base::time::Timestamp;
    use crate::frames::expected::Role;
    use crate::ops::check::room::Room;
    use crate::ops::harvest::manifest::{Manifest, ManifestFile};

    fn file(path: &str, frame: i32) -> ManifestFile {
        ManifestFile {
            path: RelPath::new(path).expect("path"),
            job: "A".parse().expect("name"),
            frame,
            role: Role::Frame,
            sha256: Digest::of(b""),
            size: 0,
            modified: Timestamp::from_unix(0),
            revision: 1,
            source: Digest::of(b""),
            scene: Digest::of(b"scene"),
            suspect: false,
            stale: false,
        }
    }

    #[test]
    fn frames_are_listed_in_order_and_quoted() {
        let mut room = Room::new(&[("A", "1-9x4")]);
        room.file.jobs[0].revisions[0].output.fps = 23.976;
        let mut manifest = Manifest::empty(room.release());
        manifest.files = vec![file("it's/A.0009.exr", 9), file("it's/A.0001.exr", 1)];
        let series = Series::of(&manifest, &room.file.jobs[0]).expect("frames");
        let list = frame_list(room.volume.root(), &series);
        let first = format!("file '{}/it'\\''s/A.0001.exr'", room.volume.path().display());
        assert_eq!(list.lines().nth(1), Some(first.as_str()));
        let words = arguments(&series, Path::new("/l"), Path::new("/v.mp4")).join(" ");
        assert!(words.contains("-apply_trc iec61966_2_1 -f concat -safe 0 -r 23.976 -i /l "), "{words}");
        assert!(words.ends_with(" /v.mp4"), "{words}");
    }
}
