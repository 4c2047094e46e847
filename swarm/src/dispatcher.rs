//! The run: starts viewers as the ramp says, holds them for the duration, drains them, and keeps the books.
//!
//! [`Conductor`] is the logic: it is told what happened and answers with what to do, and owns no process, socket or
//! clock. [`run`] is the loop around it: it maps signals, timers, reports and ended tasks to an [`Event`] and carries
//! out the [`Action`].

use std::iter::Peekable;
use std::sync::Arc;
use std::time::{Duration, Instant};

use supervise::{Stop, StopSignals};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, sleep_until};

use crate::ffmpeg::{Launcher, Stream};
use crate::output::metrics::Metrics;
use crate::output::status::Status;
use crate::proxy::recorder::Recorder;
use crate::ramp::Ramp;
use crate::stats::{News, Snapshot, Stats, WireSnapshot};
use crate::viewer::{self, Happening, Report, Seat, Target};

/// Reports on their way to the dispatcher. Viewers wait when it is full, so a burst of ends costs no memory; a
/// thousand is what a mass reconnection brings at once.
const REPORTS_IN_FLIGHT: usize = 1024;

/// How often the status is refreshed.
const TICK: Duration = Duration::from_secs(1);

/// What to run.
#[derive(Debug)]
pub struct Run {
    /// Viewer n plays stream n modulo their number; not empty.
    pub streams: Vec<Stream>,
    /// How their FFmpegs are started.
    pub launcher: Arc<Launcher>,
    /// What the wire measures; `None` where FFmpegs fetch by themselves.
    pub recorder: Option<Arc<Recorder>>,
    /// How many viewers.
    pub clients: u32,
    /// When each starts.
    pub ramp: Ramp,
    /// From the first start; `None` until stopped.
    pub duration: Option<Duration>,
    /// For the viewers' backoffs.
    pub seed: u64,
}

/// How the run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// Its duration was over.
    Duration,
    /// A first signal: drained.
    Signal,
    /// A second signal: killed.
    SecondSignal,
}

/// What is left of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Why it ended.
    pub ended_by: EndedBy,
    /// When the end began, before any viewer was stopped.
    pub at_end: Snapshot,
    /// When everything had stopped.
    pub after: Snapshot,
    /// What the wire had measured when the end began; `None` where FFmpegs fetched by themselves.
    pub wire: Option<WireSnapshot>,
}

#[derive(Debug)]
enum Event {
    StartDue,
    DurationOver,
    Stop(Stop),
    Report(Report),
    /// A task ended, with the panic's text if it did not end in good order.
    ViewerGone(Option<String>),
    Tick,
}

#[must_use]
#[derive(Debug, PartialEq)]
enum Action {
    Nothing,
    Start(u32),
    Drain,
    Abort,
    Tell(News),
    ShowStatus,
}

/// The state of the run.
#[derive(Debug)]
struct Conductor {
    clients: u32,
    ramp: Peekable<Ramp>,
    duration: Option<Duration>,
    began: Instant,
    started: u32,
    phase: Phase,
    stats: Stats,
}

#[derive(Clone, Debug, PartialEq)]
enum Phase {
    Ramping,
    Holding,
    Draining { ended_by: EndedBy, at_end: Box<Snapshot> },
}

impl Conductor {
    fn new(clients: u32, ramp: Ramp, duration: Option<Duration>, now: Instant) -> Self {
        Self {
            clients,
            ramp: ramp.peekable(),
            duration,
            began: now,
            started: 0,
            phase: Phase::Ramping,
            stats: Stats::new(clients, now),
        }
    }

    fn target(&self) -> u32 {
        if matches!(self.phase, Phase::Draining { .. }) { 0 } else { self.clients }
    }

    /// When the next viewer starts; `None` when no more do.
    fn next_start(&mut self) -> Option<Instant> {
        if self.phase == Phase::Ramping { self.ramp.peek().map(|offset| self.began + *offset) } else { None }
    }

    /// When the run is over; `None` when only a signal ends it, or it is ending already.
    fn deadline(&self) -> Option<Instant> {
        if self.target() == 0 { None } else { self.duration.map(|duration| self.began + duration) }
    }

    fn handle(&mut self, event: Event, now: Instant) -> Action {
        match event {
            Event::StartDue => {
                self.ramp.next();
                let number = self.started;
                self.started += 1;
                if self.started == self.clients {
                    self.phase = Phase::Holding;
                }
                Action::Start(number)
            }
            Event::DurationOver => self.drain(EndedBy::Duration, now),
            Event::Stop(Stop::Gracefully) => self.drain(EndedBy::Signal, now),
            Event::Stop(Stop::AtOnce) => {
                // What was true when the end began stays: only the reason is a new one.
                let action = self.drain(EndedBy::SecondSignal, now);
                if let Phase::Draining { ended_by, .. } = &mut self.phase {
                    *ended_by = EndedBy::SecondSignal;
                }
                drop(action);
                Action::Abort
            }
            Event::Report(report) => match self.stats.record(&report, self.target(), now) {
                News::None => Action::Nothing,
                news @ News::NewFailure { .. } => Action::Tell(news),
            },
            Event::ViewerGone(None) => Action::Nothing,
            Event::ViewerGone(Some(panic)) => {
                tracing::error!("a viewer was lost to a fault in swarm itself, please report it: {panic}");
                Action::Nothing
            }
            Event::Tick if self.target() == 0 => Action::Nothing,
            Event::Tick => Action::ShowStatus,
        }
    }

    fn drain(&mut self, ended_by: EndedBy, now: Instant) -> Action {
        if matches!(self.phase, Phase::Draining { .. }) {
            return Action::Nothing;
        }
        let at_end = Box::new(self.stats.snapshot(self.clients, now));
        self.phase = Phase::Draining { ended_by, at_end };
        Action::Drain
    }

    fn outcome(&self, now: Instant) -> Outcome {
        let after = self.stats.snapshot(self.clients, now);
        match &self.phase {
            Phase::Draining { ended_by, at_end } => {
                Outcome { ended_by: *ended_by, at_end: (**at_end).clone(), after, wire: None }
            }
            // Every viewer was lost to a panic: as if a signal had come now.
            Phase::Ramping | Phase::Holding => {
                Outcome { ended_by: EndedBy::Signal, at_end: after.clone(), after, wire: None }
            }
        }
    }
}

/// Carries a run through to its end. Call it on the main thread: the processes that it starts live as long as the
/// thread.
pub async fn run(run: Run, mut stop: StopSignals, metrics: &Metrics, status: &mut Status) -> Outcome {
    let (target_sender, target) = watch::channel(Target(run.clients));
    let (reports_sender, mut reports) = mpsc::channel(REPORTS_IN_FLIGHT);
    let mut viewers = JoinSet::new();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut conductor = Conductor::new(run.clients, run.ramp.clone(), run.duration, Instant::now());
    metrics.set_target(run.clients);
    let mut wire_at_end = None;
    loop {
        let event = tokio::select! {
            biased;
            urgency = stop.next() => Event::Stop(urgency),
            () = until(conductor.deadline()) => Event::DurationOver,
            Some(report) = reports.recv() => Event::Report(report),
            () = until(conductor.next_start()) => Event::StartDue,
            Some(gone) = viewers.join_next() => Event::ViewerGone(gone.err().map(|error| error.to_string())),
            _ = tick.tick() => Event::Tick,
        };
        if let Event::Report(report) = &event {
            metrics.record(report);
            tell_wire(run.recorder.as_deref(), report);
        }
        match conductor.handle(event, Instant::now()) {
            Action::Nothing => {}
            Action::Start(number) => {
                let stream = &run.streams[number as usize % run.streams.len()];
                viewers.spawn(viewer::play(Seat {
                    number,
                    stream: stream.clone(),
                    launcher: Arc::clone(&run.launcher),
                    seed: run.seed.wrapping_add(u64::from(number)),
                    target: target.clone(),
                    reports: reports_sender.clone(),
                }));
                if conductor.phase == Phase::Holding {
                    metrics.set_ready();
                }
            }
            Action::Drain => {
                wire_at_end = run.recorder.as_ref().map(|recorder| recorder.snapshot(Instant::now()));
                metrics.set_target(0);
                status.say("stopping the viewers");
                target_sender.send_replace(Target(0));
            }
            Action::Abort => break,
            Action::Tell(news) => status.tell(&news),
            Action::ShowStatus => {
                let wire = run.recorder.as_ref().map(|recorder| recorder.tick(Instant::now()));
                let repeated = if status.is_due() { conductor.stats.repeated_failures() } else { Vec::new() };
                status.show(
                    wire.as_ref(),
                    &conductor.stats.totals(),
                    conductor.target(),
                    conductor.began.elapsed(),
                    &repeated,
                );
            }
        }
        if conductor.target() == 0 && viewers.is_empty() && reports.is_empty() {
            break;
        }
    }
    // Whatever still runs is killed here: tasks own their processes.
    viewers.shutdown().await;
    Outcome { wire: wire_at_end, ..conductor.outcome(Instant::now()) }
}

/// The wire sees requests only: when processes begin and end is told to it.
fn tell_wire(recorder: Option<&Recorder>, report: &Report) {
    let Some(recorder) = recorder else { return };
    match report.what {
        Happening::Started(_) => recorder.wire().process_started(report.viewer, report.session, report.at),
        Happening::Ended(_) => recorder.wire().process_ended(report.viewer, report.at),
        Happening::NotStarted { .. } | Happening::Playing => {}
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::viewer::StartKind;

    fn conductor(clients: u32, duration_s: u64) -> Conductor {
        let duration = (duration_s > 0).then(|| Duration::from_secs(duration_s));
        Conductor::new(clients, Ramp::new(10.0, 0.0, 1), duration, Instant::now())
    }

    #[test]
    fn viewers_start_in_order_and_then_no_more_do() {
        let mut conductor = conductor(3, 0);
        let began = conductor.began;
        for number in 0..3 {
            assert_eq!(conductor.next_start(), Some(began + Duration::from_millis(100) * number));
            assert_eq!(conductor.handle(Event::StartDue, began), Action::Start(number));
        }
        assert_eq!((conductor.next_start(), &conductor.phase), (None, &Phase::Holding));
    }

    #[test]
    fn a_stop_in_the_ramp_ends_the_ramp() {
        let mut conductor = conductor(3, 60);
        let now = conductor.began;
        assert_eq!(conductor.handle(Event::StartDue, now), Action::Start(0));
        assert_eq!(conductor.handle(Event::Stop(Stop::Gracefully), now), Action::Drain);
        assert_eq!((conductor.target(), conductor.next_start(), conductor.deadline()), (0, None, None));
    }

    #[test]
    fn the_duration_is_counted_from_the_first_start_and_drains() {
        let mut conductor = conductor(1, 60);
        let end = conductor.began + Duration::from_secs(60);
        assert_eq!(conductor.deadline(), Some(end));
        assert_eq!(conductor.handle(Event::DurationOver, end), Action::Drain);
        assert_eq!(conductor.outcome(end).ended_by, EndedBy::Duration);
    }

    #[test]
    fn a_second_signal_aborts_and_the_outcome_says_so() {
        let mut conductor = conductor(1, 0);
        let now = conductor.began;
        assert_eq!(conductor.handle(Event::Stop(Stop::Gracefully), now), Action::Drain);
        assert_eq!(conductor.handle(Event::Stop(Stop::AtOnce), now), Action::Abort);
        assert_eq!(conductor.outcome(now).ended_by, EndedBy::SecondSignal);
    }

    #[test]
    fn what_the_outcome_says_of_the_end_is_from_before_the_stop() {
        let mut conductor = conductor(1, 60);
        let now = conductor.began;
        let started = Report { viewer: 0, session: 0, at: now, what: Happening::Started(StartKind::First) };
        assert_eq!(conductor.handle(Event::Report(started), now), Action::Nothing);
        assert_eq!(conductor.handle(Event::DurationOver, now), Action::Drain);
        let ended = viewer::Ended {
            exit: supervise::Exit::Code(255),
            ending: viewer::Ending::Stopped,
            ran: Duration::ZERO,
            media: Duration::ZERO,
            said: Vec::new(),
        };
        let ended = Report { viewer: 0, session: 0, at: now, what: Happening::Ended(ended) };
        assert_eq!(conductor.handle(Event::Report(ended), now), Action::Nothing);
        let outcome = conductor.outcome(now);
        assert_eq!((outcome.at_end.totals.active, outcome.after.totals.active), (1, 0));
    }
}
