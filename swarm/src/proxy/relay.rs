//! A body on its way from the origin to FFmpeg: counted and timed, copied in small pieces, or moved by the kernel where it
//! can. When it is over, well or badly, its [`Exchange`] is told.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::Interest;

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
    /// Passes a body on to its end. On an error FFmpeg's connection is to be cut, as the origin's was.
    pub async fn pass(mut self, mut body: Body) -> Result<(), Broken> {
        let passed = self.pieces(&mut body).await;
        if let Err(Broken::Origin(class)) = passed {
            self.exchange.end(Outcome::Failed(class));
        }
        passed
    }

    async fn pieces(&mut self, body: &mut Body) -> Result<(), Broken> {
        while !body.is_over() {
            if self.moved(body).await? {
                continue;
            }
            let Some(piece) = self.next(body).await? else { break };
            self.exchange.received(piece.len());
            if body.is_over() {
                self.exchange.finish();
            }
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

    /// Moves what there is of a body without looking at it, once there is some; false where that cannot be.
    async fn moved(&mut self, body: &mut Body) -> Result<bool, Broken> {
        let Body::Left(left) = *body else { return Ok(false) };
        if left < LEAST_MOVED_BYTES || !self.origin.unread.is_empty() {
            return Ok(false);
        }
        let Some(socket) = self.origin.socket() else { return Ok(false) };
        self.silence.restart();
        tokio::select! {
            biased;
            ready = socket.readable() => ready.map_err(|_| Broken::Origin(ErrorClass::Reset))?,
            () = self.client.hung_up() => return Err(Broken::HungUp),
            () = self.silence.lasts_too_long() => return Err(Broken::Origin(ErrorClass::Timeout)),
        }
        // A fast origin and a fast viewer must not keep the thread for themselves.
        tokio::task::coop::consume_budget().await;
        let Some(mut pipe) = self.pipes.lend() else { return Ok(false) };
        let read = socket.try_io(Interest::READABLE, || pipe.fill(socket, left));
        match read {
            Ok(0) => Err(Broken::Origin(ErrorClass::Short)),
            Ok(bytes) => {
                body.passed(bytes);
                self.exchange.received(bytes);
                if body.is_over() {
                    self.exchange.finish();
                }
                self.empty(&mut pipe).await.map(|()| true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
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
