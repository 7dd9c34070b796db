//! The program struck at every system call with which it changes a disk: killed there, or refused there.
//!
//! After each strike: no content is lost, no file under a final name is wrong, nothing else changed, an error says what it
//! struck, `farm recover` twice is the same as once and leaves no half-written file, and giving the command again
//! finishes the work, whether or not anybody recovered before. Recoveries are struck too, also after a kill.
//!
//! A sample by default; `FARM_SWEEP=full` takes every point, `FARM_SWEEP=200` another number for each scenario,
//! `FARM_SWEEP_SEED` another sample. Each scenario prints a line: its strikes, those that lost something, those that left
//! something wrong, and the same for each kind of strike as `points/lost/wrong`.

#[path = "../it/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "three test programs share it, and none of them needs all of it")]
mod support;

mod bites;
mod case;
mod changes;
mod engine;
mod oracle;
mod scenarios;
mod strike;
mod workers;
