//! `farm init`: makes a folder a volume.

use crate::base::error::Failure;
use crate::base::ids::VolumeId;
use crate::sys::disk::space::{self, FileSystem};
use crate::volume::Volume;
use crate::volume::init::{Identity, InitOutcome, InitPlan, InitRequest, Initialised};
use crate::volume::init::{init_as as make, plan as plan_of_volume};
use crate::volume::marker::Purpose;
use std::path::PathBuf;

/// What became of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitReport {
    /// The volume's identity.
    pub id: VolumeId,
    /// Its name.
    pub name: String,
    /// Its path, absolute.
    pub path: PathBuf,
    /// Whether it is new.
    pub outcome: InitOutcome,
    /// What to know, a sentence each.
    pub warnings: Vec<String>,
}

/// What would become of the folder. Changes nothing.
pub fn plan(request: &InitRequest<'_>, identity: Identity) -> Result<InitPlan, Failure> {
    Ok(plan_of_volume(request, identity)?)
}

/// Makes the folder a volume, or finds that it is one. Twice is once.
pub fn init(request: &InitRequest<'_>, identity: Identity) -> Result<InitReport, Failure> {
    let Initialised { volume, outcome, foreign, .. } = make(request, identity)?;
    let mut warnings = Vec::new();
    if outcome == InitOutcome::Already {
        warnings.extend(ignored(request, &volume));
    }
    warnings.extend(strangers(&foreign));
    if space::file_system(volume.root()).is_ok_and(|kind| kind == FileSystem::Memory) {
        warnings.push("It lies in memory: everything on it is gone after a restart.".to_owned());
    }
    let marker = volume.marker();
    Ok(InitReport { id: marker.id, name: marker.name.clone(), path: volume.path(), outcome, warnings })
}

/// What was asked for and is not so, because the volume was made before.
fn ignored(request: &InitRequest<'_>, volume: &Volume) -> Vec<String> {
    let marker = volume.marker();
    let other_name = request.name.is_some_and(|name| name != marker.name);
    let name =
        other_name.then(|| format!("It is a volume already, called {:?}; its name was left as it is.", marker.name));
    let other_purpose = request.purpose == Purpose::Testing && marker.purpose() == Purpose::Production;
    let purpose = other_purpose.then(|| "It is a volume for work already, and was not made one for tests.".to_owned());
    name.into_iter().chain(purpose).collect()
}

/// What lies there and is not farm's, in a sentence.
pub fn strangers(foreign: &[String]) -> Option<String> {
    let first = foreign.first()?;
    Some(match foreign.len() {
        1 => format!("{first:?} lies in it too; farm leaves it alone."),
        count => format!("{first:?} and {} more lie in it too; farm leaves them alone.", count - 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_time_changes_nothing_and_says_what_was_ignored() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("V");
        let ask =
            |name, purpose| init(&InitRequest { path: &path, name, purpose, home: None }, Identity::Lost).unwrap();
        let first = ask(Some("studio"), Purpose::Production);
        assert_eq!((first.outcome, first.name.as_str()), (InitOutcome::Created, "studio"));
        std::fs::write(path.join("notes.txt"), b"x").unwrap();
        let again = ask(Some("other"), Purpose::Testing);
        assert_eq!((again.outcome, again.id, again.name.as_str()), (InitOutcome::Already, first.id, "studio"));
        let words = again.warnings.join(" ");
        for word in ["studio", "for tests", "notes.txt"] {
            assert!(words.contains(word), "{words}");
        }
        assert_eq!(ask(None, Purpose::Production).warnings.len(), again.warnings.len() - 2);
    }
}
