//! The charts of a report: which figures of it are shown together, and in which unit. Picks values, computes none but
//! rates of a row.

mod distribution;
mod knee;
mod over_time;

use super::palette::Ink;
use super::plot::{Axis, Line, Plot, PlotError};

pub(super) use distribution::distribution;
pub(super) use knee::knee;
pub(super) use over_time::{Faults, over_time};

/// A plot with its title, and with the numbers behind it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chart {
    pub(super) title: &'static str,
    /// What the first column of the table is.
    pub(super) first_column: &'static str,
    /// Name, colour and values of each line.
    pub(super) series: Vec<Series>,
    /// The horizontal axis: a value for each point, and how the table names it.
    pub(super) points: Vec<(f64, String)>,
    pub(super) plot: Plot,
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) ink: Ink,
    pub(super) values: Vec<Option<f64>>,
}

impl Chart {
    /// Its drawing.
    pub(super) fn svg(&self) -> Result<String, PlotError> {
        self.plot.svg()
    }

    fn new(
        title: &'static str,
        first_column: &'static str,
        points: Vec<(f64, String)>,
        series: Vec<Series>,
        plot: Plot,
    ) -> Option<Self> {
        let has_values = |series: &Series| series.values.iter().any(Option::is_some);
        let series: Vec<_> = series.into_iter().filter(has_values).collect();
        let line = |series: &Series| Line {
            ink: series.ink,
            points: points.iter().map(|(x, _)| *x).zip(series.values.iter().copied()).collect(),
            dots: plot.axis != Axis::Time,
        };
        let plot = Plot { lines: series.iter().map(line).collect(), ..plot };
        (!series.is_empty()).then_some(Self { title, first_column, series, points, plot })
    }
}
