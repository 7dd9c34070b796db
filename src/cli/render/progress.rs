//! Progress: bars on a terminal, plain lines elsewhere, nothing with `--quiet`.

use crate::cli::escape;
use crate::cli::output::Output;
use crate::ops::ports::{self, JobProgress, Stage};
use crate::sys::interrupt::Interrupt;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Draws or prints what operations tell.
pub struct Progress<'a> {
    output: &'a Output,
    bars: Option<MultiProgress>,
    stage: Mutex<Option<ProgressBar>>,
    jobs: Mutex<BTreeMap<String, Seen>>,
    interrupt: Option<Arc<Interrupt>>,
}

/// What was shown last of a job.
struct Seen {
    bar: Option<ProgressBar>,
    word: String,
    tenth: u64,
}

impl<'a> Progress<'a> {
    /// Bars where `output` may draw, lines elsewhere.
    pub fn new(output: &'a Output) -> Self {
        let bars = output.can_draw().then(MultiProgress::new);
        Progress { output, bars, stage: Mutex::new(None), jobs: Mutex::new(BTreeMap::new()), interrupt: None }
    }

    /// The same, and operations hear of `interrupt` between two steps.
    #[must_use]
    pub fn heeding(self, interrupt: Arc<Interrupt>) -> Self {
        Progress { interrupt: Some(interrupt), ..self }
    }

    /// Takes every bar off the screen.
    pub fn clear(&self) {
        if let Some(bar) = lock(&self.stage).take() {
            bar.finish_and_clear();
        }
        for seen in lock(&self.jobs).values() {
            if let Some(bar) = &seen.bar {
                bar.abandon();
            }
        }
    }

    fn new_job(&self, progress: &JobProgress) -> Seen {
        let bar = self
            .bars
            .as_ref()
            .map(|bars| bars.add(bar(progress.total, "{prefix:24} {bar:32} {pos}/{len} {eta:>6}  {msg}")));
        if let Some(bar) = &bar {
            bar.set_prefix(progress.job.to_string());
        }
        Seen { bar, word: String::new(), tenth: u64::MAX }
    }
}

/// A poisoned lock only means that another thread panicked while drawing.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn bar(total: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total).with_style(style.progress_chars("=> "))
}

fn title(stage: Stage) -> (&'static str, &'static str) {
    const COUNT: &str = "{prefix:16} {bar:32} {pos}/{len} {eta:>6}";
    const BYTES: &str = "{prefix:16} {bar:32} {binary_bytes}/{binary_total_bytes} {eta:>6}";
    match stage {
        Stage::Scenes => ("reading scenes", COUNT),
        Stage::Digests => ("digests", BYTES),
        Stage::Copies => ("copying", BYTES),
        Stage::Frames => ("checking frames", COUNT),
        Stage::Moves => ("moving frames", COUNT),
        Stage::Previews => ("previews", COUNT),
        Stage::Orders => ("jobs", COUNT),
    }
}

impl ports::Progress for Progress<'_> {
    fn begin(&self, stage: Stage, total: u64) {
        let mut current = lock(&self.stage);
        if let Some(old) = current.take() {
            old.finish_and_clear();
        }
        let (name, template) = title(stage);
        *current = self.bars.as_ref().map(|bars| bars.add(bar(total, template)).with_prefix(name));
    }

    fn advance(&self, amount: u64) {
        if let Some(bar) = lock(&self.stage).as_ref() {
            bar.inc(amount);
        }
    }

    fn job(&self, progress: &JobProgress) {
        let mut jobs = lock(&self.jobs);
        let seen = jobs.entry(progress.job.to_string()).or_insert_with(|| self.new_job(progress));
        if let Some(bar) = &seen.bar {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
            bar.set_message(escape::line(&progress.word));
            return;
        }
        // Elsewhere a line for each tenth and each new word, so that a log stays short.
        let tenth = progress.done * 10 / progress.total.max(1);
        if tenth != seen.tenth || progress.word != seen.word {
            seen.tenth = tenth;
            seen.word.clone_from(&progress.word);
            self.output.say(&format!(
                "{}: {}/{} frames written, {}",
                progress.job, progress.done, progress.total, progress.word
            ));
        }
    }

    fn interrupted(&self) -> Option<i32> {
        self.interrupt.as_ref()?.signal()
    }

    fn note(&self, text: &str) {
        match &self.bars {
            Some(bars) => bars.suspend(|| self.output.say(text)),
            None => self.output.say(text),
        }
    }
}
