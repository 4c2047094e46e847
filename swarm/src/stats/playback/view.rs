//! A viewer's playback as others read it: plain values.

use std::time::Duration;

use serde::Serialize;

#[cfg(doc)]
use super::STALL_FROM;

/// Sums over all sessions of a viewer. `startup + playing + stalled + interrupted + idle + undecided` is the time since
/// the model began; `undecided` is in [`PlaybackView`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PlaybackTotals {
    /// From the start of a process to its first complete segment, or to its end when none came; interruptions not
    /// included.
    pub startup: Duration,
    /// Playback ran, gaps below [`STALL_FROM`] included.
    pub playing: Duration,
    /// Whole length of all stalls, those that last included.
    pub stalled: Duration,
    /// From the end of a process that had played and failed to the next segment, whole length.
    pub interrupted: Duration,
    /// No process, or nothing left to play.
    pub idle: Duration,
    /// Stalls that began, and lasted long enough to be one.
    pub stalls: u64,
    /// Interruptions that began.
    pub interruptions: u64,
    /// Sessions that ended without a single segment.
    pub starts_without_media: u64,
    /// Media received, over all tracks, each segment once.
    pub received: Duration,
    /// Media played.
    pub played: Duration,
    /// Media that was in the buffer when its process ended.
    pub discarded: Duration,
    /// Segments that took longer to fetch than to play.
    pub late_segments: u64,
    /// Longest fetch of a segment relative to its media.
    pub worst_lateness: f64,
    /// Segments that fell out of the playlist before the viewer asked for them.
    pub skipped_segments: u64,
    /// Segments received that begin a discontinuity.
    pub discontinuities: u64,
    /// Segments received again, which add no media.
    pub duplicate_segments: u64,
}

/// What a viewer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PlaybackState {
    /// No process runs: not yet, not any more, or between two complete views.
    Idle,
    /// A process runs, and no segment is complete.
    Starting,
    /// Playback runs, or has paused for less than [`STALL_FROM`].
    Playing,
    /// The buffer is empty.
    Stalled,
    /// It has played, its process failed, and no segment has come since.
    Interrupted,
    /// All media of a stream that has ended is played.
    Finished,
}

/// A viewer at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlaybackView {
    /// What it does.
    pub state: PlaybackState,
    /// Media between the playhead and the end of what the slowest track received.
    pub buffer: Duration,
    /// Media between the playhead and the end of the newest live playlist that the viewer has seen.
    pub live_latency: Option<Duration>,
    /// How long it has been starting.
    pub starting_for: Option<Duration>,
    /// Length of a gap that may yet become a stall; part of no total. At most [`STALL_FROM`].
    pub undecided: Duration,
    /// Sums so far.
    pub totals: PlaybackTotals,
}
