//! Carrying a harvest out, under the release's lock.
//!
//! Order: journal with everything that is to be moved; what is out of date to the trash; the moves; the folders on disk;
//! the manifest; journal done. Until the journal is there nothing counts; afterwards whoever comes next finishes it.

use super::carry::{Carried, Carrier, Knowledge};
use super::listing;
use super::plan::{FileVerdict, HarvestPlan, PlannedFile, PlannedJob, Transaction};
use super::recover;
use super::refusal::HarvestError;
use super::report::{HarvestReport, Outcome};
use super::request::HarvestRequest;
use super::survey;
use super::unfinished::JOURNAL_KIND;
use crate::base::counted::{agree, counted};
use crate::base::error::{Class, Failure, again_or_recover};
use crate::base::ids::TransactionId;
use crate::base::size::Bytes;
use crate::ops::change::Author;
use crate::ops::check::Remember;
use crate::ops::check::in_parallel::both;
use crate::ops::locking;
use crate::ops::ports::{Ports, Stage};
use crate::ops::undo;
use crate::sys::disk::{Dir, space};
use crate::volume::area::Area;
use crate::volume::journal::Journal;
use crate::volume::layout;
use crate::volume::lock::Lock;
use std::collections::HashSet;

/// Harvests the release. A saved plan is carried out as it is, or refused because the world moved.
///
/// The lock is handed back with the report, for what follows (previews) is done under it too.
pub fn harvest(
    ports: &Ports<'_>,
    request: &HarvestRequest,
    saved: Option<&HarvestPlan>,
) -> Result<(HarvestReport, Lock), Failure> {
    survey::require_release(ports, request).map_err(nothing_moved)?;
    let lock = locking::lock_home(ports, &request.release).map_err(nothing_moved)?;
    let finished = recover::finish_killed(ports, &lock, &request.release)?;
    // In the middle of a change of its jobs nobody can say what their frames are.
    let ended = undo::end_killed(ports, &lock).map_err(nothing_else_moved)?;
    let is_first = finished.is_empty() && ended == 0;
    let refused = |failure| if is_first { nothing_moved(failure) } else { nothing_else_moved(failure) };
    let plan = survey::survey(ports, request, Remember::Keep).map_err(refused)?;
    if let Some(saved) = saved {
        refuse_if_moved(saved, &plan).map_err(refused)?;
    }
    let mut report = HarvestReport::planned(plan);
    report.outcome = report.plan.outcome();
    if let Some(transaction) = report.plan.transaction(Author::of(ports.actor)) {
        check_space(ports, &transaction).map_err(refused)?;
        let (id, carried) = carry_out(ports, &lock, &transaction)?;
        report.transaction = Some(id);
        report.trashed = carried.trashed;
        if !carried.left.is_empty() {
            report.outcome = Outcome::Partial;
        }
        report.left = carried.left;
    }
    report.finished = finished;
    Ok((report, lock))
}

/// A failure before anything was begun ends with what was not done.
pub fn nothing_moved(failure: Failure) -> Failure {
    failure.but("nothing was moved")
}

/// The same after what had been killed was put in order.
fn nothing_else_moved(failure: Failure) -> Failure {
    failure.but("nothing was moved but what an interrupted command had left")
}

fn carry_out(ports: &Ports<'_>, lock: &Lock, transaction: &Transaction) -> Result<(TransactionId, Carried), Failure> {
    let files: usize = transaction.jobs.iter().map(|share| share.files.len()).sum();
    ports.progress.begin(Stage::Moves, files as u64);
    ports.volume.remember_mounts()?;
    let journal = Journal::begin(ports.volume, lock, JOURNAL_KIND, transaction)?;
    let carrier = Carrier { volume: ports.volume, lock, id: journal.id(), knowledge: Knowledge::Surveyed(ports) };
    let whole = || listing::text(ports.volume, transaction, &HashSet::new());
    let (carried, whole) = both(ports, || carrier.carry(transaction), whole);
    let carried = carried?;
    let listed = whole.and_then(|whole| listing::record(ports.volume, lock, transaction, &carried, Some(whole)));
    let id = listed.and_then(|()| Ok(journal.done(&carried.placed)?)).map_err(|end| unlisted(end, transaction))?;
    Ok((id, carried))
}

/// The frames lie where they belong, and nobody has been told.
fn unlisted(end: Failure, transaction: &Transaction) -> Failure {
    let words = format!("{}; the files are in dist/{}, but not in its list yet", end.message(), transaction.release);
    Failure::new(end.class(), words).with_hint(again_or_recover(end.hint(), "to finish the harvest"))
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
    Err(Failure::new(Class::Refused, format!("the frames need {need}, dist/ has {free} free"))
        .with_hint("Free some space there, or harvest some jobs at a time with --jobs."))
}

/// So many differences are named.
const NAMED: usize = 10;

fn refuse_if_moved(saved: &HarvestPlan, now: &HarvestPlan) -> Result<(), Failure> {
    if saved.is_same(now) || is_done(saved, now) {
        return Ok(());
    }
    let mut differences = Vec::new();
    if saved.volume != now.volume {
        differences.push(format!("it is for volume {}, this is {}", saved.volume, now.volume));
    }
    differences.extend(changed_files(saved, now));
    if !saved.has_same_problems(now) {
        let (now, saved) = (now.problems.len(), saved.problems.len());
        let verb = agree(now, "is", "are");
        differences.push(format!("{} {verb} not fine instead of {saved}", counted(now, "frame")));
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

/// Whether all that the saved plan says was done since: the same command can be given again until it is.
fn is_done(saved: &HarvestPlan, now: &HarvestPlan) -> bool {
    let place = |job: &PlannedJob, file: &PlannedFile| (job.reference.clone(), file.to.clone(), file.sha256);
    let files = |plan: &'_ HarvestPlan| -> HashSet<_> {
        plan.jobs.iter().flat_map(|job| job.files.iter().map(move |file| place(job, file))).collect()
    };
    saved.volume == now.volume && now.outcome() == Outcome::Verified && files(saved) == files(now)
}

/// Files that would be treated otherwise than the saved plan says.
fn changed_files(saved: &HarvestPlan, now: &HarvestPlan) -> Vec<String> {
    let files = |plan: &'_ HarvestPlan| -> std::collections::BTreeMap<String, String> {
        let dist = layout::dist_dir(&plan.request.release);
        let files = plan.jobs.iter().flat_map(|job| job.files.iter().map(move |file| (job, file)));
        let path =
            |(job, file): &(&PlannedJob, &PlannedFile)| format!("{}/{}", file.origin(&job.out, &dist), file.from);
        files.map(|file| (path(&file), format!("{:?}", file.1))).collect()
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

#[cfg(test)]
mod tests {
    use super::super::manifest::Manifest;
    use super::*;
    use crate::base::status::TaskStatus;
    use crate::ops::change;
    use crate::ops::check::room::{Room, message, picture};
    use crate::ops::harvest::plan::{Problem, ProblemState};
    use crate::ops::harvest::request::{Gaps, JobsTaken, Keeping, Suspects};
    use std::os::unix::fs::MetadataExt;

    fn request() -> HarvestRequest {
        HarvestRequest::of("r1".parse().expect("name"))
    }

    fn run(room: &Room, request: &HarvestRequest) -> Result<HarvestReport, Failure> {
        harvest(&room.ports(), request, None).map(|(report, _lock)| report)
    }

    fn frames(room: &Room) -> Vec<String> {
        room.names("dist/r1").into_iter().filter(|name| name != "manifest.json").collect()
    }

    #[test]
    fn frames_are_renamed_and_moved_and_a_second_run_verifies() {
        let room = Room::rendered(&[("A", "1-3"), ("still", "7")]);
        let before: Vec<Vec<u8>> = room.tree("releases/r1/out").into_values().collect();
        let report = run(&room, &request()).expect("harvest");
        assert_eq!(report.outcome, Outcome::Harvested);
        assert_eq!(frames(&room), ["A.0001.png", "A.0002.png", "A.0003.png", "still.png"]);
        assert!(room.tree("releases/r1/out").is_empty());
        let manifest = Manifest::load(&room.volume, room.release()).expect("manifest");
        let after: Vec<Vec<u8>> =
            manifest.files.iter().map(|file| room.read(&format!("dist/r1/{}", file.path)).expect("there")).collect();
        assert_eq!(after, before);
        assert!(
            manifest
                .files
                .iter()
                .zip(&after)
                .all(|(file, bytes)| file.sha256 == crate::base::digest::Digest::of(bytes))
        );
        let again = run(&room, &request()).expect("again");
        assert_eq!((again.outcome, again.transaction), (Outcome::Verified, None));
        assert_eq!(again.plan.frames().ok, 4);
    }

    #[test]
    fn any_damage_is_named_and_nothing_moves() {
        let whole = picture(8, "A", 2, 0);
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        let damages: Vec<Option<Vec<u8>>> =
            vec![None, Some(Vec::new()), Some(whole[..40].to_vec()), Some(flipped), Some(picture(9, "A", 2, 0))];
        for damage in damages {
            let room = Room::rendered(&[("A", "1-3"), ("B", "1")]);
            let path = "releases/r1/out/A/000002.png";
            room.lose(path);
            if let Some(bytes) = &damage {
                room.put(path, bytes);
            }
            let before = room.tree("releases");
            let report = run(&room, &request()).expect("report");
            assert_eq!(report.outcome, Outcome::Blocked, "{damage:?}");
            let [Problem { frame: 2, state, path, .. }] = &report.plan.problems[..] else {
                panic!("{:?}", report.plan.problems)
            };
            assert_eq!(path.as_str(), "releases/r1/out/A/000002.png");
            assert_eq!(*state, if damage.is_some() { ProblemState::Bad } else { ProblemState::Missing });
            assert_eq!(room.tree("releases"), before);
            assert!(room.names("dist").is_empty());
        }
    }

    #[test]
    fn what_is_no_file_is_a_bad_frame_and_is_not_opened() {
        let room = Room::rendered(&[("A", "1-3")]);
        let path = |frame: u32| room.path(&format!("releases/r1/out/A/{frame:06}.png"));
        (1..=3).for_each(|frame| room.lose(&format!("releases/r1/out/A/{frame:06}.png")));
        std::fs::create_dir(path(1)).expect("temp");
        std::os::unix::fs::symlink("/etc/passwd", path(2)).expect("temp");
        let pipe = rustix::fs::CWD;
        rustix::fs::mknodat(pipe, path(3), rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0)
            .expect("temp");
        let report = run(&room, &request()).expect("report");
        let causes: Vec<&str> = report.plan.problems.iter().map(|problem| problem.cause.as_str()).collect();
        assert_eq!(
            causes,
            ["it is a folder, not a file", "it is a symbolic link, not a file", "it is a named pipe, not a file"]
        );
    }

    #[test]
    fn a_harvested_frame_that_changed_is_found() {
        let room = Room::rendered(&[("A", "1-2")]);
        run(&room, &request()).expect("harvest");
        let mut bytes = room.read("dist/r1/A.0002.png").expect("there");
        bytes[60] ^= 1;
        room.put("dist/r1/A.0002.png", &bytes);
        let report = run(&room, &request()).expect("report");
        assert_eq!(report.outcome, Outcome::Blocked);
        assert_eq!(report.plan.problems[0].path.as_str(), "dist/r1/A.0002.png");
        assert!(report.plan.problems[0].cause.contains("SHA-256"));
        room.lose("dist/r1/A.0002.png");
        let report = run(&room, &request()).expect("report");
        assert_eq!(report.plan.problems[0].state, ProblemState::Missing);
        room.render("A", 2, 9);
        assert_eq!(run(&room, &request()).expect("harvest").outcome, Outcome::Harvested);
        assert_eq!(run(&room, &request()).expect("harvest").outcome, Outcome::Verified);
    }

    #[test]
    fn a_still_that_became_a_sequence_gets_the_name_of_a_frame() {
        let mut room = Room::rendered(&[("A", "1"), ("B", "1")]);
        assert_eq!(run(&room, &request()).expect("harvest").outcome, Outcome::Harvested);
        assert_eq!(frames(&room), ["A.png", "B.png"]);
        room.file.jobs[0].revisions[0].frames = "1-2".parse().expect("frames");
        room.save();
        room.render("A", 2, 0);
        let report = run(&room, &request()).expect("harvest");
        assert_eq!(report.outcome, Outcome::Harvested);
        assert_eq!(frames(&room), ["A.0001.png", "A.0002.png", "B.png"]);
        assert_eq!(room.read("dist/r1/A.0001.png"), Some(picture(8, "A", 1, 0)));
        let manifest = Manifest::load(&room.volume, room.release()).expect("manifest");
        let names: Vec<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(names, ["A.0001.png", "A.0002.png", "B.png"]);
        assert_eq!(run(&room, &request()).expect("again").outcome, Outcome::Verified);
    }

    #[test]
    fn a_name_that_somebody_took_stops_the_renaming_of_a_still() {
        let mut room = Room::rendered(&[("A", "1")]);
        run(&room, &request()).expect("harvest");
        room.file.jobs[0].revisions[0].frames = "1-2".parse().expect("frames");
        room.save();
        room.render("A", 2, 0);
        room.put("dist/r1/A.0001.png", b"somebody's");
        let refused = message(run(&room, &request()));
        assert!(refused.contains("A.0001.png is there already") && refused.ends_with("nothing was moved"), "{refused}");
        assert_eq!(frames(&room), ["A.0001.png", "A.png"]);
    }

    #[test]
    fn frames_of_a_deleted_job_that_were_just_written_are_left_until_they_settle() {
        let mut room = Room::rendered(&[("A", "1-2")]);
        room.add_run("1-2", TaskStatus::Completed);
        room.file.jobs[0].runs[0].manager_job = Some(room.manager.jobs.remove(0).id);
        room.save();
        let problems = run(&room, &request()).expect("report").plan.problems;
        assert!(problems.iter().all(|problem| problem.state == ProblemState::Rendering), "{problems:?}");
        assert_eq!(problems.len(), 2);
        for frame in 1..=2 {
            let path = room.path(&format!("releases/r1/out/A/{frame:06}.png"));
            let file = std::fs::File::options().write(true).open(path).expect("open");
            file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(60)).expect("time");
        }
        assert_eq!(run(&room, &request()).expect("harvest").outcome, Outcome::Harvested);
    }

    #[test]
    fn kept_frames_stay_and_later_go() {
        let room = Room::rendered(&[("A", "1-2")]);
        let keep = HarvestRequest { keeping: Keeping::Keep, ..request() };
        assert_eq!(run(&room, &keep).expect("harvest").outcome, Outcome::Harvested);
        assert_eq!(room.names("releases/r1/out/A").len(), 2);
        let inode = |path: &str| std::fs::metadata(room.path(path)).expect("stat").ino();
        assert_ne!(inode("dist/r1/A.0001.png"), inode("releases/r1/out/A/000001.png"), "nobody writes both at once");
        assert_eq!(run(&room, &keep).expect("again").outcome, Outcome::Verified);
        assert_eq!(run(&room, &request()).expect("move").outcome, Outcome::Harvested);
        assert!(room.names("releases/r1/out/A").is_empty());
        assert_eq!(frames(&room).len(), 2);
    }

    #[test]
    fn other_bytes_under_a_name_are_refused_and_the_same_are_adopted() {
        let room = Room::rendered(&[("A", "1-2")]);
        room.put("dist/r1/A.0002.png", b"somebody's");
        let before = room.tree("releases");
        let refused = message(run(&room, &request()));
        assert!(refused.contains("A.0002.png is there already") && refused.ends_with("nothing was moved"), "{refused}");
        assert_eq!(room.tree("releases"), before);
        assert_eq!(frames(&room), ["A.0002.png"]);
        room.put("dist/r1/A.0002.png", &picture(8, "A", 2, 0));
        assert_eq!(run(&room, &request()).expect("adopt").outcome, Outcome::Harvested);
        assert!(room.names("releases/r1/out").is_empty());
        assert_eq!(run(&room, &request()).expect("again").outcome, Outcome::Verified);
    }

    #[test]
    fn clashing_names_are_refused() {
        let room = Room::rendered(&[("A", "1-2"), ("B", "1-2")]);
        for template in ["x.{ext}", "{frame}.{ext}", "manifest.json", "preview/{job}{frame}.{ext}"] {
            let request = HarvestRequest { template: Some(template.parse().expect("template")), ..request() };
            let refused = message(run(&room, &request));
            assert!(refused.contains("nothing was moved"), "{template}: {refused}");
            assert!(frames(&room).is_empty());
        }
        let request =
            HarvestRequest { template: Some("{job}/f{frame:02}.{ext}".parse().expect("template")), ..request() };
        run(&room, &request).expect("folders are fine");
        assert_eq!(frames(&room), ["A/f01.png", "A/f02.png", "B/f01.png", "B/f02.png"]);
    }

    #[test]
    fn frames_of_another_scene_make_room() {
        let mut room = Room::rendered(&[("A", "1-2")]);
        run(&room, &request()).expect("harvest");
        let old = room.read("dist/r1/A.0001.png").expect("there");
        room.render("A", 1, 5);
        assert!(message(run(&room, &request())).contains("nothing was moved"), "the manifest does not mark it stale");
        room.file.jobs[0].revisions[0].store.digest = crate::base::digest::Digest::of(b"another scene");
        room.save();
        room.render("A", 2, 5);
        let report = run(&room, &request()).expect("harvest");
        assert_eq!(report.outcome, Outcome::Harvested);
        assert_eq!(report.trashed.len(), 2);
        assert_eq!(room.read("dist/r1/A.0001.png"), Some(picture(8, "A", 1, 5)));
        assert!(room.tree(".farm/trash").values().any(|bytes| *bytes == old));
        assert_eq!(run(&room, &request()).expect("again").outcome, Outcome::Verified);
    }

    #[test]
    fn part_of_a_release_is_harvested_on_request() {
        let room = Room::rendered(&[("A", "1-3"), ("B", "1-2"), ("C", "1")]);
        room.lose("releases/r1/out/A/000002.png");
        let completed = HarvestRequest { taken: JobsTaken::Completed, ..request() };
        let report = run(&room, &completed).expect("harvest");
        assert_eq!(report.outcome, Outcome::Harvested);
        assert_eq!(frames(&room), ["B.0001.png", "B.0002.png", "C.png"]);
        let partial = HarvestRequest { gaps: Gaps::Allow, jobs: vec!["A*".into()], ..request() };
        let report = run(&room, &partial).expect("harvest");
        assert_eq!((report.outcome, report.plan.problems.len()), (Outcome::Partial, 1));
        assert_eq!(frames(&room).len(), 5);
        room.render("A", 2, 0);
        assert_eq!(run(&room, &request()).expect("the rest").outcome, Outcome::Harvested);
        assert!(message(run(&room, &HarvestRequest { jobs: vec!["nosuch".into()], ..request() })).contains("no job"));
    }

    #[test]
    fn what_a_worker_may_still_write_is_not_read() {
        let mut room = Room::rendered(&[("A", "1-3")]);
        room.put("releases/r1/out/A/000003.png", b"half a fra");
        room.add_run("3", TaskStatus::Active);
        let report = run(&room, &request()).expect("report");
        assert_eq!(report.outcome, Outcome::Blocked);
        assert_eq!(report.plan.problems[0].state, ProblemState::Rendering);
        let report = run(&room, &HarvestRequest { gaps: Gaps::Allow, ..request() }).expect("harvest");
        assert_eq!(report.outcome, Outcome::Partial);
        assert_eq!(frames(&room), ["A.0001.png", "A.0002.png"]);
        assert!(
            message(run(&room, &HarvestRequest { taken: JobsTaken::Completed, ..request() })).contains("complete yet")
        );
    }

    #[test]
    fn suspect_frames_need_leave() {
        let mut room = Room::rendered(&[("A", "1-2")]);
        let task = room.add_run("1-2", TaskStatus::Completed);
        let log = "Fra:1 Mem:1M\nSaved: '/o/000001.png'\nError in PyDriver: expression failed\nFra:2 Mem:1M\nSaved: '/o/000002.png'\n";
        room.manager.logs.insert(task, log.into());
        let report = run(&room, &request()).expect("report");
        assert_eq!((report.outcome, report.plan.problems.len()), (Outcome::Blocked, 1));
        let Problem { frame: 2, state: ProblemState::Suspect, cause, .. } = &report.plan.problems[0] else { panic!() };
        assert!(cause.contains("Error in PyDriver"), "{cause}");
        let report = run(&room, &HarvestRequest { suspects: Suspects::Allow, ..request() }).expect("harvest");
        assert_eq!(report.outcome, Outcome::Harvested);
        let manifest = Manifest::load(&room.volume, room.release()).expect("manifest");
        assert_eq!(manifest.files.iter().map(|file| file.suspect).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn a_saved_plan_is_carried_out_or_refused() {
        let room = Room::rendered(&[("A", "1-2")]);
        let plan = survey::survey(&room.ports(), &request(), Remember::Nothing).expect("plan");
        let text = serde_json::to_string(&plan).expect("json");
        let plan: HarvestPlan = serde_json::from_str(&text).expect("the same type");
        room.render("A", 2, 7);
        let before = room.tree("releases");
        let refused = message(harvest(&room.ports(), &request(), Some(&plan)));
        assert!(refused.contains("releases/r1/out/A/000002.png changed"), "{refused}");
        assert_eq!(room.tree("releases"), before);
        let plan = survey::survey(&room.ports(), &request(), Remember::Nothing).expect("plan");
        let (report, _lock) = harvest(&room.ports(), &request(), Some(&plan)).expect("harvest");
        assert_eq!(report.outcome, Outcome::Harvested);
    }

    /// The killed harvest is finished; the retry after it cannot be understood.
    #[test]
    fn that_nothing_was_moved_is_not_said_where_something_was() {
        let room = Room::rendered(&[("A", "1-2")]);
        let ports = room.ports();
        let plan = survey::survey(&ports, &request(), Remember::Nothing).expect("plan");
        let transaction = plan.transaction(Author::of(ports.actor)).expect("something to do");
        let lock = locking::lock_home(&ports, room.release()).expect("free");
        drop(Journal::begin(&room.volume, &lock, JOURNAL_KIND, &transaction).expect("begin"));
        drop(Journal::begin(&room.volume, &lock, change::RETRY, &"unheard of").expect("begin"));
        drop(lock);
        let refused = message(run(&room, &request()));
        assert!(refused.ends_with("nothing was moved but what an interrupted command had left"), "{refused}");
        assert_eq!(frames(&room), ["A.0001.png", "A.0002.png"]);
    }

    #[test]
    fn a_survey_changes_nothing() {
        let mut room = Room::rendered(&[("A", "1-2")]);
        let task = room.add_run("1-2", TaskStatus::Completed);
        room.manager.logs.insert(task, "Fra:1\n".into());
        let before = room.tree("");
        survey::survey(&room.ports(), &request(), Remember::Nothing).expect("plan");
        assert_eq!(room.tree(""), before);
    }
}
