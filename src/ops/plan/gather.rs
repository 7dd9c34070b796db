//! Where the files that scenes need will lie, and which stored paths change for it.
//!
//! What lies on the volume is used in place. The rest goes to `store/deps/<digest>/<name>`: the digest is that of the
//! file, of all files of a sequence, or, for a linked library, of everything that it reaches, so that two libraries of
//! equal bytes beside different textures do not become one. The place of each file follows from contents alone; no
//! order of work and no cycle of libraries can change it.

use super::PlannedCopy;
use super::digests::Digests;
use crate::base::digest::{Digest, Hasher};
use crate::base::name::Home;
use crate::base::rel_path::RelPath;
use crate::blend::{self, Dependency, Edit, Extent, Holds, Kind, State};
use crate::volume::layout;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A copy and the edits made in it.
#[derive(Debug, Clone)]
pub struct Copy {
    /// What the plan shows.
    pub planned: PlannedCopy,
    /// What is rewritten (a linked library's own paths).
    pub edits: Vec<Edit>,
}

/// Everything that decides where files go.
pub struct Gathering<'a> {
    /// The volume's root, links resolved.
    volume: &'a Path,
    /// The release (or quick) that the copies belong to.
    home: &'a Home,
    /// Digests of every file that may be copied.
    digests: &'a Digests,
    /// What each file needs: scenes and libraries, by path.
    needs: BTreeMap<&'a Path, Vec<&'a Dependency>>,
}

impl<'a> Gathering<'a> {
    /// Sorts dependencies by the file that needs them.
    pub fn new(
        volume: &'a Path,
        home: &'a Home,
        digests: &'a Digests,
        all: impl Iterator<Item = &'a Dependency>,
    ) -> Self {
        let mut needs: BTreeMap<&Path, Vec<&Dependency>> = BTreeMap::new();
        for dependency in all {
            needs.entry(&dependency.file).or_default().push(dependency);
        }
        Gathering { volume, home, digests, needs }
    }

    /// The folder beneath the volume in which the dependency will be found; `None` for what is not there, and for a
    /// scene's own simulations, whose folder is named after the job.
    pub fn folder(&self, need: &Dependency) -> Option<RelPath> {
        if need.state != State::Found {
            return None;
        }
        if let Some(there) = self.on_volume(own_folder(need)) {
            return Some(there);
        }
        match need.kind {
            Kind::PointCache => self.library_cache(need),
            _ => Some(layout::dep_dir(self.home, &self.identity(need))),
        }
    }

    /// Whether the dependency lies on the volume already.
    pub fn is_in_place(&self, need: &Dependency) -> bool {
        need.kind != Kind::PointCache && self.on_volume(own_folder(need)).is_some()
    }

    fn on_volume(&self, path: &Path) -> Option<RelPath> {
        RelPath::new(path.strip_prefix(self.volume).ok()?.to_str()?).ok()
    }

    /// Simulations of a linked library stay beside it, under its name.
    fn library_cache(&self, need: &Dependency) -> Option<RelPath> {
        let is_library = |other: &&Dependency| other.kind == Kind::Library && other.path == need.file;
        self.needs.values().flatten().copied().find(is_library)?;
        let name = blend::cache_folder_name(&need.file)?;
        layout::dep_dir(self.home, &self.library_identity(&need.file)).join(name.to_str()?).ok()
    }

    /// The edits of `file`, which will lie in `folder`: every path of its own that leads somewhere else from there.
    /// `Err` is a path that does not fit into its field.
    pub fn edits(&self, file: &Path, folder: &RelPath) -> Result<Vec<Edit>, blend::Cause> {
        let mut edits = Vec::new();
        for need in self.needs_of(file) {
            if let Some(target) = self.folder(need) {
                edits.extend(need.edits(&relative(folder, &target))?);
            }
        }
        edits.retain(|edit| edit.to() != &edit.site().value);
        Ok(edits)
    }

    fn needs_of(&self, file: &Path) -> &[&'a Dependency] {
        self.needs.get(file).map(Vec::as_slice).unwrap_or_default()
    }

    /// The copies beneath `store/deps/` that all scenes together make necessary, each once.
    pub fn copies(&self) -> Result<Vec<Copy>, blend::Cause> {
        let mut copies: BTreeMap<RelPath, Copy> = BTreeMap::new();
        for need in self.needs.values().flatten().filter(|need| !self.is_in_place(need)) {
            let Some(folder) = self.folder(need) else { continue };
            for copy in self.copies_into(need, &folder)? {
                copies.entry(copy.planned.to.clone()).or_insert(copy);
            }
        }
        Ok(copies.into_values().collect())
    }

    /// The copies of a dependency's files into `folder`.
    pub fn copies_into(&self, need: &Dependency, folder: &RelPath) -> Result<Vec<Copy>, blend::Cause> {
        let mut copies = Vec::with_capacity(need.files.len());
        for file in &need.files {
            let below = file.strip_prefix(own_folder(need)).ok().and_then(Path::to_str);
            let to = below.and_then(|below| folder.join(below).ok());
            let (Some(hashed), Some(to)) = (self.digests.get(file), to) else { continue };
            let edits = if need.kind == Kind::Library { self.edits(file, folder)? } else { Vec::new() };
            let planned = PlannedCopy {
                from: file.clone(),
                to,
                size: hashed.size(),
                digest: hashed.digest,
                edits: edits.iter().map(Into::into).collect(),
            };
            copies.push(Copy { planned, edits });
        }
        Ok(copies)
    }

    /// What tells this dependency from every other: its bytes, and for a library all that it reaches.
    fn identity(&self, need: &Dependency) -> Digest {
        match need.kind {
            Kind::Library => self.library_identity(&need.path),
            _ => self.own_identity(need),
        }
    }

    /// Of one file its digest; of several the digest of their names and digests.
    fn own_identity(&self, need: &Dependency) -> Digest {
        match need.files.as_slice() {
            [file] => self.digests.get(file).map_or_else(|| Digest::of(b""), |hashed| hashed.digest),
            files => {
                let mut hasher = Hasher::new();
                for file in files {
                    hasher.update(file.strip_prefix(own_folder(need)).unwrap_or(file).as_os_str().as_encoded_bytes());
                    hasher.update(self.digest_text(file).as_bytes());
                }
                hasher.finish()
            }
        }
    }

    fn digest_text(&self, file: &Path) -> String {
        self.digests.get(file).map(|hashed| hashed.digest.to_string()).unwrap_or_default()
    }

    /// The digest over every (stored path, target) pair that can be reached from the library, and its own bytes.
    fn library_identity(&self, library: &Path) -> Digest {
        let mut facts: BTreeSet<String> = BTreeSet::new();
        let mut seen: BTreeSet<&Path> = BTreeSet::new();
        let mut open: Vec<&Path> = vec![library];
        facts.insert(format!("library {}", self.digest_text(library)));
        while let Some(file) = open.pop() {
            if !seen.insert(file) {
                continue;
            }
            for need in self.needs_of(file) {
                facts.insert(format!("{} {} {}", self.digest_text(file), need.stored, self.fact(need)));
                if need.kind == Kind::Library && need.state == State::Found && !self.is_in_place(need) {
                    open.push(&need.path);
                }
            }
        }
        let mut hasher = Hasher::new();
        for fact in &facts {
            hasher.update(fact.as_bytes());
            hasher.update(b"\n");
        }
        hasher.finish()
    }

    fn fact(&self, need: &Dependency) -> String {
        match need.state {
            State::Found if self.is_in_place(need) => format!("at {}", need.path.display()),
            State::Found => self.own_identity(need).to_string(),
            _ => "nowhere".to_owned(),
        }
    }
}

/// The folder whose contents the dependency's files are: itself where it is a folder, the one that holds it otherwise.
fn own_folder(need: &Dependency) -> &Path {
    match (need.extent, need.holds) {
        (Extent::Folder, Holds::Folder) => &need.path,
        _ => need.path.parent().unwrap_or(&need.path),
    }
}

/// `//../…`: the way from a file in `folder` to `target`, both beneath one root, as scenes store it.
pub fn relative(folder: &RelPath, target: &RelPath) -> String {
    let from: Vec<&str> = folder.parts().collect();
    let to: Vec<&str> = target.parts().collect();
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", from.len() - common);
    let way: Vec<&str> = up.chain(to[common..].iter().copied()).collect();
    format!("//{}", way.join("/"))
}

#[cfg(test)]
mod tests {
    use super::relative;
    use crate::base::rel_path::RelPath;

    #[test]
    fn ways_are_relative_to_the_folder() {
        let path = |text: &str| RelPath::new(text).expect("a path");
        for (folder, target, way) in [
            ("releases/r1/store", "releases/r1/store/deps/ab/t.png", "//deps/ab/t.png"),
            ("releases/r1/store/deps/cd", "releases/r1/store/deps/ab/t.png", "//../ab/t.png"),
            ("releases/r1/store", "assets/wood.png", "//../../../assets/wood.png"),
            ("releases/r1/store", "releases/r1/out/A/Node", "//../out/A/Node"),
        ] {
            assert_eq!(relative(&path(folder), &path(target)), way);
        }
    }
}
