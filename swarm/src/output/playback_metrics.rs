//! The metrics of what viewers see: taken from a snapshot of the playback model, once per tick.

use prometheus::core::{Atomic, GenericCounter, Number};
use prometheus::{Counter, Gauge, GaugeVec, IntCounter, IntGauge, Registry};

use super::registrar::{Registrar, opts};
use crate::stats::{Freshness, WireSnapshot};

/// Registered only in a run that measures.
#[derive(Clone, Debug)]
pub(super) struct PlaybackMetrics {
    clients_playing: IntGauge,
    clients_stalled: IntGauge,
    clients_interrupted: IntGauge,
    stalls_total: IntCounter,
    stalled_seconds_total: Counter,
    interruptions_total: IntCounter,
    interrupted_seconds_total: Counter,
    outage_seconds_total: Counter,
    playing_seconds_total: Counter,
    rebuffer_ratio: Gauge,
    live_latency_seconds: GaugeVec,
    late_segments_total: IntCounter,
    skipped_segments_total: IntCounter,
    playlist_age_seconds: Gauge,
    playlist_age_target_durations: Gauge,
    playlists_stale: IntGauge,
}

impl PlaybackMetrics {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let registrar = Registrar(registry);
        let viewers = |name, help| registrar.add(IntGauge::with_opts(opts(name, help)));
        let count = |name, help| registrar.add(IntCounter::with_opts(opts(name, help)));
        let seconds = |name, help| registrar.add(Counter::with_opts(opts(name, help)));
        let gauge = |name, help| registrar.add(Gauge::with_opts(opts(name, help)));
        let metrics = Self {
            clients_playing: viewers("clients_playing", "Viewers with media in their buffer.")?,
            clients_stalled: viewers("clients_stalled", "Viewers whose buffer is empty.")?,
            clients_interrupted: viewers(
                "clients_interrupted",
                "Viewers that have played, whose FFmpeg failed, and that have no segment since.",
            )?,
            stalls_total: count("stalls_total", "Stalls of at least 250 ms.")?,
            stalled_seconds_total: seconds("stalled_seconds_total", "Length of all stalls.")?,
            interruptions_total: count("interruptions_total", "FFmpegs that had played and failed.")?,
            interrupted_seconds_total: seconds(
                "interrupted_seconds_total",
                "From the ends of FFmpegs that had played and failed to the viewers' next segments.",
            )?,
            outage_seconds_total: seconds(
                "outage_seconds_total",
                "Time in which at least one viewer that had played was stalled or interrupted.",
            )?,
            playing_seconds_total: seconds("playing_seconds_total", "Time that viewers played.")?,
            rebuffer_ratio: gauge(
                "rebuffer_ratio",
                "(Stalled + interrupted) / (stalled + interrupted + playing) so far, 0 to 1.",
            )?,
            live_latency_seconds: registrar.add(GaugeVec::new(
                opts(
                    "live_latency_seconds",
                    "Media from a viewer's playhead to the end of the live playlist: median, and the longest as 1.",
                ),
                &["quantile"],
            ))?,
            late_segments_total: count(
                "late_segments_total",
                "Segments that took longer to fetch than to play.",
            )?,
            skipped_segments_total: count(
                "skipped_segments_total",
                "Segments that fell out of a playlist before a viewer asked for them.",
            )?,
            playlist_age_seconds: gauge(
                "playlist_age_seconds",
                "Time since the live playlist that is oldest, in its target durations, gained a segment.",
            )?,
            playlist_age_target_durations: gauge(
                "playlist_age_target_durations",
                "The same in target durations of that playlist.",
            )?,
            playlists_stale: viewers(
                "playlists_stale",
                "Live playlists without a new segment for more than 1.5 target durations.",
            )?,
        };
        metrics.show_live_latency(None, None);
        Ok(metrics)
    }

    /// What the playback model knows now.
    pub(super) fn show(&self, wire: &WireSnapshot) {
        let playback = &wire.playback;
        self.clients_playing.set(playback.playing.into());
        self.clients_stalled.set(playback.stalled.into());
        self.clients_interrupted.set(playback.interrupted.into());
        raise(&self.stalls_total, playback.stalls);
        raise(&self.stalled_seconds_total, playback.stalled_s);
        raise(&self.interruptions_total, playback.interruptions);
        raise(&self.interrupted_seconds_total, playback.interrupted_s);
        raise(&self.outage_seconds_total, wire.outages.total_s);
        raise(&self.playing_seconds_total, playback.playing_s);
        raise(&self.late_segments_total, playback.late_segments);
        raise(&self.skipped_segments_total, playback.skipped_segments);
        self.rebuffer_ratio.set(playback.rebuffer_ratio.unwrap_or(0.0));
        self.show_live_latency(playback.live_latency_p50_s, playback.live_latency_max_s);
        let oldest = wire.worst_playlist.as_ref();
        self.playlist_age_seconds.set(oldest.map_or(0.0, |playlist| playlist.age_s));
        self.playlist_age_target_durations
            .set(oldest.map_or(0.0, |playlist| playlist.age_s / playlist.target_duration_s));
        let stale = wire
            .playlists
            .iter()
            .filter(|playlist| matches!(playlist.freshness, Freshness::Stale | Freshness::Stuck))
            .count();
        self.playlists_stale.set(i64::try_from(stale).unwrap_or(i64::MAX));
    }

    /// Not a number while nobody plays live, as Prometheus shows a quantile of nothing.
    fn show_live_latency(&self, p50_s: Option<f64>, max_s: Option<f64>) {
        for (quantile, latency_s) in [("0.5", p50_s), ("1", max_s)] {
            self.live_latency_seconds.with_label_values(&[quantile]).set(latency_s.unwrap_or(f64::NAN));
        }
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
