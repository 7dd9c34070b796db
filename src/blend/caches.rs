//! Simulations on disk: folders that Blender finds by a stored path, or by the scene's own name.
//!
//! Bits and names: `DNA_pointcache_types.h`, `DNA_fluid_types.h`, `pointcache.cc`.

use super::dependency::{Dependency, Extent, Holds, Kind, State};
use super::heap::{Heap, Part};
use super::needs::{Absence, Need, Packed};
use super::resolve::Resolver;
use super::site::Site;
use super::stored_path::StoredPath;
use crate::sys::outside;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Bits of `PointCache.flag`.
mod flag {
    pub(super) const BAKED: i64 = 1 << 0;
    pub(super) const DISK_CACHE: i64 = 1 << 6;
    pub(super) const EXTERNAL: i64 = 1 << 9;
}

/// Bits of `FluidDomainSettings.cache_flag` that say something was baked.
const FLUID_BAKED: i64 = (1 << 1) | (1 << 3) | (1 << 5) | (1 << 7) | (1 << 9);

/// What the folder of a scene's simulations is called, before the scene's own name.
const PREFIX: &str = "blendcache_";

/// A simulation whose frames depend on those before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Simulation {
    /// The data-block that it belongs to.
    pub(super) owner: String,
    /// Whether it was baked.
    pub(super) baked: Baked,
    /// Where its frames are kept.
    pub(super) kept: Kept,
}

/// Where a simulation keeps its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// In the folder named after the scene.
    BesideScene,
    /// In the scene itself, or nowhere.
    InScene,
    /// In a folder whose path is stored.
    InOwnFolder,
}

/// Whether a simulation was baked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Baked {
    Yes,
    No,
}

/// Folders of simulations whose path is stored.
pub(super) fn needs(heap: &Heap) -> impl Iterator<Item = Need> {
    external(heap).chain(fluids(heap)).chain(oceans(heap)).chain(node_bakes(heap))
}

fn folder(part: &Part<'_>, field: &str, kind: Kind, absence: Absence) -> Option<Need> {
    let site = Site::at(part, field)?;
    Some(Need {
        owner: part.entry.owner.clone(),
        kind,
        stored: site.value.clone(),
        extent: Extent::Folder,
        holds: Holds::Folder,
        packed: Packed::Outside,
        absence,
        sites: vec![site],
        others: Vec::new(),
    })
}

fn external(heap: &Heap) -> impl Iterator<Item = Need> {
    let caches = heap.all("PointCache").filter(|cache| cache.record.flag("flag", flag::EXTERNAL));
    caches.filter_map(|cache| folder(&cache, "path", Kind::PointCache, Absence::Missing))
}

fn fluids(heap: &Heap) -> impl Iterator<Item = Need> {
    heap.all("FluidDomainSettings").filter_map(|domain| {
        let baked = domain.record.flag("cache_flag", FLUID_BAKED);
        let absence = if baked { Absence::Missing } else { Absence::Normal };
        folder(&domain, "cache_directory", Kind::FluidCache, absence)
    })
}

fn oceans(heap: &Heap) -> impl Iterator<Item = Need> {
    let cached = heap.all("OceanModifierData").filter(|ocean| ocean.record.flag("cached", 0xFF));
    cached.filter_map(|ocean| folder(&ocean, "cachepath", Kind::Cache, Absence::Missing))
}

/// Baked geometry nodes; without a folder of their own they lie in the one named after the scene.
fn node_bakes(heap: &Heap) -> impl Iterator<Item = Need> {
    let fields = [
        ("NodesModifierData", "simulation_bake_directory"),
        ("NodesModifierData", "bake_directory"),
        ("NodesModifierBake", "directory"),
    ];
    fields.into_iter().flat_map(|(name, field)| {
        heap.all(name).filter_map(move |part| folder(&part, field, Kind::Cache, Absence::Normal))
    })
}

/// The simulations of this file, without those whose folder is stored and without hair that does not move.
pub(super) fn simulations(heap: &Heap) -> Vec<Simulation> {
    let fluids: Vec<Simulation> = heap.all("FluidDomainSettings").map(fluid).collect();
    let still = still_hair(heap);
    let caches = heap.all("PointCache").filter(|cache| !cache.record.flag("flag", flag::EXTERNAL));
    let moving = caches.filter(|cache| !still.contains(&cache.entry.position));
    let simulation = |cache: Part<'_>| Simulation {
        owner: owner(&cache),
        baked: if cache.record.flag("flag", flag::BAKED) { Baked::Yes } else { Baked::No },
        kept: if cache.record.flag("flag", flag::DISK_CACHE) { Kept::BesideScene } else { Kept::InScene },
    };
    // A fluid has point caches too, a relic that nothing is ever written to.
    let is_relic = |one: &Simulation| fluids.iter().any(|fluid| fluid.owner == one.owner);
    let mut all: Vec<Simulation> = moving.map(simulation).filter(|one| !is_relic(one)).collect();
    all.extend(fluids);
    all
}

fn fluid(domain: Part<'_>) -> Simulation {
    let baked = if domain.record.flag("cache_flag", FLUID_BAKED) { Baked::Yes } else { Baked::No };
    Simulation { owner: owner(&domain), baked, kept: Kept::InOwnFolder }
}

/// The name of the data-block, without the two letters of its kind.
fn owner(part: &Part<'_>) -> String {
    part.entry.owner.get(2..).unwrap_or_default().to_owned()
}

/// Where the caches of hair lie that has no dynamics: every particle system has one, used or not.
fn still_hair(heap: &Heap) -> HashSet<u64> {
    const HAIR: i64 = 2;
    const DYNAMICS: i64 = 1 << 2;
    let systems = heap.all("ParticleSystem").filter(|system| {
        let is_hair = system.follow("part").is_some_and(|settings| settings.record.int("type") == Some(HAIR));
        is_hair && !system.record.flag("flag", DYNAMICS)
    });
    systems.filter_map(|system| system.follow("pointcache")).map(|cache| cache.entry.position).collect()
}

/// The folder `blendcache_<scene>` beside the scene, where it exists or a baked simulation needs it.
pub(super) fn beside(path: &Path, simulations: &[Simulation], resolver: &Resolver) -> Option<Dependency> {
    let name = folder_name(path)?;
    let mut stored = b"//".to_vec();
    stored.extend_from_slice(outside::bytes_of(&name));
    let stored = StoredPath::new(stored);
    let there = resolver.resolve(&stored, path.parent()?, Extent::Folder);
    let mut on_disk = simulations.iter().filter(|simulation| simulation.kept == Kept::BesideScene);
    let baked = on_disk.find(|simulation| simulation.baked == Baked::Yes);
    if there.state != State::Found && baked.is_none() {
        return None;
    }
    Some(Dependency {
        file: path.to_owned(),
        owner: baked.map(|cache| cache.owner.clone()).unwrap_or_default(),
        kind: Kind::PointCache,
        stored,
        extent: Extent::Folder,
        path: there.path,
        files: there.files,
        state: there.state,
        sites: Vec::new(),
        holds: Holds::Folder,
    })
}

/// What Blender calls the folder of the simulations of the scene at `path`: `blendcache_shot` for `shot.blend`.
pub fn folder_name(path: &Path) -> Option<PathBuf> {
    let mut name = PREFIX.as_bytes().to_vec();
    name.extend_from_slice(outside::bytes_of(Path::new(path.file_stem()?)));
    Some(outside::path_from_bytes(&name))
}

/// Folders of simulations beside the scene that bear another scene's name.
pub(super) fn strangers(path: &Path, resolver: &Resolver) -> Vec<String> {
    let (Some(own), Some(parent)) = (folder_name(path), path.parent()) else { return Vec::new() };
    let names = resolver.names(parent);
    let names = names.iter().filter(|entry| Path::new(&entry.name) != own);
    let names = names.map(|entry| entry.name.to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(PREFIX)).collect()
}
