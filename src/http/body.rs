//! Reading and decompressing the body of a request within a limit.

use std::io::{self, Cursor, Read as _};
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::{HeaderMap, header};
use flate2::bufread::GzDecoder;
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::connection::linger::LINGER_BYTES;
use super::limits::FairQueue;
use super::limits::cpu_pool::{self, SHORT_BYTES};
use super::rejection::Rejection;
use crate::error::ErrorCode;

/// Limits the time for reading a body.
///
/// # Errors
/// A rejection with the status 408.
pub async fn within<T>(time: Duration, reading: impl Future<Output = T>) -> Result<T, Rejection> {
    timeout(time, reading).await.map_err(|_| {
        Rejection::new(
            ErrorCode::BodyTimeout,
            format!(
                "expected the whole body within {}: it comes too slowly, or this client has sent more \
                 than the server's --max-client-cost lets it",
                humantime::format_duration(time)
            ),
        )
    })
}

/// Reads a body of at most `most` bytes without decompressing it. A body with a larger content length is
/// not read at all.
pub async fn read(body: Body, most: usize, queue: &FairQueue) -> Result<Vec<u8>, Rejection> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut length = 0;
    if announced > most {
        // This much is discarded when the connection is closed.
        length = announced.min(LINGER_BYTES);
    } else {
        let mut bytes = Vec::new();
        let mut chunks = body.into_data_stream();
        while length <= most {
            let Some(chunk) = chunks.next().await else { return Ok(bytes) };
            let chunk = chunk.map_err(|_| Rejection::bad_request("the body ended too early"))?;
            length += chunk.len();
            bytes.extend_from_slice(&chunk);
        }
    }
    queue.wait_for_cost(cpu_pool::cost_of_bytes(length)).await;
    let rejection = too_large(format!("expected a body of at most {most} bytes"));
    // The rest is not read.
    Err(rejection.with_header(header::CONNECTION, "close"))
}

/// Decodes a body by its `Content-Encoding`. Stops after `most` bytes.
pub async fn decode(
    headers: &HeaderMap,
    bytes: Vec<u8>,
    most: usize,
    queue: &FairQueue,
) -> Result<Vec<u8>, Rejection> {
    if !is_gzip(headers)? {
        return Ok(bytes);
    }
    let length = bytes.len();
    let mut gzip = Gzip { decoder: GzDecoder::new(Cursor::new(bytes)), decoded: Vec::new() };
    let mut outcome = Ok(false);
    // Both lengths are limited: few bytes may decompress to many, and many to none.
    if length <= SHORT_BYTES {
        outcome = gzip.decode(SHORT_BYTES.min(most));
    }
    if matches!(outcome, Ok(false)) && gzip.decoded.len() <= most {
        let rest = async move {
            let outcome = gzip.decode(most);
            (gzip, outcome)
        };
        (gzip, outcome) = cpu_pool::run(queue.clone(), 0, rest).await;
    }
    let decoded = gzip.decoded.len();
    // Decompressed bytes are charged when they are parsed; here those that are not parsed.
    let uncharged = if matches!(outcome, Ok(true)) {
        length.saturating_sub(decoded)
    } else {
        length.max(decoded)
    };
    queue.wait_for_cost(cpu_pool::cost_of_bytes(uncharged)).await;
    match outcome {
        Ok(true) => Ok(gzip.decoded),
        Ok(false) => Err(too_large(format!(
            "expected a body of at most {most} bytes once it is decompressed"
        ))),
        Err(error) => Err(Rejection::bad_request(format!(
            "the body is not gzip, which its Content-Encoding says it is: {error}"
        ))),
    }
}

struct Gzip {
    decoder: GzDecoder<Cursor<Vec<u8>>>,
    decoded: Vec<u8>,
}

impl Gzip {
    /// Decompresses until there are more than `most` bytes. Returns whether the end was reached.
    fn decode(&mut self, most: usize) -> io::Result<bool> {
        let room = most.saturating_add(1).saturating_sub(self.decoded.len());
        self.decoder.by_ref().take(room as u64).read_to_end(&mut self.decoded)?;
        if self.decoded.len() > most {
            return Ok(false);
        }
        // Further gzip members are not supported.
        let cursor = self.decoder.get_ref();
        if cursor.position() < cursor.get_ref().len() as u64 {
            return Err(io::Error::other("there is more after its end"));
        }
        Ok(true)
    }
}

/// Whether a body is compressed with gzip.
///
/// # Errors
/// If it is encoded in another way, or more than once.
fn is_gzip(headers: &HeaderMap) -> Result<bool, Rejection> {
    let values = headers.get_all(header::CONTENT_ENCODING).iter();
    let codings: Vec<_> = values
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"))
        .collect();
    let [coding] = &*codings else {
        return if codings.is_empty() { Ok(false) } else { Err(unsupported(&codings.join(", "))) };
    };
    if ["gzip", "x-gzip"].iter().any(|gzip| coding.eq_ignore_ascii_case(gzip)) {
        return Ok(true);
    }
    Err(unsupported(coding))
}

fn unsupported(coding: &str) -> Rejection {
    let start: String = coding.chars().take(60).collect();
    // RFC 9110, section 12.5.3: the header tells this from an unsupported media type.
    Rejection::new(
        ErrorCode::UnsupportedContentEncoding,
        format!("expected a body with the Content-Encoding gzip or none, not {start:?}"),
    )
    .with_header(header::ACCEPT_ENCODING, "gzip")
}

fn too_large(message: String) -> Rejection {
    Rejection::new(ErrorCode::PayloadTooLarge, message)
}
