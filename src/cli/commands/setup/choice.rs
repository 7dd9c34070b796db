//! Which Manager is remembered: never one that nobody chose.

use super::find::FoundView;
use crate::base::error::{Class, Explain, Failure};
use crate::cli::access::access;
use crate::cli::config::{Config, Origin};
use crate::cli::needs::{Context, flamenco};
use crate::cli::settings::{ManagerChoice, Settings, parse_manager};
use crate::manager::{Manager, ManagerError};
use crate::sys::http::without_credentials;
use crate::sys::{files, outside};
use std::path::PathBuf;

/// The largest configuration file that is read, in bytes.
const MAX_CONFIG: u64 = 1 << 20;

/// The one that was named, or the one that a person picks on a terminal; `None` where nobody chose.
pub(super) fn choose(named: Option<&str>, found: &[FoundView], context: &Context) -> Result<Option<String>, Failure> {
    if let Some(url) = named {
        parse_manager(url).map_err(|cause| {
            let shown = without_credentials(url);
            Failure::new(Class::Usage, format!("--choose {shown:?}: {cause}")).with_hint("Write its URL.")
        })?;
        if without_credentials(url) != url {
            let words = "--choose: the URL holds a name or a password, and the volume's configuration is for everyone";
            return Err(Failure::new(Class::Usage, words)
                .with_hint("Leave them out of the URL, and set access.user and access.password_file of your own."));
        }
        return Ok(Some(url.to_owned()));
    }
    if found.is_empty() || !context.output.can_ask() {
        return Ok(None);
    }
    for (number, one) in (1..).zip(found) {
        context.output.say(&format!("{number}  {}", super::find::line(one).trim_end()));
    }
    let question = format!("Remember which Manager, 1 to {}? (Enter for none) ", found.len());
    let answer = context.output.ask_or_leave(&question)?.unwrap_or_default();
    match picked(&answer, found.len()) {
        Picked::None => Ok(None),
        Picked::At(at) => Ok(Some(found[at].url.clone())),
        Picked::Nonsense => {
            Err(Failure::new(Class::Usage, format!("{answer:?} is not a number from 1 to {}", found.len()))
                .with_hint("Nothing was written. Run it again, or name the Manager with --choose URL."))
        }
    }
}

/// What an answer picks.
#[derive(Debug, PartialEq, Eq)]
enum Picked {
    None,
    At(usize),
    Nonsense,
}

fn picked(answer: &str, count: usize) -> Picked {
    match answer.parse::<usize>() {
        _ if answer.is_empty() => Picked::None,
        Ok(number) if (1..=count).contains(&number) => Picked::At(number - 1),
        _ => Picked::Nonsense,
    }
}

/// Asks what was chosen whether it is a Manager: an address that leads nowhere would keep everyone on the volume from work.
pub(super) fn prove(url: &str, context: &Context) -> Result<(), Failure> {
    if parse_manager(url) == Ok(ManagerChoice::Local) {
        return Ok(());
    }
    let (volume, settings) = context.volume()?;
    // The settings of a volume without a Manager have no access.
    let settings = Settings { access: access(&context.config(Some(&volume.path()))?)?, ..settings };
    flamenco(url, &settings)?.version().map(drop).map_err(|error| {
        let class = match error.class() {
            Class::Interrupted(signal) => Class::Interrupted(signal),
            _ => Class::Manager,
        };
        let next = match (&error, error.hint()) {
            (ManagerError::Unauthorized { .. } | ManagerError::ProxyUnauthorized { .. }, Some(hint)) => hint,
            _ => "Check the URL, its path too, and that the Manager runs; then choose it again.".to_owned(),
        };
        Failure::new(class, format!("{error}; nothing was written")).with_hint(next)
    })
}

/// Writes the choice into the volume's configuration; all else in the file stays as it is.
pub(super) fn remember(url: &str, context: &Context) -> Result<PathBuf, Failure> {
    let (volume, _) = context.volume()?;
    let path = volume.path().join(crate::volume::layout::config_file().as_str());
    let text = outside::read_text(&path, MAX_CONFIG)?.unwrap_or_default();
    let changed = with_manager(&text, url);
    // What is written must be read as it was meant.
    let mut config = Config::defaults();
    let read = config.lay_file(&changed, &Origin::Volume(path.clone()));
    if read.is_err() || config.text("manager") != Some(url) {
        return Err(Failure::new(Class::Refused, format!("{}: the line cannot be put in safely", path.display()))
            .with_hint(format!("Write `manager: {url}` into it by hand.")));
    }
    files::write(&path, changed.as_bytes())?;
    Ok(path)
}

/// The text with this Manager: in place of the line that names one, or as a new last line.
fn with_manager(text: &str, url: &str) -> String {
    let line = format!("manager: {url}");
    let mut replaced = false;
    let mut lines: Vec<String> = Vec::new();
    for old in text.lines() {
        let is_it = old.strip_prefix("manager").is_some_and(|rest| rest.trim_start().starts_with(':'));
        lines.push(if is_it { line.clone() } else { old.to_owned() });
        replaced |= is_it;
    }
    if !replaced {
        lines.push(line);
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_picks_and_nothing_picks_none() {
        assert_eq!((picked("", 2), picked("1", 2), picked("2", 2)), (Picked::None, Picked::At(0), Picked::At(1)));
        for wrong in ["0", "3", "-1", "y"] {
            assert_eq!(picked(wrong, 2), Picked::Nonsense, "{wrong}");
        }
    }

    #[test]
    fn one_line_changes_and_the_others_stay() {
        let url = "http://10.0.0.2:8080";
        assert_eq!(with_manager("", url), "manager: http://10.0.0.2:8080\n");
        let old = "# the studio's\nmanager: local\nplan:\n  priority: 60 # high\n";
        let new = "# the studio's\nmanager: http://10.0.0.2:8080\nplan:\n  priority: 60 # high\n";
        assert_eq!(with_manager(old, url), new);
        assert_eq!(with_manager("plan:\n  manager: x", url), "plan:\n  manager: x\nmanager: http://10.0.0.2:8080\n");
    }
}
