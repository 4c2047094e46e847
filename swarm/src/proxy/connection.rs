//! One connection from an FFmpeg, and the one to an origin that lives and dies with it. Each request on it becomes an
//! exchange: checked, mapped, sent on, measured.

use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use tokio::net::TcpStream;
use url::Url;

use super::body::Body;
use super::body_length::BodyLength;
use super::caching::{age_of, cache_of};
use super::catalog::{Catalog, Known};
use super::client::{Client, NoRequest};
use super::content::{is_playlist, kind_by_content, kind_by_extension, range, set_length};
use super::cookies;
use super::exchange::Exchange;
use super::fetch::fetch;
use super::head::{RequestHead, ResponseHead};
use super::mapping::{from_ffmpeg, to_ffmpeg};
use super::origin::{Failure, Origin};
use super::pipe::Pipes;
use super::recorder::Recorder;
use super::relay::{Broken, Relay};
use super::silence::Silence;
use super::ticket::Token;
use crate::observation::{ErrorClass, Kind, Outcome};
use crate::upstream::Connector;

/// A playlist of a day-long event with 2 s segments is about 5 MB. What is larger passes through as it is.
const MOST_PLAYLIST_BYTES: usize = 16 << 20;

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

/// One connection from an FFmpeg.
#[derive(Debug)]
pub struct Connection {
    shared: Arc<Shared>,
    pipes: Arc<Pipes>,
    client: Client,
    origin: Option<Origin>,
    silence: Silence,
}

/// What becomes of the connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Keep,
    Close,
}

/// An answer whose body is still to come.
struct Answer {
    head: ResponseHead,
    body: Body,
    exchange: Exchange,
    /// Whether both sides want to go on.
    keep: bool,
    /// What was read of the body already.
    read: Bytes,
}

impl Connection {
    /// Not connected to any origin yet. `epoch` is the same for all connections.
    pub fn new(shared: Arc<Shared>, pipes: Arc<Pipes>, epoch: Instant, stream: TcpStream) -> Self {
        let silence = Silence::new(shared.connector.timeout, epoch);
        Self { shared, pipes, client: Client::new(stream), origin: None, silence }
    }

    /// Answers one request after the other, until either side has enough.
    pub async fn serve(mut self) {
        loop {
            let after = match self.client.next_request().await {
                Ok(request) => self.answer(request).await,
                Err(NoRequest::Gone) => After::Close,
                Err(NoRequest::Malformed(error)) => {
                    tracing::debug!("a request that cannot be read: {error}");
                    self.refuse(400, "Bad Request").await
                }
            };
            if after == After::Close {
                return;
            }
            if let Some(origin) = &mut self.origin {
                origin.rest();
            }
        }
    }

    async fn answer(&mut self, mut request: RequestHead) -> After {
        let Some(ticket) = self.shared.token.take(&mut request.fields) else {
            return self.refuse(403, "Forbidden").await;
        };
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return self.refuse(405, "Method Not Allowed").await;
        }
        let asked = Url::parse(&request.target).ok().filter(Url::has_host);
        let Some(url) = asked.and_then(|url| from_ffmpeg(&url).ok()).filter(|_| has_no_body(&request)) else {
            return self.refuse(400, "Bad Request").await;
        };
        let known = self.shared.catalog.find(&url, range(&request.fields));
        let kind = known.map_or_else(|| kind_by_extension(&url), |known| known.kind);
        let segment = known.and_then(|known| known.segment);
        let without_query = &url[..url::Position::AfterPath];
        let mut exchange = Exchange::begin(&self.shared.recorder, ticket, kind, segment, &url);
        self.silence.restart();
        let head = tokio::select! {
            biased;
            head = fetch(&self.shared.connector, &mut self.silence, &mut self.origin, &url, &mut request, &mut exchange) => head,
            // Nobody ends the exchange: it was hung up on.
            () = self.client.hung_up() => return After::Close,
        };
        match head.and_then(|head| Ok((body_of(&request, &head)?, head))) {
            Ok((body, head)) => {
                exchange.answered(head.status, cache_of(&head.fields));
                let keep = request.keeps() && head.keeps() && body != Body::UntilClose;
                let answer = Answer { head, body, exchange, keep, read: Bytes::new() };
                self.pass_on(&url, known, request.minor_version, answer).await
            }
            Err(failure) => {
                tracing::debug!(viewer = ticket.viewer, "{without_query}: {}", failure.reason);
                exchange.end(Outcome::Failed(failure.class));
                let (status, reason) = no_answer(failure.class);
                self.refuse(status, reason).await
            }
        }
    }

    /// The origin's answer as FFmpeg gets it.
    async fn pass_on(
        &mut self,
        url: &Url,
        known: Option<Known>,
        minor_version: u8,
        mut answer: Answer,
    ) -> After {
        cookies::map(url, &mut answer.head.fields);
        if matches!(answer.head.status, 300..=399) {
            self.map_location(url, &mut answer);
        }
        if is_playlist(url, known, answer.head.status, &answer.head.fields) {
            match self.collect(&mut answer).await {
                Ok(()) if answer.body.is_over() => return self.pass_playlist(url, known, answer).await,
                Ok(()) => answer.exchange.is(Kind::Other, None),
                // Nothing was sent yet, but the origin's answer had begun: without us the connection would break.
                Err(Broken::Origin(class)) => {
                    answer.exchange.end(Outcome::Failed(class));
                    return After::Close;
                }
                Err(Broken::HungUp) => return After::Close,
            }
        } else if known.is_none() {
            let kind = kind_by_content(&answer.head.fields).unwrap_or_else(|| kind_by_extension(url));
            answer.exchange.is(kind, None);
        }
        // HTTP/1.0 has no chunks: the end is the end of the connection.
        let chunked = matches!(answer.body, Body::Chunked(_)) && minor_version > 0;
        answer.keep &= chunked || !matches!(answer.body, Body::Chunked(_));
        if matches!(answer.body, Body::Chunked(_)) {
            answer.head.fields.remove("content-length");
        }
        if !chunked && !matches!(answer.body, Body::Left(_) | Body::Over) {
            answer.head.fields.remove("transfer-encoding");
        }
        self.stream(answer, chunked).await
    }

    /// Head, and body as it comes.
    async fn stream(&mut self, mut answer: Answer, chunked: bool) -> After {
        if answer.body.is_over() {
            answer.exchange.finish();
        }
        let mut bytes = Self::head(&mut answer);
        if chunked && !answer.read.is_empty() {
            bytes.extend_from_slice(&super::chunked::chunk(&answer.read));
        } else {
            bytes.extend_from_slice(&answer.read);
        }
        if answer.body.is_over() {
            let Ok(held_up) = self.client.send(&bytes).await else { return After::Close };
            answer.exchange.held_up(held_up);
        } else {
            let body = answer.body;
            let Some(relay) = self.relay(&mut answer.exchange, chunked) else { return After::Close };
            if relay.pass(bytes, body).await.is_err() {
                return After::Close;
            }
        }
        if answer.keep { After::Keep } else { After::Close }
    }

    async fn pass_playlist(&mut self, url: &Url, known: Option<Known>, mut answer: Answer) -> After {
        let age = age_of(&answer.head.fields);
        let passed = self.shared.catalog.pass(url, &answer.read);
        let view = passed.view.map(|mut view| {
            view.age = age;
            view
        });
        if passed.kind != Kind::Other || known.is_none() {
            answer.exchange.is(passed.kind, view);
        }
        self.shared.recorder.count_unparsed(passed.unparsed);
        answer.exchange.finish();
        if let Some(changed) = passed.body {
            answer.read = changed;
            set_length(&mut answer.head.fields, answer.read.len());
        }
        self.stream(answer, false).await
    }

    /// Reads the body up to the bound; it is not over then.
    async fn collect(&mut self, answer: &mut Answer) -> Result<(), Broken> {
        let mut collected = BytesMut::new();
        let mut body = answer.body;
        if body.is_over() {
            // To HEAD, the length is that of another answer.
            return Ok(());
        }
        while !body.is_over() && collected.len() <= MOST_PLAYLIST_BYTES {
            let Some(mut relay) = self.relay(&mut answer.exchange, false) else { break };
            let Some(piece) = relay.next(&mut body).await? else { break };
            answer.exchange.received(piece.len());
            collected.extend_from_slice(&piece);
        }
        answer.read = collected.freeze();
        answer.body = body;
        if body.is_over() {
            set_length(&mut answer.head.fields, answer.read.len());
        }
        Ok(())
    }

    fn relay<'a>(&'a mut self, exchange: &'a mut Exchange, chunked: bool) -> Option<Relay<'a>> {
        Some(Relay {
            client: &mut self.client,
            origin: self.origin.as_mut()?,
            silence: &mut self.silence,
            exchange,
            chunked,
            pipes: &self.pipes,
        })
    }

    fn head(answer: &mut Answer) -> Vec<u8> {
        if !answer.keep && !answer.head.fields.lists("connection", "close") {
            answer.head.fields.set("Connection", "close");
        }
        answer.head.written()
    }

    async fn refuse(&mut self, status: u16, reason: &str) -> After {
        // Whoever is gone already has no use for it.
        self.client.send(&ResponseHead::ours(status, reason).written()).await.unwrap_or_default();
        After::Close
    }

    /// FFmpeg follows redirects itself; it must stay on the wire while it does.
    fn map_location(&self, url: &Url, answer: &mut Answer) {
        let fields = &mut answer.head.fields;
        let Some(mut target) = fields.get("location").and_then(|location| url.join(location).ok()) else {
            return;
        };
        target.set_fragment(None);
        self.shared.catalog.redirected(url, &target);
        answer.exchange.redirected(&target);
        fields.set("Location", String::from(to_ffmpeg(&target)));
    }
}

/// What FFmpeg is told where the origin did not answer. It says the reason in its own last words.
fn no_answer(class: ErrorClass) -> (u16, &'static str) {
    match class {
        ErrorClass::Dns => (502, "Bad Gateway: the origin's name has no address"),
        ErrorClass::Refused => (502, "Bad Gateway: the origin refused the connection"),
        ErrorClass::Connect => (502, "Bad Gateway: the origin cannot be reached"),
        ErrorClass::Tls => (502, "Bad Gateway: no TLS with the origin"),
        ErrorClass::Timeout => (504, "Gateway Timeout: the origin did not answer"),
        ErrorClass::Reset | ErrorClass::Short => (502, "Bad Gateway: the origin closed the connection"),
        ErrorClass::Protocol => (502, "Bad Gateway: the origin's answer is no HTTP"),
    }
}

fn has_no_body(request: &RequestHead) -> bool {
    let length = request.fields.get("content-length");
    length.is_none_or(|length| length.trim() == "0") && !request.fields.contains("transfer-encoding")
}

fn body_of(request: &RequestHead, head: &ResponseHead) -> Result<Body, Failure> {
    let length = BodyLength::of_answer(request.method == "HEAD", head.status, &head.fields);
    let unclear = |error: super::body_length::Unclear| Failure {
        class: ErrorClass::Protocol,
        reason: error.to_string(),
    };
    length.map(Body::new).map_err(unclear)
}
