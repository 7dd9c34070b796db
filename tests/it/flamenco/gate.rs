//! What stands between farm and a Manager, and may close at a moment that a test chooses.

use super::server::flamenco::StandIn;
use super::server::{Answer, Heard, Site};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// How the gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stand {
    /// Everything passes.
    Open,
    /// Nothing passes: a proxy answers for the Manager that is away.
    Closed,
    /// It closes before the next submission.
    ClosesBefore,
    /// It closes behind the next submission, whose answer is lost.
    ClosesBehind,
    /// Submissions are held up until it stands otherwise; then they arrive, whoever sent them.
    Holds,
}

/// A gate, and the Manager behind it.
pub(super) struct Gate {
    stand_in: Arc<StandIn>,
    stand: AtomicU8,
}

impl Gate {
    /// An open one.
    pub(super) fn before(stand_in: StandIn) -> Self {
        Gate { stand_in: Arc::new(stand_in), stand: AtomicU8::new(Stand::Open as u8) }
    }

    /// The Manager behind it.
    pub(super) fn stand_in(&self) -> &StandIn {
        &self.stand_in
    }

    /// From now on.
    pub(super) fn set(&self, stand: Stand) {
        self.stand.store(stand as u8, Ordering::SeqCst);
    }
}

impl Site for Arc<Gate> {
    fn answer(&self, request: &Heard) -> Answer {
        let stand = self.stand.load(Ordering::SeqCst);
        let is = |which: Stand| stand == which as u8;
        let away = || Answer::text(502, "text/html", "<html><body>Bad Gateway</body></html>");
        if is(Stand::Open) || !is(Stand::Closed) && request.line() != "POST /api/v3/jobs" {
            return self.stand_in.answer(request);
        }
        if is(Stand::Holds) {
            while self.stand.load(Ordering::SeqCst) == Stand::Holds as u8 {
                std::thread::sleep(Duration::from_millis(10));
            }
            return self.stand_in.answer(request);
        }
        if is(Stand::ClosesBehind) {
            let _lost = self.stand_in.answer(request);
        }
        self.set(Stand::Closed);
        away()
    }
}
