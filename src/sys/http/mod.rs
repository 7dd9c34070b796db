//! Requests over HTTP: bounded in time and size, and only ever to the host that the user named.

mod access;
mod body;
mod cause;
mod error;
mod many;
#[cfg(test)]
mod tests;

pub use access::{Access, Credentials};
pub use body::Pieces;
pub use error::{Arrival, HttpError};
pub use many::{Many, Next};

use crate::sys::{interrupt, outside};
use cause::{causes, is_about_tls, is_without_tls};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, Client as Inner, ClientBuilder, Identity, Proxy, RequestBuilder, Response, Url};
use std::io;
pub use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a whole request may take, reply included, where nothing else is said.
const TOTAL: Duration = Duration::from_secs(30);
/// How long a reply that has begun may stand still. (The client's own limit of this kind also ends the wait for its
/// beginning, which may take as long as the whole.)
const STILL: Duration = Duration::from_secs(30);
/// The most redirects that are followed, all on one host.
const REDIRECTS: usize = 5;
/// The largest reply that is read where nothing else is said, in bytes.
pub const MAX_BODY: u64 = 32 << 20;
/// The words of the client's own library for a proxy's 407.
const PROXY_WANTS: &str = "proxy authorization required";
/// What is wrong where a user asks as two.
const TWICE: &str =
    "its URL holds a name or a password, and access.user or a token is set too; only one of them can be sent";
/// The largest file of certificates that is read, in bytes.
const MAX_PEM: u64 = 4 << 20;

/// A server's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status, `200`.
    pub status: u16,
    /// What it says that it is, `application/json`; empty where it does not say.
    pub content_type: String,
    /// How long it wants to be left alone, where it says so in seconds.
    pub retry_after: Option<Duration>,
    /// The body, at most as long as was asked for.
    pub body: Vec<u8>,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// To be told something.
    Get,
    /// To do something.
    Post,
    /// To take something away.
    Delete,
}

/// How long a request may take, reply included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// As long as short requests may: what [`Access::timeout`] says.
    Short,
    /// So long at least: a server has a lot to do for it.
    Long(Duration),
}

/// A request.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// What is asked.
    pub method: Method,
    /// Of what: a path beneath the base, without a slash before it.
    pub path: &'a str,
    /// A JSON document that goes with it.
    pub json: Option<Vec<u8>>,
    /// How long it may take as a whole.
    pub patience: Patience,
    /// The most of that: what is left of the time for several tries.
    pub at_most: Duration,
    /// The first and the last byte that are wanted; all where there are none. A server may give all nevertheless (200, not
    /// 206).
    pub range: Option<(u64, u64)>,
    /// The largest reply that is read, in bytes.
    pub limit: u64,
    /// Whether its answer may be let go of: whoever asks farm to end does not wait for what changes nothing.
    pub is_question: bool,
}

impl<'a> Request<'a> {
    /// A short question.
    pub fn get(path: &'a str) -> Self {
        Request {
            method: Method::Get,
            path,
            json: None,
            patience: Patience::Short,
            at_most: Duration::MAX,
            range: None,
            limit: MAX_BODY,
            is_question: true,
        }
    }
}

/// Speaks to one server. The path of the base address is kept: `https://farm.studio/flamenco` is a fine base. May be
/// used by many threads at once; connections are kept and used again.
pub struct Client {
    base: Url,
    runtime: Runtime,
    /// Follows a server that sends on within its host: only questions may be repeated so.
    asking: Inner,
    /// Follows nothing.
    telling: Inner,
    credentials: Option<Credentials>,
    timeout: Duration,
    /// The proxy that was named, as it may be printed.
    proxy: Option<String>,
}

impl Client {
    /// A client for everything beneath `base`. Opens no connection.
    pub fn new(base: &str) -> Result<Client, HttpError> {
        Client::with(base, &Access::default())
    }

    /// The same with `access`.
    pub fn with(base: &str, access: &Access) -> Result<Client, HttpError> {
        let base = parse_base(base)?;
        let setup = |cause: String| HttpError::Setup { url: shown(&base), cause };
        // Each would be sent, and servers take either.
        if access.credentials.is_some() && has_credentials(&base) {
            return Err(setup(TWICE.to_owned()));
        }
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("http").enable_all().build();
        let runtime = runtime.map_err(|error: io::Error| setup(error.to_string()))?;
        let asking = build(&base, access, Policy::custom(follow_on_one_host)).map_err(setup)?;
        let telling = build(&base, access, Policy::none()).map_err(setup)?;
        let (credentials, timeout) = (access.credentials.clone(), access.timeout.unwrap_or(TOTAL));
        let proxy = access.proxy.as_deref().map(|proxy| without_credentials(proxy).trim_end_matches('/').to_owned());
        Ok(Client { base, runtime, asking, telling, credentials, timeout, proxy })
    }

    /// The base as it may be printed, without the slash at its end.
    pub fn address(&self) -> String {
        shown(&self.base).trim_end_matches('/').to_owned()
    }

    /// Whether requests have a name and a password, or a token.
    pub fn says_who_asks(&self) -> bool {
        self.credentials.is_some() || has_credentials(&self.base)
    }

    /// `GET <base>/<path>`. Any HTTP status is an answer.
    pub fn get(&self, path: &str) -> Result<Reply, HttpError> {
        self.send(&Request::get(path))
    }

    /// Sends a request and reads the whole answer. Any HTTP status is an answer.
    pub fn send(&self, request: &Request<'_>) -> Result<Reply, HttpError> {
        let total = self.time_for(request);
        let prepared = self.prepare(request, self.address_of(request)?).timeout(total);
        self.runtime.block_on(self.answer_to(prepared, request, total, None))
    }

    /// The same, and hands a good answer on while it comes: of its body only the beginning is kept.
    pub fn send_in_pieces(&self, request: &Request<'_>, pieces: &mut dyn Pieces) -> Result<Reply, HttpError> {
        let total = self.time_for(request);
        let prepared = self.prepare(request, self.address_of(request)?).timeout(total);
        pieces.begin();
        self.runtime.block_on(self.answer_to(prepared, request, total, Some(pieces)))
    }

    /// The whole address.
    fn address_of(&self, request: &Request<'_>) -> Result<Url, HttpError> {
        let url = self
            .base
            .join(request.path)
            .map_err(|error| HttpError::Address { url: self.name_of(request), cause: error.to_string() })?;
        // A path that a server told may be a whole address.
        if !is_on_host(&self.base, &url) {
            return Err(HttpError::SentOn { url: shown(&self.base), to: shown(&url) });
        }
        Ok(url)
    }

    /// How messages name the address.
    fn name_of(&self, request: &Request<'_>) -> String {
        self.base.join(request.path).map_or_else(|_| shown(&self.base) + request.path, |url| shown(&url))
    }

    /// How long the request may take.
    fn time_for(&self, request: &Request<'_>) -> Duration {
        let total = match request.patience {
            Patience::Short => self.timeout,
            Patience::Long(least) => self.timeout.max(least),
        };
        total.min(request.at_most)
    }

    /// Sends it and reads the answer to its end.
    async fn answer_to(
        &self,
        prepared: RequestBuilder,
        request: &Request<'_>,
        total: Duration,
        pieces: Option<&mut dyn Pieces>,
    ) -> Result<Reply, HttpError> {
        let name = || self.name_of(request);
        let mut response = tokio::select! {
            biased;
            signal = interrupt::comes(), if request.is_question => {
                return Err(HttpError::Interrupted { url: name(), signal });
            }
            sent = prepared.send() => sent.map_err(|error| self.failed(&name(), &error, total))?,
        };
        if response.status().is_redirection() {
            return Err(HttpError::SentOn { to: location(&response), url: name() });
        }
        // What says of itself that it is too long need not come first.
        if response.content_length().is_some_and(|length| length > request.limit) {
            return Err(HttpError::TooLarge { url: name(), limit: request.limit });
        }
        let pieces = pieces.filter(|_| response.status().is_success());
        let body = body::read(&mut response, request, &name, total, pieces).await?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let content_type = header("content-type").unwrap_or_default().to_owned();
        let retry_after = header("retry-after").and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        Ok(Reply { status: response.status().as_u16(), content_type, retry_after, body })
    }

    /// Why there is no answer.
    fn failed(&self, url: &str, error: &reqwest::Error, total: Duration) -> HttpError {
        let url = url.to_owned();
        match &self.proxy {
            // What a tunnel is asked for by; without one the proxy's answer is an answer.
            _ if error.is_connect() && causes(error).contains(PROXY_WANTS) => HttpError::ProxyUnauthorized { url },
            _ if error.is_connect() && is_without_tls(error, &url) => HttpError::NoTls { url, cause: causes(error) },
            Some(proxy) if error.is_connect() && !is_about_tls(error, &url) => {
                HttpError::ProxyUnreachable { url, proxy: proxy.clone(), cause: causes(error) }
            }
            _ if error.is_connect() => HttpError::Unreachable { url, cause: causes(error) },
            _ if error.is_timeout() => HttpError::TimedOut { url, seconds: total.as_secs() },
            _ if error.is_builder() => HttpError::Setup { url, cause: causes(error) },
            _ => HttpError::HungUp { url, cause: causes(error) },
        }
    }

    fn prepare(&self, request: &Request<'_>, url: Url) -> RequestBuilder {
        let prepared = match request.method {
            Method::Get => self.asking.get(url),
            Method::Post => self.telling.post(url),
            Method::Delete => self.telling.delete(url),
        };
        let prepared = match &self.credentials {
            Some(Credentials::Basic { user, password }) => prepared.basic_auth(user, Some(password.reveal())),
            Some(Credentials::Bearer(token)) => prepared.bearer_auth(token.reveal()),
            None => prepared,
        };
        let prepared = match request.range {
            Some((first, last)) => prepared.header("range", format!("bytes={first}-{last}")),
            None => prepared,
        };
        match &request.json {
            Some(json) => prepared.header("content-type", "application/json").body(json.clone()),
            None => prepared,
        }
    }
}

fn location(response: &Response) -> String {
    let to = response.headers().get("location").map(|to| String::from_utf8_lossy(to.as_bytes()).into_owned());
    to.map_or_else(|| "nowhere".to_owned(), |to| without_credentials(&to))
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

fn build(base: &Url, access: &Access, policy: Policy) -> Result<Inner, String> {
    // Fails when one is installed already, which is just as good.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let builder = builder(base, access)?.redirect(policy);
    let built = match base.scheme() {
        // Plain HTTP needs no certificates: a machine without any can speak it, and reading them takes time.
        "http" => builder.tls_certs_only([]).build(),
        _ => builder.build(),
    };
    built.map_err(|error| causes(&error))
}

fn builder(base: &Url, access: &Access) -> Result<ClientBuilder, String> {
    let agent = concat!("farm/", env!("CARGO_PKG_VERSION"));
    let mut builder = Inner::builder()
        .user_agent(agent)
        .connect_timeout(CONNECT)
        .tcp_keepalive(STILL)
        .default_headers(headers(access)?);
    if let Some(path) = &access.ca {
        let pem = pem(path)?;
        let authorities = Certificate::from_pem_bundle(&pem).map_err(|error| unusable(path, &error))?;
        if authorities.is_empty() {
            return Err(format!("{}: there is no certificate in it", path.display()));
        }
        builder = builder.tls_certs_merge(authorities);
    }
    if let Some(path) = &access.client_certificate {
        builder = builder.identity(Identity::from_pem(&pem(path)?).map_err(|error| unusable(path, &error))?);
    }
    Ok(match &access.proxy {
        Some(proxy) => {
            let known = Proxy::all(proxy).map_err(|error| {
                format!("the proxy {:?} cannot be used: {}", without_credentials(proxy), causes(&error))
            })?;
            builder.proxy(known)
        }
        // No proxy can reach what listens on this machine alone.
        None if is_loopback(base) => builder.no_proxy(),
        None => builder,
    })
}

fn pem(path: &Path) -> Result<Vec<u8>, String> {
    let file = outside::open(path).map_err(|error| error.to_string())?;
    let mut file = file.ok_or_else(|| format!("{}: there is no such file", path.display()))?;
    file.read_all(MAX_PEM).map_err(|error| error.to_string())
}

fn unusable(path: &Path, error: &reqwest::Error) -> String {
    format!("{}: {}", path.display(), causes(error))
}

fn headers(access: &Access) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &access.headers {
        let wrong = |what: &str| format!("the header {name:?} cannot be sent: its {what} is of no use");
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("name"))?;
        headers.append(name, hidden(value.reveal()).ok_or_else(|| wrong("value"))?);
    }
    Ok(headers)
}

fn hidden(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_bytes(text.as_bytes()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn follow_on_one_host(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let same = attempt.previous().first().is_some_and(|home| is_on_host(home, attempt.url()));
    match same && attempt.previous().len() <= REDIRECTS {
        true => attempt.follow(),
        false => attempt.stop(),
    }
}

/// What the host of a URL resolves to here.
pub fn addresses(url: &str) -> io::Result<Vec<IpAddr>> {
    let url = Url::parse(url).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    Ok(url.socket_addrs(|| None)?.into_iter().map(|address| address.ip()).collect())
}

fn is_on_host(home: &Url, url: &Url) -> bool {
    home.scheme() == url.scheme()
        && home.host_str() == url.host_str()
        && home.port_or_known_default() == url.port_or_known_default()
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// `address` as it may be printed: without a user's name and password.
pub fn without_credentials(address: &str) -> String {
    match Url::parse(address) {
        Ok(url) if url.has_authority() => match has_credentials(&url) {
            true => shown(&url),
            false => address.to_owned(),
        },
        // Nobody knows what stands before the @ of what is no URL.
        _ => address.rsplit('@').next().unwrap_or_default().to_owned(),
    }
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// The address without a user's name and password: those are never printed.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let _cannot_hold_any = url.set_username("");
    let _cannot_hold_any = url.set_password(None);
    url.to_string()
}
