//! The Blender on this machine.

use crate::base::error::{Class, Explain};
use crate::blend::BlenderVersion;
use crate::sys::process::probe;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

/// How long Blender may take to say its version: a cold start from a slow share takes seconds.
const LIMIT: Duration = Duration::from_secs(30);
/// The most of a strange answer that is shown, in characters.
const SHOWN: usize = 200;

/// The Blender that will render, as far as this machine knows it.
#[derive(Debug)]
pub struct Renderer {
    executable: String,
    /// Asked once per command: a start of Blender takes a third of a second.
    version: OnceLock<Option<BlenderVersion>>,
}

/// A Blender that does not say its version.
#[derive(Debug, thiserror::Error)]
pub enum RendererError {
    /// It cannot be started.
    #[error("Blender cannot be started as {executable:?}: {cause}")]
    NotStarted {
        /// As configured.
        executable: String,
        /// The system's answer.
        cause: io::Error,
    },
    /// It says something else.
    #[error("{executable:?} does not answer like Blender: {answer}")]
    NotBlender {
        /// As configured.
        executable: String,
        /// The beginning of its answer.
        answer: String,
    },
}

impl Explain for RendererError {
    fn class(&self) -> Class {
        Class::Failed
    }
    fn hint(&self) -> Option<String> {
        let install = "Install it (on Debian: apt install blender), or name it with FARM_BLENDER=/path/to/blender or \
                       blender.executable in config.yaml.";
        Some(install.to_owned())
    }
}

impl Renderer {
    /// The Blender of this name on `PATH`, or at this path.
    pub fn new(executable: impl Into<String>) -> Self {
        Renderer { executable: executable.into(), version: OnceLock::new() }
    }

    /// The version that it says; `None` where there is none or it does not say.
    pub fn version(&self) -> Option<BlenderVersion> {
        *self.version.get_or_init(|| self.ask().ok())
    }

    /// The version that it says, or why it says none.
    pub fn ask(&self) -> Result<BlenderVersion, RendererError> {
        let said = probe::ask(&self.executable, &["--version"], LIMIT)
            .map_err(|cause| RendererError::NotStarted { executable: self.executable.clone(), cause })?;
        // A wrapper may say something of its own first.
        let version = said.out.lines().find_map(|line| line.strip_prefix("Blender ")?.parse().ok());
        version.ok_or_else(|| {
            let answer = said.out.lines().chain(said.err.lines()).next().unwrap_or("nothing");
            let answer = answer.chars().take(SHOWN).collect();
            RendererError::NotBlender { executable: self.executable.clone(), answer }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_blender_is_told_apart() {
        let ask = |executable: &str| Renderer::new(executable).ask().unwrap_err();
        let gone = ask("/nowhere/blender");
        assert!(gone.to_string().contains("/nowhere/blender"), "{gone}");
        let other = ask("echo");
        assert!(matches!(other, RendererError::NotBlender { .. }), "{other}");
        assert!(other.hint().is_some_and(|hint| hint.contains("apt install blender")));
    }
}
