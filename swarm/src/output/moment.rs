//! The run at one moment, as whatever shows it while it goes on reads it: plain values that `stats`, `generator`, `judge`
//! and the search have computed.

use std::time::Duration;

use crate::generator::Sample;
use crate::origin_metrics::OriginSample;
use crate::stats::{FailureKind, Totals, ViewerSnapshot, WireSnapshot};
use crate::verdict::Verdict;

/// The run at one moment. What is not known, or not measured, is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moment {
    /// Since the run began.
    pub elapsed: Duration,
    /// How many viewers shall run in the end.
    pub target: u32,
    /// How many shall run now: fewer, while the ramp is on its way to the target.
    pub wanted: u32,
    /// Counts of processes and viewers.
    pub totals: Totals,
    /// What the wire saw; `None` where FFmpegs fetch by themselves.
    pub wire: Option<WireSnapshot>,
    /// The load box in its last whole second.
    pub generator: Option<Sample>,
    /// The origin's own figures in its last whole second, where somebody asks for them.
    pub origin: Option<OriginSample>,
    /// How it goes so far; `None` before a second was judged, and while a limit is searched, because levels are meant to
    /// fail.
    pub verdict: Option<Verdict>,
    /// The search for the limit, where there is one.
    pub search: Option<Bracket>,
    /// Kinds of failures, most frequent first. Empty where nobody shows them.
    pub failures: Vec<FailureKind>,
    /// Failures beyond those kinds.
    pub other_failures: u64,
    /// The viewers in the worst state first. Empty where nobody shows them.
    pub viewers: Vec<ViewerSnapshot>,
}

/// How far the search for the limit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bracket {
    /// Viewers of the level that is tried now; 0 when the search is over.
    pub trying: u32,
    /// Most viewers that held.
    pub held: u32,
    /// Fewest that did not.
    pub failed: Option<u32>,
}
