//! A scene file as a whole.

use super::container::Compression;
use super::contents::{Content, Contents};
use super::dependency::Dependency;
use super::error::{BlendError, Cause};
use super::lint::Lint;
use super::reader::Reader;
use super::scene::Scene;
use super::version::BlenderVersion;
use crate::base::time::Timestamp;
use serde::Serialize;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

/// What a .blend file says, and what it needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SceneFile {
    /// Where it lies, absolute.
    pub path: PathBuf,
    /// Its size on disk in bytes.
    pub bytes: u64,
    /// When it was last written.
    pub modified: Timestamp,
    /// The release that saved it.
    pub blender_version: BlenderVersion,
    /// The step within that release.
    pub subversion: Option<i64>,
    /// The build that saved it.
    pub build_hash: Option<String>,
    /// How it is compressed.
    pub compression: Compression,
    /// Its scenes, in file order.
    pub scenes: Vec<Scene>,
    /// Which of them was active; `None` in files that were written as libraries.
    pub active_scene: Option<usize>,
    /// What it needs from disk, and what its libraries need, and theirs.
    pub dependencies: Vec<Dependency>,
    /// What will surprise.
    pub lints: Vec<Lint>,
}

impl SceneFile {
    /// The active scene, or the first one.
    pub fn main_scene(&self) -> Option<&Scene> {
        self.scenes.get(self.active_scene.unwrap_or(0)).or(self.scenes.first())
    }

    /// What `file` (this one, or one of its libraries) itself needs.
    pub fn needs_of<'a>(&'a self, file: &'a Path) -> impl Iterator<Item = &'a Dependency> {
        self.dependencies.iter().filter(move |dependency| dependency.file == file)
    }
}

/// Reads the scene at `path` and looks up all that it needs.
pub fn read(path: &Path) -> Result<SceneFile, BlendError> {
    Reader::new(&Contents::default()).read(path)
}

/// The same from bytes that lie anywhere, as if they lay at `path`.
pub fn read_from(source: impl Read + Seek, path: &Path, bytes: u64, modified: Timestamp) -> Result<SceneFile, Cause> {
    Reader::new(&Contents::default()).scene(&Content::read(source)?, path, bytes, modified)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blend::scene::{Border, Switch};
    use crate::blend::{Extent, Kind, State};
    use proptest::prelude::*;
    use std::io::Cursor;

    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenes").join(name)
    }

    fn scene_file(name: &str) -> SceneFile {
        read(&fixture(name)).unwrap()
    }

    /// Name, frames, step, fps, size, percentage, engine and format in one line.
    fn line(scene: &Scene) -> String {
        let Scene { name, frame_start, frame_end, frame_step, fps, width, height, percentage, engine, format, .. } =
            scene;
        format!(
            "{name} {frame_start}-{frame_end}x{frame_step} {fps:.3} {width}x{height}@{percentage} {engine} {format}{}",
            scene.color_depth
        )
    }

    fn needs(file: &SceneFile) -> Vec<String> {
        let root = fixture("");
        let short = |path: &Path| path.strip_prefix(&root).unwrap_or(path).display().to_string();
        let need = |need: &Dependency| {
            let word = serde_json::to_value(need.kind).unwrap();
            let (file, path) = (short(&need.file), short(&need.path));
            format!("{file}: {} {path} {} {}", word.as_str().unwrap(), need.state.word(), need.files.len())
        };
        file.dependencies.iter().map(need).collect()
    }

    #[test]
    fn every_sample_reads_as_it_was_made() {
        for (name, version, compression, line_of_it) in [
            ("cube3.blend", "3.4", Compression::None, "Scene 1-3x1 24.000 64x64@100 CYCLES PNG8"),
            ("cube3_zstd.blend", "3.4", Compression::Zstd, "Scene 1-3x1 24.000 64x64@100 CYCLES PNG8"),
            ("cube3_v42_zstd.blend", "4.2", Compression::Zstd, "Scene 1-3x1 24.000 64x64@100 CYCLES PNG8"),
            ("cube3_v45_zstd.blend", "4.5", Compression::Zstd, "Scene 1-3x1 24.000 64x64@100 CYCLES PNG8"),
            ("cube3_v50.blend", "5.0", Compression::None, "Scene 1-3x1 24.000 64x64@100 CYCLES PNG8"),
            ("cube3_v50_zstd.blend", "5.0", Compression::Zstd, "Scene 1-3x1 24.000 64x64@100 CYCLES PNG8"),
            ("range_fps_exr.blend", "3.4", Compression::Zstd, "Range 101-110x3 29.970 192x108@50 CYCLES OPEN_EXR16"),
            ("packed_and_missing.blend", "3.4", Compression::Zstd, "Packed 1-2x1 24.000 64x64@100 CYCLES PNG8"),
            ("slow_512spp.blend", "3.4", Compression::Zstd, "Slow 1-2x1 24.000 160x160@100 CYCLES PNG8"),
            ("workbench10.blend", "3.4", Compression::Zstd, "Wb 1-10x1 24.000 64x64@100 BLENDER_WORKBENCH PNG8"),
            ("shot/shot010.blend", "3.4", Compression::Zstd, "Shot010 1-3x1 24.000 64x64@100 CYCLES PNG8"),
        ] {
            let file = scene_file(name);
            assert_eq!(file.scenes.len(), 1, "{name}");
            assert_eq!(line(&file.scenes[0]), line_of_it, "{name}");
            assert_eq!((file.blender_version.to_string().as_str(), file.compression), (version, compression), "{name}");
            assert_eq!(file.active_scene, Some(0), "{name}");
            assert_eq!(file.scenes[0].cameras, [format!("{}Cam", file.scenes[0].name)], "{name}");
            assert_eq!(file.scenes[0].view_layers[0].name, "ViewLayer", "{name}");
            assert_eq!(file.scenes[0].cycles_denoise, Switch::Off, "{name}");
        }
        assert_eq!(scene_file("range_fps_exr.blend").scenes[0].output_path.to_string(), "//render/range_####");
        assert_eq!(scene_file("slow_512spp.blend").scenes[0].cycles_samples, Some(512));
        assert_eq!(scene_file("cube3_v50.blend").scenes[0].cycles_samples, Some(8));
        assert_eq!(scene_file("cube3_v50.blend").build_hash.as_deref(), Some("a3db93c5b259"));
    }

    #[test]
    fn both_of_two_scenes_are_read() {
        let file = scene_file("two_scenes.blend");
        let lines: Vec<String> = file.scenes.iter().map(line).collect();
        assert_eq!(
            lines,
            ["Closeup 10-12x1 24.000 64x64@100 BLENDER_WORKBENCH PNG8", "Main 1-4x1 24.000 64x64@100 CYCLES PNG8"]
        );
        assert_eq!(file.main_scene().unwrap().name, "Main");
    }

    #[test]
    fn what_scenes_need_is_found_through_libraries() {
        for (name, wanted) in [
            ("cube3.blend", &[][..]),
            (
                "packed_and_missing.blend",
                &[
                    "packed_and_missing.blend: image shot/textures/checker.png packed 0",
                    "packed_and_missing.blend: image textures/not_there.png missing 0",
                ],
            ),
            (
                "shot/shot010.blend",
                &[
                    "shot/shot010.blend: library shot/lib/props.blend found 1",
                    "shot/shot010.blend: image shot/textures/checker.png found 1",
                    "shot/lib/props.blend: image shot/textures/checker.png found 1",
                ],
            ),
            (
                "deps/nested/shot.blend",
                &[
                    "deps/nested/shot.blend: library deps/nested/lib/bolt.blend found 1",
                    "deps/nested/lib/bolt.blend: library deps/nested/lib/deep/nut.blend found 1",
                    "deps/nested/lib/bolt.blend: image deps/nested/lib/maps/grain.png found 1",
                    "deps/nested/lib/deep/nut.blend: image deps/nested/lib/deep/maps/grain.png found 1",
                ],
            ),
            ("deps/udim/udim.blend", &["deps/udim/udim.blend: udim deps/udim/tiles/side.<UDIM>.png found 6"]),
            (
                "deps/sequence/sequence.blend",
                &["deps/sequence/sequence.blend: sequence deps/sequence/plates/plate_0001.png found 4"],
            ),
            (
                "deps/simulation/cloth.blend",
                &["deps/simulation/cloth.blend: point_cache deps/simulation/blendcache_cloth found 1"],
            ),
            (
                "deps/media/media.blend",
                &[
                    "deps/media/media.blend: movie_clip deps/media/clip/shot_001.png found 2",
                    "deps/media/media.blend: sound deps/media/sounds/beep.wav found 1",
                    "deps/media/media.blend: volume deps/media/vdb/smoke_0001.vdb found 2",
                    "deps/media/media.blend: ies deps/media/lamps/spot.ies missing 0",
                    "deps/media/media.blend: script deps/media/shaders/plain.osl found 1",
                    "deps/media/media.blend: cache deps/media/points/moved.pc2 missing 0",
                    "deps/media/media.blend: sequence deps/media/clip/shot_001.png found 2",
                ],
            ),
        ] {
            assert_eq!(needs(&scene_file(name)), wanted, "{name}");
        }
        let udim = &scene_file("deps/udim/udim.blend").dependencies[0];
        assert_eq!((udim.kind, udim.extent, udim.state.clone()), (Kind::Udim, Extent::Udim, State::Found));
        assert_eq!(udim.sites[0].field, "Image.name of IMside.1001.png");
    }

    #[test]
    fn views_layers_and_surprises_are_told() {
        let stereo = scene_file("nodes/stereo.blend");
        let suffixes: Vec<_> = stereo.scenes[0].views.iter().map(|view| view.suffix.as_str()).collect();
        assert_eq!(suffixes, ["_L", "_R"]);
        let odd = scene_file("nodes/surprises.blend");
        let scene = odd.main_scene().unwrap();
        assert_eq!((scene.name.as_str(), scene.border, scene.cycles_samples), ("Odd", Border::Crop, Some(77)));
        assert_eq!(scene.cameras, ["OddCam", "Spare"]);
        let layers: Vec<_> = scene.view_layers.iter().map(|layer| (layer.name.as_str(), layer.render)).collect();
        assert_eq!(layers, [("ViewLayer", Switch::On), ("Mask", Switch::Off)]);
        let codes: Vec<_> = odd.lints.iter().map(|lint| lint.code).collect();
        assert_eq!(
            codes,
            [
                "no-camera",
                "sequencer-strips",
                "render-crop",
                "simplify",
                "view-layer-off",
                "cycles-denoise",
                "resolution-percentage",
                "movie-output",
                "no-file-extension",
                "unbaked-simulation"
            ]
        );
    }

    #[test]
    fn scenes_without_a_camera_are_told_from_those_that_render_all_the_same() {
        let file = scene_file("nodes/cameras.blend");
        let lacks: Vec<_> = file.scenes.iter().filter(|scene| scene.lacks_camera()).map(|scene| &scene.name).collect();
        assert_eq!(lacks, ["Nothing"]);
        // The camera that a marker of the timeline brings.
        assert_eq!(file.main_scene().unwrap().active_camera.as_deref(), Some("BoundCam"));
        let told = file.lints.iter().filter(|lint| lint.code == "no-camera");
        let told: Vec<_> = told.filter_map(|lint| lint.scene.as_deref()).collect();
        assert_eq!(told, ["Layers", "Nothing", "Plain"]);
    }

    #[test]
    fn damaged_files_are_one_line() {
        for (name, cause) in [
            ("bad_not_blend.blend", "not a Blender file"),
            ("bad_truncated.blend", "cut short: its end is missing"),
            ("bad_truncated_zstd.blend", "cut short: its end is missing"),
        ] {
            let error = read(&fixture(name)).unwrap_err();
            assert_eq!(error.to_string(), format!("{}: {cause}", fixture(name).display()));
        }
        let gone = read(Path::new("/nowhere/a.blend")).unwrap_err();
        assert!(
            matches!(gone.cause, Cause::Read(_)) && gone.to_string().starts_with("/nowhere/a.blend: cannot read it")
        );
        assert!(read(&fixture("")).unwrap_err().to_string().ends_with("cannot read it: it is a folder"));
    }

    fn read_bytes(bytes: Vec<u8>) -> Result<SceneFile, Cause> {
        read_from(Cursor::new(bytes), Path::new("/nowhere/a.blend"), 0, Timestamp::from_unix(0))
    }

    #[test]
    fn a_file_cut_anywhere_is_truncated() {
        for name in ["cube3.blend", "cube3_v50.blend", "cube3_zstd.blend"] {
            let whole = std::fs::read(fixture(name)).unwrap();
            for cut in (13..whole.len() - 100).step_by(whole.len() / 40) {
                let error = read_bytes(whole[..cut].to_vec()).unwrap_err();
                assert!(matches!(error, Cause::Truncated(_)), "{name} cut at {cut}: {error}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn no_bytes_after_a_header_make_it_panic(
            header in prop::sample::select(vec!["BLENDER-v304", "BLENDER_V249", "BLENDER17-01v0500", ""]),
            rest in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            let _ = read_bytes([header.as_bytes(), &rest].concat());
        }

        #[test]
        fn no_change_of_a_real_file_makes_it_panic(
            name in prop::sample::select(vec!["cube3.blend", "cube3_v50.blend"]),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        ) {
            let mut bytes = std::fs::read(fixture(name)).unwrap();
            let length = bytes.len();
            for (at, byte) in changes {
                bytes[at.index(length)] = byte;
            }
            let _ = read_bytes(bytes);
        }

        #[test]
        fn no_change_of_the_dna_makes_it_panic(
            name in prop::sample::select(vec!["cube3.blend", "cube3_v50.blend"]),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        ) {
            let mut bytes = std::fs::read(fixture(name)).unwrap();
            let dna = bytes.windows(4).rposition(|window| window == b"SDNA").unwrap();
            let length = bytes.len() - dna;
            for (at, byte) in changes {
                bytes[dna + at.index(length)] = byte;
            }
            let _ = read_bytes(bytes);
        }
    }
}
