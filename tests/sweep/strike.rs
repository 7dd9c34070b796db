//! Where a command is struck, and with what.

use crate::support::strace::{Call, striking};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What happens at the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Blow {
    /// The process is sent this signal before the call is made.
    Signal(&'static str),
    /// The call fails with this error.
    Error(&'static str),
    /// It and all later ones of its name do.
    Lasting(&'static str),
}

/// The process ends on the spot.
pub(crate) const KILL: Blow = Blow::Signal("SIGKILL");

/// The errors that a disk may answer with.
pub(crate) const ERRORS: [&str; 4] = ["EIO", "ENOSPC", "EXDEV", "EACCES"];

/// A disk that is full stays so.
const FULL: Blow = Blow::Lasting("ENOSPC");

/// One blow at one call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Strike {
    pub(crate) blow: Blow,
    pub(crate) call: String,
    /// The call's number among those of its name in its thread, from 1; this is how strace counts.
    pub(crate) number: u32,
}

impl Strike {
    /// The words that go before the command.
    pub(crate) fn wrapper(&self) -> Vec<String> {
        let how = match self.blow {
            Blow::Signal(name) => format!("signal={name}:when={}", self.number),
            Blow::Error(name) => format!("error={name}:when={}", self.number),
            Blow::Lasting(name) => format!("error={name}:when={}+", self.number),
        };
        striking(&self.call, &how)
    }
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Blow::Signal(name) | Blow::Error(name) => f.write_str(name),
            Blow::Lasting(name) => write!(f, "{name} from then on"),
        }
    }
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} #{}", self.blow, self.call, self.number)
    }
}

/// Every strike at a call that changes a disk, apart from those into `except`.
pub(crate) fn all(calls: &[Call], except: &str) -> Vec<Strike> {
    let mut count: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    let mut places = BTreeSet::new();
    for call in calls {
        let number = count.entry((&call.thread, &call.name)).or_default();
        *number += 1;
        if call.changes_a_disk() && !call.rest.contains(except) {
            places.insert((call.name.clone(), *number));
        }
    }
    let blows = [KILL].into_iter().chain(ERRORS.map(Blow::Error)).chain([FULL]);
    blows.flat_map(|blow| places.iter().map(move |(call, n)| Strike { blow, call: call.clone(), number: *n })).collect()
}

/// The kills among them.
pub(crate) fn kills(strikes: Vec<Strike>) -> Vec<Strike> {
    strikes.into_iter().filter(|strike| strike.blow == KILL).collect()
}

/// How many strikes are taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Extent {
    Full,
    Sample(usize),
}

impl Extent {
    /// From `FARM_SWEEP`: `full`, a number, or nothing for `usual`.
    pub(crate) fn from_environment(usual: usize) -> Self {
        match std::env::var("FARM_SWEEP").as_deref() {
            Ok("full") => Extent::Full,
            Ok(text) => Extent::Sample(
                text.parse().unwrap_or_else(|_| panic!("FARM_SWEEP={text} is neither full nor a number")),
            ),
            Err(_) => Extent::Sample(usual),
        }
    }
}

/// The seed of the sample, from `FARM_SWEEP_SEED`.
pub(crate) fn seed() -> u64 {
    std::env::var("FARM_SWEEP_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// A sample, half of it kills; the same for the same seed.
pub(crate) fn chosen(strikes: Vec<Strike>, extent: Extent, seed: u64) -> Vec<Strike> {
    let Extent::Sample(count) = extent else { return strikes };
    let (mut kills, mut errors): (Vec<_>, Vec<_>) = strikes.into_iter().partition(|strike| strike.blow == KILL);
    let mut random = Random(seed);
    random.shuffle(&mut kills);
    random.shuffle(&mut errors);
    kills.truncate(count.div_ceil(2));
    errors.truncate(count / 2);
    kills.extend(errors);
    kills
}

/// A small source of numbers that is the same everywhere (xorshift).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        let mut x = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.0 = x;
        x
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            let other = (self.next() % (end as u64 + 1)) as usize;
            items.swap(end, other);
        }
    }
}

#[test]
fn strikes_are_counted_as_strace_counts() {
    let line = |text: &str| Call::parse(text).expect("a call");
    let calls = [
        line(r#"1 openat(AT_FDCWD</>, "/lib/x.so", O_RDONLY) = 3"#),
        line(r#"1 openat(AT_FDCWD</>, "a", O_WRONLY|O_CREAT) = 3"#),
        line(r#"1 write(3</room/a>, ""..., 3) = 3"#),
        line(r#"1 write(1</room/log/0.out>, ""..., 3) = 3"#),
        line(r#"2 write(4</room/b>, ""..., 3) = 3"#),
    ];
    let strikes = all(&calls, "</room/log");
    let kills: Vec<String> = strikes.iter().filter(|s| s.blow == KILL).map(ToString::to_string).collect();
    assert_eq!(kills, ["SIGKILL at openat #2", "SIGKILL at write #1"]);
    assert_eq!(strikes.len(), 2 * (2 + ERRORS.len()));
    let sample = chosen(strikes.clone(), Extent::Sample(4), 7);
    assert_eq!(sample, chosen(strikes, Extent::Sample(4), 7));
    assert_eq!(sample.iter().filter(|s| s.blow == KILL).count(), 2);
}
