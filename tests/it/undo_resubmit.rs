//! `farm undo` after a kill, `--resubmit`, and an undo that was killed on its way.

use crate::support::{Farm, Outcome, png};
use std::fs;
use std::path::PathBuf;

/// `r1` of A and B, three frames each, nothing of it rendered.
fn planned() -> Farm {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend scenes/B.blend --frames 1-3 --yes").expect(0);
    farm
}

/// The jobs' statuses, as `farm jobs` tells them: the newest run of each.
fn statuses(farm: &Farm) -> String {
    let document = farm.run("jobs --json").expect(0).json("farm.jobs/1");
    let jobs = document["jobs"].as_array().expect("a list");
    let status = |job: &serde_json::Value| format!("{} {}", job["ref"], job["status"]).replace('"', "");
    jobs.iter().map(status).collect::<Vec<_>>().join(", ")
}

fn journals(farm: &Farm) -> Vec<PathBuf> {
    let files = fs::read_dir(farm.path(".farm/journal")).expect("a folder").map(|file| file.expect("a file").path());
    files.filter(|path| path.is_file()).collect()
}

fn run_again(farm: &Farm, id: &str) -> Outcome {
    farm.run(&format!("undo {id} --resubmit --yes"))
}

#[test]
fn a_kill_is_taken_back_by_submitting_again() {
    let farm = planned();
    farm.run("kill jobs name:A --yes").expect(0);
    farm.run("undo --list").expect(0).says(&["can be undone, with --resubmit"]);
    farm.run("undo --yes").expect(5).says(&["threw nothing away", "nothing was taken back", "Say --resubmit"]);
    farm.run("undo --dry-run").expect(5).says(&["Say --resubmit"]);
    farm.run("undo --dry-run --resubmit").expect(0).says(&["r1/A stays as it is", "is submitted again"]);
    let done = farm.run("undo --resubmit --yes").expect(0);
    done.says(&["is taken back; to have it again: `farm undo ", "submitted again: r1/A frames 1-3"]);
    assert_eq!(statuses(&farm), "r1/A queued, r1/B queued");
    farm.run("work").expect(0);
    assert_eq!(statuses(&farm), "r1/A completed, r1/B completed");
}

#[test]
fn what_is_still_missing_is_submitted_by_the_same_command() {
    let farm = planned();
    farm.run("kill jobs r1 --yes").expect(0);
    let id = farm.newest("kill");
    farm.run("undo --resubmit --yes").expect(0);
    run_again(&farm, &id).expect(0).says(&["was taken back already; nothing to submit"]);
    farm.run("work").expect(0);
    fs::rename(farm.frame("r1", "A", 2), farm.room.path("away.png")).expect("it goes");
    png::cut(&farm.frame("r1", "B", 3), 100);
    let before = farm.tree();
    farm.run(&format!("undo {id} --resubmit --dry-run")).expect(0).says(&["r1/A frame 2, r1/B frame 3"]);
    farm.unchanged_since(&before);
    farm.run(&format!("undo {id} --resubmit")).expect(5).says(&["--yes", "nothing was submitted"]);
    let again = farm.run(&format!("undo {id} --resubmit --yes --json")).expect(0).json("farm.undo/1");
    assert_eq!((&again["already"], &again["submitted"][1][1]), (&true.into(), &"3".into()), "{again:#}");
    let rendered = farm.render_log().len();
    farm.run("work").expect(0);
    assert_eq!(farm.render_log().split_off(rendered).len(), 2, "and nothing else");
    assert!(png::size_of(&farm.frame("r1", "B", 3)).is_some(), "a broken frame is rendered, not skipped");
    run_again(&farm, &id).expect(0).says(&["nothing to submit"]);
    farm.run(&format!("undo {id} --yes")).expect(0).says(&["was taken back already", "To have it again"]);
}

/// What was written down and not submitted when the command was killed.
#[test]
fn a_run_that_was_not_sent_is_sent_by_the_same_command() {
    let farm = planned();
    farm.run("kill jobs r1 --yes").expect(0);
    let id = farm.newest("kill");
    farm.run("undo --resubmit --yes").expect(0);
    let release = farm.path("releases/r1/release.yaml");
    let text = fs::read_to_string(&release).expect("a record");
    let begun: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("manager_job:")).collect();
    fs::write(&release, begun.join("\n")).expect("write");
    fs::rename(farm.path(".farm/local"), farm.room.path("away")).expect("a queue");
    run_again(&farm, &id).expect(0).says(&["submitted again: ", "r1/A frames 1-3"]);
    run_again(&farm, &id).expect(0).says(&["nothing to submit"]);
}

#[test]
fn taking_an_undo_back_ends_what_it_submitted() {
    let farm = planned();
    farm.run("kill jobs name:A --yes").expect(0);
    farm.run("undo --resubmit --yes").expect(0);
    let undo = farm.newest("undo");
    farm.run(&format!("undo {undo} --dry-run")).expect(0).says(&["r1/A stays as it is; 1 run of it is ended"]);
    farm.run(&format!("undo {undo} --yes")).expect(0);
    assert_eq!(statuses(&farm), "r1/A canceled, r1/B queued");
    // The kill was had again with that, and is taken back as it was before.
    farm.run("undo --yes").expect(5).says(&["threw nothing away", "Say --resubmit"]);
    farm.run("undo --resubmit --dry-run").expect(0).says(&["with it the kill ", " was had again"]);
    farm.run("undo --resubmit --yes").expect(0).says(&["submitted again: r1/A frames 1-3"]);
}

/// Each undo answers for what it submitted itself.
#[test]
fn taking_an_undo_back_leaves_what_a_later_one_submitted() {
    let farm = planned();
    farm.run("kill jobs name:A --yes").expect(0);
    farm.run("undo --resubmit --yes").expect(0);
    let first = farm.newest("undo");
    farm.run("kill jobs name:A --yes").expect(0);
    farm.run("undo --resubmit --yes").expect(0);
    farm.run("work").expect(0);
    let done = farm.run(&format!("undo {first} --yes")).expect(0);
    assert!(!done.text().contains("trash"), "{done}");
    assert!((1..=3).all(|frame| farm.frame("r1", "A", frame).exists()));
    assert_eq!(statuses(&farm), "r1/A completed, r1/B completed");
}

/// What the same command submits later is the undo's too.
#[test]
fn taking_an_undo_back_takes_all_that_it_submitted() {
    let farm = planned();
    farm.run("kill jobs name:A --yes").expect(0);
    let kill = farm.newest("kill");
    farm.run("undo --resubmit --yes").expect(0);
    farm.run("work").expect(0);
    fs::rename(farm.frame("r1", "A", 2), farm.room.path("away.png")).expect("it goes");
    run_again(&farm, &kill).expect(0).says(&["submitted again: r1/A frame 2"]);
    farm.run("work").expect(0);
    farm.run(&format!("undo {} --yes", farm.newest("undo"))).expect(0).says(&["3 in the trash"]);
}

#[test]
fn what_was_paused_waits_for_a_person_again() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-3 --paused --yes").expect(0);
    farm.run("kill jobs r1 --yes").expect(0);
    farm.run("undo --resubmit --yes").expect(0).says(&["r1/A: waits for `farm unpause`"]);
    assert_eq!(statuses(&farm), "r1/A paused");
    farm.run("unpause jobs r1 --yes").expect(0);
    farm.run("work").expect(0);
    assert_eq!(statuses(&farm), "r1/A completed");
}

/// `B` is none of the kill's jobs, and whoever planned it goes on with it.
#[test]
fn what_was_not_sent_of_other_jobs_is_left() {
    let farm = planned();
    farm.run("kill jobs name:A --yes").expect(0);
    let release = farm.path("releases/r1/release.yaml");
    let text = fs::read_to_string(&release).expect("a record");
    let (before, after) = text.rsplit_once("manager_job:").expect("the run of B");
    let rest = after.split_once('\n').map_or("", |(_, rest)| rest);
    fs::write(&release, format!("{}\n{rest}", before.trim_end())).expect("written");
    fs::rename(farm.path(".farm/local"), farm.room.path("away")).expect("a queue");
    let done = farm.run("undo --resubmit --yes").expect(0);
    done.says(&["submitted again: r1/A frames 1-3"]);
    farm.run("work").expect(0);
    assert!(farm.frame("r1", "A", 1).exists() && !farm.frame("r1", "B", 1).exists());
    farm.run("recover").expect(0);
    farm.run("work").expect(0);
    assert!(farm.frame("r1", "B", 1).exists());
}

/// The run is of the revision that came back, which the record had before the undo too.
#[test]
fn taking_the_undo_of_a_replace_back_ends_what_it_submitted() {
    let farm = planned();
    farm.scene("C.blend", "scenes/cube3_v42_zstd.blend");
    farm.run("replace job r1/A --with scenes/C.blend --yes").expect(0);
    farm.run("undo --resubmit --yes").expect(0).says(&["submitted again: r1/A frames 1-3"]);
    farm.run("work").expect(0);
    let undo = farm.newest("undo");
    let done = farm.run(&format!("undo {undo} --yes")).expect(0);
    done.says(&["to have it again: `farm undo "]);
    assert!(!farm.frame("r1", "A", 1).exists(), "the frames of the old scene are in the trash");
    farm.run("retry r1/A --yes --wait").expect(0);
    let status = farm.run("status r1 --json").expect(0).json("farm.status/1");
    assert_eq!(status["releases"][0]["state"], "rendered");
}

#[test]
fn only_the_undo_of_the_change_that_is_meant_is_gone_on_with() {
    let farm = planned();
    let first = farm.newest("plan");
    farm.run("plan release r2 scenes/A.blend --frames 1 --yes").expect(0);
    farm.run(&format!("undo {first} --yes")).expect(0);
    farm.unend(&farm.newest("undo"));
    // r2 is the newest change, and the undo that was begun is somebody else's business.
    let plain = farm.run("undo --dry-run").expect(0);
    plain.says(&["plan ", " of r2, ", "an undo of release r1 was begun", &format!("`farm undo {first}` goes on")]);
    farm.run(&format!("undo {} --yes", &first[..5])).expect(2).says(&["six letters"]);
    let shown = farm.run(&format!("undo {} --dry-run --json", &first[..6])).expect(0).json("farm.undo/1");
    assert_eq!((&shown["resumed"], &shown["id"]), (&true.into(), &first.as_str().into()), "{shown:#}");
    farm.run(&format!("undo {first}")).expect(5).says(&["did not come to its end", "nothing more was taken back"]);
    farm.run(&format!("undo {first} --yes")).expect(0).says(&["is taken back"]);
    assert!(journals(&farm).is_empty());
    farm.run("status r2").expect(0);
    farm.run(&format!("undo {first} --yes")).expect(0).says(&["was taken back already"]);
}

#[test]
fn the_last_change_whose_undo_was_killed_is_gone_on_with() {
    let farm = planned();
    farm.run("kill jobs r1 --yes").expect(0);
    farm.run("undo --resubmit --yes").expect(0);
    farm.run("work").expect(0);
    farm.unend(&farm.newest("undo"));
    fs::rename(farm.frame("r1", "A", 1), farm.room.path("away.png")).expect("it goes");
    farm.run("undo --resubmit --yes").expect(0).says(&["did not come to its end", "submitted again: r1/A frame 1"]);
    assert!(journals(&farm).is_empty());
}
