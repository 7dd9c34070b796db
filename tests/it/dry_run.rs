//! A dry run makes no system call that changes a disk.

use crate::support::{Farm, skipped, strace};

fn makes_no_change(farm: &Farm, words: &str, code: i32) {
    let before = farm.tree();
    let (outcome, calls) = strace::changes_made(&farm.room, &farm.arguments(words));
    assert_eq!(outcome.code, code, "{outcome}");
    assert!(calls.is_empty(), "{words} changes a disk: {calls:#?}\n{outcome}");
    farm.unchanged_since(&before);
}

#[test]
fn no_changing_call_is_made() {
    if !strace::works() {
        return skipped("no_changing_call_is_made", "strace may not trace here");
    }
    let farm = Farm::new().rendered("r1");
    makes_no_change(&farm, "plan release r2 scenes/A.blend scenes/B.blend --dry-run", 0);
    makes_no_change(&farm, "plan release r2 scenes/A.blend --frames 1-3 --dry-run --json", 0);
    makes_no_change(&farm, "harvest release r1 --dry-run", 0);
    makes_no_change(&farm, "harvest release r1 --dry-run --json", 0);
    makes_no_change(&farm, "kill jobs r1 --dry-run", 0);
    makes_no_change(&farm, "kill r1.jobs progress:100 --delete --dry-run --json", 0);
    makes_no_change(&farm, "pause jobs r1 --dry-run", 0);
    makes_no_change(&farm, "priority 9 jobs r1 --dry-run", 0);
    makes_no_change(&farm, "recover --dry-run", 0);
    crate::support::png::cut(&farm.frame("r1", "A", 2), 1000);
    makes_no_change(&farm, "retry r1 --dry-run", 0);
    makes_no_change(&farm, "retry r1/A,r1/B --verify --dry-run --json", 0);
}

#[test]
fn reading_commands_change_nothing_either() {
    if !strace::works() {
        return skipped("reading_commands_change_nothing_either", "strace may not trace here");
    }
    let farm = Farm::new().rendered("r1");
    makes_no_change(&farm, "inspect scenes/A.blend", 0);
    makes_no_change(&farm, "path r1/A out", 0);
    makes_no_change(&farm, "config show", 0);
}

#[test]
fn a_dry_run_lists_what_the_real_run_does() {
    let farm = Farm::new().rendered("r1");
    let planned = farm.run("harvest release r1 --dry-run").expect(0);
    for name in ["A.0001.png", "B.0003.png"] {
        assert!(planned.text().contains(name) || planned.text().contains("3 frames"), "{planned}");
    }
    let before = farm.tree_of("dist");
    assert_eq!(before, farm.tree_of("dist"));
    farm.run("harvest release r1").expect(0);
    assert!(farm.path("dist/r1/A.0001.png").is_file());
}

#[test]
fn the_trace_would_show_a_change() {
    if !strace::works() {
        return skipped("the_trace_would_show_a_change", "strace may not trace here");
    }
    let farm = Farm::new().rendered("r1");
    let (outcome, calls) = strace::changes_made(&farm.room, &farm.arguments("harvest release r1 --no-preview"));
    outcome.expect(0);
    assert!(calls.iter().any(|call| call.name.starts_with("rename")), "{calls:#?}");
}
