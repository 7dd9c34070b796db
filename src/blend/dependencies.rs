//! Everything a scene needs from disk, through all linked libraries.

use super::caches;
use super::contents::Content;
use super::dependency::{Dependency, Extent, Holds, Kind, State};
use super::error::Cause;
use super::needs::{Absence, Need, Packed};
use super::reader::Reader;
use super::resolve::{Resolved, Resolver, identity, tidy};
use super::stored_path::StoredPath;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// More than any scene names; a file beyond it is damaged or hostile.
const MOST_PER_FILE: usize = 100_000;
/// More libraries than any scene links.
const MOST_FILES: usize = 10_000;

/// All that the scene at `path` with this content needs; then all that its libraries need, and theirs.
///
/// A library that is missing or unreadable is itself a dependency with the state missing, never an error. What a library
/// names, lacks, and holds only for things that nobody links, is left out: large libraries are full of it.
pub(super) fn dependencies(path: &Path, content: &Content, reader: &Reader<'_>) -> Result<Vec<Dependency>, Cause> {
    let mut walk = Walk { reader, seen: HashMap::new(), found: Vec::new(), linked: HashMap::new() };
    walk.seen.extend(identity(path).map(|identity| (identity, Ok(()))));
    walk.add(&surroundings(path, content, reader.resolver())?);
    let mut at = 0;
    while at < walk.found.len() {
        walk.follow(at);
        at += 1;
    }
    walk.leave_out_unlinked(path);
    Ok(walk.found.into_iter().map(|found| found.dependency).collect())
}

/// What one file needs, looked up, and what it links.
#[derive(Debug)]
pub(super) struct Surroundings {
    found: Vec<Found>,
    /// Libraries with the names of data-blocks in them.
    links: Vec<(PathBuf, Arc<str>)>,
}

/// A dependency and the data-blocks that name it.
#[derive(Debug, Clone)]
struct Found {
    dependency: Dependency,
    owners: Vec<Arc<str>>,
}

/// Looks up what the file at `path` with this content needs.
pub(super) fn surroundings(path: &Path, content: &Content, resolver: &Resolver) -> Result<Surroundings, Cause> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut merged = Merged::default();
    for need in &content.needs {
        if merged.list.len() >= MOST_PER_FILE {
            return Err(Cause::TooLarge(format!("it names more than {MOST_PER_FILE} files")));
        }
        let there = look_up(need, folder, resolver);
        if need.absence == Absence::Missing || there.state == State::Found {
            merged.add(path, need.clone(), there);
        }
    }
    let mut found = merged.list;
    let beside = caches::beside(path, &content.simulations, resolver);
    found.extend(beside.map(|dependency| Found { dependency, owners: Vec::new() }));
    // A file links hundreds of things from each of a few libraries.
    let mut libraries: HashMap<&StoredPath, PathBuf> = HashMap::new();
    let mut links = Vec::with_capacity(content.links.len());
    for (library, name) in &content.links {
        let place = libraries.entry(library).or_insert_with(|| tidy(library.resolve(folder)));
        links.push((place.clone(), name.clone()));
    }
    Ok(Surroundings { found, links })
}

/// The way through a scene and its libraries.
struct Walk<'a> {
    reader: &'a Reader<'a>,
    /// The files read so far; why, where one cannot be read.
    seen: HashMap<(u64, u64), Result<(), String>>,
    found: Vec<Found>,
    /// What is linked from each library, by anyone.
    linked: HashMap<PathBuf, HashSet<Arc<str>>>,
}

impl Walk<'_> {
    /// Adds what one file needs.
    fn add(&mut self, file: &Surroundings) {
        self.found.extend(file.found.iter().cloned());
        for (library, name) in &file.links {
            self.linked.entry(library.clone()).or_default().insert(name.clone());
        }
    }

    /// Reads the library that a dependency is, unless that was done before.
    fn follow(&mut self, at: usize) {
        let dependency = &self.found[at].dependency;
        if dependency.kind != Kind::Library || dependency.state != State::Found {
            return;
        }
        let path = dependency.path.clone();
        let Some(identity) = identity(&path) else { return };
        let outcome = match self.seen.get(&identity) {
            Some(outcome) => outcome.clone(),
            None if self.seen.len() >= MOST_FILES => Err("there are too many libraries".into()),
            None => self.read(&path),
        };
        self.seen.insert(identity, outcome.clone());
        if let Err(reason) = outcome {
            self.found[at].dependency.state = State::Missing(reason);
        }
    }

    fn read(&mut self, path: &Path) -> Result<(), String> {
        let library = self.reader.library(path);
        self.add(library.surroundings(path, self.reader)?);
        Ok(())
    }

    /// Drops what libraries miss for things that nobody links. Where that cannot be told, everything stays.
    fn leave_out_unlinked(&mut self, scene: &Path) {
        let is_doubtful = |found: &Found| {
            let dependency = &found.dependency;
            dependency.file != scene && !found.owners.is_empty() && matches!(dependency.state, State::Missing(_))
        };
        let files: HashSet<PathBuf> =
            self.found.iter().filter(|found| is_doubtful(found)).map(|found| found.dependency.file.clone()).collect();
        for file in files {
            let Some(linked) = self.linked.get(&file) else { continue };
            let library = self.reader.library(&file);
            let Some(reached) = library.graph(&file).map(|graph| graph.reach(linked)) else { continue };
            let is_used = |found: &Found| found.owners.iter().any(|owner| reached.contains(owner));
            self.found.retain(|found| found.dependency.file != file || !is_doubtful(found) || is_used(found));
        }
    }
}

/// Where a need's paths lead; one that is missing makes all of it missing.
fn look_up(need: &Need, folder: &Path, resolver: &Resolver) -> Resolved {
    let mut there = resolver.resolve(&need.stored, folder, need.extent);
    for other in &need.others {
        let also = resolver.resolve(other, folder, Extent::File);
        there.files.extend(also.files);
        if let (State::Found, State::Missing(reason)) = (&there.state, also.state) {
            there.state = State::Missing(format!("{}: {reason}", String::from_utf8_lossy(other.file_name())));
        }
    }
    there
}

/// Dependencies of one file; the same path named by several data-blocks is one, with several sites.
#[derive(Default)]
struct Merged {
    list: Vec<Found>,
    places: HashMap<(Kind, StoredPath, Holds, bool), usize>,
}

impl Merged {
    fn add(&mut self, file: &Path, need: Need, there: Resolved) {
        let is_packed = need.packed == Packed::Inside;
        // A sequence and a strip may name one path: that of a file, and that of a folder.
        let place = (need.kind, need.stored.clone(), need.holds, is_packed);
        if let Some(at) = self.places.get(&place) {
            let Found { dependency, owners } = &mut self.list[*at];
            dependency.sites.extend(need.sites);
            owners.push(need.owner);
            if !is_packed {
                add_files(dependency, there);
            }
            return;
        }
        self.places.insert(place, self.list.len());
        let dependency = Dependency {
            file: file.to_owned(),
            owner: need.owner.get(2..).unwrap_or_default().to_owned(),
            kind: need.kind,
            stored: need.stored,
            extent: need.extent,
            path: there.path,
            files: if is_packed { Vec::new() } else { there.files },
            state: if is_packed { State::Packed } else { there.state },
            sites: need.sites,
            holds: need.holds,
        };
        self.list.push(Found { dependency, owners: vec![need.owner] });
    }
}

/// Strips that begin with the same image may go on with different ones, or with one that is missing.
fn add_files(dependency: &mut Dependency, there: Resolved) {
    if dependency.files != there.files {
        let known: HashSet<PathBuf> = dependency.files.iter().cloned().collect();
        dependency.files.extend(there.files.into_iter().filter(|file| !known.contains(file)));
    }
    if let (State::Found, State::Missing(_)) = (&dependency.state, &there.state) {
        dependency.state = there.state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blend::read;
    use std::fs;

    fn nested() -> tempfile::TempDir {
        let room = tempfile::tempdir().unwrap();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenes/deps/nested");
        for file in
            ["shot.blend", "lib/bolt.blend", "lib/maps/grain.png", "lib/deep/nut.blend", "lib/deep/maps/grain.png"]
        {
            let target = room.path().join(file);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(from.join(file), target).unwrap();
        }
        room
    }

    fn missing(scene: &Path) -> Vec<String> {
        let file = read(scene).unwrap();
        let missing = file.dependencies.iter().filter(|need| need.state.reason().is_some());
        missing.map(|need| format!("{}: {}", need.stored, need.state.reason().unwrap())).collect()
    }

    #[test]
    fn what_a_library_lacks_for_things_that_nobody_links_is_left_out() {
        let room = nested();
        assert_eq!(missing(&room.path().join("shot.blend")), [""; 0]);
        assert_eq!(missing(&room.path().join("lib/bolt.blend")), ["//maps/gone.png: it is not there"]);
        fs::rename(room.path().join("lib/maps"), room.path().join("lib/away")).unwrap();
        assert_eq!(missing(&room.path().join("shot.blend")), ["//maps/grain.png: it is not there"]);
    }

    #[test]
    fn a_library_that_is_gone_or_broken_is_missing_wherever_it_is_linked() {
        let room = nested();
        let nut = room.path().join("lib/deep/nut.blend");
        let whole = fs::read(&nut).unwrap();
        fs::write(&nut, &whole[..whole.len() / 2]).unwrap();
        let shot = room.path().join("shot.blend");
        assert_eq!(missing(&shot), ["//deep/nut.blend: it cannot be read: cut short: its end is missing"]);
        fs::rename(&nut, room.path().join("away")).unwrap();
        assert_eq!(missing(&shot), ["//deep/nut.blend: it is not there"]);
    }

    #[test]
    fn strips_that_begin_alike_need_the_files_of_both() {
        let strip = |count: usize| {
            let paths = (1..=count).map(|number| PathBuf::from(format!("/film/a_{number}.png")));
            let need = Need {
                owner: "SCScene".into(),
                kind: Kind::Sequence,
                stored: "//a_1.png".into(),
                extent: Extent::File,
                holds: Holds::Folder,
                packed: Packed::Outside,
                absence: Absence::Missing,
                sites: Vec::new(),
                others: Vec::new(),
            };
            (need, Resolved { path: "/film/a_1.png".into(), files: paths.collect(), state: State::Found })
        };
        let mut merged = Merged::default();
        let (one, long, short) = (strip(2), strip(4), strip(3));
        for (need, there) in [one, long, short] {
            merged.add(Path::new("/film/shot.blend"), need, there);
        }
        assert_eq!((merged.list.len(), merged.list[0].dependency.files.len()), (1, 4));
        let (need, mut there) = strip(5);
        there.state = State::Missing("a_5.png: it is not there".into());
        merged.add(Path::new("/film/shot.blend"), need, there);
        assert!(matches!(merged.list[0].dependency.state, State::Missing(_)));
        let (need, there) = strip(4);
        merged.add(Path::new("/film/shot.blend"), Need { holds: Holds::File, ..need }, there);
        assert_eq!(merged.list.len(), 2, "an image's field gets the path of a file, a strip's that of a folder");
    }

    #[test]
    fn libraries_that_link_in_a_circle_come_to_an_end() {
        let room = nested();
        let shot = room.path().join("shot.blend");
        fs::copy(&shot, room.path().join("lib/bolt.blend")).unwrap();
        std::os::unix::fs::symlink(".", room.path().join("lib/lib")).unwrap();
        let file = read(&shot).unwrap();
        let stored: Vec<_> = file.dependencies.iter().map(|need| need.stored.to_string()).collect();
        assert_eq!(stored, ["//lib/bolt.blend", "//lib/bolt.blend"]);
    }
}
