//! Signals that ask farm to end: a flag that long work looks at, so that what is begun is put in order first.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::signal::unix::{SignalKind, signal};

/// Set once a signal came.
#[derive(Debug)]
pub struct Interrupt {
    asked: AtomicBool,
    number: AtomicI32,
}

impl Interrupt {
    /// Catches SIGINT, SIGTERM and SIGHUP from now on.
    pub fn catch() -> io::Result<Arc<Interrupt>> {
        static CAUGHT: OnceLock<Arc<Interrupt>> = OnceLock::new();
        if let Some(caught) = CAUGHT.get() {
            return Ok(Arc::clone(caught));
        }
        let interrupt = Arc::new(Interrupt { asked: AtomicBool::new(false), number: AtomicI32::new(0) });
        let theirs = Arc::clone(&interrupt);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let mut signals = {
            let _entered = runtime.enter();
            kinds.map(|kind| (kind, signal(kind)))
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                let [(a, first), (b, second), (c, third)] = &mut signals;
                let (Ok(first), Ok(second), Ok(third)) = (first, second, third) else { return };
                loop {
                    let kind = tokio::select! {
                        _ = first.recv() => a.as_raw_value(),
                        _ = second.recv() => b.as_raw_value(),
                        _ = third.recv() => c.as_raw_value(),
                    };
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
