//! Finding scene files outside the volume: folders and globs become lists of paths, in a fixed order.

use std::io;
use std::path::{Path, PathBuf};

/// The most files that one word may stand for; more is a slip (`/` instead of a folder).
const MAX_FILES: usize = 100_000;

/// The files that `word` stands for: itself, every file of `extensions` beneath a folder, or a glob's matches. Sorted.
/// A file that is not there is returned as it is, so that whoever opens it can name it.
pub fn expand(word: &Path, extensions: &[&str]) -> io::Result<Vec<PathBuf>> {
    if word.is_dir() {
        return beneath(word, extensions);
    }
    let pattern = word.to_str().filter(|text| text.contains(['*', '?', '[']) && !word.exists());
    match pattern {
        Some(pattern) => matches(pattern, extensions),
        None => Ok(vec![word.to_owned()]),
    }
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    extensions.contains(&extension.as_str())
}

fn beneath(folder: &Path, extensions: &[&str]) -> io::Result<Vec<PathBuf>> {
    let mut files = files_beneath(folder)?;
    files.retain(|path| has_extension(path, extensions));
    Ok(files)
}

/// Every regular file beneath a folder, sorted; links are not followed.
pub fn files_beneath(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(folder).follow_links(false).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() {
            files.push(entry.into_path());
        }
        if files.len() > MAX_FILES {
            return Err(io::Error::other(format!("more than {MAX_FILES} files beneath this folder")));
        }
    }
    Ok(files)
}

fn matches(pattern: &str, extensions: &[&str]) -> io::Result<Vec<PathBuf>> {
    let found = glob::glob(pattern).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.to_string()))?;
    let mut files = Vec::new();
    for path in found {
        let path = path.map_err(io::Error::from)?;
        if path.is_dir() {
            files.extend(beneath(&path, extensions)?);
        } else {
            files.push(path);
        }
        if files.len() > MAX_FILES {
            return Err(io::Error::other(format!("more than {MAX_FILES} files match")));
        }
    }
    Ok(files)
}
