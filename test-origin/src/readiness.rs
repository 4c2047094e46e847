//! Whether the stream can be played: fetches it through the server, as a viewer would. Judges no content.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::nginx;
use crate::profile::Profile;

/// A live viewer begins three segments before the end, so fewer are no playable stream (RFC 8216 6.3.3).
const SEGMENTS: usize = 3;
/// Pause between two tries; a fraction of the time that the first segments take.
const PAUSE: Duration = Duration::from_millis(100);
/// A local server that has not answered by then will not; the next try may.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest profile's longest segment is 500 MB; anything beyond it is no segment.
const MOST_BYTES: usize = 1 << 30;

/// Waits until the last three segments of every variant have come through the server at `address`.
///
/// # Errors
/// When they have not within `patience`: why the last try failed.
pub async fn wait(address: SocketAddr, profile: &Profile, patience: Duration) -> anyhow::Result<()> {
    let mut last = None;
    let tries = async {
        while let Err(error) = play(address, profile).await {
            last = Some(error);
            tokio::time::sleep(PAUSE).await;
        }
    };
    if tokio::time::timeout(patience, tries).await.is_ok() {
        return Ok(());
    }
    let error = last.unwrap_or_else(|| anyhow::anyhow!("the server does not answer"));
    Err(error.context(format!("the stream could not be played within {} s", patience.as_secs())))
}

async fn play(address: SocketAddr, profile: &Profile) -> anyhow::Result<()> {
    for playlist in profile.media_playlists() {
        let path = playlist.display().to_string();
        let text = get(address, &path).await?;
        let text = String::from_utf8_lossy(&text);
        let segments: Vec<&str> =
            text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        ensure!(segments.len() >= SEGMENTS, "{path} has only {} segments", segments.len());
        for segment in &segments[segments.len() - SEGMENTS..] {
            let path = playlist.with_file_name(segment).display().to_string();
            ensure!(!get(address, &path).await?.is_empty(), "{path} is empty");
        }
    }
    // Last, so that who is told the URL also finds the origin healthy.
    get(address, "healthz").await?;
    Ok(())
}

/// The body of a 200 answer to a GET.
async fn get(address: SocketAddr, path: &str) -> anyhow::Result<Bytes> {
    let url = nginx::url(address, path);
    tokio::time::timeout(REQUEST_TIMEOUT, fetch(&url))
        .await
        .unwrap_or_else(|_| bail!("no answer"))
        .context(url)
}

async fn fetch(url: &str) -> anyhow::Result<Bytes> {
    let request = Request::get(url).body(Empty::<Bytes>::new())?;
    let authority = request.uri().authority().context("no host")?.to_string();
    let (mut parts, body) = request.into_parts();
    parts.uri = parts.uri.path().parse()?;
    parts.headers.insert(HOST, HeaderValue::from_str(&authority)?);

    let stream = TcpStream::connect(&authority).await.context("connect")?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let exchange = async {
        let response = sender.send_request(Request::from_parts(parts, body)).await?;
        ensure!(response.status() == StatusCode::OK, "status {}", response.status());
        let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
        Ok(body.map_err(|error| anyhow::anyhow!(error))?.to_bytes())
    };
    // The exchange is polled first, so a finished answer is not lost to a connection that ends with it.
    tokio::pin!(exchange, connection);
    tokio::select! {
        biased;
        answer = &mut exchange => answer,
        ended = &mut connection => {
            ended?;
            exchange.await
        }
    }
}
