//! What a command needs before it can begin: settings, a volume, a Manager. One bridge each.

use crate::base::error::{Class, Explain, Failure};
use crate::cli::args::global::GlobalArgs;
use crate::cli::config::{Config, Origin, misspelt};
use crate::cli::output::{Form, Output, Talk};
use crate::cli::settings::{ManagerChoice, Settings};
use crate::cli::shell;
use crate::manager::local::{Autoexec, Local, LocalSettings};
use crate::manager::{Flamenco, Manager};
use crate::ops::ports::Actor;
use crate::sys::disk::DiskError;
use crate::sys::http::without_credentials;
use crate::sys::interrupt::Interrupt;
use crate::sys::outside;
use crate::sys::process::HostId;
use crate::sys::process::identity::{login_name, user_id};
use crate::volume::lock::LockWait;
use crate::volume::{Volume, layout};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the process was given: its flags and its surroundings.
pub struct Context {
    /// The door to the terminal.
    pub output: Output,
    /// Flags of every command.
    pub global: GlobalArgs,
}

/// The largest configuration file that is read, in bytes.
const MAX_CONFIG: u64 = 1 << 20;
/// The longest command that a journal tells of, in characters. Locks tell of less.
const MAX_COMMAND: usize = 4_000;

impl Context {
    /// Takes in the global flags.
    pub fn new(global: GlobalArgs) -> Self {
        let form = if global.json { Form::Json } else { Form::Human };
        let talk = if global.quiet { Talk::Quiet } else { Talk::Normal };
        let output = Output::new(form, talk);
        let set = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        for (name, near) in misspelt(set) {
            output.warn(&format!("the environment variable {name} means nothing to farm; did you mean {near}?"));
        }
        Context { output, global }
    }

    /// The configuration, with the volume's own file where a volume is known.
    pub fn config(&self, volume: Option<&Path>) -> Result<Config, Failure> {
        let (config, mut troubles) = self.config_as_far_as_it_goes(volume);
        if troubles.is_empty() { Ok(config) } else { Err(troubles.remove(0)) }
    }

    /// The configuration without what is wrong in its files, and what that is: for whoever shows it.
    pub fn config_as_far_as_it_goes(&self, volume: Option<&Path>) -> (Config, Vec<Failure>) {
        let mut config = Config::defaults();
        let of_user = user_config().map(|path| (path.clone(), Origin::User(path)));
        let of_volume =
            volume.map(|root| root.join(".farm/config.yaml")).map(|path| (path.clone(), Origin::Volume(path)));
        let lay = |(path, origin): (PathBuf, Origin)| lay_file(&mut config, origin, &path).err();
        let troubles = of_user.into_iter().chain(of_volume).filter_map(lay).collect();
        self.lay_call(&mut config);
        (config, troubles)
    }

    /// The layers of this one call: environment and flags.
    fn lay_call(&self, config: &mut Config) {
        config.lay_environment(|name| std::env::var(name).ok());
        config.lay_flag("volume", "--volume", self.global.volume.as_ref().map(|dir| dir.display().to_string()));
        config.lay_flag("manager", "--manager", self.global.manager.clone());
    }

    /// The settings without a volume.
    pub fn settings(&self) -> Result<Settings, Failure> {
        Settings::resolve(&self.config(None)?)
    }

    /// Where the volume is: `--volume`, `FARM_VOLUME`, upward from the working directory, the configuration.
    pub fn volume_path(&self) -> Result<Option<PathBuf>, Failure> {
        if let Some(dir) = &self.global.volume {
            return Ok(Some(dir.clone()));
        }
        if let Some(dir) = std::env::var_os("FARM_VOLUME").filter(|dir| !dir.is_empty()) {
            return Ok(Some(dir.into()));
        }
        if let Some(found) = self.volume_here()? {
            return Ok(Some(found));
        }
        Ok(self.config(None)?.text("volume").map(PathBuf::from))
    }

    /// The volume that the working directory lies on.
    pub fn volume_here(&self) -> Result<Option<PathBuf>, Failure> {
        let here = std::env::current_dir().ok();
        Ok(here.as_deref().map(Volume::find).transpose()?.flatten())
    }

    /// The volume, opened and proven, and the settings that hold on it.
    pub fn volume(&self) -> Result<(Volume, Settings), Failure> {
        let path = self.volume_path()?.ok_or_else(|| {
            Failure::new(
                Class::Usage,
                "no volume: neither --volume nor FARM_VOLUME is set, no folder above this one is a volume, and the \
                 configuration names none",
            )
            .with_hint("Name one with --volume DIR, or make one with `farm init DIR`.")
        })?;
        let volume = Volume::open(&path, home().as_deref())?;
        let settings = Settings::resolve(&self.config(Some(&volume.path()))?)?;
        Ok((volume, settings))
    }

    /// Who runs this command, as jobs, locks and release files record it.
    pub fn actor(&self, settings: &Settings) -> Actor {
        let host = HostId::this().name;
        let named =
            settings.user.clone().or_else(|| ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()));
        let named = named.filter(|name| !name.is_empty()).or_else(login_name);
        let user = named.unwrap_or_else(|| format!("uid{}", user_id()));
        let words = std::env::args_os().skip(1).map(|word| printable(&word.to_string_lossy()));
        let command = shell::line(std::iter::once("farm".to_owned()).chain(words)).chars().take(MAX_COMMAND).collect();
        let lock_wait = match settings.lock_wait {
            wait if !wait.is_zero() => LockWait::For(wait),
            _ if self.output.can_ask() => LockWait::Forever,
            _ => LockWait::No,
        };
        Actor { user, host, command, lock_wait, threads: settings.threads }
    }

    /// The Manager that the settings name, for commands that may change its queue.
    pub fn manager(&self, volume: &Volume, settings: &Settings) -> Result<Box<dyn Manager>, Failure> {
        match &settings.manager {
            ManagerChoice::Local => Ok(Box::new(self.local(volume, settings)?)),
            ManagerChoice::Flamenco(url) => Ok(Box::new(flamenco(url, settings)?)),
        }
    }

    /// The local manager of the volume.
    pub fn local(&self, volume: &Volume, settings: &Settings) -> Result<Local, Failure> {
        Ok(Local::open(local_settings(volume, settings))?)
    }

    /// The same, for looking only.
    pub fn local_to_look(&self, volume: &Volume, settings: &Settings) -> Result<Local, Failure> {
        Ok(Local::peek(local_settings(volume, settings))?)
    }

    /// The Manager, for commands that only look: nothing is made where there is nothing.
    pub fn manager_to_look(&self, volume: &Volume, settings: &Settings) -> Result<Box<dyn Manager>, Failure> {
        match &settings.manager {
            ManagerChoice::Local => Ok(Box::new(self.local_to_look(volume, settings)?)),
            ManagerChoice::Flamenco(url) => Ok(Box::new(flamenco(url, settings)?)),
        }
    }
}

/// Signals that ask farm to end are heard between two steps from now on, so that what is begun is put in order first.
pub fn catch_interrupts() -> Result<Arc<Interrupt>, Failure> {
    Interrupt::catch().map_err(|error| Failure::new(Class::Failed, format!("signals cannot be caught: {error}")))
}

/// A word of the command line as locks may tell of it: an address without its password.
fn printable(word: &str) -> String {
    match word.split_once('=') {
        Some((flag, value)) if flag.starts_with("--") => format!("{flag}={}", without_credentials(value)),
        _ => without_credentials(word),
    }
}

/// The client of the Manager at `url`. Asks nothing yet.
pub fn flamenco(url: &str, settings: &Settings) -> Result<Flamenco, Failure> {
    Flamenco::new(url, &settings.access).map_err(|error| {
        Failure::new(Class::Usage, error.to_string())
            .with_hint("Check --manager and the keys of access.*; `farm config show` tells where each comes from.")
    })
}

/// Whether scripts inside scenes may run.
pub fn autoexec(settings: &Settings) -> Autoexec {
    if settings.autoexec { Autoexec::Enabled } else { Autoexec::Disabled }
}

fn local_settings(volume: &Volume, settings: &Settings) -> LocalSettings {
    LocalSettings {
        blender: settings.blender.clone(),
        blender_args: autoexec(settings).blender_args(),
        ffmpeg: settings.ffmpeg.clone(),
        volume: volume.path(),
        ..LocalSettings::new(volume.path_of(&layout::local_dir()))
    }
}

/// The user's home folder, which is never a volume.
pub fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from)
}

/// The user's own configuration file, on this platform.
fn user_config() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    let folders = etcetera::choose_base_strategy().ok()?;
    Some(folders.config_dir().join("farm/config.yaml"))
}

fn lay_file(config: &mut Config, origin: Origin, path: &Path) -> Result<(), Failure> {
    let read = outside::read_text(path, MAX_CONFIG);
    let unusable = |error: DiskError| {
        let hint = error.hint().unwrap_or_else(|| "Mend the file, or move it away: farm needs none.".to_owned());
        Failure::new(Class::Usage, format!("the configuration cannot be read: {error}")).with_hint(hint)
    };
    match read.map_err(unusable)? {
        Some(text) => Ok(config.lay_file(&text, &origin)?),
        None => Ok(()),
    }
}
