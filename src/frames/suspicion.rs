//! Lines of a Blender log that mean wrong pixels although Blender ended with exit code 0.
//!
//! Each line was seen in real logs of 3.4.1 and 5.0.1 (`tests/fixtures/logs`). A missing texture, font or volume leaves no line at
//! all: those are found before submission, by reading the scene.

use super::render_log::{frame_of, marker};
use crate::base::frame_set::FrameSet;
use serde::{Deserialize, Serialize};
use std::fmt;

/// More distinct lines than anyone reads; a log may hold one for each of a million objects.
const MAX_SUSPICIONS: usize = 100;
/// The longest line that is repeated, in characters.
const MAX_LINE: usize = 300;

/// One of these is in every line that means something.
const SIGNS: [&str; 9] = [
    "Error in PyDriver",
    "BPY_driver_exec",
    "scripts disabled for ",
    "Cannot find lib '",
    "LIB: ",
    "Color management: ",
    "color_management",
    "skipping existing frame ",
    "Traceback (most recent call last)",
];

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuspicionKind {
    /// A driver's expression failed; the property keeps its last value.
    DriverFailed,
    /// A driver needs scripts, and scripts are not allowed.
    DriverBlocked,
    /// A script in the scene was not run because scripts are not allowed.
    ScriptBlocked,
    /// A script, handler or add-on failed.
    ScriptFailed,
    /// An add-on is not installed.
    AddonMissing,
    /// A linked library or something in it was not found; its objects are not in the picture.
    LibraryMissing,
    /// The colour configuration lacks what the scene asks for.
    ColourFallback,
    /// The frame was not rendered because its file existed.
    FrameSkipped,
}

impl fmt::Display for SuspicionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            SuspicionKind::DriverFailed => "a driver failed",
            SuspicionKind::DriverBlocked => "a driver was blocked, for scripts are not allowed",
            SuspicionKind::ScriptBlocked => "a script was not run, for scripts are not allowed",
            SuspicionKind::ScriptFailed => "a script failed",
            SuspicionKind::AddonMissing => "an add-on is missing",
            SuspicionKind::LibraryMissing => "a linked library is missing",
            SuspicionKind::ColourFallback => "the colour configuration does not fit the scene",
            SuspicionKind::FrameSkipped => "the frame was skipped because its file existed",
        })
    }
}

impl SuspicionKind {
    /// Whether frames rendered later in the same process are wrong too: Blender does not try a failed driver again, and what
    /// was missing when the scene was read stays missing.
    fn lasts(self) -> bool {
        !matches!(self, SuspicionKind::ScriptFailed | SuspicionKind::FrameSkipped)
    }
}

/// One reason to look at frames before trusting them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspicion {
    /// What is wrong.
    pub kind: SuspicionKind,
    /// The line that says so, shortened, as Blender wrote it.
    pub line: String,
    /// The frames concerned; `None`: all frames of the task.
    pub frames: Option<FrameSet>,
}

/// The suspicions in the log of one task, each distinct line once.
///
/// A line belongs to the frame that is named next in the log (`Fra:N` or a saved file), for Blender evaluates a frame before it says
/// which; before the first frame it concerns all. A script that fails after the last frame was saved cannot have changed a
/// pixel and is left out.
pub fn suspicions(log: &str) -> Vec<Suspicion> {
    // Most logs are fine, and long: they are not looked at line by line.
    if !SIGNS.iter().any(|sign| log.contains(sign)) {
        return Vec::new();
    }
    let lines: Vec<&str> = log.lines().collect();
    let rendered: Vec<(usize, i32)> =
        lines.iter().enumerate().filter_map(|(at, line)| Some((at, marker(line)?.frame()))).collect();
    let scene_read = lines.iter().rposition(|line| line.contains("Read blend: "));
    let mut found: Vec<Suspicion> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some((kind, line)) = recognise(&lines, at, line) else { continue };
        // Said of Blender's own start-up scene.
        if kind == SuspicionKind::ColourFallback && scene_read.is_some_and(|read| at < read) {
            continue;
        }
        if let Some(frames) = concerned(kind, at, line, &rendered) {
            add(&mut found, Suspicion { kind, line: line.trim().chars().take(MAX_LINE).collect(), frames });
        }
        if found.len() >= MAX_SUSPICIONS {
            break;
        }
    }
    found
}

/// What a line means, and the line to show for it.
fn recognise<'a>(lines: &[&'a str], at: usize, line: &'a str) -> Option<(SuspicionKind, &'a str)> {
    let kind = if line.starts_with("Error in PyDriver") {
        SuspicionKind::DriverFailed
    } else if line.contains("BPY_driver_exec: restricted access disallows") {
        SuspicionKind::DriverBlocked
    } else if line.starts_with("scripts disabled for ") {
        SuspicionKind::ScriptBlocked
    } else if line.contains("Cannot find lib '") || (line.contains("LIB: ") && line.contains(" missing from '")) {
        SuspicionKind::LibraryMissing
    } else if line.contains("Color management: scene view ")
        || (line.contains("color_management") && line.contains("WARNING"))
    {
        SuspicionKind::ColourFallback
    } else if line.starts_with("skipping existing frame ") {
        SuspicionKind::FrameSkipped
    } else if line.contains("Traceback (most recent call last)") {
        return traceback(&lines[at + 1..]);
    } else {
        return None;
    };
    Some((kind, line))
}

/// A Python traceback: indented lines, then the exception. That of a driver has been reported by its own line.
fn traceback<'a>(rest: &[&'a str]) -> Option<(SuspicionKind, &'a str)> {
    let end = rest.iter().position(|line| !line.starts_with(' '))?;
    let (calls, exception) = (&rest[..end], rest[end]);
    if calls.iter().any(|line| line.contains("\"<bpy driver>\"")) {
        return None;
    }
    let missing =
        calls.iter().any(|line| line.contains("addon_utils.py")) && exception.starts_with("ModuleNotFoundError");
    Some((if missing { SuspicionKind::AddonMissing } else { SuspicionKind::ScriptFailed }, exception))
}

/// The frames that a line at `at` concerns; `Some(None)`: all, `None`: none.
fn concerned(kind: SuspicionKind, at: usize, line: &str, rendered: &[(usize, i32)]) -> Option<Option<FrameSet>> {
    if kind == SuspicionKind::FrameSkipped {
        let path = line.split('"').nth(1)?;
        return Some(frame_of(path).map(|frame| FrameSet::from_iter([frame])));
    }
    let next = rendered.partition_point(|(marked, _)| *marked < at);
    match rendered.get(next) {
        _ if next == 0 => Some(None),
        Some(_) if kind.lasts() => Some(Some(rendered[next..].iter().map(|(_, frame)| *frame).collect())),
        Some((_, frame)) => Some(Some(FrameSet::from_iter([*frame]))),
        None => None,
    }
}

/// Adds a suspicion, or its frames to an equal one.
fn add(found: &mut Vec<Suspicion>, new: Suspicion) {
    let same = found
        .iter_mut()
        .find(|old| old.kind == new.kind && (old.line == new.line || new.kind == SuspicionKind::FrameSkipped));
    match same {
        Some(old) => {
            old.frames = old.frames.take().zip(new.frames).map(|(old, new)| old.union(&new));
        }
        None => found.push(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SuspicionKind::*;

    macro_rules! log {
        ($name:literal) => {
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/logs/", $name, ".log"))
        };
    }

    /// Kinds and frames; `*` for all frames.
    fn found(log: &str) -> Vec<(SuspicionKind, String)> {
        let text = |frames: Option<FrameSet>| frames.map_or("*".to_owned(), |frames| frames.to_string());
        suspicions(log).into_iter().map(|s| (s.kind, text(s.frames))).collect()
    }

    fn all(kinds: &[SuspicionKind]) -> Vec<(SuspicionKind, String)> {
        kinds.iter().map(|&kind| (kind, "*".to_owned())).collect()
    }

    #[test]
    fn a_good_log_is_not_suspicious() {
        assert_eq!(found(log!("fine")), []);
        assert_eq!(found(""), []);
    }

    #[test]
    fn real_logs_of_3_4_are_understood() {
        assert_eq!(found(log!("driver")), all(&[DriverFailed]));
        assert_eq!(found(log!("blocked")), all(&[DriverBlocked, DriverFailed]));
        assert_eq!(found(log!("autotext")), all(&[ScriptFailed]));
        assert_eq!(found(log!("autotext_off")), all(&[ScriptBlocked, DriverBlocked, DriverFailed]));
        assert_eq!(found(log!("uselib")), all(&[LibraryMissing, LibraryMissing]));
        assert_eq!(found(log!("addon")), all(&[AddonMissing]));
        assert_eq!(found(log!("color")), all(&[ColourFallback]));
        assert_eq!(found(log!("skipped")), [(FrameSkipped, "1-3".into())]);
    }

    #[test]
    fn real_logs_of_5_0_are_understood() {
        assert_eq!(found(log!("uselib_v50")), all(&[LibraryMissing, LibraryMissing]));
        assert_eq!(found(log!("handler_v50")), all(&[DriverBlocked, DriverFailed, ScriptFailed]));
        let colour = suspicions(log!("color_v50"));
        assert_eq!(colour.len(), 1);
        assert!(colour[0].line.contains("Filmic"), "{}", colour[0].line);
    }

    #[test]
    fn the_exception_is_the_line_shown() {
        let shown: Vec<String> = suspicions(log!("handler")).into_iter().map(|s| s.line).collect();
        assert_eq!(shown, ["RuntimeError: x"]);
    }

    #[test]
    fn lines_belong_to_the_frame_that_follows() {
        let script = "Traceback (most recent call last):\n  File \"h.py\", line 4, in f\nRuntimeError: x\n";
        let driver = "Error in PyDriver: expression failed: y\n";
        let saved = |frame: i32| {
            format!("Fra:{frame} Mem:1M\nSaved: '/o/{frame:06}.png'\n Time: 00:00.10 (Saving: 00:00.00)\n")
        };
        let log = [saved(1), script.into(), saved(2), driver.into(), saved(3), saved(4), script.into()].concat();
        assert_eq!(found(&log), [(ScriptFailed, "2".into()), (DriverFailed, "3-4".into())]);
    }

    #[test]
    fn a_flood_of_lines_is_cut() {
        let log: String =
            (0..5000).map(|n| format!("Info: LIB: Object: '{n}' missing from 'l.blend', parent\n")).collect();
        assert_eq!(suspicions(&log).len(), MAX_SUSPICIONS);
    }

    proptest::proptest! {
        #[test]
        fn no_log_panics(log in "(Traceback \\(most recent call last\\)|Fra:|skipping existing frame |Error in PyDriver|\\PC|\n|\"|'| ){0,80}") {
            let _ = suspicions(&log);
        }
    }
}
