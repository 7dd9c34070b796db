//! Which releases there are, and whether anything was planned in `quick/`.

use super::area::Area;
use super::layout;
use super::open::Volume;
use crate::base::name::{Home, ReleaseName};
use crate::sys::disk::{Dir, DiskError, Entry, Kind};
use std::collections::BTreeMap;
use std::ffi::OsString;

/// Where jobs are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Homes {
    /// The folders in `releases/` with a valid name, in order; then `quick/`, where something was planned in it.
    pub names: Vec<Home>,
    /// What is no release: other kinds, invalid names, names that differ from another only in case. Not opened.
    pub odd: Vec<OsString>,
}

impl Volume {
    /// The releases on the volume, and `quick/`.
    pub fn homes(&self) -> Result<Homes, DiskError> {
        let mut homes = match self.dir(&Area::Releases.folder())? {
            Some(dir) => sort_out(dir.list()?),
            None => Homes::default(),
        };
        let quick = self.dir(&layout::home_dir(&Home::Quick))?;
        let has_jobs = |dir: Dir| dir.stat(layout::home_file_name(&Home::Quick));
        if quick.map(has_jobs).transpose()?.flatten().is_some() {
            homes.names.push(Home::Quick);
        }
        Ok(homes)
    }
}

fn sort_out(entries: Vec<Entry>) -> Homes {
    let mut homes = Homes::default();
    let mut by_fold: BTreeMap<String, Vec<ReleaseName>> = BTreeMap::new();
    for Entry { name, kind } in entries {
        match name.to_str().and_then(|text| text.parse::<ReleaseName>().ok()) {
            Some(release) if kind == Kind::Folder => by_fold.entry(release.folded()).or_default().push(release),
            _ => homes.odd.push(name),
        }
    }
    for twins in by_fold.into_values() {
        match <[ReleaseName; 1]>::try_from(twins) {
            Ok([release]) => homes.names.push(Home::Release(release)),
            Err(twins) => homes.odd.extend(twins.iter().map(|twin| OsString::from(twin.as_str()))),
        }
    }
    homes.names.sort();
    homes.odd.sort();
    homes
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
        let names: Vec<_> = found.names.iter().map(Home::as_str).collect();
        assert_eq!(names, ["r1", "r2"]);
        assert_eq!(found.odd, ["-rf", "Twin", "file", "link", "twin"]);
    }
}
