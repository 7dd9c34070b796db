//! Sets of frame numbers and their text: `1-3,7,101-110x3`.

use super::error::{Class, Explain};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// The most frames one set may hold; a larger range is a slip of the finger.
pub const MAX_FRAMES: u64 = 1_000_000;

/// A set of frame numbers, printed as the shortest text of ranges.
///
/// Grammar: items separated by commas, spaces allowed; an item is `N`, `A-B` or `A..B`, a range may end in `xS` (every
/// S-th frame from A). Negative numbers are allowed (`-5--1`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FrameSet(BTreeSet<i32>);

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

impl FrameSet {
    /// The frames from `start` to `end`, every `step`-th; a step below 1 counts as 1. More than [`MAX_FRAMES`] are refused:
    /// a scene may say anything.
    pub fn range(start: i32, end: i32, step: i32) -> Result<Self, FrameSetError> {
        let step = step.max(1);
        if count(start, end, step) > MAX_FRAMES {
            let text = if step == 1 { format!("{start}-{end}") } else { format!("{start}-{end}x{step}") };
            return Err(FrameSetError { text, column: 1, cause: too_many() });
        }
        Ok(FrameSet((start..=end).step_by(step as usize).collect()))
    }

    /// How many frames.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Whether `frame` is one of them.
    pub fn contains(&self, frame: i32) -> bool {
        self.0.contains(&frame)
    }
    /// The frames in rising order.
    pub fn iter(&self) -> impl Iterator<Item = i32> + '_ {
        self.0.iter().copied()
    }
    /// The lowest frame.
    pub fn first(&self) -> Option<i32> {
        self.0.first().copied()
    }
    /// The highest frame.
    pub fn last(&self) -> Option<i32> {
        self.0.last().copied()
    }
    /// The frames of both.
    #[must_use]
    pub fn union(&self, other: &FrameSet) -> FrameSet {
        FrameSet(self.0.union(&other.0).copied().collect())
    }
    /// The frames of this set that `other` lacks.
    #[must_use]
    pub fn minus(&self, other: &FrameSet) -> FrameSet {
        FrameSet(self.0.difference(&other.0).copied().collect())
    }
    /// Runs of at most `size` frames, in order: the frames of each task.
    pub fn chunks(&self, size: usize) -> Vec<FrameSet> {
        let frames: Vec<i32> = self.iter().collect();
        frames.chunks(size.max(1)).map(|run| FrameSet(run.iter().copied().collect())).collect()
    }
}

impl FromIterator<i32> for FrameSet {
    fn from_iter<I: IntoIterator<Item = i32>>(frames: I) -> Self {
        FrameSet(frames.into_iter().collect())
    }
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
        let mut frames = BTreeSet::new();
        let mut column = 1;
        for item in text.split(',') {
            let indent = item.len() - item.trim_start().len();
            let fail = |cause: String| FrameSetError {
                text: text.chars().take(200).collect(),
                column: column + indent,
                cause,
            };
            let (first, last, step) = parse_item(item.trim()).map_err(&fail)?;
            if count(first, last, step) + frames.len() as u64 > MAX_FRAMES {
                return Err(fail(too_many()));
            }
            frames.extend((first..=last).step_by(step as usize));
            column += item.chars().count() + 1;
        }
        Ok(FrameSet(frames))
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
        part.parse::<i32>().map_err(|_| format!("{part:?} is not a frame number"))
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

    fn set(text: &str) -> FrameSet {
        text.parse().expect("a frame set")
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

    proptest! {
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
