//! An answer's body: read to its end, and no further than is allowed.

use super::error::HttpError;
use super::{Request, STILL, causes};
use crate::sys::interrupt;
use reqwest::Response;
use std::time::Duration;
use tokio::time::timeout;

/// So much is kept of an answer that was handed on in pieces: enough to see what it is.
const KEPT: usize = 64 << 10;

/// Takes in an answer while it comes.
pub trait Pieces {
    /// It comes, from its beginning.
    fn begin(&mut self);
    /// More of it.
    fn piece(&mut self, bytes: &[u8]);
}

/// The whole body, or its beginning where it is handed on. `total` is how long request and answer may take together, `url` says
/// how messages name it. A question is let go of once somebody asks farm to end.
pub(super) async fn read(
    response: &mut Response,
    request: &Request<'_>,
    url: &dyn Fn() -> String,
    total: Duration,
    mut pieces: Option<&mut dyn Pieces>,
) -> Result<Vec<u8>, HttpError> {
    let unfinished = |waited: Duration| HttpError::Unfinished { url: url(), seconds: waited.as_secs() };
    let mut bytes = Vec::new();
    let mut length = 0;
    loop {
        let came = tokio::select! {
            biased;
            signal = interrupt::comes(), if request.is_question => {
                return Err(HttpError::Interrupted { url: url(), signal });
            }
            came = timeout(STILL, response.chunk()) => came.map_err(|_| unfinished(STILL))?,
        };
        let piece = came.map_err(|error| match error.is_timeout() {
            true => unfinished(total),
            false => HttpError::Broken { url: url(), cause: causes(&error) },
        })?;
        let Some(piece) = piece else { return Ok(bytes) };
        length += piece.len() as u64;
        if length > request.limit {
            return Err(HttpError::TooLarge { url: url(), limit: request.limit });
        }
        match &mut pieces {
            None => bytes.extend_from_slice(&piece),
            Some(pieces) => {
                bytes.extend_from_slice(&piece[..piece.len().min(KEPT.saturating_sub(bytes.len()))]);
                pieces.piece(&piece);
            }
        }
    }
}
