//! The metrics of what the wire measures: requests are counted when they end, the rest is shown once per tick.

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, Registry};

use super::playback_metrics::PlaybackMetrics;
use super::registrar::{Registrar, histogram, opts};
use crate::observation::{Cache, ErrorClass, Kind, Observation};
use crate::stats::WireSnapshot;

/// Upper bounds in seconds. From 1 ms, which is a segment from a cache in the same rack, to 30 s, which is twice the
/// time-out; three steps per decade below a second, where origins differ, and the usual segment lengths (1, 2, 4, 6,
/// 10 s) above it, because a segment that takes longer than it plays is late.
const SECONDS: [f64; 16] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 6.0, 10.0, 15.0, 30.0];

/// Upper bounds of the time to fetch a segment over the time to play it. 0.7 and 1 are the verdict's bounds; below them
/// a quarter apart or less, where an overload grows; above them it is bad enough.
const LATENESS: [f64; 10] = [0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0, 2.0, 5.0];

/// Statuses that a series of requests begins with at zero: what FFmpeg's requests succeed with, and what origins and
/// CDNs in trouble answer. A series that begins with its first failures has no rate of them (Prometheus sees no rise),
/// and the first second of an outage is its worst. Any other status has a series from its first request on.
const EXPECTED_STATUSES: [&str; 9] = ["200", "206", "403", "404", "429", "500", "502", "503", "504"];

/// Registered only in a run that measures.
#[derive(Clone, Debug)]
pub struct WireMetrics {
    requests_total: IntCounterVec,
    request_duration_seconds: HistogramVec,
    request_ttfb_seconds: HistogramVec,
    segment_lateness_ratio: Histogram,
    response_bytes_total: IntCounterVec,
    responses_by_cache_total: IntCounterVec,
    requests_in_flight: IntGauge,
    startup_seconds: Histogram,
    playlist_lines_unparsed_total: IntCounter,
    playback: PlaybackMetrics,
}

impl WireMetrics {
    /// Registers everything; each kind is there from the beginning, at zero.
    ///
    /// # Errors
    /// When a name is registered twice, which a test excludes.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let registrar = Registrar(registry);
        let counter =
            |name, labels: &[&str], help| registrar.add(IntCounterVec::new(opts(name, help), labels));
        let by_kind =
            |name, help| registrar.add(HistogramVec::new(histogram(name, help, &SECONDS), &["kind"]));
        let metrics = Self {
            requests_total: counter(
                "requests_total",
                &["kind", "status"],
                "Requests that ended, by kind and by HTTP status, error class or aborted.",
            )?,
            request_duration_seconds: by_kind(
                "request_duration_seconds",
                "From request to last byte, without the time in which FFmpeg took no data; answers with status 2xx and 3xx.",
            )?,
            request_ttfb_seconds: by_kind(
                "request_ttfb_seconds",
                "From request to first byte, a new connection included; answers with status 2xx and 3xx.",
            )?,
            segment_lateness_ratio: registrar.add(Histogram::with_opts(histogram(
                "segment_lateness_ratio",
                "Time to fetch a segment over the time to play it: from 1 on it is late.",
                &LATENESS,
            )))?,
            response_bytes_total: counter(
                "response_bytes_total",
                &["kind"],
                "Bytes of bodies, as received from the origin.",
            )?,
            responses_by_cache_total: counter(
                "responses_by_cache_total",
                &["cache"],
                "Answers by what the nearest cache said of itself: hit, miss, unknown.",
            )?,
            requests_in_flight: registrar
                .add(IntGauge::with_opts(opts("requests_in_flight", "Requests that have not ended.")))?,
            startup_seconds: registrar.add(Histogram::with_opts(histogram(
                "startup_seconds",
                "From the start of a process to its first complete media segment.",
                &SECONDS,
            )))?,
            playlist_lines_unparsed_total: registrar.add(IntCounter::with_opts(opts(
                "playlist_lines_unparsed_total",
                "Lines of playlists that could not be read and passed through as they were.",
            )))?,
            playback: PlaybackMetrics::register(registry)?,
        };
        metrics.begin_at_zero();
        Ok(metrics)
    }

    fn begin_at_zero(&self) {
        for kind in Kind::ALL.iter().map(|kind| kind.label()) {
            let classes = ErrorClass::ALL.iter().map(|class| class.label());
            for status in EXPECTED_STATUSES.into_iter().chain(classes) {
                self.requests_total.with_label_values(&[kind, status]);
            }
            self.request_duration_seconds.with_label_values(&[kind]);
            self.request_ttfb_seconds.with_label_values(&[kind]);
            self.response_bytes_total.with_label_values(&[kind]);
        }
        for cache in Cache::ALL.iter().map(|cache| cache.label()) {
            self.responses_by_cache_total.with_label_values(&[cache]);
        }
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
            if let Some(segment) = seen.segment.filter(|segment| seen.bytes > 0 && !segment.media.is_zero()) {
                self.segment_lateness_ratio.observe(seen.duration.div_duration_f64(segment.media));
            }
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

    /// What is so now.
    pub fn show(&self, wire: &WireSnapshot, in_flight: usize) {
        self.requests_in_flight.set(i64::try_from(in_flight).unwrap_or(i64::MAX));
        self.playback.show(wire);
    }
}
