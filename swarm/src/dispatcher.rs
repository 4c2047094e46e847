//! The run: starts viewers as the ramp says, holds them for the duration, moves their number when asked to, drains
//! them, and keeps the books.
//!
//! [`Conductor`] is the logic: it is told what happened and answers with what to do, and owns no process, socket or
//! clock. [`Events`] makes an [`Event`] of whatever comes next: signals, timers, requests, reports, ended tasks. [`run`] is
//! the loop between both, and carries out the [`Action`].

mod approach;
mod conductor;
mod crew;
mod events;
mod overseer;
mod replacements;
mod seats;

use std::sync::Arc;
use std::time::{Duration, Instant};

use supervise::StopSignals;
use tokio::sync::{mpsc, watch};

use crate::ffmpeg::{Launcher, Stream};
use crate::generator::{GeneratorSnapshot, Watch};
use crate::judge::Judgement;
use crate::limit_run::{FindLimit, Finding};
use crate::origin_metrics::{OriginSnapshot, Scraper};
use crate::output::metrics::Metrics;
use crate::output::moment::Moment;
use crate::output::status::Status;
use crate::proxy::recorder::Recorder;
use crate::ramp::Ramp;
use crate::stats::{SessionEnd, Snapshot, WireSnapshot};
use crate::threshold::Threshold;
use crate::verdict::Verdict;
use crate::viewer::{self, Ending, Gone, Happening, Report, Seat, StartKind, Target};

pub use approach::Pace;

use conductor::{Action, Conductor, Event};
use events::Events;
use overseer::{Overseer, Sources, Wish};

/// Reports on their way to the dispatcher. Viewers wait when it is full, so a burst of ends costs no memory; a
/// thousand is what a mass reconnection brings at once.
const REPORTS_IN_FLIGHT: usize = 1024;

/// Requests for another number of viewers on their way. Who asks waits for its turn: the next request makes the last
/// one pointless, so there is no use in many.
const REQUESTS_IN_FLIGHT: usize = 4;

/// What to run.
#[derive(Debug)]
pub struct Run {
    /// Viewer n plays stream n modulo their number; not empty.
    pub streams: Vec<Stream>,
    /// How their FFmpegs are started.
    pub launcher: Arc<Launcher>,
    /// What the wire measures; `None` where FFmpegs fetch by themselves.
    pub recorder: Option<Arc<Recorder>>,
    /// Watches the load box since now.
    pub generator: Arc<Watch>,
    /// Reads the origin's own metrics; `None` where nobody asked for them.
    pub origin: Option<Scraper>,
    /// How many viewers, until somebody asks for another number.
    pub clients: u32,
    /// How a rise is paced.
    pub ramp: Ramp,
    /// When the first viewer starts: now.
    pub began: Instant,
    /// From the first start; `None` until stopped.
    pub duration: Option<Duration>,
    /// What it must hold.
    pub thresholds: Vec<Threshold>,
    /// The limit that it shall find, if it shall.
    pub search: Option<FindLimit>,
    /// For the viewers' backoffs.
    pub seed: u64,
}

/// A request for another number of viewers. Viewers are added and removed, those that stay are left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steer {
    /// How many shall run.
    pub viewers: u32,
    /// How to get there.
    pub pace: Pace,
}

/// What can be asked of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Another number of viewers.
    Steer(Steer),
    /// The number that runs at this moment: a ramp stops where it is.
    Hold,
}

/// The channel of requests: its sender asks, its receiver is given to [`run`].
pub fn requests() -> (mpsc::Sender<Request>, mpsc::Receiver<Request>) {
    mpsc::channel(REQUESTS_IN_FLIGHT)
}

/// How the run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// Its duration was over.
    Duration,
    /// A first signal: drained.
    Signal,
    /// A key of the dashboard: drained.
    Key,
    /// A second signal, or a key once more: killed.
    SecondSignal,
    /// A threshold was crossed that says `abort`: drained.
    Threshold,
    /// The search for the limit was over: drained.
    Search,
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
    /// The load box until the end began.
    pub generator: GeneratorSnapshot,
    /// What the origin's own metrics said until the end began.
    pub origin: Option<OriginSnapshot>,
    /// What was judged until the end began.
    pub judgement: Judgement,
    /// What that means; of a search for the limit nothing, because levels are meant to fail.
    pub verdict: Verdict,
    /// What the search for the limit found, if there was one.
    pub limit: Option<Finding>,
}

/// Carries a run through to its end. Call it on the main thread: the processes that it starts live as long as the
/// thread.
pub async fn run(
    run: Run,
    stop: StopSignals,
    requests: mpsc::Receiver<Request>,
    metrics: &Metrics,
    status: &mut Status,
) -> Outcome {
    run_with(run, stop, requests, metrics, status, viewer::play).await
}

/// The same with viewers that are whatever `play` makes of a seat. One that panics is lost, costs nothing else, and is
/// replaced.
async fn run_with<Viewer: Future<Output = Gone> + Send + 'static>(
    mut run: Run,
    stop: StopSignals,
    requests: mpsc::Receiver<Request>,
    metrics: &Metrics,
    status: &mut Status,
    play: impl Fn(Seat) -> Viewer,
) -> Outcome {
    let (target_sender, target) = watch::channel(Target(0));
    let (reports_sender, reports) = mpsc::channel(REPORTS_IN_FLIGHT);
    let mut events = Events::new(stop, requests, reports);
    let mut conductor = Conductor::new(run.clients, run.ramp, run.duration, run.began);
    metrics.set_target(conductor.target());
    let thresholds = std::mem::take(&mut run.thresholds);
    let mut overseer = Some(Overseer::new(thresholds, run.search.take(), run.began));
    let mut at_end = AtEnd::default();
    let sources =
        Sources { recorder: run.recorder.as_deref(), generator: &run.generator, origin: run.origin.as_ref() };
    loop {
        let event = events.next(&mut conductor).await;
        if let Event::Report(report) = &event {
            metrics.record(report);
            tell_wire(run.recorder.as_deref(), report);
        }
        let now = Instant::now();
        let action = conductor.handle(event, now);
        if matches!(action, Action::Drain | Action::Abort | Action::ShowStatus) {
            note_media(run.recorder.as_deref(), &mut conductor);
        }
        if matches!(action, Action::Drain | Action::Abort)
            && let Some(overseer) = overseer.take()
        {
            at_end = AtEnd::of(overseer, &conductor, sources, now);
        }
        match action {
            Action::Nothing => {}
            Action::Start { number, session, kind } => {
                let ends = (target.clone(), reports_sender.clone());
                events.viewers.spawn(number, play(seat(&run, number, session, kind, ends)));
            }
            Action::Drain => status.stopping(),
            Action::Abort => break,
            Action::Tell(news) => status.tell(&news),
            Action::ShowStatus => match look(&mut conductor, &mut overseer, sources, metrics, status, now) {
                Wish::Nothing => {}
                Wish::Steer(steer) => conductor.steer(steer, now),
                Wish::End(ended_by) => conductor.end(ended_by, now),
            },
        }
        // Before the loop waits again: until then no viewer that was started just now has run.
        tell_target(&conductor, &target_sender, run.recorder.as_deref(), metrics, now);
        if conductor.is_draining() && events.are_over() {
            break;
        }
    }
    // Whatever still runs is killed here: tasks own their processes.
    events.viewers.shutdown().await;
    let AtEnd { wire, generator, origin, judgement, limit } = at_end;
    let outcome = conductor.outcome(Instant::now());
    let verdict = Verdict::of(&judgement.evidence, outcome.after.totals.have_played > 0);
    Outcome { wire, generator, origin, judgement, verdict, limit, ..outcome }
}

/// Where a viewer of this number plays.
fn seat(
    run: &Run,
    number: u32,
    session: u32,
    first_start: StartKind,
    (target, reports): (watch::Receiver<Target>, mpsc::Sender<Report>),
) -> Seat {
    Seat {
        number,
        session,
        first_start,
        stream: run.streams[number as usize % run.streams.len()].clone(),
        launcher: Arc::clone(&run.launcher),
        seed: run.seed.wrapping_add(u64::from(number)),
        wire: run.recorder.clone(),
        target,
        reports,
    }
}

/// FFmpeg tells of its progress seconds later than the wire sees it.
fn note_media(recorder: Option<&Recorder>, conductor: &mut Conductor) {
    if let Some(recorder) = recorder {
        recorder.wire().viewers_with_media().for_each(|viewer| conductor.stats.saw_media(viewer));
    }
}

/// A second is over: the overseer judges it, everybody sees it, and what the overseer wishes is returned.
fn look(
    conductor: &mut Conductor,
    overseer: &mut Option<Overseer>,
    sources: Sources<'_>,
    metrics: &Metrics,
    status: &mut Status,
    now: Instant,
) -> Wish {
    let wire = sources.recorder.map(|recorder| recorder.tick(Instant::now()));
    let second = |overseer: &mut Overseer| overseer.second(conductor, sources, metrics, now);
    let wish = overseer.as_mut().map_or(Wish::Nothing, second);
    let repeated = if status.is_due() { conductor.stats.repeated_failures() } else { Vec::new() };
    let moment = Moment { wire, ..moment(conductor, overseer.as_ref(), sources, status) };
    status.show(moment, &repeated);
    wish
}

/// What was true when the end began, before any viewer heard of it.
#[derive(Default)]
struct AtEnd {
    wire: Option<WireSnapshot>,
    generator: GeneratorSnapshot,
    origin: Option<OriginSnapshot>,
    judgement: Judgement,
    limit: Option<Finding>,
}

impl AtEnd {
    fn of(overseer: Overseer, conductor: &Conductor, sources: Sources<'_>, now: Instant) -> Self {
        let wire = sources.recorder.map(|recorder| recorder.snapshot(now));
        let (judgement, limit) = overseer.conclude(conductor, sources, now);
        let origin = sources.origin.map(Scraper::snapshot);
        Self { wire, generator: sources.generator.snapshot(), origin, judgement, limit }
    }
}

/// What is shown of this moment, but for the wire.
fn moment(
    conductor: &Conductor,
    overseer: Option<&Overseer>,
    sources: Sources<'_>,
    status: &Status,
) -> Moment {
    let (target, wanted) = conductor.aims();
    let (failures, other_failures) =
        if status.wants_failures() { conductor.stats.failures() } else { Default::default() };
    let viewers = sources.recorder.filter(|_| status.wants_viewers());
    Moment {
        elapsed: conductor.began.elapsed(),
        target,
        wanted,
        totals: conductor.stats.totals(),
        wire: None,
        generator: sources.generator.latest(),
        origin: sources.origin.and_then(Scraper::latest),
        verdict: overseer.and_then(Overseer::verdict).cloned(),
        search: overseer.and_then(Overseer::bracket),
        failures,
        other_failures,
        viewers: viewers.map(Recorder::worst_viewers).unwrap_or_default(),
    }
}

/// Lets viewers, wire and metrics know how many shall run. A viewer that is removed has done nothing wrong: the wire
/// forgets it before its FFmpeg is told to go, so that how long that takes is no stall.
fn tell_target(
    conductor: &Conductor,
    target: &watch::Sender<Target>,
    recorder: Option<&Recorder>,
    metrics: &Metrics,
    now: Instant,
) {
    metrics.set_target(conductor.target());
    let wanted = conductor.wanted();
    if wanted == conductor.target() && !conductor.is_draining() {
        metrics.set_ready();
    }
    let before = target.borrow().0;
    if before == wanted {
        return;
    }
    if let Some(recorder) = recorder {
        recorder.wire().viewers_removed(wanted..before, now);
    }
    target.send_replace(Target(wanted));
}

/// The wire sees requests only: when processes begin and end is told to it.
fn tell_wire(recorder: Option<&Recorder>, report: &Report) {
    let Some(recorder) = recorder else { return };
    let &Report { viewer, session, at, ref what } = report;
    match what {
        Happening::Started(_) => {
            recorder.starts.started(viewer, session, at);
            recorder.wire().process_started(viewer, session, at);
        }
        Happening::Ended(ended) => {
            recorder.starts.ended(viewer);
            let end = match ended.ending {
                Ending::Failed { .. } => SessionEnd::Failed,
                Ending::Stopped | Ending::Completed => SessionEnd::Over,
                // A start that we spoiled ourselves: as if it had not been.
                Ending::LookedTooShort => {
                    return recorder.wire().viewers_removed(viewer..viewer + 1, at);
                }
            };
            recorder.wire().process_ended(viewer, session, end, at);
        }
        // As a start that we spoiled ourselves: what it missed is not the origin's.
        Happening::Lost { .. } => {
            recorder.starts.ended(viewer);
            recorder.wire().viewers_removed(viewer..viewer + 1, at);
        }
        Happening::NotStarted { .. } | Happening::Playing => {}
    }
}

#[cfg(test)]
mod tests;
