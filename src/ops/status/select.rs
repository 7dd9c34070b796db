//! Which releases and jobs a word names: a bare name exactly, or a glob.

use crate::base::counted::counted;
use crate::base::error::{Class, Explain};
use crate::base::name::{Home, JobName};
use crate::base::nearest::nearest;

/// A bare name or a glob over releases and jobs.
#[derive(Debug, Clone)]
pub struct Selector {
    text: String,
    pattern: Option<glob::Pattern>,
}

/// The word matches nothing.
#[derive(Debug, thiserror::Error)]
#[error("no release or job is called {word:?}")]
pub struct NoMatch {
    word: String,
    near: Option<String>,
    unreadable: usize,
}

impl NoMatch {
    /// With the one of `names` that is most like the word, and the number of releases that could not be looked into.
    pub fn new<'a>(word: &str, names: impl Iterator<Item = &'a str>, unreadable: usize) -> NoMatch {
        // What bears the very name was looked at, and is not it.
        let near = nearest(word, names.filter(|name| *name != word));
        NoMatch { word: word.to_owned(), near, unreadable }
    }
}

impl Explain for NoMatch {
    fn class(&self) -> Class {
        Class::NoMatch
    }
    fn hint(&self) -> Option<String> {
        let near = self.near.as_ref().map(|near| format!("Did you mean {near:?}? ")).unwrap_or_default();
        let unreadable = match self.unreadable {
            0 => String::new(),
            count => format!(" {} cannot be read: `farm doctor` names them.", counted(count, "release")),
        };
        Some(format!("{near}`farm status` lists everything.{unreadable}"))
    }
}

/// A bare word that names several jobs.
#[derive(Debug, thiserror::Error)]
#[error("{word:?} names several jobs: {}", jobs.join(", "))]
pub struct Ambiguous {
    word: String,
    jobs: Vec<String>,
}

impl Ambiguous {
    /// With the full names of the jobs.
    pub fn new(word: &str, jobs: impl Iterator<Item = String>) -> Ambiguous {
        Ambiguous { word: word.to_owned(), jobs: jobs.collect() }
    }
}

impl Explain for Ambiguous {
    fn class(&self) -> Class {
        Class::Usage
    }
    fn hint(&self) -> Option<String> {
        Some("Write release/job; `farm status` also takes a glob such as '*/name' for all of them.".into())
    }
}

impl Selector {
    /// A name, whatever characters are in it.
    pub fn name(word: &str) -> Self {
        Selector { text: word.to_owned(), pattern: None }
    }

    /// A word with any of `*?[` is a glob, any other a name. A glob that cannot be read is taken as a name.
    pub fn new(word: &str) -> Self {
        let is_glob = word.contains(['*', '?', '[']);
        Selector { text: word.to_owned(), pattern: is_glob.then(|| glob::Pattern::new(word).ok()).flatten() }
    }

    /// Whether it may mean more than one thing.
    pub fn is_glob(&self) -> bool {
        self.pattern.is_some()
    }

    /// Whether this job is meant: by its release, its full name, its own name, or the beginning of its id.
    pub fn matches(&self, release: &Home, job: &JobName, ids: &[String]) -> bool {
        let full = format!("{release}/{job}");
        match &self.pattern {
            Some(pattern) => [release.as_str(), job.as_str(), &full].iter().any(|name| pattern.matches(name)),
            None => {
                let word = self.text.as_str();
                let by_id = word.len() >= 6 && ids.iter().any(|id| id.starts_with(word));
                word == release.as_str() || word == full || word == job.as_str() || by_id
            }
        }
    }

    /// Whether the release itself is meant, with whatever is in it.
    pub fn names_release(&self, release: &Home) -> bool {
        match &self.pattern {
            Some(pattern) => pattern.matches(release.as_str()),
            None => self.text == release.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact_and_globs_are_wide() {
        let (release, job): (Home, JobName) = ("r1".parse().expect("name"), "shot010".parse().expect("name"));
        let ids = ["0f3c9a7e-1111".to_owned()];
        for word in ["r1", "shot010", "r1/shot010", "shot0*", "r?", "r1/*", "0f3c9a"] {
            assert!(Selector::new(word).matches(&release, &job, &ids), "{word}");
        }
        for word in ["shot", "r", "x*", "0f3c9", "R1"] {
            assert!(!Selector::new(word).matches(&release, &job, &ids), "{word}");
        }
    }

    #[test]
    fn what_bears_the_very_name_is_not_suggested() {
        let hint = NoMatch::new("c", ["c", "r1"].into_iter(), 1).hint().expect("always");
        assert!(!hint.contains("Did you mean") && hint.contains("farm doctor"), "{hint}");
    }
}
