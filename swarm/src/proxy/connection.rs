//! One connection from an FFmpeg, and the one to an origin that lives and dies with it. Each request on it becomes an
//! exchange: checked, mapped, sent on, measured.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HOST, HeaderMap, HeaderName,
    HeaderValue, LOCATION, RANGE, TRANSFER_ENCODING,
};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::sync::Mutex;
use tokio::time::timeout;
use url::Url;

use super::body::{ProxyBody, class_of};
use super::caching::{age_of, cache_of};
use super::catalog::{Catalog, Known, Range};
use super::cookies;
use super::exchange::Exchange;
use super::mapping::{from_ffmpeg, to_ffmpeg};
use super::recorder::Recorder;
use super::ticket::Token;
use crate::observation::{ErrorClass, Kind, Outcome};
use crate::upstream::{ConnectError, Connector, authority};

/// A playlist of a day-long event with 2 s segments is about 5 MB. What is larger passes through as it is.
const MOST_PLAYLIST_BYTES: usize = 16 << 20;

/// Read at once from an origin, and the most that the head of an answer may have. hyper's own strategy grows to 400 kB
/// per connection and keeps it, which is 0.7 MB per viewer; smaller pieces cost more system calls.
const READ_BYTES: usize = 64 << 10;

/// Headers of an answer. CDNs in debug mode add dozens; hyper's own bound, 100, is near that.
pub const MOST_HEADERS: usize = 1000;

/// Headers between FFmpeg and us only (RFC 9110 7.6.1). `Connection` itself goes on: the origin sees the same wish.
const PRIVATE: [HeaderName; 2] =
    [HeaderName::from_static("proxy-connection"), HeaderName::from_static("proxy-authorization")];

/// What all connections of a run share.
#[derive(Debug)]
pub struct Shared {
    /// The run's secret.
    pub token: Token,
    /// What is known of URLs.
    pub catalog: Catalog,
    /// Where measurements go.
    pub recorder: Arc<Recorder>,
    /// How origins are reached.
    pub connector: Connector,
}

/// The origin's side of a connection.
#[derive(Debug)]
struct Upstream {
    /// Scheme, host and port: a request to another one needs another connection.
    origin: String,
    sender: SendRequest<Empty<Bytes>>,
}

/// One connection from an FFmpeg.
#[derive(Debug)]
pub struct Connection {
    shared: Arc<Shared>,
    upstream: Mutex<Option<Upstream>>,
}

/// Why there is no answer.
struct Failure {
    class: ErrorClass,
    reason: String,
}

impl Connection {
    /// Not connected to any origin yet.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, upstream: Mutex::new(None) }
    }

    /// Answers one request; they come one after the other.
    pub async fn answer(&self, mut request: Request<Incoming>) -> Response<ProxyBody> {
        let Some(ticket) = self.shared.token.take(request.headers_mut()) else {
            return status(StatusCode::FORBIDDEN);
        };
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return status(StatusCode::METHOD_NOT_ALLOWED);
        }
        let asked = Url::parse(&request.uri().to_string()).ok();
        let Some(url) = asked.and_then(|url| from_ffmpeg(&url).ok()) else {
            return status(StatusCode::BAD_REQUEST);
        };
        let known = self.shared.catalog.find(&url, range(request.headers()));
        let kind = known.map_or_else(|| kind_by_extension(&url), |known| known.kind);
        let segment = known.and_then(|known| known.segment);
        let without_query = &url[..url::Position::AfterPath];
        let mut exchange = Exchange::begin(&self.shared.recorder, ticket, kind, segment, without_query);
        match self.fetch(&url, &request, &mut exchange).await {
            Ok(response) => self.pass_on(&url, known, response, exchange).await,
            Err(failure) => {
                tracing::debug!(viewer = ticket.viewer, "{without_query}: {}", failure.reason);
                exchange.end(Outcome::Failed(failure.class));
                status(match failure.class {
                    ErrorClass::Timeout => StatusCode::GATEWAY_TIMEOUT,
                    _ => StatusCode::BAD_GATEWAY,
                })
            }
        }
    }

    /// The head of the origin's answer.
    async fn fetch(
        &self,
        url: &Url,
        request: &Request<Incoming>,
        exchange: &mut Exchange,
    ) -> Result<Response<Incoming>, Failure> {
        let origin = url[..url::Position::BeforePath].to_owned();
        let mut place = self.upstream.lock().await;
        let kept = place.take().filter(|upstream| upstream.origin == origin);
        if let Some(mut upstream) = kept
            // The driver of a connection that the origin closed meanwhile has ended.
            && upstream.sender.ready().await.is_ok()
        {
            match self.send(&mut upstream, url, request).await {
                // Closed in the very moment in which it was used again: a browser tries once more, unseen.
                Err(failure) if failure.class == ErrorClass::Reset => {}
                result => {
                    *place = Some(upstream);
                    return result.inspect(|response| answered(exchange, response));
                }
            }
        }
        let connected = self
            .shared
            .connector
            .connect_as(exchange.viewer(), url)
            .await
            .map_err(|error| Failure::of_connect(&error))?;
        exchange.connected(connected.connect, connected.tls);
        let handshake = hyper::client::conn::http1::Builder::new()
            .preserve_header_case(true)
            .max_headers(MOST_HEADERS)
            .read_buf_exact_size(Some(READ_BYTES))
            .handshake(TokioIo::new(connected.stream));
        let (sender, driver) = handshake.await.map_err(|error| Failure::of_http(&error))?;
        // Ends when this connection is dropped, or the origin closes. Its error is the request's, or the body's.
        tokio::spawn(async move { driver.await.unwrap_or_default() });
        let mut upstream = Upstream { origin, sender };
        let result = self.send(&mut upstream, url, request).await;
        *place = Some(upstream);
        result.inspect(|response| answered(exchange, response))
    }

    async fn send(
        &self,
        upstream: &mut Upstream,
        url: &Url,
        request: &Request<Incoming>,
    ) -> Result<Response<Incoming>, Failure> {
        // As FFmpeg wrote it: `Url` would escape characters that a signature may have been made over.
        let target = request.uri().path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str);
        let mut onward = Request::builder()
            .method(request.method())
            .uri(target)
            .body(Empty::new())
            .map_err(|error| Failure { class: ErrorClass::Protocol, reason: error.to_string() })?;
        onward.headers_mut().clone_from(request.headers());
        onward.extensions_mut().clone_from(request.extensions());
        for name in &PRIVATE {
            onward.headers_mut().remove(name);
        }
        if let Ok(host) = HeaderValue::from_str(&authority(url)) {
            onward.headers_mut().insert(HOST, host);
        }
        let limit = self.shared.connector.timeout;
        let Ok(result) = timeout(limit, upstream.sender.send_request(onward)).await else {
            let reason = format!("no answer within {} s", limit.as_secs());
            return Err(Failure { class: ErrorClass::Timeout, reason });
        };
        result.map_err(|error| Failure::of_http(&error))
    }

    /// The origin's answer as FFmpeg gets it.
    async fn pass_on(
        &self,
        url: &Url,
        known: Option<Known>,
        response: Response<Incoming>,
        mut exchange: Exchange,
    ) -> Response<ProxyBody> {
        let (mut head, body) = response.into_parts();
        let limit = self.shared.connector.timeout;
        head.headers.remove(TRANSFER_ENCODING);
        cookies::map(url, &mut head.headers);
        if head.status.is_redirection() {
            self.map_location(url, &mut head.headers);
        }
        if !is_playlist(url, known, &head) {
            if known.is_none() {
                exchange.is(kind_by_content(&head.headers).unwrap_or_else(|| kind_by_extension(url)), None);
            }
            return Response::from_parts(head, ProxyBody::stream(None, body, exchange, limit));
        }
        let age = age_of(&head.headers);
        let (bytes, rest) = match collect(body, &mut exchange, limit).await {
            Ok(collected) => collected,
            Err(class) => {
                exchange.end(Outcome::Failed(class));
                // Nothing was sent yet, but the origin's answer had begun: without us the connection would break.
                head.headers.remove(CONTENT_LENGTH);
                return Response::from_parts(head, ProxyBody::Broken(class));
            }
        };
        if let Some(rest) = rest {
            exchange.is(Kind::Other, None);
            return Response::from_parts(head, ProxyBody::stream(Some(bytes), rest, exchange, limit));
        }
        let passed = self.shared.catalog.pass(url, &bytes);
        let view = passed.view.map(|mut view| {
            view.age = age;
            view
        });
        if passed.kind != Kind::Other || known.is_none() {
            exchange.is(passed.kind, view);
        }
        self.shared.recorder.count_unparsed(passed.unparsed);
        exchange.finish();
        let bytes = match passed.body {
            Some(changed) => {
                set_length(&mut head.headers, changed.len());
                changed
            }
            None => bytes,
        };
        Response::from_parts(head, ProxyBody::whole(bytes))
    }

    /// FFmpeg follows redirects itself; it must stay on the wire while it does.
    fn map_location(&self, url: &Url, headers: &mut HeaderMap) {
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let Some(target) = location.and_then(|location| url.join(location).ok()) else { return };
        self.shared.catalog.redirected(url, &target);
        if let Ok(mapped) = HeaderValue::from_str(to_ffmpeg(&target).as_str()) {
            headers.insert(LOCATION, mapped);
        }
    }
}

impl Failure {
    fn of_connect(error: &ConnectError) -> Self {
        let class = match error {
            ConnectError::Dns { .. } => ErrorClass::Dns,
            ConnectError::Refused { .. } => ErrorClass::Refused,
            ConnectError::Timeout { .. } => ErrorClass::Timeout,
            ConnectError::Tls { .. } => ErrorClass::Tls,
            ConnectError::Other { .. } => ErrorClass::Connect,
        };
        Self { class, reason: error.to_string() }
    }

    fn of_http(error: &hyper::Error) -> Self {
        let class = if error.is_parse() { ErrorClass::Protocol } else { ErrorClass::Reset };
        Self { class, reason: crate::upstream::error_chain(error) }
    }
}

fn answered(exchange: &mut Exchange, response: &Response<Incoming>) {
    exchange.answered(response.status().as_u16(), cache_of(response.headers()));
}

/// The body up to the bound, and what is left of it beyond.
async fn collect(
    mut body: Incoming,
    exchange: &mut Exchange,
    limit: Duration,
) -> Result<(Bytes, Option<Incoming>), ErrorClass> {
    let mut collected = BytesMut::new();
    loop {
        match timeout(limit, body.frame()).await {
            Err(_) => return Err(ErrorClass::Timeout),
            Ok(None) => return Ok((collected.freeze(), None)),
            Ok(Some(Err(error))) => return Err(class_of(&error)),
            Ok(Some(Ok(frame))) => {
                let Some(piece) = frame.data_ref() else { continue };
                exchange.received(piece.len());
                collected.extend_from_slice(piece);
                if collected.len() > MOST_PLAYLIST_BYTES {
                    return Ok((collected.freeze(), Some(body)));
                }
            }
        }
    }
}

/// Only whole, plain answers can be read as a playlist: FFmpeg asks for `bytes=0-`, and gets 206 from many origins.
fn is_playlist(url: &Url, known: Option<Known>, head: &hyper::http::response::Parts) -> bool {
    let whole = match head.status {
        StatusCode::OK => true,
        StatusCode::PARTIAL_CONTENT => is_whole_range(&head.headers),
        _ => false,
    };
    let named = known.map(|known| matches!(known.kind, Kind::Master | Kind::Playlist));
    let guessed = || kind_by_content(&head.headers).unwrap_or_else(|| kind_by_extension(url));
    let named = named.unwrap_or_else(|| guessed() == Kind::Playlist);
    whole && named && !head.headers.contains_key(CONTENT_ENCODING)
}

/// `bytes 0-99/100`.
fn is_whole_range(headers: &HeaderMap) -> bool {
    let text = headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let parts = text.and_then(|text| text.strip_prefix("bytes 0-")?.split_once('/'));
    parts.is_some_and(|(last, length)| {
        let last: Option<u64> = last.trim().parse().ok();
        last.is_some() && last.and_then(|last| last.checked_add(1)) == length.trim().parse().ok()
    })
}

fn set_length(headers: &mut HeaderMap, length: usize) {
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    if headers.contains_key(CONTENT_RANGE)
        && let Ok(range) = HeaderValue::from_str(&format!("bytes 0-{}/{length}", length.saturating_sub(1)))
    {
        headers.insert(CONTENT_RANGE, range);
    }
}

/// `Range: bytes=5-9`, or `bytes=5-`.
fn range(headers: &HeaderMap) -> Option<Range> {
    let (first, last) = headers.get(RANGE)?.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()))
}

/// What the origin calls it, where no playlist named it.
fn kind_by_content(headers: &HeaderMap) -> Option<Kind> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?.to_ascii_lowercase();
    let main = text.split(';').next().unwrap_or_default().trim();
    match main {
        "application/vnd.apple.mpegurl" | "application/x-mpegurl" | "audio/mpegurl" | "audio/x-mpegurl" => {
            Some(Kind::Playlist)
        }
        "video/mp2t" | "video/mp4" | "audio/mp4" | "audio/aac" | "video/iso.segment" | "text/vtt" => {
            Some(Kind::Segment)
        }
        _ => None,
    }
}

fn kind_by_extension(url: &Url) -> Kind {
    let extension = url.path().rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("m3u8" | "m3u") => Kind::Playlist,
        Some("ts" | "m4s" | "mp4" | "m4a" | "m4v" | "aac" | "cmfv" | "cmfa" | "vtt") => Kind::Segment,
        Some("key") => Kind::Key,
        _ => Kind::Other,
    }
}

fn status(code: StatusCode) -> Response<ProxyBody> {
    let mut response = Response::new(ProxyBody::empty());
    *response.status_mut() = code;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
