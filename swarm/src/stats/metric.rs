//! The figures that can be judged, by the names that users write: `segment_duration_p95`, `error_ratio_5xx`. Their list is
//! [`METRICS`]; a [`Reading`] is one of them with what its name ends with, and reads its value. Pure.

mod table;

use std::ops::Add;

use super::latency::Percentiles;
use super::window::{Figures, Spread};
use crate::labels::labels;
use crate::observation::ErrorClass;

pub use table::{Definition, METRICS, metrics_table};

/// What can be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// `segment_duration`.
    SegmentDuration,
    /// `segment_ttfb`.
    SegmentTtfb,
    /// `playlist_duration`.
    PlaylistDuration,
    /// `lateness`.
    Lateness,
    /// `late_ratio`.
    LateRatio,
    /// `startup`.
    Startup,
    /// `rebuffer_ratio`.
    RebufferRatio,
    /// `stalled_viewers`.
    StalledViewers,
    /// `error_ratio`.
    ErrorRatio,
    /// `playlist_age`.
    PlaylistAge,
    /// `clients_active`.
    ClientsActive,
    /// `restarts`.
    Restarts,
    /// `live_latency`.
    LiveLatency,
    /// `throughput`.
    Throughput,
}

labels!(Metric {
    SegmentDuration => "segment_duration",
    SegmentTtfb => "segment_ttfb",
    PlaylistDuration => "playlist_duration",
    Lateness => "lateness",
    LateRatio => "late_ratio",
    Startup => "startup",
    RebufferRatio => "rebuffer_ratio",
    StalledViewers => "stalled_viewers",
    ErrorRatio => "error_ratio",
    PlaylistAge => "playlist_age",
    ClientsActive => "clients_active",
    Restarts => "restarts",
    LiveLatency => "live_latency",
    Throughput => "throughput",
});

/// Which figure of many values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// Half are no higher.
    P50,
    /// 95 % are no higher.
    P95,
    /// 99 % are no higher.
    P99,
    /// The highest.
    Max,
    /// Arithmetic mean.
    Mean,
    /// The lowest.
    Min,
}

/// What kind of number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Seconds: `300ms`, `1.5s`.
    Time,
    /// Target durations of the playlist: `1.5td`.
    TargetDurations,
    /// From 0 to 1: `1%`.
    Share,
    /// A bare number.
    Number,
    /// Bits per second: `20Mbit/s`.
    Rate,
}

/// One figure to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Of what.
    pub metric: Metric,
    /// Which value of many.
    pub aggregate: Option<Aggregate>,
    /// Errors of this class only.
    pub class: Option<String>,
    /// As what.
    pub quantity: Quantity,
}

impl Metric {
    /// Its row in the table.
    pub fn definition(self) -> &'static Definition {
        &METRICS[self as usize]
    }

    /// It is read from requests; the others from processes.
    pub fn needs_the_wire(self) -> bool {
        !matches!(self, Self::ClientsActive | Self::Restarts)
    }
}

impl Aggregate {
    /// As names end.
    pub fn label(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Max => "max",
            Self::Mean => "mean",
            Self::Min => "min",
        }
    }

    fn of(self, percentiles: &Percentiles) -> Option<f64> {
        self.of_spread(&Spread::from(*percentiles))
    }

    fn of_spread(self, spread: &Spread) -> Option<f64> {
        match self {
            Self::P50 => Some(spread.p50),
            Self::P95 => Some(spread.p95),
            Self::P99 => Some(spread.p99),
            Self::Max => Some(spread.max),
            Self::Mean => Some(spread.mean),
            Self::Min => None,
        }
    }
}

impl Quantity {
    /// How values are written: each unit, and how much of the base unit (seconds, target durations, 1, bit/s) it is.
    pub fn units(self) -> &'static [(&'static str, f64)] {
        match self {
            Self::Time => &[("s", 1.0), ("ms", 1e-3)],
            Self::TargetDurations => &[("td", 1.0)],
            Self::Share => &[("%", 1e-2)],
            Self::Number => &[("", 1.0)],
            Self::Rate => &[("Mbit/s", 1e6), ("kbit/s", 1e3), ("Gbit/s", 1e9)],
        }
    }

    /// A value in words.
    pub fn say(self, value: f64) -> String {
        match self {
            Self::Time if value > 0.0 && value < 0.001 => format!("{:.2} ms", value * 1e3),
            Self::Time if value < 1.0 => format!("{:.0} ms", value * 1e3),
            Self::Time => format!("{value:.2} s"),
            Self::TargetDurations => format!("{value:.1} target durations"),
            Self::Share if value < 0.1 => format!("{:.2} %", value * 100.0),
            Self::Share => format!("{:.1} %", value * 100.0),
            Self::Number if value.fract() == 0.0 => format!("{value:.0}"),
            Self::Number => format!("{value:.2}"),
            Self::Rate => format!("{:.1} Mbit/s", value / 1e6),
        }
    }
}

impl Reading {
    /// The metric and what its name ends with. The quantity is the metric's first.
    pub fn named(name: &str) -> Option<Self> {
        METRICS.iter().find_map(|definition| Self::of(definition, name))
    }

    fn of(definition: &Definition, name: &str) -> Option<Self> {
        let end = name.strip_prefix(definition.name())?;
        let (metric, quantity) = (definition.metric, definition.quantities[0]);
        let reading = |aggregate, class| Some(Self { metric, aggregate, class, quantity });
        if end.is_empty() {
            return reading(definition.aggregates.first().copied(), None);
        }
        let end = end.strip_prefix('_')?;
        if definition.by_class && is_class(end) {
            return reading(None, Some(end.to_owned()));
        }
        let found = definition.aggregates.iter().find(|aggregate| aggregate.label() == end);
        found.and_then(|aggregate| reading(Some(*aggregate), None))
    }

    /// As users write it.
    pub fn name(&self) -> String {
        let name = self.metric.label();
        let end = self.class.as_deref().or(self.aggregate.map(Aggregate::label));
        end.map_or_else(|| name.to_owned(), |end| format!("{name}_{end}"))
    }

    /// Its value in the base unit of its quantity; `None` where nothing was seen.
    pub fn value(&self, figures: &Figures) -> Option<f64> {
        let of = |percentiles: &Option<Percentiles>| self.aggregate?.of(percentiles.as_ref()?);
        match self.metric {
            Metric::SegmentDuration => of(&figures.segment_duration),
            Metric::SegmentTtfb => of(&figures.segment_ttfb),
            Metric::PlaylistDuration => of(&figures.playlist_duration),
            Metric::Startup => of(&figures.startup),
            Metric::Lateness => self.aggregate?.of_spread(figures.lateness.as_ref()?),
            Metric::LateRatio => figures.late_ratio,
            Metric::RebufferRatio => figures.rebuffer_ratio,
            Metric::StalledViewers if self.quantity == Quantity::Share => figures.stalled_ratio,
            Metric::StalledViewers => figures.stalled_ratio.map(|_| figures.stalled_viewers.into()),
            Metric::ErrorRatio => self.error_ratio(figures),
            Metric::PlaylistAge if self.quantity == Quantity::TargetDurations => figures.playlist_age_targets,
            Metric::PlaylistAge => figures.playlist_age_s,
            Metric::ClientsActive => match (self.aggregate, self.quantity) {
                (Some(Aggregate::Mean), Quantity::Share) => figures.clients_active_mean_ratio,
                (Some(Aggregate::Mean), _) => figures.clients_active_mean,
                (_, Quantity::Share) => figures.clients_active_min_ratio,
                _ => figures.clients_active_min.map(f64::from),
            },
            Metric::Restarts => Some(figures.restarts as f64),
            Metric::LiveLatency if self.aggregate == Some(Aggregate::Max) => figures.live_latency_max_s,
            Metric::LiveLatency => figures.live_latency_p50_s,
            Metric::Throughput => figures.throughput_bits_per_s,
        }
    }

    fn error_ratio(&self, figures: &Figures) -> Option<f64> {
        let all = figures.error_ratio?;
        let Some(class) = &self.class else { return Some(all) };
        let is_it = |seen: &str| match class.strip_suffix("xx") {
            Some(hundreds) => seen.len() == 3 && seen.starts_with(hundreds),
            None => seen == class,
        };
        Some(
            figures
                .errors
                .iter()
                .filter(|error| is_it(&error.class))
                .map(|error| error.ratio)
                .fold(0.0, Add::add),
        )
    }
}

/// A status from 400, `4xx`, `5xx`, or a class that is no status.
fn is_class(text: &str) -> bool {
    let is_status = text.len() == 3 && text.parse::<u16>().is_ok_and(|status| (400..=599).contains(&status));
    is_status || matches!(text, "4xx" | "5xx") || ErrorClass::ALL.iter().any(|class| class.label() == text)
}

#[cfg(test)]
mod tests;
