//! What scene files say, for people.

use crate::base::size::Bytes;
use crate::blend::rib::{RibFile, RibFrames};
use crate::blend::{Compression, Dependency, Scene, SceneFile, State};
use crate::ops::inspect::{Inspected, Said};
use std::collections::HashSet;
use std::fmt::Write;

/// A paragraph per file that could be read.
pub fn human(inspected: &[Inspected]) -> String {
    let paragraph = |file: &Inspected| {
        let text = match file.outcome.as_ref().ok()? {
            Said::Blend(scene) => blend(scene),
            Said::Rib(scene) => rib(scene),
        };
        Some(format!("{}\n{text}", file.path.display()))
    };
    inspected.iter().filter_map(paragraph).collect::<Vec<_>>().join("\n")
}

fn compression(how: Compression) -> &'static str {
    match how {
        Compression::None => "not compressed",
        Compression::Gzip => "gzip",
        Compression::Zstd => "zstd",
    }
}

fn rib(file: &RibFile) -> String {
    let frames = match &file.frames {
        RibFrames::Known(frames) => format!("frames {frames}"),
        RibFrames::NotSaid => "it does not say its frames".to_owned(),
        RibFrames::Binary => "in binary form, which farm does not read".to_owned(),
    };
    let size = file.size.map(|(width, height)| format!(", {width}x{height}")).unwrap_or_default();
    let packing = compression(file.compression);
    let mut text =
        format!("  RenderMan, {packing}, {}, saved {}\n  {frames}{size}\n", Bytes(file.bytes), file.modified);
    for display in &file.displays {
        let _infallible = writeln!(text, "    display: {display}");
    }
    text
}

fn blend(file: &SceneFile) -> String {
    let mut text = format!(
        "  Blender {}, {}, {}, saved {}\n",
        file.blender_version,
        compression(file.compression),
        Bytes(file.bytes),
        file.modified,
    );
    for (at, scene) in file.scenes.iter().enumerate() {
        let active = if file.scenes.len() > 1 && file.active_scene == Some(at) { " (active)" } else { "" };
        text += &scene_lines(scene, active);
    }
    if file.scenes.is_empty() {
        text += "  no scene\n";
    }
    text += &needs(&file.dependencies);
    for lint in &file.lints {
        let scene = lint.scene.as_ref().filter(|_| file.scenes.len() > 1);
        let scene = scene.map(|name| format!("{name}: ")).unwrap_or_default();
        let _infallible = writeln!(text, "  note: {scene}{}", lint.sentence);
    }
    text
}

fn scene_lines(scene: &Scene, active: &str) -> String {
    let frames = match scene.frame_start == scene.frame_end {
        true => format!("frame {}", scene.frame_start),
        false => format!("frames {}", range(scene)),
    };
    let percentage = if scene.percentage == 100 { String::new() } else { format!(" at {} %", scene.percentage) };
    let mut text = format!(
        "  scene {}{active}: {frames}, {} fps, {}x{}{percentage}, {}, {}\n",
        scene.name,
        rounded(scene.fps),
        scene.width,
        scene.height,
        scene.engine,
        scene.format,
    );
    let layers: Vec<&str> = scene.view_layers.iter().filter(|l| l.render.is_on()).map(|l| l.name.as_str()).collect();
    let views: Vec<&str> = scene.views.iter().map(|view| view.name.as_str()).collect();
    let outputs: Vec<&str> = scene.file_outputs.iter().map(|node| node.node.as_str()).collect();
    let cameras: Vec<&str> = scene.cameras.iter().map(String::as_str).collect();
    for (what, names) in [("cameras", cameras), ("layers", layers), ("views", views), ("file outputs", outputs)] {
        if !names.is_empty() {
            let _infallible = writeln!(text, "    {what}: {}", names.join(", "));
        }
    }
    text
}

/// Written out as the scene has it: a range need not end on a step, and may be absurd.
fn range(scene: &Scene) -> String {
    let step = if scene.frame_step == 1 { String::new() } else { format!("x{}", scene.frame_step) };
    format!("{}-{}{step}", scene.frame_start, scene.frame_end)
}

/// `24`, `29.97`
fn rounded(fps: f64) -> String {
    let text = format!("{fps:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn needs(dependencies: &[Dependency]) -> String {
    if dependencies.is_empty() {
        return "  needs no other file\n".to_owned();
    }
    let mut text = "  needs\n".to_owned();
    // The scene and its libraries may need the same file.
    let mut shown = HashSet::new();
    for need in dependencies.iter().filter(|need| shown.insert((&need.path, need.state.word()))) {
        let kind = need.kind.to_string().replace('_', " ");
        let count = if need.files.len() > 1 { format!(" ({} files)", need.files.len()) } else { String::new() };
        let place = if need.state == State::Packed { need.owner.clone() } else { need.path.display().to_string() };
        let reason = need.state.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
        let _infallible = writeln!(text, "    {:<8} {kind:<10} {place}{count}{reason}", need.state.word());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_short() {
        assert_eq!((rounded(24.0), rounded(30.0 / 1.001), rounded(12.5)), ("24".into(), "29.97".into(), "12.5".into()));
    }
}
