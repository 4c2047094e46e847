//! All that the wire saw of all viewers, added up: fed with Observations, with the starts and ends of processes and
//! with the time; read as a [`WireSnapshot`]. Pure: never reads the clock. What it holds does not grow with time; a
//! viewer takes about 650 bytes, all else at most 1.3 MB.

mod merge;
mod outages;
mod requests;
mod snapshot;
mod span;

use std::ops::Range;
use std::time::{Duration, Instant};

pub use outages::OutagesSnapshot;
pub use requests::{ErrorKind, KindTotals, StatusCount};
pub use snapshot::{KindSnapshot, PlaybackSnapshot, ViewerSnapshot, WireSnapshot};

use outages::Outages;
use requests::Requests;
use span::Span;

use super::histogram::{HistogramRecord, Measure};
use super::latency::{Durations, Latency, StillOpen};
use super::playback::{Effects, Playback, SessionEnd};
use super::playlists::{PlaylistHealth, Playlists};
use super::{PlaylistAge, WireSecond};
use crate::observation::{Kind, Observation};

/// Viewers that are modelled. Far more than a machine can run; a number beyond it is a mistake, and must not take
/// the memory with it.
const MOST_VIEWERS: usize = 100_000;

/// The aggregate.
#[derive(Debug)]
pub struct Wire {
    began: Instant,
    viewers: Vec<Playback>,
    requests: Requests,
    latency: Latency,
    startups: Durations,
    playlists: Playlists,
    outages: Outages,
    interval: Interval,
    span: Span,
}

/// Between two ticks.
#[derive(Debug)]
struct Interval {
    since: Instant,
    bytes_before: u64,
    /// Of the last whole interval.
    bytes_per_s: f64,
}

impl Wire {
    /// For a run of `clients` viewers that begins now.
    pub fn new(clients: u32, now: Instant) -> Self {
        Self {
            began: now,
            viewers: vec![Playback::new(now); MOST_VIEWERS.min(clients as usize)],
            requests: Requests::default(),
            latency: Latency::default(),
            startups: Durations::default(),
            playlists: Playlists::default(),
            outages: Outages::default(),
            interval: Interval { since: now, bytes_before: 0, bytes_per_s: 0.0 },
            span: Span::default(),
        }
    }

    /// A viewer's process was started. One that the run did not begin with is taken in.
    pub fn process_started(&mut self, viewer: u32, session: u32, at: Instant) {
        let index = viewer as usize;
        if index >= self.viewers.len() && index < MOST_VIEWERS {
            self.viewers.resize(index + 1, Playback::new(at));
        }
        self.of_viewer(viewer, at, |playback| playback.process_started(session, at));
    }

    /// A viewer's process is gone.
    pub fn process_ended(&mut self, viewer: u32, session: u32, end: SessionEnd, at: Instant) {
        self.of_viewer(viewer, at, |playback| playback.process_ended(session, end, at));
    }

    /// Of a viewer's process that has fetched all of a stream that has ended: what is left to play of it. `None` when
    /// the stream goes on, or was not fetched to its end.
    pub fn left_to_play(&mut self, viewer: u32, session: u32, now: Instant) -> Option<Duration> {
        self.of_viewer(viewer, now, |playback| {
            playback.advance(now);
            playback.left_to_play(session)
        })?
    }

    /// Changes a viewer, if there is such a one, and keeps the books of who sees nothing.
    fn of_viewer<T>(
        &mut self,
        viewer: u32,
        at: Instant,
        change: impl FnOnce(&mut Playback) -> T,
    ) -> Option<T> {
        let playback = self.viewers.get_mut(viewer as usize)?;
        let before = playback.nothing_since();
        let changed = change(playback);
        self.outages.update(before, playback.nothing_since(), at);
        Some(changed)
    }

    /// These viewers shall play no longer: from now on they do nothing, whatever becomes of their processes.
    pub fn viewers_removed(&mut self, viewers: Range<u32>, at: Instant) {
        for viewer in viewers {
            self.of_viewer(viewer, at, |playback| playback.removed(at));
        }
    }

    /// Takes in a request that has ended. One of a viewer that the run does not have is counted, but nobody plays it.
    ///
    /// The startup time, when this request was the first complete segment of a session.
    pub fn observe(&mut self, seen: &Observation) -> Option<Duration> {
        self.requests.record(seen);
        self.latency.record(seen);
        self.span.counts.record(seen);
        let ended = seen.started + seen.duration;
        let effects = self.of_viewer(seen.viewer, ended, |playback| playback.observe(seen));
        let Effects { startup, playlist_went_backwards } = effects.unwrap_or_default();
        if let Some(startup) = startup {
            self.startups.record(startup);
            self.span.counts.startup.record(startup);
        }
        if let Some(view) = seen.playlist.filter(|_| seen.outcome.is_success()) {
            let answered = seen.started + seen.ttfb.unwrap_or(seen.duration);
            self.playlists.observe(&seen.url, &view, seen.started, answered, playlist_went_backwards);
        }
        startup
    }

    /// The clock says `now`: call it once per second. Takes time in proportion to the viewers, not to the requests.
    pub fn tick(&mut self, now: Instant) {
        self.advance(now);
        let interval = now.saturating_duration_since(self.interval.since);
        if !interval.is_zero() {
            let bytes = self.requests.bytes();
            let bytes_per_s = (bytes - self.interval.bytes_before) as f64 / interval.as_secs_f64();
            self.interval = Interval { since: now, bytes_before: bytes, bytes_per_s };
        }
    }

    /// What happened since this was last called, and how things stand: whoever cuts the run into seconds calls it, and
    /// nobody else. Open requests are not known here.
    pub fn take_second(&mut self, now: Instant) -> WireSecond {
        self.advance(now);
        let age = |playlist: PlaylistHealth| PlaylistAge {
            age_s: playlist.age_s,
            targets: playlist.age_s / playlist.target_duration_s,
            target_duration_s: playlist.target_duration_s,
        };
        self.span.take(&self.viewers, self.playlists.worst().map(age))
    }

    /// Everything at this moment.
    pub fn snapshot(&mut self, now: Instant) -> WireSnapshot {
        self.snapshot_with(now, &[])
    }

    /// Everything at this moment, with the requests that have not ended yet: in the latencies, and only there, they
    /// count as at least as old as they are. They are not taken in.
    pub fn snapshot_with(&mut self, now: Instant, open: &[StillOpen]) -> WireSnapshot {
        self.advance(now);
        let is_seen = |kind: Kind| {
            self.requests.kind(kind).requests > 0 || open.iter().any(|request| request.kind == kind)
        };
        let kind_snapshot = |kind: Kind| KindSnapshot {
            kind,
            totals: self.requests.kind(kind),
            duration: self.latency.duration_with(kind, open),
            ttfb: self.latency.ttfb_with(kind, open),
        };
        WireSnapshot {
            elapsed_s: now.saturating_duration_since(self.began).as_secs_f64(),
            requests: self.requests.totals(),
            throughput_bytes_per_s: self.interval.bytes_per_s,
            kinds: Kind::ALL.iter().copied().filter(|&kind| is_seen(kind)).map(kind_snapshot).collect(),
            statuses: self.requests.by_status(),
            errors: self.requests.errors(self.began),
            other_errors: self.requests.other_errors(),
            playback: PlaybackSnapshot::of(self.viewers.iter().map(Playback::view), &self.startups),
            playlists: self.playlists.health(),
            worst_playlist: self.playlists.worst(),
            playlists_beyond: self.playlists.beyond(),
            outages: self.outages.snapshot(self.began, now),
            histograms: Vec::new(),
        }
    }

    /// All durations that were measured, those of requests that are still open left out.
    pub fn histograms(&self) -> Vec<HistogramRecord> {
        let startups = HistogramRecord::of(None, Measure::Startup, &self.startups);
        let of_kind = |kind: &Kind| {
            let latency = &self.latency;
            [
                HistogramRecord::of(Some(*kind), Measure::Duration, latency.duration(*kind)),
                HistogramRecord::of(Some(*kind), Measure::Ttfb, latency.ttfb(*kind)),
            ]
        };
        Kind::ALL.iter().flat_map(of_kind).chain([startups]).flatten().collect()
    }

    /// Viewers that ever received media.
    pub fn viewers_with_media(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.viewers).filter(|(_, playback)| playback.has_media()).map(|(viewer, _)| viewer)
    }

    /// Each viewer as it was at the last tick or snapshot.
    pub fn viewers(&self) -> impl Iterator<Item = ViewerSnapshot> {
        (0..).zip(&self.viewers).map(|(viewer, playback)| ViewerSnapshot::of(viewer, &playback.view()))
    }

    /// The latencies themselves: a copy of them is where [`Latency::since`] begins.
    pub fn latency(&self) -> &Latency {
        &self.latency
    }

    /// Startup times of all sessions that came to their first segment.
    pub fn startups(&self) -> &Durations {
        &self.startups
    }

    fn advance(&mut self, now: Instant) {
        for playback in &mut self.viewers {
            let before = playback.nothing_since();
            playback.advance(now);
            self.outages.update(before, playback.nothing_since(), now);
            for playlist in playback.watches() {
                self.playlists.watched(playlist, now);
            }
        }
    }
}

#[cfg(test)]
mod tests;
