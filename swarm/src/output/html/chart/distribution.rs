//! How long requests and starts took: whole distributions instead of one percentile.

use super::{Chart, Series};
use crate::output::html::palette::LINES;
use crate::output::html::plot::{Axis, Plot, Unit};
use crate::output::report::Report;
use crate::stats::{Durations, Measure};

/// What shares of the requests the distribution is told at.
const QUANTILES: [f64; 9] = [0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0];
const QUANTILE_NAMES: [&str; 9] = ["min", "25 %", "50 %", "75 %", "90 %", "95 %", "99 %", "99.9 %", "max"];

/// How long requests took, from the quickest to the slowest.
pub(in crate::output::html) fn distribution(report: &Report) -> Option<Chart> {
    let records = report.wire.iter().flat_map(|wire| &wire.histograms);
    let mut lines = Vec::new();
    for (record, ink) in records.filter(|record| record.is_telling()).zip(LINES) {
        let Ok(durations) = Durations::decode(&record.hdr_us) else { continue };
        let what = match (record.kind, record.measure) {
            (Some(kind), Measure::Ttfb) => format!("{}, first byte", kind.label()),
            (Some(kind), _) => format!("{}, last byte", kind.label()),
            (None, _) => "start-up".to_owned(),
        };
        let values = QUANTILES.iter().map(|quantile| Some(durations.at_quantile_s(*quantile))).collect();
        lines.push(Series { name: what, ink, values });
    }
    let points = QUANTILE_NAMES.iter().enumerate().map(|(n, name)| (n as f64, (*name).to_owned())).collect();
    let plot = Plot::empty(Axis::Names(&QUANTILE_NAMES), (QUANTILES.len() - 1) as f64, Unit::Seconds);
    Chart::new("How long it took", "At most", points, lines, plot)
}
