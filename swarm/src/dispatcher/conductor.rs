//! The logic of a run: told what happened, answers with what to do. Owns no process, socket or clock.

use std::time::{Duration, Instant};

use supervise::{By, Stop};

use super::approach::{Approach, Pace, Step};
use super::replacements::Replacements;
use super::seats::Seats;
use super::{EndedBy, Outcome, Request, Steer};
use crate::generator::GeneratorSnapshot;
use crate::judge::Judgement;
use crate::ramp::Ramp;
use crate::stats::{News, Snapshot, Stats};
use crate::verdict::Verdict;
use crate::viewer::{Gone, Happening, Report, StartKind};

/// A lost viewer may have started one process of which it could not tell any more: its replacement counts on behind that.
const SESSIONS_UNTOLD: u32 = 1;

#[derive(Debug)]
pub(super) enum Event {
    /// The number of viewers takes its next step, up or down.
    StepDue,
    /// Another viewer takes the place of one that was lost.
    ReplacementDue,
    DurationOver,
    Stop(Stop),
    Asked(Request),
    Report(Report),
    /// A viewer's task has ended.
    ViewerGone(Gone),
    Tick,
}

#[must_use]
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    Nothing,
    /// The viewer of this number, whose first process has this one, and is started as this.
    Start {
        number: u32,
        session: u32,
        kind: StartKind,
    },
    Drain,
    Abort,
    Tell(News),
    ShowStatus,
}

/// The state of the run.
#[derive(Debug)]
pub(super) struct Conductor {
    duration: Option<Duration>,
    pub(super) began: Instant,
    approach: Approach,
    seats: Seats,
    replacements: Replacements,
    phase: Phase,
    /// What ends the run before its duration is over, and since when.
    end: Option<(EndedBy, Instant)>,
    pub(super) stats: Stats,
}

#[derive(Clone, Debug, PartialEq)]
enum Phase {
    Running,
    Draining { ended_by: EndedBy, at_end: Box<Snapshot> },
}

impl Conductor {
    /// `clients` viewers shall run at first.
    pub(super) fn new(clients: u32, ramp: Ramp, duration: Option<Duration>, now: Instant) -> Self {
        let mut approach = Approach::new(ramp, now);
        approach.aim_at(clients, Pace::Ramp, now);
        Self {
            duration,
            began: now,
            approach,
            seats: Seats::default(),
            replacements: Replacements::default(),
            phase: Phase::Running,
            end: None,
            stats: Stats::new(clients, now),
        }
    }

    pub(super) fn is_draining(&self) -> bool {
        matches!(self.phase, Phase::Draining { .. })
    }

    /// How many viewers shall run: the aim of the ramp.
    pub(super) fn target(&self) -> u32 {
        if self.is_draining() { 0 } else { self.approach.aim() }
    }

    /// How many viewers shall run, in the end and at this moment, also when the run is ending.
    pub(super) fn aims(&self) -> (u32, u32) {
        (self.approach.aim(), self.approach.position())
    }

    /// The run ends for this reason, as if its duration were over.
    pub(super) fn end(&mut self, ended_by: EndedBy, now: Instant) {
        self.end.get_or_insert((ended_by, now));
    }

    /// Another number of viewers shall run. A run that is ending has no use for it.
    pub(super) fn steer(&mut self, Steer { viewers, pace }: Steer, now: Instant) {
        if !self.is_draining() {
            self.approach.aim_at(viewers, pace, now);
            self.stats.aim_at(viewers, now);
        }
    }

    /// How many shall run at this moment: the position of the ramp.
    pub(super) fn wanted(&self) -> u32 {
        if self.is_draining() { 0 } else { self.approach.position() }
    }

    /// When the number of viewers changes next; `None` while it must not. A seat whose last viewer is still on its way
    /// out holds the rise up: were it wanted again now, that viewer might never hear that it was to go.
    pub(super) fn next_step(&self) -> Option<Instant> {
        let is_held_up = self.approach.next_up().is_some_and(|number| self.seats.is_taken(number));
        if self.is_draining() || is_held_up { None } else { self.approach.next_step() }
    }

    /// When the next viewer that was lost is replaced.
    pub(super) fn next_replacement(&self) -> Option<Instant> {
        self.replacements.next().filter(|_| !self.is_draining())
    }

    /// What a viewer would have told last, had it not been lost to a panic with this text. Its own reports come first.
    pub(super) fn last_report_of_lost(&self, viewer: u32, panic: &str, at: Instant) -> Report {
        let told = self.seats.told(viewer);
        let what = Happening::Lost {
            reason: format!("swarm lost the viewer to a fault of its own, please report it: {panic}"),
            ran: told.is_some_and(|told| told.runs),
        };
        Report { viewer, session: told.map_or(0, |told| told.session), at, what }
    }

    /// When the run is over; `None` when only a signal ends it, or it is ending already.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let ended = self.end.map(|(_, at)| at);
        let over = ended.or_else(|| self.duration.map(|duration| self.began + duration));
        over.filter(|_| !self.is_draining())
    }

    pub(super) fn handle(&mut self, event: Event, now: Instant) -> Action {
        match event {
            Event::StepDue => match self.approach.step() {
                Some(Step::Up(number)) => {
                    self.replacements.forget(number);
                    self.start(number, StartKind::First)
                }
                Some(Step::Down(_)) | None => Action::Nothing,
            },
            Event::ReplacementDue => match self.replacements.take(now) {
                Some((number, kind)) if number < self.wanted() => self.start(number, kind),
                // Nobody wants it any more.
                Some(_) | None => Action::Nothing,
            },
            Event::DurationOver => {
                self.drain(self.end.map_or(EndedBy::Duration, |(ended_by, _)| ended_by), now)
            }
            Event::Stop(Stop::Gracefully(By::Signal)) => self.drain(EndedBy::Signal, now),
            Event::Stop(Stop::Gracefully(By::Button)) => self.drain(EndedBy::Key, now),
            Event::Stop(Stop::AtOnce) => {
                // What was true when the end began stays: only the reason is a new one.
                let action = self.drain(EndedBy::SecondSignal, now);
                if let Phase::Draining { ended_by, .. } = &mut self.phase {
                    *ended_by = EndedBy::SecondSignal;
                }
                drop(action);
                Action::Abort
            }
            Event::Asked(Request::Steer(steer)) => {
                self.steer(steer, now);
                Action::Nothing
            }
            Event::Asked(Request::Hold) => {
                self.steer(Steer { viewers: self.approach.position(), pace: Pace::Ramp }, now);
                Action::Nothing
            }
            Event::Report(report) => {
                self.seats.note(&report);
                if matches!(report.what, Happening::Lost { .. }) {
                    self.replace(report.viewer, now);
                }
                match self.stats.record(&report, self.target(), now) {
                    News::None => Action::Nothing,
                    news @ News::NewFailure { .. } => Action::Tell(news),
                }
            }
            Event::ViewerGone(gone) => {
                self.free(gone, now);
                Action::Nothing
            }
            Event::Tick if self.is_draining() => Action::Nothing,
            Event::Tick => Action::ShowStatus,
        }
    }

    fn start(&mut self, number: u32, kind: StartKind) -> Action {
        Action::Start { number, session: self.seats.take(number, kind), kind }
    }

    /// Another viewer will take the seat of this one, which was lost, if it is still wanted.
    fn replace(&mut self, viewer: u32, now: Instant) {
        let Some(told) = self.seats.told(viewer) else { return };
        self.free(Gone { viewer, next_session: told.session + 1 + SESSIONS_UNTOLD }, now);
        if viewer < self.wanted() {
            self.replacements.lost(viewer, told.next, now);
        }
    }

    fn free(&mut self, Gone { viewer, next_session }: Gone, now: Instant) {
        self.seats.free(viewer, next_session);
        if self.approach.next_up() == Some(viewer) {
            self.approach.postpone(now);
        }
    }

    fn drain(&mut self, ended_by: EndedBy, now: Instant) -> Action {
        if self.is_draining() {
            return Action::Nothing;
        }
        let at_end = Box::new(self.stats.snapshot(self.target(), now));
        self.phase = Phase::Draining { ended_by, at_end };
        Action::Drain
    }

    pub(super) fn outcome(&self, now: Instant) -> Outcome {
        let after = self.stats.snapshot(self.approach.aim(), now);
        let (ended_by, at_end) = match &self.phase {
            Phase::Draining { ended_by, at_end } => (*ended_by, (**at_end).clone()),
            // Every viewer was lost to a panic: as if a signal had come now.
            Phase::Running => (EndedBy::Signal, after.clone()),
        };
        Outcome {
            ended_by,
            at_end,
            after,
            wire: None,
            generator: GeneratorSnapshot::default(),
            origin: None,
            judgement: Judgement::default(),
            verdict: Verdict::default(),
            limit: None,
        }
    }
}

#[cfg(test)]
mod tests;
