//! What is known of the run: the viewers' reports and the wire's observations, added up, and read as a [`Snapshot`] or as
//! [`Figures`] by everything that shows or judges it.

mod counts;
mod failures;
mod histogram;
mod latency;
mod metric;
mod playback;
mod playlists;
mod run;
mod second;
mod series;
mod window;
mod wire;

pub use counts::Counts;
pub use failures::{FailureKind, Failures};
pub use histogram::{HistogramRecord, Measure};
pub use latency::{Durations, Latency, NoHistogram, Percentiles, StillOpen};
pub use metric::{Aggregate, Definition, METRICS, Metric, Quantity, Reading, metrics_table};
pub use playback::{Effects, Playback, PlaybackState, PlaybackTotals, PlaybackView, STALL_FROM, SessionEnd};
pub use playlists::{
    Freshness, MOST_PLAYLISTS, PlaylistHealth, Playlists, STALE_AFTER_TARGETS, STUCK_AFTER_TARGETS,
};
pub use run::{News, Snapshot, Stats, Totals};
pub use second::{PlaylistAge, Second, Seconds, WireSecond};
pub use series::{MOST_ROWS, Row, Series, fold};
pub use window::{ErrorShare, Figures, Spread, Window};
pub use wire::{
    ErrorKind, KindSnapshot, KindTotals, OutagesSnapshot, PlaybackSnapshot, StatusCount, ViewerSnapshot,
    Wire, WireSnapshot,
};
