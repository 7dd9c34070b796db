//! Configuration turned into typed values: no text left that could still be wrong.

use crate::base::error::Failure;
use crate::cli::access::access;
use crate::cli::config::Config;
use crate::query::Named;
use crate::sys::http::{Access, without_credentials};
use std::time::Duration;

/// Which Manager farm drives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManagerChoice {
    /// This machine's own queue.
    Local,
    /// A Flamenco Manager, by its URL.
    Flamenco(String),
}

/// How many frames a task gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkChoice {
    /// Farm chooses, and says why.
    Auto,
    /// So many.
    Frames(u32),
}

/// What every command may need, with defaults filled in.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which Manager.
    pub manager: ManagerChoice,
    /// How a Flamenco Manager is reached.
    pub access: Access,
    /// The name written into jobs.
    pub user: Option<String>,
    /// Blender on this machine.
    pub blender: String,
    /// Whether scripts inside scenes may run.
    pub autoexec: bool,
    /// ffmpeg on this machine.
    pub ffmpeg: String,
    /// Priority of new jobs.
    pub priority: u8,
    /// Frames per task.
    pub chunk: ChunkChoice,
    /// Names of jobs.
    pub job_name_template: String,
    /// Names in dist/, if set.
    pub harvest_template: Option<String>,
    /// How often `--wait` submits missing frames anew.
    pub wait_tries: u32,
    /// How long `--wait` bears with a Manager that is away.
    pub wait_patience: Duration,
    /// How long to wait for a lock.
    pub lock_wait: Duration,
    /// Threads that read files, at least 1.
    pub threads: usize,
    /// What `@name` stands for in a query.
    pub queries: Named,
}

impl Settings {
    /// Reads every value; the first wrong one is the error.
    pub fn resolve(config: &Config) -> Result<Self, Failure> {
        let manager = config.parse("manager", parse_manager)?;
        Ok(Settings {
            // What is of no use now is not complained of.
            access: if manager == ManagerChoice::Local { Access::default() } else { access(config)? },
            manager,
            user: config.text("user").map(str::to_owned),
            blender: config.get("blender.executable").text.clone(),
            autoexec: config.parse("blender.autoexec", parse_bool)?,
            ffmpeg: config.get("ffmpeg.executable").text.clone(),
            priority: config.parse("plan.priority", parse_priority)?,
            chunk: config.parse("plan.chunk", parse_chunk)?,
            job_name_template: config.get("plan.job_name_template").text.clone(),
            harvest_template: config.text("harvest.template").map(str::to_owned),
            wait_tries: config.parse("wait.tries", |text| text.parse().map_err(|_| "not a number".to_owned()))?,
            wait_patience: config.parse("wait.patience", parse_duration)?,
            lock_wait: config.parse("lock.wait", parse_duration)?,
            threads: config.parse("threads", parse_threads)?,
            queries: config.named_queries(),
        })
    }
}

/// `local`, or a URL.
pub fn parse_manager(text: &str) -> Result<ManagerChoice, String> {
    match text {
        "local" => Ok(ManagerChoice::Local),
        url if ["http://", "https://"].iter().any(|scheme| begins_with(url, scheme)) => {
            Ok(ManagerChoice::Flamenco(url.to_owned()))
        }
        host if is_like_a_host(host) => {
            Err(format!("http:// is missing before it; write http://{}", without_credentials(host)))
        }
        _ => Err("write `local` or a URL that begins with http:// or https://".into()),
    }
}

fn begins_with(text: &str, scheme: &str) -> bool {
    text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

/// `10.0.0.2:8080`, `farm.studio/flamenco`, `localhost`.
fn is_like_a_host(text: &str) -> bool {
    let host = text.split('/').next().unwrap_or_default();
    let plain = |c: char| !c.is_whitespace() && !c.is_control();
    !text.contains("://") && text.chars().all(plain) && (host.contains(['.', ':']) || host == "localhost")
}

fn parse_bool(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("write true or false".into()),
    }
}

fn parse_priority(text: &str) -> Result<u8, String> {
    text.parse().ok().filter(|n| *n <= 100).ok_or_else(|| "write a number from 0 to 100".into())
}

/// `auto` or a number of frames.
pub fn parse_chunk(text: &str) -> Result<ChunkChoice, String> {
    match text {
        "auto" => Ok(ChunkChoice::Auto),
        _ => match text.parse() {
            Ok(n) if n > 0 => Ok(ChunkChoice::Frames(n)),
            _ => Err("write auto or a number of frames, at least 1".into()),
        },
    }
}

fn parse_threads(text: &str) -> Result<usize, String> {
    match text.parse().map_err(|_| "not a number".to_owned())? {
        0 => Ok(crate::sys::process::identity::cores()),
        n if n <= 64 => Ok(n),
        _ => Err("at most 64".into()),
    }
}

/// A duration such as `90s`, `5m`, `1h30m`, or bare seconds.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    let wrong = || format!("{text:?} is not a duration such as 90s, 5m or 7d");
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    Duration::try_from(length).map_err(|_| "a duration cannot be negative".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_with_their_origin() {
        let mut config = Config::defaults();
        assert!(Settings::resolve(&config).is_ok());
        config.lay_environment(|name| (name == "FARM_PLAN_PRIORITY").then(|| "101".to_owned()));
        let error = Settings::resolve(&config).expect_err("too high");
        assert!(error.to_string().contains("environment FARM_PLAN_PRIORITY"), "{error}");
    }

    #[test]
    fn a_manager_is_a_url_however_it_is_written() {
        assert_eq!(parse_manager("HTTP://LOCALHOST:1"), Ok(ManagerChoice::Flamenco("HTTP://LOCALHOST:1".into())));
        for (text, url) in [
            ("10.0.0.2:8080", "http://10.0.0.2:8080"),
            ("localhost", "http://localhost"),
            ("farm.studio/flamenco", "http://farm.studio/flamenco"),
            ("[::1]:8080", "http://[::1]:8080"),
            ("ann:hush@farm:8080", "http://farm:8080"),
        ] {
            let cause = parse_manager(text).expect_err(text);
            assert!(cause.ends_with(&format!("write {url}")), "{cause}");
        }
        for text in ["lokal", "ftp://x.y", "a b.c", ".../x y"] {
            assert!(parse_manager(text).expect_err(text).contains("`local`"), "{text}");
        }
    }

    #[test]
    fn durations_are_read() {
        assert_eq!(parse_duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert!(parse_duration("soon").is_err());
        assert!(parse_duration("-5s").is_err());
    }
}
