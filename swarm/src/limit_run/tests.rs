//! Searches over made-up origins, second by second.

use std::sync::Arc;
use std::time::Instant;

use super::*;
use crate::judge::Sign;
use crate::limit_search::{Judgement, Length};
use crate::observation::{Cache, Kind, Observation, Outcome, PlaylistId, Segment};
use crate::stats::{PlaylistAge, WireSecond};
use crate::verdict::rules;

const TARGET_DURATION: Duration = Duration::from_secs(2);

/// Seconds that each rise takes.
const RAMP: u64 = 3;

/// What one second is like, for so many viewers at so many seconds since the run began.
type Origin<'a> = &'a dyn Fn(u32, u64, &mut Second);

fn segment(viewers: u32, took: f64, outcome: Outcome) -> Observation {
    Observation {
        viewer: viewers,
        session: 0,
        kind: Kind::Segment,
        url: Arc::from("http://h/x"),
        started: Instant::now(),
        connect: None,
        tls: None,
        ttfb: None,
        duration: Duration::from_secs_f64(took),
        bytes: 1000,
        outcome,
        segment: Some(Segment {
            playlist: PlaylistId(0),
            sequence: 0,
            media: TARGET_DURATION,
            discontinuity: false,
            merged: 0,
        }),
        playlist: None,
        cache: Cache::Unknown,
    }
}

/// One segment per viewer and second, answered at once.
fn healthy(viewers: u32, second: u64) -> Second {
    let mut wire = WireSecond { playing: viewers, ..WireSecond::default() };
    for viewer in 0..viewers {
        wire.counts.record(&segment(viewer, 0.000_4, Outcome::Status(200)));
    }
    wire.counts.playing = Duration::from_secs(1) * viewers;
    let target_duration_s = TARGET_DURATION.as_secs_f64();
    wire.oldest_playlist = Some(PlaylistAge { age_s: 1.0, targets: 0.5, target_duration_s });
    Second {
        ended_after: Duration::from_secs(second + 1),
        lasted: Duration::from_secs(1),
        target: viewers,
        wanted: viewers,
        due: viewers,
        active: viewers,
        wire: Some(wire),
        ..Second::default()
    }
}

/// Answers 503 to what goes beyond.
fn capacity(most: u32) -> impl Fn(u32, u64, &mut Second) {
    move |viewers, _, second| {
        for viewer in most..viewers {
            counts(second).record(&segment(viewer, 0.1, Outcome::Status(503)));
        }
    }
}

fn counts(second: &mut Second) -> &mut crate::stats::Counts {
    &mut second.wire.as_mut().unwrap().counts
}

fn settings(most: u32) -> FindLimit {
    FindLimit { most, tolerance: 0.05, hold: Duration::from_secs(30), thresholds: rules::holding() }
}

/// Runs a search, to its end or for so many seconds; the levels' lines too.
fn search(settings: FindLimit, origin: Origin, seconds: u64) -> (Finding, Vec<String>) {
    let mut run = LimitRun::new(settings);
    let mut lines = Vec::new();
    let mut since_change = 0;
    for now in 0..seconds {
        let mut second = healthy(run.viewers(), now);
        if since_change < RAMP {
            second.wanted = second.target - 1;
        }
        since_change += 1;
        origin(run.viewers(), now, &mut second);
        match run.look_at(&second) {
            Ask::Nothing => {}
            Ask::Aim(viewers, line) => {
                assert_eq!(viewers, run.viewers());
                lines.push(line);
                since_change = 0;
            }
            Ask::Finish(line) => {
                lines.push(line);
                break;
            }
        }
    }
    (run.finding(), lines)
}

fn found(most: u32, origin: Origin) -> Finding {
    search(settings(most), origin, 3600).0
}

#[test]
fn an_origin_with_a_capacity_is_measured_and_its_first_sign_named() {
    let (finding, lines) = search(settings(64), &capacity(20), 3600);
    assert_eq!((finding.held, finding.failed), (20, Some(21)));
    assert_eq!(finding.sentence, "Held 20 viewers; at 21 the origin answers 503 (4.5 % of the requests)");
    assert_eq!(finding.signs[0].sign, Sign::Errors("503".to_owned()));
    let signs = signs_in_words(&finding.signs);
    assert!(signs.as_ref().unwrap().starts_with("503 at "), "{signs:?}");
    assert_eq!(lines.len(), finding.levels.len());
    assert_eq!(lines[0], "1 viewer for 10s: held (errors 0.00 %, rebuffering 0.00 %, segments p95 0.40 ms)");
    assert_eq!(lines.last().unwrap(), "21 viewers for 30s: failed (error_ratio 4.55 %, not error_ratio<1%)");
}

#[test]
fn a_level_ramps_settles_and_is_held_for_its_length() {
    let finding = found(64, &capacity(20));
    for level in &finding.levels {
        let held_s = if level.length == Length::Full { 30.0 } else { 10.0 };
        let took = [level.ramped_s, level.settled_s, level.held_s];
        let expected = [3.0, 6.0, held_s];
        assert!(
            took.iter().zip(expected).all(|(took, expected)| (took - expected).abs() < 1e-6),
            "{level:?}"
        );
    }
    let ends = finding.levels.iter().rev().take(2).map(|level| (level.viewers, level.length));
    assert_eq!(ends.collect::<Vec<_>>(), [(21, Length::Full), (20, Length::Full)]);
}

#[test]
fn a_burst_while_viewers_join_does_not_count_but_shows_as_a_sign() {
    let bursts_in_the_ramp = |viewers: u32, _: u64, second: &mut Second| {
        if second.wanted < second.target {
            counts(second).record(&segment(viewers, 0.1, Outcome::Status(503)));
        }
    };
    let finding = found(8, &bursts_in_the_ramp);
    assert_eq!(finding.sentence, "Held all 8 viewers: the limit is higher, raise -clients to find it");
    assert!(finding.levels.iter().all(|level| !level.signs.is_empty()));
}

#[test]
fn what_shows_where_it_holds_as_well_is_not_what_breaks_it() {
    let late_above_ten = |viewers: u32, now: u64, second: &mut Second| {
        if now.is_multiple_of(7) {
            second.restarts = 1;
        }
        if viewers > 10 {
            for _ in 0..viewers {
                counts(second).record(&segment(viewers, 2.5, Outcome::Status(200)));
            }
        }
    };
    let finding = found(64, &late_above_ten);
    assert_eq!((finding.held, finding.failed), (10, Some(11)));
    assert_eq!(finding.sentence, "Held 10 viewers; at 11 segments arrive late (p95 2.5 s of 2 s)");
    assert_eq!(finding.signs.iter().map(|seen| seen.sign.clone()).collect::<Vec<_>>(), [Sign::Late]);
}

#[test]
fn a_stream_that_not_even_one_viewer_can_play_is_broken() {
    let missing = |viewers: u32, _: u64, second: &mut Second| {
        *counts(second) = crate::stats::Counts::default();
        counts(second).record(&segment(viewers, 0.1, Outcome::Status(404)));
    };
    let finding = found(64, &missing);
    assert_eq!(
        finding.sentence,
        "The stream is broken, not overloaded: with 1 viewer the origin answers 404 (100.0 % of the requests)"
    );
    assert_eq!((finding.held, finding.failed, finding.levels.len()), (0, Some(1), 2));
}

#[test]
fn a_stream_that_is_slow_for_one_viewer_is_not_called_broken() {
    let slow = |viewers: u32, _: u64, second: &mut Second| {
        for _ in 0..viewers {
            counts(second).record(&segment(viewers, 3.0, Outcome::Status(200)));
        }
    };
    let sentence = found(64, &slow).sentence;
    assert_eq!(sentence, "Not even one viewer held: with 1 viewer segments arrive late (p95 3.0 s of 2 s)");
}

#[test]
fn a_saturated_load_box_is_the_limit_and_not_the_origin() {
    let saturates = |viewers: u32, _: u64, second: &mut Second| {
        if viewers > 20 {
            second.saturated = Some(Resource::Cpu);
            counts(second).record(&segment(viewers, 9.0, Outcome::Status(503)));
        }
    };
    let finding = found(64, &saturates);
    assert_eq!(finding.sentence, "Held at least 16 viewers; at 32 the load box is the limit (short of CPU)");
    let last = finding.levels.last().unwrap();
    assert_eq!((last.judgement, last.signs.len()), (Some(Judgement::Saturated), 0));
}

#[test]
fn a_few_saturated_seconds_are_left_out_and_the_level_stands() {
    let flickers = |viewers: u32, now: u64, second: &mut Second| {
        if now % 10 == 9 {
            second.saturated = Some(Resource::Cpu);
            counts(second).record(&segment(viewers, 9.0, Outcome::Status(503)));
        }
    };
    let finding = found(8, &flickers);
    assert!(finding.sentence.starts_with("Held all 8 viewers"), "{}", finding.sentence);
    assert!(finding.levels.iter().all(|level| level.left_out_s > 0.0));
}

#[test]
fn a_search_that_is_stopped_tells_all_levels_and_judges_no_half_one() {
    let origin = capacity(3);
    let (finding, lines) = search(settings(64), &origin, 40);
    assert_eq!(
        finding.sentence,
        "The search was stopped: 1 viewer held, 4 did not: the origin answers 503 (20.0 % of the requests)"
    );
    assert_eq!((lines.len(), finding.levels.len(), finding.answer), (2, 3, None));
    let last = finding.levels.last().unwrap();
    assert_eq!((last.viewers, last.judgement, last.crossed.len()), (2, None, 0));
    assert!(last.line().ends_with("not finished"), "{}", last.line());
    assert_eq!(search(settings(64), &origin, 5).0.sentence, "The search was stopped in its first level");
}

#[test]
fn a_threshold_of_the_users_own_is_told_as_it_was_written() {
    let thresholds = vec![crate::threshold::Threshold::parse("segment_ttfb_p95<0.2ms").unwrap()];
    let finding = found_with(FindLimit { thresholds, ..settings(64) }, &|_, _, _| {});
    assert_eq!(
        finding.sentence,
        "Not even one viewer held: with 1 viewer segment_ttfb_p95 0.40 ms was seen, segment_ttfb_p95<0.2ms was asked for"
    );
}

fn found_with(settings: FindLimit, origin: Origin) -> Finding {
    search(settings, origin, 3600).0
}

#[test]
fn whether_the_load_box_was_saturated_is_asked_a_second_later() {
    let mut run = LimitRun::new(FindLimit { hold: Duration::from_secs(5), ..settings(64) });
    let saturated = |from: Duration, until: Duration| {
        assert_eq!(until, from + Duration::from_secs(1));
        (from >= Duration::from_secs(6)).then_some(Resource::Memory)
    };
    let mut asked = Vec::new();
    for now in 0..20 {
        asked.push(run.second(healthy(1, now), saturated));
    }
    // Six seconds to settle, twice five to hold, as they are made up for, and one more to know what the last was like.
    let finished = asked.iter().position(|ask| matches!(ask, Ask::Finish(_)));
    assert_eq!(finished, Some(16));
    assert!(run.finding().sentence.contains("short of memory"));
}
