//! Frames of one series should look alike: the same size, the same channels.

use super::verdict::{Flaw, Format, ImageFacts};
use std::collections::HashMap;
use std::hash::Hash;

/// The files that differ from what is expected of their series, with what differs: indices into `series`, in order.
///
/// `size` is what the scene asks for, in pixels; without it the size of most files counts. Channels are compared with those of
/// most files. Of equally common ones the first to appear counts.
pub fn differing(series: &[&ImageFacts], size: Option<(u32, u32)>) -> Vec<(usize, Flaw)> {
    let usual_size = size.or_else(|| most_common(series.iter().map(|facts| (facts.width, facts.height))));
    let usual_channels = most_common(series.iter().map(|facts| channels(facts)));
    let (Some(size), Some(usual_channels)) = (usual_size, usual_channels) else { return Vec::new() };
    let check = |facts: &ImageFacts| wrong_size(facts, size).or_else(|| wrong_channels(facts, usual_channels));
    series.iter().enumerate().filter_map(|(at, facts)| Some((at, check(facts)?))).collect()
}

/// The channels that are compared. WebP drops an alpha channel without transparency, frame by frame, so it does not count.
fn channels(facts: &ImageFacts) -> &[String] {
    match facts.channels.split_last() {
        Some((last, others)) if facts.format == Format::Webp && last == "A" => others,
        _ => &facts.channels,
    }
}

fn wrong_size(facts: &ImageFacts, (expected_width, expected_height): (u32, u32)) -> Option<Flaw> {
    let &ImageFacts { width, height, .. } = facts;
    let differs = (width, height) != (expected_width, expected_height);
    differs.then_some(Flaw::WrongSize { width, height, expected_width, expected_height })
}

fn wrong_channels(facts: &ImageFacts, expected: &[String]) -> Option<Flaw> {
    let found = channels(facts);
    (found != expected).then(|| Flaw::WrongChannels { found: found.to_vec(), expected: expected.to_vec() })
}

fn most_common<T: Copy + Eq + Hash>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: HashMap<T, (usize, usize)> = HashMap::new();
    for (at, value) in values.enumerate() {
        counts.entry(value).or_insert((0, at)).0 += 1;
    }
    counts.into_iter().max_by_key(|(_, (count, at))| (*count, usize::MAX - at)).map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::super::verdict::Sample;
    use super::*;

    fn facts(width: u32, channels: &str) -> ImageFacts {
        let channels = channels.chars().map(String::from).collect();
        ImageFacts { format: Format::Png, width, height: 9, channels, sample: Sample::U8 }
    }

    #[test]
    fn the_odd_ones_are_named() {
        let all = [facts(16, "RGB"), facts(16, "RGBA"), facts(16, "RGB"), facts(8, "RGB")];
        let series: Vec<&ImageFacts> = all.iter().collect();
        let odd = differing(&series, None);
        assert_eq!(odd.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [1, 3]);
        assert!(matches!(odd[0].1, Flaw::WrongChannels { .. }) && matches!(odd[1].1, Flaw::WrongSize { width: 8, .. }));
        assert_eq!(differing(&series, Some((8, 9))).len(), 3);
        assert_eq!(differing(&series[..2], None).len(), 1);
        assert!(differing(&[], Some((8, 9))).is_empty());
    }

    #[test]
    fn webp_may_drop_its_alpha() {
        let mut all = [facts(16, "RGB"), facts(16, "RGBA")];
        all.iter_mut().for_each(|facts| facts.format = Format::Webp);
        assert!(differing(&all.iter().collect::<Vec<_>>(), None).is_empty());
    }
}
