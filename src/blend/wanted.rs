//! Which structs of a scene are kept in memory.

use super::record::Record;

/// One struct that is kept.
#[derive(Debug)]
pub(super) struct Want {
    /// Its name in the DNA.
    pub name: &'static str,
    /// Where in the file it matters.
    pub scope: Scope,
    /// Pointers to texts of their own blocks, which are kept too.
    pub texts: &'static [&'static str],
    /// Which of them matter.
    pub only_if: fn(&Record<'_>) -> bool,
}

/// Where in the file a struct matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everywhere.
    Anywhere,
    /// In scenes and compositing node trees only: materials have nodes by the thousand.
    Compositor,
}

/// The struct called `name`, if it is wanted.
pub(super) fn want(name: &str) -> Option<&'static Want> {
    WANTED.iter().find(|want| want.name == name)
}

const fn anywhere(name: &'static str) -> Want {
    Want { name, scope: Scope::Anywhere, texts: &[], only_if: always }
}

const fn compositor(name: &'static str) -> Want {
    Want { name, scope: Scope::Compositor, texts: &[], only_if: always }
}

const fn with_texts(want: Want, texts: &'static [&'static str]) -> Want {
    Want { texts, ..want }
}

fn always(_: &Record<'_>) -> bool {
    true
}

/// `OB_CAMERA` of `DNA_object_types.h`. Scenes have objects by the hundred thousand, and cameras by the dozen.
fn is_camera(object: &Record<'_>) -> bool {
    object.int("type") == Some(11)
}

fn is_compositor(tree: &Record<'_>) -> bool {
    tree.text("idname") == Some(b"CompositorNodeTree")
}

static WANTED: [Want; 44] = [
    anywhere("FileGlobal"),
    anywhere("ID"),
    anywhere("Scene"),
    anywhere("Collection"),
    anywhere("CollectionObject"),
    anywhere("CollectionChild"),
    Want { only_if: is_camera, ..anywhere("Object") },
    compositor("ViewLayer"),
    compositor("SceneRenderView"),
    compositor("Editing"),
    compositor("TimeMarker"),
    compositor("IDProperty"),
    Want { only_if: is_compositor, ..anywhere("bNodeTree") },
    compositor("bNode"),
    compositor("bNodeSocket"),
    compositor("bNodeLink"),
    with_texts(compositor("NodeImageMultiFile"), &["file_name"]),
    compositor("NodeImageMultiFileSocket"),
    with_texts(compositor("NodeCompositorFileOutputItem"), &["name"]),
    anywhere("Library"),
    anywhere("Image"),
    anywhere("ImageTile"),
    anywhere("ImageView"),
    anywhere("MovieClip"),
    anywhere("bSound"),
    anywhere("VFont"),
    anywhere("Volume"),
    anywhere("CacheFile"),
    anywhere("CacheFileLayer"),
    anywhere("NodeShaderTexIES"),
    anywhere("NodeShaderScript"),
    anywhere("MeshCacheModifierData"),
    anywhere("OceanModifierData"),
    anywhere("FluidDomainSettings"),
    anywhere("CustomDataExternal"),
    with_texts(anywhere("NodesModifierData"), &["simulation_bake_directory", "bake_directory"]),
    with_texts(anywhere("NodesModifierBake"), &["directory"]),
    anywhere("PointCache"),
    anywhere("ParticleSystem"),
    anywhere("ParticleSettings"),
    compositor("Sequence"),
    compositor("Strip"),
    compositor("StripElem"),
    compositor("StripData"),
];
