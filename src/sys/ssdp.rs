//! Finding servers on the local network: SSDP, as Flamenco's own Workers use it.
//!
//! Source: Flamenco's `internal/upnp_ssdp` and `internal/worker/autodiscovery.go` (3.2 to 3.9). The Manager answers only
//! where `MAN` and `MX` are both there, once for each of its addresses.

use super::clock::Stopwatch;
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::Duration;

/// Where everybody who speaks SSDP listens.
pub const EVERYBODY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(239, 255, 255, 250)), 1900);
/// What a Flamenco Manager calls itself.
const KIND: &str = "urn:flamenco:manager:0";
/// How often the question is sent: a packet may be lost.
const ASKED: u32 = 3;
/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 8 << 10;

/// The addresses of the Managers that answer `to` within `patience`, as base URLs, sorted.
pub fn find_managers(to: SocketAddr, patience: Duration) -> io::Result<BTreeSet<String>> {
    let socket = UdpSocket::bind(if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
    let turn = patience / ASKED;
    let mut found = BTreeSet::new();
    let mut answer = vec![0; MAX_ANSWER];
    for _ in 0..ASKED {
        socket.send_to(question().as_bytes(), to)?;
        let watch = Stopwatch::start();
        while let Some(left) = turn.checked_sub(watch.elapsed()).filter(|left| !left.is_zero()) {
            socket.set_read_timeout(Some(left))?;
            match socket.recv_from(&mut answer) {
                Ok((length, _)) => found.extend(address(&String::from_utf8_lossy(&answer[..length]))),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
                // Somebody's port is closed: others may answer.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(found)
}

/// `host` or `host:port` as an address; the port is SSDP's own where none is named.
pub fn target(text: &str) -> io::Result<SocketAddr> {
    let with_port = text.to_socket_addrs().or_else(|_| (text, EVERYBODY.port()).to_socket_addrs());
    with_port?.next().ok_or_else(|| io::Error::new(ErrorKind::NotFound, format!("{text}: no such address")))
}

fn question() -> String {
    let lines = [
        "M-SEARCH * HTTP/1.1".to_owned(),
        format!("HOST: {EVERYBODY}"),
        "MAN: \"ssdp:discover\"".to_owned(),
        "MX: 1".to_owned(),
        format!("ST: {KIND}"),
    ];
    lines.join("\r\n") + "\r\n\r\n"
}

/// The base URL in a Manager's answer: its location without the path.
fn address(answer: &str) -> Option<String> {
    let mut lines = answer.lines();
    if !lines.next()?.contains("200") {
        return None;
    }
    let headers: Vec<(String, &str)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()))
        .collect();
    let header = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
    if !["st", "usn"].iter().filter_map(|name| header(name)).any(|value| value.contains(KIND)) {
        return None;
    }
    let (scheme, rest) = header("location")?.split_once("://")?;
    let host = rest.split('/').next().filter(|host| !host.is_empty())?;
    let plain = host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c));
    (matches!(scheme, "http" | "https") && plain).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "HTTP/1.1 200 OK\r\nST: urn:flamenco:manager:0\r\n\
        USN: uuid:aa80bc5f-d0af-46b8-8630-23bd7e80ec4d::urn:flamenco:manager:0\r\n\
        LOCATION: http://192.168.3.108:8080/upnp/description.xml\r\nCACHE-CONTROL: max-age=3600\r\n\r\n";

    #[test]
    fn answers_of_managers_are_told_from_others() {
        assert_eq!(address(ANSWER).as_deref(), Some("http://192.168.3.108:8080"));
        for other in [
            "",
            "HTTP/1.1 404 Not Found\r\n\r\n",
            "HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nLOCATION: http://router/\r\n\r\n",
            "HTTP/1.1 200 OK\r\nST: urn:flamenco:manager:0\r\nLOCATION: http:///x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nST: urn:flamenco:manager:0\r\nLOCATION: file://host/etc\r\n\r\n",
            "HTTP/1.1 200 OK\r\nST: urn:flamenco:manager:0\r\nLOCATION: http://a\u{1b}[2J/\r\n\r\n",
        ] {
            assert_eq!(address(other), None, "{other:?}");
        }
    }

    #[test]
    fn who_answers_is_found_once() {
        let server = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let to = server.local_addr().expect("an address");
        let answering = std::thread::spawn(move || {
            let mut question = vec![0; 1024];
            let (length, from) = server.recv_from(&mut question).expect("a question");
            for _ in 0..2 {
                server.send_to(ANSWER.as_bytes(), from).expect("sent");
            }
            String::from_utf8_lossy(&question[..length]).into_owned()
        });
        let found = find_managers(to, Duration::from_millis(300)).expect("asked");
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["http://192.168.3.108:8080"]);
        let question = answering.join().expect("no panic");
        for part in ["M-SEARCH * HTTP/1.1\r\n", "MAN: \"ssdp:discover\"", "MX: 1", "ST: urn:flamenco:manager:0"] {
            assert!(question.contains(part), "{question}");
        }
    }

    #[test]
    fn a_port_may_be_left_out() {
        assert_eq!(target("127.0.0.1").expect("an address").port(), 1900);
        assert_eq!(target("127.0.0.1:7").expect("an address").port(), 7);
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_read_without_panic(text: String) {
            let _ = address(&text);
        }
    }
}
