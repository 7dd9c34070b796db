//! What a scene needs and cannot take along as it is: named in full, and packed by Blender where that is wanted and
//! where Blender can.

use super::PackedFile;
use super::digests::{Digests, Hashed};
use crate::blend::{Cause, Dependency, Extent, Holds, Kind, SceneFile, State};
use std::fmt;
use std::path::Path;

/// Files of a dependency that cannot be taken along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle<'a> {
    /// The dependency.
    pub need: &'a Dependency,
    /// Those of its files that it is about.
    pub files: Vec<&'a Path>,
    /// Why not.
    pub hindrance: Hindrance,
}

/// Why files cannot be taken along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hindrance {
    /// Their name cannot be written down: it is no UTF-8, or leads out of their folder.
    Name,
    /// The path to their new place does not fit into the field that stores it.
    Field(String),
}

impl Hindrance {
    /// From what rewriting says.
    pub fn of(cause: &Cause) -> Hindrance {
        Hindrance::Field(match cause {
            Cause::PathTooLong { path, length, room, .. } => {
                format!("its new path {path:?} has {length} bytes, the field holds {room}")
            }
            other => other.to_string(),
        })
    }
}

impl fmt::Display for Hindrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hindrance::Name => f.write_str("its name is not UTF-8"),
            Hindrance::Field(cause) => f.write_str(cause),
        }
    }
}

/// `image /film/wood.png (Image.name of IMwood): its name is not UTF-8`
impl fmt::Display for Obstacle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({}): {}", self.need.kind, self.path().display(), self.field(), self.hindrance)
    }
}

impl Obstacle<'_> {
    /// What to name: the one file that it is about, or the set or folder.
    fn path(&self) -> &Path {
        match self.files[..] {
            [file] => file,
            _ => &self.need.path,
        }
    }

    /// Where the path is stored, and in which file where that is a library.
    fn field(&self) -> String {
        match self.need.sites.first() {
            Some(site) => site.field.clone(),
            None => format!("beside {}", self.need.file.display()),
        }
    }

    /// Whether it is about files of `need`.
    pub fn is_about(&self, need: &Dependency) -> bool {
        let own = self.need;
        (&own.file, own.kind, &own.stored, own.holds) == (&need.file, need.kind, &need.stored, need.holds)
    }

    /// Whether Blender can pack it into the scene at `scene`: what the scene itself names, of a kind that is packed. A
    /// packed library looks for its own files where it once lay, so that `libraries` must need none.
    pub fn is_packable(&self, scene: &Path, libraries: Libraries) -> bool {
        let is_kind = match (self.need.kind, self.need.extent) {
            (Kind::Image | Kind::Sound | Kind::Font | Kind::Volume, Extent::File) => self.need.holds == Holds::File,
            (Kind::Udim, _) => true,
            (Kind::Library, _) => libraries == Libraries::StandAlone,
            _ => false,
        };
        is_kind && self.need.file == scene
    }

    /// As the plan shows it.
    pub fn as_packed(&self, digests: &Digests) -> PackedFile {
        PackedFile {
            path: self.path().display().to_string(),
            kind: self.need.kind.to_string(),
            field: self.field(),
            cause: self.hindrance.to_string(),
            size: self.files.iter().filter_map(|file| digests.get(*file)).map(Hashed::size).sum(),
        }
    }
}

/// What the libraries of a scene need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Libraries {
    /// Nothing but other libraries.
    StandAlone,
    /// Files.
    NeedFiles,
}

impl Libraries {
    /// Those of `scene`.
    pub fn of(scene: &SceneFile) -> Libraries {
        let theirs = scene.dependencies.iter().filter(|need| need.file != scene.path && need.state == State::Found);
        match theirs.into_iter().any(|need| need.kind != Kind::Library) {
            true => Libraries::NeedFiles,
            false => Libraries::StandAlone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::Class;
    use crate::ops::plan::{Packing, refusal};

    #[test]
    fn refusals_name_file_field_cause_and_the_way_out() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenes/deps/one/one.blend");
        let scene = crate::blend::read(&path).expect("a scene");
        let need = &scene.dependencies[0];
        let cause = need.edits(&format!("//{}", "x".repeat(1020))).expect_err("too long");
        let files = need.files.iter().map(|file| file.as_path()).collect();
        let obstacle = Obstacle { need, files, hindrance: Hindrance::of(&cause) };
        assert!(obstacle.is_packable(&scene.path, Libraries::of(&scene)));
        assert!(!obstacle.is_packable(Path::new("/film/other.blend"), Libraries::StandAlone), "a library's own file");
        let job = "r1/A".parse().expect("a job");
        let refused = refusal::left_behind(&job, std::slice::from_ref(&obstacle), Packing::Never);
        let message = refused.message();
        for word in ["r1/A needs 1 file that", "image /", "wood.png (Image.name of IMwood.png)", "1031 bytes", "1023"] {
            assert!(message.contains(word), "{message}");
        }
        assert_eq!(refused.class(), Class::Refused);
        let hint = |packing| refusal::left_behind(&job, std::slice::from_ref(&obstacle), packing);
        assert!(
            hint(Packing::Never).hint().is_some_and(|hint| hint.contains("--pack") && hint.contains("--allow-missing"))
        );
        assert!(hint(Packing::WhereNeeded).hint().is_some_and(|hint| hint.contains("cannot pack")));
    }
}
