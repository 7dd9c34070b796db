use super::decide::{Circumstances, decide};
use super::*;
use crate::base::error::Class;
use crate::base::status::{JobStatus, TaskStatus};
use crate::manager::ManagerJob;
use crate::ops::check::room::Room;
use crate::ops::select::Facts;
use crate::query::Subject;

fn request(verb: Verb, text: &str) -> SteerRequest {
    let query = Query::parse(Subject::Jobs, text, &Default::default()).expect("a query");
    SteerRequest { verb, reach: Reach::Everything, query, guard: Guard::default(), reason: None }
}

/// `r1/A` with a job of this status on the Manager.
fn room(status: &str) -> Room {
    let mut room = Room::new(&[("A", "1-3")]);
    room.add_run("1-3", TaskStatus::Canceled);
    room.manager.jobs[0].status = JobStatus::from(status.to_owned());
    room
}

const KILL: Verb = Verb::Kill(Afterwards::Nothing);
const DELETE: Verb = Verb::Kill(Afterwards::Gone);

#[test]
fn each_status_gets_its_verdict() {
    use Verdict::{AlreadyEnded, AlreadySo, Cancel, Change, Delete, Pause, Unfit, Unpause};
    // Columns: the status, kill, kill --delete, pause, unpause, priority.
    let table = [
        ("active", [Cancel, Cancel, Pause, AlreadySo, Change]),
        ("queued", [Cancel, Cancel, Pause, AlreadySo, Change]),
        ("paused", [Cancel, Cancel, AlreadySo, Unpause, Change]),
        ("pause-requested", [Cancel, Cancel, AlreadySo, Unpause, Change]),
        ("requeueing", [Cancel, Cancel, Pause, Unfit, Change]),
        ("cancel-requested", [Cancel, Cancel, Unfit, Unfit, Change]),
        ("under-construction", [Cancel, Cancel, Unfit, Unfit, Change]),
        ("something-new", [Cancel, Cancel, Unfit, Unfit, Change]),
        ("completed", [AlreadyEnded, Delete, AlreadyEnded, AlreadyEnded, AlreadyEnded]),
        ("failed", [AlreadyEnded, Delete, AlreadyEnded, AlreadyEnded, AlreadyEnded]),
        ("canceled", [AlreadyEnded, Delete, AlreadyEnded, AlreadyEnded, AlreadyEnded]),
    ];
    for (status, verdicts) in table {
        let room = room(status);
        for (verb, verdict) in [KILL, DELETE, Verb::Pause, Verb::Unpause, Verb::Priority(70)].into_iter().zip(verdicts)
        {
            let plan = survey(&room.ports(), &request(verb, "r1/A")).expect("a plan");
            assert_eq!(plan.jobs[0].verdict, verdict, "{status} {verb:?}");
            assert!(plan.jobs[0].reason.contains(status) || verdict == Change, "{:?}", plan.jobs[0]);
            assert_eq!(plan.jobs[0].told.iter().any(|told| told.is_told), verdict.acts() && verdict != Delete);
        }
        let plan = survey(&room.ports(), &request(Verb::Priority(50), "r1/A")).expect("a plan");
        assert!(!plan.jobs[0].verdict.acts(), "it has it");
    }
}

#[test]
fn what_no_manager_has_is_taken_back_or_left() {
    let verdict = |room: &Room, verb| survey(&room.ports(), &request(verb, "r1/A")).expect("a plan").jobs.remove(0);
    let mut room = room("queued");
    room.manager.jobs.clear();
    let pending = verdict(&room, KILL);
    assert_eq!((pending.verdict, &pending.withdrawn), (Verdict::Withdraw, &vec![room.file.jobs[0].runs[0].id]));
    assert_eq!(verdict(&room, Verb::Pause).verdict, Verdict::NotSubmitted);
    room.file.jobs[0].runs[0].withdrawn = true;
    room.save();
    assert_eq!(verdict(&room, KILL).verdict, Verdict::AlreadyEnded);
    (room.file.jobs[0].runs[0].withdrawn, room.file.jobs[0].runs[0].manager_job) = (false, Some(JobId("x".into())));
    room.save();
    assert_eq!(verdict(&room, KILL).reason, "the Manager does not know it any more");
    room.file.jobs[0].runs[0].manager = "http://ann:secret@studio:8080".into();
    room.save();
    let elsewhere = verdict(&room, KILL);
    assert_eq!(elsewhere.verdict, Verdict::Elsewhere);
    assert!(elsewhere.reason.contains("studio") && !elsewhere.reason.contains("secret"), "{elsewhere:?}");
}

#[test]
fn a_job_that_is_only_called_canceled_is_ended() {
    let mut room = room("canceled");
    room.manager.tasks.values_mut().flatten().for_each(|task| task.status = TaskStatus::Active);
    let of = |text| survey(&room.ports(), &request(KILL, text)).expect("a plan").jobs.remove(0);
    for text in ["r1/A", "ref=r1/A", "status:canceled", ""] {
        assert_eq!(of(text).verdict, Verdict::Cancel, "{text}");
    }
    assert!(of("A").reason.contains("render-1-3 is still active"));
}

/// `queued`, set by hand, wakes no paused task.
#[test]
fn a_job_that_is_only_called_queued_is_unpaused() {
    let mut room = room("queued");
    room.manager.tasks.values_mut().flatten().for_each(|task| task.status = TaskStatus::Paused);
    let plan = survey(&room.ports(), &request(Verb::Unpause, "ref=r1/A")).expect("a plan");
    assert_eq!((plan.jobs[0].verdict, plan.jobs[0].told[0].is_told), (Verdict::Unpause, true));
    assert!(plan.jobs[0].reason.contains("render-1-3 is paused"), "{:?}", plan.jobs[0]);
}

/// Earlier runs that go on, and a run that is there twice.
#[test]
fn every_job_of_a_jobs_runs_is_told() {
    let mut room = room("active");
    room.add_run("1-3", TaskStatus::Queued);
    let twin = ManagerJob { id: JobId("twin".into()), ..room.manager.jobs[1].clone() };
    room.manager.jobs.push(twin);
    let plan = survey(&room.ports(), &request(KILL, "r1/A")).expect("a plan");
    let mut told: Vec<&str> =
        plan.jobs[0].told.iter().filter(|told| told.is_told).map(|told| told.id.0.as_str()).collect();
    told.sort_unstable();
    assert_eq!(told, ["job-1", "job-2", "twin"]);
}

#[test]
fn foreign_jobs_are_left_until_their_number_is_said() {
    let mut room = room("active");
    let foreign = |id: &str, status| ManagerJob {
        id: JobId(id.into()),
        metadata: Default::default(),
        status,
        ..room.manager.jobs[0].clone()
    };
    let more = [foreign("f1", JobStatus::Queued), foreign("f2", JobStatus::Active), foreign("f3", JobStatus::Failed)];
    room.manager.jobs.extend(more);
    let mut asked = request(KILL, "");
    let check = |asked: &SteerRequest| {
        let plan = survey(&room.ports(), asked).expect("a plan");
        let counts =
            (plan.of_standing(Standing::Own), plan.of_standing(Standing::Foreign), plan.of_verdict(Verdict::Foreign));
        (counts, guard::check(&asked.guard, asked.verb, &plan).map_err(|failure| (failure.class(), failure.message())))
    };
    let (counts, refusal) = check(&asked);
    assert_eq!(counts, (1, 0, 2), "the one that has ended is none to ask about");
    assert!(
        refusal.is_err_and(|(class, words)| class == Class::Refused
            && words.starts_with("of the jobs that would be killed, 2 were not"))
    );
    asked.guard.foreign = Some(3);
    assert!(check(&asked).1.is_err_and(|(_, words)| words.contains("says 3") && words.ends_with("nothing was killed")));
    asked.guard.foreign = Some(2);
    assert_eq!(check(&asked), ((1, 2, 0), Ok(())));
    for (expect, most, is_fine) in
        [(Some(4), None, true), (Some(3), None, false), (None, Some(3), true), (None, Some(2), false)]
    {
        asked.guard = Guard { expect, most, foreign: Some(2) };
        assert_eq!(check(&asked).1.is_ok(), is_fine, "{expect:?} {most:?}");
    }
}

#[test]
fn whose_a_job_is_is_told_apart() {
    let mut room = room("active");
    let model = room.manager.jobs[0].clone();
    let with = |id: &str, pairs: &[(&str, &str)]| ManagerJob {
        id: JobId(id.into()),
        metadata: pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        ..model.clone()
    };
    room.manager.jobs[0].metadata.insert("farm.user".into(), "bob".into());
    room.manager.jobs.push(with("other", &[("farm.id", &RunId::random().to_string()), ("farm.user", "ann")]));
    // Who writes a user's name into a job of another kind does not make it that user's.
    room.manager.jobs.push(with("foreign", &[("farm.user", "ann")]));
    let plan = survey(&room.ports(), &request(KILL, "")).expect("a plan");
    let standings: Vec<Standing> = plan.jobs.iter().map(|job| job.standing).collect();
    assert_eq!(standings, [Standing::OfOther, Standing::Foreign, Standing::Unrecorded]);
    let verdicts: Vec<Verdict> = plan.jobs.iter().map(|job| job.verdict).collect();
    assert_eq!(verdicts, [Verdict::Cancel, Verdict::Foreign, Verdict::Foreign]);
    let refusal = guard::check(&Guard::default(), KILL, &plan).expect_err("two are strangers").message();
    assert!(refusal.contains("1 was not made by farm and 1 is not known to this volume"), "{refusal}");
    assert!(!plan.is_one_of_ones_own());
}

#[test]
fn a_decision_about_a_foreign_job_is_its_own_once_it_is_meant() {
    let mut room = room("active");
    room.manager.jobs[0].metadata.clear();
    let facts = Facts::gather(&room.ports(), &Reach::Everything, &request(KILL, "").query).expect("facts");
    let rows = facts.rows(&room.manager);
    let row = rows.iter().find(|row| row.is_foreign()).expect("it is there");
    let known = Circumstances { manager: "told", strangers_too: false, odd_task: None };
    assert_eq!(decide(KILL, row, known).verdict, Verdict::Foreign);
    assert_eq!(decide(KILL, row, Circumstances { strangers_too: true, ..known }).verdict, Verdict::Cancel);
}

#[test]
fn one_that_could_not_be_ended_is_not_waited_for() {
    let room = room("active");
    let plan = survey(&room.ports(), &request(KILL, "r1/A")).expect("a plan");
    let (began, consent) = (crate::sys::clock::now(), Consent::Implied);
    let mut report = SteerReport { plan, consent, began, quiet: None, deleted: 0, notes: Vec::new() };
    for (outcome, waited) in [(Outcome::Done, 1), (Outcome::Failed, 0), (Outcome::Left, 0)] {
        report.plan.jobs[0].outcome = outcome;
        assert_eq!(afterwards::begun(&report).len(), waited, "{outcome:?}");
    }
    let plan = survey(&self::room("completed").ports(), &request(DELETE, "r1/A")).expect("a plan");
    report.plan = plan;
    assert_eq!(afterwards::begun(&report).len(), 1, "one that had ended, before it is deleted");
}
