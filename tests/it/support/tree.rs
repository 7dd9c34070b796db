//! A picture of a folder: every entry with its kind, mode, size, time and digest.

use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// Path below the folder → what lies there.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Tree(pub(crate) BTreeMap<String, Entry>);

/// One entry.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) kind: &'static str,
    pub(crate) mode: u32,
    pub(crate) size: u64,
    pub(crate) modified: (i64, i64),
    /// SHA-256 of a file, target of a link, else empty.
    pub(crate) content: String,
}

impl Tree {
    /// The whole folder.
    pub(crate) fn of(folder: &Path) -> Self {
        Self::without(folder, |_| false)
    }

    /// The folder without the entries (and all below them) for which `skip` says true.
    pub(crate) fn without(folder: &Path, skip: impl Fn(&str) -> bool) -> Self {
        let mut tree = Tree::default();
        walk(folder, "", &skip, &mut tree.0);
        tree
    }

    /// Digests of all files that have any bytes.
    pub(crate) fn contents(&self) -> BTreeSet<String> {
        self.0.values().filter(|e| e.kind == "file" && e.size > 0).map(|e| e.content.clone()).collect()
    }

    /// Paths and contents alone: what is left when times and modes may differ.
    pub(crate) fn essence(&self) -> BTreeMap<String, String> {
        self.0.iter().map(|(path, entry)| (path.clone(), format!("{} {}", entry.kind, entry.content))).collect()
    }

    /// What differs, one line per path; empty if nothing does.
    pub(crate) fn difference(&self, later: &Tree) -> String {
        let paths: BTreeSet<&String> = self.0.keys().chain(later.0.keys()).collect();
        let mut lines = Vec::new();
        for path in paths {
            match (self.0.get(path), later.0.get(path)) {
                (Some(_), None) => lines.push(format!("gone     {path}")),
                (None, Some(_)) => lines.push(format!("new      {path}")),
                (Some(a), Some(b)) if a != b => lines.push(format!("changed  {path}: {a:?} → {b:?}")),
                _ => {}
            }
        }
        lines.join("\n")
    }
}

fn walk(folder: &Path, below: &str, skip: &impl Fn(&str) -> bool, found: &mut BTreeMap<String, Entry>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        if skip(&path) {
            continue;
        }
        let Ok(metadata) = entry.path().symlink_metadata() else { continue };
        let kind = kind(&metadata);
        let content = match kind {
            "file" => digest(&entry.path()),
            "link" => fs::read_link(entry.path()).unwrap_or_default().to_string_lossy().into_owned(),
            _ => String::new(),
        };
        let size = if kind == "file" { metadata.size() } else { 0 };
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        found.insert(path.clone(), Entry { kind, mode: metadata.mode(), size, modified, content });
        if kind == "folder" {
            walk(&entry.path(), &path, skip, found);
        }
    }
}

fn kind(metadata: &fs::Metadata) -> &'static str {
    let kind = metadata.file_type();
    match () {
        () if kind.is_dir() => "folder",
        () if kind.is_file() => "file",
        () if kind.is_symlink() => "link",
        () if kind.is_fifo() => "fifo",
        () => "other",
    }
}

/// SHA-256 of a file as hexadecimal text; a file that went in the meantime has none.
pub(crate) fn digest(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
