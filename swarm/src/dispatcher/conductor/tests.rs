//! A run without processes: what follows which event.

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
