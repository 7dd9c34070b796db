//! What in a scene will surprise whoever renders it elsewhere.

use super::caches::{self, Baked, Kept, Simulation};
use super::contents::Content;
use super::dependency::{Dependency, Kind, State};
use super::file_output::Naming;
use super::format::Medium;
use super::resolve::Resolver;
use super::scene::{Border, Scene};
use serde::Serialize;
use std::path::Path;

/// One surprise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lint {
    /// Its name, for scripts: `no-camera`.
    pub code: &'static str,
    /// The scene that it is about, where it is about one.
    pub scene: Option<String>,
    /// What to know, a full sentence.
    pub sentence: String,
}

/// The surprises of all scenes, then those of the file.
pub(super) fn lints(path: &Path, content: &Content, dependencies: &[Dependency], resolver: &Resolver) -> Vec<Lint> {
    let mut lints: Vec<Lint> = content.scenes.iter().flat_map(of_scene).collect();
    lints.extend(of_caches(path, &content.simulations, dependencies, resolver));
    lints.extend(of_paths(dependencies));
    lints
}

fn of_scene(scene: &Scene) -> impl Iterator<Item = Lint> + '_ {
    let found = of_image(scene).into_iter().chain(of_render(scene)).chain(of_output(scene));
    found.flatten().map(|(code, sentence)| Lint { code, scene: Some(scene.name.clone()), sentence })
}

type Found = Option<(&'static str, String)>;

fn when(holds: bool, code: &'static str, sentence: impl Into<String>) -> Found {
    holds.then(|| (code, sentence.into()))
}

/// What changes the picture.
fn of_image(scene: &Scene) -> [Found; 7] {
    let off: Vec<&str> = scene.view_layers.iter().filter(|l| !l.render.is_on()).map(|l| l.name.as_str()).collect();
    [
        when(scene.lacks_camera(), "no-camera", "The scene has no camera, and Blender refuses to render it."),
        when(
            scene.active_camera.is_none() && scene.compositor.is_on() && !scene.sequencer.is_on(),
            "no-camera",
            "The scene has no camera: Blender renders it only if its compositor shows no render layer.",
        ),
        when(
            scene.sequencer.is_on(),
            "sequencer-strips",
            "The sequencer has strips, which take the place of the rendered image.",
        ),
        when(
            scene.border == Border::Border,
            "render-border",
            "A render border is set: only a part of each frame is rendered, the rest stays empty.",
        ),
        when(
            scene.border == Border::Crop,
            "render-crop",
            "A render border with crop is set: frames are smaller than the resolution.",
        ),
        when(scene.simplify.is_on(), "simplify", "Simplify is on, which reduces geometry and textures in renders too."),
        when(
            !off.is_empty(),
            "view-layer-off",
            format!("Not all view layers are rendered; these are off: {}.", off.join(", ")),
        ),
    ]
}

/// What may stop the render.
fn of_render(scene: &Scene) -> [Found; 2] {
    [
        when(
            scene.cycles_denoise.is_on(),
            "cycles-denoise",
            "Cycles denoises this scene; a Blender built without OpenImageDenoise renders nothing then.",
        ),
        when(
            scene.percentage != 100,
            "resolution-percentage",
            format!("It is rendered at {} % of its resolution.", scene.percentage),
        ),
    ]
}

/// What happens to the files.
fn of_output(scene: &Scene) -> [Found; 3] {
    let has_template = |node: &&super::file_output::FileOutput| node.slots.iter().any(|s| s.name == Naming::Template);
    let templates: Vec<&str> = scene.file_outputs.iter().filter(has_template).map(|node| node.node.as_str()).collect();
    [
        when(
            scene.format.medium() == Medium::Movie,
            "movie-output",
            format!("The output is a movie ({}); frames are rendered as PNG and encoded afterwards.", scene.format),
        ),
        when(
            !scene.file_extension.is_on(),
            "no-file-extension",
            "File extensions are switched off, so frames and passes get names without one.",
        ),
        when(
            !templates.is_empty(),
            "output-template",
            format!("File names of these File Output nodes are made while rendering: {}.", templates.join(", ")),
        ),
    ]
}

fn of_caches(path: &Path, simulations: &[Simulation], dependencies: &[Dependency], resolver: &Resolver) -> Vec<Lint> {
    let file = |code, sentence| Lint { code, scene: None, sentence };
    let mut lints = Vec::new();
    let unbaked = simulations.iter().filter(|simulation| simulation.baked == Baked::No);
    let mut unbaked: Vec<&str> = unbaked.map(|simulation| simulation.owner.as_str()).collect();
    unbaked.dedup();
    if !unbaked.is_empty() {
        let owners = unbaked.join(", ");
        let sentence =
            format!("Simulations are not baked, so a task that begins within the range shows them wrong: {owners}.");
        lints.push(file("unbaked-simulation", sentence));
    }
    let is_there = |d: &Dependency| d.kind == Kind::PointCache && d.file == path && d.state == State::Found;
    let none_beside = simulations.iter().all(|simulation| simulation.kept != Kept::BesideScene);
    if none_beside || dependencies.iter().any(is_there) {
        return lints;
    }
    let strangers = caches::strangers(path, resolver);
    if let Some(first) = strangers.first() {
        let own = caches::folder_name(path).unwrap_or_default();
        let sentence = format!("Its simulations are looked for in {}, but beside it lies {first}.", own.display());
        lints.push(file("renamed-cache", sentence));
    }
    lints
}

fn of_paths(dependencies: &[Dependency]) -> Vec<Lint> {
    let absolute: Vec<String> = dependencies
        .iter()
        .filter(|dependency| dependency.is_needed() && dependency.stored.is_absolute())
        .map(|dependency| dependency.stored.to_string())
        .collect();
    let Some(first) = absolute.first() else { return Vec::new() };
    let sentence = match absolute.len() {
        1 => format!("It refers to a file by an absolute path: {first}."),
        count => format!("It refers to {count} files by absolute paths, the first is {first}."),
    };
    vec![Lint { code: "absolute-path", scene: None, sentence }]
}
