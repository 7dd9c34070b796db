//! Whether this machine and the volume agree on the time.

use super::{Check, Found};
use crate::base::time::{Timestamp, human};
use crate::sys::clock;
use crate::volume::Volume;
use std::time::Duration;

/// Before this the clock was never set: 2025-01-01, older than farm.
const BEFORE_FARM: i64 = 1_735_689_600;
/// How far the volume's clock may be off: locks of other hosts and ages of files are judged by it.
const MAX_SKEW: Duration = Duration::from_secs(60);
const REMEDY: &str =
    "Set the clocks of this machine and of the file server by the network (NTP), e.g. `timedatectl set-ntp true`.";

pub(super) fn check(volume: &Found<'_>) -> Check {
    let now = clock::now();
    if now < Timestamp::from_unix(BEFORE_FARM) {
        return Check::fail("clock", format!("this machine believes that it is {now}"), REMEDY);
    }
    match volume {
        Found::Open(volume) => against(volume, now),
        _ => Check::ok("clock", format!("it is {now} (not compared: no volume is open)")),
    }
}

fn against(volume: &Volume, before: Timestamp) -> Check {
    // A volume that cannot be written to is the concern of another check.
    let Ok(made) = volume.root().try_write() else {
        return Check::ok("clock", format!("it is {before} (not compared: the volume cannot be written to)"));
    };
    judge(before, made.mtime, clock::now())
}

/// `there` is the volume's time of something that happened here between `before` and `after`.
fn judge(before: Timestamp, there: Timestamp, after: Timestamp) -> Check {
    let (skew, word) = match there < before {
        true => (before.since(there), "behind"),
        false => (there.since(after), "ahead of"),
    };
    if skew <= MAX_SKEW {
        return Check::ok("clock", format!("it is {after}, on the volume too"));
    }
    Check::warn("clock", format!("the volume's clock is {} {word} this machine's", human(skew)), REMEDY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::doctor::Status;

    #[test]
    fn a_minute_is_borne() {
        let at = Timestamp::from_unix;
        assert_eq!(judge(at(1000), at(940), at(1001)).status, Status::Ok);
        assert_eq!(judge(at(1000), at(1061), at(1001)).status, Status::Ok);
        let behind = judge(at(1000), at(800), at(1001));
        assert!(behind.message.contains("3m 20s behind"), "{}", behind.message);
        let ahead = judge(at(1000), at(1201), at(1001));
        assert!(ahead.message.contains("3m 20s ahead"), "{}", ahead.message);
        assert_eq!((behind.status, ahead.status), (Status::Warn, Status::Warn));
    }
}
