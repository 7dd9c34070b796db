//! Which jobs `--jobs` means.

use crate::base::error::{Class, Failure};
use crate::volume::release_file::{JobRecord, ReleaseFile};
use glob::Pattern;

/// The jobs of the release that any of `words` means: a name, `release/name`, or a glob; all jobs without words.
pub(super) fn select<'a>(file: &'a ReleaseFile, words: &[String]) -> Result<Vec<&'a JobRecord>, Failure> {
    if words.is_empty() {
        return Ok(file.jobs.iter().collect());
    }
    let mut patterns = Vec::new();
    for word in words {
        let own = word.strip_prefix(&format!("{}/", file.name)).unwrap_or(word);
        let wrong = |error: glob::PatternError| Failure::new(Class::Usage, format!("--jobs {word:?}: {error}"));
        patterns.push((word, Pattern::new(own).map_err(wrong)?));
    }
    let chosen = file.jobs.iter().filter(|job| patterns.iter().any(|(_, pattern)| pattern.matches(job.name.as_str())));
    let chosen: Vec<&JobRecord> = chosen.collect();
    let idle = patterns.iter().find(|(_, pattern)| !chosen.iter().any(|job| pattern.matches(job.name.as_str())));
    match idle {
        None => Ok(chosen),
        Some((word, _)) => {
            let names: Vec<&str> = file.jobs.iter().take(10).map(|job| job.name.as_str()).collect();
            let known = format!(
                "The jobs of {} are: {}{}.",
                file.name,
                names.join(", "),
                if file.jobs.len() > 10 { ", …" } else { "" }
            );
            Err(Failure::new(Class::NoMatch, format!("--jobs {word}: no job of release {} has that name", file.name))
                .with_hint(known))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::room::Room;

    #[test]
    fn names_and_globs_choose_jobs() {
        let room = Room::new(&[("shot010", "1"), ("shot020", "1"), ("title", "1")]);
        let chosen = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            select(&room.file, &words).map(|jobs| jobs.iter().map(|job| job.name.to_string()).collect::<Vec<_>>())
        };
        assert_eq!(chosen(&[]).expect("all").len(), 3);
        assert_eq!(chosen(&["shot0*"]).expect("two"), ["shot010", "shot020"]);
        assert_eq!(chosen(&["r1/title", "shot020"]).expect("two"), ["shot020", "title"]);
        assert_eq!(chosen(&["title", "nosuch"]).expect_err("one is idle").class(), Class::NoMatch);
        assert_eq!(chosen(&["shot[0"]).expect_err("no glob").class(), Class::Usage);
    }
}
