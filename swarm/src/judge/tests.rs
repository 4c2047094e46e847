//! Seconds as a run makes them, and what is kept of them.

use super::*;
use crate::observation::{Kind, Outcome};
use crate::stats::{Durations, PlaylistAge, StillOpen, WireSecond};

/// A run that is written down second by second.
pub(crate) struct Story {
    pub(crate) judge: Judge,
    second: u64,
    saturated: Vec<u64>,
}

/// Ten viewers of 2 s segments without trouble.
pub(crate) fn fine() -> Second {
    let mut wire = WireSecond { playing: 10, ..WireSecond::default() };
    for _ in 0..5 {
        wire.counts.playlist_duration.record(Duration::from_millis(2));
        wire.counts.segment_duration.record(Duration::from_millis(200));
        wire.counts.lateness.record(Duration::from_millis(100));
    }
    wire.counts.requests = 10;
    wire.counts.segments = 5;
    wire.counts.playing = Duration::from_secs(10);
    wire.oldest_playlist = Some(PlaylistAge { age_s: 1.0, targets: 0.5, target_duration_s: 2.0 });
    Second {
        lasted: Duration::from_secs(1),
        target: 10,
        wanted: 10,
        due: 10,
        active: 10,
        wire: Some(wire),
        ..Second::default()
    }
}

/// The same with something else on the wire.
pub(crate) fn with(change: impl FnOnce(&mut WireSecond)) -> Second {
    let mut second = fine();
    if let Some(wire) = &mut second.wire {
        change(wire);
    }
    second
}

/// `count` of the ten requests of a second fail.
pub(crate) fn errors(status: u16, count: u64) -> Second {
    with(|wire| {
        wire.counts.errors = count;
        wire.counts.errors_by_class.insert(Outcome::Status(status), count);
    })
}

/// Nobody gets anything.
pub(crate) fn outage() -> Second {
    let mut second = errors(503, 10);
    if let Some(wire) = &mut second.wire {
        wire.counts.playing = Duration::ZERO;
        wire.counts.stalled = Duration::from_secs(10);
        wire.counts.stalled_viewers = (0..10).collect();
        (wire.playing, wire.stalled) = (0, 10);
    }
    second
}

impl Story {
    pub(crate) fn new(thresholds: &[&str]) -> Self {
        let parsed = thresholds.iter().map(|text| Threshold::parse(text).unwrap()).collect();
        Self { judge: Judge::new(parsed), second: 0, saturated: Vec::new() }
    }

    /// Two seconds of ramp, six of settling, and as many that are judged.
    pub(crate) fn settled(thresholds: &[&str], seconds: u64) -> Self {
        let ramp = Second { wanted: 5, due: 5, active: 5, ..fine() };
        Self::new(thresholds).then(2, &ramp).then(6 + seconds, &fine())
    }

    pub(crate) fn then(mut self, seconds: u64, each: &Second) -> Self {
        for _ in 0..seconds {
            self.second += 1;
            let second = Second { ended_after: Duration::from_secs(self.second), ..each.clone() };
            let saturated = &self.saturated;
            self.judge.take(second, |_, until| resource(saturated, until));
        }
        self
    }

    /// As many seconds in which the load box is saturated.
    pub(crate) fn saturated(mut self, seconds: u64, each: &Second) -> Self {
        self.saturated.extend(self.second + 1..=self.second + seconds);
        self.then(seconds, each)
    }

    /// The last second is one without trouble.
    pub(crate) fn end(self) -> Judgement {
        let last = Second { ended_after: Duration::from_secs(self.second + 1), ..fine() };
        self.judge.conclude(last, |_, until| resource(&self.saturated, until))
    }

    fn ends_the_run(&mut self) -> bool {
        let next = Second { ended_after: Duration::from_secs(self.second + 1), ..fine() };
        self.judge.take(next, |_, _| None).is_some()
    }
}

fn resource(saturated: &[u64], until: Duration) -> Option<Resource> {
    saturated.contains(&until.as_secs()).then_some(Resource::Cpu)
}

fn results(judgement: &Judgement) -> Vec<(ThresholdResult, Option<f64>)> {
    judgement.thresholds.iter().map(|judged| (judged.result, judged.crossed_after_s)).collect()
}

#[test]
fn the_steady_part_begins_three_target_durations_after_the_ramp() {
    let seen = Story::settled(&[], 10).end().evidence;
    assert_eq!(seen.steady_from_s, Some(8.0));
    assert_eq!((seen.judged.span_s, seen.ramp.span_s), (11.0, 8.0));
    assert_eq!((seen.judged.clients_active_min, seen.ramp.clients_active_min), (Some(10), Some(5)));
}

#[test]
fn a_run_that_is_too_short_to_have_a_steady_part_is_judged_as_a_whole() {
    let seen = Story::settled(&[], 1).end().evidence;
    assert_eq!((seen.steady_from_s, seen.judged.span_s), (None, 10.0));
}

#[test]
fn each_rise_of_a_later_stage_is_a_ramp_too() {
    let ramp = Second { target: 20, ..fine() };
    let seen = Story::settled(&[], 10).then(3, &ramp).then(10, &fine()).end().evidence;
    assert_eq!((seen.judged.span_s, seen.ramp.span_s), (10.0 + 5.0, 8.0 + 3.0 + 6.0));
}

#[test]
fn a_run_that_ends_in_its_ramp_is_said_to_be_of_as_many_viewers_as_it_had() {
    let ramp = Second { target: 100, wanted: 7, due: 6, active: 6, ..fine() };
    let mut story = Story::new(&[]).then(3, &ramp);
    assert!(!story.ends_the_run());
    assert_eq!(story.judge.evidence().clients, 7);
}

#[test]
fn startups_are_those_of_the_ramp() {
    let start = with(|wire| wire.counts.startup.record(Duration::from_secs(2)));
    let seen = Story::new(&[]).then(1, &Second { wanted: 5, ..start }).then(20, &fine()).end().evidence;
    assert_eq!(seen.judged.startup.unwrap().count, 1);
    assert_eq!(seen.judged.restarts, 0);
}

#[test]
fn a_plain_threshold_is_judged_over_the_steady_part() {
    let (one, many) = (errors(503, 1), errors(503, 10));
    let in_ramp = Story::new(&["error_ratio<1%"]).then(2, &Second { wanted: 5, ..many });
    assert_eq!(results(&in_ramp.then(20, &fine()).end()), [(ThresholdResult::Held, None)]);
    let rare = Story::settled(&["error_ratio<2%", "startup_p95<1s"], 20).then(1, &one).end();
    assert_eq!(results(&rare), [(ThresholdResult::Held, None), (ThresholdResult::NotJudged, None)]);
    let often = Story::settled(&["error_ratio<2%"], 20).then(10, &one).end();
    assert_eq!(results(&often), [(ThresholdResult::Crossed, None)]);
    assert_eq!(often.thresholds[0].seen.as_deref(), Some("error_ratio 3.23 %"));
}

#[test]
fn a_lasting_threshold_is_crossed_only_without_a_break() {
    let bad = errors(503, 1);
    let thresholds = ["error_ratio<2%; for 3s"];
    let broken = Story::settled(&thresholds, 5).then(2, &bad).then(1, &fine()).then(2, &bad).end();
    assert_eq!(results(&broken), [(ThresholdResult::Held, None)]);
    let unbroken = Story::settled(&thresholds, 5).then(3, &bad).then(99, &fine()).end();
    assert_eq!(results(&unbroken), [(ThresholdResult::Crossed, Some(16.0))]);
    let nothing = with(|wire| wire.counts = crate::stats::Counts::default());
    let silent = Story::settled(&thresholds, 5).then(2, &bad).then(1, &nothing).then(9, &fine()).end();
    assert_eq!(results(&silent), [(ThresholdResult::Held, None)], "nothing was seen of it in the end");
}

#[test]
fn abort_ends_the_run_after_its_time_and_not_before() {
    let mut patient = Story::settled(&["error_ratio<2%; for 3s; abort"], 5).then(3, &errors(503, 1));
    assert!(patient.ends_the_run(), "the third second is judged when the next one comes");
    let mut early = Story::settled(&["error_ratio<2%; for 3s; abort"], 5).then(2, &errors(503, 1));
    assert!(!early.ends_the_run());
    let mut unlimited = Story::settled(&["error_ratio<2%; abort"], 5).then(9, &errors(503, 1));
    assert!(!unlimited.ends_the_run());
    let mut ten = Story::settled(&["error_ratio<2%; abort"], 5).then(10, &errors(503, 1));
    assert!(ten.ends_the_run());
    assert!(ten.end().thresholds[0].aborted);
}

#[test]
fn viewers_that_have_not_been_started_yet_cross_nothing() {
    let ramp = Second { wanted: 5, due: 5, active: 3, ..fine() };
    let seen = Story::new(&["clients_active>=95%; for 2s"]).then(20, &ramp).then(20, &fine()).end();
    assert_eq!(results(&seen), [(ThresholdResult::Held, None)]);
    let lost = Second { active: 9, ..fine() };
    let seen = Story::settled(&["clients_active>=95%; for 2s"], 5).then(2, &lost).end();
    assert_eq!(results(&seen), [(ThresholdResult::Crossed, Some(15.0))]);
}

#[test]
fn a_second_of_a_saturated_load_box_counts_for_nothing() {
    let bad = outage();
    let seen = Story::settled(&["error_ratio<1%", "error_ratio<1%; for 2s"], 10).saturated(5, &bad).end();
    assert_eq!(results(&seen), [(ThresholdResult::Held, None); 2]);
    assert_eq!((seen.evidence.judged.left_out_s, seen.evidence.judged.span_s), (5.0, 11.0));
    assert!(seen.evidence.first_signs.is_empty() && seen.evidence.trouble.spells == 0);
    assert!(seen.evidence.judged_whole.error_ratio > Some(0.1));
    assert_eq!(seen.series.iter().filter(|row| row.saturated.is_some()).count(), 5);
}

#[test]
fn signs_are_in_the_order_in_which_they_came() {
    let late = with(|wire| {
        let open = StillOpen {
            kind: Kind::Segment,
            age: Duration::from_secs(3),
            ttfb: None,
            media: Some(Duration::from_secs(2)),
        };
        wire.open = vec![open; 3];
    });
    // Its viewers are gone when the second is over, and they are those that it happened to.
    let outage = Second { active: 0, ..outage() };
    let seen =
        Story::settled(&[], 5).then(2, &late).then(1, &outage).then(1, &Second { restarts: 3, ..fine() });
    let old = |wire: &mut WireSecond| {
        wire.oldest_playlist = Some(PlaylistAge { age_s: 3.2, targets: 1.6, target_duration_s: 2.0 });
    };
    let stale = with(old);
    let unanswered = with(|wire| {
        old(wire);
        wire.counts.playlist_duration = Durations::default();
    });
    let signs = seen.then(1, &unanswered).then(1, &stale).end().evidence.first_signs;
    let told: Vec<_> = signs.iter().map(|seen| (seen.sign.to_string(), seen.after_s, seen.clients)).collect();
    let expected = [
        ("late segments", 13.0),
        ("503", 15.0),
        ("stalls", 15.0),
        ("restarts", 16.0),
        ("a stale playlist", 18.0),
    ];
    assert_eq!(told, expected.map(|(sign, after_s)| (sign.to_owned(), after_s, 10)));
}

#[test]
fn trouble_that_comes_back_soon_is_one_spell_and_recovery_takes_its_time() {
    let bad = outage();
    let story = || Story::settled(&[], 10).then(3, &bad).then(4, &fine()).then(2, &bad);
    let one = story().then(2, &fine()).end().evidence.trouble;
    assert_eq!((one.spells, one.lasted_s, one.recovered), (1, 9.0, false));
    let over = story().then(10, &fine()).end().evidence;
    assert_eq!((over.trouble.last_from_s, over.trouble.last_until_s), (Some(18.0), Some(27.0)));
    assert!(over.trouble.recovered);
    assert_eq!(over.calm.error_ratio, Some(0.0));
    let two = story().then(10, &fine()).then(1, &bad).end().evidence.trouble;
    assert_eq!((two.spells, two.recovered), (2, false));
}
