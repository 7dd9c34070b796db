//! Paths as scenes store them: bytes, often relative to the scene (`//textures/wood.png`), perhaps from Windows.

use crate::sys::outside;
use serde::{Serialize, Serializer};
use std::fmt;
use std::path::{Path, PathBuf};

/// A path in the bytes that a scene stores.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StoredPath(Vec<u8>);

impl StoredPath {
    /// From the bytes in a scene.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        StoredPath(bytes.into())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is relative to the file that holds it (`//…`).
    pub fn is_relative(&self) -> bool {
        self.0.starts_with(b"//")
    }

    /// Whether it names a place on this machine's disks from the root, or on a Windows drive.
    pub fn is_absolute(&self) -> bool {
        !self.is_relative() && (self.0.starts_with(b"/") || self.0.starts_with(b"\\") || self.drive().is_some())
    }

    /// Where it leads for a file in `folder`, as Blender on this platform sees it.
    ///
    /// Blender (`BLI_path_abs`): `//` is the folder of the file, backslashes are slashes, `C:\foo` is looked for at
    /// `/c/foo`. A path that is neither relative nor absolute is taken from the folder of the file too: Blender takes it
    /// from the working directory, which no scene can mean.
    pub fn resolve(&self, folder: &Path) -> PathBuf {
        let mut bytes: Vec<u8> = self.0.iter().map(|b| if *b == b'\\' { b'/' } else { *b }).collect();
        if let Some(letter) = self.drive() {
            bytes.splice(..2, [b'/', letter.to_ascii_lowercase()]);
        }
        match self.is_relative() {
            true => folder.join(outside::path_from_bytes(trim_start(&bytes, b'/'))),
            false => folder.join(outside::path_from_bytes(&bytes)),
        }
    }

    /// The part after the last slash or backslash.
    pub fn file_name(&self) -> &[u8] {
        &self.0[self.name_start()..]
    }

    /// The part up to and with the last slash or backslash.
    pub fn folder(&self) -> &[u8] {
        &self.0[..self.name_start()]
    }

    /// The same file name in another folder: what a rewritten scene stores. `folder` is as scenes store it.
    #[must_use]
    pub fn in_folder(&self, folder: &str) -> StoredPath {
        StoredPath::from(folder).join(self.file_name())
    }

    /// This path as a folder, with `name` in it.
    #[must_use]
    pub fn join(&self, name: &[u8]) -> StoredPath {
        let mut bytes = self.0.clone();
        if !matches!(bytes.last(), Some(b'/' | b'\\')) {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(name);
        StoredPath(bytes)
    }

    fn name_start(&self) -> usize {
        self.0.iter().rposition(|b| matches!(b, b'/' | b'\\')).map_or(0, |at| at + 1)
    }

    /// The letter of a Windows drive at the beginning.
    fn drive(&self) -> Option<u8> {
        match self.0[..] {
            [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic() => Some(letter),
            _ => None,
        }
    }
}

fn trim_start(bytes: &[u8], byte: u8) -> &[u8] {
    let start = bytes.iter().position(|b| *b != byte).unwrap_or(bytes.len());
    &bytes[start..]
}

impl From<&str> for StoredPath {
    fn from(text: &str) -> Self {
        StoredPath(text.as_bytes().to_vec())
    }
}

impl fmt::Display for StoredPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for StoredPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

impl Serialize for StoredPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_blender_looks() {
        let folder = Path::new("/show/shot");
        for (stored, path) in [
            ("//textures/a.png", "/show/shot/textures/a.png"),
            ("//..\\lib\\a.png", "/show/shot/../lib/a.png"),
            ("/disk/a.png", "/disk/a.png"),
            ("C:\\tex\\a.png", "/c/tex/a.png"),
            ("a.png", "/show/shot/a.png"),
        ] {
            assert_eq!(StoredPath::from(stored).resolve(folder), Path::new(path), "{stored}");
        }
    }

    #[test]
    fn names_and_folders_come_apart_and_together() {
        let path = StoredPath::from("//textures\\wood.<UDIM>.png");
        assert_eq!(path.file_name(), b"wood.<UDIM>.png");
        assert_eq!(path.folder(), b"//textures\\");
        assert_eq!(path.in_folder("//deps/ab12").to_string(), "//deps/ab12/wood.<UDIM>.png");
        assert!(path.is_relative() && !path.is_absolute());
        assert!(StoredPath::from("D:/x").is_absolute() && StoredPath::from("/x").is_absolute());
    }

    #[test]
    fn bytes_that_are_no_text_survive() {
        let path = StoredPath::new(*b"//t/\xff\xfe.png");
        assert_eq!(outside::bytes_of(&path.resolve(Path::new("/a"))), b"/a/t/\xff\xfe.png");
    }
}
