//! What a Blender log says about progress: which frames were saved, and how long each took.
//!
//! Up to 4.x a frame's lines are `Fra:2 Mem:…`, `Saved: '/out/000002.png'` and ` Time: 00:01.23 (Saving: 00:00.02)`; 5.0 writes no
//! `Fra:` and no `Time:` lines but puts the time since its start before each: `00:00.471  render | Saved: '…'`.

use std::ops::Range;

/// Before the path of a saved frame.
const SAVED: &str = "Saved: '";

/// A frame that was saved.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedFrame {
    /// Its number.
    pub frame: i32,
    /// Its path as Blender wrote it (of several views the first).
    pub path: String,
    /// How long it took, in seconds, if the log says. From 5.0 on the first frame includes what follows the reading of the scene.
    pub seconds: Option<f64>,
}

/// The progress that a log shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RenderLog {
    /// The frames saved, in the order rendered.
    pub saved: Vec<SavedFrame>,
    /// The frame last begun and not saved.
    pub in_progress: Option<i32>,
}

/// A line that says which frame is being rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker<'a> {
    Begun(i32),
    Saved(i32, &'a str),
}

impl Marker<'_> {
    pub(super) fn frame(&self) -> i32 {
        match self {
            Marker::Begun(frame) | Marker::Saved(frame, _) => *frame,
        }
    }
}

impl RenderLog {
    /// Reads a log, whole or as far as it has come.
    pub fn read(log: &str) -> Self {
        let mut progress = RenderLog::default();
        let mut last_stamp = None;
        for line in log.lines() {
            match marker(line) {
                Some(Marker::Begun(frame)) => progress.begin(frame),
                Some(Marker::Saved(frame, path)) => {
                    let since = stamp(line).zip(last_stamp).map(|(now, then): (f64, f64)| now - then);
                    progress.save(frame, path, since.filter(|seconds| *seconds >= 0.0));
                }
                None => progress.time(line),
            }
            if line.contains(SAVED) || line.contains("Read blend: ") {
                last_stamp = stamp(line);
            }
        }
        progress
    }

    fn begin(&mut self, frame: i32) {
        if self.saved.last().is_none_or(|saved| saved.frame != frame) {
            self.in_progress = Some(frame);
        }
    }

    fn save(&mut self, frame: i32, path: &str, seconds: Option<f64>) {
        self.in_progress = None;
        match self.saved.last() {
            // The other views of the same frame.
            Some(last) if last.frame == frame => {}
            _ => self.saved.push(SavedFrame { frame, path: path.to_owned(), seconds }),
        }
    }

    fn time(&mut self, line: &str) {
        let spent = line.trim_start().strip_prefix("Time: ").and_then(|rest| rest.split_once(" (Saving: "));
        if let (Some((spent, _)), Some(last)) = (spent, self.saved.last_mut()) {
            last.seconds = seconds(spent).or(last.seconds);
        }
    }

    /// The mean seconds per frame of those whose time is known.
    pub fn seconds_per_frame(&self) -> Option<f64> {
        let known: Vec<f64> = self.saved.iter().filter_map(|saved| saved.seconds).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    }
}

/// A line as the renderer wrote it: Flamenco's Workers put `pid=N > ` before each.
pub fn as_written(line: &str) -> &str {
    let rest = line.strip_prefix("pid=").map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    rest.and_then(|rest| rest.strip_prefix(" > ")).unwrap_or(line)
}

/// A log as the renderer wrote it.
pub fn log_as_written(log: &str) -> String {
    log.lines().map(as_written).collect::<Vec<_>>().join("\n")
}

/// What a line says about the frame being rendered.
pub(super) fn marker(line: &str) -> Option<Marker<'_>> {
    if let Some(rest) = line.strip_prefix("Fra:") {
        let number = rest.split([' ', '\t']).next()?;
        return number.parse().ok().map(Marker::Begun);
    }
    // Quoted only: File Output nodes of 3.x write the same word without quotes. Most lines are told by a look, which is
    // quicker than to split.
    let (_, rest) = line.contains(SAVED).then(|| line.split_once(SAVED))??;
    let path = &rest[..rest.rfind('\'')?];
    Some(Marker::Saved(frame_of(path)?, path))
}

/// The frame number in a file's name: its leading digits (farm's own names), else its last run of digits.
pub(super) fn frame_of(path: &str) -> Option<i32> {
    let name = path.rsplit(['/', '\\']).next()?;
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let unsigned = stem.strip_prefix('-').unwrap_or(stem);
    let leading = unsigned.len() - unsigned.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if leading > 0 {
        return stem[..stem.len() - unsigned.len() + leading].parse().ok();
    }
    stem[last_digits(stem)?].parse().ok()
}

fn last_digits(text: &str) -> Option<Range<usize>> {
    let end = text.rfind(|c: char| c.is_ascii_digit())? + 1;
    let start = text[..end].rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| {
        let width = text[at..].chars().next().map_or(1, char::len_utf8);
        at + width
    });
    Some(start..end)
}

/// The time since the start that 5.0 puts before a line.
fn stamp(line: &str) -> Option<f64> {
    line.contains(" | ").then(|| seconds(line.split(' ').next()?)).flatten()
}

/// `MM:SS.ss` or `HH:MM:SS.ss` in seconds.
fn seconds(text: &str) -> Option<f64> {
    let parts: Vec<&str> = text.trim().split(':').collect();
    if !(2..=3).contains(&parts.len()) {
        return None;
    }
    let add =
        |sum: f64, part: &&str| Some(sum * 60.0 + part.parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0)?);
    parts.iter().try_fold(0.0, add)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/logs/fine.log"));
    const FLAMENCO: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/logs/flamenco.log"));
    const V50: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/logs/uselib_v50.log"));

    /// Of a Worker 3.9-beta1.
    #[test]
    fn a_workers_log_says_what_its_renderer_said() {
        let log = RenderLog::read(&log_as_written(FLAMENCO));
        let frames: Vec<i32> = log.saved.iter().map(|saved| saved.frame).collect();
        assert_eq!(frames.len(), 4, "{frames:?}");
        assert!(log.saved.iter().all(|saved| saved.seconds.is_some()), "{log:?}");
        assert_eq!(as_written("pid=7 > Saved"), "Saved");
        for other in ["pid=7> x", "pid=x > y", "pid=", "Fra:1 pid=7 > x", ""] {
            assert_eq!(as_written(other), other);
        }
    }

    #[test]
    fn a_log_of_3_4_gives_frames_and_times() {
        let log = RenderLog::read(FINE);
        assert_eq!(log.saved.iter().map(|saved| saved.frame).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(log.saved[0].path, "/farm/out/000001.png");
        assert!(log.saved.iter().all(|saved| saved.seconds.is_some()));
        assert_eq!((log.in_progress, log.saved[1].seconds), (None, Some(0.0)));
    }

    #[test]
    fn a_cut_log_shows_the_frame_in_progress() {
        let cut = &FINE[..FINE.rfind("Saved: ").expect("three of them")];
        let log = RenderLog::read(cut);
        assert_eq!((log.saved.len(), log.in_progress), (2, Some(3)));
    }

    #[test]
    fn a_log_of_5_0_gives_frames_and_times_from_its_stamps() {
        let log = RenderLog::read(V50);
        assert_eq!(log.saved.iter().map(|saved| saved.frame).collect::<Vec<_>>(), [1, 2, 3]);
        let times: Vec<i64> =
            log.saved.iter().filter_map(|saved| saved.seconds).map(|s| (s * 1000.0).round() as i64).collect();
        assert_eq!(times, [62, 5, 4]);
        assert!(log.seconds_per_frame().is_some_and(|mean| (0.02..0.03).contains(&mean)));
    }

    #[test]
    fn views_are_one_frame_and_hours_are_hours() {
        let log = RenderLog::read(
            "Saved: 'o/000002_L.png'\nSaved: 'o/000002_R.png'\n Time: 01:02:03.50 (Saving: 00:00.00)\n",
        );
        assert_eq!((log.saved.len(), log.saved[0].seconds), (1, Some(3723.5)));
        assert_eq!(RenderLog::default().seconds_per_frame(), None);
    }

    #[test]
    fn frame_numbers_are_read_from_names() {
        for (path, frame) in [
            ("/a/000002.png", Some(2)),
            ("C:\\a\\-000005.exr", Some(-5)),
            ("/a/000001_cam2.png", Some(1)),
            ("/a/shot_0042.png", Some(42)),
            ("/a/ä7ö.png", Some(7)),
            ("/1/none.png", None),
            ("/a/99999999999999999999.png", None),
        ] {
            assert_eq!(frame_of(path), frame, "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_log_panics(log in "(Fra:|Saved: '|Time: | \\(Saving: |[0-9:.' |\n-]|.){0,60}") {
            let _ = RenderLog::read(&log);
        }
    }
}
