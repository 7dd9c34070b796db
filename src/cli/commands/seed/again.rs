//! `farm seed job NAME`: what was seeded under a name, rendered anew.

use crate::base::error::{Class, Failure};
use crate::base::name::JobName;
use crate::cli::args::seed::SeedJobArgs;
use crate::cli::revising::Call;

pub(super) fn run(_call: &Call<'_>, _args: &SeedJobArgs, name: &JobName) -> Result<u8, Failure> {
    Err(Failure::new(Class::Failed, format!("quick/{name}: not yet")))
}
