//! A Manager behind TLS, with a certificate of a studio's own authority, and one that wants to see farm's.

use super::server::flamenco::Release;
use super::server::tls::{TlsServer, Wants};
use super::{Studio, all_at_once};
use crate::support::skipped;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

const PLAN: &str = "plan release r1 scenes/A.blend --frames 1-2 --yes";

/// An authority, and a server's and a client's certificate that it signed, each with its key, in a folder.
struct Certificates(PathBuf);

impl Certificates {
    /// `None` without the program that makes them.
    fn made_in(folder: &Path) -> Option<Self> {
        fs::create_dir(folder).expect("a folder");
        let made = Certificates(folder.to_owned());
        made.openssl("version").then(|| {
            made.make("ca", "basicConstraints=critical,CA:TRUE");
            made.make("server", "subjectAltName=IP:127.0.0.1");
            made.make("client", "extendedKeyUsage=clientAuth");
            made
        })
    }

    /// Signed by the authority; the authority by itself.
    fn make(&self, name: &str, extension: &str) {
        fs::write(self.path("extension"), format!("{extension}\n")).expect("an extension");
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        assert!(self.openssl(&format!("req {key} -keyout {name}.key -out {name}.csr -subj /CN=studio-{name}")));
        let signer = if name == "ca" { "-signkey ca.key" } else { "-CA ca.pem -CAkey ca.key -CAcreateserial" };
        assert!(self.openssl(&format!("x509 -req -in {name}.csr {signer} -days 2 -extfile extension -out {name}.pem")));
        let text = |end: &str| fs::read_to_string(self.path(&format!("{name}.{end}"))).expect("it was made");
        fs::write(self.path(&format!("{name}-and-key.pem")), text("pem") + &text("key")).expect("both");
    }

    fn openssl(&self, words: &str) -> bool {
        let output = Command::new("openssl").args(words.split(' ')).current_dir(&self.0).output();
        output.is_ok_and(|output| output.status.success())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// A studio whose Manager is reached over TLS.
fn behind_tls(test: &str, wants: impl FnOnce(&Certificates) -> Wants) -> Option<(Studio, TlsServer, Certificates)> {
    let mut studio = Studio::new(Release::V3_9);
    let Some(certificates) = Certificates::made_in(&studio.farm.room.path("certificates")) else {
        skipped(test, "openssl is not installed");
        return None;
    };
    let identity = certificates.path("server-and-key.pem");
    let server = TlsServer::new(Arc::clone(&studio.gate), &identity, &wants(&certificates));
    studio.farm.room.set("FARM_MANAGER", server.url());
    Some((studio, server, certificates))
}

/// Fails unless nothing can be asked, and that is said.
#[track_caller]
fn is_refused(studio: &Studio, server: &TlsServer, words: &[&str]) {
    let before = studio.farm.tree();
    // They mostly wait, so all at once.
    let commands = [("status", 6), (PLAN, 6), ("doctor", 7)].map(|(command, code)| {
        let told = move || drop(studio.run(command).expect(code).says(&[&server.url(), "next:"]).says(words));
        (command.to_owned(), told)
    });
    all_at_once(commands.into());
    studio.farm.unchanged_since(&before);
    assert!(studio.jobs().is_empty());
}

#[test]
fn a_studios_own_authority_is_trusted_where_it_is_named() {
    let name = "a_studios_own_authority_is_trusted_where_it_is_named";
    let Some((mut studio, server, certificates)) = behind_tls(name, |_| Wants::Nothing) else { return };
    is_refused(&studio, &server, &["certificate"]);
    studio.farm.room.set("FARM_ACCESS_CA", certificates.path("ca.pem"));
    studio.run(PLAN).expect(0);
    studio.work();
    studio.run("status").expect(0).says(&["completed"]);
    studio.run("harvest release r1 --no-preview").expect(0);
    assert_eq!(studio.jobs().len(), 1);
}

#[test]
fn a_server_that_asks_for_a_certificate_gets_it() {
    let name = "a_server_that_asks_for_a_certificate_gets_it";
    let wants = |certificates: &Certificates| Wants::Certificates(certificates.path("ca.pem"));
    let Some((mut studio, server, certificates)) = behind_tls(name, wants) else { return };
    studio.farm.room.set("FARM_ACCESS_CA", certificates.path("ca.pem"));
    // It may have hung up before farm could hear why.
    is_refused(&studio, &server, &["hung up"]);
    studio.farm.room.set("FARM_ACCESS_CLIENT_CERTIFICATE", certificates.path("client-and-key.pem"));
    studio.run(PLAN).expect(0);
    studio.run("status").expect(0).says(&["r1/A"]);
    assert_eq!(studio.jobs().len(), 1);
}
