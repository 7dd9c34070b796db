//! When a job will be done, from what its frames took so far.

/// Seconds until `left` frames are rendered by `workers` at `seconds_per_frame` each; `None` where that is unknown.
pub fn eta(left: u64, workers: usize, seconds_per_frame: Option<f64>) -> Option<u64> {
    let seconds = seconds_per_frame.filter(|s| s.is_finite() && *s >= 0.0)?;
    match (left, workers) {
        (0, _) | (_, 0) => None,
        (left, workers) => Some((left as f64 * seconds / workers as f64).ceil() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::eta;

    #[test]
    fn an_estimate_needs_work_workers_and_a_pace() {
        assert_eq!(eta(10, 2, Some(3.0)), Some(15));
        assert_eq!(eta(0, 2, Some(3.0)), None);
        assert_eq!(eta(10, 0, Some(3.0)), None);
        assert_eq!(eta(10, 1, Some(f64::NAN)), None);
    }
}
