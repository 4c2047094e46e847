//! What happens to a run, one thing at a time: signals, timers, reports, requests and ended tasks become an [`Event`]. Decides
//! nothing but which of those that are due at once comes first.

use std::time::{Duration, Instant};

use supervise::StopSignals;
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, sleep_until};

use super::Request;
use super::conductor::{Conductor, Event};
use super::crew::{Crew, Over};
use crate::viewer::Report;

/// How often the status is refreshed.
const TICK: Duration = Duration::from_secs(1);

/// Where events come from.
pub(super) struct Events {
    stop: StopSignals,
    requests: mpsc::Receiver<Request>,
    reports: mpsc::Receiver<Report>,
    tick: Interval,
    pub(super) viewers: Crew,
}

impl Events {
    pub(super) fn new(
        stop: StopSignals,
        requests: mpsc::Receiver<Request>,
        reports: mpsc::Receiver<Report>,
    ) -> Self {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self { stop, requests, reports, tick, viewers: Crew::default() }
    }

    /// The next one; of several that are due a stop is first, and the status last.
    pub(super) async fn next(&mut self, conductor: &mut Conductor) -> Event {
        tokio::select! {
            biased;
            urgency = self.stop.next() => Event::Stop(urgency),
            () = until(conductor.deadline()) => Event::DurationOver,
            Some(report) = self.reports.recv() => Event::Report(report),
            () = until(conductor.next_step()) => Event::StepDue,
            () = until(conductor.next_replacement()) => Event::ReplacementDue,
            Some(request) = self.requests.recv() => Event::Asked(request),
            Some(over) = self.viewers.next_over() => match over {
                Over::Gone(gone) => Event::ViewerGone(gone),
                // All that it told itself was taken before.
                Over::Lost(number, text) => {
                    Event::Report(conductor.last_report_of_lost(number, &text, Instant::now()))
                }
            },
            _ = self.tick.tick() => Event::Tick,
        }
    }

    /// No viewer is left, and nothing that one has told.
    pub(super) fn are_over(&self) -> bool {
        self.viewers.is_empty() && self.reports.is_empty()
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
