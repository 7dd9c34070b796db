//! Requests as they were heard, answers as they are meant.

use serde_json::Value;
use std::io::{self, BufRead};

/// A request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard {
    /// `GET`.
    pub(crate) method: String,
    /// `/api/v3/jobs`.
    pub(crate) path: String,
    /// Names in small letters.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Heard {
    /// `GET /api/v3/jobs`.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The next request of a connection; `None` at its end.
    pub(super) fn read(reader: &mut impl BufRead) -> io::Result<Option<Heard>> {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace();
        let mut word = || words.next().unwrap_or_default().to_owned();
        let mut heard = Heard { method: word(), path: word(), ..Heard::default() };
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            heard.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = heard.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        heard.body = vec![0; length];
        reader.read_exact(&mut heard.body)?;
        Ok(Some(heard))
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// 200.
    pub(crate) status: u16,
    /// Empty: no such header.
    pub(crate) content_type: String,
    /// Further headers.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A JSON document.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Answer::text(status, "application/json", &format!("{body}\n"))
    }

    /// Text of some type.
    pub(crate) fn text(status: u16, content_type: &str, body: &str) -> Self {
        Answer { status, content_type: content_type.to_owned(), headers: Vec::new(), body: body.into() }
    }

    /// Done, and nothing to say.
    pub(crate) fn nothing() -> Self {
        Answer::text(204, "", "")
    }

    /// Its first line and its headers, with `length` in place of the body's own.
    pub(super) fn head(&self, length: Option<u64>) -> String {
        let mut head = format!("HTTP/1.1 {} Something\r\n", self.status);
        if !self.content_type.is_empty() {
            head += &format!("Content-Type: {}\r\n", self.content_type);
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &match length {
            // Flamenco sends no length with a 204, and HTTP forbids it.
            _ if self.status == 204 => String::new(),
            Some(length) => format!("Content-Length: {length}\r\n"),
            None => "Transfer-Encoding: chunked\r\n".to_owned(),
        };
        head + "\r\n"
    }
}
