//! One second of the run: what happened in it, and how things stood at its end. Whole spans are sums of seconds
//! ([`Window`](super::Window)), so that any second can be left out.

use std::time::{Duration, Instant};

use super::Totals;
use super::counts::Counts;
use super::latency::StillOpen;
use crate::generator::{Resource, Sample};
use crate::origin_metrics::OriginSample;

/// A second, or as long as it was between two ticks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Second {
    /// When it ended, since the run began.
    pub ended_after: Duration,
    /// How long it was.
    pub lasted: Duration,
    /// How many viewers shall run in the end.
    pub target: u32,
    /// How many should run at the end of the second: fewer, while the ramp is on its way to the target.
    pub wanted: u32,
    /// How many should run in all of it: those that were asked for within it may still be starting.
    pub due: u32,
    /// How many FFmpegs ran at its end.
    pub active: u32,
    /// Processes started in it to replace one that failed.
    pub restarts: u64,
    /// What the wire saw; `None` where FFmpegs fetch by themselves.
    pub wire: Option<WireSecond>,
    /// What the load box was short of; nothing in such a second is the origin's fault.
    pub saturated: Option<Resource>,
    /// The load box, as it was last sampled: up to a second before.
    pub generator: Option<Sample>,
    /// What the origin's own metrics said last, likewise.
    pub origin: Option<OriginSample>,
}

/// What the wire saw in a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WireSecond {
    /// What happened.
    pub counts: Counts,
    /// Requests that were open at its end.
    pub open: Vec<StillOpen>,
    /// For how long each viewer that waits for its first segment has been waiting.
    pub starting_for: Vec<Duration>,
    /// Viewers that played at its end.
    pub playing: u32,
    /// Viewers that were stalled or interrupted at its end.
    pub stalled: u32,
    /// Viewers that had played all of a stream that has ended.
    pub finished: u32,
    /// The live playlist that was oldest, in its own target durations.
    pub oldest_playlist: Option<PlaylistAge>,
    /// Median over the viewers that play live, of the media from the playhead to the end of the playlist.
    pub live_latency_p50: Option<Duration>,
    /// The longest of these.
    pub live_latency_max: Option<Duration>,
}

/// How long a live playlist is known to have gained no segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlaylistAge {
    /// As a time.
    pub age_s: f64,
    /// In its own target durations.
    pub targets: f64,
    /// What these are.
    pub target_duration_s: f64,
}

/// Cuts the run into seconds.
#[derive(Clone, Copy, Debug)]
pub struct Seconds {
    began: Instant,
    last: Instant,
    restarts_before: u64,
    wanted_before: u32,
}

impl Second {
    /// The number of viewers was on its way to the target.
    pub fn is_ramping(&self) -> bool {
        self.wanted != self.target
    }

    /// When it began, since the run began.
    pub fn began_after(&self) -> Duration {
        self.ended_after.saturating_sub(self.lasted)
    }
}

impl Seconds {
    /// Of a run that begins now.
    pub fn new(now: Instant) -> Self {
        Self { began: now, last: now, restarts_before: 0, wanted_before: 0 }
    }

    /// The second that ends now, with what the wire saw in it.
    pub fn cut(
        &mut self,
        totals: &Totals,
        (target, wanted): (u32, u32),
        wire: Option<WireSecond>,
        now: Instant,
    ) -> Second {
        let second = Second {
            ended_after: now.saturating_duration_since(self.began),
            lasted: now.saturating_duration_since(self.last),
            target,
            wanted,
            due: wanted.min(self.wanted_before),
            active: totals.active,
            restarts: totals.restarted.saturating_sub(self.restarts_before),
            wire,
            saturated: None,
            generator: None,
            origin: None,
        };
        self.last = now;
        self.restarts_before = totals.restarted;
        self.wanted_before = wanted;
        second
    }
}
