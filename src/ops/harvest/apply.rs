//! Carrying a harvest out, under the release's lock.
//!
//! Order: journal with everything that is to be moved; what is out of date to the trash; the moves; the folders on disk;
//! the manifest; journal done. Until the journal is there nothing counts; afterwards whoever comes next finishes it.

use super::carry::{Carried, Carrier, Knowledge};
use super::manifest::Manifest;
use super::plan::{FileVerdict, HarvestPlan, Transaction};
use super::recover;
use super::refusal::HarvestError;
use super::report::{HarvestReport, Outcome};
use super::request::HarvestRequest;
use super::survey;
use super::unfinished::JOURNAL_KIND;
use crate::base::error::{Class, Failure};
use crate::base::ids::TransactionId;
use crate::base::size::Bytes;
use crate::ops::check::Remember;
use crate::ops::locking;
use crate::ops::ports::{Ports, Stage};
use crate::sys::disk::{Dir, space};
use crate::volume::area::Area;
use crate::volume::journal::Journal;
use crate::volume::layout;
use crate::volume::lock::Lock;

/// Harvests the release. A saved plan is carried out as it is, or refused because the world moved.
///
/// The lock is handed back with the report, for what follows (previews) is done under it too.
pub fn harvest(
    ports: &Ports<'_>,
    request: &HarvestRequest,
    saved: Option<&HarvestPlan>,
) -> Result<(HarvestReport, Lock), Failure> {
    survey::require_release(ports, request)?;
    let lock = locking::lock_release(ports, &request.release)?;
    let finished = recover::finish_killed(ports, &lock, &request.release)?;
    let plan = survey::survey(ports, request, Remember::Keep)?;
    if let Some(saved) = saved {
        refuse_if_moved(saved, &plan)?;
    }
    let mut report = HarvestReport::planned(plan);
    report.outcome = report.plan.outcome();
    report.finished = finished;
    if let Some(transaction) = report.plan.transaction() {
        check_space(ports, &transaction)?;
        let (id, carried) = carry_out(ports, &lock, &transaction)?;
        report.transaction = Some(id);
        report.trashed = carried.trashed;
        if !carried.left.is_empty() {
            report.outcome = Outcome::Partial;
        }
        report.left = carried.left;
    }
    Ok((report, lock))
}

fn carry_out(ports: &Ports<'_>, lock: &Lock, transaction: &Transaction) -> Result<(TransactionId, Carried), Failure> {
    let files: usize = transaction.jobs.iter().map(|share| share.files.len()).sum();
    ports.progress.begin(Stage::Moves, files as u64);
    let journal = Journal::begin(ports.volume, lock, JOURNAL_KIND, transaction)?;
    let carrier = Carrier { ports, lock, id: journal.id(), knowledge: Knowledge::Surveyed };
    let carried = carrier.carry(transaction)?;
    record(ports, transaction, &carried)?;
    let id = journal.done(&carried.placed.len())?;
    Ok((id, carried))
}

/// Writes the manifest: what was placed is in it, what went to the trash is not.
pub(super) fn record(ports: &Ports<'_>, transaction: &Transaction, carried: &Carried) -> Result<(), Failure> {
    let mut manifest = Manifest::load(ports.volume, &transaction.release)?;
    let gone: Vec<_> = transaction.replaced.iter().map(|old| &old.path).collect();
    manifest.files.retain(|file| !gone.contains(&&file.path));
    manifest.replace_all(carried.placed.clone());
    let dist = ports.volume.make_dir(&layout::dist_dir(&transaction.release))?;
    manifest.save(&dist)
}

/// Where `dist/` is another device, the files must fit there.
fn check_space(ports: &Ports<'_>, transaction: &Transaction) -> Result<(), Failure> {
    let device = |dir: &Dir| dir.attributes().map(|attributes| attributes.dev);
    let dist = ports.volume.make_dir(&Area::Dist.folder())?;
    if device(&dist)? == device(ports.volume.root())? {
        return Ok(());
    }
    let moving =
        transaction.jobs.iter().flat_map(|share| &share.files).filter(|file| file.verdict != FileVerdict::Finish);
    let need: u64 = moving.map(|file| file.size).sum();
    let free = space::space(&dist)?.free;
    if need <= free {
        return Ok(());
    }
    let (need, free) = (Bytes(need), Bytes(free));
    Err(Failure::new(Class::Refused, format!("the frames need {need}, dist/ has {free} free; nothing was moved"))
        .with_hint("Free some space there, or harvest some jobs at a time with --jobs."))
}

/// So many differences are named.
const NAMED: usize = 10;

fn refuse_if_moved(saved: &HarvestPlan, now: &HarvestPlan) -> Result<(), Failure> {
    if saved == now {
        return Ok(());
    }
    let mut differences = Vec::new();
    if saved.volume != now.volume {
        differences.push(format!("it is for volume {}, this is {}", saved.volume, now.volume));
    }
    differences.extend(changed_files(saved, now));
    if saved.problems != now.problems {
        differences.push(format!("{} frames are not fine instead of {}", now.problems.len(), saved.problems.len()));
    }
    if differences.is_empty() {
        differences.push("jobs or their inputs changed".to_owned());
    }
    if differences.len() > NAMED {
        let more = differences.len() - NAMED;
        differences.truncate(NAMED);
        differences.push(format!("and {more} more"));
    }
    Err(HarvestError::Moved { differences }.into())
}

/// Files that would be treated otherwise than the saved plan says.
fn changed_files(saved: &HarvestPlan, now: &HarvestPlan) -> Vec<String> {
    let files = |plan: &'_ HarvestPlan| -> std::collections::BTreeMap<String, String> {
        let rows = plan
            .jobs
            .iter()
            .flat_map(|job| job.files.iter().map(|file| (format!("{}/{}", job.out, file.from), format!("{file:?}"))));
        rows.collect()
    };
    let (old, new) = (files(saved), files(now));
    let changed =
        new.iter().filter(|(path, row)| old.get(*path) != Some(row)).map(|(path, _)| match old.contains_key(path) {
            true => format!("{path} changed"),
            false => format!("{path} is new"),
        });
    let gone = old.keys().filter(|path| !new.contains_key(*path)).map(|path| format!("{path} is not taken any more"));
    changed.chain(gone).collect()
}
