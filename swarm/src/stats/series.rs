//! The run second by second, for plots and for looking back: one row per second, folded to longer rows when they become
//! too many. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::second::Second;
use super::window::Window;
use crate::generator::Resource;

/// Rows that are kept: an hour of seconds. With some 450 bytes each they are 1.6 MB; a plot has fewer points.
pub const MOST_ROWS: usize = 3600;

/// The rows so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    rows: Vec<Row>,
    /// Seconds in a row: 1, 2, 4, …
    per_row: u32,
    /// Seconds in the last row.
    in_last: u32,
    most_rows: usize,
}

/// What is told of one second, or of as many as are folded: counts are sums; times, ages and viewers in trouble are
/// those of the worst second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its end, since the run began.
    pub until_s: f64,
    /// How long it is.
    pub lasted_s: f64,
    /// Viewers that should run.
    pub target: u32,
    /// FFmpegs that ran, at least.
    pub active: u32,
    /// The number of viewers was on its way to the target.
    pub ramping: bool,
    /// Viewers that waited for their first segment, at most.
    pub starting: u32,
    /// Viewers that played, at least.
    pub playing: u32,
    /// Viewers that were stalled or interrupted, at most.
    pub stalled: u32,
    /// Requests that ended.
    pub requests: u64,
    /// Of these, those that failed.
    pub errors: u64,
    /// The same, by status or class.
    pub errors_by_class: BTreeMap<String, u64>,
    /// Of all bodies.
    pub bytes: u64,
    /// Segments that came.
    pub segments: u64,
    /// Of these, those that took longer to fetch than to play.
    pub late_segments: u64,
    /// Processes started to replace one that failed.
    pub restarts: u64,
    /// From request to last byte, open requests as far as they got; null where no segment came and none was open.
    pub segment_p50_s: Option<f64>,
    /// 95 % took no longer.
    pub segment_p95_s: Option<f64>,
    /// 99 % took no longer.
    pub segment_p99_s: Option<f64>,
    /// The same for media playlists.
    pub playlist_p50_s: Option<f64>,
    /// 95 % took no longer.
    pub playlist_p95_s: Option<f64>,
    /// 99 % took no longer.
    pub playlist_p99_s: Option<f64>,
    /// Age of the live playlist that was oldest, in its own target durations.
    pub playlist_age_s: Option<f64>,
    /// Share of the viewers' time in which they were stalled.
    pub rebuffer_ratio: Option<f64>,
    /// Share of the load box's CPUs that was not idle.
    pub generator_cpu_ratio: Option<f64>,
    /// Share of them that `swarm` and its FFmpegs used.
    pub generator_own_cpu_ratio: Option<f64>,
    /// Share of the CPUs of the origin's machine that was not idle.
    pub origin_cpu_ratio: Option<f64>,
    /// CPUs that the origin's processes used.
    pub origin_cpu_cores: Option<f64>,
    /// Connections that were open at the origin.
    pub origin_connections: Option<f64>,
    /// Requests that the origin answered.
    pub origin_requests_per_s: Option<f64>,
    /// Bytes that it sent.
    pub origin_bytes_per_s: Option<f64>,
    /// Requests that it answered with a status of 500 to 599.
    pub origin_errors_5xx_per_s: Option<f64>,
    /// Faults that it made on purpose.
    #[serde(default)]
    pub origin_faults: Option<f64>,
    /// What the load box was short of.
    pub saturated: Option<Resource>,
}

impl Default for Series {
    fn default() -> Self {
        Self::of_at_most(MOST_ROWS)
    }
}

impl Series {
    fn of_at_most(most_rows: usize) -> Self {
        Self { rows: Vec::new(), per_row: 1, in_last: 0, most_rows }
    }

    /// Takes in the next second.
    pub fn add(&mut self, second: &Second) {
        let row = Row::of(second);
        if let Some(last) = self.rows.last_mut()
            && self.in_last < self.per_row
        {
            last.fold(row);
            self.in_last += 1;
            return;
        }
        if self.rows.len() == self.most_rows {
            self.halve();
        }
        self.rows.push(row);
        self.in_last = 1;
    }

    /// From now on a row is twice as long.
    fn halve(&mut self) {
        let mut old = std::mem::take(&mut self.rows).into_iter();
        while let Some(mut row) = old.next() {
            if let Some(next) = old.next() {
                row.fold(next);
            }
            self.rows.push(row);
        }
        self.per_row *= 2;
    }

    /// In order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
}

/// The rows as at most `most` longer ones.
pub fn fold(rows: &[Row], most: usize) -> Vec<Row> {
    let folded = |rows: &[Row]| {
        let mut rows = rows.iter().cloned();
        let mut first = rows.next()?;
        rows.for_each(|row| first.fold(row));
        Some(first)
    };
    rows.chunks(rows.len().div_ceil(most.max(1)).max(1)).filter_map(folded).collect()
}

impl Row {
    fn of(second: &Second) -> Self {
        let mut row = Self {
            until_s: second.ended_after.as_secs_f64(),
            lasted_s: second.lasted.as_secs_f64(),
            target: second.target,
            active: second.active,
            ramping: second.is_ramping(),
            restarts: second.restarts,
            saturated: second.saturated,
            ..Self::default()
        };
        if let Some(generator) = &second.generator {
            row.generator_cpu_ratio = generator.cpu_ratio;
            row.generator_own_cpu_ratio = generator.own_cpu_ratio;
        }
        if let Some(origin) = &second.origin {
            row.origin_cpu_ratio = origin.cpu_ratio;
            row.origin_cpu_cores = origin.cpu_cores;
            row.origin_connections = origin.connections;
            row.origin_requests_per_s = origin.requests_per_s;
            row.origin_bytes_per_s = origin.bytes_per_s;
            row.origin_errors_5xx_per_s = origin.errors_5xx_per_s;
            row.origin_faults = origin.faults;
        }
        let Some(wire) = &second.wire else { return row };
        // Also what is left out of every judgement is seen.
        let figures = Window::of(second).figures();
        let counts = &wire.counts;
        row.starting = u32::try_from(wire.starting_for.len()).unwrap_or(u32::MAX);
        (row.playing, row.stalled) = (wire.playing, wire.stalled);
        (row.requests, row.errors, row.bytes) = (counts.requests, counts.errors, counts.bytes);
        (row.segments, row.late_segments) = (counts.segments, counts.late_segments);
        row.errors_by_class = figures.errors.into_iter().map(|error| (error.class, error.count)).collect();
        if let Some(segments) = figures.segment_duration {
            row.segment_p50_s = Some(segments.p50_s);
            row.segment_p95_s = Some(segments.p95_s);
            row.segment_p99_s = Some(segments.p99_s);
        }
        if let Some(playlists) = figures.playlist_duration {
            row.playlist_p50_s = Some(playlists.p50_s);
            row.playlist_p95_s = Some(playlists.p95_s);
            row.playlist_p99_s = Some(playlists.p99_s);
        }
        row.playlist_age_s = figures.playlist_age_s;
        row.rebuffer_ratio = figures.rebuffer_ratio;
        row
    }

    /// Takes in the same time as another load box saw it: viewers add up, else as [`fold`](Self::fold).
    pub fn add_box(&mut self, other: Self) {
        let sum = |pick: fn(&Self) -> u32| pick(self) + pick(&other);
        let (target, active, starting) =
            (sum(|row| row.target), sum(|row| row.active), sum(|row| row.starting));
        let (playing, stalled) = (sum(|row| row.playing), sum(|row| row.stalled));
        let (until_s, lasted_s) = (self.until_s, self.lasted_s);
        self.fold(other);
        (self.target, self.active, self.starting) = (target, active, starting);
        (self.playing, self.stalled) = (playing, stalled);
        (self.until_s, self.lasted_s) = (until_s, lasted_s);
    }

    /// Takes in the row that follows.
    fn fold(&mut self, next: Self) {
        let worse = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).reduce(f64::max);
        let mut errors_by_class = std::mem::take(&mut self.errors_by_class);
        for (class, count) in next.errors_by_class {
            *errors_by_class.entry(class).or_default() += count;
        }
        // All of them by name, so that none is left out.
        *self = Self {
            until_s: next.until_s,
            lasted_s: self.lasted_s + next.lasted_s,
            target: next.target,
            active: self.active.min(next.active),
            ramping: self.ramping | next.ramping,
            starting: self.starting.max(next.starting),
            playing: self.playing.min(next.playing),
            stalled: self.stalled.max(next.stalled),
            requests: self.requests + next.requests,
            errors: self.errors + next.errors,
            errors_by_class,
            bytes: self.bytes + next.bytes,
            segments: self.segments + next.segments,
            late_segments: self.late_segments + next.late_segments,
            restarts: self.restarts + next.restarts,
            segment_p50_s: worse(self.segment_p50_s, next.segment_p50_s),
            segment_p95_s: worse(self.segment_p95_s, next.segment_p95_s),
            segment_p99_s: worse(self.segment_p99_s, next.segment_p99_s),
            playlist_p50_s: worse(self.playlist_p50_s, next.playlist_p50_s),
            playlist_p95_s: worse(self.playlist_p95_s, next.playlist_p95_s),
            playlist_p99_s: worse(self.playlist_p99_s, next.playlist_p99_s),
            playlist_age_s: worse(self.playlist_age_s, next.playlist_age_s),
            rebuffer_ratio: worse(self.rebuffer_ratio, next.rebuffer_ratio),
            generator_cpu_ratio: worse(self.generator_cpu_ratio, next.generator_cpu_ratio),
            generator_own_cpu_ratio: worse(self.generator_own_cpu_ratio, next.generator_own_cpu_ratio),
            origin_cpu_ratio: worse(self.origin_cpu_ratio, next.origin_cpu_ratio),
            origin_cpu_cores: worse(self.origin_cpu_cores, next.origin_cpu_cores),
            origin_connections: worse(self.origin_connections, next.origin_connections),
            origin_requests_per_s: worse(self.origin_requests_per_s, next.origin_requests_per_s),
            origin_bytes_per_s: worse(self.origin_bytes_per_s, next.origin_bytes_per_s),
            origin_errors_5xx_per_s: worse(self.origin_errors_5xx_per_s, next.origin_errors_5xx_per_s),
            origin_faults: worse(self.origin_faults, next.origin_faults),
            saturated: self.saturated.or(next.saturated),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::generator::Sample;
    use crate::observation::{Kind, Outcome};
    use crate::origin_metrics::OriginSample;
    use crate::stats::window::tests::second;

    fn series(seconds: u64, most_rows: usize) -> Series {
        let mut series = Series::of_at_most(most_rows);
        for n in 1..=seconds {
            let duration = if n == 13 { 9.0 } else { 0.1 };
            let seen = second(&[
                (Kind::Segment, duration, Outcome::Status(200)),
                (Kind::Playlist, 0.1, Outcome::Status(503)),
            ]);
            series.add(&Second {
                ended_after: Duration::from_secs(n),
                active: u32::try_from(n).unwrap(),
                ..seen
            });
        }
        series
    }

    #[test]
    fn each_second_has_its_row() {
        let series = series(20, 100);
        assert_eq!(series.rows().len(), 20);
        let row = &series.rows()[12];
        assert_eq!((row.until_s, row.lasted_s, row.active), (13.0, 1.0, 13));
        assert_eq!((row.requests, row.errors, row.late_segments, row.bytes), (2, 1, 1, 2000));
        assert_eq!(row.errors_by_class, [("503".to_owned(), 1)].into());
        assert!(row.segment_p95_s.unwrap() > 8.9);
    }

    #[test]
    fn a_long_run_is_folded_and_loses_neither_counts_nor_maxima() {
        for seconds in [15, 16, 17, 100, 1000] {
            let series = series(seconds, 16);
            let rows = series.rows();
            assert!((8..=16).contains(&rows.len()), "{} rows", rows.len());
            assert_eq!(rows.iter().map(|row| row.requests).sum::<u64>(), 2 * seconds);
            assert_eq!(rows.iter().map(|row| row.late_segments).sum::<u64>(), 1);
            let lasted: f64 = rows.iter().map(|row| row.lasted_s).sum();
            assert_eq!((lasted, rows.last().unwrap().until_s), (seconds as f64, seconds as f64));
            let longest = rows.iter().filter_map(|row| row.segment_p95_s).fold(0.0, f64::max);
            assert!(longest > 8.9, "{longest}");
            let begins = rows.iter().map(|row| row.until_s - row.lasted_s);
            assert!(begins.skip(1).eq(rows.iter().map(|row| row.until_s).take(rows.len() - 1)));
        }
    }

    #[test]
    fn the_machines_at_both_ends_are_on_the_timeline_and_a_fold_keeps_the_worst() {
        let mut series = Series::of_at_most(2);
        for n in [1, 3, 2] {
            let known = Some(f64::from(n));
            let generator = Sample { cpu_ratio: known, ..Sample::default() };
            let origin =
                OriginSample { connections: known, errors_5xx_per_s: known, ..OriginSample::default() };
            series.add(&Second { generator: Some(generator), origin: Some(origin), ..Second::default() });
        }
        let rows = series.rows();
        assert_eq!((rows.len(), rows[0].generator_cpu_ratio), (2, Some(3.0)));
        assert_eq!((rows[0].origin_connections, rows[0].origin_errors_5xx_per_s), (Some(3.0), Some(3.0)));
        assert_eq!((rows[0].origin_cpu_cores, rows[0].generator_own_cpu_ratio), (None, None));
    }

    #[test]
    fn a_second_of_a_saturated_load_box_is_shown_with_what_it_was_short_of() {
        let mut series = Series::default();
        let seen = second(&[(Kind::Segment, 3.0, Outcome::Status(200))]);
        series.add(&Second { saturated: Some(Resource::Cpu), ..seen });
        let row = &series.rows()[0];
        assert_eq!((row.saturated, row.late_segments), (Some(Resource::Cpu), 1));
        assert!(row.segment_p95_s.is_some());
    }
}
