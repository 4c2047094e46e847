//! The levels of a search for the limit, by their number of viewers: where the curve bends.

use std::collections::BTreeMap;

use super::{Chart, Series};
use crate::output::html::palette::Ink;
use crate::output::html::plot::{Axis, Plot, Unit};
use crate::output::limit_section::InShort;
use crate::output::report::Report;

/// What each number of viewers led to in a search for the limit; of several levels with one number the last.
pub(in crate::output::html) fn knee(report: &Report) -> Vec<Chart> {
    let Some(limit) = &report.limit else { return Vec::new() };
    let mut levels: BTreeMap<u32, _> = BTreeMap::new();
    levels.extend(limit.levels.iter().map(|level| (level.viewers, &level.figures)));
    let most = levels.keys().last().copied().unwrap_or(1);
    let points: Vec<_> = levels.keys().map(|viewers| (f64::from(*viewers), viewers.to_string())).collect();
    let held = (limit.held > 0).then_some((f64::from(limit.held), Ink::Good));
    let failed = limit.failed.map(|failed| (f64::from(failed), Ink::Bad));
    let marks: Vec<_> = held.into_iter().chain(failed).collect();
    let line = |name: &str, ink, pick: fn(&InShort) -> Option<f64>| Series {
        name: name.to_owned(),
        ink,
        values: levels.values().map(|figures| pick(figures)).collect(),
    };
    let chart = |title, unit, series| {
        let plot = Plot { marks: marks.clone(), ..Plot::empty(Axis::Number, f64::from(most) * 1.05, unit) };
        Chart::new(title, "Viewers", points.clone(), series, plot)
    };
    let times = vec![
        line("segments, p95", Ink::First, |figures| figures.segment_duration_p95_s),
        line("start-up, p95", Ink::Second, |figures| figures.startup_p95_s),
    ];
    let shares = vec![
        line("requests that failed", Ink::Bad, |figures| figures.error_ratio),
        line("rebuffering", Ink::Third, |figures| figures.rebuffer_ratio),
    ];
    let throughput = vec![line("all bodies", Ink::First, |figures| figures.throughput_bits_per_s)];
    [
        chart("Times by number of viewers", Unit::Seconds, times),
        chart("Trouble by number of viewers", Unit::Percent, shares),
        chart("Throughput by number of viewers", Unit::BitsPerSecond, throughput),
    ]
    .into_iter()
    .flatten()
    .collect()
}
