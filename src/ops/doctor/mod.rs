//! `farm doctor`: what could keep farm from working here, and what to do about it. Looks, and changes nothing, but for an
//! empty folder that it makes and takes away again to find out whether a Manager sees the volume.

mod clock;
mod flamenco;
mod programs;
mod queue;
mod scripts;
mod volume;

pub use flamenco::Remote;

use crate::base::error::Failure;
use crate::manager::Manager;
use crate::volume::{Volume, VolumeError};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// All is well.
    Ok,
    /// It works, but there is something to know.
    Warn,
    /// It does not work.
    Fail,
    /// It could not be looked at, and the message says why.
    Skip,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// A short word for scripts: `blender`.
    pub name: &'static str,
    /// How it ended.
    pub status: Status,
    /// What was found.
    pub message: String,
    /// What to do, a full sentence. Always there for [`Status::Warn`] and [`Status::Fail`].
    pub remedy: Option<String>,
}

impl Check {
    fn ok(name: &'static str, message: impl Into<String>) -> Check {
        Check { name, status: Status::Ok, message: message.into(), remedy: None }
    }

    fn skip(name: &'static str, message: impl Into<String>) -> Check {
        Check { name, status: Status::Skip, message: message.into(), remedy: None }
    }

    fn warn(name: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Check {
        Check { name, status: Status::Warn, message: message.into(), remedy: Some(remedy.into()) }
    }

    fn fail(name: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Check {
        Check { name, status: Status::Fail, message: message.into(), remedy: Some(remedy.into()) }
    }

    /// An error that some floor below explains already.
    fn failure(name: &'static str, failure: &Failure) -> Check {
        let remedy = failure.hint().unwrap_or("Look at the message; it names what is wrong.");
        Check::fail(name, failure.message(), remedy)
    }
}

/// The volume, as far as it could be opened.
pub enum Found<'a> {
    /// None is named anywhere.
    Nowhere,
    /// One is named and cannot be opened.
    Refused(&'a VolumeError),
    /// It is open.
    Open(&'a Volume),
}

/// The Manager that the settings name.
pub enum Asked<'a> {
    /// The queue of this machine, as far as it could be opened; `None` without a volume.
    Local(Option<Result<&'a dyn Manager, &'a Failure>>),
    /// A Flamenco Manager.
    Flamenco(Remote<'a>),
}

/// What is to be looked at.
pub struct Subject<'a> {
    /// What is wrong with the settings, if anything: then the built-in ones stand in.
    pub configuration: Option<&'a Failure>,
    /// The volume.
    pub volume: Found<'a>,
    /// Who hands out the work.
    pub manager: Asked<'a>,
    /// Blender on this machine: a name on `PATH` or a path.
    pub blender: &'a str,
    /// Whether scripts inside scenes may run.
    pub autoexec: bool,
    /// ffmpeg on this machine: a name on `PATH` or a path.
    pub ffmpeg: &'a str,
}

/// Looks at everything, in the order in which the checks are shown.
pub fn examine(subject: &Subject<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    checks.extend(subject.configuration.map(|failure| Check::failure("configuration", failure)));
    checks.extend(volume::checks(subject));
    let (blender, version) = programs::blender(subject);
    checks.push(blender);
    checks.push(programs::scenes(subject, version));
    checks.push(programs::ffmpeg(subject.ffmpeg));
    match &subject.manager {
        Asked::Local(queue) => {
            checks.push(scripts::here(subject.autoexec));
            checks.push(queue::check(queue.as_ref().copied()));
        }
        Asked::Flamenco(remote) => checks.extend(flamenco::checks(remote, subject)),
    }
    checks.push(clock::check(&subject.volume));
    checks
}

/// Whether any check failed.
pub fn has_failed(checks: &[Check]) -> bool {
    checks.iter().any(|check| check.status == Status::Fail)
}
