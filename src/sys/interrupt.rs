//! Signals that ask farm to end: a flag that long work looks at, so that what is begun is put in order first. Who asks
//! again does not want to wait for that.

use crate::sys::clock::{self, Stopwatch};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

static CAUGHT: OnceLock<Arc<Interrupt>> = OnceLock::new();

/// Between two looks whether somebody asked.
const TICK: Duration = Duration::from_millis(50);

/// Whether somebody asked this process to end, where signals are caught: for waits that nobody passes a flag to.
pub fn asked() -> bool {
    signal_that_came().is_some()
}

/// The signal by which somebody asked this process to end, where signals are caught.
pub fn signal_that_came() -> Option<i32> {
    CAUGHT.get()?.signal()
}

/// Lets this thread rest for `duration`, at most until somebody asks this process to end.
pub fn rest(duration: Duration) {
    let watch = Stopwatch::start();
    while !asked() && !watch.has_passed(duration) {
        clock::sleep(TICK.min(duration.saturating_sub(watch.elapsed())));
    }
}

/// Comes to its end once somebody asks this process to end, with the signal.
pub async fn comes() -> i32 {
    loop {
        match signal_that_came() {
            Some(signal) => return signal,
            None => tokio::time::sleep(TICK).await,
        }
    }
}

/// Set once a signal came.
#[derive(Debug)]
pub struct Interrupt {
    asked: AtomicBool,
    number: AtomicI32,
}

impl Interrupt {
    /// Catches SIGINT, SIGTERM and SIGHUP from now on, but for those that farm was started to ignore (`nohup`, a shell's
    /// background). The first one sets the flag, the second ends the process at once:
    /// renderers end with it, and the next farm finishes or rolls back the rest.
    pub fn catch() -> io::Result<Arc<Interrupt>> {
        if let Some(caught) = CAUGHT.get() {
            return Ok(Arc::clone(caught));
        }
        let interrupt = Arc::new(Interrupt { asked: AtomicBool::new(false), number: AtomicI32::new(0) });
        let theirs = Arc::clone(&interrupt);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let ignored = ignored_signals();
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let mut signals = {
            let _entered = runtime.enter();
            let caught = |kind: SignalKind| match ignored & (1 << (kind.as_raw_value() - 1)) {
                0 => signal(kind).map(|caught| (kind, Some(caught))),
                _ => Ok((kind, None)),
            };
            let [interrupt, terminate, hangup] = kinds.map(caught);
            [interrupt?, terminate?, hangup?]
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                let [(a, first), (b, second), (c, third)] = &mut signals;
                loop {
                    let kind = tokio::select! {
                        () = arrival(first) => a.as_raw_value(),
                        () = arrival(second) => b.as_raw_value(),
                        () = arrival(third) => c.as_raw_value(),
                    };
                    if theirs.asked.load(Ordering::Acquire) {
                        end(kind);
                    }
                    theirs.number.store(kind, Ordering::Relaxed);
                    theirs.asked.store(true, Ordering::Release);
                }
            });
        })?;
        Ok(Arc::clone(CAUGHT.get_or_init(|| interrupt)))
    }

    /// The flag itself, for work that takes one.
    pub fn flag(&self) -> &AtomicBool {
        &self.asked
    }

    /// The signal that came, if one did.
    pub fn signal(&self) -> Option<i32> {
        self.asked.load(Ordering::Acquire).then(|| self.number.load(Ordering::Relaxed))
    }
}

/// Waits for a signal; for ever for one that is ignored.
async fn arrival(caught: &mut Option<Signal>) {
    match caught {
        Some(caught) => drop(caught.recv().await),
        None => std::future::pending().await,
    }
}

/// The signals that this process ignores, a bit each from that of signal 1 on, as proc(5) tells; none where it does not.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Ends the process with the code by which a shell says that a signal ended it.
#[expect(clippy::disallowed_methods, reason = "whoever asks twice does not want main to come to its end")]
fn end(signal: i32) -> ! {
    std::process::exit(128 + signal)
}
