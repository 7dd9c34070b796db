//! A copy of a scene in which stored paths are replaced, made without Blender.
//!
//! A path is stored in a field of fixed size, so nothing moves and everything else stays as it is, byte for byte. The
//! copy is compressed as the original: gzip stays gzip, zstd becomes frames of 1 MiB with a table, as Blender writes them.

use super::container::{Compression, Stream};
use super::error::{BlendError, Cause};
use super::site::Site;
use super::stored_path::StoredPath;
use super::zstd::FrameWriter;
use crate::sys::outside;
use flate2::write::GzEncoder;
use std::io::{Read, Write};
use std::path::Path;

/// How much of a scene is in memory at a time.
const CHUNK_BYTES: u64 = 1 << 20;

/// One stored path becomes another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    site: Site,
    to: StoredPath,
}

impl Edit {
    /// `site` shall hold `to`; refused with [`Cause::PathTooLong`] where it does not fit.
    pub fn new(site: Site, to: StoredPath) -> Result<Edit, Cause> {
        let (length, room) = (to.as_bytes().len(), site.size.saturating_sub(1));
        if length > room {
            return Err(Cause::PathTooLong { field: site.field, path: to.to_string(), length, room });
        }
        Ok(Edit { site, to })
    }

    /// The place.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// What shall be stored there.
    pub fn to(&self) -> &StoredPath {
        &self.to
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewritten {
    /// Plain bytes of the scene.
    pub plain_bytes: u64,
    /// How the copy is compressed.
    pub compression: Compression,
}

/// Copies the scene at `source` to `sink` with `edits` made.
///
/// Fails with [`Cause::Changed`], before the copy is whole, if some place does not hold the path that was read there.
pub fn rewrite(source: &Path, sink: impl Write, edits: &[Edit]) -> Result<Rewritten, BlendError> {
    let open = || Stream::open(outside::open(source).map_err(Cause::Read)?);
    let copied = open().and_then(|mut stream| {
        let compression = stream.compression();
        let plain_bytes = match compression {
            Compression::None => copy(&mut stream, sink, edits)?.0,
            Compression::Gzip => {
                let (bytes, sink) = copy(&mut stream, GzEncoder::new(sink, flate2::Compression::default()), edits)?;
                sink.finish().map_err(Cause::Write)?;
                bytes
            }
            Compression::Zstd => {
                let (bytes, sink) = copy(&mut stream, FrameWriter::new(sink), edits)?;
                sink.finish().map_err(Cause::Write)?;
                bytes
            }
        };
        Ok(Rewritten { plain_bytes, compression })
    });
    copied.map_err(|cause| cause.of(source))
}

/// Copies everything, patched, and gives the sink back with the number of bytes that went through.
fn copy<W: Write>(stream: &mut impl Read, mut sink: W, edits: &[Edit]) -> Result<(u64, W), Cause> {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| edit.site.offset);
    edits.dedup();
    let mut position = 0_u64;
    for edit in edits {
        let before = edit.site.offset.checked_sub(position).ok_or_else(|| changed(edit))?;
        position += pass(stream, &mut sink, before)?;
        let mut field = Vec::new();
        stream.take(edit.site.size as u64).read_to_end(&mut field).map_err(Cause::of_read)?;
        let holds = field.get(..edit.site.value.as_bytes().len());
        if field.len() != edit.site.size || holds != Some(edit.site.value.as_bytes()) {
            return Err(changed(edit));
        }
        let to = edit.to.as_bytes();
        field.fill(0);
        field[..to.len()].copy_from_slice(to);
        sink.write_all(&field).map_err(Cause::Write)?;
        position += field.len() as u64;
    }
    position += pass(stream, &mut sink, u64::MAX)?;
    sink.flush().map_err(Cause::Write)?;
    Ok((position, sink))
}

fn changed(edit: &Edit) -> Cause {
    Cause::Changed { field: edit.site.field.clone() }
}

/// Hands up to `count` bytes on; reading and writing fail with different causes.
fn pass(stream: &mut impl Read, sink: &mut impl Write, count: u64) -> Result<u64, Cause> {
    let mut chunk = Vec::new();
    let mut passed = 0;
    while passed < count {
        chunk.clear();
        let read = stream.take((count - passed).min(CHUNK_BYTES)).read_to_end(&mut chunk).map_err(Cause::of_read)?;
        if read == 0 {
            break;
        }
        sink.write_all(&chunk).map_err(Cause::Write)?;
        passed += read as u64;
    }
    Ok(passed)
}

#[cfg(test)]
mod tests {
    //! Scenes taken elsewhere and rendered there by a real Blender, found on the PATH. Without one these tests fail,
    //! unless `FARM_TEST_NO_BLENDER` is set.

    use super::*;
    use crate::blend::{self, BlenderVersion, Dependency, Extent, Kind, SceneFile, State};
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::PathBuf;
    use std::process::Command;

    fn fixtures() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenes")
    }

    fn one() -> (SceneFile, Vec<Edit>) {
        let scene = blend::read(&fixtures().join("deps/one/one.blend")).unwrap();
        let edits = scene.dependencies[0].edits("//deps/7").unwrap();
        (scene, edits)
    }

    #[test]
    fn nothing_but_the_paths_changes_in_any_container() {
        let (scene, edits) = one();
        let mut plain = Vec::new();
        Stream::open(outside::open(&scene.path).unwrap()).unwrap().read_to_end(&mut plain).unwrap();
        let room = tempfile::tempdir().unwrap();
        let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&plain).unwrap();
        for (name, bytes, compression) in [
            ("plain.blend", plain.clone(), Compression::None),
            ("gzip.blend", gzip.finish().unwrap(), Compression::Gzip),
            ("zstd.blend", fs::read(&scene.path).unwrap(), Compression::Zstd),
        ] {
            let path = room.path().join(name);
            fs::write(&path, bytes).unwrap();
            let mut copy = Vec::new();
            let done = rewrite(&path, &mut copy, &[edits.clone(), edits.clone()].concat()).unwrap();
            assert_eq!(done, Rewritten { plain_bytes: plain.len() as u64, compression });
            let mut stream = Stream::open(std::io::Cursor::new(&copy)).unwrap();
            assert_eq!(stream.compression(), compression);
            let after = stream.read_vec(plain.len() as u64).unwrap();
            let site = edits[0].site();
            let (start, end) = (site.offset as usize, site.offset as usize + site.size);
            assert!(after[..start] == plain[..start] && after[end..] == plain[end..], "{name}");
            assert!(after[start..end].starts_with(b"//deps/7/wood.png\0"), "{name}");
        }
    }

    #[test]
    fn a_path_too_long_or_a_changed_file_is_refused() {
        let (scene, edits) = one();
        let long = scene.dependencies[0].edits(&format!("//{}", "x".repeat(1020))).unwrap_err();
        assert!(long.to_string().contains("has 1031 bytes, the field holds 1023"), "{long}");
        let fits = scene.dependencies[0].edits(&format!("//{}", "x".repeat(1012))).unwrap();
        assert_eq!(fits[0].to().as_bytes().len(), 1023);
        let other = fixtures().join("deps/udim/udim.blend");
        let error = rewrite(&other, std::io::sink(), &edits).unwrap_err();
        assert!(matches!(error.cause, Cause::Changed { .. }), "{error}");
        let cut = fixtures().join("bad_truncated.blend");
        assert!(rewrite(&cut, std::io::sink(), &edits).is_err());
    }

    /// Whether Blender is there; loudly says so when it is left out on purpose.
    fn has_blender() -> bool {
        let found = Command::new("blender").arg("--version").output().is_ok_and(|run| run.status.success());
        if !found {
            assert!(
                std::env::var_os("FARM_TEST_NO_BLENDER").is_some(),
                "no `blender` on the PATH: install it, or set FARM_TEST_NO_BLENDER=1 to leave out what needs it"
            );
            eprintln!("NOT TESTED: what needs Blender, for FARM_TEST_NO_BLENDER is set");
        }
        found
    }

    fn copy_tree(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let target = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                copy_tree(&entry.path(), &target);
            } else {
                fs::copy(entry.path(), &target).unwrap();
            }
        }
    }

    /// Renders `frame` of each scene in one Blender and returns where the images are, in the order asked for.
    fn render(jobs: &[(PathBuf, i32)], out: &Path) -> Vec<PathBuf> {
        fs::create_dir_all(out).unwrap();
        let mut script = String::from("import bpy\n");
        for (at, (scene, frame)) in jobs.iter().enumerate() {
            script += &format!(
                "bpy.ops.wm.open_mainfile(filepath={scene:?})\n\
                 bpy.context.scene.frame_set({frame})\n\
                 bpy.context.scene.render.filepath = {out:?} + '/{at}.png'\n\
                 bpy.ops.render.render(write_still=True)\n",
                scene = scene.to_str().unwrap(),
                out = out.to_str().unwrap(),
            );
        }
        let run = Command::new("blender")
            .args(["-b", "--factory-startup", "--python-exit-code", "9", "--python-expr", &script])
            .env("TMPDIR", out)
            .output()
            .unwrap();
        let log = String::from_utf8_lossy(&run.stdout) + String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{log}");
        (0..jobs.len())
            .map(|at| out.join(format!("{at}.png")))
            .inspect(|image| assert!(image.exists(), "{log}"))
            .collect()
    }

    fn pixels(image: &Path) -> Vec<u8> {
        let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(image).unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut bytes).unwrap();
        bytes
    }

    /// Takes a scene into `store` as `name` with all it needs: every dependency into a folder of its own below `deps`,
    /// every file that needs something rewritten.
    fn take_along(scene: &SceneFile, store: &Path, name: &str) -> PathBuf {
        let deps = store.join("deps");
        fs::create_dir_all(&deps).unwrap();
        let first = fs::read_dir(&deps).unwrap().count();
        let mut homes: BTreeMap<PathBuf, usize> = BTreeMap::new();
        for dependency in &scene.dependencies {
            let next = first + homes.len();
            homes.entry(dependency.path.clone()).or_insert(next);
        }
        let home = |dependency: &Dependency| homes[&dependency.path].to_string();
        let copy = store.join(format!("{name}.blend"));
        for dependency in scene.dependencies.iter().filter(|dependency| dependency.is_needed()) {
            let folder = deps.join(home(dependency));
            fs::create_dir_all(&folder).unwrap();
            match (dependency.kind, dependency.extent) {
                (Kind::Library, _) => {
                    let target = folder.join(dependency.path.file_name().unwrap());
                    copy_scene(scene, &dependency.path, &target, |other| format!("//../{}", home(other)));
                }
                (_, Extent::Folder) if dependency.sites.is_empty() => {
                    copy_tree(&dependency.path, &store.join(blend::cache_folder_name(&copy).unwrap()));
                }
                (_, Extent::Folder) => copy_tree(&dependency.path, &folder),
                _ => {
                    for file in &dependency.files {
                        fs::copy(file, folder.join(file.file_name().unwrap())).unwrap();
                    }
                }
            }
        }
        copy_scene(scene, &scene.path, &copy, |other| format!("//deps/{}", home(other)));
        copy
    }

    fn copy_scene(scene: &SceneFile, file: &Path, target: &Path, folder_of: impl Fn(&Dependency) -> String) {
        let needs = scene.needs_of(file).filter(|dependency| dependency.is_needed());
        let edits: Vec<_> = needs.flat_map(|dependency| dependency.edits(&folder_of(dependency)).unwrap()).collect();
        blend::rewrite(file, fs::File::create(target).unwrap(), &edits).unwrap();
    }

    #[test]
    fn scenes_taken_elsewhere_render_the_same_pixels() {
        if !has_blender() {
            return;
        }
        let room = tempfile::tempdir().unwrap();
        let here = room.path().join("here");
        copy_tree(&fixtures().join("deps"), &here);
        copy_tree(&fixtures().join("shot"), &here.join("shot"));
        let scenes = [
            ("udim/udim.blend", 1),
            ("sequence/sequence.blend", 3),
            ("simulation/cloth.blend", 6),
            ("nested/shot.blend", 1),
            ("one/one.blend", 1),
            ("two/two.blend", 1),
            ("shot/shot010.blend", 2),
        ];
        let originals: Vec<_> = scenes.iter().map(|(scene, frame)| (here.join(scene), *frame)).collect();
        let before = render(&originals, &room.path().join("before"));
        let store = room.path().join("store");
        let copies: Vec<_> = originals
            .iter()
            .enumerate()
            .map(|(at, (scene, frame))| {
                let scene = blend::read(scene).unwrap();
                assert!(scene.dependencies.iter().all(|need| need.state == State::Found), "{:?}", scene.dependencies);
                (take_along(&scene, &store, &format!("job{at}")), *frame)
            })
            .collect();
        fs::rename(&here, room.path().join("out of reach")).unwrap();
        let after = render(&copies, &room.path().join("after"));
        for (at, (scene, _)) in scenes.iter().enumerate() {
            assert!(pixels(&before[at]) == pixels(&after[at]), "{scene} renders other pixels from the store");
        }
        assert_ne!(pixels(&before[4]), pixels(&before[5]), "the twins should differ, or the test shows nothing");
        for (copy, _) in &copies {
            let copy = blend::read(copy).unwrap();
            assert!(copy.dependencies.iter().all(|need| need.path.starts_with(&store)), "{:?}", copy.dependencies);
        }
    }

    /// All files below `folder`, as paths relative to it, sorted.
    fn tree(folder: &Path) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(at) = folders.pop() {
            for entry in fs::read_dir(&at).into_iter().flatten() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => files.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned()),
                }
            }
        }
        files.sort();
        files
    }

    #[test]
    fn a_baked_simulation_needs_its_folder() {
        if !has_blender() {
            return;
        }
        let room = tempfile::tempdir().unwrap();
        copy_tree(&fixtures().join("deps/simulation"), room.path());
        let scene = room.path().join("cloth.blend");
        let alone = room.path().join("alone.blend");
        fs::copy(&scene, &alone).unwrap();
        let images = render(&[(scene, 6), (alone.clone(), 6)], &room.path().join("out"));
        assert_ne!(pixels(&images[0]), pixels(&images[1]));
        let read = blend::read(&alone).unwrap();
        assert!(matches!(&read.dependencies[0].state, State::Missing(_)), "{:?}", read.dependencies);
        assert_eq!(read.lints.iter().map(|lint| lint.code).collect::<Vec<_>>(), ["renamed-cache"]);
    }

    #[test]
    fn file_output_nodes_write_what_was_foretold() {
        if !has_blender() {
            return;
        }
        let version = Command::new("blender").arg("--version").output().unwrap();
        let version: BlenderVersion = String::from_utf8_lossy(&version.stdout).lines().next().unwrap().parse().unwrap();
        let room = tempfile::tempdir().unwrap();
        let scene = blend::read(&fixtures().join("nodes/passes.blend")).unwrap();
        let nodes = &scene.main_scene().unwrap().file_outputs;
        let edits: Vec<_> =
            nodes.iter().flat_map(|node| node.edits(&format!("//out/{}", node.node)).unwrap()).collect();
        let copy = room.path().join("copy.blend");
        blend::rewrite(&scene.path, fs::File::create(&copy).unwrap(), &edits).unwrap();
        render(&[(copy, 7)], &room.path().join("frames"));
        assert_eq!(nodes.iter().map(|node| node.node.as_str()).collect::<Vec<_>>(), ["Beauty", "Grouped", "Layers"]);
        for node in nodes {
            let mut foretold = node.files(7, "", version);
            foretold.sort();
            assert_eq!(tree(&room.path().join("out").join(&node.node)), foretold, "{}", node.node);
        }
        assert_eq!(tree(&room.path().join("out")).len(), 6);
    }
}
