//! An answer's body, read as it comes.

use super::error::HttpError;
use super::{Request, STILL, causes};
use crate::sys::interrupt;
use reqwest::Response;
use std::io::{self, Read};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// The body of an answer whose head is here.
pub struct Body<'c> {
    runtime: &'c Runtime,
    response: Response,
    content_type: String,
    url: String,
    /// What has come and was not read yet.
    piece: Vec<u8>,
    at: usize,
    /// Bytes that may still come.
    left: u64,
    limit: u64,
    total: Duration,
    stood_still: bool,
    /// Whether it may be let go of once somebody asks farm to end.
    is_question: bool,
    /// By which signal somebody did.
    interrupted: Option<i32>,
}

impl<'c> Body<'c> {
    pub(super) fn new(
        runtime: &'c Runtime,
        response: Response,
        url: String,
        request: &Request<'_>,
        total: Duration,
    ) -> Self {
        let header = response.headers().get("content-type");
        let content_type = header.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        Body {
            runtime,
            response,
            content_type,
            url,
            piece: Vec::new(),
            at: 0,
            left: request.limit,
            limit: request.limit,
            total,
            stood_still: false,
            is_question: request.is_question,
            interrupted: None,
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// What it says that it is; empty where it does not say.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// What an error of [`Read`] means.
    pub fn failure(&self, error: io::Error) -> HttpError {
        let url = self.url.clone();
        if let Some(signal) = self.interrupted {
            return HttpError::Interrupted { url, signal };
        }
        match error.kind() {
            io::ErrorKind::TimedOut => {
                let waited = if self.stood_still { STILL } else { self.total };
                HttpError::Unfinished { url, seconds: waited.as_secs() }
            }
            io::ErrorKind::FileTooLarge => HttpError::TooLarge { url, limit: self.limit },
            _ => HttpError::Broken { url, cause: error.to_string() },
        }
    }

    /// The next piece; `false` at the end.
    fn next(&mut self) -> io::Result<bool> {
        let is_question = self.is_question;
        let came = self.runtime.block_on(async {
            tokio::select! {
                biased;
                signal = interrupt::comes(), if is_question => Err(signal),
                came = timeout(STILL, self.response.chunk()) => Ok(came),
            }
        });
        let came = came.map_err(|signal| {
            self.interrupted = Some(signal);
            // Not of the kind that readers take for a reason to read again.
            io::Error::other("interrupted")
        })?;
        let Ok(came) = came else {
            self.stood_still = true;
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it stood still"));
        };
        let broken = |error: reqwest::Error| {
            let kind = if error.is_timeout() { io::ErrorKind::TimedOut } else { io::ErrorKind::ConnectionAborted };
            io::Error::new(kind, causes(&error))
        };
        let Some(piece) = came.map_err(broken)? else { return Ok(false) };
        self.left = self
            .left
            .checked_sub(piece.len() as u64)
            .ok_or_else(|| io::Error::new(io::ErrorKind::FileTooLarge, "the answer is too large"))?;
        self.piece = piece.into();
        self.at = 0;
        Ok(true)
    }
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            if !self.next()? {
                return Ok(0);
            }
        }
        let count = buffer.len().min(self.piece.len() - self.at);
        buffer[..count].copy_from_slice(&self.piece[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
