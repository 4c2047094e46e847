//! A report of a run that never took place, for tests of all that is made from one.

use std::time::{Duration, Instant};

use super::*;
use crate::observation::{Cache, Kind, Observation, Outcome as Request};
use crate::stats::Wire;
use crate::verdict::{Cause, State};

/// What its viewers fetched, with histograms: a request per viewer and second, each tenth of them a failure.
fn wire(seconds: u64, clients: u32) -> WireSnapshot {
    let began = Instant::now();
    let mut wire = Wire::new(clients, began);
    for (number, viewer) in
        (0..seconds.min(100)).flat_map(|second| (0..clients).map(move |viewer| (second, viewer)))
    {
        let started = began + Duration::from_secs(number);
        wire.observe(&Observation {
            viewer,
            session: 0,
            kind: if number % 2 == 0 { Kind::Segment } else { Kind::Playlist },
            url: "http://origin/<b>.ts".into(),
            started,
            connect: None,
            tls: None,
            ttfb: Some(Duration::from_millis(10 + number)),
            duration: Duration::from_millis(30 + number * 2),
            outcome: if number % 10 == 3 { Request::Status(503) } else { Request::Status(200) },
            bytes: 100_000,
            segment: None,
            playlist: None,
            cache: Cache::Unknown,
        });
    }
    let histograms = wire.histograms();
    WireSnapshot { histograms, ..wire.snapshot(began + Duration::from_secs(seconds)) }
}

fn row(second: u64, clients: u32) -> Row {
    let wave = (second % 60) as f64 / 60.0;
    let active = clients.min(u32::try_from(second).unwrap() * 10);
    let errors = u64::from(second % 97 == 5) * 13;
    Row {
        until_s: second as f64 + 1.0,
        lasted_s: 1.0,
        target: clients,
        active,
        ramping: active < clients,
        starting: active / 50,
        playing: active,
        stalled: u32::from(second % 97 == 5),
        requests: u64::from(active),
        errors,
        errors_by_class: (errors > 0).then(|| ("503".to_owned(), errors)).into_iter().collect(),
        bytes: u64::from(active) * 225_123,
        segments: u64::from(active) / 2,
        segment_p50_s: Some(0.031_234 + wave / 50.0),
        segment_p95_s: Some(0.081_234 + wave / 20.0),
        segment_p99_s: Some(0.131_234 + wave / 10.0),
        playlist_p50_s: Some(0.003_123 + wave / 500.0),
        playlist_p95_s: Some(0.008_123 + wave / 200.0),
        playlist_p99_s: Some(0.013_123 + wave / 100.0),
        playlist_age_s: Some(1.0 + wave),
        rebuffer_ratio: Some(wave / 100.0),
        generator_cpu_ratio: Some(0.3 + wave / 3.0),
        generator_own_cpu_ratio: Some(0.2 + wave / 4.0),
        origin_cpu_ratio: Some(0.1 + wave / 3.0),
        origin_cpu_cores: Some(0.4 + wave),
        ..Row::default()
    }
}

/// Of so many seconds and viewers, with text in it that would be markup.
pub(crate) fn report(seconds: u64, clients: u32) -> Report {
    let verdict = Verdict {
        state: State::Degraded,
        cause: Some(Cause::Outage),
        sentence: "DEGRADED: <script>alert(1)</script>".to_owned(),
        ..Verdict::default()
    };
    Report {
        schema: SCHEMA.to_owned(),
        schema_version: SCHEMA_VERSION,
        swarm_version: "0".to_owned(),
        ffmpeg_version: "5".to_owned(),
        started_at: "2026-01-02T03:04:05.000Z".to_owned(),
        ended_at: "2026-01-02T04:04:05.000Z".to_owned(),
        environment: Environment::default(),
        boxes: Vec::new(),
        configuration: configuration(clients),
        outcome: OutcomeSection {
            sentence: "Held all".to_owned(),
            ended_by: EndedBy::Duration,
            exit_code: 0,
            elapsed_s: seconds as f64,
        },
        viewers: Viewers {
            target: clients,
            peak_target: clients,
            active_at_end: clients,
            peak_active: clients,
            have_played: clients,
            target_reached_after_s: Some(2.0),
            all_active_for_s: 1.0,
            least_active: None,
        },
        processes: Processes {
            started: clients.into(),
            restarted: 1,
            completed_views: 0,
            short_looks: 0,
            stopped: clients.into(),
            exits: [("1".to_owned(), 1)].into(),
        },
        failures: vec![FailureKind {
            reason: "No such file <b>".to_owned(),
            count: 1,
            first_viewer: 3,
            first_after_s: 4.0,
            ffmpeg_said: vec!["<i>".to_owned()],
        }],
        other_failures: 0,
        verdict: Some(verdict),
        judgement: JudgementSection { evidence: Evidence::default(), thresholds: Vec::new() },
        limit: None,
        wire: Some(wire(seconds, clients)),
        generator: GeneratorSnapshot { cores: 2.0, ..GeneratorSnapshot::default() },
        origin_metrics: None,
        comparison: None,
        series: (0..seconds).map(|second| row(second, clients)).collect(),
    }
}

fn configuration(clients: u32) -> Configuration {
    Configuration {
        urls: vec!["http://origin/live.m3u8?a=1&b=2".to_owned()],
        clients,
        ramp_rate_per_s: 5.0,
        ramp_jitter: 0.2,
        duration_s: Some(60.0),
        stages: None,
        variant: VariantMode::All,
        pace: Pace::Full,
        header_names: vec!["authorization".to_owned()],
        tls_verified: true,
        resolve: None,
        source_ips: Vec::new(),
        timeout_s: 30.0,
        direct: false,
        seed: 1,
        flags: ["-clients", &clients.to_string(), "-header", "authorization: …"].map(str::to_owned).into(),
    }
}

#[test]
fn what_is_written_is_read_again_and_other_files_are_refused_in_words() {
    let report = report(20, 10);
    let json = serde_json::to_vec(&report).unwrap();
    assert_eq!(Report::parse(&json).unwrap(), report);
    let other = Report::parse(b"{}").unwrap_err().to_string();
    assert!(other.starts_with("is no report of swarm's: "), "{other}");
    let newer = br#"{"schema": "ffmpeg-hls-swarm.report", "schema_version": 9}"#;
    let newer = Report::parse(newer).unwrap_err().to_string();
    assert!(newer.starts_with("is a report of version 9 of the schema"), "{newer}");
}
