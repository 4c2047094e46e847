//! One plot as SVG: lines over an axis, with bands and marks behind them. Draws what it is given and computes nothing of
//! its own but where ticks go.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::palette::Ink;

/// Width and height of the drawing, in its own units. The page scales it.
pub(super) const SIZE: (u32, u32) = (900, 190);

/// Left of the axis: room for `100 Mbit/s` in `DejaVu Sans`, which is wider than other usual fonts, and for the tick.
pub(super) const LEFT: u32 = 88;

/// Right of the axis: room for half a label.
pub(super) const RIGHT: u32 = 24;

const BELOW: u32 = 26;
const ABOVE: u32 = 10;

/// Where a strip along the upper edge begins, as a share of the height: as thick as a line that is meant to be seen.
const STRIP_FROM: f64 = 0.96;

/// Of labels, in the drawing's units.
const FONT_SIZE: u32 = 15;

/// Labels below an axis of this width do not touch.
const MOST_X_TICKS: f64 = 9.0;

/// As few as tell the scale.
const MOST_Y_TICKS: f64 = 4.0;

/// Steps between two times that people count in, in seconds.
const TIME_STEPS: [f64; 15] =
    [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0];

/// What the horizontal axis is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Axis {
    /// Time since the run began, in seconds.
    Time,
    /// A number of something.
    Number,
    /// Names at 0, 1, 2, …
    Names(&'static [&'static str]),
}

/// A line; a point without a value is a gap in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) ink: Ink,
    pub(super) points: Vec<(f64, Option<f64>)>,
    /// A dot at each point: there are few.
    pub(super) dots: bool,
}

/// Everything that is drawn.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plot {
    pub(super) axis: Axis,
    /// Both ends of the horizontal axis.
    pub(super) from: f64,
    pub(super) until: f64,
    /// How a value of the vertical axis is written.
    pub(super) unit: Unit,
    pub(super) lines: Vec<Line>,
    /// Spans behind the lines.
    pub(super) bands: Vec<(f64, f64, Ink)>,
    /// Spans along the upper edge, which nothing hides.
    pub(super) strips: Vec<(f64, f64, Ink)>,
    /// Upright lines.
    pub(super) marks: Vec<(f64, Ink)>,
    /// Level lines.
    pub(super) limits: Vec<f64>,
}

/// What a value is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Count,
    PerSecond,
    Seconds,
    Percent,
    BitsPerSecond,
}

/// An axis with ticks where people count.
#[derive(Clone)]
struct Scale {
    ends: Range<f64>,
    ticks: Vec<f64>,
}

impl Ranged for Scale {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    #[expect(clippy::cast_possible_truncation, reason = "a place in a drawing of a few hundred pixels")]
    fn map(&self, value: &f64, (first, last): (i32, i32)) -> i32 {
        let share = (value - self.ends.start) / (self.ends.end - self.ends.start);
        first + (f64::from(last - first) * share.clamp(0.0, 1.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // Lines between the ticks are not drawn.
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.ends.clone()
    }
}

/// A drawing failed, which happens only where its axis has no extent.
#[derive(Debug, thiserror::Error)]
#[error("failed to draw a plot: {0}")]
pub struct PlotError(String);

impl Unit {
    /// For people, short.
    pub(super) fn say(self, value: f64) -> String {
        match self {
            Self::Count => number(value),
            Self::PerSecond => format!("{}/s", number(value)),
            Self::Seconds if value != 0.0 && value < 1.0 => format!("{} ms", number(value * 1e3)),
            Self::Seconds => format!("{} s", number(value)),
            Self::Percent => format!("{} %", number(value * 100.0)),
            Self::BitsPerSecond if value >= 1e9 => format!("{} Gbit/s", number(value / 1e9)),
            Self::BitsPerSecond if value >= 1e6 => format!("{} Mbit/s", number(value / 1e6)),
            Self::BitsPerSecond if value >= 1e3 => format!("{} kbit/s", number(value / 1e3)),
            Self::BitsPerSecond => format!("{} bit/s", number(value)),
        }
    }

    /// The least that the vertical axis shows, so that nothing looks like a mountain.
    fn least_top(self) -> f64 {
        match self {
            Self::Count | Self::PerSecond => 1.0,
            Self::Seconds | Self::Percent => 0.01,
            Self::BitsPerSecond => 1e3,
        }
    }
}

/// Three digits, as many as a plot can show.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

impl Plot {
    /// An axis from 0 on, and nothing on it.
    pub(super) fn empty(axis: Axis, until: f64, unit: Unit) -> Self {
        Self {
            axis,
            from: 0.0,
            until,
            unit,
            lines: Vec::new(),
            bands: Vec::new(),
            strips: Vec::new(),
            marks: Vec::new(),
            limits: Vec::new(),
        }
    }

    /// The whole `<svg>` element.
    ///
    /// # Errors
    /// When the drawing library refuses, which a finite axis never makes it do.
    pub(super) fn svg(&self) -> Result<String, PlotError> {
        let mut svg = String::new();
        self.draw(&mut svg).map_err(|error| PlotError(error.to_string()))?;
        Ok(svg)
    }

    fn draw(&self, svg: &mut String) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
        let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        let top = self.top();
        let (x_ticks, y_ticks) = (self.x_ticks(), ticks(0.0, top, y_step(top)));
        let mut chart = ChartBuilder::on(&root)
            .margin_top(ABOVE)
            .margin_right(RIGHT)
            .x_label_area_size(BELOW)
            .y_label_area_size(LEFT)
            .build_cartesian_2d(
                Scale { ends: self.from..self.until, ticks: x_ticks },
                Scale { ends: 0.0..top, ticks: y_ticks },
            )?;
        let bands = self.bands.iter();
        chart.draw_series(bands.map(|(from, until, ink)| {
            Rectangle::new([(*from, 0.0), (*until, top)], ink.colour().filled())
        }))?;
        let ink = Ink::Text.colour();
        let text = TextStyle::from(("sans-serif", FONT_SIZE)).color(&ink);
        chart
            .configure_mesh()
            .bold_line_style(Ink::Grid.colour())
            .light_line_style(TRANSPARENT)
            .axis_style(Ink::Wanted.colour())
            .x_label_formatter(&|x| self.x_label(*x))
            .y_label_formatter(&|y| self.unit.say(*y))
            .x_label_style(text.clone())
            .y_label_style(text.pos(Pos::new(HPos::Right, VPos::Center)))
            .draw()?;
        for (at, ink) in &self.marks {
            chart.draw_series(DashedLineSeries::new([(*at, 0.0), (*at, top)], 4, 3, ink.colour().into()))?;
        }
        let strips = self.strips.iter();
        chart.draw_series(strips.map(|(from, until, ink)| {
            Rectangle::new([(*from, top * STRIP_FROM), (*until, top)], ink.colour().filled())
        }))?;
        for limit in self.limits.iter().filter(|limit| **limit <= top) {
            let ends = [(self.from, *limit), (self.until, *limit)];
            chart.draw_series(DashedLineSeries::new(ends, 2, 4, Ink::Bad.colour().into()))?;
        }
        for line in &self.lines {
            let style = line.ink.colour().stroke_width(2);
            for run in line.points.split(|(_, y)| y.is_none()) {
                let run: Vec<_> = run.iter().filter_map(|(x, y)| Some((*x, y.as_ref()?.min(top)))).collect();
                if line.dots || run.len() == 1 {
                    let dot = |at: &(f64, f64)| Circle::new(*at, 3, line.ink.colour().filled());
                    chart.draw_series(run.iter().map(dot))?;
                }
                if run.len() > 1 {
                    chart.draw_series(LineSeries::new(run, style))?;
                }
            }
        }
        drop(chart);
        root.present()
    }

    /// The highest value, and a little room.
    fn top(&self) -> f64 {
        let values = self.lines.iter().flat_map(|line| &line.points).filter_map(|(_, y)| *y);
        let highest = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
        (highest * 1.08).max(self.unit.least_top())
    }

    fn x_ticks(&self) -> Vec<f64> {
        let extent = self.until - self.from;
        match self.axis {
            Axis::Time => {
                let fits = |step: &&f64| extent / **step <= MOST_X_TICKS;
                let step = TIME_STEPS.iter().find(fits).copied();
                ticks(self.from, self.until, step.unwrap_or(extent / MOST_X_TICKS))
            }
            Axis::Number => ticks(self.from, self.until, round_step(extent / MOST_X_TICKS).max(1.0)),
            Axis::Names(names) => (0..names.len()).map(|place| place as f64).collect(),
        }
    }

    fn x_label(&self, x: f64) -> String {
        match self.axis {
            Axis::Time => crate::verdict::clock(x),
            Axis::Number => number(x),
            Axis::Names(names) => {
                let at = |(place, _): &(usize, &&str)| (*place as f64 - x).abs() < 0.01;
                names.iter().enumerate().find(at).map(|(_, name)| (*name).to_owned()).unwrap_or_default()
            }
        }
    }
}

fn y_step(top: f64) -> f64 {
    round_step(top / MOST_Y_TICKS)
}

/// The next of 1, 2, 5, 10, …, as large as `least` at least.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|digit| digit * power).find(|step| *step >= least).unwrap_or(least)
}

fn ticks(from: f64, until: f64, step: f64) -> Vec<f64> {
    let first = (from / step).ceil();
    // Bounded by the step, which is chosen for a few ticks.
    (0..100).map(|n| (first + f64::from(n)) * step).take_while(|tick| *tick <= until).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: Vec<(f64, Option<f64>)>) -> Plot {
        Plot {
            lines: vec![Line { ink: Ink::First, points, dots: false }],
            bands: vec![(0.0, 60.0, Ink::Ramp)],
            marks: vec![(300.0, Ink::Bad)],
            ..Plot::empty(Axis::Time, 600.0, Unit::Seconds)
        }
    }

    #[test]
    fn a_gap_ends_a_line_and_a_lone_point_is_seen() {
        let svg =
            plot(vec![(0.0, Some(0.1)), (60.0, Some(0.2)), (120.0, None), (180.0, Some(0.1))]).svg().unwrap();
        let lines = svg.lines().filter(|line| line.contains("polyline") && line.contains(&Ink::First.hex()));
        assert_eq!(lines.count(), 1, "{svg}");
        assert_eq!(svg.matches("<circle").count(), 1);
        assert!(svg.contains("\n04:00\n"), "{svg}");
        assert!(svg.contains("200 ms"), "{svg}");
    }

    #[test]
    fn values_are_written_with_their_unit_and_few_digits() {
        let said = [
            (Unit::Seconds, 0.0123),
            (Unit::Seconds, 2.5),
            (Unit::Percent, 0.042),
            (Unit::BitsPerSecond, 43_210_000.0),
            (Unit::PerSecond, 1200.0),
        ];
        assert_eq!(
            said.map(|(unit, value)| unit.say(value)),
            ["12.3 ms", "2.5 s", "4.2 %", "43.2 Mbit/s", "1200/s"]
        );
    }

    #[test]
    fn nothing_to_draw_is_an_empty_axis() {
        assert!(plot(Vec::new()).svg().unwrap().contains("<svg"));
        assert!(Plot { until: 0.5, ..plot(vec![(0.0, Some(f64::NAN))]) }.svg().is_ok());
    }
}
