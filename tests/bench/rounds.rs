//! Interleaved rounds: every entry once per round, so that a busy moment hits all of them alike.

use std::time::Instant;

/// One thing that is measured.
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a str,
    /// Made before each round and not measured.
    pub(crate) before: Box<dyn Fn() + 'a>,
    /// What is measured.
    pub(crate) run: Box<dyn Fn() + 'a>,
}

impl<'a> Entry<'a> {
    pub(crate) fn new(name: &'a str, before: impl Fn() + 'a, run: impl Fn() + 'a) -> Self {
        Entry { name, before: Box::new(before), run: Box::new(run) }
    }
}

/// Seconds of wall clock and of processor time, one per round.
#[derive(Debug, Clone, Default)]
pub(crate) struct Times {
    pub(crate) name: String,
    pub(crate) wall: Vec<f64>,
    pub(crate) processor: Vec<f64>,
}

/// Runs every entry once per round.
pub(crate) fn measure(entries: &[Entry<'_>], rounds: usize) -> Vec<Times> {
    let mut times: Vec<Times> =
        entries.iter().map(|entry| Times { name: entry.name.to_owned(), ..Times::default() }).collect();
    for _ in 0..rounds {
        for (entry, times) in entries.iter().zip(&mut times) {
            (entry.before)();
            let (began, used) = (Instant::now(), processor_of_children());
            (entry.run)();
            times.wall.push(began.elapsed().as_secs_f64());
            times.processor.push(processor_of_children() - used);
        }
    }
    times
}

/// Several entries done one after the other count as one: the sum of each round.
pub(crate) fn sum(name: &str, parts: &[&Times]) -> Times {
    let add = |pick: fn(&Times) -> &Vec<f64>| {
        let rounds = parts.iter().map(|part| pick(part).len()).min().unwrap_or(0);
        (0..rounds).map(|round| parts.iter().map(|part| pick(part)[round]).sum()).collect()
    };
    Times { name: name.to_owned(), wall: add(|t| &t.wall), processor: add(|t| &t.processor) }
}

/// A table: seconds, and the ratio to `reference` as the median of the rounds and as least by least.
pub(crate) fn table(title: &str, times: &[Times], reference: &Times, goal: &str) -> String {
    let mut text = format!("## {title}\n\n| | median s | min s | cpu s | x {} | min/min |\n", reference.name);
    text.push_str("|---|---|---|---|---|---|\n");
    for row in times {
        text.push_str(&format!(
            "| {} | {:.3} | {:.3} | {:.2} | {:.2} | {:.2} |\n",
            row.name,
            median(&row.wall),
            least(&row.wall),
            median(&row.processor),
            median(&ratios(row, reference)),
            least(&row.wall) / least(&reference.wall),
        ));
    }
    text + &format!("\ngoal: {goal}\n\n")
}

fn ratios(row: &Times, reference: &Times) -> Vec<f64> {
    row.wall.iter().zip(&reference.wall).map(|(a, b)| a / b).collect()
}

/// The middle value; between two middle ones their mean.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

/// Seconds of processor time that ended children have used, from `/proc/self/stat`; 0 where there is none.
fn processor_of_children() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name in parentheses, which may have blanks: cutime and cstime are the 14th and 15th words.
    let words: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| words.get(at).and_then(|word| word.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(13) + ticks(14)) / 100.0
}
