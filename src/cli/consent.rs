//! Asking for leave: a prompt on a terminal, a flag elsewhere, never by itself.

use crate::base::consent::Consent;
use crate::base::error::{Class, Failure};
use crate::cli::output::Output;

/// Asks `question` on a terminal; elsewhere only `yes` gives consent. `not_done` ends a refusal: "nothing was submitted".
pub fn ask(output: &Output, yes: bool, question: &str, not_done: &str) -> Result<Consent, Failure> {
    if yes {
        return Ok(Consent::Flag);
    }
    if !output.can_ask() {
        return Err(Failure::new(Class::Refused, format!("there is no terminal to ask on; {not_done}"))
            .with_hint("Say --yes to go ahead, or --dry-run to see the plan."));
    }
    // A whole line, ended by Enter: a stray key is no consent.
    let answer = output.ask(&format!("{question} [y/N] ")).unwrap_or_default();
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(Consent::Prompt),
        _ => Err(Failure::new(Class::Refused, format!("you did not say yes; {not_done}"))
            .with_hint("Answer y or yes and press Enter to go ahead.")),
    }
}
