//! What is waited for: everything of a release or of `quick/`, or some of its jobs.

use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::name::{Home, JobName};
use crate::ops::ports::Ports;
use crate::ops::release;
use crate::volume::release_file::ReleaseFile;
use std::fmt;

/// The jobs whose end is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Awaited<'a> {
    /// Where they belong.
    pub home: &'a Home,
    jobs: Option<&'a [JobName]>,
    left: &'a [(JobName, FrameSet)],
}

impl<'a> Awaited<'a> {
    /// All jobs of a home, whichever it has by then.
    pub fn all(home: &'a Home) -> Awaited<'a> {
        Awaited { home, jobs: None, left: &[] }
    }

    /// These jobs alone: the others of their home are none of the caller's business.
    pub fn only(home: &'a Home, jobs: &'a [JobName]) -> Awaited<'a> {
        Awaited { home, jobs: Some(jobs), left: &[] }
    }

    /// The same but for these frames: whoever asked for the others wants them left as they are.
    #[must_use]
    pub fn leaving(self, left: &'a [(JobName, FrameSet)]) -> Awaited<'a> {
        Awaited { left, ..self }
    }

    /// The frames of a job that nobody waits for.
    pub(super) fn left(&self, job: &JobName) -> FrameSet {
        FrameSet::union_of(self.left.iter().filter(|(name, _)| name == job).map(|(_, frames)| frames))
    }

    /// Whether this job is waited for.
    pub fn has(&self, job: &JobName) -> bool {
        self.jobs.is_none_or(|jobs| jobs.contains(job))
    }

    /// The home's record as it is on the volume.
    pub(super) fn whole_file(&self, ports: &Ports<'_>) -> Result<ReleaseFile, Failure> {
        release::load(ports.volume, self.home)?.ok_or_else(|| {
            Failure::new(Class::NoMatch, format!("there is no release {}", self.home))
                .with_hint("`farm status` lists all releases.")
        })
    }

    /// The same with the jobs that are waited for alone: to look at, never to be saved.
    pub(super) fn file(&self, ports: &Ports<'_>) -> Result<ReleaseFile, Failure> {
        let mut file = self.whole_file(ports)?;
        file.jobs.retain(|job| self.has(&job.name));
        Ok(file)
    }
}

/// The job, where it is one; else its home.
impl fmt::Display for Awaited<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.jobs {
            Some([job]) => write!(f, "{}/{job}", self.home),
            _ => write!(f, "{}", self.home),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::room::Room;

    #[test]
    fn other_jobs_are_none_of_the_callers_business() {
        let room = Room::new(&[("A", "1-3"), ("B", "1")]);
        let names = |awaited: Awaited<'_>| {
            let file = awaited.file(&room.ports()).expect("there");
            file.jobs.iter().map(|job| job.name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(Awaited::all(room.release())), ["A", "B"]);
        let only = ["B".parse().expect("name")];
        let awaited = Awaited::only(room.release(), &only);
        assert_eq!((names(awaited), awaited.to_string()), (vec!["B".to_owned()], "r1/B".to_owned()));
        let gone: Home = "r2".parse().expect("name");
        assert_eq!(Awaited::all(&gone).file(&room.ports()).expect_err("none").class(), Class::NoMatch);
    }
}
