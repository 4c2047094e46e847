//! Boxes that ran at the same time, as one.

use super::*;
use crate::observation::Kind;
use crate::output::report::tests::report;
use crate::stats::{Durations, Measure};
use crate::verdict::State;

fn named(reports: impl IntoIterator<Item = Report>) -> Vec<(String, Report)> {
    ('a'..).map(String::from).zip(reports).collect()
}

/// Two boxes, the second of which began three seconds later and was well.
fn two() -> (Report, Report) {
    let first = report(60, 10);
    let mut second = report(60, 30);
    second.started_at = "2026-01-02T03:04:08.100Z".to_owned();
    second.ended_at = "2026-01-02T04:04:09.000Z".to_owned();
    if let Some(verdict) = &mut second.verdict {
        verdict.state = State::Healthy;
    }
    (first, second)
}

#[test]
fn counts_add_up_and_histograms_merge_exactly() {
    let (first, second) = two();
    let all = merge(named([first.clone(), second.clone()])).unwrap();
    let wires = [&first, &second].map(|report| report.wire.as_ref().unwrap());
    let wire = all.wire.as_ref().unwrap();
    assert_eq!(wire.requests.requests, wires.iter().map(|wire| wire.requests.requests).sum::<u64>());
    assert_eq!(wire.errors[0].count, wires.iter().map(|wire| wire.errors[0].count).sum::<u64>());
    let segments = |wire: &WireSnapshot| {
        let is_it = |record: &&crate::stats::HistogramRecord| {
            (record.kind, record.measure) == (Some(Kind::Segment), Measure::Duration)
        };
        Durations::decode(&wire.histograms.iter().find(is_it).unwrap().hdr_us).unwrap()
    };
    let mut both = segments(wires[0]);
    both.add(&segments(wires[1]));
    assert_eq!(segments(wire), both);
    let kind = wire.kinds.iter().find(|kind| kind.kind == Kind::Segment).unwrap();
    assert_eq!(kind.duration, both.percentiles());
    assert_eq!((all.viewers.peak_active, all.processes.exits["1"], all.failures[0].count), (40, 2, 2));
    assert_eq!((all.configuration.clients, all.configuration.urls.len()), (40, 1));
    assert_eq!(all.started_at, first.started_at);
    assert_eq!(all.ended_at, second.ended_at);
}

#[test]
fn seconds_are_put_side_by_side_by_the_wall_clock() {
    let (first, second) = two();
    let all = merge(named([first.clone(), second.clone()])).unwrap();
    assert_eq!(all.series.len(), 63, "from the first start to the last end");
    assert_eq!(all.series[2].active, first.series[2].active, "the second had not begun");
    assert_eq!(all.series[40].active, first.series[40].active + second.series[37].active);
    assert_eq!(all.series[62].requests, second.series[59].requests, "the first was over");
    let sum = |report: &Report| report.series.iter().map(|row| row.requests).sum::<u64>();
    assert_eq!(sum(&all), sum(&first) + sum(&second));
    let mut late = second;
    for (n, row) in late.series.iter_mut().enumerate() {
        // Ticks are never exactly a second apart.
        row.until_s += if n % 2 == 0 { 0.004 } else { -0.003 };
    }
    let jittered = merge(named([first, late])).unwrap();
    assert_eq!(
        jittered.series.iter().map(|row| row.active).collect::<Vec<_>>(),
        all.series.iter().map(|row| row.active).collect::<Vec<_>>()
    );
}

#[test]
fn the_verdict_is_that_of_the_worst_box_which_is_named() {
    let (first, second) = two();
    for reports in [vec![first.clone(), second.clone()], vec![second, first]] {
        let all = merge(named(reports.clone())).unwrap();
        let verdict = all.verdict.unwrap();
        assert_eq!(verdict.state, State::Degraded);
        let name = if reports[0].configuration.clients == 10 { "a" } else { "b" };
        assert!(
            verdict.sentence.ends_with(&format!("({name}, the worst of 2 load boxes)")),
            "{}",
            verdict.sentence
        );
        assert_eq!(all.boxes.len(), 2);
    }
}

#[test]
fn what_does_not_add_up_is_refused_in_words() {
    let (first, second) = two();
    assert!(matches!(merge(named([first.clone()])), Err(MergeError::TooFew)));
    let yesterday = Report { started_at: "2025-12-31T00:00:00Z".to_owned(), ..second.clone() };
    assert!(merge(named([first.clone(), yesterday])).unwrap_err().to_string().contains("more than a day"));
    let undated = Report { started_at: "soon".to_owned(), ..second.clone() };
    assert!(merge(named([first.clone(), undated])).unwrap_err().to_string().contains("does not say when"));
    let mut broken = second;
    broken.wire.as_mut().unwrap().histograms[0].hdr_us = "AAAA".to_owned();
    assert!(matches!(merge(named([first, broken])), Err(MergeError::Histogram(_))));
}
