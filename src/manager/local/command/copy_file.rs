//! `copy-file`: copies a file to a path that must be free; folders above it are made.

use super::{Halt, Parameters};
use crate::manager::local::attempt::Attempt;
use crate::sys::{files, outside};

/// Copies `src` to `dest`.
pub(super) fn run(parameters: &Parameters, attempt: &mut Attempt<'_>) -> Result<(), Halt> {
    let (from, to) = (parameters.path("src")?, parameters.path("dest")?);
    if outside::exists(to) {
        return Err(Halt::Failed(format!("{} is there already, nothing was copied", to.display())));
    }
    attempt.say(&format!("copying {} to {}", from.display(), to.display()));
    let copied = match to.parent() {
        Some(folder) => files::make_folders(folder, 0o750).and_then(|()| Ok(files::copy_to_new(from, to)?)),
        None => files::copy_to_new(from, to).map_err(Into::into),
    };
    copied
        .map(drop)
        .map_err(|error| Halt::Failed(format!("cannot copy {} to {}: {error}", from.display(), to.display())))
}
