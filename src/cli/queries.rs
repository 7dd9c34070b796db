//! Words of the command line that say which jobs are meant.

use crate::base::error::{Class, Failure};
use crate::base::name::{Home, JobRef};
use crate::ops::select::Reach;
use crate::query::Query;

/// What the words of a verb come to.
#[derive(Debug)]
pub struct Meant {
    /// Whose jobs.
    pub reach: Reach,
    /// Which of them.
    pub query: Query,
}

/// Reads a query about jobs, and shows where it is wrong.
type Read<'a> = &'a dyn Fn(&str) -> Result<Query, Failure>;

/// Whether a word is a plain name, or the beginning of an id.
pub fn is_name(word: &str) -> bool {
    let is_of_one = |letter: char| letter.is_alphanumeric() || "-_./".contains(letter);
    !word.is_empty() && word.chars().all(is_of_one)
}

/// `jobs`, `release.jobs`, `r1.jobs` or `r1/A`, and a query in several words.
pub fn meant(what: &str, words: &[String], all: bool, read: Read<'_>) -> Result<Meant, Failure> {
    let reach = match what.strip_suffix("jobs") {
        Some("") => Reach::Everything,
        Some("release.") => Reach::Releases,
        Some(home) if home.ends_with('.') => Reach::Home(home.trim_end_matches('.').parse::<Home>()?),
        _ => return named(what, words, all, read),
    };
    let text = words.join(" ");
    let query = read(&text)?;
    match (query.is_empty(), all) {
        (true, false) => Err(Failure::new(Class::Usage, "an empty query means every job, and nobody said --all")
            .with_hint(
                "Say --all for all of them, or write which: 'status:active', 'shot0*'; docs/queries.md tells more.",
            )),
        (false, true) => {
            Err(Failure::new(Class::Usage, "--all and a query contradict each other")
                .with_hint("Leave one of them out."))
        }
        _ => Ok(Meant { reach, query }),
    }
}

/// One job by its full name.
fn named(what: &str, words: &[String], all: bool, read: Read<'_>) -> Result<Meant, Failure> {
    let job: Option<JobRef> = what.parse().ok();
    match job {
        Some(job) if words.is_empty() && !all => {
            Ok(Meant { reach: Reach::Home(job.home.clone()), query: read(&format!("ref={job}"))? })
        }
        _ => {
            let words = format!("{what:?} does not say whose jobs are meant");
            let hint = "Write `jobs`, `release.jobs` or `NAME.jobs`, then a query: jobs 'status:active'.";
            Err(Failure::new(Class::Usage, words).with_hint(hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Subject;

    fn read(what: &str, words: &[&str], all: bool) -> Result<String, String> {
        let parse = |text: &str| Ok(Query::parse(Subject::Jobs, text, &Default::default())?);
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let meant = meant(what, &words, all, &parse).map_err(|failure| failure.message())?;
        Ok(format!("{:?} {}", meant.reach, meant.query).replace("Home(Release(ReleaseName(", "(((").replace(")))", ""))
    }

    #[test]
    fn the_words_say_whose_jobs_and_which() {
        assert_eq!(read("jobs", &["status:active", "A"], false).as_deref(), Ok("Everything status:active A"));
        assert_eq!(read("release.jobs", &["A"], false).as_deref(), Ok("Releases A"));
        assert_eq!(read("r1.2.jobs", &["A"], false).as_deref(), Ok("(((\"r1.2\" A"));
        assert_eq!(read("quick.jobs", &["A"], false).as_deref(), Ok("Home(Quick) A"));
        assert_eq!(read("r1/A", &[], false).as_deref(), Ok("(((\"r1\" ref:r1/A"));
        assert_eq!(read("jobs", &[], true).as_deref(), Ok("Everything "));
        for (what, words, all) in [
            ("jobs", &[][..], false),
            ("jobs", &[""], false),
            ("jobs", &["A"], true),
            ("r1", &[], false),
            ("r1jobs", &["A"], false),
            ("r1/A", &["B"], false),
            (".jobs", &["A"], false),
            ("../x.jobs", &["A"], false),
        ] {
            assert!(read(what, words, all).is_err(), "{what} {words:?} {all}");
        }
        assert!(read("jobs", &[], false).is_err_and(|words| words.contains("--all")));
    }

    #[test]
    fn a_name_is_no_pattern_and_no_question() {
        for word in ["r1", "r1/A", "0f3c9a7e", "sh-0.10_v2"] {
            assert!(is_name(word), "{word}");
        }
        for word in
            ["", "shot0*", "*/B", "r[!1]", "status:active", "a b", "priority>5", "@mine", "(a)", "a,b", "name~x"]
        {
            assert!(!is_name(word), "{word}");
        }
    }
}
