//! The run second by second, on one axis: viewers, requests, times, machines, and behind them what happened when.

use super::{Chart, Series};
use crate::output::html::palette::Ink;
use crate::output::html::plot::{Axis, Plot, Unit};
use crate::output::report::Report;
use crate::stats::{Row, fold};

/// Points of a line in a plot over time: more than its width in pixels divided by two shows nothing new, and a run of an
/// hour stays small.
const MOST_POINTS: usize = 400;

/// Rows that are no further apart follow each other: times are sums of floating point numbers.
const SAME_SPAN_S: f64 = 0.01;

/// Classes of errors with a line of their own; the others are one.
const MOST_CLASSES: usize = 5;

/// Behind all plots over time.
#[derive(Clone, Debug, Default, PartialEq)]
struct Scenery {
    bands: Vec<(f64, f64, Ink)>,
    strips: Vec<(f64, f64, Ink)>,
    marks: Vec<(f64, Ink)>,
}

/// When something was wrong with the origin.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::output::html) struct Faults {
    /// It said so itself; else these are the times in which viewers saw nothing.
    pub(in crate::output::html) told_by_origin: bool,
    /// From when until when, in seconds since the run began.
    pub(in crate::output::html) spans: Vec<(f64, f64)>,
}

impl Faults {
    pub(in crate::output::html) fn of(report: &Report) -> Self {
        let in_force = |row: &Row| row.origin_faults.is_some_and(|faults| faults > 0.0);
        let told_by_origin = report.series.iter().any(in_force);
        let mut spans: Vec<(f64, f64)> = Vec::new();
        let is_wrong = |row: &&Row| if told_by_origin { in_force(row) } else { row.stalled > 0 };
        for row in report.series.iter().filter(is_wrong) {
            match spans.last_mut() {
                Some((_, end)) if *end >= row.until_s - row.lasted_s - SAME_SPAN_S => *end = row.until_s,
                _ => spans.push((row.until_s - row.lasted_s, row.until_s)),
            }
        }
        Self { told_by_origin, spans }
    }
}

impl Scenery {
    fn of(report: &Report) -> Self {
        let mut bands: Vec<(f64, f64, Ink)> = Vec::new();
        let mut add = |from: f64, until: f64, ink: Ink| match bands.last_mut() {
            Some((_, end, last)) if *last == ink && *end >= from - SAME_SPAN_S => *end = until,
            _ => bands.push((from, until, ink)),
        };
        for row in report.series.iter().filter(|row| row.ramping) {
            add(row.until_s - row.lasted_s, row.until_s, Ink::Ramp);
        }
        for row in report.series.iter().filter(|row| row.saturated.is_some()) {
            add(row.until_s - row.lasted_s, row.until_s, Ink::Saturated);
        }
        let levels = report.limit.iter().flat_map(|limit| &limit.levels);
        let levels = levels.map(|level| (level.began_after_s, Ink::Level));
        let crossings = report.judgement.thresholds.iter().filter_map(|judged| judged.crossed_after_s);
        let strips = Faults::of(report).spans.into_iter().map(|(from, until)| (from, until, Ink::Fault));
        Self {
            bands,
            strips: strips.collect(),
            marks: levels.chain(crossings.map(|at| (at, Ink::Bad))).collect(),
        }
    }
}

/// All charts over time that have something to show, on one axis.
pub(in crate::output::html) fn over_time(report: &Report) -> Vec<Chart> {
    let rows = fold(&report.series, MOST_POINTS);
    let Some(last) = rows.last() else { return Vec::new() };
    let scenery = Scenery::of(report);
    let until = last.until_s.max(1.0);
    let points: Vec<_> = rows.iter().map(|row| (row.until_s, crate::verdict::clock(row.until_s))).collect();
    let stale_after = report.wire.as_ref().and_then(|wire| wire.worst_playlist.as_ref());
    let limits = |title: &str| match stale_after {
        Some(playlist) if title == PLAYLIST_AGE => vec![playlist.stale_after_s],
        _ => Vec::new(),
    };
    let chart = |(title, unit, series): (&'static str, Unit, Vec<Series>)| {
        let plot = Plot {
            bands: scenery.bands.clone(),
            strips: scenery.strips.clone(),
            marks: scenery.marks.clone(),
            limits: limits(title),
            ..Plot::empty(Axis::Time, until, unit)
        };
        Chart::new(title, "Until", points.clone(), series, plot)
    };
    let mut charts = viewers_and_requests(&rows);
    charts.extend(times_and_machines(&rows));
    charts.into_iter().filter_map(chart).collect()
}

const PLAYLIST_AGE: &str = "Age of the oldest live playlist";

type Group = (&'static str, Unit, Vec<Series>);

fn viewers_and_requests(rows: &[Row]) -> Vec<Group> {
    let has_wire = rows.iter().any(|row| row.requests > 0 || row.starting > 0);
    let count = |name, ink, pick: fn(&Row) -> u32| series(name, ink, rows, |row| Some(f64::from(pick(row))));
    let measured = |name, ink, pick: fn(&Row) -> u32| {
        series(name, ink, rows, |row| has_wire.then(|| f64::from(pick(row))))
    };
    let rate = |name, ink, pick: fn(&Row) -> u64| {
        series(name, ink, rows, |row| has_wire.then(|| per_second(pick(row), row)))
    };
    vec![
        (
            "Viewers",
            Unit::Count,
            vec![
                count("target", Ink::Wanted, |row| row.target),
                count("FFmpegs that run", Ink::First, |row| row.active),
                measured("playing", Ink::Good, |row| row.playing),
                measured("starting", Ink::Second, |row| row.starting),
                measured("stalled or interrupted", Ink::Bad, |row| row.stalled),
            ],
        ),
        ("Requests", Unit::PerSecond, vec![rate("requests", Ink::First, |row| row.requests)]),
        ("Errors", Unit::PerSecond, errors(rows)),
        (
            "Throughput",
            Unit::BitsPerSecond,
            vec![rate("all bodies", Ink::First, |row| row.bytes.saturating_mul(8))],
        ),
    ]
}

fn times_and_machines(rows: &[Row]) -> Vec<Group> {
    let known = |name, ink, pick: fn(&Row) -> Option<f64>| series(name, ink, rows, pick);
    vec![
        (
            "Time to fetch a segment",
            Unit::Seconds,
            vec![
                known("p50", Ink::First, |row| row.segment_p50_s),
                known("p95", Ink::Second, |row| row.segment_p95_s),
                known("p99", Ink::Third, |row| row.segment_p99_s),
            ],
        ),
        (
            "Time to fetch a playlist",
            Unit::Seconds,
            vec![
                known("p50", Ink::First, |row| row.playlist_p50_s),
                known("p95", Ink::Second, |row| row.playlist_p95_s),
                known("p99", Ink::Third, |row| row.playlist_p99_s),
            ],
        ),
        (PLAYLIST_AGE, Unit::Seconds, vec![known("age", Ink::First, |row| row.playlist_age_s)]),
        ("Rebuffer ratio", Unit::Percent, vec![known("all viewers", Ink::Bad, |row| row.rebuffer_ratio)]),
        (
            "CPU",
            Unit::Percent,
            vec![
                known("load box", Ink::First, |row| row.generator_cpu_ratio),
                known("swarm and FFmpegs", Ink::Second, |row| row.generator_own_cpu_ratio),
                known("origin's machine", Ink::Third, |row| row.origin_cpu_ratio),
            ],
        ),
        (
            "CPUs used by the origin",
            Unit::Count,
            vec![known("origin's processes", Ink::Third, |row| row.origin_cpu_cores)],
        ),
    ]
}

fn series(name: impl Into<String>, ink: Ink, rows: &[Row], pick: impl Fn(&Row) -> Option<f64>) -> Series {
    Series { name: name.into(), ink, values: rows.iter().map(pick).collect() }
}

fn per_second(count: u64, row: &Row) -> f64 {
    if row.lasted_s > 0.0 { count as f64 / row.lasted_s } else { 0.0 }
}

/// Each of the most frequent classes, and the rest.
fn errors(rows: &[Row]) -> Vec<Series> {
    let mut totals: Vec<(&str, u64)> = Vec::new();
    for (class, count) in rows.iter().flat_map(|row| &row.errors_by_class) {
        match totals.iter_mut().find(|(known, _)| known == class) {
            Some((_, total)) => *total += count,
            None => totals.push((class, *count)),
        }
    }
    totals.sort_by_key(|(_, total)| std::cmp::Reverse(*total));
    let named: Vec<&str> = totals.iter().take(MOST_CLASSES).map(|(class, _)| *class).collect();
    let of_class = |class: &str, row: &Row| row.errors_by_class.get(class).copied().unwrap_or_default();
    let inks = [Ink::Bad, Ink::Second, Ink::Third, Ink::First, Ink::Good];
    let mut lines: Vec<_> = named
        .iter()
        .zip(inks)
        .map(|(class, ink)| series(*class, ink, rows, |row| Some(per_second(of_class(class, row), row))))
        .collect();
    if totals.len() > MOST_CLASSES {
        let others = |row: &Row| {
            let known: u64 = named.iter().map(|class| of_class(class, row)).sum();
            Some(per_second(row.errors.saturating_sub(known), row))
        };
        lines.push(series("others", Ink::Wanted, rows, others));
    }
    lines
}
