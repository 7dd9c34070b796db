//! For tests: what is said while somebody waits.

use crate::ops::ports::Progress;
use std::sync::{Mutex, PoisonError};

/// Hears every note.
#[derive(Default)]
pub(super) struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn note(&self, words: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(words.to_owned());
    }
}

impl Notes {
    /// What was said since it was taken last.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
