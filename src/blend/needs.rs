//! The paths that a scene file stores: one reader for each kind of data-block that has any.

use super::dependency::{Extent, Holds, Kind};
use super::heap::{Heap, Part};
use super::record::Record;
use super::site::Site;
use super::stored_path::StoredPath;
use std::sync::Arc;

/// A stored path, before it is looked up.
#[derive(Debug, Clone)]
pub(super) struct Need {
    /// The data-block's name, its two letters included.
    pub(super) owner: Arc<str>,
    pub(super) kind: Kind,
    pub(super) stored: StoredPath,
    pub(super) extent: Extent,
    pub(super) holds: Holds,
    pub(super) packed: Packed,
    pub(super) absence: Absence,
    pub(super) sites: Vec<Site>,
    /// More files in the same folder, which the same field leads to: the images of a strip.
    pub(super) others: Vec<StoredPath>,
}

/// Whether the scene holds the bytes itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packed {
    Inside,
    Outside,
}

/// What it means when nothing lies where the path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absence {
    /// The scene needs it.
    Missing,
    /// Nothing was ever written there: a simulation that was not baked.
    Normal,
}

/// The stored paths of all data-blocks, and of what belongs to them.
pub(super) fn needs(heap: &Heap) -> impl Iterator<Item = Need> {
    libraries(heap)
        .chain(images(heap))
        .chain(clips(heap))
        .chain(simple(heap, "bSound", Kind::Sound))
        .chain(simple(heap, "VFont", Kind::Font))
        .chain(sequences(heap, "Volume", Kind::Volume))
        .chain(sequences(heap, "CacheFile", Kind::Cache))
        .chain(simple(heap, "CacheFileLayer", Kind::Cache))
        .chain(shader_files(heap, "NodeShaderTexIES", Kind::Ies))
        .chain(shader_files(heap, "NodeShaderScript", Kind::Script))
        .chain(simple(heap, "MeshCacheModifierData", Kind::Cache))
        .chain(simple(heap, "CustomDataExternal", Kind::Cache))
        .chain(strips(heap))
}

impl Need {
    /// A need for one file, stored in the first of the usual fields that the struct has.
    fn file(part: &Part<'_>, kind: Kind) -> Option<Need> {
        Need::stored_in(part, kind, &["name", "filepath", "filename"])
    }

    fn stored_in(part: &Part<'_>, kind: Kind, fields: &[&str]) -> Option<Need> {
        let site = Site::of(part, fields)?;
        Some(Need {
            owner: part.entry.owner.clone(),
            kind,
            stored: site.value.clone(),
            extent: Extent::File,
            holds: Holds::File,
            packed: packed(&part.record),
            absence: Absence::Missing,
            sites: vec![site],
            others: Vec::new(),
        })
    }

    /// The same as a set of files.
    fn with_extent(self, extent: Extent) -> Need {
        Need { extent, ..self }
    }
}

fn packed(record: &Record<'_>) -> Packed {
    let fields = ["packedfile", "packedfiles.first"];
    match fields.iter().any(|field| record.pointer(field).is_some()) {
        true => Packed::Inside,
        false => Packed::Outside,
    }
}

fn simple<'a>(heap: &'a Heap, name: &'a str, kind: Kind) -> impl Iterator<Item = Need> + 'a {
    let needs = heap.all(name).filter_map(move |part| Need::file(&part, kind));
    needs.filter(|need| need.stored.as_bytes() != b"<builtin>")
}

/// Older files keep the absolute path beside the stored one; it is rewritten with it, as Blender itself would on
/// loading. Since 5.0 a library may be part of another one (`archive_parent_library`): then it is no file of its own.
fn libraries(heap: &Heap) -> impl Iterator<Item = Need> {
    heap.all("Library").filter_map(|part| {
        if part.record.pointer("archive_parent_library").is_some() {
            return None;
        }
        let mut need = Need::file(&part, Kind::Library)?;
        let copy =
            if part.record.field("name").is_some() { &["filepath_abs", "filepath"][..] } else { &["filepath_abs"] };
        need.sites.extend(Site::of(&part, copy));
        Some(need)
    })
}

/// `IMA_SRC_*`: 1 file, 2 sequence, 3 movie, 6 tiles; the others (generated, viewer) have no file.
fn images(heap: &Heap) -> impl Iterator<Item = Need> {
    heap.all("Image").flat_map(|part| {
        let (kind, extent) = match part.record.int("source") {
            Some(1) => (Kind::Image, Extent::File),
            Some(2) => (Kind::Sequence, Extent::Sequence),
            Some(3) => (Kind::Movie, Extent::File),
            Some(6) => (Kind::Udim, Extent::Udim),
            _ => return Vec::new(),
        };
        let own = Need::file(&part, kind).into_iter();
        let views = image_views(&part).into_iter().filter_map(|view| Need::stored_in(&view, kind, &["filepath"]));
        let packed = packed(&part.record);
        own.chain(views).map(|need| Need { packed, ..need.with_extent(extent) }).collect()
    })
}

/// The images of a stereo pair that lie in files of their own; the pair's own path names none of them then.
fn image_views<'a>(image: &Part<'a>) -> Vec<Part<'a>> {
    const INDIVIDUAL: i64 = 0;
    let views = image.list("views");
    if views.len() < 2 || image.record.int("views_format") != Some(INDIVIDUAL) {
        return Vec::new();
    }
    views
}

/// `MCLIP_SRC_SEQUENCE` is 1, `MCLIP_SRC_MOVIE` 2.
fn clips(heap: &Heap) -> impl Iterator<Item = Need> {
    heap.all("MovieClip").filter_map(|part| {
        let extent = if part.record.int("source") == Some(1) { Extent::Sequence } else { Extent::File };
        Some(Need::file(&part, Kind::MovieClip)?.with_extent(extent))
    })
}

fn sequences<'a>(heap: &'a Heap, name: &'a str, kind: Kind) -> impl Iterator<Item = Need> + 'a {
    heap.all(name).filter_map(move |part| {
        let extent = if part.record.flag("is_sequence", 0xFF) { Extent::Sequence } else { Extent::File };
        Some(Need::stored_in(&part, kind, &["filepath", "name"])?.with_extent(extent))
    })
}

/// Mode 1 is an external file, 0 a text inside the scene.
fn shader_files<'a>(heap: &'a Heap, name: &'a str, kind: Kind) -> impl Iterator<Item = Need> + 'a {
    let external = heap.all(name).filter(|part| part.record.int("mode") == Some(1));
    external.filter_map(move |part| Need::file(&part, kind))
}

/// Image and movie strips of the sequencer: a folder, and names within it. Sounds are data-blocks of their own.
fn strips(heap: &Heap) -> impl Iterator<Item = Need> {
    ["Sequence", "Strip"].into_iter().flat_map(|name| heap.all(name)).filter_map(|strip| {
        let kind = match strip.record.int("type") {
            Some(0) => Kind::Image,
            Some(3) => Kind::Movie,
            _ => return None,
        };
        let media = ["strip", "data"].into_iter().find_map(|field| strip.follow(field));
        strip_files(&media?, kind)
    })
}

fn element_name<'a>(element: &Part<'a>) -> Option<&'a [u8]> {
    element.record.text("name").or_else(|| element.record.text("filename"))
}

fn strip_files(media: &Part<'_>, kind: Kind) -> Option<Need> {
    let site = Site::of(media, &["dir", "dirpath"])?;
    let elements = media.array("stripdata");
    let count = if kind == Kind::Movie { 1 } else { elements.len() };
    let names = elements.iter().take(count).filter_map(element_name).filter(|name| !name.is_empty());
    let mut paths: Vec<StoredPath> = names.map(|name| site.value.join(name)).collect();
    paths.dedup();
    let others = if paths.len() > 1 { paths.split_off(1) } else { Vec::new() };
    Some(Need {
        owner: media.entry.owner.clone(),
        kind: if others.is_empty() { kind } else { Kind::Sequence },
        stored: paths.pop()?,
        extent: Extent::File,
        holds: Holds::Folder,
        packed: Packed::Outside,
        absence: Absence::Missing,
        sites: vec![site],
        others,
    })
}
