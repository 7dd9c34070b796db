//! Which files a job must have, named as Blender names them (tried with 3.4.1: `#` runs, negative frames, suffixes of views).

use crate::base::error::{Class, Explain};
use crate::base::frame_set::FrameSet;
use crate::base::rel_path::{RelPath, RelPathError};
use serde::{Deserialize, Serialize};

/// The output pattern that farm gives to Blender: six digits, more where a frame needs them.
pub const FRAME_PATTERN: &str = "######";

/// What one expected file is to its job.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Role {
    /// The frame itself.
    Frame,
    /// One view of a stereo or multi-view frame.
    View {
        /// The suffix of the view, `_L`.
        view: String,
    },
    /// What a File Output node writes beside the frame.
    Pass {
        /// The node's name.
        node: String,
        /// The name of its slot.
        slot: String,
        /// The suffix of the view, if the node writes one file for each.
        view: Option<String>,
    },
}

impl Role {
    /// The suffix of the view, if this is one.
    pub fn view(&self) -> Option<&str> {
        match self {
            Role::Frame => None,
            Role::View { view } => Some(view),
            Role::Pass { view, .. } => view.as_deref(),
        }
    }
}

/// One file that must be there when its frame is rendered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Expected {
    /// The frame.
    pub frame: i32,
    /// The file beneath `out/<job>/`.
    pub path: RelPath,
    /// What it is.
    #[serde(flatten)]
    pub role: Role,
}

/// A file that a File Output node writes with each frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// The node's name.
    pub node: String,
    /// The slot's name; for a multilayer file the node's own.
    pub slot: String,
    /// The suffix of the view that it is of; `None` where there is one view.
    #[serde(default)]
    pub view: Option<String>,
    /// The path beneath `out/<job>/`; the last run of `#` in the file's name is the frame: `Node/Image####_L.png`.
    pub pattern: String,
}

/// All that decides which files a job must have.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Outputs {
    /// The frames.
    pub frames: FrameSet,
    /// The extension of the frames, without the dot; empty if the scene writes none.
    pub extension: String,
    /// Suffixes of the views (`_L`, `_R`) of which each gets a file of its own; none: one file for the frame.
    #[serde(default)]
    pub views: Vec<String>,
    /// The slots of the File Output nodes.
    #[serde(default)]
    pub passes: Vec<Pass>,
}

/// A name that Blender would write outside the job's folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} writes outside its job's folder: {cause}")]
pub struct OutputError {
    what: String,
    cause: RelPathError,
}

impl Explain for OutputError {
    fn class(&self) -> Class {
        Class::Refused
    }
    fn hint(&self) -> Option<String> {
        Some("Give the slot a plain name in the scene's compositor.".into())
    }
}

impl Outputs {
    /// Every file that must be there, frame by frame: the frame or its views, then the passes.
    pub fn files(&self) -> Result<Vec<Expected>, OutputError> {
        let mut files = Vec::new();
        for frame in self.frames.iter() {
            self.add_frame(frame, &mut files)?;
            for pass in &self.passes {
                pass.add(frame, &mut files)?;
            }
        }
        Ok(files)
    }

    fn add_frame(&self, frame: i32, files: &mut Vec<Expected>) -> Result<(), OutputError> {
        for view in each_view(&self.views) {
            let path = RelPath::new(&frame_file(frame, view, &self.extension));
            let path = path.map_err(|cause| OutputError { what: "the scene".into(), cause })?;
            let role = view.map_or(Role::Frame, |view| Role::View { view: view.into() });
            files.push(Expected { frame, path, role });
        }
        Ok(())
    }
}

impl Pass {
    fn add(&self, frame: i32, files: &mut Vec<Expected>) -> Result<(), OutputError> {
        let what = || format!("slot {:?} of File Output node {:?}", self.slot, self.node);
        let path = RelPath::new(&with_frame(&self.pattern, frame));
        let path = path.map_err(|cause| OutputError { what: what(), cause })?;
        let role = Role::Pass { node: self.node.clone(), slot: self.slot.clone(), view: self.view.clone() };
        files.push(Expected { frame, path, role });
        Ok(())
    }
}

/// Each view once; a job without views has one nameless one.
fn each_view(views: &[String]) -> impl Iterator<Item = Option<&str>> {
    let nameless = views.is_empty().then_some(None);
    nameless.into_iter().chain(views.iter().map(|view| Some(view.as_str())))
}

/// The name of a frame's file, as Blender makes it of [`FRAME_PATTERN`]: `000001_L.png`.
pub fn frame_file(frame: i32, view: Option<&str>, extension: &str) -> String {
    let dot = if extension.is_empty() { "" } else { "." };
    format!("{}{}{dot}{extension}", padded(frame, FRAME_PATTERN.len()), view.unwrap_or_default())
}

/// The path that `pattern` becomes for `frame`: the last run of `#` in the file's name is replaced.
fn with_frame(pattern: &str, frame: i32) -> String {
    let name = pattern.rfind('/').map_or(0, |at| at + 1);
    let Some(last) = pattern[name..].rfind('#').map(|at| at + name) else { return pattern.to_owned() };
    let head = pattern[..last].trim_end_matches('#');
    let first = head.len().max(name);
    format!("{}{}{}", &pattern[..first], padded(frame, last + 1 - first), &pattern[last + 1..])
}

/// A frame number as Blender pads it: the sign does not count as a digit.
pub fn padded(frame: i32, digits: usize) -> String {
    let sign = if frame < 0 { "-" } else { "" };
    format!("{sign}{:0digits$}", frame.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every pair was written by Blender 3.4.1.
    #[test]
    fn names_are_those_that_blender_writes() {
        for (frame, view, extension, written) in [
            (1, None, "png", "000001.png"),
            (-1, None, "png", "-000001.png"),
            (1_048_574, None, "png", "1048574.png"),
            (1, Some("_L"), "png", "000001_L.png"),
        ] {
            assert_eq!(frame_file(frame, view, extension), written);
        }
        for (pattern, frame, written) in [
            ("A/Image####.png", 1, "A/Image0001.png"),
            ("A/Image####_R.png", 1, "A/Image0001_R.png"),
            ("A/img_###_x.png", 0, "A/img_000_x.png"),
            ("A/two##then####.png", 1, "A/two##then0001.png"),
            ("a##/####.exr", -7, "a##/-0007.exr"),
            ("a##/plain.exr", 7, "a##/plain.exr"),
        ] {
            assert_eq!(with_frame(pattern, frame), written, "{pattern}");
        }
    }

    fn outputs() -> Outputs {
        let pass = |slot: &str, view: Option<&str>, pattern: &str| Pass {
            node: "Node".into(),
            slot: slot.into(),
            view: view.map(Into::into),
            pattern: pattern.into(),
        };
        Outputs {
            frames: "1-4x3".parse().expect("frames"),
            extension: "png".into(),
            views: vec!["_L".into(), "_R".into()],
            passes: vec![pass("depth", Some("_L"), "Node/depth####_L.exr"), pass("x###", None, "Node/x###.exr")],
        }
    }

    #[test]
    fn a_job_expects_views_and_passes_of_each_frame() {
        let files = outputs().files().expect("plain names");
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "000001_L.png",
                "000001_R.png",
                "Node/depth0001_L.exr",
                "Node/x001.exr",
                "000004_L.png",
                "000004_R.png",
                "Node/depth0004_L.exr",
                "Node/x004.exr"
            ]
        );
        assert_eq!(files[2].role.view(), Some("_L"));
        assert_eq!(files[3].role, Role::Pass { node: "Node".into(), slot: "x###".into(), view: None });
        let json = serde_json::to_string(&files[2]).expect("plain data");
        assert_eq!(serde_json::from_str::<Expected>(&json).expect("the same type"), files[2], "{json}");
    }

    #[test]
    fn slots_that_leave_the_folder_are_refused() {
        for pattern in ["../x", "/abs", "a//b", "./x"] {
            let mut outputs = outputs();
            outputs.passes[0].pattern = pattern.into();
            let error = outputs.files().expect_err(pattern);
            assert!(error.to_string().contains("depth"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_pattern_with_a_run_gives_a_name_with_the_frame(head in ".*", tail in "[a-z.]*", frame in any::<i32>()) {
            let path = with_frame(&format!("{head}####{tail}"), frame);
            prop_assert!(path.contains(&frame.unsigned_abs().to_string()));
        }
    }
}
