//! Which jobs need a file: a library or a texture that was saved anew.

use super::{Chosen, needs};
use crate::base::counted::counted;
use crate::base::error::{Class, Failure};
use crate::base::name::Home;
use crate::base::nearest::nearest;
use crate::ops::release;
use crate::sys::outside;
use crate::volume::Volume;
use crate::volume::release_file::ReleaseFile;
use glob::Pattern;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The jobs of every release, or of `within`, that need what `word` names, home by home.
///
/// A path is meant from the working directory or from the volume's root; where no job needs such a file, the end of a path
/// is enough, as long as one file alone ends so. A glob is compared with whole paths and with their ends.
pub fn using(volume: &Volume, word: &str, within: Option<&Home>) -> Result<Vec<Chosen>, Failure> {
    let root = volume.path();
    let mut files = Vec::new();
    let mut unreadable = 0;
    for home in volume.homes()?.names.into_iter().filter(|home| within.is_none_or(|within| within == home)) {
        match release::load(volume, &home) {
            Ok(Some(file)) => files.push(file),
            Ok(None) => {}
            // Who meant this one is told why nothing is known of it.
            Err(failure) if within.is_some() => return Err(failure),
            Err(_) => unreadable += 1,
        }
    }
    if let Some(home) = within.filter(|_| files.is_empty()) {
        let words = format!("there is no release {home}");
        return Err(Failure::new(Class::NoMatch, words).with_hint("`farm status` lists all releases."));
    }
    if word.contains(['*', '?', '[']) {
        let pattern = |text: &str| {
            Pattern::new(text).map_err(|error| Failure::new(Class::Usage, format!("--using {word:?}: {error}")))
        };
        let (whole, end) = (pattern(word)?, pattern(&format!("*/{word}"))?);
        let found = chosen(&files, &|path| whole.matches_path(path) || end.matches_path(path), &root);
        return if found.is_empty() { Err(nobody(&files, word, unreadable)) } else { Ok(found) };
    }
    let meant = places(word, &root);
    let found = chosen(&files, &|path| meant.iter().any(|place| place == path), &root);
    if !found.is_empty() {
        return Ok(found);
    }
    let ends = ending(&files, Path::new(word));
    if ends.len() > 1 {
        let paths: Vec<String> = ends.into_iter().collect();
        let words = format!("several files that jobs need end with {word:?}: {}", paths.join(", "));
        return Err(Failure::new(Class::Usage, words).with_hint("Write the whole path of the one that you mean."));
    }
    let found = chosen(&files, &|path| path.ends_with(word), &root);
    if found.is_empty() { Err(nobody(&files, word, unreadable)) } else { Ok(found) }
}

/// The absolute paths that a word may mean.
fn places(word: &str, root: &Path) -> Vec<PathBuf> {
    let mut places = vec![root.join(word)];
    if let Ok(absolute) = outside::absolute(Path::new(word)) {
        // The file itself, where it is a link to one, and where one leads to its folder.
        places.extend(outside::resolve(&absolute).ok());
        let folder = absolute.parent().and_then(|folder| outside::resolve(folder).ok());
        places.extend(folder.zip(absolute.file_name()).map(|(folder, name)| folder.join(name)));
        places.push(absolute);
    }
    places
}

fn chosen(files: &[ReleaseFile], is_it: &dyn Fn(&Path) -> bool, root: &Path) -> Vec<Chosen> {
    let of_home = |file: &ReleaseFile| {
        let jobs = file.jobs.iter().filter(|record| needs(record.current(), is_it, root));
        Chosen { home: file.name.clone(), jobs: jobs.map(|record| record.name.clone()).collect() }
    };
    files.iter().map(of_home).filter(|chosen| !chosen.jobs.is_empty()).collect()
}

/// The files that jobs need and whose paths end so.
fn ending(files: &[ReleaseFile], word: &Path) -> BTreeSet<String> {
    let needs = files.iter().flat_map(|file| &file.jobs).flat_map(|record| &record.current().dependencies);
    needs.map(|need| need.path.clone()).filter(|path| Path::new(path).ends_with(word)).collect()
}

fn nobody(files: &[ReleaseFile], word: &str, unreadable: usize) -> Failure {
    let needs = files.iter().flat_map(|file| &file.jobs).flat_map(|record| &record.current().dependencies);
    let names: BTreeSet<&str> = needs.filter_map(|need| Path::new(&need.path).file_name()?.to_str()).collect();
    let name = Path::new(word).file_name().and_then(|name| name.to_str()).unwrap_or(word);
    let near = nearest(name, names.into_iter().filter(|known| *known != name));
    let near = near.map(|near| format!("Did you mean {near:?}? ")).unwrap_or_default();
    let unreadable = match unreadable {
        0 => String::new(),
        count => format!(" {} cannot be read: `farm doctor` names them.", counted(count, "release")),
    };
    Failure::new(Class::NoMatch, format!("no job needs {word:?}"))
        .with_hint(format!("{near}`farm inspect SCENE` shows what a scene needs.{unreadable}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rel_path::RelPath;
    use crate::ops::check::room::Room;
    use crate::volume::release_file::DependencyRecord;

    fn need(path: &str, stored: &str) -> DependencyRecord {
        DependencyRecord {
            path: path.into(),
            kind: "library".into(),
            stored: Some(RelPath::new(stored).expect("path")),
            in_place: false,
            size: 1,
            modified: None,
            digest: None,
        }
    }

    #[test]
    fn a_file_is_found_by_its_path_by_its_place_and_by_the_end_of_either() {
        let mut room = Room::new(&[("A", "1"), ("B", "1"), ("C", "1")]);
        let own = need("/film/lib/props.blend", "releases/r1/store/deps/7/props.blend");
        let other = need("/film/old/lib/chair.blend", "assets/chair.blend");
        room.file.jobs[0].revisions[0].dependencies = vec![own.clone()];
        room.file.jobs[1].revisions[0].dependencies = vec![own, other.clone()];
        room.file.jobs[2].revisions[0].dependencies =
            vec![DependencyRecord { path: "/film/new/lib/chair.blend".into(), ..other }];
        room.save();
        let found = |word: &str| {
            let found = using(&room.volume, word, None)?;
            let jobs = found.into_iter().flat_map(|chosen| chosen.jobs);
            Ok::<_, Failure>(jobs.map(|job| job.to_string()).collect::<Vec<_>>().join(" "))
        };
        for (word, jobs) in [
            ("/film/lib/props.blend", "A B"),
            ("lib/props.blend", "A B"),
            ("props.blend", "A B"),
            ("releases/r1/store/deps/7/props.blend", "A B"),
            ("assets/chair.blend", "B C"),
            ("*.blend", "A B C"),
            ("/film/*/lib/*", "B C"),
            ("old/lib/chair.blend", "B"),
        ] {
            assert_eq!(found(word).expect(word), jobs, "{word}");
        }
        let several = found("lib/chair.blend").expect_err("two end so");
        assert_eq!(several.class(), Class::Usage);
        assert!(several.message().contains("/film/new/lib/chair.blend"), "{several}");
        let nobody = found("prop.blend").expect_err("none");
        assert_eq!(nobody.class(), Class::NoMatch);
        assert!(nobody.hint().is_some_and(|hint| hint.contains("props.blend")), "{:?}", nobody.hint());
        let elsewhere = "r2".parse().expect("name");
        assert!(using(&room.volume, "props.blend", Some(&elsewhere)).is_err());
    }
}
