//! The wire at one moment, as everything that shows or judges it reads it. Plain values, units last in the names;
//! what is not known is absent, never zero.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::outages::OutagesSnapshot;
use super::requests::{ErrorKind, KindTotals, StatusCount};
use crate::observation::Kind;
use crate::stats::histogram::HistogramRecord;
use crate::stats::latency::{Durations, Percentiles};
use crate::stats::playback::{PlaybackState, PlaybackView};
use crate::stats::playlists::PlaylistHealth;

/// All viewers and all requests so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WireSnapshot {
    /// Since the run began.
    pub elapsed_s: f64,
    /// Requests of all kinds.
    pub requests: KindTotals,
    /// Bytes per second of the bodies that ended in the last whole interval between two ticks.
    pub throughput_bytes_per_s: f64,
    /// Each kind that was asked for.
    pub kinds: Vec<KindSnapshot>,
    /// Each kind and outcome.
    pub statuses: Vec<StatusCount>,
    /// Each class of errors, in the order in which they first came.
    pub errors: Vec<ErrorKind>,
    /// Errors of further classes.
    pub other_errors: u64,
    /// All viewers together.
    pub playback: PlaybackSnapshot,
    /// Each media playlist.
    pub playlists: Vec<PlaylistHealth>,
    /// The live one that is oldest, in its own target durations.
    pub worst_playlist: Option<PlaylistHealth>,
    /// Media playlists that were seen and are not kept.
    pub playlists_beyond: u32,
    /// When watchers saw nothing.
    pub outages: OutagesSnapshot,
    /// All durations of the requests that have ended, for reports that are merged later: only in the last snapshot of a
    /// run, because they take long to write.
    pub histograms: Vec<HistogramRecord>,
}

/// Requests of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct KindSnapshot {
    /// What was asked for.
    pub kind: Kind,
    /// Counts.
    #[serde(flatten)]
    pub totals: KindTotals,
    /// From request to last byte, of those that succeeded.
    pub duration: Option<Percentiles>,
    /// From request to first byte, of those that succeeded.
    pub ttfb: Option<Percentiles>,
}

/// All viewers, as the playback model sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlaybackSnapshot {
    /// Viewers whose process runs and that have no complete segment yet, those that are interrupted left out.
    pub starting: u32,
    /// Viewers that play.
    pub playing: u32,
    /// Viewers that are stalled.
    pub stalled: u32,
    /// Viewers that have played, whose process failed, and that have no segment since.
    pub interrupted: u32,
    /// Viewers that have played all of a stream that has ended.
    pub finished: u32,
    /// From process start to first complete segment; those that are still starting count as far as they got.
    pub startup: Option<Percentiles>,
    /// Sessions that ended without a single segment.
    pub starts_without_media: u64,
    /// Viewers that have stalled at least once.
    pub viewers_ever_stalled: u32,
    /// Stalls.
    pub stalls: u64,
    /// Length of all stalls.
    pub stalled_s: f64,
    /// Processes that had played and failed.
    pub interruptions: u64,
    /// From the ends of these processes to the viewers' next segments.
    pub interrupted_s: f64,
    /// Time played.
    pub playing_s: f64,
    /// (Stalled + interrupted) / (stalled + interrupted + playing), from 0 to 1.
    pub rebuffer_ratio: Option<f64>,
    /// Media received, over all tracks, each segment once per session.
    pub media_received_s: f64,
    /// Media played.
    pub media_played_s: f64,
    /// Least media that a viewer which plays or is stalled has in its buffer.
    pub least_buffer_s: Option<f64>,
    /// Median over the viewers that play live, of the media from the playhead to the end of the playlist.
    pub live_latency_p50_s: Option<f64>,
    /// The longest of these.
    pub live_latency_max_s: Option<f64>,
    /// Segments that took longer to fetch than to play.
    pub late_segments: u64,
    /// Longest fetch of a segment relative to its media.
    pub worst_lateness_ratio: f64,
    /// Segments that fell out of a playlist before a viewer asked for them.
    pub skipped_segments: u64,
    /// Segments received that begin a discontinuity.
    pub discontinuities: u64,
    /// Segments received again by the same session.
    pub duplicate_segments: u64,
}

/// One viewer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ViewerSnapshot {
    /// Its number, from 0.
    pub viewer: u32,
    /// What it does.
    pub state: PlaybackState,
    /// Media in its buffer.
    pub buffer_s: f64,
    /// From its playhead to the end of the playlist.
    pub live_latency_s: Option<f64>,
    /// Stalls.
    pub stalls: u64,
    /// Length of all stalls.
    pub stalled_s: f64,
    /// Processes that had played and failed.
    pub interruptions: u64,
    /// From their ends to the next segment.
    pub interrupted_s: f64,
    /// Time played.
    pub playing_s: f64,
    /// Segments that took longer to fetch than to play.
    pub late_segments: u64,
}

impl ViewerSnapshot {
    /// Orders viewers by what they have suffered: first whether they see nothing now, then how often they did.
    pub fn trouble(&self) -> (bool, u64) {
        let sees_nothing = matches!(self.state, PlaybackState::Stalled | PlaybackState::Interrupted);
        (sees_nothing, self.stalls + self.interruptions)
    }

    pub(super) fn of(viewer: u32, view: &PlaybackView) -> Self {
        Self {
            viewer,
            state: view.state,
            buffer_s: view.buffer.as_secs_f64(),
            live_latency_s: view.live_latency.map(|latency| latency.as_secs_f64()),
            stalls: view.totals.stalls,
            stalled_s: view.totals.stalled.as_secs_f64(),
            interruptions: view.totals.interruptions,
            interrupted_s: view.totals.interrupted.as_secs_f64(),
            playing_s: view.totals.playing.as_secs_f64(),
            late_segments: view.totals.late_segments,
        }
    }
}

impl PlaybackSnapshot {
    /// Adds all viewers up.
    pub(super) fn of(views: impl Iterator<Item = PlaybackView>, startups: &Durations) -> Self {
        let mut sum = Self::default();
        let (mut latencies, mut starting) = (Vec::new(), Vec::new());
        let (mut stalled, mut interrupted, mut playing) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        for view in views {
            sum.add(&view);
            stalled += view.totals.stalled;
            interrupted += view.totals.interrupted;
            playing += view.totals.playing;
            latencies.extend(view.live_latency);
            starting.extend(view.starting_for);
        }
        latencies.sort_unstable();
        let seconds = |latency: &Duration| latency.as_secs_f64();
        sum.live_latency_p50_s = latencies.get(latencies.len().saturating_sub(1) / 2).map(seconds);
        sum.live_latency_max_s = latencies.last().map(seconds);
        sum.stalled_s = stalled.as_secs_f64();
        sum.interrupted_s = interrupted.as_secs_f64();
        sum.playing_s = playing.as_secs_f64();
        let nothing = stalled + interrupted;
        let judged = nothing + playing;
        sum.rebuffer_ratio = (!judged.is_zero()).then(|| nothing.div_duration_f64(judged));
        sum.startup = startups.percentiles_with(starting);
        sum
    }

    fn add(&mut self, view: &PlaybackView) {
        match view.state {
            PlaybackState::Idle => {}
            PlaybackState::Starting => self.starting += 1,
            PlaybackState::Playing => self.playing += 1,
            PlaybackState::Stalled => self.stalled += 1,
            PlaybackState::Interrupted => self.interrupted += 1,
            PlaybackState::Finished => self.finished += 1,
        }
        if matches!(view.state, PlaybackState::Playing | PlaybackState::Stalled) {
            let buffer_s = view.buffer.as_secs_f64();
            self.least_buffer_s = Some(self.least_buffer_s.map_or(buffer_s, |least| least.min(buffer_s)));
        }
        let totals = &view.totals;
        self.starts_without_media += totals.starts_without_media;
        self.viewers_ever_stalled += u32::from(totals.stalls > 0);
        self.stalls += totals.stalls;
        self.interruptions += totals.interruptions;
        self.media_received_s += totals.received.as_secs_f64();
        self.media_played_s += totals.played.as_secs_f64();
        self.late_segments += totals.late_segments;
        self.worst_lateness_ratio = self.worst_lateness_ratio.max(totals.worst_lateness);
        self.skipped_segments += totals.skipped_segments;
        self.discontinuities += totals.discontinuities;
        self.duplicate_segments += totals.duplicate_segments;
    }
}
