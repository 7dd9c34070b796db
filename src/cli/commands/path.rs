//! `farm path`

use crate::base::error::Failure;
use crate::cli::args::status::{PathArgs, Place};
use crate::cli::exit;
use crate::cli::needs::Context;
use crate::ops::path::{self, path};
use clap::ValueEnum;
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    name: &'a str,
    place: String,
    path: String,
}

/// Prints one path and nothing else.
pub(super) fn run(args: &PathArgs, context: &Context) -> Result<u8, Failure> {
    let (volume, _) = context.volume()?;
    let place = match args.place {
        Place::Out => path::Place::Out,
        Place::Dist => path::Place::Dist,
        Place::Store => path::Place::Store,
        Place::Log => path::Place::Log,
    };
    let found = path(&volume, &args.name, place)?.display().to_string();
    let place = args.place.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let document = Document { schema: "farm.path/1", name: &args.name, place, path: found.clone() };
    context.output.result(&found, &document);
    Ok(exit::DONE)
}
