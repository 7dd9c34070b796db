//! Which releases there are.

use super::area::Area;
use super::open::Volume;
use crate::base::name::ReleaseName;
use crate::sys::disk::{DiskError, Entry, Kind};
use std::collections::BTreeMap;
use std::ffi::OsString;

/// What lies in `releases/`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Releases {
    /// Folders with a valid name, in order.
    pub names: Vec<ReleaseName>,
    /// What is no release: other kinds, invalid names, names that differ from another only in case. Not opened.
    pub odd: Vec<OsString>,
}

impl Volume {
    /// The releases on the volume.
    pub fn releases(&self) -> Result<Releases, DiskError> {
        match self.dir(&Area::Releases.folder())? {
            Some(dir) => Ok(sort_out(dir.list()?)),
            None => Ok(Releases::default()),
        }
    }
}

fn sort_out(entries: Vec<Entry>) -> Releases {
    let mut releases = Releases::default();
    let mut by_fold: BTreeMap<String, Vec<ReleaseName>> = BTreeMap::new();
    for Entry { name, kind } in entries {
        match name.to_str().and_then(|text| text.parse::<ReleaseName>().ok()) {
            Some(release) if kind == Kind::Folder => by_fold.entry(release.folded()).or_default().push(release),
            _ => releases.odd.push(name),
        }
    }
    for twins in by_fold.into_values() {
        match <[ReleaseName; 1]>::try_from(twins) {
            Ok([release]) => releases.names.push(release),
            Err(twins) => releases.odd.extend(twins.iter().map(|twin| OsString::from(twin.as_str()))),
        }
    }
    releases.names.sort();
    releases.odd.sort();
    releases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_are_listed_apart() {
        let entry = |name: &str, kind| Entry { name: name.into(), kind };
        let found = sort_out(vec![
            entry("r2", Kind::Folder),
            entry("r1", Kind::Folder),
            entry("-rf", Kind::Folder),
            entry("link", Kind::Link),
            entry("file", Kind::File),
            entry("Twin", Kind::Folder),
            entry("twin", Kind::Folder),
        ]);
        let names: Vec<_> = found.names.iter().map(ReleaseName::as_str).collect();
        assert_eq!(names, ["r1", "r2"]);
        assert_eq!(found.odd, ["-rf", "Twin", "file", "link", "twin"]);
    }
}
