//! How long requests took, exact enough for a report: HDR histograms per kind, of successful requests. Never forgets
//! and never grows.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

use crate::observation::{Kind, Observation};

/// A request that takes longer is counted as this long; `--timeout` ends silence long before.
const LONGEST_US: u64 = 3_600_000_000;

/// Every figure is exact within 0.1 %.
const SIGNIFICANT_DIGITS: u8 = 3;

/// Counts of durations. A cell counts to 2³² and stays there: at a thousand requests per second into the same 0.1 %
/// that is 49 days. Takes as much as the longest asks for, 8 to 94 KB: those of one second, of which there is a new set
/// every second, are usually of some milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Durations(Histogram<u32>);

/// Total duration and time to first byte per kind: 12 histograms, at most 1.1 MB.
#[derive(Clone, Debug)]
pub struct Latency {
    /// By [`Kind`].
    kinds: Vec<Pair>,
}

#[derive(Clone, Debug)]
struct Pair {
    duration: Durations,
    ttfb: Durations,
}

/// A request that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StillOpen {
    /// What was asked for.
    pub kind: Kind,
    /// Since it was asked for.
    pub age: Duration,
    /// Time to its first byte, where that has come.
    pub ttfb: Option<Duration>,
    /// For a segment: its `EXTINF`.
    pub media: Option<Duration>,
}

/// What is told of many durations. There is none of no durations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// How many.
    pub count: u64,
    /// Arithmetic mean.
    pub mean_s: f64,
    /// Half took no longer.
    pub p50_s: f64,
    /// 95 % took no longer.
    pub p95_s: f64,
    /// 99 % took no longer.
    pub p99_s: f64,
    /// The longest.
    pub max_s: f64,
}

/// What was read is no histogram of durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no compressed HDR histogram of durations up to an hour")]
pub struct NoHistogram;

impl Default for Durations {
    fn default() -> Self {
        Self(Histogram::new(SIGNIFICANT_DIGITS).expect("a constant from 0 to 5"))
    }
}

impl Durations {
    /// Counts one.
    pub fn record(&mut self, duration: Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(LONGEST_US).min(LONGEST_US);
        // It grows with what is recorded, and fails only where memory has no room for the index of an hour: nowhere.
        self.0.record(us).unwrap_or_default();
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is told of them; `None` when there are none.
    pub fn percentiles(&self) -> Option<Percentiles> {
        let at = |quantile| self.at_quantile_s(quantile);
        (!self.0.is_empty()).then(|| Percentiles {
            count: self.0.len(),
            mean_s: self.0.mean() / 1e6,
            p50_s: at(0.50),
            p95_s: at(0.95),
            p99_s: at(0.99),
            max_s: self.0.max() as f64 / 1e6,
        })
    }

    /// The same, with durations that have not ended counted as at least as long as they have been so far. Young ones
    /// say little about how long they will take, so that none makes a figure better: of the figures with and without
    /// them the worse counts.
    pub fn percentiles_with(&self, open: impl IntoIterator<Item = Duration>) -> Option<Percentiles> {
        let mut open = open.into_iter().peekable();
        let ended = self.percentiles();
        if open.peek().is_none() {
            return ended;
        }
        let mut all = self.clone();
        open.for_each(|duration| all.record(duration));
        let all = all.percentiles()?;
        Some(ended.map_or(all, |ended| all.or_worse(&ended)))
    }

    /// Adds those of another span.
    pub fn add(&mut self, other: &Self) {
        if !other.0.is_empty() {
            self.0 += &other.0;
        }
    }

    /// Those recorded since `earlier`, a copy of this.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut since = self.clone();
        // Fails only where `earlier` is no copy of this. Then there is no "since", and all of it is the safe answer.
        if since.0.subtract(&earlier.0).is_err() {
            since.0.clone_from(&self.0);
        }
        since
    }

    /// The counts themselves, in microseconds, in `HdrHistogram`'s V2 format, compressed, as base64: what its log format
    /// holds and each of its libraries reads. `None` when there are none.
    pub fn encode(&self) -> Option<String> {
        let mut bytes = Vec::new();
        // Fails only where a buffer cannot be written to, and this one is memory.
        V2DeflateSerializer::new().serialize(&self.0, &mut bytes).ok()?;
        (!self.0.is_empty()).then(|| BASE64_STANDARD.encode(bytes))
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// When it is something else.
    pub fn decode(text: &str) -> Result<Self, NoHistogram> {
        let bytes = BASE64_STANDARD.decode(text).map_err(|_| NoHistogram)?;
        let read: Histogram<u32> =
            Deserializer::new().deserialize(&mut bytes.as_slice()).map_err(|_| NoHistogram)?;
        if read.max() > read.highest_equivalent(LONGEST_US) {
            return Err(NoHistogram);
        }
        let mut all = Self::default();
        all.0.add(&read).map_err(|_| NoHistogram)?;
        Ok(all)
    }

    /// This share of them, from 0 to 1, took no longer, in seconds.
    pub fn at_quantile_s(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1e6
    }
}

impl Percentiles {
    pub(super) fn or_worse(self, other: &Self) -> Self {
        Self {
            count: self.count.max(other.count),
            mean_s: self.mean_s.max(other.mean_s),
            p50_s: self.p50_s.max(other.p50_s),
            p95_s: self.p95_s.max(other.p95_s),
            p99_s: self.p99_s.max(other.p99_s),
            max_s: self.max_s.max(other.max_s),
        }
    }
}

impl Default for Latency {
    fn default() -> Self {
        let pair = Pair { duration: Durations::default(), ttfb: Durations::default() };
        Self { kinds: vec![pair; Kind::ALL.len()] }
    }
}

impl Latency {
    /// Counts a request, if it succeeded.
    pub fn record(&mut self, seen: &Observation) {
        if !seen.outcome.is_success() {
            return;
        }
        let pair = &mut self.kinds[seen.kind as usize];
        pair.duration.record(seen.duration);
        if let Some(ttfb) = seen.ttfb {
            pair.ttfb.record(ttfb);
        }
    }

    /// From request to last byte.
    pub fn duration(&self, kind: Kind) -> &Durations {
        &self.kinds[kind as usize].duration
    }

    /// From request to first byte.
    pub fn ttfb(&self, kind: Kind) -> &Durations {
        &self.kinds[kind as usize].ttfb
    }

    /// Total durations of a kind, with requests that have not ended.
    pub fn duration_with(&self, kind: Kind, open: &[StillOpen]) -> Option<Percentiles> {
        let of_kind = open.iter().filter(|request| request.kind == kind);
        self.duration(kind).percentiles_with(of_kind.map(|request| request.age))
    }

    /// Times to first byte of a kind, with requests that have not ended.
    pub fn ttfb_with(&self, kind: Kind, open: &[StillOpen]) -> Option<Percentiles> {
        let of_kind = open.iter().filter(|request| request.kind == kind);
        self.ttfb(kind).percentiles_with(of_kind.map(|request| request.ttfb.unwrap_or(request.age)))
    }

    /// What was recorded since `earlier`, a copy of this: one level of a search, or one second.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let since = |(now, then): (&Pair, &Pair)| Pair {
            duration: now.duration.since(&then.duration),
            ttfb: now.ttfb.since(&then.ttfb),
        };
        Self { kinds: self.kinds.iter().zip(&earlier.kinds).map(since).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn of(durations: impl IntoIterator<Item = Duration>) -> Durations {
        let mut all = Durations::default();
        durations.into_iter().for_each(|duration| all.record(duration));
        all
    }

    fn assert_close(figure: f64, expected: f64) {
        assert!((figure / expected - 1.0).abs() < 0.001, "{figure} is not {expected} within 0.1 %");
    }

    #[test]
    fn percentiles_are_exact_within_a_tenth_of_a_percent_over_the_whole_range() {
        for unit in [Duration::from_micros(1), ms(1), Duration::from_secs(3)] {
            let told = of((1..=1000).map(|n| unit * n)).percentiles().unwrap();
            assert_eq!(told.count, 1000);
            for (figure, n) in
                [(told.mean_s, 500.5), (told.p50_s, 500.0), (told.p95_s, 950.0), (told.p99_s, 990.0)]
            {
                assert_close(figure, n * unit.as_secs_f64());
            }
            assert_close(told.max_s, 1000.0 * unit.as_secs_f64());
        }
    }

    #[test]
    fn nothing_has_no_percentiles_and_extremes_are_kept() {
        assert_eq!(Durations::default().percentiles(), None);
        let told = of([Duration::ZERO, Duration::MAX]).percentiles().unwrap();
        assert_eq!((told.count, told.p50_s), (2, 0.0));
        assert_close(told.max_s, 3600.0);
    }

    #[test]
    fn a_histogram_takes_what_its_comment_says() {
        let bytes = |all: Durations| all.0.distinct_values() * size_of::<u32>();
        assert_eq!(bytes(Durations::default()), 8 << 10);
        assert!(bytes(of([ms(8)])) <= 20 << 10);
        let most = bytes(of([Duration::MAX]));
        assert!((90_000..=96_256).contains(&most), "{most}");
    }

    #[test]
    fn an_open_request_never_makes_a_figure_better_and_an_old_one_makes_it_worse() {
        let ended = of(vec![ms(100); 10]);
        let plain = ended.percentiles().unwrap();
        let with_young = ended.percentiles_with(vec![ms(1); 90]).unwrap();
        assert_eq!(Percentiles { count: 10, ..with_young }, plain);
        assert_eq!(with_young.count, 100);
        let with_old = ended.percentiles_with([ms(5000)]).unwrap();
        assert_close(with_old.max_s, 5.0);
        assert_close(with_old.p95_s, 5.0);
        assert_close(with_old.p50_s, 0.1);
        assert_eq!(ended.percentiles(), Some(plain), "it changes nothing");
        assert_close(Durations::default().percentiles_with([ms(70)]).unwrap().p50_s, 0.07);
        assert_eq!(Durations::default().percentiles_with([]), None);
    }

    #[test]
    fn what_was_written_is_read_again_and_adds_up_exactly() {
        let (some, more) = (of((1..500).map(ms)), of((300..9000).map(ms)));
        let read = Durations::decode(&some.encode().unwrap()).unwrap();
        assert_eq!(read.percentiles(), some.percentiles());
        let mut merged = read;
        merged.add(&Durations::decode(&more.encode().unwrap()).unwrap());
        assert_eq!(merged.percentiles(), of((1..500).chain(300..9000).map(ms)).percentiles());
        assert_eq!(Durations::default().encode(), None);
        let mut beyond = Durations::default();
        beyond.0.record(2 * LONGEST_US).unwrap();
        for wrong in ["", "AAAA", "no base64", &beyond.encode().unwrap()] {
            assert_eq!(Durations::decode(wrong), Err(NoHistogram));
        }
        assert_close(some.at_quantile_s(0.5), 0.25);
    }

    #[test]
    fn what_came_since_a_copy_is_told_alone() {
        let early = of(vec![ms(1); 100]);
        let mut all = early.clone();
        all.record(ms(900));
        let since = all.since(&early).percentiles().unwrap();
        assert_eq!(since.count, 1);
        assert_close(since.p50_s, 0.9);
        assert_eq!(early.since(&all), early, "not a copy of it");
    }
}
