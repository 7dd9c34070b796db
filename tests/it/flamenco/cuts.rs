//! Submissions that are cut: whatever happens on the way, in the end each run is one job.

use super::gate::Stand;
use super::server::Fault;
use super::server::flamenco::Release;
use super::{Studio, all_at_once};
use farm::manager::ManagerJob;

/// How often each cut is made; `FARM_CUTS` says another number.
const CUTS: usize = 4;

fn cuts() -> usize {
    std::env::var("FARM_CUTS").ok().and_then(|text| text.parse().ok()).unwrap_or(CUTS)
}

/// Where a submission is cut.
#[derive(Clone)]
enum Cut {
    /// Something happens to the request alone; looks pass.
    Once(Fault),
    /// The Manager is away from then on, so that farm cannot find out either.
    Gate(Stand),
}

fn at_each_point() -> Vec<(&'static str, Cut)> {
    let once = Cut::Once;
    vec![
        ("before it was sent", once(Fault::Reset)),
        ("before it was carried out", once(Fault::CutBefore)),
        ("after it was carried out", once(Fault::CutAfter)),
        ("in the middle of the answer", once(Fault::CutInBody)),
        ("500 after success", once(Fault::coded(500, "error retrieving job from database").after_success())),
        ("no answer, carried out", once(Fault::Silent)),
        ("no answer, not carried out", once(Fault::SilentBefore)),
        ("away behind it", Cut::Gate(Stand::ClosesBehind)),
        ("away before it", Cut::Gate(Stand::ClosesBefore)),
    ]
}

/// How the submission is brought to its end.
#[derive(Debug, Clone, Copy)]
enum Then {
    /// By the same command, as the message says.
    Again,
    /// By `farm recover`.
    Recover,
}

/// Plans release after release; the submission of each is cut.
fn cut_again_and_again(name: &str, cut: &Cut, then: Then) {
    let mut studio = Studio::new(Release::V3_9);
    let rounds = match cut {
        Cut::Once(_) => cuts().div_ceil(2),
        // Each takes farm half a minute of looks.
        Cut::Gate(_) => cuts().div_ceil(4),
    };
    for release in (0..rounds).map(|round| format!("r{round}")) {
        let plan = format!("plan release {release} scenes/A.blend --frames 1-2 --yes");
        // Only where no answer comes: elsewhere a busy machine must not be too slow.
        let is_silent = matches!(cut, Cut::Once(Fault::Silent | Fault::SilentBefore));
        studio.farm.room.set("FARM_ACCESS_TIMEOUT", if is_silent { "2s" } else { "30s" });
        match cut {
            Cut::Once(fault) => studio.server.trap(fault.clone(), "POST /api/v3/jobs ", 1),
            Cut::Gate(stand) => studio.gate.set(*stand),
        }
        let first = studio.run(&plan);
        first.check_manners();
        assert!([0, 6].contains(&first.code), "{name}: {first}");
        assert!(first.code == 0 || first.text().contains("next:"), "{name}: {first}");
        studio.gate.set(Stand::Open);
        studio.server.mend();
        studio.farm.room.set("FARM_ACCESS_TIMEOUT", "30s");
        let second = match then {
            Then::Again => studio.run(&plan).expect(0),
            Then::Recover => studio.run("recover").expect(0),
        };
        let is_of_release = |job: &ManagerJob| job.metadata.get("farm.release") == Some(&release);
        let of_release: Vec<_> = studio.jobs().into_iter().filter(is_of_release).collect();
        assert_eq!(of_release.len(), 1, "{name}, {release}: {first}{second}");
        let document = studio.run(&format!("status {release} --json")).expect(0).json("farm.status/1");
        assert_eq!(document["jobs"][0]["id"], of_release[0].id.0.as_str(), "{name}: {first}{second}");
        let left = studio.run("recover --dry-run --json").expect(0).json("farm.recover/1");
        assert_eq!(left["actions"], serde_json::json!([]), "{name}: it stays half done: {first}{second}{left:#}");
    }
}

/// They mostly wait, so all at once.
#[test]
fn a_cut_submission_makes_one_job_in_the_end() {
    let cuts = at_each_point().into_iter().flat_map(|(name, cut)| {
        [Then::Again, Then::Recover].map(|then| {
            let cut = cut.clone();
            (format!("{name}, then {then:?}"), move || cut_again_and_again(name, &cut, then))
        })
    });
    all_at_once(cuts.collect());
}

/// Of several jobs one is cut: the others are submitted, and nothing twice.
#[test]
fn of_many_submissions_some_are_cut() {
    let studio = Studio::new(Release::V3_5);
    std::fs::create_dir(studio.farm.room.path("scenes/many")).expect("a folder");
    for number in 0..12 {
        studio.farm.scene(&format!("many/S{number:02}.blend"), "scenes/cube3_zstd.blend");
    }
    for fault in [Fault::CutAfter, Fault::CutBefore, Fault::page(502).after_success(), Fault::Reset] {
        studio.server.trap(fault, "POST /api/v3/jobs ", 2);
    }
    let plan = "plan release r1 scenes/many --frames 1-2 --yes";
    let first = studio.run(plan);
    assert!([0, 6].contains(&first.code), "{first}");
    studio.server.mend();
    let second = studio.run(plan).expect(0);
    let mut names: Vec<String> = studio.jobs().into_iter().map(|job| job.name).collect();
    names.sort();
    let expected: Vec<String> = (0..12).map(|number| format!("r1/S{number:02}")).collect();
    assert_eq!(names, expected, "{first}{second}");
}
