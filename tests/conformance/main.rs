//! One suite for every Manager. It runs against the local manager; `rules` asks nothing that only the local one has.

#![allow(clippy::unwrap_used, reason = "a test fails where something is missing")]

mod guard;
mod kills;
mod local_farm;
mod local_rules;
mod real_blender;
mod rules;
mod test_farm;
