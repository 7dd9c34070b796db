//! How a Manager is reached, out of the configuration. Secrets come from the environment or from files that only their
//! owner can read.

use crate::base::error::{Class, Failure};
use crate::base::secret::Secret;
use crate::cli::config::Config;
use crate::cli::settings::parse_duration;
use crate::sys::http::{Access, Credentials};
use crate::sys::outside;
use std::path::{Path, PathBuf};

/// The largest file of secrets that is read, in bytes.
const MAX_SECRETS: u64 = 64 << 10;
/// The permissions that nobody but the owner of a secret may have.
const OTHERS: u32 = 0o077;

/// The access that the configuration describes.
pub fn access(config: &Config) -> Result<Access, Failure> {
    let path = |key| config.text(key).map(PathBuf::from);
    Ok(Access {
        credentials: credentials(config)?,
        headers: headers(secret(config, "access.headers", "access.headers_file")?.as_ref())?,
        ca: path("access.ca"),
        client_certificate: path("access.client_certificate"),
        proxy: config.parse("access.proxy", parse_proxy)?,
        timeout: Some(config.parse("access.timeout", |text| {
            parse_duration(text).and_then(|time| match time.is_zero() {
                true => Err("it must be longer than nothing".to_owned()),
                false => Ok(time),
            })
        })?),
    })
}

/// A proxy that farm can speak to; `None` for an empty text.
fn parse_proxy(text: &str) -> Result<Option<String>, String> {
    let spoken = |scheme: &str| ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    match text.split_once("://") {
        Some((scheme, _)) if !spoken(scheme) => {
            Err("farm speaks to proxies over http:// and https:// only; write http://HOST:PORT".to_owned())
        }
        _ => Ok(Some(text.to_owned()).filter(|text| !text.is_empty())),
    }
}

fn credentials(config: &Config) -> Result<Option<Credentials>, Failure> {
    let token = secret(config, "access.token", "access.token_file")?;
    let password = secret(config, "access.password", "access.password_file")?;
    match (token, config.text("access.user"), password) {
        (Some(_), Some(_), _) => Err(wrong("both access.user and a token are set".to_owned(), "Set one of them.")),
        (Some(token), None, _) => Ok(Some(Credentials::Bearer(token))),
        (None, Some(user), password) => {
            let password = password.unwrap_or_else(|| Secret::new(""));
            Ok(Some(Credentials::Basic { user: user.to_owned(), password }))
        }
        (None, None, Some(_)) => {
            Err(wrong("a password is set, and no access.user".to_owned(), "Set access.user to the name it belongs to."))
        }
        (None, None, None) => Ok(None),
    }
}

/// The word under `key`, or in the file under `file_key`, without the line's end.
fn secret(config: &Config, key: &'static str, file_key: &'static str) -> Result<Option<Secret>, Failure> {
    if let Some(word) = config.text(key) {
        return Ok(Some(Secret::new(word)));
    }
    let Some(path) = config.text(file_key) else { return Ok(None) };
    read(Path::new(path), file_key).map(Some)
}

fn read(path: &Path, key: &str) -> Result<Secret, Failure> {
    let named = |cause: String| format!("{key}: {cause}");
    let file = outside::open(path).map_err(|error| wrong(named(error.to_string()), "Name a file with the secret."))?;
    let none = || wrong(named(format!("{}: there is no such file", path.display())), "Name a file with the secret.");
    let mut file = file.ok_or_else(none)?;
    if file.attributes().mode & OTHERS != 0 {
        let cause = named(format!("{} can be read by others than its owner", path.display()));
        return Err(wrong(cause, &format!("Type `chmod 600 {}`.", path.display())));
    }
    let bytes = file.read_all(MAX_SECRETS)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| wrong(named(format!("{} is no text", path.display())), "Put the secret into it as plain text."))?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

fn headers(lines: Option<&Secret>) -> Result<Vec<(String, Secret)>, Failure> {
    let Some(lines) = lines else { return Ok(Vec::new()) };
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_owned(), Secret::new(value.trim())))
    };
    let lines = lines.reveal().lines().filter(|line| !line.trim().is_empty());
    lines
        .map(header)
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| wrong("access.headers: a line is no header".to_owned(), "Write `Name: value`, one a line."))
}

fn wrong(cause: String, next: &str) -> Failure {
    Failure::new(Class::Usage, cause).with_hint(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn with(values: &[(&str, &str)]) -> Result<Access, Failure> {
        let mut config = Config::defaults();
        config
            .lay_environment(|name| values.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()));
        access(&config)
    }

    #[test]
    fn credentials_come_from_the_environment_or_from_a_file_of_ones_own() {
        assert_eq!(with(&[]).expect("none").credentials, None);
        let basic = with(&[("FARM_ACCESS_USER", "ann"), ("FARM_ACCESS_PASSWORD", "x")]).expect("basic");
        assert!(matches!(basic.credentials, Some(Credentials::Basic { user, .. }) if user == "ann"));
        let temp = tempfile::tempdir().expect("temp");
        let path = temp.path().join("token");
        std::fs::write(&path, "t0k3n\n").expect("temp");
        let named = [("FARM_ACCESS_TOKEN_FILE", path.to_str().expect("text"))];
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("temp");
        let refused = with(&named).expect_err("others can read it");
        assert!(refused.hint().is_some_and(|hint| hint.contains("chmod 600")), "{refused}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("temp");
        let bearer = with(&named).expect("bearer").credentials;
        assert_eq!(bearer, Some(Credentials::Bearer(Secret::new("t0k3n"))));
    }

    #[test]
    fn what_contradicts_itself_is_refused_without_telling_secrets() {
        for values in [
            &[("FARM_ACCESS_USER", "ann"), ("FARM_ACCESS_TOKEN", "hush")][..],
            &[("FARM_ACCESS_PASSWORD", "hush")],
            &[("FARM_ACCESS_HEADERS", "hush")],
            &[("FARM_ACCESS_TOKEN_FILE", "/nonexistent/hush")],
            &[("FARM_ACCESS_TIMEOUT", "0s")],
            &[("FARM_ACCESS_PROXY", "socks5://ann:hush\"@proxy:1080")],
        ] {
            let failure = with(values).expect_err("wrong");
            assert_eq!(failure.class(), Class::Usage);
            assert!(failure.hint().is_some() && !failure.message().contains("hush\""), "{failure}");
        }
    }

    #[test]
    fn headers_are_read_line_by_line() {
        let access = with(&[("FARM_ACCESS_HEADERS", "X-Gate: open\n\nX-Two: a: b\n")]).expect("headers");
        let names: Vec<&str> = access.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["X-Gate", "X-Two"]);
        assert_eq!(access.headers[1].1.reveal(), "a: b");
    }
}
