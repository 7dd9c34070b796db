//! Which jobs a retry is for.

use crate::base::error::Failure;
use crate::base::name::{Home, JobName};
use crate::ops::release;
use crate::ops::status::resolve;
use crate::ops::status::select::Selector;
use crate::volume::Volume;
use crate::volume::release_file::JobRecord;

/// The jobs that the words name, by their homes: a release, a `release/job`, the name of a job that only one release has, an
/// id's beginning, or a glob. Several words name what any of them does; a word that names nothing is an error.
pub fn select(volume: &Volume, words: &[String]) -> Result<Vec<(Home, Vec<JobName>)>, Failure> {
    let mut chosen: Vec<(Home, Vec<JobName>)> = Vec::new();
    for word in words {
        let selector = Selector::new(word);
        let found = if selector.is_glob() { globbed(volume, word, &selector)? } else { vec![named(volume, word)?] };
        found.into_iter().for_each(|(home, jobs)| add(&mut chosen, home, jobs));
    }
    Ok(chosen)
}

fn add(chosen: &mut Vec<(Home, Vec<JobName>)>, home: Home, jobs: Vec<JobName>) {
    match chosen.iter_mut().find(|(known, _)| *known == home) {
        Some((_, known)) => {
            let new: Vec<JobName> = jobs.into_iter().filter(|job| !known.contains(job)).collect();
            known.extend(new);
        }
        None => chosen.push((home, jobs)),
    }
}

fn named(volume: &Volume, word: &str) -> Result<(Home, Vec<JobName>), Failure> {
    let named = resolve::find(volume, word)?;
    let jobs = match named.job {
        Some(job) => vec![job],
        None => named.file.jobs.iter().map(|job| job.name.clone()).collect(),
    };
    Ok((named.file.name, jobs))
}

/// A home that a glob may mean and that cannot be read is that failure: what is in it would be left out in silence.
fn globbed(volume: &Volume, word: &str, selector: &Selector) -> Result<Vec<(Home, Vec<JobName>)>, Failure> {
    let mut found = Vec::new();
    for home in volume.homes()?.names {
        let Some(file) = release::load(volume, &home)? else { continue };
        let meant = |job: &&JobRecord| selector.matches(&home, &job.name, &resolve::ids(job));
        let jobs: Vec<JobName> = file.jobs.iter().filter(meant).map(|job| job.name.clone()).collect();
        if !jobs.is_empty() {
            found.push((home, jobs));
        }
    }
    if found.is_empty() { Err(resolve::unknown(volume, word)?) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::Class;
    use crate::ops::check::room::Room;

    #[test]
    fn several_words_name_what_any_of_them_does_once() {
        let room = Room::new(&[("A", "1"), ("B", "1"), ("shot1", "1")]);
        let select = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            select(&room.volume, &words).map(|chosen| {
                let names = |(home, jobs): (Home, Vec<JobName>)| {
                    jobs.into_iter().map(move |job| format!("{home}/{job}")).collect::<Vec<_>>()
                };
                chosen.into_iter().flat_map(names).collect::<Vec<_>>()
            })
        };
        assert_eq!(select(&["r1"]).expect("all"), ["r1/A", "r1/B", "r1/shot1"]);
        assert_eq!(select(&["r1/B", "A", "B"]).expect("two"), ["r1/B", "r1/A"]);
        assert_eq!(select(&["sh*"]).expect("one"), ["r1/shot1"]);
        for none in ["r1/C", "x*", "r9"] {
            assert_eq!(select(&["A", none]).expect_err("nothing is called so").class(), Class::NoMatch, "{none}");
        }
    }
}
