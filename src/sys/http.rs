//! Requests over HTTP: bounded in time and size, and only ever to the host that the user named.

use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client as Inner, ClientBuilder, Url};
use std::error::Error;
use std::io;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a whole request may take, reply included.
const TOTAL: Duration = Duration::from_secs(30);
/// The most redirects that are followed, all on one host.
const REDIRECTS: usize = 5;
/// The largest reply that is read, in bytes.
pub const MAX_BODY: usize = 1 << 20;

/// A server's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status, `200`.
    pub status: u16,
    /// The body, at most [`MAX_BODY`] bytes.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The text is no URL that can be asked.
    #[error("{url:?} is not an address that begins with http:// or https://: {cause}")]
    Address {
        /// The text.
        url: String,
        /// What is wrong with it.
        cause: String,
    },
    /// This machine cannot make requests at all.
    #[error("cannot prepare requests to {url}: {cause}")]
    Setup {
        /// The address.
        url: String,
        /// The cause.
        cause: String,
    },
    /// Nobody answered: a wrong name, a closed port, a cut line, a certificate that nobody trusts.
    #[error("{url} cannot be reached: {cause}")]
    Unreachable {
        /// The address.
        url: String,
        /// The cause.
        cause: String,
    },
    /// The answer took too long.
    #[error("{url} did not answer in time")]
    TimedOut {
        /// The address.
        url: String,
    },
    /// The answer is the address of another host, or one of too many.
    #[error("{url} sends on to {to}, which was not followed")]
    SentOn {
        /// The address.
        url: String,
        /// Where the answer points.
        to: String,
    },
    /// The answer is larger than [`MAX_BODY`].
    #[error("the answer of {url} is larger than {MAX_BODY} bytes")]
    TooLarge {
        /// The address.
        url: String,
    },
    /// The answer broke off.
    #[error("the answer of {url} cannot be read: {cause}")]
    Broken {
        /// The address.
        url: String,
        /// The cause.
        cause: String,
    },
}

/// Speaks to one server. The path of the base address is kept: `https://farm.studio/flamenco` is a fine base.
pub struct Client {
    base: Url,
    runtime: Runtime,
    inner: Inner,
}

impl Client {
    /// A client for everything beneath `base`. Opens no connection.
    pub fn new(base: &str) -> Result<Client, HttpError> {
        let base = parse_base(base)?;
        let setup = |cause: String| HttpError::Setup { url: shown(&base), cause };
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error: io::Error| setup(error.to_string()))?;
        let inner = build(&base).map_err(|error| setup(causes(&error)))?;
        Ok(Client { base, runtime, inner })
    }

    /// `GET <base>/<path>`; `path` begins without a slash. Any HTTP status is an answer.
    pub fn get(&self, path: &str) -> Result<Reply, HttpError> {
        let url = self
            .base
            .join(path)
            .map_err(|error| HttpError::Address { url: shown(&self.base) + path, cause: error.to_string() })?;
        self.runtime.block_on(get(&self.inner, url))
    }
}

async fn get(client: &Inner, url: Url) -> Result<Reply, HttpError> {
    let name = shown(&url);
    let sent = client.get(url).send().await;
    let mut response = sent.map_err(|error| failed(&name, &error))?;
    if response.status().is_redirection() {
        let to = response.headers().get("location").map(|to| String::from_utf8_lossy(to.as_bytes()).into_owned());
        return Err(HttpError::SentOn { url: name, to: to.unwrap_or_else(|| "nowhere".to_owned()) });
    }
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| broke_off(&name, &error))? {
        if body.len() + piece.len() > MAX_BODY {
            return Err(HttpError::TooLarge { url: name });
        }
        body.extend_from_slice(&piece);
    }
    Ok(Reply { status, body })
}

/// The base with a slash behind its path, so that joining keeps the whole of it.
fn parse_base(text: &str) -> Result<Url, HttpError> {
    // What stands before an @ may be a password.
    let address: String = text.rsplit('@').next().unwrap_or_default().chars().take(200).collect();
    let wrong = |cause: &str| HttpError::Address { url: address.clone(), cause: cause.to_owned() };
    let mut url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("another kind of address"));
    }
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

fn build(base: &Url) -> Result<Inner, reqwest::Error> {
    // Fails when one is installed already, which is just as good.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let built = builder(base).build();
    match base.scheme() {
        // A machine without CA certificates can still speak plain HTTP.
        "http" if built.is_err() => builder(base).tls_certs_only([]).build(),
        _ => built,
    }
}

fn builder(base: &Url) -> ClientBuilder {
    let agent = concat!("farm/", env!("CARGO_PKG_VERSION"));
    let policy = Policy::custom(follow_on_one_host);
    let builder = Inner::builder().user_agent(agent).connect_timeout(CONNECT).timeout(TOTAL).redirect(policy);
    // No proxy can reach what listens on this machine alone.
    if is_loopback(base) { builder.no_proxy() } else { builder }
}

fn follow_on_one_host(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let home = attempt.previous().first().and_then(|url| url.host_str()).map(str::to_owned);
    match attempt.url().host_str() == home.as_deref() && attempt.previous().len() <= REDIRECTS {
        true => attempt.follow(),
        false => attempt.stop(),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// `address` as it may be printed: without a user's name and password.
pub fn without_credentials(address: &str) -> String {
    match Url::parse(address) {
        Ok(url) if url.has_authority() && (!url.username().is_empty() || url.password().is_some()) => shown(&url),
        _ => address.to_owned(),
    }
}

/// The address without a user's name and password: those are never printed.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let _cannot_hold_any = url.set_username("");
    let _cannot_hold_any = url.set_password(None);
    url.to_string()
}

fn failed(url: &str, error: &reqwest::Error) -> HttpError {
    let url = url.to_owned();
    match error.is_timeout() {
        true => HttpError::TimedOut { url },
        false => HttpError::Unreachable { url, cause: causes(error) },
    }
}

fn broke_off(url: &str, error: &reqwest::Error) -> HttpError {
    let url = url.to_owned();
    match error.is_timeout() {
        true => HttpError::TimedOut { url },
        false => HttpError::Broken { url, cause: causes(error) },
    }
}

/// The innermost cause: what stands above it only repeats that a request failed, and the address.
fn causes(error: &reqwest::Error) -> String {
    let mut inner: &dyn Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// Answers each connection with the next of `replies`, and returns the first line of each request.
    fn serve(replies: Vec<String>) -> (String, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let answer = |reply: String| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).unwrap();
                // The client may hang up on a reply that is too long.
                let _closed = stream.write_all(reply.as_bytes());
                let text = String::from_utf8_lossy(&request[..length]).into_owned();
                text.lines().next().unwrap_or_default().to_owned()
            };
            replies.into_iter().map(answer).collect()
        });
        (base, server)
    }

    fn reply(status: &str, headers: &str, body: &str) -> String {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}")
    }

    #[test]
    fn the_base_path_is_kept() {
        let (base, server) = serve(vec![reply("200 OK", "", "{}"), reply("404 Not Found", "", "no")]);
        let client = Client::new(&format!("{base}/farm?x=1#y")).unwrap();
        assert_eq!(client.get("api/v3/version").unwrap(), Reply { status: 200, body: b"{}".to_vec() });
        assert_eq!(client.get("api/v3/none").unwrap().status, 404);
        assert_eq!(server.join().unwrap()[0], "GET /farm/api/v3/version HTTP/1.1");
    }

    #[test]
    fn redirects_stay_on_the_host() {
        let (base, server) = serve(vec![
            reply("302 Found", "Location: /moved\r\n", ""),
            reply("200 OK", "", "here"),
            reply("302 Found", "Location: http://localhost.invalid/\r\n", ""),
        ]);
        let client = Client::new(&base).unwrap();
        assert_eq!(client.get("x").unwrap().body, b"here");
        let error = client.get("x").unwrap_err();
        assert!(matches!(&error, HttpError::SentOn { to, .. } if to == "http://localhost.invalid/"), "{error}");
        assert_eq!(server.join().unwrap()[1], "GET /moved HTTP/1.1");
    }

    #[test]
    fn long_and_broken_answers_are_errors() {
        let long = "x".repeat(MAX_BODY + 1);
        let cut = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".to_owned();
        let (base, server) = serve(vec![reply("200 OK", "", &long), cut, "SSH-2.0-x\r\n".to_owned()]);
        let client = Client::new(&base).unwrap();
        assert!(matches!(client.get("x"), Err(HttpError::TooLarge { .. })));
        assert!(matches!(client.get("x"), Err(HttpError::Broken { .. })));
        assert!(matches!(client.get("x"), Err(HttpError::Unreachable { .. })));
        server.join().unwrap();
    }

    #[test]
    fn nobody_there_is_said_without_the_password() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let client = Client::new(&format!("http://me:secret@127.0.0.1:{port}/f")).unwrap();
        let error = client.get("api/v3/version").unwrap_err().to_string();
        assert!(error.starts_with(&format!("http://127.0.0.1:{port}/f/api/v3/version cannot be reached")), "{error}");
        assert!(error.to_ascii_lowercase().contains("refused"), "{error}");
    }

    #[test]
    fn credentials_are_never_printed() {
        assert_eq!(without_credentials("http://me:secret@m:8080/x"), "http://m:8080/x");
        for same in ["local", "http://m:8080", "https://m/a@b", "", "me:secret"] {
            assert_eq!(without_credentials(same), same);
        }
    }

    #[test]
    fn other_addresses_are_refused() {
        for text in ["ftp://x/", "x", "", "http://", "file:///etc/passwd"] {
            assert!(matches!(Client::new(text), Err(HttpError::Address { .. })), "{text:?}");
        }
    }
}
