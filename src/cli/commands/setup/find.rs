//! `farm setup find`

use super::choice;
use crate::base::error::{Class, Failure};
use crate::cli::args::manager_setup::SetupFindArgs;
use crate::cli::exit;
use crate::cli::needs::Context;
use crate::cli::settings::parse_duration;
use crate::manager::{Flamenco, Manager};
use crate::sys::http::Access;
use crate::sys::ssdp;
use serde::Serialize;
use std::time::Duration;

/// So many are asked for their names at once.
const AT_ONCE: usize = 16;
/// How long one may take to say its name: it answered the network just now.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Serialize)]
struct FoundDocument<'a> {
    schema: &'static str,
    managers: Vec<FoundView>,
    chosen: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct FoundView {
    pub(super) url: String,
    name: Option<String>,
    version: Option<String>,
}

/// Asks the network, shows who answered, and writes down what was chosen.
pub(super) fn find(args: &SetupFindArgs, context: &Context) -> Result<u8, Failure> {
    let wait = parse_duration(&args.wait)
        .map_err(|cause| Failure::new(Class::Usage, format!("--wait: {cause}")).with_hint("Write it as 3s."))?;
    let unknown =
        |error: std::io::Error| Failure::new(Class::Usage, format!("--ask: {error}")).with_hint("Name a host.");
    let to = args.ask.as_deref().map(ssdp::target).transpose().map_err(unknown)?.unwrap_or(ssdp::EVERYBODY);
    let found = ssdp::find_managers(to, wait).map_err(|error| {
        Failure::new(Class::Failed, format!("the network cannot be asked: {error}"))
            .with_hint("Name the Manager with --manager URL instead; ask whoever runs it for the address.")
    })?;
    let managers = introduced(found.into_iter().collect());
    let chosen = choice::choose(args.choose.as_deref(), &managers, context)?;
    if let Some(url) = &chosen {
        choice::prove(url, context)?;
    }
    let mut text: String = managers.iter().map(line).collect();
    if managers.is_empty() {
        text.push_str("no Manager answered\n");
    }
    if let Some(url) = &chosen {
        let file = choice::remember(url, context)?;
        text.push_str(&format!("wrote manager: {url} to {}\n", file.display()));
    }
    let nothing = managers.is_empty() && chosen.is_none();
    context.output.result(&text, &FoundDocument { schema: "farm.setup-find/1", managers, chosen: chosen.as_deref() });
    Ok(if nothing { exit::code(Class::NoMatch) } else { exit::DONE })
}

/// Each of them, asked for its name: several at once, for one that cannot be reached from here takes its time.
fn introduced(urls: Vec<String>) -> Vec<FoundView> {
    let share = urls.len().div_ceil(AT_ONCE).max(1);
    let introduce = |urls: &[String]| urls.iter().map(|url| introduce(url.clone())).collect::<Vec<_>>();
    std::thread::scope(|scope| {
        let asking: Vec<_> = urls.chunks(share).map(|urls| scope.spawn(move || introduce(urls))).collect();
        asking.into_iter().flat_map(|one| one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

fn introduce(url: String) -> FoundView {
    let access = Access { timeout: Some(PATIENCE), ..Access::default() };
    let version = Flamenco::new(&url, &access).ok().and_then(|client| client.version().ok());
    let (name, version) = version.map(|told| (told.name, told.version)).unzip();
    FoundView { url, name, version }
}

pub(super) fn line(found: &FoundView) -> String {
    let name = found.name.as_deref().unwrap_or("does not answer from here");
    format!("{}  {name} {}\n", found.url, found.version.as_deref().unwrap_or_default())
}
