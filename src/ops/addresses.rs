//! One Manager may have several addresses: within the studio, and from home. A run records the one that it was submitted to.

use crate::base::ids::RunId;
use crate::manager::Manager;
use crate::volume::release_file::{ReleaseFile, RunRecord};
use std::collections::BTreeSet;

/// The addresses under which this very Manager was spoken to, as far as the release can prove it: those of runs that it
/// knows, and its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses(BTreeSet<String>);

impl Addresses {
    /// Those of `manager`, which has the runs that `knows` says.
    pub fn of(manager: &dyn Manager, file: &ReleaseFile, knows: impl Fn(&RunId) -> bool) -> Addresses {
        let runs = file.jobs.iter().flat_map(|job| &job.runs).filter(|run| knows(&run.id));
        Addresses(runs.map(|run| run.manager.clone()).chain([manager.address()]).collect())
    }

    /// Whether the run was submitted to it.
    pub fn are_of(&self, run: &RunRecord) -> bool {
        self.0.contains(&run.manager)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::status::TaskStatus;
    use crate::ops::check::room::Room;

    #[test]
    fn an_address_whose_run_is_known_is_one_of_this_manager() {
        let mut room = Room::new(&[("A", "1-3")]);
        room.add_run("1", TaskStatus::Completed);
        room.add_run("2-3", TaskStatus::Completed);
        let runs = &mut room.file.jobs[0].runs;
        runs[0].manager = "http://studio:8080".to_owned();
        runs[1].manager = "https://farm.studio".to_owned();
        let (first, second) = (room.file.jobs[0].runs[0].clone(), room.file.jobs[0].runs[1].clone());
        let addresses = Addresses::of(&room.manager, &room.file, |run| *run == first.id);
        assert!(addresses.are_of(&first) && !addresses.are_of(&second));
        let own = RunRecord { manager: room.manager.address(), ..second };
        assert!(addresses.are_of(&own));
    }
}
