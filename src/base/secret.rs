//! A word that is never shown.

use std::fmt;

/// A password, a token, a header's value: it can be used, and neither printed nor serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `word`.
    pub fn new(word: impl Into<String>) -> Self {
        Secret(word.into())
    }

    /// The word itself, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(not shown)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "(not shown) Some((not shown))");
        assert_eq!(secret.reveal(), "hunter2");
    }
}
