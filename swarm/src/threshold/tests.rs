//! Thresholds as users write them.

use super::*;
use crate::stats::{ErrorShare, METRICS, Percentiles};

fn parsed(text: &str) -> Threshold {
    Threshold::parse(text).unwrap_or_else(|mistake| panic!("{mistake}"))
}

#[test]
fn what_users_write_is_read() {
    let read = parsed("segment_duration_p95 < 800ms ; for 1m30s; abort");
    assert_eq!((read.reading.name().as_str(), read.comparison), ("segment_duration_p95", Comparison::Below));
    assert_eq!((read.lasting, read.abort), (Some(Duration::from_secs(90)), true));
    assert!((read.limit - 0.8).abs() < 1e-9);
    for (text, limit) in [
        ("rebuffer_ratio<1%", 0.01),
        ("error_ratio<=0.1%", 0.001),
        ("error_ratio_5xx<0.5", 0.5),
        ("startup_p95<3s", 3.0),
        ("playlist_age<1.5td", 1.5),
        ("clients_active>=95%", 0.95),
        ("clients_active>95", 95.0),
        ("throughput>20 Mbit/s", 20e6),
    ] {
        assert!((parsed(text).limit - limit).abs() < 1e-9, "{text}");
    }
    assert_eq!(parsed("restarts<1; abort").patience(), Some(ABORT_AFTER));
    assert_eq!(parsed("restarts<1").patience(), None);
}

#[test]
fn a_mistake_is_shown_with_a_caret_under_it() {
    let told = |text: &str| Threshold::parse(text).unwrap_err().to_string();
    assert_eq!(
        told("segmnt_duration_p95<1s"),
        "there is no metric \"segmnt_duration_p95\": swarm -list-metrics lists them\n  segmnt_duration_p95<1s\n  ^"
    );
    for (text, caret, what) in [
        ("rebuffer_ratio", 14, "is missing"),
        ("rebuffer_ratio<1s", 16, "in %, 1"),
        ("rebuffer_ratio<", 15, "number is missing"),
        ("rebuffer_ratio=1%", 14, "compare with"),
        ("startup_p95<3", 13, "in s, ms"),
        ("startup_p95<3s; fr 10s", 16, "only"),
        ("startup_p95<3s;  for 10", 21, "not a duration"),
        ("startup_p95<3s; for 0.5s", 20, "shorter than a second"),
        ("startup_p95<3s;", 15, "only"),
    ] {
        let told = told(text);
        let lines: Vec<_> = told.lines().collect();
        assert!(lines[0].contains(what), "{text}: {told}");
        assert_eq!(lines[2].find('^'), Some(caret + 2), "{told}");
    }
}

/// For each metric a threshold, figures that hold it and figures that cross it.
#[test]
fn each_metric_can_hold_and_can_cross() {
    let told = |p95_s| Some(Percentiles { count: 9, mean_s: 0.1, p50_s: 0.1, p95_s, p99_s: 9.0, max_s: 9.0 });
    let figures = |bad: bool| {
        let bad = |good: f64, worse: f64| if bad { worse } else { good };
        Figures {
            segment_duration: told(bad(0.5, 1.5)),
            segment_ttfb: told(bad(0.1, 0.3)),
            playlist_duration: told(bad(0.1, 0.3)),
            lateness: told(bad(0.5, 1.0)).map(Into::into),
            late_ratio: Some(bad(0.0, 0.02)),
            startup: told(bad(1.0, 4.0)),
            rebuffer_ratio: Some(bad(0.0, 0.02)),
            stalled_viewers: 1,
            stalled_ratio: Some(bad(0.0, 0.2)),
            error_ratio: Some(bad(0.0, 0.02)),
            errors: vec![ErrorShare { class: "503".to_owned(), count: 1, ratio: bad(0.0, 0.02) }],
            playlist_age_s: Some(bad(2.0, 4.0)),
            playlist_age_targets: Some(bad(1.0, 2.0)),
            clients_active_min: Some(10),
            clients_active_min_ratio: Some(bad(1.0, 0.9)),
            clients_active_mean_ratio: Some(bad(1.0, 0.9)),
            restarts: u64::from(bad(0.0, 1.0) > 0.5),
            live_latency_p50_s: Some(bad(6.0, 12.0)),
            throughput_bits_per_s: Some(bad(30e6, 10e6)),
            ..Figures::default()
        }
    };
    let thresholds = [
        "segment_duration_p95<1s",
        "segment_ttfb_p95<=200ms",
        "playlist_duration_p95<200ms",
        "lateness_p95<1",
        "late_ratio<1%",
        "startup_p95<3s",
        "rebuffer_ratio<1%",
        "stalled_viewers<10%",
        "error_ratio_5xx<1%",
        "playlist_age<1.5td",
        "clients_active>=95%",
        "restarts<1",
        "live_latency_p50<10s",
        "throughput>20Mbit/s",
    ];
    assert_eq!(thresholds.len(), METRICS.len());
    for (text, definition) in thresholds.iter().zip(METRICS) {
        let threshold = parsed(text);
        assert_eq!(threshold.reading.metric, definition.metric, "{text}");
        assert_eq!(threshold.holds(&figures(false)), Some(true), "{text}");
        assert_eq!(threshold.holds(&figures(true)), Some(false), "{text}");
        let unseen = Figures::default();
        assert_eq!(threshold.holds(&unseen).is_none(), *text != "restarts<1", "{text}");
    }
}
