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
mod tests {
    use super::*;
    use crate::viewer;

    fn conductor(clients: u32, duration_s: u64) -> Conductor {
        let duration = (duration_s > 0).then(|| Duration::from_secs(duration_s));
        Conductor::new(clients, Ramp::new(10.0, 0.0, 1), duration, Instant::now())
    }

    fn step(conductor: &mut Conductor, now: Instant) -> Action {
        conductor.handle(Event::StepDue, now)
    }

    fn first(number: u32, session: u32) -> Action {
        Action::Start { number, session, kind: StartKind::First }
    }

    fn steer(conductor: &mut Conductor, viewers: u32, now: Instant) {
        let asked = Event::Asked(Request::Steer(Steer { viewers, pace: Pace::Ramp }));
        assert_eq!(conductor.handle(asked, now), Action::Nothing);
    }

    #[test]
    fn viewers_start_in_order_and_then_no_more_do() {
        let mut conductor = conductor(3, 0);
        let began = conductor.began;
        for number in 0..3 {
            assert_eq!(conductor.next_step(), Some(began + Duration::from_millis(100) * number));
            assert_eq!(step(&mut conductor, began), first(number, 0));
        }
        assert_eq!((conductor.next_step(), conductor.wanted()), (None, conductor.target()));
    }

    #[test]
    fn a_ramp_that_is_held_stops_where_it_is_and_removes_nobody() {
        let mut conductor = conductor(5, 0);
        let began = conductor.began;
        for number in 0..2 {
            assert_eq!(step(&mut conductor, began), first(number, 0));
        }
        assert_eq!(conductor.handle(Event::Asked(Request::Hold), began), Action::Nothing);
        assert_eq!((conductor.target(), conductor.wanted(), conductor.next_step()), (2, 2, None));
        steer(&mut conductor, 5, began);
        assert_eq!((conductor.target(), conductor.wanted()), (5, 2));
        assert!(conductor.next_step().is_some());
    }

    #[test]
    fn a_stop_in_the_ramp_ends_the_ramp() {
        let mut conductor = conductor(3, 60);
        let now = conductor.began;
        assert_eq!(step(&mut conductor, now), first(0, 0));
        assert_eq!(conductor.handle(Event::Stop(Stop::Gracefully(By::Signal)), now), Action::Drain);
        assert_eq!((conductor.target(), conductor.next_step(), conductor.deadline()), (0, None, None));
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
    fn a_crossed_threshold_ends_the_run_before_its_duration() {
        let mut conductor = conductor(1, 60);
        let now = conductor.began + Duration::from_secs(5);
        conductor.end(EndedBy::Threshold, now);
        assert_eq!(conductor.deadline(), Some(now));
        assert_eq!(conductor.handle(Event::DurationOver, now), Action::Drain);
        assert_eq!((conductor.outcome(now).ended_by, conductor.deadline()), (EndedBy::Threshold, None));
    }

    #[test]
    fn a_second_signal_aborts_and_the_outcome_says_so() {
        let mut conductor = conductor(1, 0);
        let now = conductor.began;
        assert_eq!(conductor.handle(Event::Stop(Stop::Gracefully(By::Signal)), now), Action::Drain);
        assert_eq!(conductor.handle(Event::Stop(Stop::AtOnce), now), Action::Abort);
        assert_eq!(conductor.outcome(now).ended_by, EndedBy::SecondSignal);
    }

    #[test]
    fn a_user_who_stops_the_run_is_no_signal() {
        let mut conductor = conductor(1, 0);
        let now = conductor.began;
        assert_eq!(conductor.handle(Event::Stop(Stop::Gracefully(By::Button)), now), Action::Drain);
        assert_eq!(conductor.outcome(now).ended_by, EndedBy::Key);
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

    #[test]
    fn a_seat_is_used_again_only_when_its_last_viewer_is_gone() {
        let mut conductor = conductor(3, 0);
        let began = conductor.began;
        for number in 0..3 {
            assert_eq!(step(&mut conductor, began), first(number, 0));
        }
        steer(&mut conductor, 1, began);
        assert_eq!((conductor.wanted(), conductor.target()), (1, 1));
        steer(&mut conductor, 3, began);
        assert_eq!((conductor.wanted(), conductor.target(), conductor.next_step()), (1, 3, None));

        let later = began + Duration::from_secs(5);
        let gone = Event::ViewerGone(Gone { viewer: 1, next_session: 4 });
        assert_eq!(conductor.handle(gone, later), Action::Nothing);
        assert_eq!(conductor.next_step(), Some(later));
        assert_eq!(step(&mut conductor, later), first(1, 4));
        assert_eq!(conductor.next_step(), None, "seat 2 is not free yet");
    }

    #[test]
    fn a_target_of_zero_is_no_end_and_a_new_one_raises_it_again() {
        let mut conductor = conductor(1, 60);
        let began = conductor.began;
        assert_eq!(step(&mut conductor, began), first(0, 0));
        steer(&mut conductor, 0, began);
        let gone = Event::ViewerGone(Gone { viewer: 0, next_session: 1 });
        assert_eq!(conductor.handle(gone, began), Action::Nothing);
        assert!(!conductor.is_draining() && conductor.deadline().is_some());
        steer(&mut conductor, 1, began);
        assert_eq!(step(&mut conductor, began), first(0, 1));
    }

    #[test]
    fn a_run_that_drains_is_not_steered_any_more() {
        let mut conductor = conductor(1, 60);
        let now = conductor.began;
        assert_eq!(conductor.handle(Event::Stop(Stop::Gracefully(By::Signal)), now), Action::Drain);
        steer(&mut conductor, 5, now);
        assert_eq!((conductor.target(), conductor.wanted(), conductor.next_step()), (0, 0, None));
    }

    /// The viewer of this number is lost to a panic.
    fn lose(conductor: &mut Conductor, viewer: u32, now: Instant) {
        let report = conductor.last_report_of_lost(viewer, "a fault", now);
        assert!(!matches!(conductor.handle(Event::Report(report), now), Action::Start { .. }));
    }

    #[test]
    fn a_viewer_that_was_lost_is_replaced_after_a_pause_as_a_restart() {
        let mut conductor = conductor(1, 0);
        let now = conductor.began;
        assert_eq!(step(&mut conductor, now), first(0, 0));
        let started = Report { viewer: 0, session: 3, at: now, what: Happening::Started(StartKind::First) };
        assert_eq!(conductor.handle(Event::Report(started), now), Action::Nothing);
        lose(&mut conductor, 0, now);
        assert_eq!((conductor.stats.totals().active, conductor.next_step()), (0, None));
        let due = conductor.next_replacement().unwrap();
        assert!(due > now);
        let again = Action::Start { number: 0, session: 5, kind: StartKind::Restart };
        assert_eq!(conductor.handle(Event::ReplacementDue, due), again);
        assert_eq!(conductor.next_replacement(), None);
        lose(&mut conductor, 0, due);
        let due = conductor.next_replacement().unwrap();
        let still = Action::Start { number: 0, session: 7, kind: StartKind::Restart };
        assert_eq!(
            conductor.handle(Event::ReplacementDue, due),
            still,
            "it was lost before it told of a process"
        );
    }

    #[test]
    fn a_viewer_that_was_lost_is_not_replaced_where_nobody_wants_it() {
        let mut conductor = conductor(1, 60);
        let now = conductor.began;
        assert_eq!(step(&mut conductor, now), first(0, 0));
        lose(&mut conductor, 0, now);
        let due = conductor.next_replacement().unwrap();
        steer(&mut conductor, 0, now);
        steer(&mut conductor, 1, now);
        let later = conductor.next_step().unwrap();
        assert_eq!(step(&mut conductor, later), first(0, 2), "the ramp was first");
        assert_eq!(conductor.next_replacement(), None);
        lose(&mut conductor, 0, later);
        steer(&mut conductor, 0, later);
        assert_eq!(conductor.handle(Event::ReplacementDue, later + (due - now) * 2), Action::Nothing);
        assert_eq!(conductor.handle(Event::DurationOver, later), Action::Drain);
        assert_eq!(conductor.next_replacement(), None);
    }
}
