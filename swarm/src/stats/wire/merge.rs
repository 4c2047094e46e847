//! What several load boxes saw of one origin at the same time, as one. Counts add up and histograms merge; where only
//! the boxes' own figures are known, the worst counts. Pure.

use std::collections::BTreeMap;

use super::requests::{ErrorKind, KindTotals, StatusCount};
use super::snapshot::{KindSnapshot, PlaybackSnapshot, WireSnapshot};
use super::{OutagesSnapshot, PlaylistHealth};
use crate::observation::Kind;
use crate::stats::histogram::{HistogramRecord, Measure};
use crate::stats::latency::{Durations, NoHistogram, Percentiles};

/// All durations, by what they are of.
type Histograms = BTreeMap<(Option<Kind>, Measure), Durations>;

impl WireSnapshot {
    /// Each with how much later its box began than the first; `None` of none.
    ///
    /// # Errors
    /// When a histogram cannot be read.
    pub fn merged(parts: &[(f64, &Self)]) -> Result<Option<Self>, NoHistogram> {
        if parts.is_empty() {
            return Ok(None);
        }
        let snapshots = || parts.iter().map(|(_, wire)| *wire);
        let histograms = histograms(snapshots())?;
        let playlists = playlists(snapshots().flat_map(|wire| &wire.playlists));
        let age = |playlist: &PlaylistHealth| playlist.age_s / playlist.target_duration_s;
        let worst = snapshots().filter_map(|wire| wire.worst_playlist.clone());
        Ok(Some(Self {
            elapsed_s: parts.iter().map(|(later_s, wire)| later_s + wire.elapsed_s).fold(0.0, f64::max),
            requests: snapshots().fold(KindTotals::default(), |sum, wire| sum.plus(&wire.requests)),
            throughput_bytes_per_s: snapshots().map(|wire| wire.throughput_bytes_per_s).sum(),
            kinds: kinds(snapshots().flat_map(|wire| &wire.kinds), &histograms),
            statuses: statuses(snapshots().flat_map(|wire| &wire.statuses)),
            errors: errors(parts),
            other_errors: snapshots().map(|wire| wire.other_errors).sum(),
            playback: playback(snapshots().map(|wire| &wire.playback), &histograms),
            playlists,
            worst_playlist: worst.max_by(|a, b| age(a).total_cmp(&age(b))),
            playlists_beyond: snapshots().map(|wire| wire.playlists_beyond).max().unwrap_or_default(),
            outages: outages(parts),
            histograms: histograms
                .iter()
                .filter_map(|((kind, measure), durations)| HistogramRecord::of(*kind, *measure, durations))
                .collect(),
        }))
    }
}

fn histograms<'a>(parts: impl Iterator<Item = &'a WireSnapshot>) -> Result<Histograms, NoHistogram> {
    let mut all = Histograms::new();
    for record in parts.flat_map(|wire| &wire.histograms) {
        let durations = Durations::decode(&record.hdr_us)?;
        all.entry((record.kind, record.measure)).or_default().add(&durations);
    }
    Ok(all)
}

/// From the histogram; where there is none, because the report is of an older swarm, the worse of both.
fn percentiles(
    histogram: Option<&Durations>,
    a: Option<Percentiles>,
    b: Option<Percentiles>,
) -> Option<Percentiles> {
    histogram.and_then(Durations::percentiles).or_else(|| match (a, b) {
        (Some(a), Some(b)) => Some(Percentiles { count: a.count + b.count, ..a.or_worse(&b) }),
        (a, b) => a.or(b),
    })
}

fn kinds<'a>(parts: impl Iterator<Item = &'a KindSnapshot>, histograms: &Histograms) -> Vec<KindSnapshot> {
    let mut all: BTreeMap<Kind, KindSnapshot> = BTreeMap::new();
    for part in parts {
        let of = |measure| histograms.get(&(Some(part.kind), measure));
        let nothing =
            KindSnapshot { kind: part.kind, totals: KindTotals::default(), duration: None, ttfb: None };
        let sum = all.entry(part.kind).or_insert(nothing);
        sum.totals = sum.totals.plus(&part.totals);
        sum.duration = percentiles(of(Measure::Duration), sum.duration, part.duration);
        sum.ttfb = percentiles(of(Measure::Ttfb), sum.ttfb, part.ttfb);
    }
    all.into_values().collect()
}

fn statuses<'a>(parts: impl Iterator<Item = &'a StatusCount>) -> Vec<StatusCount> {
    let mut all: BTreeMap<(Kind, &str), u64> = BTreeMap::new();
    for part in parts {
        *all.entry((part.kind, &part.status)).or_default() += part.count;
    }
    let status =
        |((kind, status), count): ((Kind, &str), u64)| StatusCount { kind, status: status.to_owned(), count };
    all.into_iter().map(status).collect()
}

/// In the order in which they first came, to any box.
fn errors(parts: &[(f64, &WireSnapshot)]) -> Vec<ErrorKind> {
    let later = |(later_s, wire): &(f64, &WireSnapshot)| {
        let later_s = *later_s;
        let shifted = move |error: &ErrorKind| ErrorKind {
            first_after_s: error.first_after_s + later_s,
            last_after_s: error.last_after_s + later_s,
            ..error.clone()
        };
        wire.errors.iter().map(shifted).collect::<Vec<_>>()
    };
    let mut seen: Vec<_> = parts.iter().flat_map(later).collect();
    seen.sort_by(|a, b| a.first_after_s.total_cmp(&b.first_after_s));
    let mut all: Vec<ErrorKind> = Vec::new();
    for error in seen {
        match all.iter_mut().find(|known| known.class == error.class) {
            Some(known) => {
                known.count += error.count;
                known.last_after_s = known.last_after_s.max(error.last_after_s);
            }
            None => all.push(error),
        }
    }
    all
}

fn playback<'a>(
    parts: impl Iterator<Item = &'a PlaybackSnapshot>,
    histograms: &Histograms,
) -> PlaybackSnapshot {
    let startup = histograms.get(&(None, Measure::Startup));
    let more = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).reduce(f64::max);
    let less = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).reduce(f64::min);
    let mut all = parts.fold(PlaybackSnapshot::default(), |a, b| PlaybackSnapshot {
        starting: a.starting + b.starting,
        playing: a.playing + b.playing,
        stalled: a.stalled + b.stalled,
        interrupted: a.interrupted + b.interrupted,
        finished: a.finished + b.finished,
        startup: percentiles(startup, a.startup, b.startup),
        starts_without_media: a.starts_without_media + b.starts_without_media,
        viewers_ever_stalled: a.viewers_ever_stalled + b.viewers_ever_stalled,
        stalls: a.stalls + b.stalls,
        stalled_s: a.stalled_s + b.stalled_s,
        interruptions: a.interruptions + b.interruptions,
        interrupted_s: a.interrupted_s + b.interrupted_s,
        playing_s: a.playing_s + b.playing_s,
        rebuffer_ratio: None,
        media_received_s: a.media_received_s + b.media_received_s,
        media_played_s: a.media_played_s + b.media_played_s,
        least_buffer_s: less(a.least_buffer_s, b.least_buffer_s),
        live_latency_p50_s: more(a.live_latency_p50_s, b.live_latency_p50_s),
        live_latency_max_s: more(a.live_latency_max_s, b.live_latency_max_s),
        late_segments: a.late_segments + b.late_segments,
        worst_lateness_ratio: a.worst_lateness_ratio.max(b.worst_lateness_ratio),
        skipped_segments: a.skipped_segments + b.skipped_segments,
        discontinuities: a.discontinuities + b.discontinuities,
        duplicate_segments: a.duplicate_segments + b.duplicate_segments,
    });
    let nothing = all.stalled_s + all.interrupted_s;
    let judged = nothing + all.playing_s;
    all.rebuffer_ratio = (judged > 0.0).then(|| nothing / judged);
    all
}

/// One of each address: the one that some box saw at its oldest.
fn playlists<'a>(parts: impl Iterator<Item = &'a PlaylistHealth>) -> Vec<PlaylistHealth> {
    let mut all: Vec<PlaylistHealth> = Vec::new();
    for part in parts {
        match all.iter_mut().find(|known| known.url == part.url) {
            Some(known) if part.max_age_s > known.max_age_s => known.clone_from(part),
            Some(_) => {}
            None => all.push(part.clone()),
        }
    }
    (0..).zip(&mut all).for_each(|(number, playlist)| playlist.playlist = number);
    all
}

/// Two boxes see one outage at the same time: it is told as the box saw it that had the most of them.
fn outages(parts: &[(f64, &WireSnapshot)]) -> OutagesSnapshot {
    let worst = parts.iter().max_by(|(_, a), (_, b)| a.outages.total_s.total_cmp(&b.outages.total_s));
    let later = |later_s: f64, outages: OutagesSnapshot| OutagesSnapshot {
        first_began_after_s: outages.first_began_after_s.map(|at| at + later_s),
        last_began_after_s: outages.last_began_after_s.map(|at| at + later_s),
        recovered_after_s: outages.recovered_after_s.map(|at| at + later_s),
        ..outages
    };
    worst.map(|(later_s, wire)| later(*later_s, wire.outages)).unwrap_or_default()
}
