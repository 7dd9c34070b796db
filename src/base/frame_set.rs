//! Sets of frame numbers and their text: `1-3,7,101-110x3`.

use super::error::{Class, Explain};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The most frames one set may hold; a larger range is a slip of the finger.
pub const MAX_FRAMES: u64 = 1_000_000;

/// The highest frame that Blender renders (`MAXFRAME` of its sources).
pub const LAST_FRAME: i32 = 1_048_574;

/// A set of frame numbers, printed as the shortest text of ranges.
///
/// Grammar: items separated by commas, spaces allowed; an item is `N`, `A-B` or `A..B`, a range may end in `xS` (every
/// S-th frame from A). Negative numbers are allowed (`-5--1`).
///
/// Kept as runs of neighbouring frames, rising, with a gap between any two: a whole film is one run, and the sets of
/// its tasks one each.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FrameSet(Vec<Run>);

/// Frames without a gap, from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Run {
    first: i32,
    last: i32,
}

/// Why a text is no set of frames.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("frames {text:?}, column {column}: {cause}")]
pub struct FrameSetError {
    text: String,
    column: usize,
    cause: String,
}

impl Explain for FrameSetError {
    fn class(&self) -> Class {
        Class::Usage
    }
    fn hint(&self) -> Option<String> {
        Some("Write frames as 1-100, 1,4,7 or 1-100x2 (every second).".into())
    }
}

impl FrameSetError {
    /// What is wrong, without the text and the place.
    pub fn cause(&self) -> &str {
        &self.cause
    }
}

impl FrameSet {
    /// The frames from `start` to `end`, every `step`-th; a step below 1 counts as 1. More than [`MAX_FRAMES`] are refused:
    /// a scene may say anything.
    pub fn range(start: i32, end: i32, step: i32) -> Result<Self, FrameSetError> {
        let step = step.max(1);
        if count(start, end, step) > MAX_FRAMES {
            let text = if step == 1 { format!("{start}-{end}") } else { format!("{start}-{end}x{step}") };
            return Err(FrameSetError { text, column: 1, cause: too_many() });
        }
        Ok(FrameSet(runs(start, end, step).collect()))
    }

    /// How many frames.
    pub fn len(&self) -> usize {
        self.0.iter().map(Run::len).sum()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Whether `frame` is one of them.
    pub fn contains(&self, frame: i32) -> bool {
        let at = self.0.partition_point(|run| run.last < frame);
        self.0.get(at).is_some_and(|run| run.first <= frame)
    }
    /// The frames in rising order.
    pub fn iter(&self) -> impl Iterator<Item = i32> + '_ {
        self.0.iter().flat_map(|run| run.first..=run.last)
    }
    /// The lowest frame.
    pub fn first(&self) -> Option<i32> {
        self.0.first().map(|run| run.first)
    }
    /// The highest frame.
    pub fn last(&self) -> Option<i32> {
        self.0.last().map(|run| run.last)
    }
    /// The frames of both.
    #[must_use]
    pub fn union(&self, other: &FrameSet) -> FrameSet {
        FrameSet::union_of([self, other])
    }
    /// The frames of all of them, at the price of one sort: a job may have a hundred thousand tasks.
    #[must_use]
    pub fn union_of<'a>(sets: impl IntoIterator<Item = &'a FrameSet>) -> FrameSet {
        FrameSet::of_runs(sets.into_iter().flat_map(|set| &set.0).copied().collect())
    }
    /// The frames that are in both.
    #[must_use]
    pub fn common(&self, other: &FrameSet) -> FrameSet {
        let mut common = Vec::new();
        let (mut ours, mut theirs) = (self.since(other).iter().peekable(), other.since(self).iter().peekable());
        while let (Some(our), Some(their)) = (ours.peek(), theirs.peek()) {
            let (first, last) = (our.first.max(their.first), our.last.min(their.last));
            if first <= last {
                common.push(Run { first, last });
            }
            if our.last < their.last {
                ours.next()
            } else {
                theirs.next()
            };
        }
        FrameSet(common)
    }
    /// Whether there is a frame that is in both, without making the set of them.
    pub fn intersects(&self, other: &FrameSet) -> bool {
        let (mut ours, mut theirs) = (self.since(other), other.since(self));
        while let (Some(our), Some(their)) = (ours.first(), theirs.first()) {
            if our.first <= their.last && their.first <= our.last {
                return true;
            }
            if our.last < their.last { ours = &ours[1..] } else { theirs = &theirs[1..] }
        }
        false
    }
    /// The frames of this set that `other` lacks.
    #[must_use]
    pub fn minus(&self, other: &FrameSet) -> FrameSet {
        let mut left = Vec::new();
        let mut theirs = other.since(self).iter().peekable();
        for run in &self.0 {
            let mut from = Some(run.first);
            while let (Some(first), Some(their)) = (from, theirs.peek().filter(|their| their.first <= run.last)) {
                // What is before the gap that `their` makes stays; what is behind it is looked at further.
                left.extend(Run::before(first, their.first));
                from =
                    if their.last < first { from } else { their.last.checked_add(1).filter(|next| *next <= run.last) };
                // One that reaches beyond this run may reach into the next.
                if their.last <= run.last {
                    theirs.next();
                }
            }
            left.extend(from.map(|first| Run { first, last: run.last }));
        }
        FrameSet(left)
    }
    /// Runs of at most `size` frames, in order: the frames of each task.
    pub fn chunks(&self, size: usize) -> Vec<FrameSet> {
        let frames: Vec<i32> = self.iter().collect();
        frames.chunks(size.max(1)).map(|chunk| chunk.iter().copied().collect()).collect()
    }

    /// The runs from the first that `other` may touch: a small set against a large one need not walk all of it.
    fn since(&self, other: &FrameSet) -> &[Run] {
        let at = other.first().map_or(self.0.len(), |first| self.0.partition_point(|run| run.last < first));
        &self.0[at..]
    }

    /// Sorts, and joins what overlaps or touches.
    fn of_runs(mut runs: Vec<Run>) -> FrameSet {
        // What is sorted already, as the tasks of a run are, costs one look.
        runs.sort_unstable();
        runs.dedup_by(|next, run| {
            let touches = next.first <= run.last.saturating_add(1);
            if touches {
                run.last = run.last.max(next.last);
            }
            touches
        });
        runs.shrink_to_fit();
        FrameSet(runs)
    }
}

impl Run {
    fn len(&self) -> usize {
        usize::try_from(i64::from(self.last) - i64::from(self.first) + 1).unwrap_or_default()
    }

    /// The frames from `first` to the one before `end`, if there are any.
    fn before(first: i32, end: i32) -> Option<Run> {
        (first < end).then(|| Run { first, last: end - 1 })
    }
}

impl FromIterator<i32> for FrameSet {
    fn from_iter<I: IntoIterator<Item = i32>>(frames: I) -> Self {
        FrameSet::of_runs(frames.into_iter().map(|frame| Run { first: frame, last: frame }).collect())
    }
}

/// The runs of a range: one, or one for each frame where there are gaps.
fn runs(first: i32, last: i32, step: i32) -> impl Iterator<Item = Run> {
    let whole = (step == 1 && first <= last).then_some(Run { first, last });
    let apart = (step != 1).then(|| (first..=last).step_by(step.unsigned_abs().max(1) as usize));
    whole.into_iter().chain(apart.into_iter().flatten().map(|frame| Run { first: frame, last: frame }))
}

/// How many frames there are from `first` to `last`, every `step`-th; none where the range ends before it begins.
fn count(first: i32, last: i32, step: i32) -> u64 {
    let width = i64::from(last) - i64::from(first);
    u64::try_from(width).map_or(0, |width| width / u64::from(step.unsigned_abs().max(1)) + 1)
}

fn too_many() -> String {
    format!("more than {MAX_FRAMES} frames")
}

/// A run of frames with one step, as the text shows it.
struct Span {
    first: i32,
    last: i32,
    step: i32,
}

/// Cuts sorted frames into spans: as long as possible from the left; a step other than 1 needs three frames.
fn spans(frames: &[i32]) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut at = 0;
    while at < frames.len() {
        let step = frames.get(at + 1).map_or(1, |next| next.saturating_sub(frames[at]));
        let mut end = at;
        while end + 1 < frames.len() && frames[end + 1].saturating_sub(frames[end]) == step {
            end += 1;
        }
        if step != 1 && end - at < 2 {
            end = at;
        }
        spans.push(Span { first: frames[at], last: frames[end], step });
        at = end + 1;
    }
    spans
}

impl fmt::Display for FrameSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frames: Vec<i32> = self.iter().collect();
        let items: Vec<String> = spans(&frames)
            .into_iter()
            .map(|span| match span {
                Span { first, last, .. } if first == last => first.to_string(),
                Span { first, last, step: 1 } => format!("{first}-{last}"),
                Span { first, last, step } => format!("{first}-{last}x{step}"),
            })
            .collect();
        f.pad(&items.join(","))
    }
}

impl FromStr for FrameSet {
    type Err = FrameSetError;

    fn from_str(text: &str) -> Result<Self, FrameSetError> {
        let (mut found, mut frames) = (Vec::new(), 0);
        let mut column = 1;
        for item in text.split(',') {
            let indent = item.len() - item.trim_start().len();
            let fail = |cause: String| FrameSetError {
                text: text.chars().take(200).collect(),
                column: column + indent,
                cause,
            };
            let (first, last, step) = parse_item(item.trim()).map_err(&fail)?;
            frames += count(first, last, step);
            if frames > MAX_FRAMES {
                return Err(fail(too_many()));
            }
            found.extend(runs(first, last, step));
            column += item.chars().count() + 1;
        }
        Ok(FrameSet::of_runs(found))
    }
}

/// `(first, last, step)` of one item; step is at least 1 and first at most last.
fn parse_item(item: &str) -> Result<(i32, i32, i32), String> {
    if item.is_empty() {
        return Err("a frame or range is missing".into());
    }
    let (range, step) = match item.split_once(['x', 'X']) {
        Some((range, step)) => (range, Some(step)),
        None => (item, None),
    };
    let number = |part: &str| {
        let part = part.trim();
        let is_whole = |digits: &str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        part.parse::<i32>().map_err(|_| match is_whole(part.strip_prefix('-').unwrap_or(part)) {
            true => format!("{part} is too large: the last frame that Blender renders is {LAST_FRAME}"),
            false => format!("{part:?} is not a frame number"),
        })
    };
    let (first, last) = match split_range(range) {
        Some((first, last)) => (number(first)?, number(last)?),
        None if step.is_some() => return Err("a step needs a range before it".into()),
        None => (number(range)?, number(range)?),
    };
    if last < first {
        return Err(format!("the range ends ({last}) before it begins ({first})"));
    }
    match step.map(number).transpose()? {
        Some(step) if step < 1 => Err("a step is at least 1".into()),
        step => Ok((first, last, step.unwrap_or(1))),
    }
}

/// Splits `A-B` or `A..B`; a minus sign before A or B is not the separator.
fn split_range(text: &str) -> Option<(&str, &str)> {
    if let Some(halves) = text.split_once("..") {
        return Some(halves);
    }
    let sign = usize::from(text.starts_with('-'));
    let at = text[sign..].find('-')? + sign;
    Some((&text[..at], &text[at + 1..]))
}

impl TryFrom<String> for FrameSet {
    type Error = FrameSetError;
    fn try_from(text: String) -> Result<Self, FrameSetError> {
        if text.is_empty() { Ok(FrameSet::default()) } else { text.parse() }
    }
}
impl From<FrameSet> for String {
    fn from(set: FrameSet) -> String {
        set.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn set(text: &str) -> FrameSet {
        text.parse().expect("a frame set")
    }

    #[test]
    fn numbers_beyond_the_last_frame_are_told_from_words() {
        for (text, words) in [
            ("99999999999", "99999999999 is too large: the last frame that Blender renders is 1048574"),
            ("1-2147483648", "1048574"),
            ("3-y", "\"y\" is not a frame number"),
            ("--yes", "is not a frame number"),
        ] {
            let error = text.parse::<FrameSet>().expect_err("no frames").to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn texts_become_frames_and_the_shortest_text_again() {
        for (text, printed, count) in [
            ("1-3", "1-3", 3),
            ("101-110x3", "101-110x3", 4),
            ("3, 5-10, 47..50", "3,5-10,47-50", 11),
            ("1,2,3,7", "1-3,7", 4),
            ("1,3,5", "1-5x2", 3),
            ("1,3", "1,3", 2),
            ("-5--3", "-5--3", 3),
            ("7", "7", 1),
            ("1-10x4", "1-9x4", 3),
        ] {
            assert_eq!((set(text).to_string().as_str(), set(text).len()), (printed, count), "{text}");
        }
    }

    #[test]
    fn wrong_texts_name_the_column() {
        for (text, column) in [
            ("", 1),
            ("1,,2", 3),
            ("1-3,x", 5),
            ("5-1", 1),
            ("1-9x0", 1),
            ("1-9999999999", 1),
            ("0-2000000", 1),
            ("7x2", 1),
        ] {
            let error = text.parse::<FrameSet>().expect_err(text);
            assert_eq!(error.column, column, "{error}");
        }
    }

    #[test]
    fn a_range_of_a_scene_is_as_bounded_as_one_in_a_text() {
        let range = |start, end, step| FrameSet::range(start, end, step).map(|set| set.to_string());
        assert_eq!(range(1, 10, 4).as_deref(), Ok("1-9x4"));
        assert_eq!(range(5, 1, 1).as_deref(), Ok(""));
        assert_eq!(range(3, 3, 0).as_deref(), Ok("3"));
        // Blender's own largest range is above the bound; what is kept must be readable again.
        for (start, end, step) in [(0, 1_048_574, 1), (i32::MIN, i32::MAX, 1), (i32::MIN, i32::MAX, 100)] {
            let error = FrameSet::range(start, end, step).expect_err("too many");
            assert!(error.to_string().contains(&format!("{start}-{end}")), "{error}");
        }
        assert_eq!(FrameSet::range(i32::MIN, i32::MAX, i32::MAX).map(|set| set.len()), Ok(3));
    }

    #[test]
    fn chunks_keep_every_frame_once() {
        let chunks: Vec<String> = set("3, 5-10, 47-50").chunks(4).iter().map(ToString::to_string).collect();
        assert_eq!(chunks, ["3,5-7", "8-10,47", "48-50"]);
    }

    #[test]
    fn the_ends_of_the_numbers_are_frames_too() {
        let ends: FrameSet = [i32::MAX, i32::MIN].into_iter().collect();
        let high = FrameSet::from_iter([i32::MAX]);
        assert_eq!((ends.len(), ends.contains(i32::MAX), ends.contains(0)), (2, true, false));
        assert_eq!((ends.minus(&high).last(), ends.common(&high)), (Some(i32::MIN), high));
    }

    /// What a set of single numbers says is the truth.
    fn oracle(set: &FrameSet) -> BTreeSet<i32> {
        let frames: Vec<i32> = set.iter().collect();
        assert!(set.0.windows(2).all(|two| i64::from(two[0].last) + 1 < i64::from(two[1].first)), "{set:?}");
        assert_eq!(
            (set.len(), set.first(), set.last()),
            (frames.len(), frames.first().copied(), frames.last().copied())
        );
        frames.into_iter().collect()
    }

    fn frames() -> impl Strategy<Value = BTreeSet<i32>> {
        // Close together, so that runs touch, overlap and lie in one another.
        prop_oneof![
            proptest::collection::btree_set(-20i32..40, 0..40),
            proptest::collection::btree_set(-2000i32..2000, 0..60)
        ]
    }

    proptest! {
        #[test]
        fn sets_of_runs_are_sets_of_numbers(a in frames(), b in frames(), c in frames(), size in 1usize..9) {
            let of = |frames: &BTreeSet<i32>| frames.iter().rev().copied().collect::<FrameSet>();
            let (x, y, z) = (of(&a), of(&b), of(&c));
            prop_assert_eq!(&oracle(&x), &a);
            prop_assert_eq!(oracle(&x.union(&y)), &a | &b);
            prop_assert_eq!(oracle(&x.minus(&y)), &a - &b);
            prop_assert_eq!(oracle(&x.common(&y)), &a & &b);
            prop_assert_eq!(x.intersects(&y), !a.is_disjoint(&b));
            prop_assert_eq!(oracle(&FrameSet::union_of([&x, &y, &z])), &(&a | &b) | &c);
            prop_assert!((-30..50).all(|frame| x.contains(frame) == a.contains(&frame)));
            let chunks = x.chunks(size);
            prop_assert!(chunks.iter().rev().skip(1).all(|chunk| chunk.len() == size));
            prop_assert_eq!(FrameSet::union_of(&chunks), x);
        }

        #[test]
        fn ranges_are_what_counting_says(start in -50i32..50, width in -5i32..60, step in -1i32..9) {
            let counted: BTreeSet<i32> = (start..=start + width).step_by(step.max(1) as usize).collect();
            let range = FrameSet::range(start, start + width, step).expect("short");
            prop_assert_eq!(oracle(&range), counted);
            prop_assert_eq!(FrameSet::try_from(range.to_string()).expect("frames"), range);
        }

        #[test]
        fn printing_and_parsing_is_the_identity(frames in proptest::collection::btree_set(-500i32..2000, 1..60)) {
            let frames: FrameSet = frames.into_iter().collect();
            prop_assert_eq!(set(&frames.to_string()), frames);
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<FrameSet>();
        }
    }
}
