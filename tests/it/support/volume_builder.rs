//! A room with a volume, scenes and a renderer in it.

use super::fake_blender::{self, Fake};
use super::output::{self, Outcome};
use super::sealed_room::{Room, Running};
use super::tree::Tree;
use super::{fixture, png};
use std::fs;
use std::path::{Path, PathBuf};

/// A room with the volume `V`, the scenes `A.blend` and `B.blend` in `scenes/`, and a stand-in for Blender.
pub(crate) struct Farm {
    pub(crate) room: Room,
}

impl Farm {
    /// With a stand-in that knows the frames 1 to 20 and takes no time.
    pub(crate) fn new() -> Self {
        Self::with(&Fake::default())
    }

    /// With a stand-in of another kind.
    pub(crate) fn with(fake: &Fake) -> Self {
        let farm = Self::with_real_blender();
        let Farm { mut room } = farm;
        let program = fake.install(&room.path("fake"));
        room.set("FARM_BLENDER", program);
        Farm { room }
    }

    /// Without a stand-in: the Blender that PATH has.
    pub(crate) fn with_real_blender() -> Self {
        let farm = Self::with_scenes();
        farm.room.farm(&["init", "V", "--name", "testvolume"]).expect(0);
        farm
    }

    /// The scenes and a bare folder `V`, on which farm was never run.
    pub(crate) fn without_volume() -> Self {
        let farm = Self::with_scenes();
        fs::create_dir(farm.path("")).expect("a folder");
        farm
    }

    fn with_scenes() -> Self {
        let room = Room::new();
        fs::create_dir(room.path("scenes")).expect("a folder for scenes");
        let farm = Farm { room };
        farm.scene("A.blend", "scenes/cube3_zstd.blend");
        farm.scene("B.blend", "scenes/workbench10.blend");
        farm
    }

    /// Copies a fixture into the room's `scenes/` under a name of its own.
    pub(crate) fn scene(&self, name: &str, from: &str) -> PathBuf {
        let path = self.room.path("scenes").join(name);
        fs::copy(fixture(from), &path).unwrap_or_else(|e| panic!("{from}: {e}"));
        path
    }

    /// A path on the volume.
    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.room.path("V").join(below)
    }

    /// Runs farm on the volume: `words` are split at spaces.
    #[track_caller]
    pub(crate) fn run(&self, words: &str) -> Outcome {
        self.room.farm(&self.arguments(words))
    }

    /// Starts farm on the volume.
    pub(crate) fn start(&self, words: &str) -> Running {
        self.room.start(&self.arguments(words))
    }

    /// The arguments that `run` passes.
    pub(crate) fn arguments(&self, words: &str) -> Vec<String> {
        let volume = self.path("").to_string_lossy().trim_end_matches('/').to_owned();
        ["--volume".to_owned(), volume].into_iter().chain(words.split_whitespace().map(str::to_owned)).collect()
    }

    /// Plans `release` of `A` and `B`, three frames each, and renders it.
    #[track_caller]
    pub(crate) fn rendered(self, release: &str) -> Self {
        self.run(&format!("plan release {release} scenes/A.blend scenes/B.blend --frames 1-3 --yes --wait")).expect(0);
        for job in ["A", "B"] {
            for frame in 1..=3 {
                assert!(png::size_of(&self.frame(release, job, frame)).is_some(), "{release}/{job} {frame}");
            }
        }
        self
    }

    /// Where a frame is rendered to.
    pub(crate) fn frame(&self, release: &str, job: &str, frame: u32) -> PathBuf {
        self.path(format!("releases/{release}/out/{job}/{frame:06}.png"))
    }

    /// The id of the newest change of this kind, as `farm undo --list` tells it.
    #[track_caller]
    pub(crate) fn newest(&self, kind: &str) -> String {
        let listed = self.run("undo --list --json").expect(0).json("farm.undo-list/1");
        let found = output::list(&listed["changes"]).iter().find(|change| change["kind"] == kind);
        found.and_then(|change| change["id"].as_str()).unwrap_or_else(|| panic!("no {kind}: {listed:#}")).to_owned()
    }

    /// Leaves the journal of this change as if its process had been killed just before its end.
    pub(crate) fn unend(&self, id: &str) {
        let done = self.path(format!(".farm/journal/done/{id}.jsonl"));
        let text = fs::read_to_string(&done).expect("a journal");
        let lines: Vec<&str> = text.lines().filter(|line| !line.contains("\"line\":\"done\"")).collect();
        let gone = lines.join("\n").replace("\"start_time\":", "\"start_time\":1") + "\n";
        fs::write(&done, gone).expect("written");
        fs::rename(done, self.path(format!(".farm/journal/{id}.jsonl"))).expect("moved");
    }

    /// What the stand-in rendered.
    pub(crate) fn render_log(&self) -> Vec<String> {
        fake_blender::rendered(&self.room.path("fake"))
    }

    /// The whole volume as it is now.
    pub(crate) fn tree(&self) -> Tree {
        Tree::of(&self.path(""))
    }

    /// The part of the volume below `folder`.
    pub(crate) fn tree_of(&self, folder: &str) -> Tree {
        Tree::of(&self.path(folder))
    }

    /// Fails if anything on the volume is not as it was.
    #[track_caller]
    pub(crate) fn unchanged_since(&self, before: &Tree) {
        let difference = before.difference(&self.tree());
        assert!(difference.is_empty(), "the volume changed:\n{difference}");
    }
}
