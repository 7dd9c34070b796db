//! The plainest client that keeps its connections: one request after the other on each, nothing looked at but the status.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};

const CANCEL: &str = "{\"status\":\"cancel-requested\",\"reason\":\"x\"}";

/// One connection that is kept.
pub(crate) struct Connection {
    host: String,
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// To the host of an `http://host:port` address.
    pub(crate) fn new(url: &str) -> Self {
        let host = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let stream = TcpStream::connect(&host).expect("the Manager answers");
        stream.set_nodelay(true).expect("a socket");
        Connection { host, stream: BufReader::new(stream) }
    }

    /// Sends a request and reads its answer to the end.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: &str) -> Vec<u8> {
        let head = format!(
            "{method} /api/v3/{path} HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        self.stream.get_mut().write_all((head + body).as_bytes()).expect("the request is sent");
        let status = self.line();
        let mut length = None;
        loop {
            let line = self.line().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            length = line.strip_prefix("content-length:").map(|n| n.trim().parse().expect("a length")).or(length);
        }
        let answer = match length {
            None if status.contains(" 204 ") => Vec::new(),
            Some(length) => self.bytes(length),
            None => self.chunks(),
        };
        assert!(status.contains(" 20"), "{method} {path}: {status} {}", String::from_utf8_lossy(&answer));
        answer
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut whole = Vec::new();
        loop {
            let size = usize::from_str_radix(self.line().trim(), 16).expect("the size of a piece");
            whole.extend(self.bytes(size));
            self.line();
            if size == 0 {
                return whole;
            }
        }
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).expect("the answer");
        bytes
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("the answer");
        line.trim_end().to_owned()
    }
}

/// Sends all bodies by so many connections at once.
pub(crate) fn post_all(url: &str, path: &str, bodies: &[String], connections: usize) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let mut connection = Connection::new(url);
                while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                    connection.ask("POST", path, body);
                }
            });
        }
    });
}

/// Cancels by so many connections: each path once.
pub(crate) fn post_paths(url: &str, paths: &[String], connections: usize) {
    std::thread::scope(|scope| {
        for part in paths.chunks(paths.len().div_ceil(connections)) {
            scope.spawn(move || {
                let mut connection = Connection::new(url);
                part.iter().for_each(|path| drop(connection.ask("POST", path, CANCEL)));
            });
        }
    });
}
