//! Whether it is another test-origin that listens where we want to. Asks only a port on which we could not listen.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::nginx::Url;

/// An origin answers in milliseconds; on a busy machine it may take this long. Who says nothing is only waited for.
const PATIENCE: Duration = Duration::from_secs(3);
/// What an origin says of itself is a few kilobytes; a stranger may say anything.
const MOST_BYTES: u64 = 256 << 10;

/// Another test-origin.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub struct Neighbour {
    /// Its profile.
    pub profile: String,
    /// `live` or `vod`.
    pub playlist_type: String,
}

impl Neighbour {
    /// The test-origin at this address; `None` when it is something else, speaks TLS, or does not answer.
    pub async fn at(address: SocketAddr) -> Option<Self> {
        let address = Url { tls: false, server: address, path: "" }.address();
        let answer = tokio::time::timeout(PATIENCE, ask(address)).await.ok()?.ok()?;
        Self::parse(&answer)
    }

    fn parse(answer: &str) -> Option<Self> {
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let ok = head.split(' ').nth(1) == Some("200");
        ok.then(|| serde_json::from_str(body).ok()).flatten()
    }
}

/// HTTP/1.0, so that the answer is one piece and ends with the connection.
async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /state.json HTTP/1.0\r\n\r\n").await?;
    let mut answer = String::new();
    stream.take(MOST_BYTES).read_to_string(&mut answer).await?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_origin_is_taken_for_one() {
        let profile = |answer: &str| Neighbour::parse(answer).map(|neighbour| neighbour.profile);
        let body = r#"{"profile":"vod","playlist_type":"vod","segments":15}"#;
        assert_eq!(profile(&format!("HTTP/1.1 200 OK\r\nServer: nginx\r\n\r\n{body}")), Some("vod".into()));
        assert_eq!(profile(&format!("HTTP/1.1 404 Not Found\r\n\r\n{body}")), None);
        for other in ["", "220 mail ESMTP\r\n", "HTTP/1.1 200 OK\r\n\r\n{\"profile\":\"default\"}"] {
            assert_eq!(profile(other), None, "{other}");
        }
    }
}
