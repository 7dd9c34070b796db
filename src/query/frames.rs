//! Frames that a row shares one with: `1-100x2`, `..10`, `100..`.

use super::range::Order;
use crate::base::frame_set::{FrameSet, MAX_FRAMES};
use std::fmt;

/// Single frames, and all beyond one.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Wanted {
    set: FrameSet,
    /// This one and all above.
    from: Option<i32>,
    /// This one and all below.
    to: Option<i32>,
}

impl Wanted {
    /// What the items of a list say: frames, ranges, ranges with one end. A fault comes with the item's place in the list.
    pub(super) fn new(items: &[String]) -> Result<Wanted, (usize, String)> {
        let (mut wanted, mut sets, mut count) = (Wanted::default(), Vec::new(), 0);
        for (at, item) in items.iter().enumerate() {
            let fail = |cause| (at, cause);
            if let Some(first) = item.strip_suffix("..") {
                wanted.add_from(frame(first).map_err(fail)?);
            } else if let Some(last) = item.strip_prefix("..") {
                wanted.add_to(frame(last).map_err(fail)?);
            } else {
                let set: FrameSet = item.parse().map_err(|error| fail(cause(&error)))?;
                count += set.len();
                if count as u64 > MAX_FRAMES {
                    return Err(fail(format!("more than {MAX_FRAMES} frames")));
                }
                sets.push(set);
            }
        }
        // Once for all of them: each union costs as much as it is large.
        wanted.set = FrameSet::union_of(&sets);
        Ok(wanted)
    }

    /// How many single frames it holds.
    pub(super) fn len(&self) -> usize {
        self.set.len()
    }

    /// All above, below … one frame.
    pub(super) fn compared(order: Order, text: &str) -> Result<Wanted, String> {
        let mut wanted = Wanted::default();
        let beyond = || format!("nothing lies beyond {text}");
        match order {
            Order::Above => wanted.add_from(frame(text)?.checked_add(1).ok_or_else(beyond)?),
            Order::AtLeast => wanted.add_from(frame(text)?),
            Order::Below => wanted.add_to(frame(text)?.checked_sub(1).ok_or_else(beyond)?),
            Order::AtMost => wanted.add_to(frame(text)?),
        }
        Ok(wanted)
    }

    fn add_from(&mut self, frame: i32) {
        self.from = Some(self.from.map_or(frame, |from| from.min(frame)));
    }

    fn add_to(&mut self, frame: i32) {
        self.to = Some(self.to.map_or(frame, |to| to.max(frame)));
    }

    /// Whether one of these frames is wanted.
    pub(super) fn shares_with(&self, frames: &FrameSet) -> bool {
        let above = self.from.is_some_and(|from| frames.last().is_some_and(|last| last >= from));
        let below = self.to.is_some_and(|to| frames.first().is_some_and(|first| first <= to));
        above || below || self.set.intersects(frames)
    }

    /// Whether this frame is wanted.
    pub(super) fn has(&self, frame: i64) -> bool {
        let above = self.from.is_some_and(|from| frame >= from.into());
        let below = self.to.is_some_and(|to| frame <= to.into());
        above || below || i32::try_from(frame).is_ok_and(|frame| self.set.contains(frame))
    }
}

/// One frame, not several.
fn frame(text: &str) -> Result<i32, String> {
    let set: FrameSet = text.parse().map_err(|error| cause(&error))?;
    match (set.first(), set.len()) {
        (Some(frame), 1) => Ok(frame),
        _ => Err(format!("{text:?} is not one frame")),
    }
}

fn cause(error: &crate::base::frame_set::FrameSetError) -> String {
    format!("{}; write frames as 1-100, 1,4,7, 1-100x2, 100.. or ..10", error.cause())
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let below = self.to.map(|to| format!("..{to}"));
        let between = (!self.set.is_empty()).then(|| self.set.to_string());
        let above = self.from.map(|from| format!("{from}.."));
        f.write_str(&[below, between, above].into_iter().flatten().collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(items: &[&str]) -> Wanted {
        Wanted::new(&items.iter().map(ToString::to_string).collect::<Vec<_>>()).expect("frames")
    }

    #[test]
    fn one_frame_in_common_is_enough() {
        let frames: FrameSet = "10-20x2".parse().expect("frames");
        for items in [&["20"][..], &["1-11x3"], &["..10"], &["20.."], &["1..30"], &["99", "12"], &["..-5", "3", "15.."]]
        {
            assert!(wanted(items).shares_with(&frames), "{items:?}");
            assert!((10..=20).step_by(2).any(|frame| wanted(items).has(frame)), "{items:?}");
        }
        for items in [&["11"][..], &["..9"], &["21.."], &["11-19x2"]] {
            assert!(!wanted(items).shares_with(&frames), "{items:?}");
        }
        assert!(!wanted(&["..9", "1.."]).shares_with(&FrameSet::default()));
        assert_eq!(wanted(&["5..", "..-3", "7..", "2", "1"]).to_string(), "..-3,1-2,5..");
        assert_eq!(Wanted::compared(Order::Below, "5").map(|w| w.to_string()).as_deref(), Ok("..4"));
    }

    #[test]
    fn wrong_frames_are_refused() {
        for item in ["", "x", "5-1", "..", "1-5..", "..1,2", "1x2", "2000000000000"] {
            assert!(Wanted::new(&["1".into(), item.into()]).is_err_and(|(at, _)| at == 1), "{item}");
        }
        assert!(Wanted::compared(Order::Above, "2147483647").is_err());
        assert!(Wanted::compared(Order::Above, "1-5").is_err());
    }
}
