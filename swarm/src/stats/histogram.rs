//! Durations as a report keeps them: compressed, and whole, so that the reports of several load boxes add up exactly.
//! Pure.

use serde::{Deserialize, Serialize};

use super::latency::Durations;
use crate::observation::Kind;

/// All durations of a kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistogramRecord {
    /// Of which requests; null for start-ups, which are of viewers.
    pub kind: Option<Kind>,
    /// What was measured.
    pub measure: Measure,
    /// How many there are.
    pub count: u64,
    /// In microseconds, as [`Durations::encode`] writes them.
    pub hdr_us: String,
}

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// From request to last byte.
    Duration,
    /// From request to first byte.
    Ttfb,
    /// From the start of a process to its first complete segment.
    Startup,
}

impl HistogramRecord {
    /// Says something of the whole run: of what watchers wait for, not of what is asked for once.
    pub fn is_telling(&self) -> bool {
        matches!(self.kind, None | Some(Kind::Segment | Kind::Playlist))
    }

    /// `None` of no durations.
    pub fn of(kind: Option<Kind>, measure: Measure, durations: &Durations) -> Option<Self> {
        let hdr_us = durations.encode()?;
        Some(Self { kind, measure, count: durations.percentiles()?.count, hdr_us })
    }
}
