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
    let answer = dialoguer::Confirm::new().with_prompt(question).default(false).interact();
    match answer {
        Ok(true) => Ok(Consent::Prompt),
        Ok(false) => Err(Failure::new(Class::Refused, format!("you said no; {not_done}"))),
        Err(error) => Err(Failure::new(Class::Refused, format!("the question was not answered ({error}); {not_done}"))),
    }
}
