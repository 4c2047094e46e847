//! The measurement of one request: begun when it arrives, ended exactly once, whatever happens to it. What nobody ends
//! was hung up on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use url::{Position, Url};

use super::open_requests::Place;
use super::recorder::Recorder;
use super::ticket::Ticket;
use crate::observation::{Cache, Kind, Observation, Outcome, PlaylistView, Segment};

/// One request under way.
#[derive(Debug)]
pub struct Exchange {
    recorder: Arc<Recorder>,
    place: Place,
    observation: Observation,
    /// What finishing well will mean.
    status: u16,
    /// Time in which FFmpeg did not take what the origin had.
    held_up: Duration,
    ended: bool,
}

impl Exchange {
    /// A request has arrived. It counts from the one on that was redirected to it, if there was one.
    pub fn begin(
        recorder: &Arc<Recorder>,
        ticket: Ticket,
        kind: Kind,
        segment: Option<Segment>,
        url: &Url,
    ) -> Self {
        let now = Instant::now();
        let started = recorder.redirects.follow(ticket, url.as_str(), now).unwrap_or(now);
        let observation = Observation {
            viewer: ticket.viewer,
            session: ticket.session,
            kind,
            url: url[..Position::AfterPath].into(),
            started,
            connect: None,
            tls: None,
            ttfb: None,
            duration: Duration::ZERO,
            bytes: 0,
            outcome: Outcome::Aborted,
            segment,
            playlist: None,
            cache: Cache::Unknown,
        };
        let place = recorder.open.enter(kind, segment.map(|segment| segment.media), started);
        recorder.starts.asked(ticket.viewer, ticket.session, started);
        let recorder = Arc::clone(recorder);
        Self { recorder, place, observation, status: 0, held_up: Duration::ZERO, ended: false }
    }

    /// The answer is to ask for `target` instead.
    pub fn redirected(&self, target: &Url) {
        let Observation { viewer, session, started, .. } = self.observation;
        let redirects = &self.recorder.redirects;
        redirects.told(Ticket { viewer, session }, target.as_str(), started, Instant::now());
    }

    /// Who asks.
    pub fn viewer(&self) -> u32 {
        self.observation.viewer
    }

    /// This request had to open a connection.
    pub fn connected(&mut self, connect: Duration, tls: Option<Duration>) {
        self.observation.connect = Some(connect);
        self.observation.tls = tls;
    }

    /// The head of the answer is there.
    pub fn answered(&mut self, status: u16, cache: Cache) {
        let ttfb = self.observation.started.elapsed();
        self.observation.ttfb = Some(ttfb);
        self.recorder.open.answered(&self.place, ttfb);
        self.observation.cache = cache;
        self.status = status;
    }

    /// The answer tells better what was asked for.
    pub fn is(&mut self, kind: Kind, playlist: Option<PlaylistView>) {
        self.observation.kind = kind;
        self.observation.playlist = playlist;
    }

    /// A piece of the body came.
    pub fn received(&mut self, bytes: usize) {
        self.observation.bytes += bytes as u64;
    }

    /// FFmpeg was not ready for more, for this long.
    pub fn held_up(&mut self, time: Duration) {
        self.held_up += time;
    }

    /// The whole answer came.
    pub fn finish(&mut self) {
        self.end(Outcome::Status(self.status));
    }

    /// It is over; what is said later does not count.
    pub fn end(&mut self, outcome: Outcome) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.observation.outcome = outcome;
        self.observation.duration = self.observation.started.elapsed().saturating_sub(self.held_up);
        self.recorder.open.leave(&self.place);
        self.recorder.record(&self.observation);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.end(Outcome::Aborted);
    }
}
