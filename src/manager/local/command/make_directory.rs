//! `make-directory`: a folder and those above it; fine if it is there.

use super::{Halt, Parameters};
use crate::manager::local::attempt::Attempt;
use crate::sys::files;

/// Makes the folder.
pub(super) fn run(parameters: &Parameters, attempt: &mut Attempt<'_>) -> Result<(), Halt> {
    let path = parameters.path("path")?;
    attempt.say(&format!("making folder {}", path.display()));
    files::make_folders(path, 0o775).map_err(|error| Halt::Failed(format!("cannot make {}: {error}", path.display())))
}
