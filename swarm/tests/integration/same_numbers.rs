//! The page of metrics, Prometheus, the report and the summary tell the same numbers.

use std::collections::BTreeMap;
use std::time::Instant;

use nix::sys::signal::Signal;
use serde_json::Value;
use testkit::{descendants, send, wait_until};

use crate::observing::Prometheus;
use crate::support::{Swarm, origin};

/// Values of a page by series, of one metric.
fn series(page: &str, metric: &str) -> BTreeMap<String, f64> {
    let lines = page.lines().filter_map(|line| line.strip_prefix(metric)?.rsplit_once(' '));
    let ours = lines.filter(|(labels, _)| labels.is_empty() || labels.starts_with('{'));
    ours.map(|(labels, value)| (labels.to_owned(), value.parse().unwrap())).collect()
}

fn value(page: &str, metric: &str) -> f64 {
    series(page, metric).values().sum()
}

/// A run with a killed FFmpeg in the middle and an outage at its end, in which nothing that is counted moves any more.
#[test]
fn the_page_prometheus_the_report_and_the_summary_tell_the_same_numbers() {
    let origin = origin("one-second", &[]);
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("run.json");
    // Longer than the test: no request of the outage ends.
    let flags = ["-clients", "2", "-timeout", "5m", "-report", report.to_str().unwrap(), &origin.url];
    let mut swarm = Swarm::start(&flags);
    let prometheus = Prometheus::start(&[("swarm", swarm.address())]);
    swarm.wait_for_metric("hlsswarm_clients_playing", |playing| playing == 2);
    send(swarm.ffmpegs()[0], Signal::SIGKILL);
    swarm.wait_for_metric("hlsswarm_clients_restarted_total", |restarts| restarts == 1);
    swarm.wait_for_metric("hlsswarm_startup_seconds_count", |startups| startups == 3);
    swarm.wait_for_metric("hlsswarm_clients_playing", |playing| playing == 2);
    let nginx: Vec<_> =
        descendants(origin.program.pid()).into_iter().filter(|(_, name)| name == "nginx").collect();
    for (pid, _) in &nginx {
        send(*pid, Signal::SIGSTOP);
    }
    swarm.wait_for_metric("hlsswarm_clients_stalled", |stalled| stalled == 2);
    swarm.wait_for_metric("hlsswarm_playlists_stale", |stale| stale == 1);

    let before = Instant::now();
    let page = swarm.admin("/metrics").text();
    for metric in ["requests_total", "response_bytes_total", "stalls_total", "process_exits_total"] {
        let expected = value(&page, &format!("hlsswarm_{metric}"));
        wait_until("Prometheus has scraped the last of it", || {
            let found = prometheus.query(&format!("sum(hlsswarm_{metric})"));
            found.first().is_some_and(|(_, found)| (found - expected).abs() < 1e-9)
        });
    }
    swarm.program.send(Signal::SIGTERM);
    let finished = swarm.program.wait();
    for (pid, _) in nginx {
        send(pid, Signal::SIGCONT);
    }
    let report: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    same_counts(&page, &report);
    same_times(&page, &report, before.elapsed().as_secs_f64());
    same_words(&page, &finished.stdout);
}

#[track_caller]
fn same_counts(page: &str, report: &Value) {
    let wire = &report["wire"];
    let by_status: BTreeMap<_, _> = wire["statuses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (format!("{{kind={},status={}}}", row["kind"], row["status"]), row["count"].as_f64().unwrap())
        })
        .collect();
    let mut served = series(page, "hlsswarm_requests_total");
    served.retain(|_, count| *count > 0.0);
    assert_eq!(served, by_status);
    for (metric, told) in [
        ("response_bytes_total", &wire["requests"]["bytes"]),
        ("stalls_total", &wire["playback"]["stalls"]),
        ("interruptions_total", &wire["playback"]["interruptions"]),
        ("late_segments_total", &wire["playback"]["late_segments"]),
        ("skipped_segments_total", &wire["playback"]["skipped_segments"]),
        ("startup_seconds_count", &wire["playback"]["startup"]["count"]),
        ("clients_started_total", &report["processes"]["started"]),
        ("clients_restarted_total", &report["processes"]["restarted"]),
        ("clients_target", &report["viewers"]["target"]),
        ("clients_active", &report["viewers"]["active_at_end"]),
    ] {
        assert_eq!(Some(value(page, &format!("hlsswarm_{metric}"))), told.as_f64(), "{metric}");
    }
    // Segments and target durations of this stream are a second.
    let segments = series(page, "hlsswarm_request_duration_seconds_sum")["{kind=\"segment\"}"];
    let lateness = value(page, "hlsswarm_segment_lateness_ratio_sum");
    assert!((lateness / segments - 1.0).abs() < 1e-3, "{lateness} for {segments}");
    let age_s = value(page, "hlsswarm_playlist_age_seconds");
    assert!(age_s > 1.5, "{age_s}");
    let targets = value(page, "hlsswarm_playlist_age_target_durations");
    assert!((targets - age_s).abs() < 1e-9, "{targets} of {age_s}");
    let mut exits = series(page, "hlsswarm_process_exits_total");
    exits.retain(|_, count| *count > 0.0);
    assert_eq!(exits.into_iter().collect::<Vec<_>>(), [("{code=\"signal_9\"}".to_owned(), 1.0)]);
    assert_eq!(report["processes"]["exits"]["signal_9"], 1);
}

/// Times go on after the page was read, for at most `passed_s` and the second since the last tick.
#[track_caller]
fn same_times(page: &str, report: &Value, passed_s: f64) {
    let playback = &report["wire"]["playback"];
    for (metric, told) in [
        ("stalled_seconds_total", &playback["stalled_s"]),
        ("playing_seconds_total", &playback["playing_s"]),
        ("interrupted_seconds_total", &playback["interrupted_s"]),
    ] {
        let (shown, told) = (value(page, &format!("hlsswarm_{metric}")), told.as_f64().unwrap());
        let more = 2.0 * (passed_s + 1.0);
        assert!(told >= shown - 1e-6 && told <= shown + more, "{metric}: {shown} then {told}");
    }
    let of = |name: &str| playback[name].as_f64().unwrap();
    let nothing = of("stalled_s") + of("interrupted_s");
    assert!((of("rebuffer_ratio") - nothing / (nothing + of("playing_s"))).abs() < 1e-6, "{playback:#}");
    let of = |name: &str| value(page, &format!("hlsswarm_{name}_seconds_total"));
    let nothing = of("stalled") + of("interrupted");
    let ratio = value(page, "hlsswarm_rebuffer_ratio");
    assert!((ratio - nothing / (nothing + of("playing"))).abs() < 1e-6, "{ratio}");
}

#[track_caller]
fn same_words(page: &str, summary: &str) {
    let kind = |kind: &str| -> f64 {
        let all = series(page, "hlsswarm_requests_total");
        all.iter().filter(|(labels, _)| labels.contains(&format!("kind=\"{kind}\""))).map(|(_, n)| n).sum()
    };
    for line in [
        format!("\n  playlists  {} in p50 ", kind("playlist")),
        format!("\n  segments   {} in p50 ", kind("segment")),
        format!("\n  playback   {} stalls of 2 viewers, ", value(page, "hlsswarm_stalls_total")),
        ", 1 interruption of ".to_owned(),
        "\n  starts     2, and 1 restart\n".to_owned(),
        "\n  exits      1 × ".to_owned(),
    ] {
        assert!(summary.contains(&line), "{line:?} is not in:\n{summary}");
    }
}
