//! The admin server: `/metrics`, `/healthz`, `/readyz`. On a thread of its own, so that it answers while the run's
//! thread is busy starting processes.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use http_server::{HttpServer, Settings};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, body::Incoming};

use super::metrics::Metrics;

const SERVER: Settings = Settings {
    name: "admin",
    // Scrapers hold one connection each; a bound keeps a stray client from taking the run's descriptors.
    most_connections: 64,
    header_timeout: Duration::from_secs(10),
};

/// Serves on a listener that is bound already, so that a taken port was found before anything started.
///
/// # Errors
/// When the thread or its runtime cannot be made.
pub fn start(listener: TcpListener, metrics: Metrics) -> io::Result<HttpServer> {
    HttpServer::start(SERVER, listener, move |request| {
        let response = answer(&request, &metrics);
        async { response }
    })
}

fn answer(request: &Request<Incoming>, metrics: &Metrics) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n".to_owned());
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match request.uri().path() {
        "/metrics" => match metrics.render() {
            Ok(body) => text(StatusCode::OK, body),
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
        },
        "/healthz" => text(StatusCode::OK, "ok\n".to_owned()),
        "/readyz" if metrics.is_ready() => text(StatusCode::OK, "ready\n".to_owned()),
        "/readyz" => text(StatusCode::SERVICE_UNAVAILABLE, "the ramp is not complete\n".to_owned()),
        _ => text(StatusCode::NOT_FOUND, "try /metrics, /healthz or /readyz\n".to_owned()),
    }
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
