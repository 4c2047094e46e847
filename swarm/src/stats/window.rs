//! The figures of a span of the run, from the seconds that it is made of: a level of a search, the steady part, the
//! ramp. What a threshold or a verdict judges is read here and nowhere else. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::counts::{Counts, lateness};
use super::latency::{Percentiles, StillOpen};
use super::second::{PlaylistAge, Second, WireSecond};
use crate::observation::{Kind, Outcome};

/// Seconds, added up. Takes at most 0.5 MB.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Window {
    counts: Counts,
    measured: bool,
    lasted: Duration,
    left_out: Duration,
    restarts: u64,
    /// At the end of the last second.
    open: Vec<StillOpen>,
    starting_for: Vec<Duration>,
    clients: Clients,
    worst: Worst,
}

/// FFmpegs that ran at the end of each second, and those that should have run in all of it: one that was asked for within
/// it may still be on its way, and one that is to go counts for nobody who is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Clients {
    lasted_s: f64,
    /// Each second by its length: the first and the last of a run are short.
    active_s: f64,
    wanted_s: f64,
    due_s: f64,
    present_s: f64,
    least: Option<u32>,
    least_ratio: Option<f64>,
}

/// The worst second of what is read once per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Worst {
    playlist_age_s: Option<f64>,
    playlist_age_targets: Option<f64>,
    live_latency_p50: Option<Duration>,
    live_latency_max: Option<Duration>,
}

/// What is known of a span. What was not seen is absent, never zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// How much of the run is in these figures.
    pub span_s: f64,
    /// How much of the span was left out, because the load box was saturated.
    pub left_out_s: f64,
    /// From request to last byte, of segments that succeeded, and of open ones as far as they got.
    pub segment_duration: Option<Percentiles>,
    /// From request to first byte, likewise.
    pub segment_ttfb: Option<Percentiles>,
    /// From request to last byte, of media playlists, likewise.
    pub playlist_duration: Option<Percentiles>,
    /// Time to fetch a segment / its media, likewise.
    pub lateness: Option<Spread>,
    /// Segments that took longer to fetch than to play / segments, 0 to 1.
    pub late_ratio: Option<f64>,
    /// From the start of a process to its first complete segment, and as far as those got that are still starting.
    pub startup: Option<Percentiles>,
    /// (Stalled + interrupted) / (stalled + interrupted + playing), over all viewers, 0 to 1.
    pub rebuffer_ratio: Option<f64>,
    /// Time that viewers were stalled, over all of them.
    #[serde(default)]
    pub stalled_s: f64,
    /// Time that viewers were interrupted, likewise.
    #[serde(default)]
    pub interrupted_s: f64,
    /// Viewers that were stalled or interrupted at some time.
    pub stalled_viewers: u32,
    /// The same, as a share of those that should run.
    pub stalled_ratio: Option<f64>,
    /// Requests that failed / requests that were not given up by FFmpeg, 0 to 1.
    pub error_ratio: Option<f64>,
    /// The same for each status and class, most frequent first.
    pub errors: Vec<ErrorShare>,
    /// Highest age of the live playlist that was oldest, in its own target durations.
    pub playlist_age_s: Option<f64>,
    /// The same, in target durations.
    pub playlist_age_targets: Option<f64>,
    /// Fewest FFmpegs that ran at the end of a second in which some should have run from its begin.
    pub clients_active_min: Option<u32>,
    /// How many ran on average.
    pub clients_active_mean: Option<f64>,
    /// Least share of the viewers that should have run in all of a second, 0 to 1.
    pub clients_active_min_ratio: Option<f64>,
    /// Average of this share.
    pub clients_active_mean_ratio: Option<f64>,
    /// Processes that were started to replace one that failed.
    pub restarts: u64,
    /// Median over the viewers of the media between playhead and end of the playlist, in the worst second.
    pub live_latency_p50_s: Option<f64>,
    /// The longest, in the worst second.
    pub live_latency_max_s: Option<f64>,
    /// Bits per second of all bodies that ended.
    pub throughput_bits_per_s: Option<f64>,
}

/// What is told of many ratios.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// How many.
    pub count: u64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Half were no higher.
    pub p50: f64,
    /// 95 % were no higher.
    pub p95: f64,
    /// 99 % were no higher.
    pub p99: f64,
    /// The highest.
    pub max: f64,
}

/// Errors of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorShare {
    /// A status of 400 and above, or an error class.
    pub class: String,
    /// How many.
    pub count: u64,
    /// Share of the requests that were not given up by FFmpeg.
    pub ratio: f64,
}

impl Window {
    /// Adds a second. One in which the load box was saturated is left out.
    pub fn add(&mut self, second: &Second) {
        if second.saturated.is_some() {
            self.left_out += second.lasted;
        } else {
            self.add_whole(second);
        }
    }

    /// Adds a second whatever the load box was short of.
    pub fn add_whole(&mut self, second: &Second) {
        self.lasted += second.lasted;
        self.restarts += second.restarts;
        self.clients.add(second);
        if let Some(wire) = &second.wire {
            self.measured = true;
            self.counts.add(&wire.counts);
            self.worst.add(wire);
            self.open.clone_from(&wire.open);
            self.starting_for.clone_from(&wire.starting_for);
        }
    }

    /// Adds nothing but the startups of a second: viewers start in the ramp, which is not judged otherwise.
    pub fn add_startups(&mut self, second: &Second) {
        if let Some(wire) = second.wire.as_ref().filter(|_| second.saturated.is_none()) {
            self.counts.startup.add(&wire.counts.startup);
            self.starting_for.clone_from(&wire.starting_for);
        }
    }

    /// A single second, whatever the load box was short of.
    pub fn of(second: &Second) -> Self {
        let mut window = Self::default();
        window.add_whole(second);
        window
    }

    /// How much of the run is in it.
    pub fn lasted(&self) -> Duration {
        self.lasted
    }

    /// How much was left out, because the load box was saturated.
    pub fn left_out(&self) -> Duration {
        self.left_out
    }

    /// Everything that can be judged.
    pub fn figures(&self) -> Figures {
        let Self { counts, worst, clients, .. } = self;
        let answered = counts.requests - counts.aborted;
        let share = |part: u64, all: u64| (all > 0).then(|| part as f64 / all as f64);
        let of_kind = |kind| self.open.iter().filter(move |request| request.kind == kind);
        let late_open =
            self.open.iter().filter(|open| open.media.is_some_and(|media| open.age > media)).count() as u64;
        let lateness = self.open.iter().filter_map(|open| lateness(open.age, open.media?));
        let nothing = counts.stalled + counts.interrupted;
        let judged = nothing + counts.playing;
        Figures {
            span_s: self.lasted.as_secs_f64(),
            left_out_s: self.left_out.as_secs_f64(),
            segment_duration: counts
                .segment_duration
                .percentiles_with(of_kind(Kind::Segment).map(|open| open.age)),
            segment_ttfb: counts
                .segment_ttfb
                .percentiles_with(of_kind(Kind::Segment).map(|open| open.ttfb.unwrap_or(open.age))),
            playlist_duration: counts
                .playlist_duration
                .percentiles_with(of_kind(Kind::Playlist).map(|open| open.age)),
            lateness: counts.lateness.percentiles_with(lateness).map(Spread::from),
            late_ratio: share(counts.late_segments + late_open, counts.segments + late_open),
            startup: counts.startup.percentiles_with(self.starting_for.iter().copied()),
            rebuffer_ratio: (!judged.is_zero()).then(|| nothing.div_duration_f64(judged)),
            stalled_s: counts.stalled.as_secs_f64(),
            interrupted_s: counts.interrupted.as_secs_f64(),
            stalled_viewers: u32::try_from(counts.stalled_viewers.len()).unwrap_or(u32::MAX),
            stalled_ratio: clients
                .mean_wanted()
                .filter(|_| self.measured)
                .map(|wanted| (counts.stalled_viewers.len() as f64 / wanted).min(1.0)),
            error_ratio: share(counts.errors, answered),
            errors: error_shares(counts, answered),
            playlist_age_s: worst.playlist_age_s,
            playlist_age_targets: worst.playlist_age_targets,
            clients_active_min: clients.least,
            clients_active_mean: (clients.lasted_s > 0.0).then(|| clients.active_s / clients.lasted_s),
            clients_active_min_ratio: clients.least_ratio,
            clients_active_mean_ratio: (clients.due_s > 0.0).then(|| clients.present_s / clients.due_s),
            restarts: self.restarts,
            live_latency_p50_s: worst.live_latency_p50.map(|latency| latency.as_secs_f64()),
            live_latency_max_s: worst.live_latency_max.map(|latency| latency.as_secs_f64()),
            throughput_bits_per_s: (self.measured && !self.lasted.is_zero())
                .then(|| counts.bytes as f64 * 8.0 / self.lasted.as_secs_f64()),
        }
    }
}

fn error_shares(counts: &Counts, answered: u64) -> Vec<ErrorShare> {
    let share = |(outcome, &count): (&Outcome, &u64)| ErrorShare {
        class: outcome.label(),
        count,
        ratio: count as f64 / answered as f64,
    };
    let mut shares: Vec<_> = counts.errors_by_class.iter().map(share).collect();
    shares.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.class.cmp(&b.class)));
    shares
}

impl Clients {
    fn add(&mut self, second: &Second) {
        let lasted_s = second.lasted.as_secs_f64();
        let present = second.active.min(second.due);
        self.lasted_s += lasted_s;
        self.active_s += f64::from(second.active) * lasted_s;
        self.wanted_s += f64::from(second.wanted) * lasted_s;
        self.due_s += f64::from(second.due) * lasted_s;
        self.present_s += f64::from(present) * lasted_s;
        if second.due > 0 {
            self.least = Some(self.least.map_or(second.active, |least| least.min(second.active)));
            let ratio = f64::from(present) / f64::from(second.due);
            self.least_ratio = Some(self.least_ratio.map_or(ratio, |least| least.min(ratio)));
        }
    }

    fn mean_wanted(&self) -> Option<f64> {
        (self.wanted_s > 0.0).then(|| self.wanted_s / self.lasted_s)
    }
}

impl Worst {
    fn add(&mut self, wire: &WireSecond) {
        if let Some(PlaylistAge { age_s, targets, .. }) = wire.oldest_playlist {
            let worst = |known: Option<f64>, age: f64| Some(known.map_or(age, |known| known.max(age)));
            self.playlist_age_s = worst(self.playlist_age_s, age_s);
            self.playlist_age_targets = worst(self.playlist_age_targets, targets);
        }
        self.live_latency_p50 = self.live_latency_p50.max(wire.live_latency_p50);
        self.live_latency_max = self.live_latency_max.max(wire.live_latency_max);
    }
}

impl From<Percentiles> for Spread {
    fn from(of: Percentiles) -> Self {
        let Percentiles { count, mean_s: mean, p50_s: p50, p95_s: p95, p99_s: p99, max_s: max } = of;
        Self { count, mean, p50, p95, p99, max }
    }
}

#[cfg(test)]
pub(super) mod tests;
