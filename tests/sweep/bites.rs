//! The sweep sees what it is there to see: careless scripts lose, careful ones do not.

use crate::case::{Case, Plan, Then, Words};
use crate::engine::{Tally, strike_all};
use crate::strike::Extent;
use crate::support::{Farm, skipped, strace};
use std::fs;

/// Strikes a script that brings `V/releases/r/out/1.bin` to `V/dist/r/1.bin`, at every point.
fn struck(name: &'static str, run: &'static str, finish: &'static str) -> Option<Tally> {
    if !strace::works() {
        skipped(name, "strace may not trace here");
        return None;
    }
    let farm = Farm::without_volume();
    fs::create_dir_all(farm.path("releases/r/out")).expect("a folder");
    fs::create_dir_all(farm.path("dist/r")).expect("a folder");
    fs::write(farm.path("releases/r/out/1.bin"), b"precious ".repeat(50_000)).expect("a file");
    let plan = Plan {
        name,
        run,
        recover: "",
        finish,
        then: Then::RecoverAndAgain,
        words: Words::Any,
        finals: &["dist"],
        protected: &["scenes"],
        finished: |_| Ok(()),
    };
    Some(strike_all(&Case::new(farm, plan), Extent::Full))
}

#[test]
fn a_careless_move_loses() {
    let script = "sh: cp V/releases/r/out/1.bin V/dist/r/1.bin; rm V/releases/r/out/1.bin";
    if let Some(tally) = struck("a_careless_move_loses", script, script) {
        assert!(tally.all.lost > 0, "{tally:?}");
        assert!(tally.all.wrong > 0, "a torn file under the final name was not seen: {tally:?}");
    }
}

#[test]
fn a_careful_move_does_not() {
    let script = "sh: set -e; test -e V/releases/r/out/1.bin || exit 0; cp V/releases/r/out/1.bin V/dist/r/.1.part; \
                  cmp -s V/releases/r/out/1.bin V/dist/r/.1.part; mv V/dist/r/.1.part V/dist/r/1.bin; \
                  rm V/releases/r/out/1.bin";
    if let Some(tally) = struck("a_careful_move_does_not", script, script) {
        assert!(tally.all.points > 10, "{tally:?}");
        assert_eq!((tally.all.lost, tally.all.wrong), (0, 0), "{:#?}", tally.stories);
    }
}

#[test]
fn a_touch_of_what_is_protected_is_seen() {
    let script = "sh: cp -f V/releases/r/out/1.bin V/dist/r/1.bin; echo x > scenes/stray";
    if let Some(tally) = struck("a_touch_of_what_is_protected_is_seen", script, script) {
        assert!(tally.all.wrong > 0, "{tally:?}");
    }
}
