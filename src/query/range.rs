//! Ranges of numbers, durations and dates: `5..`, `..2d`, `2026-11-01..2026-11-03`.

use crate::base::time::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

/// The longest time that can be asked for, some ten thousand years.
const LONGEST: i64 = 10_000 * 366 * DAY;

/// The units of a duration, the longest that is printed first.
const UNITS: [(char, i64); 5] = [('w', WEEK), ('d', DAY), ('h', HOUR), ('m', MINUTE), ('s', 1)];

/// Whole numbers from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    /// None: without end.
    pub(super) first: Option<i64>,
    /// None: without end.
    pub(super) last: Option<i64>,
}

/// How a comparison is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Above,
    AtLeast,
    Below,
    AtMost,
}

/// What the whole numbers of a range count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// 0 to 100.
    Hundred,
    /// Seconds of a duration.
    Seconds,
    /// Seconds since 1970.
    Moments,
}

impl Range {
    pub(super) fn contains(&self, number: i64) -> bool {
        self.first.is_none_or(|first| first <= number) && self.last.is_none_or(|last| number <= last)
    }
}

impl Scale {
    /// `a`, `a..b`, `a..` or `..b`.
    pub(super) fn range(self, text: &str) -> Result<Range, String> {
        let Some((first, last)) = text.split_once("..") else {
            let (first, last) = self.point(text)?;
            return Ok(Range { first: Some(first), last: Some(last) });
        };
        let end = |text: &str| if text.is_empty() { Ok(None) } else { self.point(text).map(Some) };
        let (first, last) = (end(first)?.map(|point| point.0), end(last)?.map(|point| point.1));
        match (first, last) {
            (None, None) => Err("a range without beginning and end; write one of both".into()),
            (Some(first), Some(last)) if last < first => Err("the range ends before it begins".into()),
            (first, last) => Ok(Range { first, last }),
        }
    }

    /// What is above, below … this one.
    pub(super) fn compared(self, order: Order, text: &str) -> Result<Range, String> {
        if text.contains("..") {
            return Err("a range behind < or >; one of them is enough".into());
        }
        let (first, last) = self.point(text)?;
        let range = match order {
            Order::Above => Range { first: Some(last + 1), last: None },
            Order::AtLeast => Range { first: Some(first), last: None },
            Order::Below => Range { first: None, last: Some(first - 1) },
            Order::AtMost => Range { first: None, last: Some(last) },
        };
        let (least, most) = self.ends();
        let is_empty = range.first.is_some_and(|first| first > most) || range.last.is_some_and(|last| last < least);
        if is_empty { Err(format!("nothing lies beyond {text}")) } else { Ok(range) }
    }

    /// What one value stands for: itself, or all seconds of a day.
    fn point(self, text: &str) -> Result<(i64, i64), String> {
        match self {
            Scale::Hundred => number(text).map(|number| (number, number)),
            Scale::Seconds => duration(text).map(|seconds| (seconds, seconds)),
            Scale::Moments => moment(text),
        }
    }

    fn ends(self) -> (i64, i64) {
        match self {
            Scale::Hundred => (0, 100),
            Scale::Seconds => (0, LONGEST),
            Scale::Moments => (0, i64::MAX),
        }
    }

    /// The text of a range, which is read as the same again.
    pub(super) fn print(self, range: &Range) -> String {
        let first = range.first.map(|first| self.print_end(first, first));
        let last = range.last.map(|last| self.print_end(last, last.saturating_add(1)));
        match (first, last) {
            (Some(first), Some(last)) if first == last => first,
            (first, last) => format!("{}..{}", first.unwrap_or_default(), last.unwrap_or_default()),
        }
    }

    /// One end; a day is enough where `edge`, the border that it makes, is the border of a day.
    fn print_end(self, end: i64, edge: i64) -> String {
        match self {
            Scale::Hundred => end.to_string(),
            Scale::Seconds => print_duration(end),
            Scale::Moments => {
                let text = Timestamp::from_unix(end).to_string();
                let day = text.split('T').next().filter(|_| edge % DAY == 0);
                day.map(str::to_owned).unwrap_or(text)
            }
        }
    }
}

fn number(text: &str) -> Result<i64, String> {
    let digits = text.strip_suffix('%').unwrap_or(text);
    let number = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<i64>().ok()).flatten();
    match number {
        Some(number) if number <= 100 => Ok(number),
        Some(number) => Err(format!("{number} is above 100, the highest")),
        None => Err(format!("{text:?} is no number from 0 to 100")),
    }
}

/// `2d`, `1h30m`, `90s`, `1w`, in seconds.
pub(super) fn duration(text: &str) -> Result<i64, String> {
    let fault = || format!("{text:?} is no duration such as 2d, 1h30m, 90s or 1w");
    let (mut seconds, mut count) = (0_i64, None);
    for c in text.chars() {
        match (c.to_digit(10), UNITS.iter().find(|(unit, _)| unit.eq_ignore_ascii_case(&c))) {
            (Some(digit), _) => {
                count = Some(count.unwrap_or(0_i64).saturating_mul(10).saturating_add(i64::from(digit)))
            }
            (None, Some((_, length))) => {
                let part = count.take().ok_or_else(fault)?.saturating_mul(*length);
                seconds = seconds.saturating_add(part);
            }
            (None, None) => return Err(fault()),
        }
    }
    match count {
        Some(_) => Err(format!("{text:?} has no unit behind its number: w, d, h, m or s")),
        None if text.is_empty() => Err(fault()),
        None if seconds > LONGEST => Err(format!("{text} is longer than anything lasts")),
        None => Ok(seconds),
    }
}

fn print_duration(seconds: i64) -> String {
    let (mut text, mut left) = (String::new(), seconds);
    // A week is read and not printed: 10d is easier to read than 1w3d.
    for (unit, length) in &UNITS[1..] {
        if left >= *length {
            text.push_str(&format!("{}{unit}", left / length));
            left %= length;
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

/// `2026-11-01` or `2026-11-01T10:30`, with an offset or in UTC: the first and the last of its seconds.
fn moment(text: &str) -> Result<(i64, i64), String> {
    let fault = || {
        let of_age = duration(text).map(|_| "; for the time since then write age: or idle:").unwrap_or_default();
        format!("{text:?} is no date such as 2026-11-01 or 2026-11-01T10:30{of_age}")
    };
    let span = if !text.contains(['T', 't', ' ']) {
        let day = text.parse::<jiff::civil::Date>().map_err(|_| fault())?;
        let first = day.at(0, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| fault())?.timestamp().as_second();
        (first, first + DAY - 1)
    } else if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        (moment.as_second(), moment.as_second())
    } else {
        let local = text.parse::<jiff::civil::DateTime>().map_err(|_| fault())?;
        let moment = local.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| fault())?.timestamp().as_second();
        (moment, moment)
    };
    let last_year = 9998;
    let year = Timestamp::from_unix(span.1).0.to_zoned(jiff::tz::TimeZone::UTC).year();
    if span.0 < 0 || year > last_year { Err(format!("{text} lies before 1970 or after {last_year}")) } else { Ok(span) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(scale: Scale, text: &str) -> (Option<i64>, Option<i64>) {
        let range = scale.range(text).expect(text);
        assert_eq!(scale.range(&scale.print(&range)), Ok(range), "{text}");
        (range.first, range.last)
    }

    #[test]
    fn ranges_hold_both_ends() {
        assert_eq!(read(Scale::Hundred, "5..80"), (Some(5), Some(80)));
        assert_eq!(read(Scale::Hundred, "50%"), (Some(50), Some(50)));
        assert_eq!(read(Scale::Seconds, "1w2d.."), (Some(9 * DAY), None));
        assert_eq!(read(Scale::Seconds, "..1h30m"), (None, Some(5400)));
        assert_eq!(read(Scale::Seconds, "1D"), (Some(DAY), Some(DAY)));
        assert_eq!(read(Scale::Moments, "1970-01-02"), (Some(DAY), Some(2 * DAY - 1)));
        assert_eq!(read(Scale::Moments, "1970-01-02T01:00..1970-01-03"), (Some(DAY + HOUR), Some(3 * DAY - 1)));
        assert_eq!(read(Scale::Moments, "1970-01-01T01:00:00+01:00"), (Some(0), Some(0)));
    }

    #[test]
    fn comparisons_are_ranges() {
        let compared = |scale: Scale, order, text| scale.compared(order, text).map(|range| scale.print(&range));
        assert_eq!(compared(Scale::Hundred, Order::Above, "50").as_deref(), Ok("51.."));
        assert_eq!(compared(Scale::Hundred, Order::AtMost, "50").as_deref(), Ok("..50"));
        assert_eq!(compared(Scale::Seconds, Order::Below, "2d").as_deref(), Ok("..1d23h59m59s"));
        assert_eq!(compared(Scale::Moments, Order::Above, "2026-11-01").as_deref(), Ok("2026-11-02.."));
        assert_eq!(compared(Scale::Moments, Order::Below, "2026-11-01").as_deref(), Ok("..2026-10-31"));
        assert!(compared(Scale::Hundred, Order::Above, "100").is_err());
        assert!(compared(Scale::Seconds, Order::Below, "0s").is_err());
        assert!(compared(Scale::Hundred, Order::Above, "5..7").is_err());
    }

    #[test]
    fn wrong_values_are_refused() {
        for (scale, texts) in [
            (Scale::Hundred, vec!["", "101", "-1", "1.5", "x", "..", "9..5", "1...3", "99999999999999999999", "%"]),
            (Scale::Seconds, vec!["", "2", "d", "2x", "-2d", "2 d", "..", "3d..2d", "99999999999999w", "1d2", "1é"]),
            (
                Scale::Moments,
                vec!["", "2d", "today", "2026-13-01", "1969-12-31", "9999-01-01", "2026-11-02..2026-11-01"],
            ),
        ] {
            for text in texts {
                assert!(scale.range(text).is_err(), "{text}");
            }
        }
        assert!(Scale::Moments.range("2d..").is_err_and(|cause| cause.contains("age:")));
    }
}
