//! Where stored paths lead on this machine's disks: one file, the members of a set, a folder.

use super::dependency::{Extent, State};
use super::stored_path::StoredPath;
use crate::sys::disk::{DiskError, Entry, Kind};
use crate::sys::outside;
use std::collections::HashMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Why most missing things are missing.
const NOT_THERE: &str = "it is not there";

/// What a stored path led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) path: PathBuf,
    pub(super) files: Vec<PathBuf>,
    pub(super) state: State,
}

/// Looks paths up, listing each folder once.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    folders: Mutex<HashMap<PathBuf, Arc<Vec<Entry>>>>,
}

impl Resolver {
    /// Where `stored` leads for a file in `folder`.
    pub(super) fn resolve(&self, stored: &StoredPath, folder: &Path, extent: Extent) -> Resolved {
        let path = tidy(stored.resolve(folder));
        match extent {
            Extent::File => one(path, Kind::File, "it is not a file"),
            Extent::Folder => one(path, Kind::Folder, "it is not a folder"),
            Extent::Sequence => match Pattern::of_sequence(name_of(&path)) {
                Some(pattern) => self.set(path, &pattern),
                None => one(path, Kind::File, "it is not a file"),
            },
            Extent::Udim => match Pattern::of_tiles(name_of(&path)) {
                Some(pattern) => self.set(path, &pattern),
                None => one(path, Kind::File, "it is not a file"),
            },
        }
    }

    fn set(&self, path: PathBuf, pattern: &Pattern) -> Resolved {
        let parent = path.parent().unwrap_or(Path::new("/")).to_owned();
        let members = self.list(&parent).map(|entries| {
            let matching = entries.iter().filter(|entry| pattern.matches(entry.name.as_encoded_bytes()));
            let paths = matching.map(|entry| (entry.kind, parent.join(&entry.name)));
            let files = paths.filter(|(kind, path)| *kind == Kind::File || is_file(path));
            files.map(|(_, path)| path).collect::<Vec<_>>()
        });
        let (files, state) = match members {
            Ok(files) if files.is_empty() => (files, State::Missing("no file matches it".into())),
            Ok(files) => (files, State::Found),
            Err(error) => (Vec::new(), State::Missing(reason(&error))),
        };
        Resolved { path, files, state }
    }

    fn list(&self, folder: &Path) -> Result<Arc<Vec<Entry>>, DiskError> {
        // Whoever asks for a folder while another thread lists one waits: most often it is the same.
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entries) = folders.get(folder) {
            return Ok(entries.clone());
        }
        let entries = Arc::new(outside::list(folder)?);
        folders.insert(folder.to_owned(), entries.clone());
        Ok(entries)
    }

    /// The names in `folder`, or none.
    pub(super) fn names(&self, folder: &Path) -> Arc<Vec<Entry>> {
        self.list(folder).unwrap_or_default()
    }
}

fn one(path: PathBuf, kind: Kind, otherwise: &str) -> Resolved {
    let state = match outside::stat(&path) {
        Ok(Some(there)) if there.kind == kind => State::Found,
        Ok(Some(_)) => State::Missing(otherwise.into()),
        Ok(None) => State::Missing(NOT_THERE.into()),
        Err(error) => State::Missing(reason(&error)),
    };
    let files = if state == State::Found { vec![path.clone()] } else { Vec::new() };
    Resolved { path, files, state }
}

fn is_file(path: &Path) -> bool {
    matches!(outside::stat(path), Ok(Some(there)) if there.kind == Kind::File)
}

/// The same for two paths exactly when they lead to the same file.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    outside::stat(path).ok().flatten().map(|there| there.identity())
}

/// Why something cannot be used, in words without numbers.
fn reason(error: &DiskError) -> String {
    match error {
        DiskError::Io { source, .. } => match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => NOT_THERE.into(),
            io::ErrorKind::PermissionDenied => "it may not be read".into(),
            _ => source.to_string(),
        },
        other => other.to_string(),
    }
}

/// The last component's bytes.
fn name_of(path: &Path) -> &[u8] {
    path.file_name().map_or(&[], |name| name.as_encoded_bytes())
}

/// The path without `.` and `..`, unless that leads elsewhere because a folder on the way is a link.
pub(super) fn tidy(path: PathBuf) -> PathBuf {
    let mut short = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(short.pop()),
            Component::CurDir => {}
            other => short.push(other),
        }
    }
    match (identity(&path), identity(&short)) {
        (Some(long), Some(short_id)) if long == short_id => short,
        (None, _) => short,
        _ => path,
    }
}

/// What the names of a set have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    head: Vec<u8>,
    tail: Vec<u8>,
    number: Number,
}

/// What stands between head and tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    /// A frame number of at least so many digits.
    Frame(usize),
    /// `1001` to `1999`.
    Tile,
    /// `u1_v1`.
    UvTile,
}

impl Pattern {
    /// The last digits before the extension are the frame (`BLI_path_sequence_decode`).
    fn of_sequence(name: &[u8]) -> Option<Pattern> {
        let stem = name.iter().rposition(|b| *b == b'.').unwrap_or(name.len());
        let end = name[..stem].iter().rposition(u8::is_ascii_digit)? + 1;
        let start = name[..end].iter().rposition(|b| !b.is_ascii_digit()).map_or(0, |at| at + 1);
        Some(Pattern { head: name[..start].into(), tail: name[end..].into(), number: Number::Frame(end - start) })
    }

    /// `<UDIM>` or `<UVTILE>`; files from before 3.1 name the first tile, `1001`, instead.
    fn of_tiles(name: &[u8]) -> Option<Pattern> {
        let tokens: [(&[u8], Number); 3] =
            [(b"<UDIM>", Number::Tile), (b"<UVTILE>", Number::UvTile), (b"1001", Number::Tile)];
        tokens.into_iter().find_map(|(token, number)| {
            let at = name.windows(token.len()).rposition(|window| window == token)?;
            Some(Pattern { head: name[..at].into(), tail: name[at + token.len()..].into(), number })
        })
    }

    fn matches(&self, name: &[u8]) -> bool {
        let middle = name.strip_prefix(&self.head[..]).and_then(|rest| rest.strip_suffix(&self.tail[..]));
        middle.is_some_and(|middle| self.number.matches(middle))
    }
}

impl Number {
    fn matches(self, text: &[u8]) -> bool {
        let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
        match self {
            Number::Frame(width) => digits(text) && (text.len() == width || text.len() > width && text[0] != b'0'),
            Number::Tile => digits(text) && text.len() == 4 && text[0] == b'1' && *text > *b"1000".as_slice(),
            Number::UvTile => {
                let Some(rest) = text.strip_prefix(b"u") else { return false };
                let Some(at) = rest.windows(2).position(|window| window == b"_v") else { return false };
                digits(&rest[..at]) && digits(&rest[at + 2..])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_match_their_members_only() {
        let pattern = Pattern::of_sequence(b"sh2_fire_0008.v2x.png").unwrap();
        assert_eq!(pattern.head, b"sh2_fire_0008.v");
        let pattern = Pattern::of_sequence(b"fire_0008.png").unwrap();
        for (name, is_member) in
            [("fire_0008.png", true), ("fire_0123.png", true), ("fire_12345.png", true), ("fire_00012.png", false)]
        {
            assert_eq!(pattern.matches(name.as_bytes()), is_member, "{name}");
        }
        assert!(!pattern.matches(b"fire_12.png") && !pattern.matches(b"fire_0001.png~"));
        assert_eq!(Pattern::of_sequence(b"fire.mp4"), None);
    }

    #[test]
    fn tiles_match_by_either_scheme() {
        let udim = Pattern::of_tiles(b"wood.<UDIM>.png").unwrap();
        assert!(udim.matches(b"wood.1001.png") && udim.matches(b"wood.1042.png"));
        assert!(!udim.matches(b"wood.1000.png") && !udim.matches(b"wood.2001.png") && !udim.matches(b"wood.png"));
        let old = Pattern::of_tiles(b"wood.1001.png").unwrap();
        assert!(old.matches(b"wood.1002.png"));
        let uv = Pattern::of_tiles(b"w_<UVTILE>.exr").unwrap();
        assert!(uv.matches(b"w_u1_v12.exr") && !uv.matches(b"w_u_v1.exr") && !uv.matches(b"w_u1v1.exr"));
        assert_eq!(Pattern::of_tiles(b"wood.png"), None);
    }

    #[test]
    fn dots_go_unless_a_link_gives_them_meaning() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path();
        std::fs::create_dir_all(base.join("real/deep")).unwrap();
        std::fs::write(base.join("real/a"), "x").unwrap();
        std::fs::write(base.join("a"), "y").unwrap();
        std::os::unix::fs::symlink("real/deep", base.join("link")).unwrap();
        assert_eq!(tidy(base.join("real/deep/../a")), base.join("real/a"));
        assert_eq!(tidy(base.join("link/../a")), base.join("link/../a"));
        assert_eq!(tidy(base.join("gone/../b/./c")), base.join("b/c"));
    }
}
