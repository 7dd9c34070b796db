//! Layers over layers: the value that wins, and where it came from.

use super::keys::{KEYS, Key, QUERIES, Shown};
use crate::base::error::{Class, Explain};
use crate::base::nearest;
use crate::query::{Named, NamedQuery};
use crate::sys::http::without_credentials;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where a value came from, weakest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Compiled in.
    Default,
    /// The user's own file.
    User(PathBuf),
    /// The volume's file.
    Volume(PathBuf),
    /// An environment variable.
    Environment(&'static str),
    /// A flag of this call.
    Flag(&'static str),
    /// Where the command was given.
    WorkingDirectory,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::User(path) | Origin::Volume(path) => write!(f, "{}", path.display()),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::Flag(name) => write!(f, "flag {name}"),
            Origin::WorkingDirectory => f.write_str("working directory"),
        }
    }
}

/// A value and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// The text; empty where nothing is set.
    pub text: String,
    /// Where it came from.
    pub origin: Origin,
}

/// A configuration file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It is no YAML mapping.
    #[error("{path}: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Where and why.
        cause: String,
    },
    /// It names something that farm does not know.
    #[error("{path}: unknown key {key:?}")]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// It holds a secret, and others may read it.
    #[error("{path}: {key} is a secret and must not be in a configuration file")]
    Secret {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
    },
    /// A query's name could not be written in a query.
    #[error("{path}: {name:?} cannot be the name of a query")]
    QueryName {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// An address in it holds a secret.
    #[error("{path}: the URL of {key} holds a name or a password, which must not be in a configuration file")]
    Credentials {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
    },
    /// A value is not of its key's kind.
    #[error("{key} = {text:?} ({origin}): {cause}")]
    BadValue {
        /// The key.
        key: &'static str,
        /// The value.
        text: String,
        /// Where it came from.
        origin: Origin,
        /// What is wrong.
        cause: String,
    },
}

impl Explain for ConfigError {
    fn class(&self) -> Class {
        Class::Usage
    }
    fn hint(&self) -> Option<String> {
        Some(match self {
            ConfigError::UnknownKey { key, .. } if key == QUERIES.trim_end_matches('.') => {
                "Each query has a name: `queries:`, and below it lines of `NAME: QUERY`.".into()
            }
            ConfigError::QueryName { .. } => "Such a name has letters, digits, . _ - and nothing else.".into(),
            ConfigError::UnknownKey { key, .. } => match nearest(key) {
                Some(near) => format!("Did you mean {near:?}? `farm config show` lists all keys."),
                None => "`farm config show` lists all keys.".into(),
            },
            ConfigError::Secret { key, .. } => {
                format!("Name a file of your own with {key}_file, or set the environment variable.")
            }
            ConfigError::Credentials { .. } => {
                "Leave them out of the URL, and set access.user and access.password_file, or the environment variable."
                    .into()
            }
            _ => "Mend the value; `farm config show` prints each value and where it comes from.".into(),
        })
    }
}

/// Keys whose values are addresses, which may hold a name and a password.
const ADDRESSES: [&str; 2] = ["manager", "access.proxy"];

/// The known key most like `word`, if any is near: by its letters, or by a word that both have.
fn nearest(word: &str) -> Option<String> {
    let close = |name: &str| name.split('.').any(|part| word.split('.').any(|w| w == part)) || name.starts_with(word);
    let names = || KEYS.iter().map(|key| key.name);
    nearest::nearest(word, names()).or_else(|| names().find(|name| close(name)).map(str::to_owned))
}

/// Every key with the value that wins.
#[derive(Debug, Clone)]
pub struct Config {
    values: BTreeMap<&'static str, Value>,
    /// By name, without [`QUERIES`].
    queries: BTreeMap<String, Value>,
}

impl Config {
    /// The compiled-in values.
    pub fn defaults() -> Self {
        let value = |key: &Key| Value { text: key.default.to_owned(), origin: Origin::Default };
        Config { values: KEYS.iter().map(|key| (key.name, value(key))).collect(), queries: BTreeMap::new() }
    }

    /// Lays the values of a YAML file over these. An unknown key is an error, and the known ones beside it are laid
    /// nevertheless, so that they can be shown.
    pub fn lay_file(&mut self, text: &str, origin: &Origin) -> Result<(), ConfigError> {
        let path = match origin {
            Origin::User(path) | Origin::Volume(path) => path.clone(),
            _ => PathBuf::new(),
        };
        let unreadable = |cause: String| ConfigError::Unreadable { path: path.clone(), cause };
        let document: serde_yaml::Value = serde_yaml::from_str(text).map_err(|error| unreadable(error.to_string()))?;
        let (mut unknown, mut secret, mut credentials, mut misnamed) = (None, None, None, None);
        for (name, text) in flatten("", &document).map_err(unreadable)? {
            if let Some(name) = name.strip_prefix(QUERIES) {
                match is_query_name(name) {
                    true => drop(self.queries.insert(name.to_owned(), Value { text, origin: origin.clone() })),
                    false => misnamed = misnamed.or(Some(name.to_owned())),
                }
                continue;
            }
            match KEYS.iter().find(|key| key.name == name) {
                Some(key) if key.shown == Shown::Never => secret = secret.or(Some(key.name)),
                Some(key) if ADDRESSES.contains(&key.name) && without_credentials(&text) != text => {
                    credentials = credentials.or(Some(key.name));
                }
                Some(key) => drop(self.values.insert(key.name, Value { text, origin: origin.clone() })),
                None => unknown = unknown.or(Some(name)),
            }
        }
        match (secret, credentials, unknown, misnamed) {
            (Some(key), ..) => Err(ConfigError::Secret { path, key }),
            (None, Some(key), ..) => Err(ConfigError::Credentials { path, key }),
            (None, None, Some(key), _) => Err(ConfigError::UnknownKey { path, key }),
            (None, None, None, Some(name)) => Err(ConfigError::QueryName { path, name }),
            (None, None, None, None) => Ok(()),
        }
    }

    /// Lays the environment over these; empty variables count as unset.
    pub fn lay_environment(&mut self, read: impl Fn(&str) -> Option<String>) {
        for key in KEYS {
            if let Some(text) = read(key.env).filter(|text| !text.is_empty()) {
                self.values.insert(key.name, Value { text, origin: Origin::Environment(key.env) });
            }
        }
    }

    /// Lays a flag over these.
    pub fn lay_flag(&mut self, key: &'static str, flag: &'static str, text: Option<String>) {
        if let Some(text) = text {
            self.values.insert(key, Value { text, origin: Origin::Flag(flag) });
        }
    }

    /// Lays the volume that the working directory lies on over these: it counts for more than a file.
    pub fn lay_found_volume(&mut self, path: &Path) {
        let is_named = matches!(self.get("volume").origin, Origin::Flag(_) | Origin::Environment(_));
        if !is_named {
            let text = path.display().to_string();
            self.values.insert("volume", Value { text, origin: Origin::WorkingDirectory });
        }
    }

    /// The value of `key`, which is one of [`KEYS`].
    pub fn get(&self, key: &'static str) -> &Value {
        self.values.get(key).unwrap_or_else(|| unreachable!("{key} is not in KEYS"))
    }

    /// The text of `key`; `None` where it is empty.
    pub fn text(&self, key: &'static str) -> Option<&str> {
        Some(self.get(key).text.as_str()).filter(|text| !text.is_empty())
    }

    /// The value of `key` read by `parse`.
    pub fn parse<T>(&self, key: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, ConfigError> {
        let value = self.get(key);
        parse(&value.text).map_err(|cause| ConfigError::BadValue {
            key,
            text: if ADDRESSES.contains(&key) { without_credentials(&value.text) } else { value.text.clone() },
            origin: value.origin.clone(),
            cause,
        })
    }

    /// The queries that have a name. They are read when they are used: one that is wrong keeps nothing else from working.
    pub fn named_queries(&self) -> Named {
        let named = |(name, value): (&String, &Value)| {
            let origin = format!("{QUERIES}{name} ({})", value.origin);
            (name.clone(), NamedQuery { text: value.text.clone(), origin })
        };
        self.queries.iter().map(named).collect()
    }

    /// The key and the value of every query that has a name.
    pub fn query_rows(&self) -> impl Iterator<Item = (String, &Value)> {
        self.queries.iter().map(|(name, value)| (format!("{QUERIES}{name}"), value))
    }

    /// Every key, its value and its meaning, in the order of [`KEYS`].
    pub fn rows(&self) -> impl Iterator<Item = (&'static Key, &Value)> {
        KEYS.iter().map(|key| (key, self.get(key.name)))
    }
}

/// Whether `@name` is one word of a query.
fn is_query_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// The leaves of a YAML mapping under their dotted names.
fn flatten(prefix: &str, value: &serde_yaml::Value) -> Result<Vec<(String, String)>, String> {
    use serde_yaml::Value as Yaml;
    let scalar = |text: String| Ok(vec![(prefix.to_owned(), text)]);
    match value {
        Yaml::Null if prefix.is_empty() => Ok(Vec::new()),
        Yaml::Null => scalar(String::new()),
        Yaml::Bool(flag) => scalar(flag.to_string()),
        Yaml::Number(number) => scalar(number.to_string()),
        Yaml::String(text) => scalar(text.clone()),
        Yaml::Mapping(map) => {
            let mut leaves = Vec::new();
            for (name, below) in map {
                let name = name.as_str().ok_or("a key is not a text")?;
                let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
                leaves.extend(flatten(&path, below)?);
            }
            Ok(leaves)
        }
        _ => Err(format!("{} must be a plain value", if prefix.is_empty() { "the file" } else { prefix })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stronger_layers_win_and_say_so() {
        let mut config = Config::defaults();
        let user = Origin::User("/home/u/.config/farm/config.yaml".into());
        config.lay_file("plan:\n  priority: 10\nmanager: http://m:8080/\n", &user).expect("valid");
        config.lay_environment(|name| (name == "FARM_MANAGER").then(|| "local".to_owned()));
        assert_eq!(config.text("plan.priority"), Some("10"));
        assert_eq!(config.get("manager"), &Value { text: "local".into(), origin: Origin::Environment("FARM_MANAGER") });
        assert_eq!(config.get("blender.executable").origin, Origin::Default);
    }

    #[test]
    fn queries_have_names_of_their_own() {
        let mut config = Config::defaults();
        let user = Origin::User("/home/u/config.yaml".into());
        let text = "queries:\n  nightly: 'release:night*'\n  old.ones: 'older:1w'\n";
        config.lay_file(text, &user).expect("valid");
        let volume = Origin::Volume("/vol/.farm/config.yaml".into());
        config.lay_file("queries:\n  nightly: 'statsu:x'\n", &volume).expect("it is read when it is used");
        let keys: Vec<(String, &str)> = config.query_rows().map(|(key, value)| (key, value.text.as_str())).collect();
        assert_eq!(keys, [("queries.nightly".into(), "statsu:x"), ("queries.old.ones".into(), "older:1w")]);
        let read = |text| crate::query::Query::parse(crate::query::Subject::Jobs, text, &config.named_queries());
        assert_eq!(read("@old.ones").expect("a query").to_string(), "age:7d..");
        let error = read("a @nightly").expect_err("a wrong field").to_string();
        assert!(error.starts_with("queries.nightly (/vol/.farm/config.yaml): \"statsu:x\", column 1:"), "{error}");

        let error = config.lay_file("queries:\n  'a b': x\n", &user).expect_err("no name");
        assert_eq!(error.to_string(), "/home/u/config.yaml: \"a b\" cannot be the name of a query");
        let error = config.lay_file("queries: 'status:active'\n", &user).expect_err("no name");
        assert!(error.hint().is_some_and(|hint| hint.contains("NAME: QUERY")), "{error}");
    }

    #[test]
    fn unknown_keys_and_shapes_are_named() {
        let origin = Origin::User("c.yaml".into());
        let mut config = Config::defaults();
        let error = config.lay_file("blender:\n  exe: x\n", &origin).expect_err("unknown");
        assert_eq!(error.to_string(), "c.yaml: unknown key \"blender.exe\"");
        assert!(error.hint().is_some_and(|hint| hint.contains("blender.executable")));
        let error = config.lay_file("manger: local\nplan:\n  priority: 7\n", &origin).expect_err("unknown");
        assert!(error.hint().is_some_and(|hint| hint.contains("\"manager\"")));
        assert_eq!(config.text("plan.priority"), Some("7"), "the others are laid");
        let held = config.lay_file("manager: http://ann:hush@host:8080\n", &origin).expect_err("a secret");
        assert!(matches!(held, ConfigError::Credentials { .. }) && !held.to_string().contains("hush"), "{held}");
        let error = config.lay_file("access:\n  token: hush\n", &origin).expect_err("a secret");
        assert!(!error.to_string().contains("hush") && config.text("access.token").is_none(), "{error}");
        assert!(config.lay_file("- a\n", &origin).is_err());
        assert!(config.lay_file("a: [1\n", &origin).is_err());
        assert!(config.lay_file("", &origin).is_ok());
    }
}
