//! A body that comes slowly, or ends in the middle. Holds one chunk at a time.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

/// Held of a file at a time. It is read in place: it lies in memory or in the page cache, just written.
const MOST_CHUNK_BYTES: u64 = 64 * 1024;
/// A slow body comes in so many steps a second, so that it flows rather than drips.
const STEPS_PER_SECOND: u64 = 20;
/// What was sent of a cut body is on its way before the connection breaks off: a break takes away what has not left.
const BEFORE_THE_BREAK: Duration = Duration::from_millis(50);

/// Where the bytes come from.
pub enum Source {
    /// A file that stays what it is.
    File(File),
    /// A playlist.
    Text(Cursor<Vec<u8>>),
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Text(text) => text.read(buffer),
        }
    }
}

/// The body of one answer.
pub struct Paced {
    source: Source,
    announced: u64,
    /// Where it breaks off; never reached when it is whole.
    ends_at: u64,
    rate: Option<u64>,
    sent: u64,
    began: Instant,
    /// The next chunk is due when it has elapsed.
    due: Pin<Box<Sleep>>,
}

impl Paced {
    /// `announced` bytes of `source` at `rate` bytes per second from now on, of which only half come when it is `cut`.
    pub fn new(source: Source, announced: u64, rate: Option<u64>, cut: bool) -> Self {
        let ends_at = if cut { announced / 2 } else { u64::MAX };
        let began = Instant::now();
        let mut body = Self {
            source,
            announced,
            ends_at,
            rate,
            sent: 0,
            began,
            due: Box::pin(tokio::time::sleep_until(began)),
        };
        body.wait_for_next();
        body
    }

    fn next_chunk(&self) -> u64 {
        let step = self.rate.map_or(MOST_CHUNK_BYTES, |rate| (rate / STEPS_PER_SECOND).max(1));
        step.min(MOST_CHUNK_BYTES).min(self.announced.min(self.ends_at) - self.sent)
    }

    /// A chunk is due when the last of its bytes would have come through a line of that rate.
    fn wait_for_next(&mut self) {
        if self.sent == self.ends_at {
            self.due.as_mut().reset(Instant::now() + BEFORE_THE_BREAK);
        } else if let Some(rate) = self.rate {
            let micros = (self.sent + self.next_chunk()).saturating_mul(1_000_000) / rate;
            self.due.as_mut().reset(self.began + Duration::from_micros(micros));
        }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let body = self.get_mut();
        if body.sent == body.announced {
            return Poll::Ready(None);
        }
        if body.sent == body.ends_at {
            ready!(body.due.as_mut().poll(cx));
            return Poll::Ready(Some(Err(io::Error::other("cut, as was asked for"))));
        }
        if body.rate.is_some() {
            ready!(body.due.as_mut().poll(cx));
        }
        let size = body.next_chunk();
        let mut chunk = vec![0; usize::try_from(size).unwrap_or(0)];
        if let Err(error) = body.source.read_exact(&mut chunk) {
            return Poll::Ready(Some(Err(error)));
        }
        body.sent += size;
        body.wait_for_next();
        Poll::Ready(Some(Ok(Frame::data(chunk.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.sent == self.announced
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced - self.sent)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn text(size: usize) -> Source {
        Source::Text(Cursor::new((0..size).map(|n| n.to_le_bytes()[0]).collect()))
    }

    #[tokio::test]
    async fn a_body_takes_as_long_as_its_rate_says_and_flows() {
        let (size, rate) = (30_000_u32, 100_000);
        let began = Instant::now();
        let mut body = Paced::new(text(size as usize), size.into(), Some(rate), false);
        let mut frames = Vec::new();
        let mut times = Vec::new();
        while let Some(frame) = body.frame().await {
            frames.push(frame.unwrap().into_data().unwrap());
            times.push(began.elapsed());
        }
        assert_eq!(frames.concat(), (0..size as usize).map(|n| n.to_le_bytes()[0]).collect::<Vec<_>>());
        // A machine may be late, never early: each step is due after its share of the 300 ms.
        assert_eq!(frames.len(), 6);
        for (n, time) in times.into_iter().enumerate() {
            let due = Duration::from_millis(50 * (n as u64 + 1));
            assert!(time >= due, "step {n} came after {time:?}");
        }
    }

    #[tokio::test]
    async fn a_cut_body_announces_all_and_breaks_off_in_the_middle() {
        let mut body = Paced::new(text(300_001), 300_001, None, true);
        assert_eq!(body.size_hint().exact(), Some(300_001));
        let mut got = 0;
        let error = loop {
            match body.frame().await.unwrap() {
                Ok(frame) => got += frame.into_data().unwrap().len(),
                Err(error) => break error,
            }
        };
        assert_eq!(got, 150_000);
        assert!(error.to_string().contains("cut"));
    }
}
