//! How far farm is from the least work that its tasks can take: `cargo bench` prints a table per group.
//!
//! Nothing about time is asserted. `FARM_BENCH_ONLY=harvest` runs one group, `FARM_BENCH_ROUNDS=9` more rounds,
//! `FARM_BENCH_SMOKE=1` one round at small sizes, to see that everything works.
#![expect(clippy::print_stdout, reason = "a benchmark prints its tables")]

mod floor;
mod harvest;
mod kill;
mod manager;
mod plan;
mod render;
mod rounds;
mod stand_in;
mod startup;
#[path = "../it/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "three test programs share it, and none of them needs all of it")]
mod support;

use std::process::{Command, ExitCode};
use support::{Farm, Room};

/// Runs a command in a room and waits without polling, which would add to its time.
pub(crate) fn timed(room: &Room, mut command: Command) {
    room.furnish(&mut command);
    let output = command.output().expect("the command runs");
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
}

/// Runs farm on the room's volume, to be timed.
pub(crate) fn timed_farm(farm: &Farm, words: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farm"));
    command.args(farm.arguments(words));
    timed(&farm.room, command);
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) rounds: usize,
    /// Jobs, and frames of each, of the harvest of tiny frames.
    pub(crate) jobs: u32,
    pub(crate) frames_per_job: u32,
    /// Frames of the harvest of large ones.
    pub(crate) large_frames: u32,
    /// Scenes that are planned.
    pub(crate) scenes: u32,
    /// Frames that are rendered.
    pub(crate) light_frames: u32,
    /// Starts of the program.
    pub(crate) starts: u32,
    /// Jobs that are submitted, and jobs that are listed, on a real Manager.
    pub(crate) submissions: usize,
    pub(crate) listed: usize,
}

impl Sizes {
    fn from_environment() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        let mut sizes = if std::env::var_os("FARM_BENCH_SMOKE").is_some() {
            Sizes {
                rounds: 1,
                jobs: 4,
                frames_per_job: 10,
                large_frames: 5,
                scenes: 2,
                light_frames: 4,
                starts: 10,
                submissions: 10,
                listed: 10,
            }
        } else {
            Sizes {
                rounds: 5,
                jobs: 100,
                frames_per_job: 100,
                large_frames: 1000,
                scenes: 50,
                light_frames: 200,
                starts: 400,
                submissions: 1000,
                listed: 10_000,
            }
        };
        sizes.rounds = number("FARM_BENCH_ROUNDS").unwrap_or(sizes.rounds);
        sizes
    }
}

/// Measures one group and prints its table.
type Group = fn(Sizes);

/// The groups, in the order in which they are printed.
const GROUPS: [(&str, Group); 8] = [
    ("startup", startup::run),
    ("harvest", harvest::tiny),
    ("large", harvest::large),
    ("plan", plan::run),
    ("render", render::run),
    ("kill", kill::run),
    ("light", manager::light),
    ("calls", manager::calls),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    // This program is also its own floor programs and its own stand-in for Blender.
    match arguments.get(1).map(String::as_str) {
        Some("--floor") => return floor::main(&arguments[2..]),
        Some("--as-blender") => return stand_in::main(&arguments[2..]),
        _ => {}
    }
    let only = std::env::var("FARM_BENCH_ONLY").ok();
    let sizes = Sizes::from_environment();
    println!("{sizes:?}\n");
    for (name, run) in GROUPS {
        if only.as_deref().is_none_or(|wanted| wanted == name) {
            run(sizes);
        }
    }
    ExitCode::SUCCESS
}
