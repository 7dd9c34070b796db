//! `farm.inspect/1`

use crate::blend::rib::{RibFile, RibFrames};
use crate::blend::{Dependency, FileOutput, Lint, Scene, SceneFile};
use crate::ops::inspect::{Inspected, Said};
use serde::Serialize;

/// The document: one entry per file, in the order in which they were named.
#[derive(Serialize)]
pub(super) struct Document {
    schema: &'static str,
    files: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    path: String,
    #[serde(flatten)]
    view: View,
}

#[derive(Serialize)]
#[serde(untagged)]
enum View {
    Failed { error: String, next: Option<String> },
    Blend(Box<FileView>),
    Rib(RibView),
}

/// Keys that a .rib file has nothing for are there and empty, so that readers need not tell the kinds apart.
#[derive(Serialize)]
struct RibView {
    kind: &'static str,
    blender_version: Option<String>,
    bytes: u64,
    saved: String,
    compression: crate::blend::Compression,
    frames: Option<String>,
    binary: bool,
    width: Option<u32>,
    height: Option<u32>,
    displays: Vec<String>,
    scenes: Vec<SceneView>,
    dependencies: Vec<DependencyView>,
    lints: Vec<LintView>,
}

#[derive(Serialize)]
struct FileView {
    kind: &'static str,
    blender_version: String,
    subversion: Option<i64>,
    build_hash: Option<String>,
    bytes: u64,
    saved: String,
    compression: crate::blend::Compression,
    active_scene: Option<String>,
    scenes: Vec<SceneView>,
    dependencies: Vec<DependencyView>,
    lints: Vec<LintView>,
}

#[derive(Serialize)]
struct SceneView {
    name: String,
    frame_start: i32,
    frame_end: i32,
    frame_step: i32,
    fps: f64,
    width: u32,
    height: u32,
    percentage: u32,
    engine: String,
    format: String,
    color_depth: u8,
    output_path: String,
    view_layers: Vec<String>,
    view_layers_off: Vec<String>,
    cameras: Vec<String>,
    active_camera: Option<String>,
    views: Vec<ViewView>,
    file_outputs: Vec<FileOutputView>,
    compositor: bool,
    sequencer: bool,
    border: crate::blend::Border,
    simplify: bool,
    cycles_samples: Option<i64>,
    cycles_denoise: bool,
}

#[derive(Serialize)]
struct ViewView {
    name: String,
    suffix: String,
}

#[derive(Serialize)]
struct FileOutputView {
    node: String,
    folder: String,
    slots: Vec<SlotView>,
}

#[derive(Serialize)]
struct SlotView {
    pattern: String,
    format: String,
}

#[derive(Serialize)]
struct DependencyView {
    path: String,
    kind: crate::blend::Kind,
    state: &'static str,
    reason: Option<String>,
    stored: String,
    extent: crate::blend::Extent,
    files: usize,
    needed_by: String,
    owner: String,
}

#[derive(Serialize)]
struct LintView {
    code: &'static str,
    scene: Option<String>,
    message: String,
}

/// Makes the document.
pub(super) fn document(inspected: &[Inspected]) -> Document {
    let entry = |file: &Inspected| Entry {
        path: file.path.display().to_string(),
        view: match &file.outcome {
            Ok(Said::Blend(file)) => View::Blend(Box::new(FileView::from(file.as_ref()))),
            Ok(Said::Rib(file)) => View::Rib(RibView::from(file)),
            Err(failure) => View::Failed { error: failure.message(), next: failure.hint().map(str::to_owned) },
        },
    };
    Document { schema: "farm.inspect/1", files: inspected.iter().map(entry).collect() }
}

impl From<&SceneFile> for FileView {
    fn from(file: &SceneFile) -> FileView {
        FileView {
            kind: "blend",
            blender_version: file.blender_version.to_string(),
            subversion: file.subversion,
            build_hash: file.build_hash.clone(),
            bytes: file.bytes,
            saved: file.modified.to_string(),
            compression: file.compression,
            active_scene: file.active_scene.and_then(|at| file.scenes.get(at)).map(|scene| scene.name.clone()),
            scenes: file.scenes.iter().map(SceneView::from).collect(),
            dependencies: file.dependencies.iter().map(DependencyView::from).collect(),
            lints: file.lints.iter().map(LintView::from).collect(),
        }
    }
}

impl From<&RibFile> for RibView {
    fn from(file: &RibFile) -> RibView {
        let frames = match &file.frames {
            RibFrames::Known(frames) => Some(frames.to_string()),
            RibFrames::NotSaid | RibFrames::Binary => None,
        };
        RibView {
            kind: "rib",
            blender_version: None,
            bytes: file.bytes,
            saved: file.modified.to_string(),
            compression: file.compression,
            frames,
            binary: file.frames == RibFrames::Binary,
            width: file.size.map(|(width, _)| width),
            height: file.size.map(|(_, height)| height),
            displays: file.displays.clone(),
            scenes: Vec::new(),
            dependencies: Vec::new(),
            lints: Vec::new(),
        }
    }
}

impl From<&Scene> for SceneView {
    fn from(scene: &Scene) -> SceneView {
        let layers = |on: bool| {
            let chosen = scene.view_layers.iter().filter(|layer| layer.render.is_on() == on);
            chosen.map(|layer| layer.name.clone()).collect()
        };
        SceneView {
            name: scene.name.clone(),
            frame_start: scene.frame_start,
            frame_end: scene.frame_end,
            frame_step: scene.frame_step,
            fps: scene.fps,
            width: scene.width,
            height: scene.height,
            percentage: scene.percentage,
            engine: scene.engine.clone(),
            format: scene.format.to_string(),
            color_depth: scene.color_depth,
            output_path: scene.output_path.to_string(),
            view_layers: layers(true),
            view_layers_off: layers(false),
            cameras: scene.cameras.clone(),
            active_camera: scene.active_camera.clone(),
            views: scene.views.iter().map(|v| ViewView { name: v.name.clone(), suffix: v.suffix.clone() }).collect(),
            file_outputs: scene.file_outputs.iter().map(FileOutputView::from).collect(),
            compositor: scene.compositor.is_on(),
            sequencer: scene.sequencer.is_on(),
            border: scene.border,
            simplify: scene.simplify.is_on(),
            cycles_samples: scene.cycles_samples,
            cycles_denoise: scene.cycles_denoise.is_on(),
        }
    }
}

impl From<&FileOutput> for FileOutputView {
    fn from(node: &FileOutput) -> FileOutputView {
        let slot =
            |slot: &crate::blend::Slot| SlotView { pattern: slot.pattern.clone(), format: slot.format.to_string() };
        FileOutputView {
            node: node.node.clone(),
            folder: node.folder.to_string(),
            slots: node.slots.iter().map(slot).collect(),
        }
    }
}

impl From<&Dependency> for DependencyView {
    fn from(need: &Dependency) -> DependencyView {
        DependencyView {
            path: need.path.display().to_string(),
            kind: need.kind,
            state: need.state.word(),
            reason: need.state.reason().map(str::to_owned),
            stored: need.stored.to_string(),
            extent: need.extent,
            files: need.files.len(),
            needed_by: need.file.display().to_string(),
            owner: need.owner.clone(),
        }
    }
}

impl From<&Lint> for LintView {
    fn from(lint: &Lint) -> LintView {
        LintView { code: lint.code, scene: lint.scene.clone(), message: lint.sentence.clone() }
    }
}
