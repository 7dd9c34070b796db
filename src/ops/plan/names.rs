//! Names of jobs: after the scene's file, or by a template.

use crate::base::error::{Class, Explain};
use crate::base::name::{self, JobName, NameError};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What a job is named after.
#[derive(Debug, Clone, Copy)]
pub struct NameFacts<'a> {
    /// The scene file.
    pub file: &'a Path,
    /// The scene within it.
    pub scene: &'a str,
    /// The job's place in the plan, from 1.
    pub number: usize,
}

/// Why a job could not be named.
#[derive(Debug, thiserror::Error)]
pub enum NamingError {
    /// The template has a field that farm does not know.
    #[error("job name template {template:?}, column {column}: {cause}")]
    Template {
        /// The template.
        template: String,
        /// Where, from 1.
        column: usize,
        /// Why.
        cause: String,
    },
    /// What came out is no name.
    #[error("{file}: {error}")]
    NotAName {
        /// The scene file.
        file: PathBuf,
        /// Why.
        error: NameError,
    },
    /// Nothing usable is left of the file's name.
    #[error("{file}: no job name can be made of {text:?}")]
    Unusable {
        /// The scene file.
        file: PathBuf,
        /// What the template gave.
        text: String,
    },
    /// Two scenes would have one name.
    #[error("job name {name} is given to both {first} and {second}")]
    Clash {
        /// The name.
        name: JobName,
        /// One scene.
        first: String,
        /// The other.
        second: String,
    },
}

impl Explain for NamingError {
    fn class(&self) -> Class {
        Class::Usage
    }
    fn hint(&self) -> Option<String> {
        Some(match self {
            NamingError::Template { .. } => "Fields are {file}, {folder}, {scene} and {number}.".into(),
            NamingError::NotAName { error, .. } => error.hint().unwrap_or_default(),
            NamingError::Unusable { .. } => {
                "Give the job a name in a plan file, or use --job-name-template 'shot{number}'.".into()
            }
            NamingError::Clash { .. } => {
                "Use --job-name-template '{folder}_{file}' or '{file}_{scene}', or name the jobs in a plan file.".into()
            }
        })
    }
}

/// The name that `template` gives; characters that a name may not have become `_`.
pub fn by_template(template: &str, facts: NameFacts<'_>) -> Result<JobName, NamingError> {
    let text = fill(template, facts)?;
    let made = name::sanitize(&text).and_then(|name| name.parse().ok());
    made.ok_or_else(|| NamingError::Unusable { file: facts.file.to_owned(), text })
}

/// A name that the user gave: taken as it is or refused.
pub fn given(text: &str, file: &Path) -> Result<JobName, NamingError> {
    text.parse().map_err(|error| NamingError::NotAName { file: file.to_owned(), error })
}

/// Refuses two jobs whose names are one on some file systems.
pub fn check_clashes<'a>(jobs: impl Iterator<Item = (&'a JobName, String)>) -> Result<(), NamingError> {
    let mut seen: HashMap<String, String> = HashMap::new();
    for (name, scene) in jobs {
        if let Some(first) = seen.insert(name.folded(), scene.clone()) {
            return Err(NamingError::Clash { name: name.clone(), first, second: scene });
        }
    }
    Ok(())
}

fn fill(template: &str, facts: NameFacts<'_>) -> Result<String, NamingError> {
    let mut text = String::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        text.push_str(&rest[..open]);
        let column = template.len() - rest.len() + open + 1;
        let wrong = |cause: String| NamingError::Template { template: template.to_owned(), column, cause };
        let close = rest[open..].find('}').ok_or_else(|| wrong("a { without its }".into()))? + open;
        text.push_str(
            &field(&rest[open + 1..close], facts)
                .ok_or_else(|| wrong(format!("no field {:?}", &rest[open..=close])))?,
        );
        rest = &rest[close + 1..];
    }
    text.push_str(rest);
    Ok(text)
}

fn field(word: &str, facts: NameFacts<'_>) -> Option<String> {
    let lossy = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    match word {
        "file" => Some(lossy(facts.file.file_stem())),
        "folder" => Some(lossy(facts.file.parent().and_then(Path::file_name))),
        "scene" => Some(facts.scene.to_owned()),
        "number" => Some(facts.number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(template: &str, file: &str) -> Result<String, String> {
        let facts = NameFacts { file: Path::new(file), scene: "Main", number: 3 };
        by_template(template, facts).map(|name| name.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn templates_make_names() {
        assert_eq!(named("{file}", "/a/shot 010.blend").as_deref(), Ok("shot_010"));
        assert_eq!(named("{folder}_{file}-{scene}.{number}", "/seq/a.blend").as_deref(), Ok("seq_a-Main.3"));
        assert!(named("{file", "/a.blend").is_err_and(|e| e.contains("column 1")));
        assert!(named("x{shot}", "/a.blend").is_err_and(|e| e.contains("column 2")));
        assert!(named("{file}", "/....blend").is_err());
    }

    #[test]
    fn names_that_fold_alike_clash() {
        let (a, b): (JobName, JobName) = ("Shot".parse().expect("name"), "shot".parse().expect("name"));
        assert!(check_clashes([(&a, "x".into()), (&b, "y".into())].into_iter()).is_err());
        assert!(check_clashes([(&a, "x".into())].into_iter()).is_ok());
    }
}
