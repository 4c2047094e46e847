//! A connection to an origin: one request after the other, and the bytes that come back. Knows the ends of heads; those of
//! bodies are [`super::body`]'s.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;

use bytes::{BufMut as _, BytesMut};
use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;

use super::head::ResponseHead;
use crate::observation::ErrorClass;
use crate::upstream::{ConnectError, OriginStream};

/// Read at once while a head is awaited: most heads, and most playlists with them, but little of a segment, which the
/// kernel can move by itself.
const READ_HEAD_BYTES: usize = 4 << 10;

/// An open connection.
#[derive(Debug)]
pub struct Origin {
    /// Scheme, host and port: a request to another one needs another connection.
    name: Box<str>,
    stream: OriginStream,
    /// What came and was not taken yet.
    pub unread: BytesMut,
}

/// Why there is no answer.
#[derive(Debug)]
pub struct Failure {
    /// For the statistics.
    pub class: ErrorClass,
    /// For the log.
    pub reason: String,
}

impl Origin {
    /// A new connection to the origin of this name.
    pub fn new(name: &str, stream: OriginStream) -> Self {
        Self { name: name.into(), stream, unread: BytesMut::new() }
    }

    /// Whether it leads to the origin of this name, and can carry a request: nothing came that nobody asked for, not even
    /// the end.
    pub async fn serves(&mut self, name: &str) -> bool {
        if *self.name != *name || !self.unread.is_empty() {
            return false;
        }
        let mut byte = [0];
        let mut room = ReadBuf::new(&mut byte);
        poll_fn(|cx| Poll::Ready(Pin::new(&mut self.stream).poll_read(cx, &mut room).is_pending())).await
    }

    /// Sends the head of a request, and waits for that of its answer.
    pub async fn ask(&mut self, request: &[u8]) -> Result<ResponseHead, Failure> {
        self.stream.write_all(request).await.map_err(|error| Failure::broken(&error))?;
        self.stream.flush().await.map_err(|error| Failure::broken(&error))?;
        loop {
            match ResponseHead::take(&mut self.unread) {
                // What is to come is announced by these (RFC 9110 15.2); 101 would need to have been asked for.
                Ok(Some(head)) if matches!(head.status, 100 | 102..=199) => {}
                Ok(Some(head)) => return Ok(head),
                Err(error) => {
                    return Err(Failure { class: ErrorClass::Protocol, reason: error.to_string() });
                }
                Ok(None) => {
                    let read = self.fill(READ_HEAD_BYTES).await.map_err(|error| Failure::broken(&error))?;
                    if read == 0 {
                        let reason = "the origin closed the connection without an answer".to_owned();
                        return Err(Failure { class: ErrorClass::Reset, reason });
                    }
                }
            }
        }
    }

    /// Waits for more, at most so many bytes; 0 at the end.
    pub async fn fill(&mut self, most_bytes: usize) -> io::Result<usize> {
        self.unread.reserve(most_bytes);
        self.stream.read_buf(&mut (&mut self.unread).limit(most_bytes)).await
    }

    /// Nothing is asked for now: an idle connection holds no buffer.
    pub fn rest(&mut self) {
        if self.unread.is_empty() {
            self.unread = BytesMut::new();
        }
    }

    /// The socket, if what comes out of it is what the origin wrote.
    pub fn socket(&self) -> Option<&TcpStream> {
        self.stream.plain()
    }
}

impl Failure {
    /// An origin that was silent for too long.
    pub fn silent(limit: std::time::Duration) -> Self {
        let reason = format!("no answer within {} s", limit.as_secs());
        Self { class: ErrorClass::Timeout, reason }
    }

    /// No connection.
    pub fn of_connect(error: &ConnectError) -> Self {
        let class = match error {
            ConnectError::Dns { .. } => ErrorClass::Dns,
            ConnectError::Refused { .. } => ErrorClass::Refused,
            ConnectError::Timeout { .. } => ErrorClass::Timeout,
            ConnectError::Tls { .. } => ErrorClass::Tls,
            ConnectError::Other { .. } => ErrorClass::Connect,
        };
        Self { class, reason: error.to_string() }
    }

    fn broken(error: &io::Error) -> Self {
        Self { class: ErrorClass::Reset, reason: crate::upstream::error_chain(error) }
    }
}
