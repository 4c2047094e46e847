//! The admin server: faults at run time, metrics, the page's state, and whether the origin is healthy. It listens on
//! loopback alone; Nginx passes requests for metrics and state on to it, and none for faults.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use http_server::{HttpServer, Settings};
use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderValue, ORIGIN};
use hyper::{Method, Request, StatusCode};
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, answer, plain};
use crate::client::Client;
use crate::faults::table::Entry;
use crate::faults::{Desk, Spec};
use crate::metrics::Metrics;
use crate::profile::Profile;
use crate::state::State;

const SERVER: Settings = Settings {
    name: "admin",
    // A person, a scraper or two, and a page or two.
    most_connections: 64,
    // A page asks every few seconds, a scraper once a minute.
    header_timeout: Duration::from_secs(90),
};
/// A scrape must not wait for an Nginx that is not there.
const STATUS_TIMEOUT: Duration = Duration::from_secs(1);
/// Prometheus' text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The longest fault that makes sense is shorter.
const MOST_REQUEST_BYTES: usize = 4096;

/// A fault as it is told in JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Its number, for `DELETE /faults/ID`.
    pub id: u32,
    /// As it is written, without its schedule.
    pub fault: String,
    /// In force.
    pub active: bool,
    /// Seconds until it begins; `null` once it has.
    pub begins_in_seconds: Option<f64>,
    /// Seconds until it ends; `null` for never.
    pub ends_in_seconds: Option<f64>,
}

impl Told {
    /// A fault as it is `now`, counted as its times are.
    pub fn new(entry: &Entry, active: bool, now: Duration) -> Self {
        let until = |time: Duration| time.checked_sub(now).filter(|left| !left.is_zero());
        Self {
            id: entry.id,
            fault: entry.fault.to_string(),
            active,
            begins_in_seconds: until(entry.begins).map(seconds),
            ends_in_seconds: entry.ends.and_then(until).map(seconds),
        }
    }
}

/// To the millisecond.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}

/// What the answers are made of.
pub struct Admin {
    /// Where faults are asked for.
    pub desk: Desk,
    /// Of Nginx.
    pub client: Client,
    /// Where Nginx listens; there when the URL is told.
    pub origin: Arc<OnceLock<SocketAddr>>,
    /// The stream.
    pub profile: Profile,
    /// Of the run.
    pub metrics: Metrics,
}

impl Admin {
    /// Serves on a listener that is bound already.
    ///
    /// # Errors
    /// When the operating system refuses a thread.
    pub fn start(self, listener: TcpListener) -> io::Result<HttpServer> {
        let admin = Arc::new(self);
        HttpServer::start(SERVER, listener, move |request| {
            let admin = Arc::clone(&admin);
            async move { admin.route(request).await }
        })
    }

    async fn route(&self, request: Request<Incoming>) -> Answer {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        // A page on the web may send requests to loopback, but not without this header.
        if request.headers().contains_key(ORIGIN) && !reads {
            return plain(StatusCode::FORBIDDEN, "not from a web page\n");
        }
        let path = request.uri().path().to_owned();
        match path.as_str() {
            "/faults" | "/faults/" => faults(&self.desk, request).await,
            "/healthz" | "/metrics" | "/state.json" if !reads => not_allowed("GET, HEAD"),
            "/healthz" => self.health().await,
            "/metrics" => self.metrics().await,
            "/state.json" => self.state().await,
            path => match path.strip_prefix("/faults/") {
                Some(id) => one_fault(&self.desk, &request, id),
                None => plain(StatusCode::NOT_FOUND, "try /faults, /metrics or /healthz\n"),
            },
        }
    }

    /// What a client of the stream is told, whatever stands between.
    async fn health(&self) -> Answer {
        let Some(origin) = self.origin.get() else {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "the stream cannot be played yet\n");
        };
        match self.client.send(Method::GET, *origin, "healthz", "").await {
            Ok((status, text)) => plain(status, text),
            Err(error) => plain(StatusCode::SERVICE_UNAVAILABLE, format!("{error:#}\n")),
        }
    }

    async fn metrics(&self) -> Answer {
        self.look().await;
        match self.metrics.render() {
            Ok(text) => answer(StatusCode::OK, METRICS_TYPE, text),
            Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
        }
    }

    async fn state(&self) -> Answer {
        self.look().await;
        json(StatusCode::OK, &State::new(&self.profile, &self.metrics, list(&self.desk)))
    }

    /// Sets what is not counted where it happens.
    async fn look(&self) {
        self.metrics.read_cpu();
        let faults = self.desk.list();
        let active = faults.iter().filter(|(_, active)| *active);
        self.metrics.set_faults(active.map(|(entry, _)| entry.fault.kind()));
        self.metrics.set_connections(self.connections().await.unwrap_or(0));
    }

    /// As Nginx counts them, but for the one that asks.
    async fn connections(&self) -> Option<u32> {
        let asked = self.client.send(Method::GET, *self.origin.get()?, "nginx_status", "");
        let (_, text) = tokio::time::timeout(STATUS_TIMEOUT, asked).await.ok()?.ok()?;
        let text = String::from_utf8_lossy(&text);
        let count = text.lines().next()?.strip_prefix("Active connections:")?.trim().parse::<u32>().ok()?;
        count.checked_sub(1)
    }
}

async fn faults(desk: &Desk, request: Request<Incoming>) -> Answer {
    match *request.method() {
        Method::GET | Method::HEAD => json(StatusCode::OK, &list(desk)),
        Method::DELETE => {
            desk.clear();
            json(StatusCode::OK, &list(desk))
        }
        Method::POST => {
            let Ok(body) = Limited::new(request.into_body(), MOST_REQUEST_BYTES).collect().await else {
                return plain(StatusCode::PAYLOAD_TOO_LARGE, "a fault is one short line\n");
            };
            add(desk, &body.to_bytes())
        }
        _ => not_allowed("GET, HEAD, POST, DELETE"),
    }
}

fn add(desk: &Desk, body: &Bytes) -> Answer {
    let text = String::from_utf8_lossy(body).trim().to_owned();
    let spec = match text.parse::<Spec>() {
        Ok(spec) => spec,
        Err(error) => return plain(StatusCode::BAD_REQUEST, format!("{text} {error}\n")),
    };
    match desk.add(spec) {
        Ok(entry) => {
            let now = desk.now();
            let active = now.is_some_and(|now| entry.is_active(now));
            json(StatusCode::CREATED, &Told::new(&entry, active, now.unwrap_or_default()))
        }
        Err(refused) => plain(StatusCode::CONFLICT, format!("{text} {refused}\n")),
    }
}

fn one_fault(desk: &Desk, request: &Request<Incoming>, id: &str) -> Answer {
    let Ok(id) = id.parse() else {
        return plain(StatusCode::NOT_FOUND, "a fault has a number: see GET /faults\n");
    };
    match *request.method() {
        Method::GET | Method::HEAD => match list(desk).into_iter().find(|told| told.id == id) {
            Some(told) => json(StatusCode::OK, &told),
            None => no_such(id),
        },
        Method::DELETE if desk.remove(id) => json(StatusCode::OK, &list(desk)),
        Method::DELETE => no_such(id),
        _ => not_allowed("GET, HEAD, DELETE"),
    }
}

fn list(desk: &Desk) -> Vec<Told> {
    let now = desk.now().unwrap_or_default();
    desk.list().iter().map(|(entry, active)| Told::new(entry, *active, now)).collect()
}

fn no_such(id: u32) -> Answer {
    plain(StatusCode::NOT_FOUND, format!("there is no fault number {id}: see GET /faults\n"))
}

fn not_allowed(allowed: &'static str) -> Answer {
    let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, format!("only {allowed}\n"));
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}

fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(mut text) => {
            text.push(b'\n');
            answer(status, "application/json", text)
        }
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}
