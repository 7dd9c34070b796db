//! What a job will write: format, size, views, and the files of File Output nodes.

use super::{Warning, gather};
use crate::base::error::{Class, Failure};
use crate::base::name::{self, JobRef};
use crate::blend::{
    BlenderVersion, Border, Cause, Edit, Extension, FileOutput, ImageFormat, Medium, NameRule, Naming, Scene,
};
use crate::volume::layout;
use crate::volume::release_file::{Output, Pass};
use std::collections::BTreeSet;

/// What a scene will write once its File Output nodes are pointed into the job's own folder.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// What goes into the release file.
    pub output: Output,
    /// File Output nodes and the folder beneath `out/<job>/` that each gets.
    pub nodes: Vec<(&'a FileOutput, String)>,
    /// What will surprise about it.
    pub warnings: Vec<Warning>,
}

/// What `scene` writes, in `format` where the user chose one, rendered by `renderer`.
pub fn wanted<'a>(scene: &'a Scene, format: Option<&str>, renderer: BlenderVersion) -> Result<Wanted<'a>, Failure> {
    let mut warnings = Vec::new();
    let (image, movie) = image_format(scene, format, &mut warnings)?;
    let argument = image.argument().ok_or_else(|| unknown_format(&image.word()))?;
    let (width, height) = size(scene);
    let nodes = folders(&scene.file_outputs);
    let views: Vec<String> = scene.views.iter().map(|view| view.suffix.clone()).collect();
    let passes = nodes.iter().flat_map(|(node, folder)| passes(node, folder, &views, renderer)).collect();
    warnings.extend(nodes.iter().filter_map(|(node, _)| unforeseen(node)));
    let extension = image.extensions().first().map(|extension| extension.trim_start_matches('.')).unwrap_or_default();
    let output = Output {
        format: argument.to_owned(),
        extension: extension.to_owned(),
        width,
        height,
        fps: scene.fps,
        views,
        passes,
        movie,
        scene: scene.name.clone(),
        layers: scene.view_layers.iter().filter(|layer| layer.render.is_on()).map(|layer| layer.name.clone()).collect(),
    };
    Ok(Wanted { output, nodes, warnings })
}

/// The image format, and the movie format that it stands in for.
fn image_format(
    scene: &Scene,
    format: Option<&str>,
    warnings: &mut Vec<Warning>,
) -> Result<(ImageFormat, Option<String>), Failure> {
    let chosen = match format {
        Some(word) => ImageFormat::of_word(word).ok_or_else(|| unknown_format(word))?,
        None => scene.format,
    };
    match chosen.medium() {
        Medium::Image => Ok((chosen, None)),
        Medium::Movie => {
            let movie = match format {
                Some(_) => format!("the format that was asked for is a movie ({chosen})"),
                None => format!("the scene writes a movie ({chosen})"),
            };
            let text = format!("{movie}: frames are rendered as PNG, and the preview at harvest is a video of them");
            warnings.push(Warning { code: "movie-output".into(), text });
            Ok((ImageFormat::PNG, Some(chosen.word())))
        }
        Medium::Unknown => Err(unknown_format(&chosen.word())),
    }
}

fn unknown_format(word: &str) -> Failure {
    Failure::new(Class::Usage, format!("image format {word:?} is not known"))
        .with_hint("Choose one with --format: PNG, OPEN_EXR, OPEN_EXR_MULTILAYER, JPEG, TIFF, WEBP.")
}

/// Pixels of a frame; 0 where they cannot be told (cropped, or views side by side in one image).
fn size(scene: &Scene) -> (u32, u32) {
    let is_telling = scene.border != Border::Crop && !(scene.multiview.is_on() && scene.views.is_empty());
    // Blender truncates: 1921 at 50 % is 960.
    let scaled = |pixels: u32| u32::try_from(u64::from(pixels) * u64::from(scene.percentage) / 100).unwrap_or(0);
    if is_telling { (scaled(scene.width), scaled(scene.height)) } else { (0, 0) }
}

/// A folder name for each node, told apart where two nodes would share one.
fn folders(nodes: &[FileOutput]) -> Vec<(&FileOutput, String)> {
    let mut taken = BTreeSet::new();
    let mut named = Vec::with_capacity(nodes.len());
    for node in nodes {
        let base = name::sanitize(&node.node).unwrap_or_else(|| "node".to_owned());
        let mut folder = base.clone();
        let mut number = 2;
        while !taken.insert(folder.to_ascii_lowercase()) {
            folder = format!("{base}_{number}");
            number += 1;
        }
        named.push((node, folder));
    }
    named
}

/// The files of a node: one per slot and view, as patterns with `#` for the frame.
fn passes(node: &FileOutput, folder: &str, views: &[String], renderer: BlenderVersion) -> Vec<Pass> {
    let suffixes: Vec<&str> = if views.is_empty() { vec![""] } else { views.iter().map(String::as_str).collect() };
    let mut passes = Vec::new();
    for slot in node.slots.iter().filter(|slot| slot.name == Naming::Plain) {
        // The run switches file extensions on, whatever the scene says.
        let rule = NameRule { format: slot.format, extension: Extension::Added, renderer };
        for suffix in &suffixes {
            let pattern = format!("{folder}/{}", rule.pattern(&slot.pattern, suffix));
            passes.push(Pass {
                node: folder.to_owned(),
                slot: slot.pattern.clone(),
                view: (*suffix).to_owned(),
                pattern,
            });
        }
    }
    passes
}

fn unforeseen(node: &FileOutput) -> Option<Warning> {
    let is_template = node.slots.iter().any(|slot| slot.name == Naming::Template);
    is_template.then(|| Warning {
        code: "file-output-template".into(),
        text: format!("File Output node {:?} has names with {{…}}: their files are kept but not checked", node.node),
    })
}

/// The edits after which the File Output nodes of the job's copy write into its own folder.
pub fn edits(wanted: &Wanted<'_>, job: &JobRef) -> Result<Vec<Edit>, Cause> {
    let out = gather::relative(&layout::store_dir(&job.home), &layout::out_dir(job));
    let edits = wanted.nodes.iter().map(|(node, folder)| node.edits(&format!("{out}/{folder}/")));
    Ok(edits.collect::<Result<Vec<_>, _>>()?.concat())
}

/// Bytes that a frame will take, roughly: for the plan's disk need, not for a promise.
pub fn estimate(output: &Output) -> u64 {
    let pixels = u64::from(output.width.max(1)) * u64::from(output.height.max(1));
    let per_pixel_tenths = match output.format.as_str() {
        "JPEG" | "WEBP" => 4,
        "PNG" => 18,
        "OPEN_EXR" => 60,
        "OPEN_EXR_MULTILAYER" => 160,
        _ => 40,
    };
    let files = output.views.len().max(1) + output.passes.len();
    pixels * per_pixel_tenths / 10 * files as u64
}
