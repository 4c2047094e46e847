//! One GET, redirects followed, body bounded: how a playlist is looked at before the run.

use std::fmt::Write as _;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::header::{HOST, LOCATION, USER_AGENT};
use hyper::{Response, StatusCode, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use url::Url;

use super::connect::{ConnectError, Connector};
use crate::plan::Request;

/// As many as browsers and FFmpeg roughly follow; a loop ends here.
const MOST_REDIRECTS: usize = 10;

/// A playlist of a day-long event with 2 s segments is about 5 MB; anything far above is no playlist.
const MOST_BODY_BYTES: usize = 16 << 20;

/// A successful answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Where it finally came from.
    pub url: Url,
    /// The whole body.
    pub body: Bytes,
}

/// Why there is no body. The text is a sentence without a full stop.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// An answer that is no success.
    #[error("{url} answered {status}{}", hint(*status))]
    Status {
        /// The URL that answered so, after redirects.
        url: Url,
        /// What it answered.
        status: StatusCode,
    },
    /// Redirects without end, or to nowhere.
    #[error("{url} {reason}")]
    Redirect {
        /// The URL that redirected last.
        url: Url,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The connection broke, or spoke no HTTP.
    #[error("{url} broke off: {reason}")]
    Broken {
        /// The URL that was asked.
        url: Url,
        /// What happened.
        reason: String,
    },
}

fn hint(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 | 403 => {
            ": it wants a token or a header (-header 'Authorization: …'), or refuses this machine's address"
        }
        404 | 410 => ": the path is wrong, or the stream is not running",
        429 => ": it limits requests from this machine",
        500..=599 => ": the origin itself is failing",
        _ => "",
    }
}

/// Fetches the playlist at `url` with the headers that every viewer sends.
pub async fn fetch(connector: &Connector, url: &Url, request: &Request) -> Result<Fetched, FetchError> {
    fetch_at_most(MOST_BODY_BYTES, connector, url, request).await
}

/// Fetches a body of at most `most_bytes`; a larger one is an error.
pub async fn fetch_at_most(
    most_bytes: usize,
    connector: &Connector,
    url: &Url,
    request: &Request,
) -> Result<Fetched, FetchError> {
    let mut url = url.clone();
    for _ in 0..=MOST_REDIRECTS {
        let limit = connector.timeout;
        let broken = |reason: String| FetchError::Broken { url: url.clone(), reason };
        let silent = |_| broken(format!("no answer within {} s", limit.as_secs()));
        let response = timeout(limit, get(connector, &url, request)).await.map_err(silent)??;
        let status = response.status();
        if status.is_success() {
            let body = timeout(limit, Limited::new(response.into_body(), most_bytes).collect());
            let body = body.await.map_err(silent)?.map_err(|error| {
                broken(if error.is::<LengthLimitError>() {
                    format!("the answer is larger than {} MiB", most_bytes >> 20)
                } else {
                    error.to_string()
                })
            })?;
            return Ok(Fetched { url, body: body.to_bytes() });
        }
        if !status.is_redirection() {
            return Err(FetchError::Status { url, status });
        }
        url = redirected(&url, &response)?;
    }
    Err(FetchError::Redirect { url, reason: "redirects without end" })
}

async fn get(connector: &Connector, url: &Url, request: &Request) -> Result<Response<Incoming>, FetchError> {
    let broken = |error: hyper::Error| FetchError::Broken { url: url.clone(), reason: error_chain(&error) };
    let stream = connector.connect(url).await?.stream;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // Ends with the response's body, or when either side closes; its error is the request's error too.
    tokio::spawn(async move { connection.await.unwrap_or_default() });
    let mut message = hyper::Request::get(&url[url::Position::BeforePath..url::Position::AfterQuery])
        .header(USER_AGENT, &request.user_agent)
        .header(HOST, authority(url));
    for (name, value) in &request.headers {
        message = message.header(name, value);
    }
    let message = message
        .body(Empty::<Bytes>::new())
        .map_err(|error| FetchError::Broken { url: url.clone(), reason: error.to_string() })?;
    sender.send_request(message).await.map_err(broken)
}

/// The `Host` header: the host and, where it is not the scheme's own, the port.
pub fn authority(url: &Url) -> String {
    let mut text = url.host_str().unwrap_or_default().to_owned();
    if let Some(port) = url.port() {
        write!(text, ":{port}").unwrap_or_default();
    }
    text
}

fn redirected(url: &Url, response: &Response<Incoming>) -> Result<Url, FetchError> {
    let wrong = |reason| FetchError::Redirect { url: url.clone(), reason };
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.ok_or_else(|| wrong("redirects without saying where to"))?;
    let target = url.join(location).map_err(|_| wrong("redirects to something that is not a URL"))?;
    if matches!(target.scheme(), "http" | "https") {
        Ok(target)
    } else {
        Err(wrong("redirects to something that is neither http nor https"))
    }
}

/// An error and its causes: hyper's own text ("client error") says too little.
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        write!(text, ": {cause}").unwrap_or_default();
        source = cause.source();
    }
    text
}
