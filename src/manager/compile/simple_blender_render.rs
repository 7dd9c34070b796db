//! Flamenco's built-in job type `simple-blender-render`, without its preview video (farm never sends `fps`): how it cuts
//! frames, and what it refuses.

use super::{Command, CompileError, Outline, chunks, render_command};
use crate::base::frame_set::FrameSet;
use crate::manager::RenderWork;

/// The job type's name.
pub const JOB_TYPE: &str = "simple-blender-render";

/// Formats that make one movie of all frames, which tasks over chunks cannot.
const MOVIE_FORMATS: [&str; 3] = ["FFMPEG", "AVI_RAW", "AVI_JPEG"];

/// One task per chunk.
pub fn outlines(work: &RenderWork) -> impl Iterator<Item = Outline> {
    chunks(work).map(|frames| Outline {
        name: format!("render-{}", ranges(&frames, "-")),
        task_type: "blender".into(),
        frames,
    })
}

/// Refuses what Flamenco would refuse, and what would mean nothing.
pub fn check(work: &RenderWork) -> Result<(), CompileError> {
    let refuse = |message: String| Err(CompileError(message));
    if work.frames.is_empty() {
        return refuse("there are no frames to render".into());
    }
    if work.chunk_size < 1 {
        return refuse("the chunk size is 0, it must be at least 1".into());
    }
    if MOVIE_FORMATS.contains(&work.format.as_str()) {
        return refuse(format!("the format {} makes a movie, {JOB_TYPE} renders images only", work.format));
    }
    for (what, path) in [("scene", &work.blendfile), ("output", &work.render_output_path)] {
        if !is_absolute(path) {
            return refuse(format!("the {what} path {path:?} is not absolute"));
        }
    }
    Ok(())
}

/// On any platform: workers may be of another one than this machine.
fn is_absolute(path: &str) -> bool {
    let has_drive = matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
    path.starts_with('/') || has_drive || begins_with_variable(path)
}

/// A variable is filled in by whoever runs the task.
fn begins_with_variable(path: &str) -> bool {
    path.strip_prefix('{').and_then(|rest| rest.split_once("}/")).is_some_and(|(name, _)| !name.is_empty())
}

/// The frames as Flamenco takes them: plain numbers and ranges, `1-3,7`.
pub fn plain_frames(frames: &FrameSet) -> String {
    ranges(frames, "-")
}

/// One start of Blender for all of the frames.
pub fn commands(work: &RenderWork) -> Vec<Command> {
    vec![render_command::command(work, &ranges(&work.frames, ".."))]
}

/// `2,4<dash>6,9`: three neighbours or more as a range, as Flamenco writes them; every other step as single frames, for
/// neither Flamenco nor Blender has steps.
pub(super) fn ranges(frames: &FrameSet, dash: &str) -> String {
    let mut runs: Vec<(i32, i32)> = Vec::new();
    for frame in frames.iter() {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == frame => *last = frame,
            _ => runs.push((frame, frame)),
        }
    }
    let items: Vec<String> = runs
        .into_iter()
        .map(|(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first},{last}"),
            _ => format!("{first}{dash}{last}"),
        })
        .collect();
    items.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(frames: &str, chunk_size: u32) -> RenderWork {
        RenderWork {
            blendfile: "/v/a.blend".into(),
            scene: None,
            frames: frames.parse().unwrap(),
            chunk_size,
            render_output_path: "/v/out/######".into(),
            format: "PNG".into(),
            image_file_extension: ".png".into(),
            options: crate::base::render_options::RenderOptions::default(),
        }
    }

    fn words(work: &RenderWork) -> Vec<String> {
        serde_json::from_value(commands(work)[0].parameters["args"].clone()).unwrap()
    }

    /// The chunks are those that the real Manager made of the same text.
    #[test]
    fn frames_are_cut_as_flamenco_cuts_them() {
        for (frames, chunk, names, last) in [
            ("3, 5-10, 47-50", 4, "render-3,5-7 render-8-10,47 render-48-50", "48..50"),
            ("1,4,7,10", 2, "render-1,4 render-7,10", "7,10"),
            ("101-110x3", 10, "render-101,104,107,110", "101,104,107,110"),
            ("2,4-6,9", 99, "render-2,4-6,9", "2,4..6,9"),
            ("7", 1, "render-7", "7"),
            ("1,2,5-7", 99, "render-1,2,5-7", "1,2,5..7"),
        ] {
            let work = work(frames, chunk);
            let tasks: Vec<Outline> = outlines(&work).collect();
            let made: Vec<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
            assert_eq!(made.join(" "), names);
            assert!(tasks.iter().all(|task| task.task_type == "blender"));
            let of_last = RenderWork { frames: tasks.last().unwrap().frames.clone(), ..work };
            assert_eq!(words(&of_last).last().unwrap(), last);
        }
    }

    #[test]
    fn arguments_come_in_the_order_that_blender_needs() {
        let work = RenderWork { scene: Some("Close up".into()), ..work("1-3", 5) };
        let expected = [
            "--scene",
            "Close up",
            "--python-expr",
            render_command::RENDER_SETTINGS,
            "--render-output",
            "/v/out/######",
            "--render-format",
            "PNG",
            "--render-frame",
            "1..3",
        ];
        assert_eq!(words(&work), expected);
        let parameters = &commands(&work)[0].parameters;
        assert_eq!(parameters["exe"], "{blender}");
        assert_eq!(parameters["exeArgs"], "{blenderArgs}");
        assert_eq!(parameters["blendfile"], "/v/a.blend");
    }

    #[test]
    fn wrong_work_is_refused_with_the_reason() {
        let none = RenderWork { frames: FrameSet::default(), ..work("1", 1) };
        for (wrong, word) in [
            (none, "no frames"),
            (work("1", 0), "chunk"),
            (RenderWork { format: "FFMPEG".into(), ..work("1", 1) }, "movie"),
            (RenderWork { blendfile: "a.blend".into(), ..work("1", 1) }, "scene path"),
            (RenderWork { render_output_path: "//out/##".replace("//", ""), ..work("1", 1) }, "output path"),
        ] {
            let error = check(&wrong).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
