//! A stand-in for Blender that takes milliseconds: `fake_blender.sh` with a pool of ready-made frames.

use super::png::{Filling, picture};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// How the stand-in behaves.
#[derive(Clone)]
pub(crate) struct Fake {
    /// Width and height of its frames; must be what the scenes say.
    pub(crate) size: (u32, u32),
    /// What its frames show.
    pub(crate) filling: Filling,
    /// It knows the frames from 1 to this.
    pub(crate) frames: u32,
    /// Seconds per frame, as text for `sleep`; then it writes each frame in two halves.
    pub(crate) pause: &'static str,
    /// The frame at which it gives up.
    pub(crate) fails_at: Option<u32>,
    /// The frame that it says nothing of and does not write.
    pub(crate) forgets: Option<u32>,
    /// A line for each frame's log, with `printf`'s escapes.
    pub(crate) says: &'static str,
}

impl Default for Fake {
    fn default() -> Self {
        Fake { size: (64, 64), filling: Filling::Noise, frames: 20, pause: "", fails_at: None, forgets: None, says: "" }
    }
}

impl Fake {
    /// Puts the stand-in into `folder`, with its frames, and returns the program.
    pub(crate) fn install(&self, folder: &Path) -> PathBuf {
        let pool = folder.join("pool");
        fs::create_dir_all(&pool).expect("a folder for frames");
        for frame in 1..=self.frames {
            let bytes = picture(self.size.0, self.size.1, self.filling, u64::from(frame));
            fs::write(pool.join(format!("{frame:06}.png")), bytes).expect("a frame for the pool");
        }
        let program = folder.join("blender");
        let head = format!(
            "#!/bin/sh\nPOOL='{}' LOG='{}' PAUSE='{}' FAIL='{}' FORGET='{}' SAY='{}'\n",
            pool.display(),
            folder.join("rendered.log").display(),
            self.pause,
            self.fails_at.map(|frame| frame.to_string()).unwrap_or_default(),
            self.forgets.map(|frame| frame.to_string()).unwrap_or_default(),
            self.says,
        );
        fs::write(&program, head + include_str!("fake_blender.sh")).expect("the stand-in");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it may be run");
        program
    }
}

/// The lines `job frame` of everything that the stand-in in `folder` rendered, and `TWICE job frame`.
pub(crate) fn rendered(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("rendered.log")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_stand_in_does_what_a_worker_asks_of_blender() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Fake { frames: 5, fails_at: Some(5), size: (8, 8), ..Fake::default() }.install(folder.path());
    let scene = folder.path().join("a.blend");
    fs::write(&scene, "a scene").expect("a scene");
    let out = folder.path().join("out/A");
    let run = |frames: &str, more: &[&str]| {
        let mut command = std::process::Command::new(&program);
        command.args(["-b", "-y"]).arg(&scene).args(more).arg("--render-output").arg(out.join("######"));
        command.args(["--render-format", "PNG", "--render-frame", frames]).output().expect("it runs")
    };
    let output = run("1..2,4", &[]);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains(&format!("Saved: '{}'", out.join("000004.png").display())) && said.contains("Fra:2 "),
        "{said}"
    );
    assert_eq!(super::png::size_of(&out.join("000002.png")), Some((8, 8)));
    assert!(!out.join("000003.png").exists());
    assert_eq!(rendered(folder.path()), ["A 1", "A 2", "A 4"]);

    fs::write(out.join("000003.png"), "").expect("an empty frame");
    let keep = ["--python-expr", "import bpy; bpy.context.scene.render.use_overwrite = False"];
    assert!(String::from_utf8_lossy(&run("3", &keep).stdout).contains("skipping existing frame"));
    assert_eq!(run("5", &[]).status.code(), Some(1));
    fs::rename(&scene, folder.path().join("gone")).expect("the scene goes");
    assert_eq!(run("1", &[]).status.code(), Some(1));
}
