//! Names of releases and jobs: one grammar, so that a name is a safe file name on every platform.

use super::error::{Class, Explain};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The longest name, in bytes (all are ASCII).
pub const MAX_LENGTH: usize = 100;

/// Words of the command line and the layout, which no release or job may bear.
const RESERVED: [&str; 3] = ["quick", "release", "jobs"];

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} cannot be used as a name: {cause}")]
pub struct NameError {
    name: String,
    cause: &'static str,
}

impl Explain for NameError {
    fn class(&self) -> Class {
        Class::Usage
    }
    fn hint(&self) -> Option<String> {
        Some("Names are 1 to 100 of A-Z a-z 0-9 . _ - and begin with a letter or digit.".into())
    }
}

fn check(text: &str) -> Result<(), NameError> {
    let refuse = |cause| Err(NameError { name: text.chars().take(120).collect(), cause });
    let Some(first) = text.bytes().next() else { return refuse("it is empty") };
    if text.len() > MAX_LENGTH {
        return refuse("it is longer than 100 characters");
    }
    if !first.is_ascii_alphanumeric() {
        return refuse("it does not begin with a letter or digit");
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
        return refuse("it has characters other than letters, digits, . _ -");
    }
    if text.ends_with('.') {
        return refuse("it ends with a dot, which Windows drops");
    }
    if is_windows_device(text) {
        return refuse("Windows keeps it for a device");
    }
    if RESERVED.iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return refuse("it is a word of farm's own");
    }
    Ok(())
}

/// `CON`, `nul.png`, `COM1`…: device names on Windows, with any extension.
fn is_windows_device(text: &str) -> bool {
    let stem = text.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let numbered = |prefix| {
        stem.strip_prefix(prefix).is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
}

/// Makes a valid name out of any text: letters lose their accents, other characters become `_`; `None` if nothing is left.
pub fn sanitize(text: &str) -> Option<String> {
    let cleaned: String =
        to_ascii(text).chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect();
    let trimmed = cleaned.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).trim_end_matches('.');
    let name: String = trimmed.chars().take(MAX_LENGTH).collect();
    check(&name).is_ok().then_some(name)
}

/// Latin letters as they are written without accents. Runs of letters of other scripts become one `_` where it parts two
/// letters or digits, and nothing elsewhere.
fn to_ascii(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    let mut is_gap = false;
    for letter in text.nfkd().filter(|letter| !is_combining_mark(*letter)) {
        match latin(letter) {
            None if letter.is_ascii() => {
                if is_gap && letter.is_ascii_alphanumeric() && ascii.ends_with(|c: char| c.is_ascii_alphanumeric()) {
                    ascii.push('_');
                }
                ascii.push(letter);
            }
            Some(letters) => {
                if is_gap && ascii.ends_with(|c: char| c.is_ascii_alphanumeric()) {
                    ascii.push('_');
                }
                ascii.push_str(letters);
            }
            None => {
                is_gap = true;
                continue;
            }
        }
        is_gap = false;
    }
    // What parted the name from the letters that are gone parts nothing any more.
    let end = if is_gap { ascii.trim_end_matches(['_', '-', ' ']).len() } else { ascii.len() };
    ascii.truncate(end);
    ascii
}

/// Letters of the Latin script that are no letter with an accent.
fn latin(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ß' => "ss",
        'ẞ' => "SS",
        'æ' => "ae",
        'Æ' => "AE",
        'œ' => "oe",
        'Œ' => "OE",
        'ø' => "o",
        'Ø' => "O",
        'đ' | 'ð' => "d",
        'Đ' | 'Ð' => "D",
        'ħ' => "h",
        'Ħ' => "H",
        'ı' => "i",
        'ł' => "l",
        'Ł' => "L",
        'ŋ' => "n",
        'Ŋ' => "N",
        'ŧ' => "t",
        'Ŧ' => "T",
        'þ' => "th",
        'Þ' => "Th",
        _ => return None,
    })
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $type(String);

        // A copy for each of many thousands of rows would cost as much as writing it.
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
            /// The form in which names are compared: two names that fold alike are one on some file systems.
            pub fn folded(&self) -> String {
                self.0.to_ascii_lowercase()
            }
        }

        impl FromStr for $type {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                check(text).map(|()| $type(text.to_owned()))
            }
        }
        impl TryFrom<String> for $type {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name! {
    /// The name of a release.
    ReleaseName
}
name! {
    /// The name of a job within its release (or within `quick/`).
    JobName
}

/// The word for `quick/`, which no release may bear.
const QUICK: &str = "quick";

/// Where a job belongs: a release, or the independent renders of `quick/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Home {
    /// `releases/<release>/`
    Release(ReleaseName),
    /// `quick/`
    Quick,
}

impl Home {
    /// The release's name, or `quick`.
    pub fn as_str(&self) -> &str {
        match self {
            Home::Release(name) => name.as_str(),
            Home::Quick => QUICK,
        }
    }

    /// The form in which names are compared: two names that fold alike are one on some file systems.
    pub fn folded(&self) -> String {
        self.as_str().to_ascii_lowercase()
    }

    /// The release, unless it is `quick/`.
    pub fn release(&self) -> Option<&ReleaseName> {
        match self {
            Home::Release(name) => Some(name),
            Home::Quick => None,
        }
    }
}

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
impl Serialize for Home {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
impl FromStr for Home {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        if text == QUICK { Ok(Home::Quick) } else { text.parse().map(Home::Release) }
    }
}
impl TryFrom<String> for Home {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}
impl From<ReleaseName> for Home {
    fn from(name: ReleaseName) -> Home {
        Home::Release(name)
    }
}

/// A job's full name, `release/job` or `quick/job`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobRef {
    /// Where the job belongs.
    pub home: Home,
    /// The job's own name.
    pub job: JobName,
}

impl JobRef {
    /// The job of this name.
    pub fn within(home: &Home, job: &JobName) -> Self {
        JobRef { home: home.clone(), job: job.clone() }
    }

    /// The release, unless the job is one of `quick/`.
    pub fn release(&self) -> Option<&ReleaseName> {
        self.home.release()
    }
}

impl fmt::Display for JobRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.home, self.job)
    }
}

impl FromStr for JobRef {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let (home, job) = text.split_once('/').ok_or_else(|| NameError {
            name: text.chars().take(120).collect(),
            cause: "a job is written release/job or quick/job",
        })?;
        Ok(JobRef { home: home.parse()?, job: job.parse()? })
    }
}
impl TryFrom<String> for JobRef {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}
impl From<JobRef> for String {
    fn from(reference: JobRef) -> String {
        reference.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_refused() {
        let long = "x".repeat(101);
        for bad in [
            "",
            ".",
            "..",
            "../../etc",
            "/abs",
            "-rf",
            "--help",
            "a/b",
            "a\\b",
            "a\0b",
            "a\nb",
            "a\tb",
            "\u{1b}[2J",
            &long,
            "%s{}$(id)`;",
            "é",
            "\u{202e}x",
            "a\u{200b}b",
            "CON",
            "nul.png",
            "aux.blend",
            "com1",
            "LPT9.x",
            "dot.",
            "a b ",
            "a:b",
            "quick",
            "Release",
            "JOBS",
        ] {
            assert!(bad.parse::<JobName>().is_err(), "{bad:?} was accepted");
        }
        for good in ["a", "A.b_c-1", "r1", "console", "com", "0shot", &"x".repeat(100)] {
            assert!(good.parse::<JobName>().is_ok(), "{good:?} was refused");
        }
    }

    #[test]
    fn references_print_and_parse() {
        for text in ["r1/A", "quick/still"] {
            assert_eq!(text.parse::<JobRef>().map(|r| r.to_string()).as_deref(), Ok(text));
        }
        assert!("A".parse::<JobRef>().is_err());
        assert!("r1/".parse::<JobRef>().is_err());
    }

    #[test]
    fn any_text_can_be_made_a_name_or_refused() {
        assert_eq!(sanitize("shot 010 (v2)").as_deref(), Some("shot_010__v2_"));
        assert_eq!(sanitize("__x").as_deref(), Some("x"));
        assert_eq!(sanitize("..."), None);
        for (text, name) in [
            ("Ünïcode_日本", "Unicode"),
            ("Ünïcode日本", "Unicode"),
            ("U\u{308}ber", "Uber"),
            ("shot日本010", "shot_010"),
            ("日本 010", "010"),
            ("Straße-Łódź", "Strasse-Lodz"),
            ("Ærø", "AEro"),
        ] {
            assert_eq!(sanitize(text).as_deref(), Some(name), "{text}");
        }
        assert_eq!(sanitize("日本"), None);
        assert_eq!(sanitize("nul"), None);
    }

    proptest::proptest! {
        #[test]
        fn sanitized_names_are_names(text in ".*") {
            if let Some(name) = sanitize(&text) {
                proptest::prop_assert!(name.parse::<JobName>().is_ok());
            }
        }
    }
}
