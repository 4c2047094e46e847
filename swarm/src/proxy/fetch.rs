//! A request on its way to the origin, over the kept connection or a new one, until the head of the answer is there.

use url::Url;

use super::exchange::Exchange;
use super::head::{RequestHead, ResponseHead};
use super::origin::{Failure, Origin};
use super::silence::Silence;
use crate::observation::ErrorClass;
use crate::upstream::{Connector, authority};

/// Headers between FFmpeg and us only (RFC 9110 7.6.1). `Connection` itself goes on: the origin sees the same wish.
const PRIVATE: [&str; 2] = ["proxy-connection", "proxy-authorization"];

/// The head of the origin's answer, over the kept connection if there is one.
pub async fn fetch(
    connector: &Connector,
    silence: &mut Silence,
    place: &mut Option<Origin>,
    url: &Url,
    request: &mut RequestHead,
    exchange: &mut Exchange,
) -> Result<ResponseHead, Failure> {
    let name = &url[..url::Position::BeforePath];
    let written = onward(url, request);
    if let Some(mut origin) = place.take()
        && origin.serves(name).await
    {
        match ask(connector, silence, &mut origin, &written).await {
            // Closed in the very moment in which it was used again: a browser tries once more, unseen.
            Err(failure) if failure.class == ErrorClass::Reset => {}
            result => {
                *place = Some(origin);
                return result;
            }
        }
    }
    let connected = connector.connect_as(exchange.viewer(), url).await;
    let connected = connected.map_err(|error| Failure::of_connect(&error))?;
    exchange.connected(connected.connect, connected.tls);
    let origin = place.insert(Origin::new(name, connected.stream));
    ask(connector, silence, origin, &written).await
}

async fn ask(
    connector: &Connector,
    silence: &mut Silence,
    origin: &mut Origin,
    request: &[u8],
) -> Result<ResponseHead, Failure> {
    silence.restart();
    tokio::select! {
        biased;
        head = origin.ask(request) => head,
        () = silence.lasts_too_long() => Err(Failure::silent(connector.timeout)),
    }
}

/// The request as the origin gets it.
fn onward(url: &Url, request: &mut RequestHead) -> Vec<u8> {
    for name in PRIVATE {
        request.fields.remove(name);
    }
    request.fields.set("Host", authority(url));
    // As FFmpeg wrote it: `Url` would escape characters that a signature may have been made over.
    let path = request.target.split_once("://").and_then(|(_, rest)| Some(&rest[rest.find(['/', '?'])?..]));
    match path {
        Some(query) if query.starts_with('?') => request.written(&format!("/{query}")),
        Some(path) => request.written(path),
        None => request.written("/"),
    }
}
