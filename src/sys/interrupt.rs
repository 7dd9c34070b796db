//! Signals that ask farm to end: a flag that long work looks at, so that what is begun is put in order first. Who asks
//! again does not want to wait for that.

use crate::sys::clock::{self, Stopwatch};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

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
    /// Catches SIGINT, SIGTERM and SIGHUP from now on. The first one sets the flag, the second ends the process at once:
    /// renderers end with it, and the next farm finishes or rolls back the rest.
    pub fn catch() -> io::Result<Arc<Interrupt>> {
        if let Some(caught) = CAUGHT.get() {
            return Ok(Arc::clone(caught));
        }
        let interrupt = Arc::new(Interrupt { asked: AtomicBool::new(false), number: AtomicI32::new(0) });
        let theirs = Arc::clone(&interrupt);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let mut signals = {
            let _entered = runtime.enter();
            let [interrupt, terminate, hangup] = kinds.map(|kind| signal(kind).map(|caught| (kind, caught)));
            [interrupt?, terminate?, hangup?]
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                let [(a, first), (b, second), (c, third)] = &mut signals;
                loop {
                    let kind = tokio::select! {
                        _ = first.recv() => a.as_raw_value(),
                        _ = second.recv() => b.as_raw_value(),
                        _ = third.recv() => c.as_raw_value(),
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

/// Ends the process with the code by which a shell says that a signal ended it.
#[expect(clippy::disallowed_methods, reason = "whoever asks twice does not want main to come to its end")]
fn end(signal: i32) -> ! {
    std::process::exit(128 + signal)
}
