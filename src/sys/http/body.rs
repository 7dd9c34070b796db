//! An answer's body: read to its end, and no further than is allowed.

use super::error::HttpError;
use super::{Request, STILL, causes};
use crate::sys::interrupt;
use reqwest::Response;
use std::time::Duration;
use tokio::time::timeout;

/// The whole body. `total` is how long request and answer may take together, `url` how messages name it. A question is
/// let go of once somebody asks farm to end.
pub(super) async fn read(
    response: &mut Response,
    request: &Request<'_>,
    url: &str,
    total: Duration,
) -> Result<Vec<u8>, HttpError> {
    let url = || url.to_owned();
    let unfinished = |waited: Duration| HttpError::Unfinished { url: url(), seconds: waited.as_secs() };
    let mut bytes = Vec::new();
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
        if (bytes.len() + piece.len()) as u64 > request.limit {
            return Err(HttpError::TooLarge { url: url(), limit: request.limit });
        }
        bytes.extend_from_slice(&piece);
    }
}
