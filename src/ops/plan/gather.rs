//! Where the files that scenes need will lie, and which stored paths change for it.
//!
//! What lies on the volume is used in place. The rest goes to `store/deps/<digest>/<name>`: the digest is that of the
//! file, of all files of a sequence, or, for a linked library, of everything that it reaches, so that two libraries of
//! equal bytes beside different textures do not become one. The place of each file follows from contents alone; no
//! order of work and no cycle of libraries can change it.

use super::PlannedCopy;
use super::digests::Digests;
use super::obstacle::{Hindrance, Obstacle};
use crate::base::digest::{Digest, Hasher};
use crate::base::name::{Home, JobRef};
use crate::base::rel_path::RelPath;
use crate::blend::{self, Dependency, Edit, Extent, Holds, Kind, State, StoredPath};
use crate::volume::layout;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// A copy and the edits made in it.
#[derive(Debug, Clone)]
pub struct Copy {
    /// Where the file lies.
    pub from: PathBuf,
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
    /// Libraries on the volume of which everything that they reach lies on the volume too.
    in_place: BTreeSet<&'a Path>,
    /// Identities that were worked out, of what is there.
    identities: RefCell<HashMap<Named<'a>, Digest>>,
}

/// A dependency by the file that names it, its kind, its stored path, and what that holds.
type Named<'a> = (&'a Path, Kind, &'a StoredPath, Holds);

/// What one scene takes along.
#[derive(Debug, Default)]
pub struct Luggage<'a> {
    /// What is rewritten in the scene's own copy.
    pub edits: Vec<Edit>,
    /// Files that are copied with it.
    pub copies: Vec<Copy>,
    /// What it needs and cannot take along.
    pub obstacles: Vec<Obstacle<'a>>,
    /// Where the scene and each of its libraries will lie.
    berths: BTreeMap<&'a Path, Berth>,
}

/// Where a scene or library will lie.
#[derive(Debug, Clone)]
struct Berth {
    folder: RelPath,
    /// Where Blender will look for its simulations; `None` where that is no name for a volume.
    simulations: Option<RelPath>,
    copied: Copied,
}

/// Whether a file lies in its berth already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copied {
    /// It is used where it is, and nothing in it is rewritten.
    InPlace,
    /// It is copied there.
    There,
}

impl<'a> Gathering<'a> {
    /// Sorts dependencies by the file that needs them; what several scenes tell of one library counts once.
    pub fn new(
        volume: &'a Path,
        home: &'a Home,
        digests: &'a Digests,
        all: impl Iterator<Item = &'a Dependency>,
    ) -> Self {
        let mut needs: BTreeMap<&Path, Vec<&Dependency>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for need in all {
            if seen.insert((&need.file, need.kind, &need.stored, need.holds, need.state.word())) {
                needs.entry(&need.file).or_default().push(need);
            }
        }
        let (in_place, identities) = (BTreeSet::new(), RefCell::default());
        let mut gathering = Gathering { volume, home, digests, needs, in_place, identities };
        gathering.in_place = gathering.libraries_in_place();
        gathering
    }

    /// A library that lies on the volume is not rewritten, so that all that it needs has to be there as well.
    fn libraries_in_place(&self) -> BTreeSet<&'a Path> {
        let libraries = self.needs.values().flatten().filter(|need| need.kind == Kind::Library);
        let on_volume = libraries.filter(|need| need.state == State::Found && self.on_volume(need).is_some());
        let mut candidates: BTreeSet<&Path> = on_volume.map(|need| need.path.as_path()).collect();
        loop {
            let stays = |need: &&Dependency| match need.kind {
                _ if need.state != State::Found || is_beside(need) => true,
                Kind::Library => candidates.contains(need.path.as_path()),
                _ => self.on_volume(need).is_some(),
            };
            let all_stay = |library: &&&Path| self.needs_of(library).iter().all(&stays);
            let kept: BTreeSet<&Path> = candidates.iter().filter(all_stay).copied().collect();
            if kept.len() == candidates.len() {
                return kept;
            }
            candidates = kept;
        }
    }

    /// What the scene at `scene` takes along when it is copied as the job's.
    pub fn take(&self, scene: &'a Path, job: &JobRef) -> Luggage<'a> {
        let mut luggage = Luggage::default();
        let mut edits: BTreeMap<&Path, Vec<Edit>> = BTreeMap::new();
        let mut copies: BTreeMap<RelPath, &Path> = BTreeMap::new();
        let mut open = vec![(scene, Berth::of_scene(job))];
        while let Some((file, berth)) = open.pop() {
            if luggage.berths.contains_key(file) {
                continue;
            }
            for need in self.needs_of(file).iter().filter(|need| need.state == State::Found) {
                let stowed = self.stow(need, &berth);
                if need.kind == Kind::Library && stowed.obstacle.is_none() {
                    open.push((&need.path, self.berth(need)));
                }
                copies.extend(stowed.copies);
                luggage.obstacles.extend(stowed.obstacle);
                edits.entry(file).or_default().extend(stowed.edits);
            }
            luggage.berths.insert(file, berth);
        }
        luggage.edits = edits.remove(scene).unwrap_or_default();
        luggage.copies = copies.into_iter().filter_map(|(to, from)| self.copy(from, to, &edits)).collect();
        luggage
    }

    /// What it takes to have `need` for a file in `berth`: all or nothing, but for single files of a folder.
    fn stow(&self, need: &'a Dependency, berth: &Berth) -> Stowed<'a> {
        let all = || need.files.iter().map(PathBuf::as_path).collect();
        let blocked =
            |files, hindrance| Stowed { obstacle: Some(Obstacle { need, files, hindrance }), ..Stowed::default() };
        if berth.copied == Copied::InPlace {
            return Stowed::default();
        }
        let Some(target) = self.target(need, berth) else { return blocked(all(), Hindrance::Name) };
        let mut edits = match need.edits(&relative(&berth.folder, &target)) {
            Ok(edits) => edits,
            Err(cause) => return blocked(all(), Hindrance::of(&cause)),
        };
        edits.retain(|edit| edit.to() != &edit.site().value);
        if self.is_in_place(need) {
            return Stowed { edits, ..Stowed::default() };
        }
        let (mut copies, mut left) = (Vec::with_capacity(need.files.len()), Vec::new());
        for file in &need.files {
            match place(need, file, &target) {
                Some(to) => copies.push((to, file.as_path())),
                None => left.push(file.as_path()),
            }
        }
        match left.is_empty() {
            true => Stowed { edits, copies, obstacle: None },
            false if copies.is_empty() => blocked(left, Hindrance::Name),
            false => Stowed { edits, copies, ..blocked(left, Hindrance::Name) },
        }
    }

    fn copy(&self, from: &Path, to: RelPath, edits: &BTreeMap<&Path, Vec<Edit>>) -> Option<Copy> {
        let hashed = self.digests.get(from)?;
        let edits = edits.get(from).cloned().unwrap_or_default();
        let planned = PlannedCopy {
            from: from.display().to_string(),
            to,
            size: hashed.size(),
            digest: hashed.digest,
            edits: edits.iter().map(Into::into).collect(),
        };
        Some(Copy { from: from.to_owned(), planned, edits })
    }

    /// The folder beneath the volume in which a file in `berth` will find `need`.
    fn target(&self, need: &'a Dependency, berth: &Berth) -> Option<RelPath> {
        if is_beside(need) { berth.simulations.clone() } else { Some(self.folder(need)) }
    }

    fn folder(&self, need: &'a Dependency) -> RelPath {
        let there = self.on_volume(need).filter(|_| self.is_in_place(need));
        there.unwrap_or_else(|| layout::dep_dir(self.home, &self.identity(need)))
    }

    fn berth(&self, library: &'a Dependency) -> Berth {
        let folder = self.folder(library);
        let name = blend::cache_folder_name(&library.path);
        let simulations = name.and_then(|name| folder.join(name.to_str()?).ok());
        let copied = if self.is_in_place(library) { Copied::InPlace } else { Copied::There };
        Berth { folder, simulations, copied }
    }

    /// Where the render will find each file of `need`; `None` where it does not come along.
    pub fn stored<'n>(&self, need: &'a Dependency, luggage: &'n Luggage<'a>) -> impl Fn(&Path) -> Option<RelPath> + 'n
    where
        'a: 'n,
    {
        let berth = luggage.berths.get(need.file.as_path());
        let target = berth.and_then(|berth| self.target(need, berth));
        let obstacles = luggage.obstacles.iter().filter(|obstacle| obstacle.is_about(need));
        let left: HashSet<&Path> = obstacles.flat_map(|obstacle| obstacle.files.iter().copied()).collect();
        move |file| if left.contains(file) { None } else { place(need, file, target.as_ref()?) }
    }

    /// Whether the dependency lies on the volume already and is used there.
    pub fn is_in_place(&self, need: &Dependency) -> bool {
        let is_rewritten = need.kind == Kind::Library && !self.in_place.contains(need.path.as_path());
        need.state == State::Found && !is_beside(need) && !is_rewritten && self.on_volume(need).is_some()
    }

    /// The folder of the dependency's files beneath the volume, if that is where they lie.
    fn on_volume(&self, need: &Dependency) -> Option<RelPath> {
        RelPath::new(own_folder(need).strip_prefix(self.volume).ok()?.to_str()?).ok()
    }

    fn needs_of(&self, file: &Path) -> &[&'a Dependency] {
        self.needs.get(file).map(Vec::as_slice).unwrap_or_default()
    }

    /// What tells this dependency from every other: its bytes, and for a library all that it reaches. A sequence has
    /// thousands of files, and a library is asked after by every scene: each is worked out once.
    fn identity(&self, need: &'a Dependency) -> Digest {
        let key = (need.file.as_path(), need.kind, &need.stored, need.holds);
        if let Some(known) = self.identities.borrow().get(&key) {
            return *known;
        }
        let identity = match need.kind {
            Kind::Library => self.library_identity(&need.path),
            _ => self.own_identity(need),
        };
        self.identities.borrow_mut().insert(key, identity);
        identity
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
    fn library_identity(&self, library: &'a Path) -> Digest {
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

    fn fact(&self, need: &'a Dependency) -> String {
        match need.state {
            State::Found if self.is_in_place(need) => format!("at {}", need.path.display()),
            State::Found if need.kind != Kind::Library => self.identity(need).to_string(),
            State::Found => self.own_identity(need).to_string(),
            _ => "nowhere".to_owned(),
        }
    }
}

/// What taking one dependency along means.
#[derive(Debug, Default)]
struct Stowed<'a> {
    edits: Vec<Edit>,
    copies: Vec<(RelPath, &'a Path)>,
    obstacle: Option<Obstacle<'a>>,
}

impl Berth {
    fn of_scene(job: &JobRef) -> Berth {
        let folder = layout::store_dir(&job.home);
        let name = blend::cache_folder_name(Path::new(layout::store_file(job, "blend").as_str()));
        let simulations = name.and_then(|name| folder.join(name.to_str()?).ok());
        Berth { folder, simulations, copied: Copied::There }
    }
}

/// Where `file` of `need` goes when its folder goes to `target`; `None` where its name is none for a volume.
fn place(need: &Dependency, file: &Path, target: &RelPath) -> Option<RelPath> {
    target.join(file.strip_prefix(own_folder(need)).ok()?.to_str()?).ok()
}

/// Whether Blender finds it by the name of the file that needs it: nothing is stored that could be rewritten.
fn is_beside(need: &Dependency) -> bool {
    need.kind == Kind::PointCache && need.sites.is_empty()
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
    use super::*;
    use crate::blend::SceneFile;
    use crate::ops::plan::digests::Hashed;
    use crate::sys::outside;
    use std::fs;

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

    /// The scene that links a library that links a library, below `folder`.
    fn nested(folder: &Path) -> PathBuf {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenes/deps/nested");
        for file in
            ["shot.blend", "lib/bolt.blend", "lib/maps/grain.png", "lib/deep/nut.blend", "lib/deep/maps/grain.png"]
        {
            let target = folder.join(file);
            fs::create_dir_all(target.parent().expect("a folder")).expect("temp");
            fs::copy(from.join(file), target).expect("temp");
        }
        folder.join("shot.blend")
    }

    fn digests(scene: &SceneFile) -> Digests {
        let files = scene.dependencies.iter().flat_map(|need| &need.files);
        let hashed = |file: &PathBuf| {
            let open = outside::open(file).expect("open").expect("there");
            (file.clone(), Hashed { digest: open.digest().expect("read").0, attributes: *open.attributes() })
        };
        files.map(hashed).collect()
    }

    /// What the scene takes along to `r1/A` on the volume: copied file names, edits, obstacles.
    fn taken(volume: &Path, scene: &Path) -> (Vec<String>, Vec<String>, Vec<String>) {
        let file = blend::read(scene).expect("a scene");
        let (digests, job): (_, JobRef) = (digests(&file), "r1/A".parse().expect("a job"));
        let gathering = Gathering::new(volume, &job.home, &digests, file.dependencies.iter());
        let luggage = gathering.take(&file.path, &job);
        let names = luggage.copies.iter().map(|copy| copy.planned.to.name().unwrap_or_default().to_owned());
        // A library's path is stored twice.
        let edits: BTreeSet<String> = luggage.edits.iter().map(|edit| edit.to().to_string()).collect();
        let obstacles = luggage.obstacles.iter().map(ToString::to_string);
        (names.collect(), edits.into_iter().collect(), obstacles.collect())
    }

    #[test]
    fn libraries_on_the_volume_stay_if_all_they_need_is_there() {
        let room = tempfile::tempdir().expect("temp");
        let volume = room.path().join("V");
        let scene = nested(&volume.join("shots"));
        let there = vec!["//../../../shots/lib/bolt.blend".to_owned()];
        assert_eq!(taken(&volume, &scene), (vec![], there, vec![]));
        let nut = volume.join("shots/lib/deep/nut.blend");
        let grain = room.path().join("grain.png");
        fs::rename(volume.join("shots/lib/deep/maps/grain.png"), &grain).expect("temp");
        let moved = blend::read(&nut).expect("a library").dependencies[0]
            .edits_to(&StoredPath::from(grain.to_str().expect("a text")))
            .expect("it fits");
        let mut copy = Vec::new();
        blend::rewrite(fs::File::open(&nut).expect("open"), &nut, &mut copy, &moved).expect("a copy");
        fs::write(&nut, copy).expect("temp");
        let (mut names, edits, obstacles) = taken(&volume, &scene);
        names.sort();
        assert_eq!(names, ["bolt.blend", "grain.png", "nut.blend"], "the one that stays on the volume is not copied");
        assert!(edits[0].starts_with("//deps/") && obstacles.is_empty(), "{edits:?} {obstacles:?}");
    }

    #[test]
    fn what_has_an_impossible_name_or_way_is_named_and_stays() {
        use std::os::unix::ffi::OsStrExt;
        let room = tempfile::tempdir().expect("temp");
        let scene = nested(&room.path().join("film"));
        let volume = room.path().join("V");
        let odd = StoredPath::new(*b"//bolt_\xff.blend");
        let shot = blend::read(&scene).expect("a scene");
        let mut copy = Vec::new();
        let edits = shot.dependencies[0].edits_to(&odd).expect("it fits");
        blend::rewrite(fs::File::open(&scene).expect("open"), &scene, &mut copy, &edits).expect("a copy");
        fs::write(&scene, copy).expect("temp");
        let name = std::ffi::OsStr::from_bytes(b"film/bolt_\xff.blend");
        fs::copy(room.path().join("film/lib/bolt.blend"), room.path().join(name)).expect("temp");
        let (names, edits, obstacles) = taken(&volume, &scene);
        assert!(names.is_empty() && edits.is_empty(), "{names:?} {edits:?}");
        assert_eq!(obstacles.len(), 1);
        assert!(
            obstacles[0].starts_with("library ") && obstacles[0].ends_with("of LIbolt.blend): its name is not UTF-8"),
            "{obstacles:?}"
        );
    }
}
