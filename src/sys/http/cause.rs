//! What lies at the bottom of an error of the HTTP library.

use std::error::Error;
use std::io;

/// Whether a server was reached and the two did not come to terms. Over plain HTTP it is a proxy that speaks TLS.
pub(super) fn is_about_tls(error: &reqwest::Error, url: &str) -> bool {
    url.starts_with("https:") && tls_error(error).is_some()
}

/// Whether what answered was no TLS at all.
pub(super) fn is_without_tls(error: &reqwest::Error, url: &str) -> bool {
    url.starts_with("https:") && matches!(tls_error(error), Some(rustls::Error::InvalidMessage(_)))
}

fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        // What an error of the system holds is not named as its source.
        let held = error.downcast_ref::<io::Error>().and_then(|error| error.get_ref());
        let found = held.and_then(|held| held.downcast_ref()).or_else(|| error.downcast_ref());
        if found.is_some() {
            return found;
        }
        next = held.map(|held| held as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}

/// The innermost cause: what stands above it only repeats that a request failed, and the address.
pub(super) fn causes(error: &reqwest::Error) -> String {
    let mut inner: &dyn Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
