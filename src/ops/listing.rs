//! Listing the jobs that a query selects.

use crate::base::counted::{agree, counted};
use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::name::{Home, JobRef};
use crate::base::nearest::nearest;
use crate::ops::check::{Effort, FrameCounts};
use crate::ops::ports::Ports;
use crate::ops::select::{Facts, JobRow, Key, Reach, select};
use crate::ops::status::interrupted::{Interruption, Interruptions};
use crate::ops::status::survey::survey_of;
use crate::ops::status::{JobState, StatusReport, resolve};
use crate::query::{Named, Query, Subject};
use crate::volume::release_file::ReleaseFile;
use serde::Serialize;
use std::collections::{HashMap, HashSet};

/// The jobs that match.
#[derive(Debug, Default)]
pub struct Listing {
    /// Those of the volume first, in the order in which they were planned, then the others by age.
    pub jobs: Vec<ListedJob>,
    /// Releases that cannot be read, one line each.
    pub unreadable: Vec<String>,
}

/// A job that matches.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum ListedJob {
    /// One that the volume has a record of.
    Recorded(Box<Listed<JobState>>),
    /// Another one that the Manager has: what nobody knows of it is `null` or empty.
    Other(Box<Listed<Unrecorded>>),
}

/// How a job stands of which the Manager alone tells.
pub type Unrecorded = JobState<Option<String>, Option<String>, Option<FrameCounts>>;

/// A job as `farm status` tells it, and whose it is.
#[derive(Debug, Serialize)]
pub struct Listed<State> {
    /// What `farm status` says of it.
    #[serde(flatten)]
    pub state: State,
    /// Its own name.
    pub name: String,
    /// Who submitted it.
    pub user: Option<String>,
    /// Whether farm did not make it.
    pub foreign: bool,
}

/// The jobs that match; nothing matched is an error, but for an empty query.
pub fn list(ports: &Ports<'_>, query: &Query, effort: Effort) -> Result<Listing, Failure> {
    let facts = Facts::gather(ports, &Reach::Everything, query)?;
    let rows = select(ports, &facts, query)?;
    if rows.is_empty() && !query.is_empty() {
        return Err(nothing_matches(ports, &Reach::Everything, query, &facts.unreadable)?);
    }
    let mut states: HashMap<String, JobState> = HashMap::new();
    let mut unreadable = facts.unreadable.clone();
    if rows.iter().any(|row| matches!(row.key(), Key::Job(_))) {
        let report = report(ports, &facts, query, &rows, effort)?;
        states.extend(report.jobs.into_iter().map(|state| (state.reference.to_string(), state)));
        unreadable.extend(report.unreadable);
    }
    let listed = |row: &JobRow<'_>| match row.reference().and_then(|reference| states.remove(&reference)) {
        Some(state) => ListedJob::Recorded(Box::new(Listed::of(row, state))),
        None => ListedJob::Other(Box::new(Listed::of(row, of_other(row)))),
    };
    Ok(Listing { jobs: rows.iter().map(listed).collect(), unreadable })
}

/// The volume's own jobs that match, and a line for each release that could not be looked into; nothing matched is an error.
pub fn recorded(ports: &Ports<'_>, reach: &Reach, query: &Query) -> Result<(Vec<JobRef>, Vec<String>), Failure> {
    let facts = Facts::gather(ports, reach, query)?;
    let rows = select(ports, &facts, query)?;
    let jobs: Vec<JobRef> =
        rows.iter().filter_map(|row| if let Key::Job(job) = row.key() { Some(job) } else { None }).collect();
    match jobs.is_empty() {
        true => Err(none_recorded(ports, reach, query, (rows.len(), &facts.unreadable))?),
        false => Ok((jobs, facts.unreadable)),
    }
}

/// What `farm status` says of the volume's jobs that match; an empty query means all that there is on the volume.
pub fn status_of(ports: &Ports<'_>, query: &Query, effort: Effort) -> Result<StatusReport, Failure> {
    let facts = Facts::gather(ports, &Reach::Everything, query)?;
    let mut rows = select(ports, &facts, query)?;
    let matched = rows.len();
    rows.retain(|row| matches!(row.key(), Key::Job(_)));
    if rows.is_empty() && !query.is_empty() {
        return Err(none_recorded(ports, &Reach::Everything, query, (matched, &facts.unreadable))?);
    }
    let mut report = report(ports, &facts, query, &rows, effort)?;
    report.unreadable.splice(0..0, facts.unreadable.iter().cloned());
    let begun = Interruptions::of(ports.volume)?;
    let is_shown =
        |one: &Interruption| query.is_empty() || report.releases.iter().any(|release| release.name == one.release);
    report.interrupted = begun.found.into_iter().filter(is_shown).collect();
    report.unreadable.extend(if query.is_empty() { begun.unreadable } else { Vec::new() });
    Ok(report)
}

/// What is known of the jobs of these rows; without a query, of releases without a job too. Where none of the releases that
/// are asked for can be looked at, the first failure is the answer.
fn report(
    ports: &Ports<'_>,
    facts: &Facts,
    query: &Query,
    rows: &[JobRow<'_>],
    effort: Effort,
) -> Result<StatusReport, Failure> {
    let wanted: HashSet<Key> = rows.iter().map(JobRow::key).collect();
    let is_wanted = |reference: &JobRef| wanted.contains(&Key::Job(reference.clone()));
    let homes: HashSet<&Home> = wanted.iter().filter_map(Key::home).collect();
    let is_asked_for = |file: &&ReleaseFile| query.is_empty() || homes.contains(&file.name);
    let files: Vec<&ReleaseFile> = facts.files.iter().filter(is_asked_for).collect();
    match survey_of(ports, &facts.jobs, &files, is_wanted, effort)? {
        (report, Some(failure)) if report.releases.is_empty() && !query.is_empty() => Err(failure),
        (report, _) => Ok(report),
    }
}

/// What to say where none of the volume's jobs matches, and so many others do.
fn none_recorded(
    ports: &Ports<'_>,
    reach: &Reach,
    query: &Query,
    (others, unreadable): (usize, &[String]),
) -> Result<Failure, Failure> {
    let them = agree(others, "it", "them");
    match others {
        0 => nothing_matches(ports, reach, query, unreadable),
        _ => Ok(hindrance(ports, query)?.unwrap_or_else(|| {
            let (jobs, matches) = (counted(others, "job"), agree(others, "matches", "match"));
            let words = format!("{jobs} {matches} {:?}, and the volume has no record of {them}", query.to_string());
            let hint = format!("`farm jobs` lists {them}: other people made {them}, or another volume's farm.");
            Failure::new(Class::NoMatch, words).with_hint(hint)
        })),
    }
}

/// What a name of the query means that nobody has come to yet.
fn hindrance(ports: &Ports<'_>, query: &Query) -> Result<Option<Failure>, Failure> {
    for name in query.names() {
        if let Some(failure) = resolve::hindrance(ports.volume, name)? {
            return Ok(Some(failure));
        }
    }
    Ok(None)
}

/// What to say where no job matches, and so many releases could not be looked into.
pub fn nothing_matches(
    ports: &Ports<'_>,
    reach: &Reach,
    query: &Query,
    unreadable: &[String],
) -> Result<Failure, Failure> {
    if let Some(failure) = hindrance(ports, query)? {
        return Ok(failure);
    }
    // Only a name may be a slip of the pen; otherwise nobody needs to see the whole list.
    let near = if query.names().is_empty() { None } else { near_name(ports, reach, query)? };
    let near = near.map(|near| format!("Did you mean {near:?}? ")).unwrap_or_default();
    let unreadable = match unreadable.len() {
        0 => String::new(),
        count => format!(" {} cannot be read: `farm doctor` names them.", counted(count, "release")),
    };
    let words = match query.is_empty() {
        true => "there is no job".to_owned(),
        false => format!("no job matches {:?}", query.to_string()),
    };
    let side_by_side = match query.names_side_by_side() {
        names if names.is_empty() => String::new(),
        names => format!(" Words side by side are all of one job; {:?} is any of these.", names.join(",")),
    };
    let hint = format!("{near}`farm jobs` lists everything.{side_by_side}{unreadable}");
    Ok(Failure::new(Class::NoMatch, words).with_hint(hint))
}

/// The name that is most like one of the query's.
fn near_name(ports: &Ports<'_>, reach: &Reach, query: &Query) -> Result<Option<String>, Failure> {
    let everything = Query::parse(Subject::Jobs, "", &Named::default())?;
    let facts = Facts::gather(ports, reach, &everything)?;
    let rows = facts.rows(ports.manager);
    let mut names: Vec<String> = rows.iter().flat_map(|row| [row.words(), row.name().to_owned()]).collect();
    names.extend(facts.files.iter().map(|file| file.name.to_string()));
    let like = |word: &str| nearest(word, names.iter().map(String::as_str).filter(|name| *name != word));
    Ok(query.names().into_iter().find_map(like))
}

impl<State> Listed<State> {
    fn of(row: &JobRow<'_>, state: State) -> Self {
        Listed { state, name: row.name().to_owned(), user: row.user().map(str::to_owned), foreign: row.is_foreign() }
    }
}

/// What the Manager tells of a job.
fn of_other(row: &JobRow<'_>) -> Unrecorded {
    let reference = row.reference();
    JobState {
        id: row.id().cloned(),
        release: reference.as_ref().and_then(|full| full.split_once('/')).map(|(release, _)| release.to_owned()),
        reference,
        status: row.status.clone(),
        elsewhere: None,
        frames: None,
        harvested: 0,
        missing: FrameSet::default(),
        rendering: FrameSet::default(),
        outdated: FrameSet::default(),
        priority: row.found.map_or(0, |job| job.priority),
        run: row.found.and_then(|job| job.run_id()),
        runs: 0,
        eta_seconds: None,
        seconds_per_frame: None,
        updated: row.found.map(|job| job.updated),
        failures: Vec::new(),
        stale_inputs: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::JobId;
    use crate::base::status::TaskStatus;
    use crate::manager::ManagerJob;
    use crate::ops::check::room::Room;

    #[test]
    fn every_job_has_the_same_keys() {
        let mut room = Room::new(&[("A", "1-3")]);
        room.add_run("1-3", TaskStatus::Active);
        let foreign = ManagerJob {
            id: JobId("strange".into()),
            name: "cube".into(),
            metadata: Default::default(),
            ..room.manager.jobs[0].clone()
        };
        room.manager.jobs.push(foreign);
        let query = |text| Query::parse(Subject::Jobs, text, &Default::default()).expect("a query");
        let listing = list(&room.ports(), &query(""), Effort::Trust).expect("lists");
        let documents: Vec<serde_json::Value> =
            listing.jobs.iter().map(|job| serde_json::to_value(job).expect("JSON")).collect();
        let keys = |document: &serde_json::Value| {
            let mut keys: Vec<String> = document.as_object().expect("an object").keys().cloned().collect();
            keys.sort();
            keys
        };
        assert_eq!(keys(&documents[0]), keys(&documents[1]));
        assert_eq!((&documents[0]["ref"], &documents[1]["name"]), (&"r1/A".into(), &"cube".into()));
        assert_eq!((&documents[0]["foreign"], &documents[1]["foreign"]), (&false.into(), &true.into()));
        let failure = list(&room.ports(), &query("cub"), Effort::Trust).expect_err("nothing");
        assert_eq!(failure.class(), Class::NoMatch);
        assert!(failure.hint().is_some_and(|hint| hint.contains("\"cube\"")), "{failure}");
        let status = status_of(&room.ports(), &query("status:active"), Effort::Trust).expect("status");
        assert_eq!((status.jobs.len(), status.releases.len()), (1, 1));
        for failure in [
            status_of(&room.ports(), &query("is:foreign"), Effort::Trust).expect_err("farm's own alone"),
            recorded(&room.ports(), &Reach::Everything, &query("cube")).expect_err("farm's own alone"),
        ] {
            assert_eq!(failure.class(), Class::NoMatch);
            assert!(
                failure.message().contains("1 job matches") && failure.message().contains("no record"),
                "{failure}"
            );
        }
    }
}
