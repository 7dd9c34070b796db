//! Finding scene files outside the volume: folders and globs become lists of paths, in a fixed order.

use std::collections::HashSet;
use std::io;
use std::os::unix::fs::MetadataExt;
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

/// The files of `extensions` beneath a folder, sorted. Links are followed, as studios have a `latest.blend` that leads to
/// the newest version; a folder that is reached twice is looked through once, so that no circle is endless.
fn beneath(folder: &Path, extensions: &[&str]) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut seen = HashSet::new();
    let is_new = |entry: &walkdir::DirEntry| {
        let is_known = |folder: std::fs::Metadata| !seen.insert((folder.dev(), folder.ino()));
        !(entry.file_type().is_dir() && entry.metadata().is_ok_and(is_known))
    };
    let walk = walkdir::WalkDir::new(folder).follow_links(true).sort_by_file_name();
    for (count, entry) in walk.into_iter().filter_entry(is_new).enumerate() {
        if count > MAX_FILES {
            return Err(io::Error::other(format!("more than {MAX_FILES} files beneath this folder")));
        }
        match entry {
            Ok(entry) if entry.file_type().is_file() => files.push(entry.into_path()),
            Ok(_) => {}
            Err(error) if error.loop_ancestor().is_some() => {}
            // A link to nowhere is returned as it is, so that whoever opens it can name it.
            Err(error) => match error.path().filter(|path| path.is_symlink()) {
                Some(path) => files.push(path.to_owned()),
                None => return Err(error.into()),
            },
        }
    }
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

/// The matches of a glob. Where scenes are among them the other files are not meant: `shots/*` is what `shots` is.
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
    if files.iter().any(|path| has_extension(path, extensions)) {
        files.retain(|path| has_extension(path, extensions));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_and_no_circle_is_endless() {
        let room = tempfile::tempdir().unwrap();
        let path = |name: &str| room.path().join(name);
        for folder in ["shots", "shots/versions", "elsewhere"] {
            fs::create_dir(path(folder)).unwrap();
        }
        for file in ["shots/versions/v1.blend", "elsewhere/far.blend", "elsewhere/wood.png"] {
            fs::write(path(file), "x").unwrap();
        }
        symlink("versions/v1.blend", path("shots/latest.blend")).unwrap();
        symlink("../elsewhere", path("shots/linked")).unwrap();
        symlink("../elsewhere", path("shots/twice")).unwrap();
        symlink("..", path("shots/versions/up")).unwrap();
        symlink("nowhere.blend", path("shots/lost.blend")).unwrap();
        symlink("nowhere.png", path("shots/lost.png")).unwrap();
        let names = |word: &str| {
            let files = expand(&path(word), &["blend"]).unwrap();
            files.iter().map(|file| file.strip_prefix(room.path()).unwrap().display().to_string()).collect::<Vec<_>>()
        };
        let all = ["shots/latest.blend", "shots/linked/far.blend", "shots/lost.blend", "shots/versions/v1.blend"];
        assert_eq!(names("shots"), all);
        let mut globbed = names("shots/*");
        // Each match is looked through by itself; whoever asked folds what is one file.
        globbed.retain(|name| !["/twice/", "/up/", "lost"].iter().any(|other| name.contains(other)));
        assert_eq!(globbed, [all[0], all[1], all[3]], "a picture among the matches is no scene");
        assert_eq!(names("shots/lost.blend"), ["shots/lost.blend"]);
        assert_eq!(names("elsewhere/*.png"), ["elsewhere/wood.png"], "what was asked for by name stays");
    }
}
