//! What happened since the last second was cut.

use std::time::Duration;

use crate::stats::playback::{Playback, PlaybackState};
use crate::stats::{Counts, PlaylistAge, WireSecond};

/// Counts of requests as they end; of playback, the sums of each viewer when the span began.
#[derive(Debug, Default)]
pub(super) struct Span {
    pub(super) counts: Counts,
    /// Of each viewer: stalled, interrupted.
    nothing_before: Vec<(Duration, Duration)>,
    playing_before: Duration,
}

impl Span {
    /// Ends the span, and begins the next.
    pub(super) fn take(&mut self, viewers: &[Playback], oldest_playlist: Option<PlaylistAge>) -> WireSecond {
        let mut second =
            WireSecond { counts: std::mem::take(&mut self.counts), oldest_playlist, ..WireSecond::default() };
        self.nothing_before.resize(viewers.len(), (Duration::ZERO, Duration::ZERO));
        let mut playing = Duration::ZERO;
        let mut latencies = Vec::new();
        for ((number, playback), before) in (0..).zip(viewers).zip(&mut self.nothing_before) {
            let view = playback.view();
            playing += view.totals.playing;
            let stalled = view.totals.stalled.saturating_sub(before.0);
            let interrupted = view.totals.interrupted.saturating_sub(before.1);
            *before = (view.totals.stalled, view.totals.interrupted);
            second.counts.stalled += stalled;
            second.counts.interrupted += interrupted;
            if !(stalled + interrupted).is_zero() {
                second.counts.stalled_viewers.insert(number);
            }
            match view.state {
                PlaybackState::Idle | PlaybackState::Starting => {}
                PlaybackState::Playing => second.playing += 1,
                PlaybackState::Stalled | PlaybackState::Interrupted => second.stalled += 1,
                PlaybackState::Finished => second.finished += 1,
            }
            latencies.extend(view.live_latency);
            second.starting_for.extend(view.starting_for);
        }
        second.counts.playing = playing.saturating_sub(self.playing_before);
        self.playing_before = playing;
        latencies.sort_unstable();
        second.live_latency_p50 = latencies.get(latencies.len().saturating_sub(1) / 2).copied();
        second.live_latency_max = latencies.last().copied();
        second
    }
}
