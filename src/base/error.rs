//! How every error explains itself: what class it is (and so the exit code) and what to do next.

use std::error::Error;
use std::fmt;

/// What kind of ending this is. The command line turns it into an exit code (`docs/exit-codes.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// It did not work, and no other class fits: disk errors, a renderer that fails, a defect.
    Failed,
    /// The words of the command were wrong; nothing was begun.
    Usage,
    /// The query matched nothing.
    NoMatch,
    /// Some of it was done, some was not.
    Partial,
    /// A guard refused; nothing was changed.
    Refused,
    /// The Manager cannot be reached or is not fit for the request.
    Manager,
    /// A check found something wrong: missing or bad frames, a failed check of `doctor`.
    Found,
    /// Another run holds the lock.
    Locked,
    /// A signal ended the run; its state is kept. Holds the signal's number.
    Interrupted(i32),
}

/// What each module's error type says beside its message.
///
/// The message (`Display`) names the thing and the cause; `hint` is the next step, a full sentence.
pub trait Explain: Error + Send + Sync + 'static {
    /// The class that decides the exit code.
    fn class(&self) -> Class {
        Class::Failed
    }
    /// What the user can do next.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// Any error on its way up to the user: class, message, next step, and the causes below it.
///
/// Made by `?` from every error that can [`Explain`] itself.
pub struct Failure(Box<Inner>);

struct Inner {
    class: Class,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A failure of `class` whose message names the thing and the cause.
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Failure(Box::new(Inner { class, message: message.into(), hint: None, source: None }))
    }

    /// The same with the next step, a full sentence.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Puts what was being done before the message: `context: message`.
    #[must_use]
    pub fn context(mut self, what: impl fmt::Display) -> Self {
        self.0.message = format!("{what}: {}", self.0.message);
        self
    }

    /// Puts what was not done behind the message: `message; nothing was moved`. Once is enough.
    #[must_use]
    pub fn but(mut self, nothing: &str) -> Self {
        let message = self.message();
        if !message.ends_with(nothing) {
            self.0.message = format!("{message}; {nothing}");
        }
        self
    }

    /// The class that decides the exit code.
    pub fn class(&self) -> Class {
        self.0.class
    }

    /// The next step, if one is known.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The message with every cause that it does not already contain: `message: cause: cause`.
    pub fn message(&self) -> String {
        let mut text = self.0.message.clone();
        let mut cause = self.0.source.as_deref().and_then(|e| e.source());
        while let Some(error) = cause {
            let words = error.to_string();
            if !text.contains(&words) {
                text.push_str(": ");
                text.push_str(&words);
            }
            cause = error.source();
        }
        text
    }
}

impl<E: Explain> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure(Box::new(Inner {
            class: error.class(),
            message: error.to_string(),
            hint: error.hint(),
            source: Some(Box::new(error)),
        }))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.class, self.message())
    }
}

/// The next step after something that can be ended by the same command or by `farm recover`, `to` do what is left. What the
/// `hint` says already is not said again.
pub fn again_or_recover(hint: Option<&str>, to: &str) -> String {
    match hint {
        Some(hint) if hint.contains("ame command again") => format!("{hint} `farm recover` does it too."),
        Some(hint) => format!("{hint} Then give the same command again, or `farm recover`, {to}."),
        None => format!("Give the same command again, or `farm recover`, {to}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_command_is_asked_for_once() {
        let again = |hint| again_or_recover(hint, "to submit the others");
        assert_eq!(again(None), "Give the same command again, or `farm recover`, to submit the others.");
        let full = "The disk is full: free some space, then run the same command again.";
        assert_eq!(again(Some(full)), format!("{full} `farm recover` does it too."));
        let check = "Check the address. Then give the same command again, or `farm recover`, to submit the others.";
        assert_eq!(again(Some("Check the address.")), check);
    }

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read a.blend")]
    struct Outer(#[source] std::io::Error);
    impl Explain for Outer {
        fn class(&self) -> Class {
            Class::Refused
        }
        fn hint(&self) -> Option<String> {
            Some("Look at it.".into())
        }
    }

    #[test]
    fn a_failure_keeps_class_hint_and_causes() {
        let failure = Failure::from(Outer(std::io::Error::other("disk on fire"))).context("plan r1");
        assert_eq!(failure.class(), Class::Refused);
        assert_eq!(failure.hint(), Some("Look at it."));
        assert_eq!(failure.message(), "plan r1: cannot read a.blend: disk on fire");
    }
}
