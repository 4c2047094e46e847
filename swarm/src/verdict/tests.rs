//! Runs as they go, and what is said of them.

use std::time::Duration;

use super::rules::{self, RULES};
use super::*;
use crate::judge::Judge;
use crate::judge::tests::{Story, errors, fine, outage, with};
use crate::observation::Kind;
use crate::stats::{PlaylistAge, Second, StillOpen};
use crate::threshold::Threshold;

fn verdict(story: Story) -> Verdict {
    Verdict::of(&story.end().evidence, true)
}

fn stale(targets: f64) -> Second {
    with(|wire| {
        wire.oldest_playlist = Some(PlaylistAge { age_s: targets * 2.0, targets, target_duration_s: 2.0 });
    })
}

/// One viewer in ten is stalled, and all segments take as long.
fn late(seconds: f64) -> Second {
    with(|wire| {
        let taken = Duration::from_secs_f64(seconds);
        for _ in 0..50 {
            wire.counts.segment_duration.record(taken);
            wire.counts.lateness.record(taken / 2);
        }
        (wire.counts.segments, wire.counts.late_segments) = (55, if seconds > 2.0 { 50 } else { 0 });
        if seconds > 2.0 {
            wire.counts.stalled = Duration::from_millis(900);
            wire.counts.stalled_viewers = [3].into();
        }
    })
}

#[test]
fn a_run_without_trouble_is_healthy() {
    let told = verdict(Story::settled(&[], 20));
    assert_eq!((told.state, told.cause, told.ramp), (State::Healthy, None, State::Healthy));
    assert!(told.findings.is_empty());
    assert_eq!(
        told.sentence,
        "HEALTHY: 10 viewers for 21 s, no stall, segments took p95 200 ms, 0.10 of their media"
    );
}

#[test]
fn a_number_that_was_there_for_a_while_is_not_said_of_the_whole_run() {
    let fewer = Second { target: 5, wanted: 5, due: 5, active: 5, ..fine() };
    let told = verdict(Story::settled(&[], 20).then(20, &fewer));
    assert!(told.sentence.starts_with("HEALTHY: up to 10 viewers for 41 s"), "{}", told.sentence);
}

/// For each rule seconds that break it a little, and a lot.
#[test]
fn each_rule_finds_what_it_is_for() {
    let stalled = |share: f64, viewers: u32| {
        with(|wire| {
            wire.counts.stalled = Duration::from_secs_f64(10.0 * share);
            wire.counts.playing = Duration::from_secs_f64(10.0 * (1.0 - share));
            wire.counts.stalled_viewers = (0..viewers).collect();
        })
    };
    let many = |error_count: u64| {
        with(|wire| {
            wire.counts.requests = 1000;
            wire.counts.errors = error_count;
        })
    };
    let active = |active: u32| Second { target: 1000, wanted: 1000, due: 1000, active, ..fine() };
    let starts = |seconds: f64| with(|wire| wire.starting_for = vec![Duration::from_secs_f64(seconds)]);
    let cases = vec![
        ("rebuffer_ratio", stalled(0.003, 0), Some(stalled(0.02, 0))),
        ("stalled_viewers", stalled(0.0, 1), None),
        ("lateness_p95", late(1.5), Some(late(2.1))),
        ("error_ratio", many(2), Some(many(20))),
        ("playlist_age", stale(1.6), Some(stale(3.6))),
        ("clients_active_mean", active(985), Some(active(940))),
        ("startup_p95", starts(5.0), Some(starts(11.0))),
        ("restarts", Second { restarts: 1, ..fine() }, None),
    ];
    assert_eq!(cases.len(), RULES.len(), "each rule has a case, in the order of the rules");
    for ((name, degraded, failing), rule) in cases.into_iter().zip(RULES) {
        assert!(rule.healthy.starts_with(name), "{}", rule.healthy);
        assert_eq!(failing.is_some(), rule.holding.is_some(), "{name}");
        for (second, expected) in [(Some(degraded), State::Degraded), (failing, State::Failing)] {
            let Some(second) = second else { continue };
            let found = findings::of(&crate::stats::Window::of(&second).figures(), 10);
            let finding = found.iter().find(|finding| finding.rule.starts_with(name));
            let finding = finding.unwrap_or_else(|| panic!("{name} in {found:?}"));
            assert_eq!(finding.state, expected, "{finding:?}");
        }
    }
    assert!(findings::of(&crate::stats::Window::of(&fine()).figures(), 10).is_empty());
}

#[test]
fn each_rule_is_a_threshold() {
    for rule in RULES {
        for text in [Some(rule.healthy), rule.holding].into_iter().flatten() {
            assert!(Threshold::parse(text).is_ok(), "{text}");
        }
    }
    assert_eq!(rules::holding().len(), RULES.iter().filter(|rule| rule.holding.is_some()).count());
}

#[test]
fn an_origin_that_is_too_slow_fails_by_load_with_its_signs() {
    let told = verdict(Story::settled(&[], 10).then(30, &late(2.6)).then(5, &errors(503, 1)));
    assert_eq!((told.state, told.cause), (State::Failing, Some(Cause::Load)));
    assert_eq!(
        told.sentence,
        "FAILING: 1 of 10 viewers stalled, rebuffer ratio 5.54 %; segments took p95 2.60 s, 1.30 of their media; \
         1.09 % of requests failed, mostly 503; first sign: late segments at 00:18 with 10 viewers, stalls from 00:18, \
         503 from 00:48"
    );
}

#[test]
fn a_frozen_encoder_is_a_stale_stream_and_no_overload() {
    let mut frozen = stale(4.0);
    if let Some(wire) = &mut frozen.wire {
        wire.counts.stalled = Duration::from_secs(10);
        wire.counts.playing = Duration::ZERO;
        wire.counts.stalled_viewers = (0..10).collect();
    }
    let told = verdict(Story::settled(&[], 10).then(2, &stale(2.0)).then(20, &frozen));
    assert_eq!((told.state, told.cause), (State::Failing, Some(Cause::Stale)));
    assert!(told.sentence.contains("look at the encoder, not at the load"), "{}", told.sentence);
    assert!(told.sentence.contains("a playlist gained no segment for 8.0 s (4.0 target durations)"));
    let story = Story::settled(&[], 10).then(2, &stale(2.0)).then(8, &frozen).then(20, &fine());
    let thawed = verdict(story);
    assert_eq!((thawed.state, thawed.cause), (State::Degraded, Some(Cause::Stale)), "{}", thawed.sentence);
}

#[test]
fn an_outage_with_recovery_is_degraded_and_one_without_or_many_are_failing() {
    let once = verdict(Story::settled(&[], 10).then(8, &outage()).then(15, &fine()));
    assert_eq!((once.state, once.cause), (State::Degraded, Some(Cause::Outage)), "{}", once.sentence);
    assert!(once.sentence.contains("in trouble from 00:18, recovered after 8 s"), "{}", once.sentence);
    let lasting = verdict(Story::settled(&[], 10).then(8, &outage()));
    assert_eq!((lasting.state, lasting.cause), (State::Failing, Some(Cause::Load)));
    let mut again = Story::settled(&[], 10);
    for _ in 0..2 {
        again = again.then(3, &outage()).then(15, &fine());
    }
    assert_eq!(verdict(again).state, State::Failing);
    let mostly = verdict(Story::settled(&[], 10).then(40, &outage()).then(15, &fine()));
    assert_eq!(mostly.state, State::Failing, "more than half of the run is no outage");
}

#[test]
fn a_stream_with_missing_segments_is_broken_and_late_ones_that_fell_out_are_not() {
    let broken = verdict(Story::new(&[]).then(30, &errors(404, 3)));
    assert_eq!((broken.state, broken.cause), (State::Failing, Some(Cause::Broken)));
    assert!(broken.sentence.contains("the stream is broken, not overloaded"), "{}", broken.sentence);
    let open = StillOpen {
        kind: Kind::Segment,
        age: Duration::from_secs(3),
        ttfb: None,
        media: Some(Duration::from_secs(2)),
    };
    let late = with(|wire| wire.open = vec![open]);
    let overloaded = verdict(Story::settled(&[], 10).then(5, &late).then(30, &errors(404, 3)));
    assert_eq!(overloaded.cause, Some(Cause::Load), "{}", overloaded.sentence);
    let over = verdict(Story::settled(&[], 10).then(5, &errors(404, 3)).then(20, &fine()));
    assert_eq!((over.state, over.cause), (State::Degraded, Some(Cause::Outage)), "{}", over.sentence);
    let refused = verdict(Story::new(&[]).then(30, &errors(429, 3)));
    assert_eq!(refused.cause, Some(Cause::Load), "too many requests is a word about load");
}

#[test]
fn a_saturated_load_box_makes_trouble_invalid_and_counts_against_nobody() {
    let some = verdict(Story::settled(&[], 30).saturated(5, &outage()));
    assert_eq!(some.state, State::Healthy, "{}", some.sentence);
    let untold = "5 s of a saturated load box left out (with them: 10 of 10 viewers stalled";
    assert!(some.sentence.contains(untold), "{}", some.sentence);
    let many = verdict(Story::settled(&[], 20).saturated(10, &outage()).then(5, &late(2.6)));
    assert_eq!((many.state, many.cause), (State::Invalid, Some(Cause::LoadBox)));
    let expected = "INVALID: the load box was saturated for 10 of 36 s, short of CPU: use fewer -clients";
    assert!(many.sentence.starts_with(expected), "{}", many.sentence);
    let busy = verdict(Story::settled(&[], 20).saturated(10, &fine()));
    assert_eq!(busy.state, State::Healthy, "it was busy, and kept up: {}", busy.sentence);
    assert!(!busy.sentence.contains("with them"), "{}", busy.sentence);
    let mostly = verdict(Story::settled(&[], 10).saturated(20, &fine()));
    assert_eq!(mostly.state, State::Invalid);
}

#[test]
fn a_run_in_which_nobody_played_is_failing_and_a_bad_ramp_is_told() {
    let nothing = Verdict::of(&Story::new(&[]).end().evidence, false);
    assert_eq!(nothing.state, State::Failing);
    assert!(nothing.sentence.starts_with("FAILING: no viewer ever received media"), "{}", nothing.sentence);
    let ramp = Second { wanted: 5, due: 5, active: 5, ..errors(503, 5) };
    let told = verdict(Story::new(&[]).then(10, &ramp).then(40, &fine()));
    assert_eq!((told.state, told.ramp), (State::Healthy, State::Failing));
}

#[test]
fn a_run_without_a_steady_part_is_not_blamed_for_its_ramp() {
    let first = Second { lasted: Duration::from_millis(5), wanted: 1, due: 0, active: 0, ..fine() };
    let told = verdict(Story::new(&[]).then(1, &first).then(1, &Second { due: 1, ..fine() }));
    assert_eq!(told.state, State::Healthy, "{}", told.sentence);
}

#[test]
fn a_run_of_a_moment_is_not_praised() {
    let moment = Second { lasted: Duration::from_millis(100), ..fine() };
    let told = Verdict::of(&Judge::new(Vec::new()).conclude(moment, |_, _| None).evidence, true);
    assert_eq!(told.sentence, "HEALTHY: no trouble was seen, but the run was too short to be judged");
}

#[test]
fn missing_viewers_are_told_as_shares_of_those_that_should_run() {
    let told = verdict(Story::settled(&[], 10).then(10, &Second { active: 8, ..fine() }));
    let expected = "FAILING: 90.5 % of the viewers ran on average, 80.0 % at worst";
    assert_eq!(told.sentence, expected);
}

#[test]
fn interruptions_are_not_called_stalls() {
    let interrupted = |seconds| {
        with(|wire| {
            wire.counts.playing = Duration::from_secs(9);
            wire.counts.interrupted = Duration::from_secs(1);
            wire.counts.stalled = Duration::from_secs(seconds);
            wire.counts.stalled_viewers = [4].into();
        })
    };
    let only = verdict(Story::settled(&[], 20).then(1, &interrupted(0)));
    let both = verdict(Story::settled(&[], 20).then(1, &interrupted(1)));
    assert!(only.sentence.contains("1 of 10 viewers was interrupted, rebuffer ratio"), "{}", only.sentence);
    assert!(
        only.sentence.ends_with("first sign: interruptions at 00:28 with 10 viewers"),
        "{}",
        only.sentence
    );
    assert!(both.sentence.contains("1 of 10 viewers stalled or was interrupted"), "{}", both.sentence);
    assert!(both.sentence.ends_with("stalls at 00:28 with 10 viewers, interruptions from 00:28"));
}

#[test]
fn what_two_rules_find_is_said_once() {
    let told = verdict(Story::settled(&[], 10).then(10, &outage()));
    assert_eq!(told.findings.len(), 3, "{:?}", told.findings);
    assert_eq!(told.sentence.matches("10 of 10 viewers stalled").count(), 1, "{}", told.sentence);
}

#[test]
fn before_a_second_was_judged_the_load_box_is_not_blamed() {
    let first = Second { lasted: Duration::from_millis(5), ..fine() };
    let judge = Story::new(&[]).saturated(1, &first).then(1, &fine()).judge;
    let seen = judge.evidence();
    assert!(seen.saturated.is_some() && !seen.is_known());
    assert_ne!(Verdict::of(&seen, true).state, State::Invalid);
}

#[test]
fn times_are_told_as_on_a_clock() {
    assert_eq!([0.0, 72.9, 3605.0].map(clock), ["00:00", "01:12", "1:00:05"]);
}
