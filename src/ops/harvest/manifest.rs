//! `dist/<release>/manifest.json`: every harvested file with its digest and where it came from.

use crate::base::digest::Digest;
use crate::base::error::{Class, Explain, Failure};
use crate::base::name::{Home, JobName};
use crate::base::rel_path::RelPath;
use crate::base::time::Timestamp;
use crate::frames::expected::Role;
use crate::sys::disk::Dir;
use crate::volume::release_file::JobRecord;
use crate::volume::{Volume, layout};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The schema that this farm reads and writes.
pub const SCHEMA: &str = "farm.manifest/1";
/// The manifest's name in its folder.
pub const NAME: &str = "manifest.json";
/// The largest manifest that is read, in bytes: more than a million frames.
const MAX_SIZE: u64 = 1 << 30;

/// About so many bytes tell of a file.
const USUAL_LINE: usize = 384;

/// What lies in `dist/<release>/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The release.
    pub release: Home,
    /// The harvested files, sorted by path.
    pub files: Vec<ManifestFile>,
}

/// One harvested file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Its path beneath `dist/<release>/`.
    pub path: RelPath,
    /// The job that it belongs to.
    pub job: JobName,
    /// The frame.
    pub frame: i32,
    /// What it is to its frame.
    #[serde(flatten)]
    pub role: Role,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Bytes.
    pub size: u64,
    /// When it was rendered.
    pub modified: Timestamp,
    /// The job's revision that it was rendered from.
    pub revision: u32,
    /// SHA-256 of the scene that the user named.
    pub source: Digest,
    /// SHA-256 of the copy that was rendered.
    pub scene: Digest,
    /// Whether its log speaks of wrong pixels, and it was taken nevertheless.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspect: bool,
    /// Whether it is known to be out of date: the next harvest may replace it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
}

/// A manifest that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is no JSON of this shape.
    #[error("{path} cannot be read: {cause}")]
    Damaged {
        /// The file, beneath the volume.
        path: RelPath,
        /// Where and why.
        cause: String,
    },
    /// A newer farm wrote it.
    #[error("{path}: schema {found:?} is not {SCHEMA}")]
    Foreign {
        /// The file, beneath the volume.
        path: RelPath,
        /// The schema it names.
        found: String,
    },
}

impl Explain for ManifestError {
    fn class(&self) -> Class {
        Class::Refused
    }
    fn hint(&self) -> Option<String> {
        Some(match self {
            ManifestError::Damaged { .. } => {
                "Restore it from a backup; without it farm cannot tell what it harvested.".into()
            }
            ManifestError::Foreign { .. } => "Use the farm that wrote it, or a newer one.".into(),
        })
    }
}

impl Manifest {
    /// One without files.
    pub fn empty(release: &Home) -> Self {
        Manifest { schema: SCHEMA.to_owned(), release: release.clone(), files: Vec::new() }
    }

    /// The release's manifest; an empty one where nothing was harvested yet.
    pub fn load(volume: &Volume, release: &Home) -> Result<Self, Failure> {
        let path = path(release);
        match volume.open_read(&path)? {
            Some(mut file) => Ok(Manifest::parse(&file.read_all(MAX_SIZE)?, &path)?),
            None => Ok(Manifest::empty(release)),
        }
    }

    fn parse(bytes: &[u8], path: &RelPath) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Head {
            #[serde(default)]
            schema: String,
        }
        let damaged =
            |error: serde_json::Error| ManifestError::Damaged { path: path.clone(), cause: error.to_string() };
        // One pass where all is well, which it is but for once in a lifetime.
        match serde_json::from_slice::<Manifest>(bytes) {
            Ok(manifest) if manifest.schema == SCHEMA => Ok(manifest),
            Ok(manifest) => Err(ManifestError::Foreign { path: path.clone(), found: manifest.schema }),
            Err(error) => match serde_json::from_slice::<Head>(bytes).map_err(damaged)?.schema {
                schema if schema == SCHEMA => Err(damaged(error)),
                found => Err(ManifestError::Foreign { path: path.clone(), found }),
            },
        }
    }

    /// Writes `text`, a manifest's, into `dist`, the release's folder, in place of the one that is there.
    pub fn write(dist: &Dir, text: &[u8]) -> Result<(), Failure> {
        Ok(dist.write(NAME, text)?)
    }

    /// Its text, with a line per file, sorted by path: people and line-based tools can read and compare it.
    pub fn into_text(mut self) -> Vec<u8> {
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut bytes = Vec::with_capacity(self.files.len() * USUAL_LINE);
        // Both are names: nothing in them needs escaping.
        let head = format!("{{\"schema\":\"{}\",\"release\":\"{}\",\"files\":[\n", self.schema, self.release);
        bytes.extend_from_slice(head.as_bytes());
        for (at, file) in self.files.iter().enumerate() {
            if at > 0 {
                bytes.extend_from_slice(b",\n");
            }
            serde_json::to_writer(&mut bytes, file).expect("a manifest is plain data");
        }
        bytes.extend_from_slice(b"\n]}\n");
        bytes
    }

    /// Puts `file` in, in place of what had its path, or what was the same file of the same frame.
    pub fn replace_all(&mut self, files: Vec<ManifestFile>) {
        if self.files.is_empty() {
            self.files = files;
            return;
        }
        let paths: std::collections::HashSet<&RelPath> = files.iter().map(|file| &file.path).collect();
        let keys: std::collections::HashSet<Key<'_>> = files.iter().map(ManifestFile::key).collect();
        let mut kept: Vec<ManifestFile> = std::mem::take(&mut self.files);
        kept.retain(|file| !paths.contains(&file.path) && !keys.contains(&file.key()));
        kept.extend(files);
        self.files = kept;
    }

    /// The files of each frame, by what they are. Of a moved name the last one counts.
    pub fn by_key(&self) -> HashMap<Key<'_>, &ManifestFile> {
        self.files.iter().map(|file| (file.key(), file)).collect()
    }
}

/// Which file of which frame of which job: the same through all revisions and templates.
pub type Key<'a> = (&'a str, i32, &'a Role);

impl ManifestFile {
    /// Which file this is.
    pub fn key(&self) -> Key<'_> {
        (self.job.as_str(), self.frame, &self.role)
    }

    /// Whether it is out of date: marked so, or rendered from another revision of its job than the one that its frame
    /// belongs to now.
    pub fn is_stale(&self, job: Option<&JobRecord>) -> bool {
        let is_of_another = |job: &JobRecord| {
            let revision = job.revision_of(self.frame);
            (revision.number, revision.store.digest) != (self.revision, self.scene)
        };
        self.stale || job.is_some_and(is_of_another)
    }
}

/// The manifest's place beneath the volume.
pub fn path(release: &Home) -> RelPath {
    layout::dist_dir(release).join(NAME).expect("a plain name")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, frame: i32, role: Role) -> ManifestFile {
        ManifestFile {
            path: RelPath::new(path).expect("path"),
            job: "A".parse().expect("name"),
            frame,
            role,
            sha256: Digest::of(path.as_bytes()),
            size: 5,
            modified: Timestamp::from_unix(7),
            revision: 1,
            source: Digest::of(b"source"),
            scene: Digest::of(b"scene"),
            suspect: false,
            stale: false,
        }
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        let view = Role::View { view: "_L".into() };
        let pass = Role::Pass { node: "n \"quoted\"".into(), slot: "s".into(), view: Some("_R".into()) };
        let mut manifest = Manifest::empty(&"r1".parse().expect("name"));
        let path = path(&manifest.release);
        assert_eq!(Manifest::parse(&manifest.clone().into_text(), &path).expect("empty"), manifest);
        manifest.files =
            vec![file("A.0001.png", 1, Role::Frame), file("A.0001_L.png", 1, view), file("p/x.exr", -3, pass)];
        manifest.files[1].stale = true;
        let bytes = manifest.clone().into_text();
        assert_eq!(Manifest::parse(&bytes, &path).expect("the same"), manifest);
        assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 5, "a line per file");
    }

    #[test]
    fn foreign_and_damaged_manifests_are_told_apart() {
        let path = path(&"r1".parse().expect("name"));
        let newer = br#"{"schema":"farm.manifest/2","release":"r1","files":{}}"#;
        assert!(matches!(Manifest::parse(newer, &path), Err(ManifestError::Foreign { .. })));
        for damaged in [&b"{"[..], b"", br#"{"schema":"farm.manifest/1"}"#] {
            assert!(matches!(Manifest::parse(damaged, &path), Err(ManifestError::Damaged { .. })));
        }
    }

    #[test]
    fn a_file_takes_the_place_of_its_name_and_of_its_frame() {
        let mut manifest = Manifest::empty(&"r1".parse().expect("name"));
        manifest.files = vec![file("a", 1, Role::Frame), file("b", 2, Role::Frame), file("c", 3, Role::Frame)];
        manifest.replace_all(vec![file("A.0001.png", 1, Role::Frame), file("b", 9, Role::Frame)]);
        let mut names: Vec<(&str, i32)> = manifest.files.iter().map(|file| (file.path.as_str(), file.frame)).collect();
        names.sort_unstable();
        assert_eq!(names, [("A.0001.png", 1), ("b", 9), ("c", 3)]);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let _ = Manifest::parse(&bytes, &RelPath::ROOT);
        }
    }
}
