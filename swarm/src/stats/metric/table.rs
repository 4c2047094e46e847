//! The table of the figures that can be judged: the list that is printed, the list that is documented, and what the name
//! in a threshold is looked up in. Pure.

use std::fmt::Write as _;

use super::{Aggregate, Metric, Quantity};

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// What it defines.
    pub metric: Metric,
    /// What its name may end with; the first is meant where it ends with none. Empty where there is but one value.
    pub aggregates: &'static [Aggregate],
    /// Its name may also end with a status (`503`), a class of statuses (`4xx`, `5xx`) or an error class (`timeout`).
    pub by_class: bool,
    /// What it may be compared with.
    pub quantities: &'static [Quantity],
    /// What it is.
    pub meaning: &'static str,
}

const PERCENTILES: &[Aggregate] =
    &[Aggregate::P95, Aggregate::P50, Aggregate::P99, Aggregate::Max, Aggregate::Mean];

/// Everything that can be judged, in the order of [`Metric`].
pub const METRICS: &[Definition; Metric::ALL.len()] = &[
    Definition {
        metric: Metric::SegmentDuration,
        aggregates: PERCENTILES,
        by_class: false,
        quantities: &[Quantity::Time],
        meaning: "from request to last byte, of segments that succeeded; open ones count as long as they have taken",
    },
    Definition {
        metric: Metric::SegmentTtfb,
        aggregates: PERCENTILES,
        by_class: false,
        quantities: &[Quantity::Time],
        meaning: "from request to first byte, of segments that succeeded; open ones count as long as they have taken",
    },
    Definition {
        metric: Metric::PlaylistDuration,
        aggregates: PERCENTILES,
        by_class: false,
        quantities: &[Quantity::Time],
        meaning: "from request to last byte, of media playlists that succeeded; open ones count as long as they have taken",
    },
    Definition {
        metric: Metric::Lateness,
        aggregates: PERCENTILES,
        by_class: false,
        quantities: &[Quantity::Number, Quantity::Share],
        meaning: "time to fetch a segment / its media: from 1 on it plays faster than it comes",
    },
    Definition {
        metric: Metric::LateRatio,
        aggregates: &[],
        by_class: false,
        quantities: &[Quantity::Share, Quantity::Number],
        meaning: "segments that took longer to fetch than to play / segments",
    },
    Definition {
        metric: Metric::Startup,
        aggregates: PERCENTILES,
        by_class: false,
        quantities: &[Quantity::Time],
        meaning: "from the start of an FFmpeg to its first complete segment; those that still wait count as long as they have",
    },
    Definition {
        metric: Metric::RebufferRatio,
        aggregates: &[],
        by_class: false,
        quantities: &[Quantity::Share, Quantity::Number],
        meaning: "(stalled + interrupted) / (stalled + interrupted + playing), over all viewers",
    },
    Definition {
        metric: Metric::StalledViewers,
        aggregates: &[],
        by_class: false,
        quantities: &[Quantity::Number, Quantity::Share],
        meaning: "viewers that were stalled or interrupted at some time, or their share of those that should run",
    },
    Definition {
        metric: Metric::ErrorRatio,
        aggregates: &[],
        by_class: true,
        quantities: &[Quantity::Share, Quantity::Number],
        meaning: "requests that failed / requests that FFmpeg did not give up; of one class: `error_ratio_503`, `error_ratio_5xx`, `error_ratio_timeout`",
    },
    Definition {
        metric: Metric::PlaylistAge,
        aggregates: &[],
        by_class: false,
        quantities: &[Quantity::Time, Quantity::TargetDurations],
        meaning: "longest time for which a live playlist is known to have gained no segment",
    },
    Definition {
        metric: Metric::ClientsActive,
        aggregates: &[Aggregate::Min, Aggregate::Mean],
        by_class: false,
        quantities: &[Quantity::Number, Quantity::Share],
        meaning: "FFmpegs that run, or their share of the viewers that should, second by second",
    },
    Definition {
        metric: Metric::Restarts,
        aggregates: &[],
        by_class: false,
        quantities: &[Quantity::Number],
        meaning: "processes that were started to replace one that failed",
    },
    Definition {
        metric: Metric::LiveLatency,
        aggregates: &[Aggregate::P50, Aggregate::Max],
        by_class: false,
        quantities: &[Quantity::Time],
        meaning: "media between the playhead and the end of the playlist, over the viewers, in the worst second",
    },
    Definition {
        metric: Metric::Throughput,
        aggregates: &[],
        by_class: false,
        quantities: &[Quantity::Rate],
        meaning: "bits of all bodies that ended, per second",
    },
];

/// Name, endings, units and meaning of each metric, one per line.
pub fn metrics_table() -> String {
    let mut text = String::new();
    for definition in METRICS {
        let (name, endings) = (definition.name(), definition.endings());
        let units = definition.units();
        // Writing to a string cannot fail.
        writeln!(text, "{name:<19}{endings:<34}{units:<24}{}", definition.meaning).unwrap_or_default();
    }
    text
}

// A metric is the index of its row.
const _: () = {
    let mut n = 0;
    while n < METRICS.len() {
        assert!(METRICS[n].metric as usize == n, "the rows stand in the order of the metrics");
        n += 1;
    }
};

impl Definition {
    /// As it is written where it ends with nothing.
    pub fn name(&self) -> &'static str {
        self.metric.label()
    }

    /// What the name may end with, as the table shows it.
    pub fn endings(&self) -> String {
        let mut endings: Vec<_> =
            self.aggregates.iter().map(|aggregate| format!("_{}", aggregate.label())).collect();
        if self.by_class {
            endings.push("_STATUS, _4xx, _5xx, _CLASS".to_owned());
        }
        endings.join(", ")
    }

    /// Units of what it may be compared with; a bare number is `1`.
    pub fn units(&self) -> String {
        let units = self.quantities.iter().flat_map(|quantity| quantity.units());
        let units: Vec<_> = units.map(|(unit, _)| if unit.is_empty() { "1" } else { unit }).collect();
        units.join(", ")
    }
}
