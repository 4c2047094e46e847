//! The server that Nginx asks while a fault is in force. It serves the files of the stream with the misbehaviour that
//! was asked for, or sends Nginx back to the file (`X-Accel-Redirect`). Listens on loopback, and reads nothing but the
//! stream's own files.

use std::fs::File;
use std::io::{self, Cursor};
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use http_server::{HttpServer, Settings};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION};
use hyper::{Request, Response, StatusCode};

use super::body::{Paced, Source};
use super::decision::{Answer as Decided, Asked, Kind, Treatment};
use super::desk::Desk;
use crate::answer::{Answer, plain};
use crate::nginx::{PLAYLIST_CACHING, SEGMENT_CACHING};
use crate::numbering;

/// Says where Nginx is to go on.
const ACCEL: HeaderName = HeaderName::from_static("x-accel-redirect");
/// Nginx's named location that serves a playlist as ever.
pub const HEALTHY_PLAYLIST: &str = "@playlist";
/// The same for segments and init sections.
pub const HEALTHY_SEGMENT: &str = "@segment";
/// Nginx keeps unused connections for 60 s.
const HEADER_TIMEOUT: Duration = Duration::from_secs(90);
/// Nginx says with it under which scheme it was asked.
pub const SCHEME: &str = "x-origin-scheme";
/// Nginx says with it that it was asked on the port to which requests are redirected.
pub const REDIRECTED: &str = "x-origin-redirected";

/// Starts it on a free port.
///
/// # Errors
/// When the operating system refuses a socket or a thread.
pub fn start(desk: Desk, most_connections: usize) -> io::Result<HttpServer> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let settings = Settings { name: "upstream", most_connections, header_timeout: HEADER_TIMEOUT };
    HttpServer::start(settings, listener, move |request| {
        let desk = desk.clone();
        async move { answer(&desk, &request).await }
    })
}

async fn answer(desk: &Desk, request: &Request<Incoming>) -> Answer {
    let redirected = request.headers().contains_key(REDIRECTED);
    let Some(asked) = Asked::new(request.uri().path(), redirected) else {
        return plain(StatusCode::NOT_FOUND, "there is no such file\n");
    };
    let decision = desk.decide(&asked);
    if !decision.pause.is_zero() {
        tokio::time::sleep(decision.pause).await;
    }
    match decision.answer {
        Decided::Healthy => healthy(&asked),
        Decided::Status(code) => failed(code),
        Decided::Redirect(port) => redirect(request, port),
        Decided::Body(treatment) => body(desk, &asked, treatment).unwrap_or_else(|_| healthy(&asked)),
    }
}

/// Nginx does the rest, with the headers of the rest: none of ours may be in its way.
fn healthy(asked: &Asked<'_>) -> Answer {
    let location = match asked.kind {
        Kind::Playlist => HEALTHY_PLAYLIST,
        Kind::Segment | Kind::Init => HEALTHY_SEGMENT,
    };
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed());
    response.headers_mut().insert(ACCEL, HeaderValue::from_static(location));
    response
}

fn failed(code: u16) -> Answer {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    plain(status, "a fault, as was asked for\n")
}

fn redirect(request: &Request<Incoming>, port: u16) -> Answer {
    let header = |headers: &HeaderMap, name: HeaderName| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let scheme = header(request.headers(), HeaderName::from_static(SCHEME));
    let host = header(request.headers(), HOST);
    let target = format!("{scheme}://{}:{port}{}", without_port(&host), request.uri().path());
    let mut response = plain(StatusCode::FOUND, Bytes::new());
    match HeaderValue::from_str(&target) {
        Ok(target) => {
            response.headers_mut().insert(LOCATION, target);
            response
        }
        Err(_) => failed(StatusCode::BAD_REQUEST.as_u16()),
    }
}

/// `[::1]:8080` is `[::1]`.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty() => name,
        _ => host,
    }
}

/// # Errors
/// When there is no such file, or it is none of ours: Nginx knows what to say then.
fn body(desk: &Desk, asked: &Asked<'_>, treatment: Treatment) -> io::Result<Answer> {
    let path = desk.file(asked);
    // A symbolic link may lead anywhere; Nginx follows none either.
    if path.canonicalize()? != path {
        return Err(io::ErrorKind::NotFound.into());
    }
    let (source, size) = match asked.kind {
        Kind::Segment | Kind::Init => {
            let file = File::open(path)?;
            let size = file.metadata()?.len();
            (Source::File(file), size)
        }
        Kind::Playlist => {
            let stale = if treatment.stale { desk.stale_playlist() } else { None };
            let text = stale.map_or_else(|| std::fs::read(path), Ok)?;
            let text = numbering::number_on(&String::from_utf8_lossy(&text), treatment.sequence_jump.into());
            let size = text.len() as u64;
            (Source::Text(Cursor::new(text.into_bytes())), size)
        }
    };
    let mut response = Response::new(Paced::new(source, size, treatment.rate, treatment.cut).boxed());
    let (content_type, caching) = match asked.path.rsplit('.').next() {
        Some("m3u8") => ("application/vnd.apple.mpegurl", PLAYLIST_CACHING),
        Some("ts") => ("video/mp2t", SEGMENT_CACHING),
        Some("m4s") => ("video/iso.segment", SEGMENT_CACHING),
        _ => ("video/mp4", SEGMENT_CACHING),
    };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_loses_its_port() {
        for (host, expected) in [
            ("localhost:8080", "localhost"),
            ("localhost", "localhost"),
            ("[::1]:8080", "[::1]"),
            ("[::1]", "[::1]"),
            ("192.0.2.1:80", "192.0.2.1"),
        ] {
            assert_eq!(without_port(host), expected);
        }
    }
}
