//! The same over TLS: a server with a certificate, which may ask its clients for theirs.

use super::{Heard, Site};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Whose certificate a server wants to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wants {
    /// Nobody's.
    Nothing,
    /// Its clients', signed by the authority of this PEM file.
    Certificates(PathBuf),
}

/// A server over TLS that lives as long as this value.
pub(crate) struct TlsServer {
    port: u16,
    is_over: Arc<AtomicBool>,
    door: Option<JoinHandle<()>>,
}

impl TlsServer {
    /// Opens the door on a free port. `identity` is a PEM file with the server's certificate and its key.
    pub(crate) fn new(site: impl Site, identity: &Path, wants: &Wants) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let (config, site) = (Arc::new(config(identity, wants)), Arc::new(site));
        let is_over = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&is_over);
        let door = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if theirs.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), config, site) = (stream, Arc::clone(&config), Arc::clone(&site)) else { continue };
                std::thread::spawn(move || serve(stream, config, &*site));
            }
        });
        TlsServer { port, is_over, door: Some(door) }
    }

    /// `https://127.0.0.1:<port>`.
    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes whoever waits at the door.
        let _knock = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(door) = self.door.take() {
            let _ended = door.join();
        }
    }
}

fn config(identity: &Path, wants: &Wants) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = match wants {
        Wants::Nothing => builder.with_no_client_auth(),
        Wants::Certificates(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(certificates(authority));
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    builder.with_single_cert(certificates(identity), PrivateKeyDer::from_pem_file(identity).unwrap()).unwrap()
}

fn certificates(path: &Path) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(path).unwrap().map(Result::unwrap).collect()
}

/// Serves requests until one side hangs up, or the client is none that may ask: it is told so, and heard out, for what is
/// unread at the end takes the last words back.
fn serve(stream: TcpStream, config: Arc<ServerConfig>, site: &dyn Site) {
    let connection = ServerConnection::new(config).unwrap();
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    while let Ok(Some(heard)) = Heard::read(&mut reader) {
        let answer = site.answer(&heard);
        let head = answer.head(Some(answer.body.len() as u64));
        if reader.get_mut().write_all(&[head.as_bytes(), &answer.body].concat()).is_err() {
            break;
        }
    }
    let mut stream = reader.into_inner().sock;
    let _said = stream.shutdown(Shutdown::Write);
    let _heard = std::io::copy(&mut stream, &mut std::io::sink());
}
