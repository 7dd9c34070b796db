//! How many of something, in words for people.

use super::frame_set::FrameSet;
use std::fmt::Display;

/// A number that things are counted with.
pub trait Count: Copy + Display + PartialEq + From<u8> {}

impl<N: Copy + Display + PartialEq + From<u8>> Count for N {}

/// The number and the noun: `1 frame`, `2 frames`, `0 processes`. The noun's last word takes the plural.
pub fn counted(count: impl Count, noun: &str) -> String {
    let ending = if noun.ends_with('s') { "es" } else { "s" };
    format!("{count} {noun}{}", agree(count, "", ending))
}

/// The word that goes with so many: `is` with one, `are` with more or none.
pub fn agree<'w>(count: impl Count, one: &'w str, many: &'w str) -> &'w str {
    if is_one(count) { one } else { many }
}

/// The first `most` of these, and how many more there are of this noun, which may be empty: `a, b and 3 more jobs`.
pub fn few(words: &[String], most: usize, noun: &str) -> String {
    let named = words.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    match words.len().saturating_sub(most) {
        0 => named,
        more if noun.is_empty() => format!("{named} and {more} more"),
        more => format!("{named} and {}", counted(more, &format!("more {noun}"))),
    }
}

/// Which frames: `frame 7`, `frames 1-3,9`.
pub fn frames_named(frames: &FrameSet) -> String {
    format!("{} {frames}", agree(frames.len(), "frame", "frames"))
}

fn is_one<N: Count>(count: N) -> bool {
    count == N::from(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_said_as_one() {
        assert_eq!(counted(1_usize, "frame"), "1 frame");
        assert_eq!(counted(0_u64, "frame"), "0 frames");
        assert_eq!(counted(2_u32, "renderer process"), "2 renderer processes");
        let named = |text: &str| frames_named(&text.parse().expect("frames"));
        assert_eq!((named("7"), named("7,9")), ("frame 7".to_owned(), "frames 7,9".to_owned()));
        assert_eq!((agree(1_u8, "is", "are"), agree(0_u8, "is", "are")), ("is", "are"));
    }

    #[test]
    fn the_first_few_are_named_and_the_others_counted() {
        let words: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        assert_eq!(few(&words, 3, ""), "a, b, c");
        assert_eq!(few(&words, 2, ""), "a, b and 1 more");
        assert_eq!(
            (few(&words, 2, "job"), few(&words, 1, "job")),
            ("a, b and 1 more job".into(), "a and 2 more jobs".into())
        );
    }
}
