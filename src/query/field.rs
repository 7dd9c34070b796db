//! What can be asked: the fields of each subject, the words of `is:` and the known statuses.

use crate::base::nearest::nearest;
use crate::base::status::{JobStatus, TaskStatus, WorkerStatus};
use std::fmt;

/// What a query selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Jobs, farm's and other people's.
    Jobs,
    /// Tasks of jobs.
    Tasks,
    /// Workers.
    Workers,
    /// Expected frames of farm's jobs.
    Frames,
}

/// What a row is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// Text, several: all ids by which it may be named.
    Id,
    /// Text: its own name; a job's without its release.
    Name,
    /// Text: the full name of its job, `r1/A`.
    Ref,
    /// Text: the release of its job; `quick` for those without.
    Release,
    /// Text: the name of its job, without the release.
    Job,
    /// Text: its status.
    Status,
    /// Number: 0 to 100.
    Priority,
    /// Text: the type of the job or task; of a worker those that it takes.
    Type,
    /// Text: the tag of the job, the tags of the worker.
    Tag,
    /// Text: names and ids of the workers that are at it, or were.
    Worker,
    /// Text: name and id of the task that the worker is at.
    Task,
    /// Number: whole per cent of the frames that are ok, rounded down.
    Progress,
    /// Time: when it was submitted.
    Created,
    /// Time: when anything about it changed last.
    Updated,
    /// Time: when the worker spoke last.
    Seen,
    /// Text: who submitted it.
    User,
    /// Text: where it lies, beneath the volume.
    Path,
    /// Frames: those of the job or task; a number for a frame.
    Frames,
    /// Text: the version of the worker's program.
    Version,
    /// Text: the worker's operating system.
    Platform,
    /// Flag: whether farm did not make it.
    Foreign,
    /// Text: what the job's metadata has under this key.
    Meta(String),
}

/// How the values of a field are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Words, globs and expressions.
    Text,
    /// The beginning of an id.
    Id,
    /// Words of a known list.
    Status,
    /// A whole number from 0 to 100.
    Number,
    /// A date or a moment.
    Date,
    /// The time since then.
    Since,
    /// One duration: at least so long ago.
    Older,
    /// One duration: at most so long ago.
    Newer,
    /// A frame set: shares a frame with it.
    FrameSet,
    /// The same for a row that is a single frame.
    Frame,
}

/// A word before a colon.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) name: &'static str,
    pub(super) field: Field,
    pub(super) kind: Kind,
}

const fn word(name: &'static str, field: Field, kind: Kind) -> Word {
    Word { name, field, kind }
}

const JOBS: &[Word] = &[
    word("id", Field::Id, Kind::Id),
    word("name", Field::Name, Kind::Text),
    word("ref", Field::Ref, Kind::Text),
    word("release", Field::Release, Kind::Text),
    word("status", Field::Status, Kind::Status),
    word("priority", Field::Priority, Kind::Number),
    word("type", Field::Type, Kind::Text),
    word("tag", Field::Tag, Kind::Text),
    word("worker", Field::Worker, Kind::Text),
    word("progress", Field::Progress, Kind::Number),
    word("created", Field::Created, Kind::Date),
    word("updated", Field::Updated, Kind::Date),
    word("age", Field::Created, Kind::Since),
    word("older", Field::Created, Kind::Older),
    word("newer", Field::Created, Kind::Newer),
    word("idle", Field::Updated, Kind::Since),
    word("user", Field::User, Kind::Text),
    word("path", Field::Path, Kind::Text),
    word("frames", Field::Frames, Kind::FrameSet),
];

const TASKS: &[Word] = &[
    word("id", Field::Id, Kind::Id),
    word("name", Field::Name, Kind::Text),
    word("ref", Field::Ref, Kind::Text),
    word("release", Field::Release, Kind::Text),
    word("job", Field::Job, Kind::Text),
    word("status", Field::Status, Kind::Status),
    word("type", Field::Type, Kind::Text),
    word("worker", Field::Worker, Kind::Text),
    word("created", Field::Created, Kind::Date),
    word("updated", Field::Updated, Kind::Date),
    word("age", Field::Created, Kind::Since),
    word("older", Field::Created, Kind::Older),
    word("newer", Field::Created, Kind::Newer),
    word("idle", Field::Updated, Kind::Since),
    word("user", Field::User, Kind::Text),
    word("frames", Field::Frames, Kind::FrameSet),
];

const WORKERS: &[Word] = &[
    word("id", Field::Id, Kind::Id),
    word("name", Field::Name, Kind::Text),
    word("status", Field::Status, Kind::Status),
    word("tag", Field::Tag, Kind::Text),
    word("type", Field::Type, Kind::Text),
    word("version", Field::Version, Kind::Text),
    word("platform", Field::Platform, Kind::Text),
    word("task", Field::Task, Kind::Text),
    word("ref", Field::Ref, Kind::Text),
    word("release", Field::Release, Kind::Text),
    word("job", Field::Job, Kind::Text),
    word("seen", Field::Seen, Kind::Date),
    word("idle", Field::Seen, Kind::Since),
];

const FRAMES: &[Word] = &[
    word("ref", Field::Ref, Kind::Text),
    word("release", Field::Release, Kind::Text),
    word("job", Field::Job, Kind::Text),
    word("frame", Field::Frames, Kind::Frame),
    word("frames", Field::Frames, Kind::Frame),
    word("status", Field::Status, Kind::Status),
    word("path", Field::Path, Kind::Text),
    word("user", Field::User, Kind::Text),
];

/// Words that stand beside a Manager's own for a job: not submitted yet, forgotten by the Manager, on another Manager.
pub(super) const NOT_ON_THE_MANAGER: [&str; 3] = ["planned", "gone", "elsewhere"];

/// What is known about a frame.
const FRAME_STATUSES: [&str; 6] = ["ok", "bad", "missing", "suspect", "rendering", "unknown"];

/// A word of `is:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Is {
    /// Its job was submitted by who asks.
    Mine,
    /// Farm did not make it.
    Foreign,
    /// It is on the Manager and has not ended.
    Open,
    /// It is completed, canceled or failed.
    Ended,
    /// It is at a task.
    Busy,
}

impl Is {
    pub(super) fn name(self) -> &'static str {
        match self {
            Is::Mine => "mine",
            Is::Foreign => "foreign",
            Is::Open => "open",
            Is::Ended => "ended",
            Is::Busy => "busy",
        }
    }

    /// What it looks at.
    pub(super) fn field(self) -> Field {
        match self {
            Is::Mine => Field::User,
            Is::Foreign => Field::Foreign,
            Is::Open | Is::Ended => Field::Status,
            Is::Busy => Field::Task,
        }
    }
}

impl Subject {
    /// The words that may stand before a colon, but for `is` and `meta.KEY`.
    pub(super) fn words(self) -> &'static [Word] {
        match self {
            Subject::Jobs => JOBS,
            Subject::Tasks => TASKS,
            Subject::Workers => WORKERS,
            Subject::Frames => FRAMES,
        }
    }

    pub(super) fn has_metadata(self) -> bool {
        self == Subject::Jobs
    }

    /// The words of `is:`.
    pub(super) fn is_words(self) -> &'static [Is] {
        match self {
            Subject::Jobs | Subject::Tasks => &[Is::Mine, Is::Foreign, Is::Open, Is::Ended],
            Subject::Workers => &[Is::Busy],
            Subject::Frames => &[Is::Mine],
        }
    }

    pub(super) fn statuses(self) -> Vec<&'static str> {
        match self {
            Subject::Jobs => JobStatus::KNOWN.iter().map(JobStatus::as_str).chain(NOT_ON_THE_MANAGER).collect(),
            Subject::Tasks => TaskStatus::KNOWN.iter().map(TaskStatus::as_str).collect(),
            Subject::Workers => WorkerStatus::KNOWN.iter().map(WorkerStatus::as_str).collect(),
            Subject::Frames => FRAME_STATUSES.to_vec(),
        }
    }

    /// What a bare word may name.
    pub(super) fn named_by(self) -> &'static [Field] {
        match self {
            Subject::Jobs => &[Field::Release, Field::Ref, Field::Name, Field::Id],
            Subject::Tasks => &[Field::Release, Field::Ref, Field::Job, Field::Name, Field::Id],
            Subject::Workers => &[Field::Name, Field::Id],
            Subject::Frames => &[Field::Release, Field::Ref, Field::Job],
        }
    }

    /// The names of all fields, as a message lists them.
    pub(super) fn field_names(self) -> Vec<&'static str> {
        let meta = if self.has_metadata() { Some("meta.KEY") } else { None };
        self.words().iter().map(|word| word.name).chain(meta).chain(["is"]).collect()
    }

    /// The field that was probably meant.
    pub(super) fn nearest_field(self, name: &str) -> Option<String> {
        nearest(name, self.field_names().into_iter())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Subject::Jobs => "job",
            Subject::Tasks => "task",
            Subject::Workers => "worker",
            Subject::Frames => "frame",
        })
    }
}

impl Field {
    /// Whether the list of rows does not have it: somebody has to ask for the tasks of each job.
    pub fn is_costly(&self) -> bool {
        matches!(self, Field::Worker | Field::Progress)
    }

    /// Its name in a query. The time since one has a name of its own.
    pub(super) fn name(&self) -> &str {
        match self {
            Field::Id => "id",
            Field::Name => "name",
            Field::Ref => "ref",
            Field::Release => "release",
            Field::Job => "job",
            Field::Status => "status",
            Field::Priority => "priority",
            Field::Type => "type",
            Field::Tag => "tag",
            Field::Worker => "worker",
            Field::Task => "task",
            Field::Progress => "progress",
            Field::Created => "created",
            Field::Updated => "updated",
            Field::Seen => "seen",
            Field::User => "user",
            Field::Path => "path",
            Field::Frames => "frames",
            Field::Version => "version",
            Field::Platform => "platform",
            Field::Foreign => "foreign",
            Field::Meta(_) => "meta",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_printed_under_a_name_that_is_read() {
        for subject in [Subject::Jobs, Subject::Tasks, Subject::Workers, Subject::Frames] {
            for word in
                subject.words().iter().filter(|word| !matches!(word.kind, Kind::Since | Kind::Older | Kind::Newer))
            {
                let read = subject.words().iter().find(|other| other.name == word.field.name());
                assert_eq!(read.map(|read| &read.field), Some(&word.field), "{subject} {}", word.name);
            }
        }
    }

    #[test]
    fn near_fields_are_known() {
        assert_eq!(Subject::Jobs.nearest_field("statsu").as_deref(), Some("status"));
        assert_eq!(Subject::Workers.nearest_field("zzzzzz"), None);
    }
}
