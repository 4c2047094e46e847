//! The body on its way from the origin to FFmpeg: counted and timed piece by piece, never held. When it is over, well or
//! badly, its [`Exchange`] is told.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Sleep;

use super::exchange::Exchange;
use crate::observation::{ErrorClass, Outcome};

/// What FFmpeg gets.
#[derive(Debug)]
pub enum ProxyBody {
    /// Something whole: a playlist, an error, nothing.
    Whole(Option<Bytes>),
    /// The origin's answer broke off before any of it was passed on: FFmpeg's connection breaks off too.
    Broken(ErrorClass),
    /// The origin's, as it comes; boxed, because most answers of a quiet connection are none.
    Stream(Box<StreamedBody>),
}

/// The origin's body, under way.
#[derive(Debug)]
pub struct StreamedBody {
    /// Read before it was clear that it should stream.
    prefix: Option<Bytes>,
    incoming: Incoming,
    /// Gives the exchange back to the statistics; gone once it has.
    exchange: Option<Exchange>,
    /// Fires when the origin has been silent for too long.
    silence: Pin<Box<Sleep>>,
    limit: Duration,
    /// Since when FFmpeg has not asked for more.
    given_at: Option<Instant>,
    /// Since when the origin owes us a piece.
    waiting_since: Option<Instant>,
}

/// The origin's body ended badly: FFmpeg's connection is cut, as the origin's was.
#[derive(Debug, thiserror::Error)]
#[error("the origin's answer broke off ({})", class.label())]
pub struct BrokenOff {
    /// How.
    pub class: ErrorClass,
}

/// Why a body ended before its time: the origin closed in good order but too early, or the connection broke.
pub fn class_of(error: &hyper::Error) -> ErrorClass {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
    let too_early = cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::UnexpectedEof);
    if too_early || error.is_incomplete_message() { ErrorClass::Short } else { ErrorClass::Reset }
}

impl ProxyBody {
    /// Nothing.
    pub fn empty() -> Self {
        Self::Whole(None)
    }

    /// These bytes.
    pub fn whole(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }

    /// What was read already, and the rest as it comes. An origin that is silent for `limit` has failed.
    pub fn stream(
        prefix: Option<Bytes>,
        incoming: Incoming,
        mut exchange: Exchange,
        limit: Duration,
    ) -> Self {
        if incoming.is_end_stream() {
            exchange.finish();
            return prefix.map_or_else(Self::empty, Self::whole);
        }
        Self::Stream(Box::new(StreamedBody {
            prefix,
            incoming,
            exchange: Some(exchange),
            silence: Box::pin(tokio::time::sleep(limit)),
            limit,
            given_at: None,
            waiting_since: None,
        }))
    }
}

impl Body for ProxyBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Broken(class) => Poll::Ready(Some(Err(BrokenOff { class: *class }))),
            Self::Stream(body) => body.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Broken(_) => false,
            Self::Stream(body) => body.exchange.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Broken(_) => SizeHint::default(),
            Self::Stream(body) => body.size_hint(),
        }
    }
}

impl StreamedBody {
    fn size_hint(&self) -> SizeHint {
        let mut hint = self.incoming.size_hint();
        let read = self.prefix.as_ref().map_or(0, |prefix| prefix.len() as u64);
        if let Some(rest) = hint.exact() {
            hint.set_exact(rest + read);
        }
        hint
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let Some(exchange) = &mut self.exchange else { return Poll::Ready(None) };
        let now = Instant::now();
        if let Some(given_at) = self.given_at.take() {
            // FFmpeg was not ready for more: that time is not the origin's.
            exchange.held_up(now - given_at);
        }
        if let Some(prefix) = self.prefix.take() {
            self.given_at = Some(now);
            return Poll::Ready(Some(Ok(Frame::data(prefix))));
        }
        let Poll::Ready(next) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            let since = *self.waiting_since.get_or_insert(now);
            return self.poll_silence(cx, since);
        };
        self.waiting_since = None;
        match next {
            Some(Ok(frame)) => {
                exchange.received(frame.data_ref().map_or(0, Bytes::len));
                self.given_at = Some(Instant::now());
                if self.incoming.is_end_stream() {
                    exchange.finish();
                    self.exchange = None;
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => self.fail(class_of(&error)),
            None => {
                exchange.finish();
                self.exchange = None;
                Poll::Ready(None)
            }
        }
    }

    /// The timer is set anew only when it fires, not with each piece.
    fn poll_silence(
        &mut self,
        cx: &mut Context<'_>,
        since: Instant,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let deadline = since + self.limit;
        loop {
            ready!(self.silence.as_mut().poll(cx));
            if Instant::now() >= deadline {
                return self.fail(ErrorClass::Timeout);
            }
            self.silence.as_mut().reset(deadline.into());
        }
    }

    fn fail(&mut self, class: ErrorClass) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if let Some(mut exchange) = self.exchange.take() {
            exchange.end(Outcome::Failed(class));
        }
        Poll::Ready(Some(Err(BrokenOff { class })))
    }
}
