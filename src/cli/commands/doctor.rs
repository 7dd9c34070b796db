//! `farm doctor`

use crate::base::error::{Class, Failure};
use crate::cli::config::Config;
use crate::cli::exit;
use crate::cli::needs::{Context, flamenco, home};
use crate::cli::render;
use crate::cli::settings::{ManagerChoice, Settings};
use crate::manager::local::Local;
use crate::manager::{Flamenco, Manager};
use crate::ops::doctor::{Asked, Check, Found, Remote, Status, Subject, examine, has_failed};
use crate::sys::http::{Access, without_credentials};
use crate::volume::{Volume, VolumeError};
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    checks: Vec<CheckView<'a>>,
}

#[derive(Serialize)]
struct CheckView<'a> {
    name: &'static str,
    status: &'static str,
    message: &'a str,
    remedy: Option<&'a str>,
}

/// Looks at everything that can be looked at; what cannot be opened is a finding, not an error.
pub(super) fn run(context: &Context) -> Result<u8, Failure> {
    let named = context.volume_path();
    let opened = named.as_ref().ok().and_then(Option::as_deref).map(|path| Volume::open(path, home().as_deref()));
    let volume = opened.as_ref().and_then(|opened| opened.as_ref().ok());
    let (settings, trouble) = settings(context, volume, named.as_ref().err())?;
    let spoken = Spoken::to(context, volume, &settings);
    let checks = examine(&Subject {
        configuration: trouble.as_ref(),
        volume: found(opened.as_ref()),
        manager: spoken.asked(),
        blender: &settings.blender,
        autoexec: settings.autoexec,
        ffmpeg: &settings.ffmpeg,
    });
    context.output.result(&render::doctor::human(&checks), &document(&checks));
    Ok(if has_failed(&checks) { exit::code(Class::Found) } else { exit::DONE })
}

/// The settings that hold, or the built-in ones and what is wrong with the others.
fn settings(
    context: &Context,
    volume: Option<&Volume>,
    earlier: Option<&Failure>,
) -> Result<(Settings, Option<Failure>), Failure> {
    let root = volume.map(Volume::path);
    let resolved = context.config(root.as_deref()).and_then(|config| Settings::resolve(&config));
    match (resolved, earlier) {
        (Ok(settings), None) => Ok((settings, None)),
        (Ok(settings), Some(earlier)) => Ok((settings, Some(copy(earlier)))),
        (Err(trouble), _) => Ok((Settings::resolve(&Config::defaults())?, Some(trouble))),
    }
}

fn copy(failure: &Failure) -> Failure {
    let same = Failure::new(failure.class(), failure.message());
    match failure.hint() {
        Some(hint) => same.with_hint(hint),
        None => same,
    }
}

fn found<'a>(opened: Option<&'a Result<Volume, VolumeError>>) -> Found<'a> {
    match opened {
        None => Found::Nowhere,
        Some(Err(error)) => Found::Refused(error),
        Some(Ok(volume)) => Found::Open(volume),
    }
}

/// The Manager of the settings, as far as it can be spoken to.
enum Spoken {
    Local(Option<Result<Box<Local>, Failure>>),
    Flamenco { client: Result<Box<Flamenco>, Failure>, stranger: Option<Box<Flamenco>> },
}

impl Spoken {
    fn to(context: &Context, volume: Option<&Volume>, settings: &Settings) -> Spoken {
        match &settings.manager {
            ManagerChoice::Local => {
                Spoken::Local(volume.map(|volume| context.local_to_look(volume, settings).map(Box::new)))
            }
            ManagerChoice::Flamenco(url) => {
                let bare = without_credentials(url);
                let stranger = of_a_stranger(&settings.access, bare != *url)
                    .and_then(|access| Flamenco::new(&bare, &access).ok())
                    .map(Box::new);
                Spoken::Flamenco { client: flamenco(url, settings).map(Box::new), stranger }
            }
        }
    }

    fn asked(&self) -> Asked<'_> {
        match self {
            Spoken::Local(queue) => {
                Asked::Local(queue.as_ref().map(|queue| queue.as_ref().map(|local| &**local as &dyn Manager)))
            }
            Spoken::Flamenco { client, stranger } => {
                Asked::Flamenco(Remote { client: client.as_deref(), stranger: stranger.as_deref() })
            }
        }
    }
}

/// The same way to the Manager for somebody who cannot prove anything; `None` where nothing is proven anyway, in the
/// Manager's address neither.
fn of_a_stranger(own: &Access, address_proves: bool) -> Option<Access> {
    let access = Access { credentials: None, headers: Vec::new(), client_certificate: None, ..own.clone() };
    (address_proves || access != *own).then_some(access)
}

fn document(checks: &[Check]) -> Document<'_> {
    Document { schema: "farm.doctor/1", checks: checks.iter().map(CheckView::from).collect() }
}

impl<'a> From<&'a Check> for CheckView<'a> {
    fn from(check: &'a Check) -> Self {
        let Check { name, status, message, remedy } = check;
        CheckView { name, status: word(*status), message, remedy: remedy.as_deref() }
    }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Warn => "warn",
        Status::Fail => "fail",
        Status::Skip => "skip",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Secret;
    use crate::sys::http::Credentials;

    #[test]
    fn a_stranger_has_nothing_that_proves_who_asks() {
        let plain = Access { proxy: Some("http://proxy".into()), ca: Some("/ca.pem".into()), ..Access::default() };
        assert_eq!(of_a_stranger(&plain, false), None);
        assert_eq!(of_a_stranger(&plain, true), Some(plain.clone()), "its address has a password");
        let token = Credentials::Bearer(Secret::new("x".to_owned()));
        for known in [
            Access { client_certificate: Some("/me.pem".into()), ..plain.clone() },
            Access { headers: vec![("X-Key".into(), Secret::new("x".to_owned()))], ..plain.clone() },
            Access { credentials: Some(token), ..plain.clone() },
        ] {
            assert_eq!(of_a_stranger(&known, false), Some(plain.clone()));
        }
    }
}
