//! A real Flamenco Manager, named by `FARM_BENCH_MANAGER=<url>`: what farm adds to what it can do.
//!
//! For `light` its shared storage has to be a volume of farm on this machine, with one Worker and a real Blender. For
//! `calls` a Manager without Workers is best, and one that may be thrown away: thousands of jobs stay in it.

mod calls;
mod light;
pub(crate) mod plain_client;

use farm::manager::Flamenco;
use farm::sys::http::Access;

pub(crate) use calls::run as calls;
pub(crate) use light::run as light;

/// Where the URL is.
const MANAGER: &str = "FARM_BENCH_MANAGER";

/// The Manager to measure, if one is named.
#[expect(clippy::print_stderr, reason = "a benchmark says that it was skipped, and why")]
fn named(group: &str) -> Option<(String, Flamenco)> {
    let Ok(url) = std::env::var(MANAGER) else {
        eprintln!("{group}: skipped, {MANAGER} names no Manager\n");
        return None;
    };
    let manager = Flamenco::new(&url, &Access::default()).expect("a client");
    Some((url, manager))
}
