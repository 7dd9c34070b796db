//! What was said during one command, so that it is said once.

use crate::ops::ports::Ports;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// What was said. Whoever waits submits missing frames again and again, and looks at the same runs each time.
#[derive(Debug, Default)]
pub struct Told(Mutex<HashSet<String>>);

impl Told {
    /// Whether it was said.
    pub(super) fn has(&self, what: &str) -> bool {
        // A panic in between leaves a whole set.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(what)
    }

    /// Takes it for said; whether it is the first time.
    pub(super) fn is_new(&self, what: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(what.to_owned())
    }

    /// Says it, if it was not said before.
    pub(super) fn note(&self, ports: &Ports<'_>, words: &str) {
        if self.is_new(words) {
            ports.progress.note(words);
        }
    }
}
