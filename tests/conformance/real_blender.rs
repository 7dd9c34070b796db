//! The same with the real Blender, where it is installed.

use super::guard::guard;
use super::skipped::skipped;
use farm::base::ids::RunId;
use farm::base::status::JobStatus;
use farm::manager::local::{Autoexec, Local, LocalSettings, WorkerHooks, WorkerOptions, work};
use farm::manager::{Manager, ManagerJob, ManagerTask, RenderWork, Submission, Work, job};
use farm::sys::process::environment::find_program;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Copies the sample scene to `root` and makes a run of it.
pub(crate) fn cube(root: &Path, frames: &str, chunk_size: u32) -> Submission {
    let scene = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenes/cube3.blend");
    std::fs::copy(scene, root.join("cube3.blend")).unwrap();
    let text = |path: &str| root.join(path).to_string_lossy().into_owned();
    Submission {
        name: "r1/cube3".into(),
        priority: 50,
        metadata: BTreeMap::from([(job::META_ID.to_owned(), RunId::random().to_string())]),
        tag: None,
        paused: false,
        work: Work::SimpleBlenderRender(RenderWork {
            blendfile: text("cube3.blend"),
            scene: None,
            frames: frames.parse().unwrap(),
            chunk_size,
            render_output_path: text("out/######"),
            format: "PNG".into(),
            image_file_extension: ".png".into(),
            options: Default::default(),
        }),
    }
}

/// Whether a file is a PNG with its end.
pub(crate) fn is_whole_png(path: &Path) -> bool {
    let bytes = std::fs::read(path).unwrap_or_default();
    bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.ends_with(b"IEND\xaeB`\x82")
}

/// Whether a program is here that `test` needs. Where all must run, as CI says by its variable, it must be.
pub(crate) fn has(program: &str, test: &str) -> bool {
    let found = find_program(program).is_some();
    assert!(found || std::env::var_os("CI").is_none(), "{test}: {program} is not installed");
    if !found {
        skipped(test, &format!("{program} is not installed"));
    }
    found
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl WorkerHooks for Lines {
    fn line(&self, _: &ManagerJob, _: &ManagerTask, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

#[test]
fn blender_renders_the_frames_that_are_asked_for_and_no_others() {
    if !has("blender", "blender_renders_the_frames_that_are_asked_for_and_no_others") {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let settings = LocalSettings {
        blender_args: Autoexec::Disabled.blender_args(),
        ..LocalSettings::new(root.path().join("local"))
    };
    let local = Local::open(settings).unwrap();
    let job = local.submit(&cube(root.path(), "1-2,5,10-16x3", 4)).unwrap();
    let lines = Lines::default();
    work(&local, &WorkerOptions::new(guard()), &lines, &AtomicBool::new(false)).unwrap();
    let after = local.job(&job.id).unwrap().unwrap();
    assert_eq!(after.status, JobStatus::Completed, "{after:?}");
    for frame in [1, 2, 5, 10, 13, 16] {
        let path = root.path().join(format!("out/{frame:06}.png"));
        assert!(is_whole_png(&path), "{}", path.display());
    }
    assert_eq!(super::test_farm::names(&root.path().join("out")).len(), 6);
    let lines = lines.0.into_inner().unwrap();
    assert_eq!(lines.iter().filter(|line| line.starts_with("Saved: ")).count(), 6, "{lines:?}");
    assert!(super::test_farm::names(&root.path().join("local/tmp")).is_empty());
}

#[test]
fn a_scene_that_is_not_there_fails_with_blenders_own_words() {
    if !has("blender", "a_scene_that_is_not_there_fails_with_blenders_own_words") {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let local = Local::open(LocalSettings::new(root.path().join("local"))).unwrap();
    let submission = cube(root.path(), "1", 1);
    std::fs::rename(root.path().join("cube3.blend"), root.path().join("gone.blend")).unwrap();
    let job = local.submit(&submission).unwrap();
    work(&local, &WorkerOptions::new(guard()), &(), &AtomicBool::new(false)).unwrap();
    assert_eq!(local.job(&job.id).unwrap().unwrap().status, JobStatus::Failed);
    let task = local.tasks(&job.id).unwrap().remove(0).id;
    let tail = local.log_tail(&task).unwrap().unwrap();
    assert!(tail.contains("cube3.blend") && tail.contains("exit code 1"), "{tail}");
}

/// Prints how long 200 light frames take through the queue, and by Blender alone.
#[test]
#[ignore = "a measurement: cargo test --release --test conformance light_frames -- --ignored --nocapture"]
fn light_frames() {
    let root = tempfile::tempdir().unwrap();
    let local = Local::open(LocalSettings::new(root.path().join("local"))).unwrap();
    let round = |number: u32| {
        let submission = cube(root.path(), "1-200", 200);
        let Work::SimpleBlenderRender(mut work_of) = submission.work.clone();
        work_of.render_output_path = root.path().join(format!("out{number}/######")).to_string_lossy().into_owned();
        let start = Instant::now();
        local.submit(&Submission { work: Work::SimpleBlenderRender(work_of), ..submission }).unwrap();
        let report = work(&local, &WorkerOptions::new(guard()), &(), &AtomicBool::new(false)).unwrap();
        assert_eq!(report.completed, 1);
        let farm = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let output = root.path().join(format!("bare{number}/######"));
        let blender = std::process::Command::new("blender")
            .args(["-b", "-y"])
            .arg(root.path().join("cube3.blend"))
            .arg("-o")
            .arg(output)
            .args(["-s", "1", "-e", "200", "-a"])
            .output()
            .unwrap();
        assert!(blender.status.success());
        let bare = start.elapsed().as_secs_f64();
        println!("farm {farm:.2} s, bare {bare:.2} s, ratio {:.3}, goal {:.2} s", farm / bare, bare * 1.05 + 0.2);
    };
    (0..5).for_each(round);
}
