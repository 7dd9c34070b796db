//! One suite for every Manager. `rules` asks nothing that only one of them has. It runs against the local manager, against
//! the client and a stand-in for each release of Flamenco, and with `FARM_TEST_MANAGER=<url>` against a running one.

#![allow(clippy::unwrap_used, reason = "a test fails where something is missing")]

#[allow(dead_code, reason = "several test programs share it, and none of them needs all of it")]
#[path = "../server/mod.rs"]
mod server;

mod faults;
mod flamenco_farm;
mod flamenco_rules;
mod guard;
mod kills;
mod local_farm;
mod local_rules;
mod real_blender;
mod real_farm;
mod real_rules;
mod rules;
mod skipped;
mod test_farm;
