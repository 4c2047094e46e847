//! FFmpeg's end of a connection: its requests, whether it is still there, and what it is given.

use std::io;
use std::time::{Duration, Instant};

use bytes::{BufMut as _, BytesMut};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::head::{Malformed, RequestHead};

/// Read at once: a request of FFmpeg has less than 1 kB, with long tokens a few.
const READ_BYTES: usize = 4 << 10;

/// Requests that may come before the one under way is answered: FFmpeg sends none.
const MOST_EARLY_BYTES: usize = 64 << 10;

/// FFmpeg's end.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    unread: BytesMut,
}

/// Why there is no request.
#[derive(Debug)]
pub enum NoRequest {
    /// The connection has ended.
    Gone,
    /// No HTTP came.
    Malformed(Malformed),
}

impl Client {
    /// Nothing was read yet.
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, unread: BytesMut::new() }
    }

    /// The socket, to be written to by the kernel.
    pub fn socket(&self) -> &TcpStream {
        &self.stream
    }

    /// Waits for the next request.
    pub async fn next_request(&mut self) -> Result<RequestHead, NoRequest> {
        loop {
            if let Some(head) = RequestHead::take(&mut self.unread).map_err(NoRequest::Malformed)? {
                if self.unread.is_empty() {
                    // An idle connection holds no buffer.
                    self.unread = BytesMut::new();
                }
                return Ok(head);
            }
            let mut room = (&mut self.unread).limit(READ_BYTES);
            if matches!(self.stream.read_buf(&mut room).await, Ok(0) | Err(_)) {
                return Err(NoRequest::Gone);
            }
        }
    }

    /// Waits until FFmpeg hangs up. What it asks early is kept.
    pub async fn hung_up(&mut self) {
        while self.unread.len() < MOST_EARLY_BYTES {
            let mut room = (&mut self.unread).limit(READ_BYTES);
            if matches!(self.stream.read_buf(&mut room).await, Ok(0) | Err(_)) {
                return;
            }
        }
        std::future::pending::<()>().await;
    }

    /// Gives it all of `bytes`, and says how long it did not take them.
    pub async fn send(&self, mut bytes: &[u8]) -> io::Result<Duration> {
        let mut held_up = Duration::ZERO;
        while !bytes.is_empty() {
            match self.stream.try_write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    held_up += self.takes_more().await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(held_up)
    }

    /// Waits until it takes more, and says how long that was.
    pub async fn takes_more(&self) -> io::Result<Duration> {
        let since = Instant::now();
        self.stream.writable().await?;
        Ok(since.elapsed())
    }
}
