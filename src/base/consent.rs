//! Leave to change something: a value that `apply` asks for and only the command line makes.

use serde::Serialize;

/// That someone agreed to a plan, and how. Recorded in reports and journals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consent {
    /// A flag such as `--yes` gave it.
    Flag,
    /// A person answered the question on the terminal.
    Prompt,
    /// The command never asks (harvest, recover, work: design of the commands).
    Implied,
}
