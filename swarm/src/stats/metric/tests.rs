//! Names, and what they read.

use super::*;
use crate::stats::window::ErrorShare;

fn figures() -> Figures {
    let told = |n: f64| Percentiles {
        count: 9,
        mean_s: n,
        p50_s: n + 0.1,
        p95_s: n + 0.2,
        p99_s: n + 0.3,
        max_s: n + 0.4,
    };
    let share = |class: &str, ratio| ErrorShare { class: class.to_owned(), count: 1, ratio };
    Figures {
        segment_duration: Some(told(1.0)),
        segment_ttfb: Some(told(2.0)),
        playlist_duration: Some(told(3.0)),
        lateness: Some(told(4.0).into()),
        late_ratio: Some(0.5),
        startup: Some(told(5.0)),
        rebuffer_ratio: Some(0.25),
        stalled_viewers: 7,
        stalled_ratio: Some(0.7),
        error_ratio: Some(0.06),
        errors: vec![share("503", 0.03), share("500", 0.02), share("timeout", 0.01)],
        playlist_age_s: Some(6.0),
        playlist_age_targets: Some(3.0),
        clients_active_min: Some(8),
        clients_active_mean: Some(9.0),
        clients_active_min_ratio: Some(0.8),
        clients_active_mean_ratio: Some(0.9),
        restarts: 11,
        live_latency_p50_s: Some(12.0),
        live_latency_max_s: Some(13.0),
        throughput_bits_per_s: Some(14e6),
        ..Figures::default()
    }
}

#[test]
fn each_name_reads_its_figure_and_no_other() {
    let cases = [
        ("segment_duration", Quantity::Time, 1.2),
        ("segment_duration_mean", Quantity::Time, 1.0),
        ("segment_duration_p50", Quantity::Time, 1.1),
        ("segment_duration_p95", Quantity::Time, 1.2),
        ("segment_duration_p99", Quantity::Time, 1.3),
        ("segment_duration_max", Quantity::Time, 1.4),
        ("segment_ttfb_max", Quantity::Time, 2.4),
        ("playlist_duration_p50", Quantity::Time, 3.1),
        ("lateness_p95", Quantity::Number, 4.2),
        ("lateness_p95", Quantity::Share, 4.2),
        ("late_ratio", Quantity::Share, 0.5),
        ("late_ratio", Quantity::Number, 0.5),
        ("startup_p99", Quantity::Time, 5.3),
        ("rebuffer_ratio", Quantity::Share, 0.25),
        ("rebuffer_ratio", Quantity::Number, 0.25),
        ("stalled_viewers", Quantity::Number, 7.0),
        ("stalled_viewers", Quantity::Share, 0.7),
        ("error_ratio", Quantity::Share, 0.06),
        ("error_ratio_503", Quantity::Share, 0.03),
        ("error_ratio_5xx", Quantity::Share, 0.05),
        ("error_ratio_4xx", Quantity::Share, 0.0),
        ("error_ratio_timeout", Quantity::Number, 0.01),
        ("playlist_age", Quantity::Time, 6.0),
        ("playlist_age", Quantity::TargetDurations, 3.0),
        ("clients_active", Quantity::Number, 8.0),
        ("clients_active_mean", Quantity::Number, 9.0),
        ("clients_active_min", Quantity::Share, 0.8),
        ("clients_active_mean", Quantity::Share, 0.9),
        ("restarts", Quantity::Number, 11.0),
        ("live_latency", Quantity::Time, 12.0),
        ("live_latency_max", Quantity::Time, 13.0),
        ("throughput", Quantity::Rate, 14e6),
    ];
    for (name, quantity, expected) in cases {
        let reading = Reading { quantity, ..Reading::named(name).unwrap() };
        let value = reading.value(&figures()).unwrap();
        assert!((value - expected).abs() < 1e-9, "{name}: {value}");
        assert!(value.is_sign_positive(), "{name}: no share is written as -0.00 %");
        let named_again = Reading::named(&reading.name()).unwrap();
        assert_eq!(Reading { quantity, ..named_again }, reading, "{name}");
    }
    for definition in METRICS {
        for &quantity in definition.quantities {
            let is_it = |(name, as_what, _): &(&str, Quantity, f64)| {
                Reading::named(name).unwrap().metric == definition.metric && *as_what == quantity
            };
            assert!(cases.iter().any(is_it), "add a case of {} as a {quantity:?}", definition.name());
        }
    }
}

#[test]
fn what_was_not_seen_has_no_value() {
    for definition in METRICS {
        let value = Reading::named(definition.name()).unwrap().value(&Figures::default());
        assert_eq!(value, (definition.metric == Metric::Restarts).then_some(0.0), "{}", definition.name());
    }
}

#[test]
fn only_names_of_the_table_are_names() {
    for wrong in [
        "",
        "segment",
        "segment_duration_",
        "segment_duration_p90",
        "segment_duration_503",
        "late_ratio_p95",
        "error_ratio_200",
        "error_ratio_6xx",
        "error_ratio_p95",
        "clients_active_p95",
        "startups",
    ] {
        assert_eq!(Reading::named(wrong), None, "{wrong}");
    }
}

#[test]
fn each_metric_is_a_line_of_the_list() {
    let list = metrics_table();
    let names: Vec<_> = list.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, Metric::ALL.map(Metric::label));
}
