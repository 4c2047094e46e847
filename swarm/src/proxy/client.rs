//! FFmpeg's end of a connection: its requests, whether it is still there, and what it is given.

use std::io;
use std::time::{Duration, Instant};

use bytes::{BufMut as _, BytesMut};
use tokio::io::{AsyncReadExt as _, Interest};
use tokio::net::TcpStream;

use super::head::{Malformed, RequestHead};
use super::pipe::Pipe;

/// Read at once: a request of FFmpeg has less than 1 kB, with long tokens a few.
const READ_BYTES: usize = 1 << 10;

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
            if self.read().await.is_err() {
                return Err(NoRequest::Gone);
            }
        }
    }

    /// Waits until FFmpeg hangs up. What it asks early is kept.
    pub async fn hung_up(&mut self) {
        while self.unread.len() < MOST_EARLY_BYTES {
            if self.read().await.is_err() {
                return;
            }
        }
        std::future::pending::<()>().await;
    }

    /// Waits for more; an error at the end. Makes room only when something has come.
    async fn read(&mut self) -> io::Result<()> {
        self.stream.readable().await?;
        let mut room = (&mut self.unread).limit(READ_BYTES);
        room.get_mut().reserve(READ_BYTES);
        match self.stream.read_buf(&mut room).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Gives it all of `bytes`, and says how long it did not take them.
    pub async fn send(&self, bytes: &[u8]) -> io::Result<Duration> {
        self.send_by(bytes, |bytes| self.stream.try_write(bytes)).await
    }

    /// As [`Self::send`], of bytes that stand before those in the `pipe`, which follows at once: both travel together.
    pub async fn send_before(&self, pipe: &Pipe, bytes: &[u8]) -> io::Result<Duration> {
        let write =
            |bytes: &[u8]| self.stream.try_io(Interest::WRITABLE, || pipe.send_before(&self.stream, bytes));
        self.send_by(bytes, write).await
    }

    async fn send_by(
        &self,
        mut bytes: &[u8],
        write: impl Fn(&[u8]) -> io::Result<usize>,
    ) -> io::Result<Duration> {
        let mut held_up = Duration::ZERO;
        while !bytes.is_empty() {
            match write(bytes) {
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
