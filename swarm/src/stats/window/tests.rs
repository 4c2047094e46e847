//! Seconds, and the figures of spans that are made of them.

use std::sync::Arc;
use std::time::Instant;

use super::*;
use crate::observation::{Cache, ErrorClass, Observation, PlaylistId, Segment};
use crate::stats::{Seconds, Totals};

pub(in crate::stats) fn s(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

fn request(kind: Kind, duration: f64, outcome: Outcome) -> Observation {
    let segment =
        Segment { playlist: PlaylistId(0), sequence: 0, media: s(2.0), discontinuity: false, merged: 0 };
    Observation {
        viewer: 0,
        session: 0,
        kind,
        url: Arc::from("http://h/x"),
        started: Instant::now(),
        connect: None,
        tls: None,
        ttfb: Some(s(duration / 2.0)),
        duration: s(duration),
        bytes: 1000,
        outcome,
        segment: (kind == Kind::Segment).then_some(segment),
        playlist: None,
        cache: Cache::Unknown,
    }
}

/// A second with ten viewers that should run, nine of which do.
pub(in crate::stats) fn second(requests: &[(Kind, f64, Outcome)]) -> Second {
    let mut wire = WireSecond::default();
    for &(kind, duration, outcome) in requests {
        wire.counts.record(&request(kind, duration, outcome));
    }
    Second {
        lasted: s(1.0),
        target: 10,
        wanted: 10,
        due: 10,
        active: 9,
        wire: Some(wire),
        ..Second::default()
    }
}

fn figures(seconds: &[Second]) -> Figures {
    let mut window = Window::default();
    for second in seconds {
        window.add(second);
    }
    window.figures()
}

const OK: Outcome = Outcome::Status(200);

#[test]
fn a_span_is_the_sum_of_its_seconds() {
    let seen = figures(&[
        second(&[(Kind::Segment, 1.0, OK), (Kind::Playlist, 0.1, OK)]),
        second(&[(Kind::Segment, 3.0, OK), (Kind::Playlist, 0.3, OK)]),
    ]);
    assert_eq!((seen.span_s, seen.late_ratio), (2.0, Some(0.5)));
    assert_eq!(seen.throughput_bits_per_s, Some(4.0 * 8000.0 / 2.0));
    let close = |figure: f64, expected: f64| assert!((figure / expected - 1.0).abs() < 0.001, "{figure}");
    close(seen.segment_duration.unwrap().max_s, 3.0);
    close(seen.segment_ttfb.unwrap().max_s, 1.5);
    close(seen.playlist_duration.unwrap().max_s, 0.3);
    close(seen.lateness.unwrap().max, 1.5);
    assert_eq!((seen.clients_active_min, seen.clients_active_min_ratio), (Some(9), Some(0.9)));
}

#[test]
fn what_was_not_seen_is_absent() {
    let nothing = figures(&[second(&[])]);
    assert_eq!((nothing.error_ratio, nothing.late_ratio, nothing.rebuffer_ratio), (None, None, None));
    assert_eq!((nothing.playlist_age_s, nothing.live_latency_p50_s), (None, None));
    assert_eq!((nothing.segment_duration, nothing.startup), (None, None));
    let unmeasured = figures(&[Second { wire: None, ..second(&[]) }]);
    assert_eq!((unmeasured.throughput_bits_per_s, unmeasured.stalled_ratio), (None, None));
    assert_eq!(unmeasured.clients_active_mean, Some(9.0));
}

#[test]
fn a_request_that_is_given_up_is_neither_error_nor_success() {
    let given_up = (Kind::Segment, 1.0, Outcome::Aborted);
    let broken = (Kind::Segment, 1.0, Outcome::Status(503));
    let silent = (Kind::Playlist, 1.0, Outcome::Failed(ErrorClass::Timeout));
    let seen = figures(&[second(&[(Kind::Segment, 1.0, OK), given_up, broken, broken, silent])]);
    assert_eq!(seen.error_ratio, Some(0.75));
    let shares: Vec<_> = seen.errors.iter().map(|error| (error.class.as_str(), error.ratio)).collect();
    assert_eq!(shares, [("503", 0.5), ("timeout", 0.25)]);
    assert_eq!(seen.segment_duration.unwrap().count, 1);
}

#[test]
fn a_redirect_is_a_request_and_no_segment_however_slow_it_is() {
    let redirect = (Kind::Segment, 3.0, Outcome::Status(302));
    let seen = figures(&[second(&[redirect, (Kind::Segment, 1.0, OK)])]);
    assert_eq!((seen.error_ratio, seen.late_ratio), (Some(0.0), Some(0.0)));
    let duration = seen.segment_duration.unwrap();
    assert!(duration.count == 1 && duration.max_s < 1.1, "{duration:?}");
}

#[test]
fn a_segment_that_has_not_come_is_late_once_its_media_would_have_been_played() {
    let mut seconds = [second(&[(Kind::Segment, 1.0, OK)]), second(&[])];
    let open = |age| StillOpen { kind: Kind::Segment, age: s(age), ttfb: None, media: Some(s(2.0)) };
    seconds[1].wire.as_mut().unwrap().open = vec![open(1.9)];
    assert_eq!(figures(&seconds).late_ratio, Some(0.0));
    seconds[1].wire.as_mut().unwrap().open = vec![open(5.0)];
    let seen = figures(&seconds);
    assert_eq!(seen.late_ratio, Some(0.5));
    assert!(seen.segment_duration.unwrap().max_s > 4.9);
    assert!(seen.lateness.unwrap().max > 2.49);
    // By the end of the next second it has come, and is in its counts.
    assert_eq!(figures(&[seconds[1].clone(), second(&[])]).late_ratio, None);
}

#[test]
fn what_is_read_once_per_second_counts_as_in_its_worst() {
    let at = |age_s, latency, active| {
        let mut second = Second { active, restarts: 1, ..second(&[]) };
        let wire = second.wire.as_mut().unwrap();
        wire.oldest_playlist = Some(PlaylistAge { age_s, targets: age_s / 2.0, target_duration_s: 2.0 });
        wire.live_latency_p50 = Some(s(latency));
        (wire.counts.stalled, wire.counts.interrupted) = (s(0.3), s(0.2));
        wire.counts.playing = s(1.5);
        wire.counts.stalled_viewers = [3, active].into();
        second
    };
    let seen = figures(&[at(1.0, 4.0, 10), at(5.0, 9.0, 6), at(0.5, 2.0, 8)]);
    assert_eq!((seen.playlist_age_s, seen.playlist_age_targets), (Some(5.0), Some(2.5)));
    assert_eq!(seen.live_latency_p50_s, Some(9.0));
    assert_eq!((seen.clients_active_min, seen.clients_active_mean), (Some(6), Some(8.0)));
    assert_eq!((seen.rebuffer_ratio, seen.restarts), (Some(0.25), 3));
    assert_eq!((seen.stalled_viewers, seen.stalled_ratio), (4, Some(0.4)), "3, 6, 8 and 10, each once");
}

#[test]
fn who_was_asked_for_within_a_second_is_not_missing_in_it() {
    let now = Instant::now();
    let mut seconds = Seconds::new(now);
    let mut cut = |wanted, active, after_s| {
        let totals = Totals { active, ..Totals::default() };
        seconds.cut(&totals, (3, wanted), None, now + s(after_s))
    };
    // The first tick comes with the first start, and the last start just before a tick.
    let ramp = [cut(1, 0, 0.0), cut(3, 2, 1.0), cut(3, 3, 2.0)];
    let seen = figures(&ramp);
    assert_eq!((seen.clients_active_mean_ratio, seen.clients_active_min_ratio), (Some(1.0), Some(1.0)));
    let seen = figures(&[&ramp[..], &[cut(3, 2, 3.0), cut(1, 2, 4.0)]].concat());
    assert_eq!(
        seen.clients_active_min_ratio,
        Some(2.0 / 3.0),
        "one is missing, and then one too many is there"
    );
    assert_eq!(seen.clients_active_mean_ratio, Some(7.0 / 8.0));
}

#[test]
fn a_second_of_a_saturated_load_box_is_left_out() {
    let bad =
        Second { saturated: Some(crate::generator::Resource::Cpu), ..second(&[(Kind::Segment, 9.0, OK)]) };
    let seen = figures(&[second(&[(Kind::Segment, 1.0, OK)]), bad]);
    assert_eq!((seen.span_s, seen.left_out_s, seen.late_ratio), (1.0, 1.0, Some(0.0)));
}

#[test]
fn startups_of_the_ramp_count_without_the_rest_of_it() {
    let mut ramp = second(&[(Kind::Segment, 9.0, OK)]);
    let wire = ramp.wire.as_mut().unwrap();
    wire.counts.startup.record(s(0.5));
    wire.starting_for = vec![s(7.0)];
    let mut window = Window::default();
    window.add_startups(&ramp);
    let startup = window.figures().startup.unwrap();
    assert_eq!(startup.count, 2);
    assert!(startup.max_s > 6.9, "who still waits has waited so long");
    window.add(&second(&[]));
    assert_eq!(window.figures().startup.unwrap().count, 1, "nobody waits any more");
    assert_eq!(window.figures().late_ratio, None);
}
