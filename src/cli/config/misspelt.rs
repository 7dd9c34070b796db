//! Environment variables that were meant for farm and do not reach it.
//!
//! An unknown key in a file is an error. The environment belongs to everybody, so that an unknown variable is none; one that
//! is a slip of the pen away from a known one is worth a warning.

use super::keys::KEYS;
use crate::base::nearest::nearest;

const PREFIX: &str = "FARM_";
/// Variables of the tests and benchmarks, and what renderers are told.
const OTHERS: [&str; 6] = ["FARM_ATTEMPT", "FARM_BENCH_", "FARM_NOW", "FARM_SWEEP", "FARM_TEST_", "FARM_UPDATE_DOCS"];

/// Those of the variables `set` that are no key of farm's but nearly one, each with the one that it is nearly.
pub fn misspelt(set: impl Iterator<Item = String>) -> Vec<(String, &'static str)> {
    let is_known =
        |name: &str| KEYS.iter().any(|key| key.env == name) || OTHERS.iter().any(|other| name.starts_with(other));
    let suspects = set.filter(|name| name.to_ascii_uppercase().starts_with(PREFIX) && !is_known(name));
    suspects.filter_map(|name| near(&name).map(|near| (name, near))).collect()
}

fn near(name: &str) -> Option<&'static str> {
    // The prefix is the same in all, and would make any two of them look alike.
    let end = nearest(&name[PREFIX.len()..], KEYS.iter().map(|key| &key.env[PREFIX.len()..]))?;
    KEYS.iter().map(|key| key.env).find(|env| env[PREFIX.len()..] == end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_are_found_and_nothing_else() {
        let set = ["FARM_BLENDR", "FARM_THREAD", "farm_manager", "FARM_BLENDER", "FARM_NOSUCH", "FARM_SWEEP", "BLENDR"];
        let found = misspelt(set.iter().map(ToString::to_string));
        let names: Vec<(&str, &str)> = found.iter().map(|(name, near)| (name.as_str(), *near)).collect();
        let expected =
            [("FARM_BLENDR", "FARM_BLENDER"), ("FARM_THREAD", "FARM_THREADS"), ("farm_manager", "FARM_MANAGER")];
        assert_eq!(names, expected);
    }
}
