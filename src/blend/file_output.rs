//! File Output nodes of the compositor: what they will write besides the frames.

use super::error::Cause;
use super::format::ImageFormat;
use super::heap::Part;
use super::output_name::{Extension, NameRule};
use super::rewrite::Edit;
use super::site::Site;
use super::stored_path::StoredPath;
use super::version::BlenderVersion;
use serde::Serialize;
use std::collections::HashSet;

/// `NODE_MUTED` of `DNA_node_types.h`.
const MUTED: i64 = 1 << 9;
/// How many nodes in groups within groups are looked at.
const MOST_NODES: usize = 100_000;

/// A File Output node that writes something.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileOutput {
    /// The node's name.
    pub node: String,
    /// Where its files go, as stored. What the files of a multilayer node up to 4.5 begin with is no part of it.
    pub folder: StoredPath,
    /// One file each.
    pub slots: Vec<Slot>,
    /// Where the folder is stored.
    #[serde(skip)]
    pub site: Option<Site>,
    /// What follows the folder in the stored path: the beginning of a multilayer file's name, else nothing.
    #[serde(skip)]
    prefix: Vec<u8>,
    #[serde(skip)]
    extension: Extension,
}

/// One file that a File Output node writes per frame and view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Slot {
    /// Its path below the folder, `#` for the frame: `sub/pass_##`.
    pub pattern: String,
    /// Its format.
    pub format: ImageFormat,
    /// Whether the name can be told before rendering.
    #[serde(skip)]
    pub name: Naming,
}

/// Whether a slot's name can be told before rendering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// It follows from the pattern.
    Plain,
    /// It has `{…}`, which Blender 5.0 fills in.
    Template,
}

impl FileOutput {
    /// The files that the node writes for `frame` and the view with `suffix`, below its folder.
    ///
    /// They hold for the folder as [`FileOutput::stored_in`] rewrites it. Slots with a [`Naming::Template`] are left out.
    pub fn files(&self, frame: i32, suffix: &str, renderer: BlenderVersion) -> Vec<String> {
        let plain = self.slots.iter().filter(|slot| slot.name == Naming::Plain);
        let rule = |slot: &Slot| NameRule { format: slot.format, extension: self.extension, renderer };
        plain.map(|slot| rule(slot).apply(&slot.pattern, frame, suffix)).collect()
    }

    /// The edits after which the node writes into `folder`.
    pub fn edits(&self, folder: &str) -> Result<Vec<Edit>, Cause> {
        self.site.iter().map(|site| Edit::new(site.clone(), self.stored_in(folder))).collect()
    }

    /// What the scene must store so that the node writes into `folder` (`//…` or absolute).
    pub fn stored_in(&self, folder: &str) -> StoredPath {
        StoredPath::from(folder).join(&self.prefix)
    }
}

/// The File Output nodes of a scene that write something, those in node groups included.
pub(super) fn file_outputs(scene: &Part<'_>, extension: Extension) -> Vec<FileOutput> {
    let mut trees: Vec<Part<'_>> =
        ["compositing_node_group", "nodetree"].into_iter().filter_map(|field| scene.follow(field)).take(1).collect();
    let mut seen = HashSet::new();
    let mut outputs = Vec::new();
    let mut count = 0;
    while let Some(tree) = trees.pop() {
        if !seen.insert(tree.entry.position) {
            continue;
        }
        let linked = linked_inputs(&tree);
        for node in tree.list("nodes") {
            count += 1;
            if count > MOST_NODES || node.record.flag("flag", MUTED) {
                continue;
            }
            match node.record.text("idname") {
                Some(b"CompositorNodeOutputFile") => outputs.extend(file_output(&node, &linked, extension)),
                Some(b"CompositorNodeGroup") => trees.extend(node.follow("id")),
                _ => {}
            }
        }
    }
    outputs.sort_by(|a, b| a.node.cmp(&b.node));
    outputs
}

/// The addresses of the sockets that a link ends at. Links are data, so a muted one counts as none.
fn linked_inputs(tree: &Part<'_>) -> HashSet<u64> {
    const LINK_MUTED: i64 = 1 << 4;
    let links = tree.list("links");
    let live = links.iter().filter(|link| !link.record.flag("flag", LINK_MUTED));
    live.filter_map(|link| link.record.pointer("tosock")).collect()
}

/// An input of the node: the socket and whether something is linked to it.
struct Input<'a> {
    socket: Part<'a>,
    is_linked: bool,
}

fn file_output(node: &Part<'_>, linked: &HashSet<u64>, extension: Extension) -> Option<FileOutput> {
    let storage = node.follow("storage")?;
    let base = storage.record.text("base_path").or_else(|| storage.record.text("directory"))?;
    let inputs = inputs(node, linked);
    let format = image_format(&storage, "format");
    let (folder, prefix, slots) = match storage.record.field("items") {
        Some(_) => (base, &b""[..], new_slots(&storage, &inputs, format)),
        None if format == ImageFormat::EXR_MULTILAYER => {
            let at = base.iter().rposition(|b| matches!(b, b'/' | b'\\')).map_or(0, |at| at + 1);
            let pattern = String::from_utf8_lossy(&base[at..]).into_owned();
            // Up to 4.3 a node without a link writes nothing, since 4.4 it does; then an empty file is no loss.
            let writes = inputs.iter().any(|input| input.is_linked);
            (&base[..at], &base[at..], writes.then(|| slot(pattern, format)).into_iter().collect())
        }
        None => (base, &b""[..], old_slots(&inputs, format)),
    };
    let site = Site::of(&storage, &["base_path", "directory"]);
    let (node, folder, prefix) = (node.record.words("name")?, StoredPath::new(folder), prefix.to_vec());
    (!slots.is_empty()).then_some(FileOutput { node, folder, slots, site, prefix, extension })
}

fn inputs<'a>(node: &Part<'a>, linked: &HashSet<u64>) -> Vec<Input<'a>> {
    let sockets = node.list("inputs").into_iter();
    sockets.map(|socket| Input { socket, is_linked: linked.contains(&socket.entry.address) }).collect()
}

/// Up to 4.5: every input socket carries its own path and format; only linked ones write.
fn old_slots(inputs: &[Input<'_>], of_node: ImageFormat) -> Vec<Slot> {
    let linked = inputs.iter().filter(|input| input.is_linked);
    let slots = linked.filter_map(|input| {
        let storage = input.socket.follow("storage")?;
        let format = match storage.record.int("use_node_format") {
            Some(0) => image_format(&storage, "format"),
            _ => of_node,
        };
        let path = storage.record.words("path")?;
        Some(slot(path.trim_start_matches('/').to_owned(), format))
    });
    slots.collect()
}

/// Since 5.0: a name for all files, and a list of items whose names are appended; slashes in those become `_`.
fn new_slots(storage: &Part<'_>, inputs: &[Input<'_>], of_node: ImageFormat) -> Vec<Slot> {
    let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let stem = storage.far_text("file_name").map(|(text, _)| words(text)).unwrap_or_default();
    if of_node == ImageFormat::EXR_MULTILAYER {
        return inputs.iter().any(|input| input.is_linked).then(|| slot(stem, of_node)).into_iter().collect();
    }
    let items = storage.array("items");
    let linked = items.iter().zip(inputs).filter(|(_, input)| input.is_linked);
    let slots = linked.map(|(item, _)| {
        let name = item.far_text("name").map(|(text, _)| words(text)).unwrap_or_default();
        let format = match item.record.int("override_node_format") {
            Some(0) | None => of_node,
            Some(_) => image_format(item, "format"),
        };
        slot(format!("{stem}{}", name.replace(['/', '\\'], "_")), format)
    });
    slots.collect()
}

fn slot(pattern: String, format: ImageFormat) -> Slot {
    let name = if pattern.contains('{') { Naming::Template } else { Naming::Plain };
    Slot { pattern, format, name }
}

/// The format at `path` of a struct.
pub(super) fn image_format(part: &Part<'_>, path: &str) -> ImageFormat {
    let number = part.record.int(&format!("{path}.imtype")).and_then(|number| u8::try_from(number).ok());
    number.map_or(ImageFormat(u8::MAX), ImageFormat)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn nodes(name: &str) -> Vec<FileOutput> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenes/nodes").join(name);
        crate::blend::read(&path).unwrap().main_scene().unwrap().file_outputs.clone()
    }

    fn told(nodes: &[FileOutput], renderer: &str) -> Vec<String> {
        let renderer = renderer.parse().unwrap();
        let files =
            |node: &FileOutput| format!("{} {}: {}", node.node, node.folder, node.files(7, "", renderer).join(" "));
        nodes.iter().map(files).collect()
    }

    #[test]
    fn muted_nodes_and_loose_slots_write_nothing_and_groups_are_looked_into() {
        assert_eq!(
            told(&nodes("passes.blend"), "3.4"),
            [
                "Beauty //passes: Image0007.png sub/pass_07_x.png thumb0007.jpg old.jpg0007.png",
                "Grouped //grouped/: Image0007.tif",
                "Layers //layers/: all_0007.exr"
            ]
        );
    }

    #[test]
    fn nodes_of_blender_5_name_their_files_otherwise() {
        let nodes = nodes("passes_v50.blend");
        assert_eq!(
            told(&nodes, "5.0"),
            [
                "Beauty //passes: shot_Image0007.png shot_sub_pass_07_x.png shot_thumb0007.jpg",
                "Layers //layers: all0007.exr",
                "Templated //named: "
            ]
        );
        assert_eq!(nodes[2].slots[0].name, Naming::Template);
    }

    #[test]
    fn what_follows_the_folder_stays() {
        let old = nodes("passes.blend");
        assert_eq!(old[2].stored_in("//out/Layers").to_string(), "//out/Layers/all_");
        assert_eq!(old[0].stored_in("/mnt/out/").to_string(), "/mnt/out/");
        let new = nodes("passes_v50.blend");
        assert_eq!(new[1].edits("//out/Layers").unwrap()[0].to().to_string(), "//out/Layers/");
        assert!(new[1].edits(&"x".repeat(1024)).is_err());
    }
}
