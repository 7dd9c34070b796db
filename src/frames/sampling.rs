//! Which files of a series are decoded in full.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// Of a series every file at a multiple of this is decoded.
pub const EVERY: usize = 20;
/// How many robust standard deviations from the median make a size an outlier.
const FAR: f64 = 5.0;
/// The median absolute deviation times this estimates the standard deviation of normal data.
const MAD_TO_SIGMA: f64 = 1.4826;
/// Sizes that differ by less than this part of the median are never outliers: series of equal frames have no deviation.
const NEGLIGIBLE: f64 = 0.02;

/// How thoroughly frames are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Depth {
    /// Every file walked, none decoded; harvested files are told by their size.
    Quick,
    /// Every file walked, a sample decoded.
    #[default]
    Standard,
    /// Every file decoded.
    Deep,
}

impl Depth {
    /// What this depth leaves unchecked, as a sentence for reports; `None` if nothing.
    pub fn unchecked(self) -> Option<&'static str> {
        match self {
            Depth::Quick => {
                Some("No pixels were decoded, and files harvested before were compared by their size alone.")
            }
            Depth::Standard => Some(
                "Pixels were decoded for the first, the last, every 20th and files of unusual size; the others' structure was \
                 checked from end to end.",
            ),
            Depth::Deep => None,
        }
    }
}

impl fmt::Display for Depth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Depth::Quick => "quick",
            Depth::Standard => "standard",
            Depth::Deep => "deep",
        })
    }
}

/// Whether the file at this place of a series of `count` is decoded whatever the sizes: it can be done as it is read.
pub fn is_certain(depth: Depth, at: usize, count: usize) -> bool {
    match depth {
        Depth::Quick => false,
        Depth::Deep => true,
        Depth::Standard => at.is_multiple_of(EVERY) || at + 1 == count,
    }
}

/// Which files to decode: indices into `sizes`, the sizes in bytes of one series (the frames of a job, one view, one pass)
/// in frame order.
pub fn to_decode(depth: Depth, sizes: &[u64]) -> BTreeSet<usize> {
    let certain = (0..sizes.len()).filter(|at| is_certain(depth, *at, sizes.len()));
    let unusual = if depth == Depth::Standard { outliers(sizes) } else { Vec::new() };
    certain.chain(unusual).collect()
}

/// Sizes far from the median, measured in a way that the outliers themselves cannot move.
fn outliers(sizes: &[u64]) -> Vec<usize> {
    let Some(middle) = median(sizes.iter().map(|&size| size as f64)) else { return Vec::new() };
    let deviation = |size: &u64| (*size as f64 - middle).abs();
    let spread = median(sizes.iter().map(&deviation)).unwrap_or(0.0) * MAD_TO_SIGMA;
    let limit = (FAR * spread).max(NEGLIGIBLE * middle);
    (0..sizes.len()).filter(|&at| deviation(&sizes[at]) > limit).collect()
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(sizes: &[u64]) -> Vec<usize> {
        to_decode(Depth::Standard, sizes).into_iter().collect()
    }

    #[test]
    fn the_first_the_last_and_every_twentieth_are_decoded() {
        assert_eq!(decoded(&[]), [] as [usize; 0]);
        assert_eq!(decoded(&[5]), [0]);
        assert_eq!(decoded(&[5; 45]), [0, 20, 40, 44]);
    }

    #[test]
    fn unusual_sizes_are_decoded_and_usual_ones_are_not() {
        let mut sizes: Vec<u64> = (0..60).map(|n| 100_000 + n % 7 * 500).collect();
        sizes[33] = 3_000;
        sizes[51] = 400_000;
        assert_eq!(decoded(&sizes), [0, 20, 33, 40, 51, 59]);
        // Equal but for a few bytes of metadata.
        let mut equal = vec![10_000; 10];
        equal[4] = 10_003;
        assert_eq!(decoded(&equal), [0, 9]);
        equal[4] = 5_000;
        assert_eq!(decoded(&equal), [0, 4, 9]);
    }

    #[test]
    fn the_other_depths_are_plain() {
        assert!(to_decode(Depth::Quick, &[1, 2, 3]).is_empty());
        assert_eq!(to_decode(Depth::Deep, &[1, 2, 3]).len(), 3);
        assert!(Depth::Quick.unchecked().is_some() && Depth::Deep.unchecked().is_none());
        assert_eq!(to_decode(Depth::Standard, &[u64::MAX, 0, u64::MAX]).len(), 3);
    }
}
