//! Log lines after which another try of the same scene by the same Blender ends the same way.
//!
//! Each line was seen in real logs of 3.4.1 with exit code 1 and no frame saved.

use super::render_log::RenderLog;

/// What the log says, and what that means.
const HOPELESS: [(&str, &str); 6] = [
    ("Error: Cannot render, no camera", "the scene has no camera"),
    ("Missing DNA block", "the scene is damaged: Blender cannot read it"),
    ("File format is not supported in file", "Blender cannot read the scene: it is none, or of a newer Blender"),
    (", not a blend file", "Blender cannot read the scene: it is none, or of a newer Blender"),
    (
        "Error: Build without OpenImageDenoiser",
        "the scene is to be denoised, and this Blender was built without a denoiser",
    ),
    ("Error: engine not found", "this Blender does not have the scene's render engine"),
];

/// Why the task of this log would fail again, if that is certain. A log with a saved frame is not hopeless.
pub fn cause(log: &str) -> Option<&'static str> {
    let found = HOPELESS.iter().find(|(line, _)| log.contains(line))?;
    RenderLog::read(log).saved.is_empty().then_some(found.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_become_better_is_hopeless() {
        let no_camera = "Blender 3.4.1\nRead blend: /v/a.blend\nError: Cannot render, no camera\n\nBlender quit\n";
        assert_eq!(cause(no_camera), Some("the scene has no camera"));
        let newer = "Error: Failed to read blend file '/v/a.blend', not a blend file\n";
        assert!(cause(newer).is_some_and(|cause| cause.contains("newer")));
        for other in ["", "Killed\n", "Error: Cannot read file '/v/a.blend': No such file or directory\n"] {
            assert_eq!(cause(other), None, "{other}");
        }
        let later = format!("Fra:1\nSaved: '/o/000001.png'\n{no_camera}");
        assert_eq!(cause(&later), None, "it rendered a frame before");
    }
}
