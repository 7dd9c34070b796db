//! `farm config show`

use crate::base::error::Failure;
use crate::cli::args::setup::ConfigCommand;
use crate::cli::config::keys::{QUERIES, Shown};
use crate::cli::config::{Config, Key, Value};
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
    problems: Vec<Problem>,
}

#[derive(Serialize)]
struct Problem {
    message: String,
    hint: Option<String>,
}

#[derive(Serialize)]
struct Row {
    key: String,
    value: String,
    origin: String,
    env: &'static str,
    meaning: String,
}

/// A value as it may be printed.
fn shown(key: &Key, text: &str) -> String {
    match key.shown {
        Shown::Never if !text.is_empty() => "(set, not shown)".to_owned(),
        _ => without_credentials(text),
    }
}

/// Each key with its value; the queries that have a name come last.
fn rows(config: &Config) -> Vec<Row> {
    let of_key = |(key, value): (&Key, &Value)| Row {
        key: key.name.to_owned(),
        value: shown(key, &value.text),
        origin: value.origin.to_string(),
        env: key.env,
        meaning: key.meaning.to_owned(),
    };
    let of_query = |(key, value): (String, &Value)| Row {
        meaning: format!("the query @{}", key.trim_start_matches(QUERIES)),
        key,
        value: value.text.clone(),
        origin: value.origin.to_string(),
        env: "",
    };
    config.rows().map(of_key).chain(config.query_rows().map(of_query)).collect()
}

/// Prints each value and where it came from, then what is wrong with them: other errors lead here, so that this shows
/// what there is, whatever it is.
pub fn run(args: &ConfigCommand, context: &Context) -> Result<u8, Failure> {
    let ConfigCommand::Show = args;
    let (volume, mut troubles) = match context.volume_path() {
        Ok(volume) => (volume, Vec::new()),
        // A user's file that cannot be read keeps the volume from being found, and is told of below.
        Err(_) if !context.config_as_far_as_it_goes(None).1.is_empty() => (None, Vec::new()),
        Err(failure) => (None, vec![failure]),
    };
    let (mut config, of_files) = context.config_as_far_as_it_goes(volume.as_deref());
    if let Some(found) = context.volume_here().ok().flatten() {
        config.lay_found_volume(&found);
    }
    troubles.extend(of_files);
    troubles.extend(Settings::resolve(&config).err());
    let rows: Vec<Row> = rows(&config);
    let mut table = Table::new(&["KEY", "VALUE", "FROM", "MEANING"]);
    for row in &rows {
        table.row(&[&row.key, &row.value, &row.origin, &row.meaning]);
    }
    let problem = |trouble: &Failure| Problem { message: trouble.message(), hint: trouble.hint().map(str::to_owned) };
    let problems = troubles.iter().map(problem).collect();
    context.output.result(&table.to_string(), &Document { schema: "farm.config/1", values: rows, problems });
    troubles.iter().for_each(|trouble| context.output.error(trouble));
    Ok(troubles.first().map_or(exit::DONE, |trouble| exit::code(trouble.class())))
}
