//! A copy of a scene in which stored paths are replaced, made without Blender.
//!
//! A path is stored in a field of fixed size, so nothing moves and everything else stays as it is, byte for byte. The
//! copy is compressed as the original: gzip stays gzip; of zstd only the frames with an edit are made anew, of 1 MiB with
//! a table, as Blender writes them.

use super::container::{Compression, Stream};
use super::error::{BlendError, Cause};
use super::patch::Patch;
use super::site::Site;
use super::stored_path::StoredPath;
use super::zstd::{FrameWriter, Frames, FromOrTo};
use flate2::write::GzEncoder;
use std::io::{BufRead, Read, Seek, Write};
use std::path::Path;

/// How much of a scene is in memory at a time.
const CHUNK_BYTES: usize = 1 << 20;

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

/// Copies the scene in `source`, which lies at `path`, to `sink` with `edits` made.
///
/// Fails with [`Cause::Changed`], before the copy is whole, if some place does not hold the path that was read there.
pub fn rewrite(
    source: impl Read + Seek,
    path: &Path,
    sink: impl Write,
    edits: &[Edit],
) -> Result<Rewritten, BlendError> {
    let rewritten = || {
        let mut stream = Stream::open(source)?;
        let compression = stream.compression();
        let mut patch = Patch::new(edits)?;
        match compression {
            Compression::None => copy(&mut stream, sink, &mut patch)?.flush(),
            Compression::Gzip => {
                let sink = GzEncoder::new(sink, flate2::Compression::default());
                copy(&mut stream, sink, &mut patch)?.finish().and_then(|mut sink| sink.flush())
            }
            Compression::Zstd => {
                let mut writer = FrameWriter::new(sink);
                if let Some(frames) = stream.frames() {
                    copy_frames(frames, &mut writer, &mut patch)?;
                }
                writer.finish().and_then(|mut sink| sink.flush())
            }
        }
        .map_err(Cause::Write)?;
        patch.finish()?;
        Ok(Rewritten { plain_bytes: patch.position(), compression })
    };
    rewritten().map_err(|cause: Cause| cause.of(path))
}

/// Whether `copy` is what [`rewrite`] makes of the scene in `source`, which lies at `path`. Plain bytes are compared: two
/// versions of farm need not compress alike. A copy that cannot be read is another one.
pub fn is_rewritten(
    source: impl Read + Seek,
    path: &Path,
    copy: impl Read + Seek,
    edits: &[Edit],
) -> Result<bool, BlendError> {
    let compared = || {
        let mut stream = Stream::open(source)?;
        let mut patch = Patch::new(edits)?;
        let Ok(mut copy) = Stream::open(copy) else { return Ok(false) };
        let (mut chunk, mut there) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
        loop {
            let read = stream.read(&mut chunk).map_err(Cause::of_read)?;
            if read == 0 {
                patch.finish()?;
                return Ok(matches!(copy.read(&mut there), Ok(0)));
            }
            patch.apply(&mut chunk[..read])?;
            if copy.read_exact(&mut there[..read]).is_err() || chunk[..read] != there[..read] {
                return Ok(false);
            }
        }
    };
    compared().map_err(|cause: Cause| cause.of(path))
}

/// Copies everything, patched, and gives the sink back.
fn copy<W: Write>(stream: &mut impl Read, mut sink: W, patch: &mut Patch<'_>) -> Result<W, Cause> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = stream.read(&mut chunk).map_err(Cause::of_read)?;
        if read == 0 {
            return Ok(sink);
        }
        patch.apply(&mut chunk[..read])?;
        sink.write_all(&chunk[..read]).map_err(Cause::Write)?;
    }
}

/// Copies frame by frame. One in which nothing changes is handed on as it is: that keeps Blender's better compression,
/// and a large scene takes no longer than its copy.
fn copy_frames<R: BufRead, W: Write>(
    frames: &mut Frames<R>,
    writer: &mut FrameWriter<W>,
    patch: &mut Patch<'_>,
) -> Result<(), Cause> {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Some(head) = frames.advance().map_err(Cause::of_read)? {
        let known = head.content.and_then(|content| u32::try_from(content).ok());
        if let Some(content) = known.filter(|content| !patch.touches(u64::from(*content))) {
            writer.take_over(frames, &head, content).map_err(|failed| match failed {
                FromOrTo::From(error) => Cause::of_read(error),
                FromOrTo::To(error) => Cause::Write(error),
            })?;
            patch.pass(u64::from(content));
            continue;
        }
        frames.begin(&head).map_err(Cause::of_read)?;
        loop {
            let read = frames.read_frame(&mut chunk).map_err(Cause::of_read)?;
            if read == 0 {
                break;
            }
            patch.apply(&mut chunk[..read])?;
            writer.write_all(&chunk[..read]).map_err(Cause::Write)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    //! Scenes taken elsewhere and rendered there by a real Blender, found on the PATH. Without one these tests fail,
    //! unless `FARM_TEST_NO_BLENDER` is set.

    use super::*;
    use crate::blend::{self, BlenderVersion, Dependency, Extent, Kind, SceneFile, State};
    use std::collections::BTreeMap;
    use std::fs::{self, File};
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
        Stream::open(File::open(&scene.path).unwrap()).unwrap().read_to_end(&mut plain).unwrap();
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
            let done = rewrite(File::open(&path).unwrap(), &path, &mut copy, &[edits.clone(), edits.clone()].concat())
                .unwrap();
            assert_eq!(done, Rewritten { plain_bytes: plain.len() as u64, compression });
            let mut stream = Stream::open(std::io::Cursor::new(&copy)).unwrap();
            assert_eq!(stream.compression(), compression);
            let after = stream.read_vec(plain.len() as u64).unwrap();
            let site = edits[0].site();
            let (start, end) = (site.offset as usize, site.offset as usize + site.size);
            assert!(after[..start] == plain[..start] && after[end..] == plain[end..], "{name}");
            assert!(after[start..end].starts_with(b"//deps/7/wood.png\0"), "{name}");
            let is_it = |copy: &[u8]| {
                is_rewritten(File::open(&path).unwrap(), &path, std::io::Cursor::new(copy), &edits).unwrap()
            };
            assert!(is_it(&copy) && is_it(&after), "however it is compressed: {name}");
            assert!(!is_it(&plain) && !is_it(&after[1..]) && !is_it(&[&after[..], b"x"].concat()) && !is_it(b""));
        }
    }

    #[test]
    fn frames_without_an_edit_are_taken_over_as_they_are() {
        const FRAME: usize = 1 << 20;
        let mut plain: Vec<u8> = (0..4 * FRAME as u32).map(|i| (i / 5 % 253) as u8).collect();
        let place = 2 * FRAME - 3;
        plain[place..place + 8].copy_from_slice(b"//a.png\0");
        let mut writer = FrameWriter::new(Vec::new());
        writer.write_all(&plain).unwrap();
        let packed = writer.finish().unwrap();
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("a.blend");
        fs::write(&path, &packed).unwrap();
        let site = Site { field: "a".into(), offset: place as u64, size: 8, value: "//a.png".into() };
        let mut copy = Vec::new();
        rewrite(File::open(&path).unwrap(), &path, &mut copy, &[Edit::new(site, "//b.png".into()).unwrap()]).unwrap();
        plain[place + 2] = b'b';
        let mut stream = Stream::open(std::io::Cursor::new(&copy)).unwrap();
        assert!(stream.read_vec(plain.len() as u64).unwrap() == plain);
        let first = packed.windows(4).enumerate().skip(1).find(|(_, window)| *window == [0x28, 0xB5, 0x2F, 0xFD]);
        let first = first.unwrap().0;
        assert!(copy[..first] == packed[..first], "the first frame is the same");
        assert_eq!(copy[copy.len() - 9..copy.len() - 5], 4_u32.to_le_bytes(), "four frames in the table");
    }

    #[test]
    fn a_path_too_long_or_a_changed_file_is_refused() {
        let (scene, edits) = one();
        let long = scene.dependencies[0].edits(&format!("//{}", "x".repeat(1020))).unwrap_err();
        assert!(long.to_string().contains("has 1031 bytes, the field holds 1023"), "{long}");
        let fits = scene.dependencies[0].edits(&format!("//{}", "x".repeat(1012))).unwrap();
        assert_eq!(fits[0].to().as_bytes().len(), 1023);
        let other = fixtures().join("deps/udim/udim.blend");
        let error = rewrite(File::open(&other).unwrap(), &other, std::io::sink(), &edits).unwrap_err();
        assert!(matches!(error.cause, Cause::Changed { .. }), "{error}");
        let cut = fixtures().join("bad_truncated.blend");
        assert!(rewrite(File::open(&cut).unwrap(), &cut, std::io::sink(), &edits).is_err());
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
        blend::rewrite(File::open(file).unwrap(), file, File::create(target).unwrap(), &edits).unwrap();
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
        blend::rewrite(File::open(&scene.path).unwrap(), &scene.path, File::create(&copy).unwrap(), &edits).unwrap();
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
