//! `farm config show`

use crate::base::error::Failure;
use crate::cli::args::setup::ConfigCommand;
use crate::cli::exit;
use crate::cli::needs::Context;
use crate::cli::render::table::Table;
use crate::cli::settings::Settings;
use crate::sys::http::without_credentials;
use serde::Serialize;

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    values: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    key: &'static str,
    value: String,
    origin: String,
    env: &'static str,
    meaning: &'static str,
}

/// Prints each value and where it came from; a wrong value is an error after the table.
pub fn run(args: &ConfigCommand, context: &Context) -> Result<u8, Failure> {
    let ConfigCommand::Show = args;
    let volume = context.volume_path()?;
    let config = context.config(volume.as_deref())?;
    let rows: Vec<Row> = config
        .rows()
        .map(|(key, value)| Row {
            key: key.name,
            value: without_credentials(&value.text),
            origin: value.origin.to_string(),
            env: key.env,
            meaning: key.meaning,
        })
        .collect();
    let mut table = Table::new(&["KEY", "VALUE", "FROM", "MEANING"]);
    for row in &rows {
        table.row(&[row.key, &row.value, &row.origin, row.meaning]);
    }
    context.output.result(&table.to_string(), &Document { schema: "farm.config/1", values: rows });
    Settings::resolve(&config)?;
    Ok(exit::DONE)
}
