//! The metrics of what the wire measures. Requests are counted when they end; what the playback model knows is taken
//! from a snapshot once per tick.

use prometheus::core::{Atomic, GenericCounter, Number};
use prometheus::{
    Counter, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts,
    Registry,
};

use crate::observation::{Cache, Kind, Observation};
use crate::stats::{Freshness, WireSnapshot};

/// Upper bounds in seconds. From 1 ms, which is a segment from a cache in the same rack, to 30 s, which is twice the
/// time-out; three steps per decade below a second, where origins differ, and the usual segment lengths (1, 2, 4, 6,
/// 10 s) above it, because a segment that takes longer than it plays is late.
const SECONDS: [f64; 16] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 6.0, 10.0, 15.0, 30.0];

/// Registered only in a run that measures.
#[derive(Clone, Debug)]
pub struct WireMetrics {
    requests_total: IntCounterVec,
    request_duration_seconds: HistogramVec,
    request_ttfb_seconds: HistogramVec,
    response_bytes_total: IntCounterVec,
    responses_by_cache_total: IntCounterVec,
    requests_in_flight: IntGauge,
    startup_seconds: Histogram,
    clients_playing: IntGauge,
    clients_stalled: IntGauge,
    stalls_total: IntCounter,
    stalled_seconds_total: Counter,
    playing_seconds_total: Counter,
    rebuffer_ratio: Gauge,
    late_segments_total: IntCounter,
    skipped_segments_total: IntCounter,
    playlist_age_seconds: Gauge,
    playlists_stale: IntGauge,
    playlist_lines_unparsed_total: IntCounter,
}

impl WireMetrics {
    /// Registers everything; each kind is there from the beginning, at zero.
    ///
    /// # Errors
    /// When a name is registered twice, which a test excludes.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let add = |collector: Box<dyn prometheus::core::Collector>| registry.register(collector);
        let opts = |name: &str, help: &str| Opts::new(format!("hlsswarm_{name}"), help);
        macro_rules! metric {
            ($kind:ident, $name:literal, $help:literal) => {{
                let metric = $kind::with_opts(opts($name, $help))?;
                add(Box::new(metric.clone()))?;
                metric
            }};
            ($kind:ident, $name:literal, $labels:expr, $help:literal) => {{
                let metric = $kind::new(opts($name, $help), $labels)?;
                add(Box::new(metric.clone()))?;
                metric
            }};
        }
        let histogram = |name: &str, help: &str| {
            HistogramOpts::new(format!("hlsswarm_{name}"), help).buckets(SECONDS.to_vec())
        };
        let by_kind = |name: &str, help: &str| -> prometheus::Result<HistogramVec> {
            let metric = HistogramVec::new(histogram(name, help), &["kind"])?;
            add(Box::new(metric.clone()))?;
            Ok(metric)
        };
        let startup_seconds = Histogram::with_opts(histogram(
            "startup_seconds",
            "From the start of a process to its first complete media segment.",
        ))?;
        add(Box::new(startup_seconds.clone()))?;
        let metrics = Self {
            requests_total: metric!(
                IntCounterVec,
                "requests_total",
                &["kind", "status"],
                "Requests that ended, by kind and by HTTP status, error class or aborted."
            ),
            request_duration_seconds: by_kind(
                "request_duration_seconds",
                "From request to last byte, without the time in which FFmpeg took no data; answers with status 2xx and 3xx.",
            )?,
            request_ttfb_seconds: by_kind(
                "request_ttfb_seconds",
                "From request to first byte, a new connection included; answers with status 2xx and 3xx.",
            )?,
            response_bytes_total: metric!(
                IntCounterVec,
                "response_bytes_total",
                &["kind"],
                "Bytes of bodies, as received from the origin."
            ),
            responses_by_cache_total: metric!(
                IntCounterVec,
                "responses_by_cache_total",
                &["cache"],
                "Answers by what the nearest cache said of itself: hit, miss, unknown."
            ),
            requests_in_flight: metric!(IntGauge, "requests_in_flight", "Requests that have not ended."),
            startup_seconds,
            clients_playing: metric!(IntGauge, "clients_playing", "Viewers with media in their buffer."),
            clients_stalled: metric!(IntGauge, "clients_stalled", "Viewers whose buffer is empty."),
            stalls_total: metric!(IntCounter, "stalls_total", "Stalls of at least 250 ms."),
            stalled_seconds_total: metric!(Counter, "stalled_seconds_total", "Length of all stalls."),
            playing_seconds_total: metric!(Counter, "playing_seconds_total", "Time that viewers played."),
            rebuffer_ratio: metric!(Gauge, "rebuffer_ratio", "Stalled / (stalled + playing) so far, 0 to 1."),
            late_segments_total: metric!(
                IntCounter,
                "late_segments_total",
                "Segments that took longer to fetch than to play."
            ),
            skipped_segments_total: metric!(
                IntCounter,
                "skipped_segments_total",
                "Segments that fell out of a playlist before a viewer asked for them."
            ),
            playlist_age_seconds: metric!(
                Gauge,
                "playlist_age_seconds",
                "Time since the live playlist that is oldest, in its target durations, gained a segment."
            ),
            playlists_stale: metric!(
                IntGauge,
                "playlists_stale",
                "Live playlists without a new segment for more than 1.5 target durations."
            ),
            playlist_lines_unparsed_total: metric!(
                IntCounter,
                "playlist_lines_unparsed_total",
                "Lines of playlists that could not be read and passed through as they were."
            ),
        };
        for kind in Kind::ALL.iter().map(|kind| kind.label()) {
            metrics.requests_total.with_label_values(&[kind, "200"]);
            metrics.request_duration_seconds.with_label_values(&[kind]);
            metrics.request_ttfb_seconds.with_label_values(&[kind]);
            metrics.response_bytes_total.with_label_values(&[kind]);
        }
        for cache in Cache::ALL.iter().map(|cache| cache.label()) {
            metrics.responses_by_cache_total.with_label_values(&[cache]);
        }
        Ok(metrics)
    }

    /// Counts one request, when it has ended.
    pub fn observe(&self, seen: &Observation) {
        let kind = seen.kind.label();
        self.requests_total.with_label_values(&[kind, &seen.outcome.label()]).inc();
        self.response_bytes_total.with_label_values(&[kind]).inc_by(seen.bytes);
        if seen.ttfb.is_some() {
            self.responses_by_cache_total.with_label_values(&[seen.cache.label()]).inc();
        }
        if seen.outcome.is_success() {
            if let Some(ttfb) = seen.ttfb {
                self.request_ttfb_seconds.with_label_values(&[kind]).observe(ttfb.as_secs_f64());
            }
            self.request_duration_seconds.with_label_values(&[kind]).observe(seen.duration.as_secs_f64());
        }
    }

    /// A viewer has started to play.
    pub fn started_after(&self, startup: std::time::Duration) {
        self.startup_seconds.observe(startup.as_secs_f64());
    }

    /// Lines that passed through unread.
    pub fn unparsed(&self, lines: u32) {
        self.playlist_lines_unparsed_total.inc_by(lines.into());
    }

    /// What the playback model knows now.
    pub fn show(&self, wire: &WireSnapshot, in_flight: usize) {
        let playback = &wire.playback;
        self.requests_in_flight.set(i64::try_from(in_flight).unwrap_or(i64::MAX));
        self.clients_playing.set(playback.playing.into());
        self.clients_stalled.set(playback.stalled.into());
        raise(&self.stalls_total, playback.stalls);
        raise(&self.stalled_seconds_total, playback.stalled_s);
        raise(&self.playing_seconds_total, playback.playing_s);
        raise(&self.late_segments_total, playback.late_segments);
        raise(&self.skipped_segments_total, playback.skipped_segments);
        self.rebuffer_ratio.set(playback.rebuffer_ratio.unwrap_or(0.0));
        self.playlist_age_seconds.set(wire.worst_playlist.map_or(0.0, |playlist| playlist.age_s));
        let stale = wire
            .playlists
            .iter()
            .filter(|playlist| matches!(playlist.freshness, Freshness::Stale | Freshness::Stuck))
            .count();
        self.playlists_stale.set(i64::try_from(stale).unwrap_or(i64::MAX));
    }
}

/// A counter follows a sum that is kept elsewhere; it never falls.
fn raise<A: Atomic>(counter: &GenericCounter<A>, sum: A::T)
where
    A::T: PartialOrd + std::ops::Sub<Output = A::T> + Number,
{
    let so_far = counter.get();
    if sum > so_far {
        counter.inc_by(sum - so_far);
    }
}
