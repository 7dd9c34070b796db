//! What a scene says of itself: frames, size, engine, format, cameras, layers, views.

use super::file_output::{FileOutput, file_outputs, image_format};
use super::format::{self, ImageFormat};
use super::heap::{Heap, Part, Standing};
use super::output_name::Extension;
use super::properties::setting;
use super::stored_path::StoredPath;
use serde::Serialize;
use std::collections::HashSet;

/// Bits of `RenderData.scemode`; tried on 3.4.1 and 5.0.1 by switching each setting.
mod scemode {
    pub(super) const SEQUENCER: i64 = 1 << 0;
    pub(super) const FILE_EXTENSION: i64 = 1 << 4;
    pub(super) const COMPOSITING: i64 = 1 << 6;
    pub(super) const MULTIVIEW: i64 = 1 << 21;
}

/// Bits of `RenderData.mode`, tried likewise.
mod mode {
    pub(super) const BORDER: i64 = 1 << 9;
    pub(super) const CROP: i64 = 1 << 11;
    pub(super) const SIMPLIFY: i64 = 1 << 24;
}

/// One scene of a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scene {
    /// Its name.
    pub name: String,
    /// First frame of its range.
    pub frame_start: i32,
    /// Last frame of its range.
    pub frame_end: i32,
    /// Every which frame is rendered; at least 1.
    pub frame_step: i32,
    /// Frames per second.
    pub fps: f64,
    /// Width in pixels, before the percentage.
    pub width: u32,
    /// Height in pixels, before the percentage.
    pub height: u32,
    /// Share of width and height that is rendered, in per cent.
    pub percentage: u32,
    /// The renderer: `CYCLES`, `BLENDER_EEVEE`…
    pub engine: String,
    /// The format of its frames.
    pub format: ImageFormat,
    /// Bits per channel; 0 if the file does not say.
    pub color_depth: u8,
    /// Where it would write its frames if nobody said otherwise, as stored.
    pub output_path: StoredPath,
    /// All cameras in the scene's collections, and the active one, which comes first (it may be a linked one).
    pub cameras: Vec<String>,
    /// The camera that renders: the scene's own, or the first that a marker of its timeline brings.
    pub active_camera: Option<String>,
    /// Its view layers.
    pub view_layers: Vec<ViewLayer>,
    /// The files that each frame becomes; empty if it is one file without suffix.
    pub views: Vec<View>,
    /// Whether there are several views; without [`Scene::views`] they share one file.
    pub multiview: Switch,
    /// File Output nodes that write something; empty where the compositor is off.
    pub file_outputs: Vec<FileOutput>,
    /// Whether the compositor runs.
    pub compositor: Switch,
    /// Whether strips of the sequencer take the place of the rendered image.
    pub sequencer: Switch,
    /// Whether only a part of the image is rendered.
    pub border: Border,
    /// Whether geometry and textures are simplified.
    pub simplify: Switch,
    /// Whether file names get the extension of the format.
    pub file_extension: Switch,
    /// Samples per pixel of Cycles, where the scene changed the default.
    pub cycles_samples: Option<i64>,
    /// Whether Cycles denoises (on unless the scene says no).
    pub cycles_denoise: Switch,
}

/// Whether something is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// It is.
    On,
    /// It is not.
    Off,
}

/// What part of the image is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Border {
    /// All of it.
    None,
    /// A part, the rest is empty.
    Border,
    /// A part, and the image is only as large.
    Crop,
}

/// A view layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ViewLayer {
    /// Its name.
    pub name: String,
    /// Whether it is rendered.
    pub render: Switch,
}

/// A view of a stereo or multi-view scene that is written as a file of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct View {
    /// Its name: `left`.
    pub name: String,
    /// What its files have before the extension: `_L`.
    pub suffix: String,
}

impl Scene {
    /// Whether Blender refuses to render it for want of a camera. It needs none where the sequencer has strips, nor where
    /// a compositor runs that shows no render layer; farm does not look which nodes there are.
    pub fn lacks_camera(&self) -> bool {
        self.active_camera.is_none() && !self.sequencer.is_on() && !self.compositor.is_on()
    }
}

impl Switch {
    /// From a truth value.
    pub fn from_bool(on: bool) -> Self {
        if on { Switch::On } else { Switch::Off }
    }

    /// Whether it is on.
    pub fn is_on(self) -> bool {
        self == Switch::On
    }
}

/// All scenes of a file, and the number of the one that was active when it was saved.
pub(super) fn scenes(heap: &Heap) -> (Vec<Scene>, Option<usize>) {
    let parts: Vec<Part<'_>> = heap.all("Scene").filter(|part| part.entry.standing == Standing::DataBlock).collect();
    let active = heap.all("FileGlobal").find_map(|global| global.follow("curscene"));
    let active = active.and_then(|scene| parts.iter().position(|part| part.entry.position == scene.entry.position));
    (parts.iter().map(scene).collect(), active)
}

fn scene(part: &Part<'_>) -> Scene {
    let record = &part.record;
    let number = |path: &str| record.int(path).and_then(|value| i32::try_from(value).ok()).unwrap_or(0);
    let size = |path: &str| record.int(path).and_then(|value| u32::try_from(value).ok()).unwrap_or(0);
    let scemode = |bit| Switch::from_bool(record.flag("r.scemode", bit));
    let format = image_format(part, "r.im_format");
    let compositor = compositor(part);
    let file_extension = scemode(scemode::FILE_EXTENSION);
    let extension = if file_extension.is_on() { Extension::Added } else { Extension::Left };
    let bound = || part.list("markers").iter().find_map(|marker| marker.follow("camera"));
    let active_camera = part.follow("camera").or_else(bound).and_then(|camera| name_of(&camera));
    Scene {
        name: name_of(part).unwrap_or_default(),
        frame_start: number("r.sfra"),
        frame_end: number("r.efra"),
        frame_step: number("r.frame_step").max(1),
        fps: frames_per_second(part),
        width: size("r.xsch"),
        height: size("r.ysch"),
        percentage: size("r.size"),
        engine: record.words("r.engine").unwrap_or_default(),
        format,
        color_depth: format::color_depth(record.int("r.im_format.depth").unwrap_or(0)),
        output_path: StoredPath::new(record.text("r.pic").unwrap_or_default()),
        cameras: cameras(part, active_camera.as_deref()),
        active_camera,
        view_layers: part.list("view_layers").iter().filter_map(view_layer).collect(),
        views: views(part),
        multiview: scemode(scemode::MULTIVIEW),
        file_outputs: if compositor.is_on() { file_outputs(part, extension) } else { Vec::new() },
        compositor,
        sequencer: Switch::from_bool(record.flag("r.scemode", scemode::SEQUENCER) && has_strips(part)),
        border: border(part),
        simplify: Switch::from_bool(record.flag("r.mode", mode::SIMPLIFY)),
        file_extension,
        cycles_samples: setting(part, &["cycles", "samples"]).and_then(|value| value.int()),
        cycles_denoise: Switch::from_bool(cycles_denoises(part)),
    }
}

/// The name of a data-block without its two letters.
fn name_of(part: &Part<'_>) -> Option<String> {
    let name = part.record.text("id.name").or_else(|| part.record.text("name"))?;
    Some(String::from_utf8_lossy(name.get(2..)?).into_owned())
}

/// The base is a 32-bit number: 1.001 is stored as 1.00100004…, so it is taken to six places.
fn frames_per_second(part: &Part<'_>) -> f64 {
    let rate = part.record.int("r.frs_sec").unwrap_or(0) as f64;
    let base = part.record.float("r.frs_sec_base").filter(|base| base.is_finite() && *base > 0.0).unwrap_or(1.0);
    rate / ((base * 1e6).round() / 1e6).max(1e-6)
}

/// Since 5.0 the compositor runs where it has a node group; before, where the scene uses nodes.
fn compositor(part: &Part<'_>) -> Switch {
    let record = &part.record;
    let uses_nodes = match record.field("compositing_node_group") {
        Some(_) => record.pointer("compositing_node_group").is_some(),
        None => record.int("use_nodes").unwrap_or(0) != 0,
    };
    Switch::from_bool(uses_nodes && record.flag("r.scemode", scemode::COMPOSITING))
}

fn has_strips(part: &Part<'_>) -> bool {
    // As Blender decides it (RE_seq_render_active in render/intern/pipeline.cc): sounds show nothing.
    const SOUND: i64 = 4;
    let strips = part.follow("ed").map(|editing| editing.list("seqbase")).unwrap_or_default();
    strips.iter().any(|strip| strip.record.int("type") != Some(SOUND))
}

fn border(part: &Part<'_>) -> Border {
    match (part.record.flag("r.mode", mode::BORDER), part.record.flag("r.mode", mode::CROP)) {
        (false, _) => Border::None,
        (true, false) => Border::Border,
        (true, true) => Border::Crop,
    }
}

/// On is the default, and a scene stores only what differs (`intern/cycles/blender/addon/properties.py`).
fn cycles_denoises(part: &Part<'_>) -> bool {
    part.record.text("r.engine") == Some(b"CYCLES")
        && setting(part, &["cycles", "use_denoising"]).and_then(|value| value.int()) != Some(0)
}

fn view_layer(part: &Part<'_>) -> Option<ViewLayer> {
    const RENDER: i64 = 1;
    let render = Switch::from_bool(part.record.flag("flag", RENDER));
    Some(ViewLayer { name: part.record.words("name")?, render })
}

/// The views that become files of their own: those that are on, if the format writes them one by one.
fn views(part: &Part<'_>) -> Vec<View> {
    const INDIVIDUAL: i64 = 0;
    const STEREO_ONLY: i64 = 0;
    const DISABLED: i64 = 1;
    let record = &part.record;
    let is_individual = record.int("r.im_format.views_format") == Some(INDIVIDUAL);
    if !record.flag("r.scemode", scemode::MULTIVIEW) || !is_individual {
        return Vec::new();
    }
    let stereo_only = record.int("r.views_format") == Some(STEREO_ONLY);
    let parts = part.list("r.views");
    let active = parts.iter().filter(|view| !view.record.flag("viewflag", DISABLED));
    let views =
        active.filter_map(|view| Some(View { name: view.record.words("name")?, suffix: view.record.words("suffix")? }));
    views.filter(|view| !stereo_only || view.name == "left" || view.name == "right").collect()
}

/// The cameras in a scene's collections, sorted, the active one first.
fn cameras(scene: &Part<'_>, active: Option<&str>) -> Vec<String> {
    let mut names: Vec<String> = collections(scene)
        .iter()
        .flat_map(|collection| collection.list("gobject"))
        .filter_map(|member| member.follow("ob"))
        .filter(|object| object.record.kind() == "Object")
        .filter_map(|camera| name_of(&camera))
        .filter(|name| Some(name.as_str()) != active)
        .collect();
    names.sort();
    names.dedup();
    active.map(str::to_owned).into_iter().chain(names).collect()
}

/// The scene's own collection and all below it.
fn collections<'a>(scene: &Part<'a>) -> Vec<Part<'a>> {
    let mut found: Vec<Part<'a>> = scene.follow("master_collection").into_iter().collect();
    let mut seen = HashSet::new();
    let mut at = 0;
    while let Some(collection) = found.get(at) {
        at += 1;
        let children = collection.list("children");
        let below = children.iter().filter_map(|child| child.follow("collection"));
        found.extend(below.filter(|child| seen.insert(child.entry.position)));
    }
    found
}
