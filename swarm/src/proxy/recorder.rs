//! Where Observations go the moment they are made: into the statistics and the metrics. No queue in between, so that
//! none can fill up, and nothing is lost.

use std::cmp::Reverse;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::open_requests::OpenRequests;
use super::redirects::Redirects;
use crate::generator::Starts;
use crate::observation::Observation;
use crate::output::wire_metrics::WireMetrics;
use crate::stats::{PlaybackState, ViewerSnapshot, Wire, WireSecond, WireSnapshot};

/// Viewers that are listed one by one: more than anybody scrolls through.
pub const MOST_LISTED: usize = 200;

/// Shared by all connections and by the dispatcher, which reads it once per tick.
#[derive(Debug)]
pub struct Recorder {
    wire: Mutex<Wire>,
    metrics: WireMetrics,
    /// Requests that have not ended.
    pub open: OpenRequests,
    /// Redirects on the way.
    pub redirects: Redirects,
    /// How long FFmpegs take to their first request.
    pub starts: Arc<Starts>,
}

impl Recorder {
    /// For a run of at most `clients` viewers that begins now.
    pub fn new(clients: u32, metrics: WireMetrics) -> Self {
        Self {
            wire: Mutex::new(Wire::new(clients, Instant::now())),
            metrics,
            open: OpenRequests::default(),
            redirects: Redirects::default(),
            starts: Arc::default(),
        }
    }

    /// Takes in one Observation.
    pub fn record(&self, observation: &Observation) {
        self.metrics.observe(observation);
        let startup = self.wire().observe(observation);
        if let Some(startup) = startup {
            self.metrics.started_after(startup);
        }
    }

    /// Lines of a playlist that passed through unread.
    pub fn count_unparsed(&self, lines: u32) {
        self.metrics.unparsed(lines);
    }

    /// The statistics. Held for microseconds only: every request waits for it.
    pub fn wire(&self) -> MutexGuard<'_, Wire> {
        // A panic in between can have lost at most the one Observation that caused it.
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the viewers' clocks go on to `now`, and shows the metrics what they know.
    pub fn tick(&self, now: Instant) -> WireSnapshot {
        let mut wire = self.wire();
        wire.tick(now);
        let snapshot = wire.snapshot(now);
        drop(wire);
        self.metrics.show(&snapshot, self.open.count());
        snapshot
    }

    /// What happened since this was last called; requests that have not ended are in it with their age.
    pub fn second(&self, now: Instant) -> WireSecond {
        let open = self.open.all(now);
        WireSecond { open, ..self.wire().take_second(now) }
    }

    /// The viewers that fare worst, the worst first, as they were at the last tick: at most [`MOST_LISTED`].
    pub fn worst_viewers(&self) -> Vec<ViewerSnapshot> {
        let mut viewers: Vec<_> = self.wire().viewers().collect();
        viewers.retain(|viewer| viewer.state != PlaybackState::Idle);
        viewers.sort_by_key(|viewer| (Reverse(viewer.trouble()), viewer.viewer));
        viewers.truncate(MOST_LISTED);
        viewers
    }

    /// Everything at this moment, with the histograms; requests that have not ended count as at least as old as they are.
    pub fn snapshot(&self, now: Instant) -> WireSnapshot {
        let open = self.open.all(now);
        let mut wire = self.wire();
        WireSnapshot { histograms: wire.histograms(), ..wire.snapshot_with(now, &open) }
    }
}
