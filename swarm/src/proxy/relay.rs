//! A body on its way from the origin to FFmpeg: counted and timed, copied in small pieces, or moved by the kernel where it
//! can. When it is over, well or badly, its [`Exchange`] is told.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::body::Body;
use super::chunked;
use super::client::Client;
use super::exchange::Exchange;
use super::origin::Origin;
use super::pipe::{Pipe, Pipes};
use super::silence::Silence;
use crate::observation::{ErrorClass, Outcome};

/// From this many bytes on a body is moved by the kernel: below, one copy costs less than the calls.
const LEAST_MOVED_BYTES: u64 = 16 << 10;

/// Both ends, and what is measured between them.
#[derive(Debug)]
pub struct Relay<'a> {
    /// FFmpeg.
    pub client: &'a mut Client,
    /// The origin.
    pub origin: &'a mut Origin,
    /// The origin's.
    pub silence: &'a mut Silence,
    /// The request.
    pub exchange: &'a mut Exchange,
    /// Whether FFmpeg gets the body in chunks.
    pub chunked: bool,
    /// Of the run.
    pub pipes: &'a Arc<Pipes>,
}

/// Why a body was not passed on whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The origin's fault.
    Origin(ErrorClass),
    /// FFmpeg has hung up.
    HungUp,
}

impl Relay<'_> {
    /// Passes an answer on: its `head`, and its body to the end. On an error FFmpeg's connection is to be cut, as the
    /// origin's was.
    pub async fn pass(mut self, head: Vec<u8>, mut body: Body) -> Result<(), Broken> {
        let passed = async {
            self.begin(head, &mut body).await?;
            self.pieces(&mut body).await
        }
        .await;
        if let Err(Broken::Origin(class)) = passed {
            self.exchange.end(Outcome::Failed(class));
        }
        passed
    }

    /// Sends the head, and with it what is there of the body: each message wakes FFmpeg.
    async fn begin(&mut self, mut head: Vec<u8>, body: &mut Body) -> Result<(), Broken> {
        if let Some(piece) = body.at_hand(self.origin).map_err(Broken::Origin)? {
            self.arrived(*body, piece.len());
            if self.chunked {
                head.extend_from_slice(&chunked::chunk(&piece));
            } else {
                head.extend_from_slice(&piece);
            }
        }
        match self.fill(body) {
            Ok(Some(mut pipe)) => {
                let held_up = self.client.send_before(&pipe, &head).await.map_err(|_| Broken::HungUp)?;
                self.exchange.held_up(held_up);
                self.empty(&mut pipe).await
            }
            // Where the origin broke off already, FFmpeg still gets what came.
            other => self.send(&head).await.and(other.map(|_| ())),
        }
    }

    async fn pieces(&mut self, body: &mut Body) -> Result<(), Broken> {
        while !body.is_over() {
            if self.moved(body).await? {
                continue;
            }
            let Some(piece) = self.next(body).await? else { break };
            self.arrived(*body, piece.len());
            if self.chunked {
                self.send(&chunked::chunk(&piece)).await?;
            } else {
                self.send(&piece).await?;
            }
        }
        self.exchange.finish();
        if self.chunked { self.send(chunked::END).await } else { Ok(()) }
    }

    /// Waits for the next piece, within reason.
    pub async fn next(&mut self, body: &mut Body) -> Result<Option<Bytes>, Broken> {
        self.silence.restart();
        tokio::select! {
            biased;
            piece = body.next(self.origin) => piece.map_err(Broken::Origin),
            () = self.client.hung_up() => Err(Broken::HungUp),
            () = self.silence.lasts_too_long() => Err(Broken::Origin(ErrorClass::Timeout)),
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let held_up = self.client.send(bytes).await.map_err(|_| Broken::HungUp)?;
        self.exchange.held_up(held_up);
        Ok(())
    }

    /// So many bytes of the body came; `body` is what is left.
    fn arrived(&mut self, body: Body, bytes: usize) {
        self.exchange.received(bytes);
        if body.is_over() {
            self.exchange.finish();
        }
    }

    /// Moves what there is of a body without looking at it, once there is some; false where that cannot be.
    async fn moved(&mut self, body: &mut Body) -> Result<bool, Broken> {
        let Some((socket, _)) = movable(self.origin, *body) else { return Ok(false) };
        self.silence.restart();
        tokio::select! {
            biased;
            ready = socket.readable() => ready.map_err(|_| Broken::Origin(ErrorClass::Reset))?,
            () = self.client.hung_up() => return Err(Broken::HungUp),
            () = self.silence.lasts_too_long() => return Err(Broken::Origin(ErrorClass::Timeout)),
        }
        // A fast origin and a fast viewer must not keep the thread for themselves.
        tokio::task::coop::consume_budget().await;
        let Some(mut pipe) = self.fill(body)? else { return Ok(false) };
        self.empty(&mut pipe).await.map(|()| true)
    }

    /// A pipe with what there is of a body, which may be nothing yet; `None` where that cannot be.
    fn fill(&mut self, body: &mut Body) -> Result<Option<Pipe>, Broken> {
        let Some((socket, left)) = movable(self.origin, *body) else { return Ok(None) };
        let Some(mut pipe) = self.pipes.lend() else { return Ok(None) };
        match socket.try_io(Interest::READABLE, || pipe.fill(socket, left)) {
            Ok(0) => Err(Broken::Origin(ErrorClass::Short)),
            Ok(bytes) => {
                body.passed(bytes);
                self.arrived(*body, bytes);
                Ok(Some(pipe))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Some(pipe)),
            Err(_) => Err(Broken::Origin(ErrorClass::Reset)),
        }
    }

    async fn empty(&mut self, pipe: &mut Pipe) -> Result<(), Broken> {
        while pipe.held() > 0 {
            let socket = self.client.socket();
            match socket.try_io(Interest::WRITABLE, || pipe.empty(socket)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let held_up = self.client.takes_more().await.map_err(|_| Broken::HungUp)?;
                    self.exchange.held_up(held_up);
                }
                Err(_) => return Err(Broken::HungUp),
            }
        }
        Ok(())
    }
}

/// The socket out of which the kernel can move bytes, and how many of this body.
fn movable(origin: &Origin, body: Body) -> Option<(&TcpStream, u64)> {
    let Body::Left(left) = body else { return None };
    let large = left >= LEAST_MOVED_BYTES && origin.unread.is_empty();
    origin.socket().filter(|_| large).map(|socket| (socket, left))
}
