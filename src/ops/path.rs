//! `farm path`: where something of a job or release lies.

use super::status::{Named, find};
use crate::base::error::{Class, Failure};
use crate::base::name::{JobName, JobRef};
use crate::base::rel_path::RelPath;
use crate::volume::release_file::{JobRecord, ReleaseFile, RunRecord};
use crate::volume::{Volume, layout};
use std::path::PathBuf;

/// A place of a job or release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Where its frames are rendered to.
    Out,
    /// Where its harvested frames are.
    Dist,
    /// Its scene; of a release, the folder of them.
    Store,
    /// The logs of its newest run.
    Log,
}

/// The absolute path of a place. It need not be there yet.
pub fn path(volume: &Volume, word: &str, place: Place) -> Result<PathBuf, Failure> {
    let Named { file, job } = find(volume, word)?;
    let rel = match &job {
        None => of_release(&file, place)?,
        Some(job) => of_job(&file, job, place)?,
    };
    Ok(volume.path_of(&rel))
}

fn of_release(file: &ReleaseFile, place: Place) -> Result<RelPath, Failure> {
    match place {
        Place::Out => Ok(layout::out_root(&file.name)),
        Place::Dist => Ok(layout::dist_dir(&file.name)),
        Place::Store => Ok(layout::store_dir(&file.name)),
        Place::Log => {
            let newest = file.jobs.iter().filter_map(JobRecord::newest_run).max_by_key(|run| run.submitted);
            log(file.name.as_str(), newest)
        }
    }
}

fn of_job(file: &ReleaseFile, name: &JobName, place: Place) -> Result<RelPath, Failure> {
    let reference = JobRef::within(&file.name, name);
    let record = file.job(name);
    match place {
        Place::Out => Ok(layout::out_dir(&reference)),
        Place::Dist => Ok(layout::dist_dir(&file.name)),
        Place::Store => {
            let stored = record.map(|record| record.current().store.path.clone());
            Ok(stored.unwrap_or_else(|| layout::store_file(&reference, "blend")))
        }
        Place::Log => log(&reference.to_string(), record.and_then(JobRecord::newest_run)),
    }
}

/// The local manager keeps the logs of a run's tasks in a folder with the Manager's id of the run.
fn log(whose: &str, run: Option<&RunRecord>) -> Result<RelPath, Failure> {
    let none = |cause: String, hint: &str| Err(Failure::new(Class::NoMatch, cause).with_hint(hint));
    let Some(run) = run else {
        return none(
            format!("{whose} has no logs: nothing of it was submitted yet"),
            "Submit it with `farm plan release`.",
        );
    };
    let Some(id) = &run.manager_job else {
        return none(format!("{whose} has no logs: its newest run is not submitted yet"), "Run `farm recover`.");
    };
    if run.manager != "local" {
        return none(
            format!("the logs of {whose} are kept by the Manager at {}", run.manager),
            "Look at them in its web page.",
        );
    }
    Ok(layout::local_dir().join("logs").and_then(|logs| logs.join(&id.0))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::init::{InitRequest, init};
    use crate::volume::marker::Purpose;

    const RELEASE: &str = r"
schema: farm.release/1
name: NAME
created: 2026-11-01T10:00:00Z
jobs:
- name: shot010
  revisions:
  - number: 1
    planned: 2026-11-01T10:00:00Z
    user: ann
    host: ws1
    source: {path: /home/ann/a.blend, size: 1, modified: 2026-11-01T10:00:00Z, digest: DIGEST}
    store: {path: releases/NAME/store/shot010.blend, size: 1, digest: DIGEST}
    blender: '3.4'
    frames: 1-3
    output: {format: PNG, extension: png, width: 64, height: 64, fps: 24.0}
  runs: RUNS
";

    fn volume(releases: &[(&str, &str)]) -> (tempfile::TempDir, Volume) {
        let temp = tempfile::tempdir().unwrap();
        let request = InitRequest { path: temp.path(), name: None, purpose: Purpose::Testing, home: None };
        let volume = init(&request).unwrap().volume;
        for (name, runs) in releases {
            let text = RELEASE.replace("NAME", name).replace("DIGEST", &"0".repeat(64)).replace("RUNS", runs);
            let dir = volume.make_dir(&layout::home_dir(&name.parse().unwrap())).unwrap();
            dir.write("release.yaml", text.as_bytes()).unwrap();
        }
        (temp, volume)
    }

    const RUN: &str = "[{id: 6e1f6a3e-0000-4000-8000-000000000001, number: 1, revision: 1, manager: local, manager_job: ID, \
                       frames: 1-3, chunk: 3, priority: 50, submitted: 2026-11-01T10:00:00Z}]";

    #[test]
    fn every_place_has_a_path() {
        let (temp, volume) = volume(&[("r1", &RUN.replace("ID", "abc"))]);
        for (word, place, expected) in [
            ("r1/shot010", Place::Out, "releases/r1/out/shot010"),
            ("shot010", Place::Out, "releases/r1/out/shot010"),
            ("r1/shot010", Place::Store, "releases/r1/store/shot010.blend"),
            ("r1/shot010", Place::Dist, "dist/r1"),
            ("r1/shot010", Place::Log, ".farm/local/logs/abc"),
            ("r1", Place::Out, "releases/r1/out"),
            ("r1", Place::Store, "releases/r1/store"),
            ("r1", Place::Dist, "dist/r1"),
            ("r1", Place::Log, ".farm/local/logs/abc"),
        ] {
            assert_eq!(path(&volume, word, place).unwrap(), temp.path().join(expected), "{word} {place:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_named_with_its_neighbour() {
        let (_temp, volume) = volume(&[("r1", "[]"), ("r2", "[]")]);
        let fails = |word, place| path(&volume, word, place).unwrap_err();
        for word in ["r1/shto010", "shto010", "nosuch", "r9/x", "../etc", "r1/../x", ""] {
            let failure = fails(word, Place::Out);
            assert_eq!(failure.class(), Class::NoMatch, "{word}");
            assert!(failure.message().contains(word));
        }
        assert!(fails("r1/shto010", Place::Out).hint().is_some_and(|hint| hint.contains("r1/shot010")));
        assert!(fails("shto010", Place::Out).hint().is_some_and(|hint| hint.contains("shot010")));
        let several = fails("shot010", Place::Out).message();
        assert!(several.contains("r1/shot010, r2/shot010"), "{several}");
        assert_eq!(fails("shot010", Place::Out).class(), Class::Usage);
        assert!(fails("r1/shot010", Place::Log).message().contains("nothing of it was submitted"));
    }

    #[test]
    fn a_run_is_named_by_the_beginning_of_its_id() {
        let (temp, volume) = volume(&[("r1", &RUN.replace("ID", "abcdef-1")), ("r2", "[]")]);
        let out = |word: &str| path(&volume, word, Place::Out);
        assert_eq!(out("abcdef").unwrap(), temp.path().join("releases/r1/out/shot010"));
        assert_eq!(out("abcde").unwrap_err().class(), Class::NoMatch, "too short to be one");
    }

    #[test]
    fn an_id_cannot_lead_out_of_the_logs() {
        let (_temp, volume) = volume(&[("r1", &RUN.replace("ID", "../../../etc"))]);
        assert!(path(&volume, "r1/shot010", Place::Log).is_err());
    }
}
