//! What is said of a run: thresholds, and the verdict.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;
use testkit::{Finished, send};

use crate::support::{Swarm, origin, run};

fn report(folder: &tempfile::TempDir) -> Value {
    serde_json::from_slice(&std::fs::read(folder.path().join("run.json")).unwrap()).unwrap()
}

/// A run of two viewers, to its end.
fn play(url: &str, flags: &[&str]) -> (Finished, Value) {
    play_with("2", url, flags)
}

fn play_with(clients: &str, url: &str, flags: &[&str]) -> (Finished, Value) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.json");
    let all =
        ["-clients", clients, "-ramp-rate", "20", "-metrics", "off", "-report", path.to_str().unwrap(), url];
    let finished = run(&[&all[..], flags].concat());
    (finished, report(&folder))
}

#[test]
fn a_run_that_crosses_a_threshold_is_exit_code_99_and_says_which() {
    let origin = origin("one-second", &[]);
    let flags =
        ["-duration", "6s", "-threshold", "error_ratio<50%", "-threshold", "segment_duration_p95<0ms"];
    let (finished, report) = play(&origin.url, &flags);
    assert_eq!(finished.code, Some(99), "{finished:?}");
    let row = finished.stdout.lines().find(|line| line.contains("CROSSED")).unwrap();
    assert!(row.contains("segment_duration_p95<0ms, segment_duration_p95 "), "{row}");
    assert!(finished.stdout.contains("held: error_ratio<50%, error_ratio 0.00 %"), "{}", finished.stdout);
    let results: Vec<_> = report["judgement"]["thresholds"].as_array().unwrap().iter().collect();
    assert_eq!((&results[0]["result"], &results[1]["result"]), (&"held".into(), &"crossed".into()));
    let series = report["series"].as_array().unwrap();
    let requests: u64 = series.iter().map(|row| row["requests"].as_u64().unwrap()).sum();
    // A request may end between the two readings at the end.
    let all = report["wire"]["requests"]["requests"].as_u64().unwrap();
    assert!(requests.abs_diff(all) <= 2 && all > 10, "{requests} of {all}");
    assert!((6..=8).contains(&series.len()), "{} rows", series.len());
}

#[test]
fn a_threshold_that_says_abort_ends_the_run_in_good_order() {
    let origin = origin("one-second", &[]);
    let (finished, report) =
        play(&origin.url, &["-duration", "5m", "-threshold", "clients_active<1; for 2s; abort"]);
    assert_eq!(finished.code, Some(99), "{finished:?}");
    assert!(finished.stderr.contains("the run ends: clients_active<1; for 2s; abort does not hold"));
    assert!(finished.stdout.contains("a threshold was crossed"), "{}", finished.stdout);
    assert_eq!(report["outcome"]["ended_by"], "threshold");
    assert_eq!(report["judgement"]["thresholds"][0]["aborted"], true);
    let crossed = report["judgement"]["thresholds"][0]["crossed_after_s"].as_f64().unwrap();
    let ended = report["outcome"]["elapsed_s"].as_f64().unwrap();
    assert!((crossed..crossed + 3.0).contains(&ended), "crossed at {crossed}, ended at {ended}");
}

#[test]
fn a_mistake_in_a_threshold_is_shown_with_a_caret() {
    let wrong = run(&["-threshold", "rebuffer_ratio<1s", "http://127.0.0.1:1/s.m3u8"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("  rebuffer_ratio<1s\n                  ^\n"), "{}", wrong.stderr);
}

/// Other work on this machine, such as the other tests, ends some time. Several times what one attempt takes.
const CALM_WITHIN: Duration = Duration::from_secs(300);

/// What a run said, and its report: only when the load box kept up is there a verdict of the origin.
#[track_caller]
fn verdict_of(attempt: impl Fn() -> (Finished, Value)) -> (String, Value) {
    let began = Instant::now();
    loop {
        let (finished, report) = attempt();
        let verdict = &report["verdict"];
        if verdict["state"] != "invalid" {
            return (finished.stdout, report);
        }
        assert!(
            began.elapsed() < CALM_WITHIN,
            "this machine is too busy to judge an origin: {}",
            verdict["sentence"]
        );
    }
}

#[test]
fn a_healthy_run_is_healthy_in_its_first_line_and_in_the_report() {
    let origin = origin("one-second", &[]);
    let (said, report) = verdict_of(|| play(&origin.url, &["-duration", "9s"]));
    assert!(said.starts_with("HEALTHY: 2 viewers for "), "{said}\n{:#}", report["verdict"]);
    assert_eq!((&report["verdict"]["state"], &report["verdict"]["cause"]), (&"healthy".into(), &().into()));
    assert!(report["judgement"]["steady_from_s"].as_f64().unwrap() >= 3.0, "{:#}", report["judgement"]);
}

#[test]
fn twice_as_many_viewers_as_the_origin_holds_is_failing_and_its_503_come_first() {
    let attempt = || {
        let origin = origin("one-second", &["--fault", "capacity=10viewers"]);
        play_with("20", &origin.url, &["-duration", "12s"])
    };
    let (said, report) = verdict_of(attempt);
    assert!(said.starts_with("FAILING: ") && said.contains("; first sign: 503 at "), "{said}");
    assert_eq!(report["verdict"]["cause"], "load", "{:#}", report["verdict"]);
    let first = &report["judgement"]["first_signs"][0];
    assert_eq!((&first["kind"], &first["class"]), (&"errors".into(), &"503".into()), "{first}");
}

#[test]
fn an_outage_with_recovery_is_degraded_and_tells_how_long_it_took() {
    let attempt = || {
        // In force when two viewers have been playing for a while, and the longest part of the run comes after it. More
        // than a fifth of what is judged: if all of it fell into seconds of a saturated load box, there would be no verdict.
        let origin = origin("one-second", &["--fault", "outage@12s+7s"]);
        play(&origin.url, &["-duration", "40s"])
    };
    let (said, report) = verdict_of(attempt);
    let first = said.lines().next().unwrap();
    assert!(first.starts_with("DEGRADED: ") && first.contains(", recovered after "), "{first}");
    assert_eq!(report["verdict"]["cause"], "outage", "{:#}", report["verdict"]);
    let trouble = &report["judgement"]["trouble"];
    assert_eq!((&trouble["spells"], &trouble["recovered"]), (&1.into(), &true.into()), "{trouble}");
    let lasted = trouble["last_until_s"].as_f64().unwrap() - trouble["last_from_s"].as_f64().unwrap();
    // Nobody was served for 7 s, of which buffers bridge some; the longest pause of a viewer is 6 s, and it must start.
    assert!((1.0..24.0).contains(&lasted), "{trouble}");
    assert!(first.contains(&format!(", recovered after {lasted:.0} s")), "{first}");
}

#[test]
fn a_frozen_encoder_is_a_stale_stream_and_no_overload() {
    let attempt = || {
        let origin = origin("one-second", &[]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        let flags =
            ["-clients", "2", "-ramp-rate", "20", "-duration", "25s", "-report", path.to_str().unwrap()];
        let mut swarm = Swarm::start(&[&flags[..], &[&origin.url]].concat());
        swarm.wait_for_metric("hlsswarm_clients_playing", |playing| playing == 2);
        send(origin.process("ffmpeg").unwrap(), Signal::SIGSTOP);
        (swarm.program.wait(), report(&folder))
    };
    let (said, report) = verdict_of(attempt);
    assert!(said.starts_with("FAILING: ") && said.contains("look at the encoder, not at the load"), "{said}");
    assert_eq!(report["verdict"]["cause"], "stale", "{:#}", report["judgement"]["first_signs"]);
    assert_eq!(report["judgement"]["first_signs"][0]["kind"], "stale");
}

#[test]
fn a_run_is_set_beside_an_earlier_one() {
    let origin = origin("one-second", &[]);
    let folder = tempfile::tempdir().unwrap();
    let (_, before) = play(&origin.url, &["-duration", "12s"]);
    let path = folder.path().join("before.json");
    std::fs::write(&path, before.to_string()).unwrap();
    let compare = ["-compare", path.to_str().unwrap()];
    let (finished, now) = play(&origin.url, &[&compare[..], &["-duration", "12s"]].concat());
    assert!(finished.stdout.contains("\nCompared with "), "{}", finished.stdout);
    let comparison = &now["comparison"];
    assert_eq!(comparison["comparable"], true, "{comparison:#}");
    let segments = &comparison["changes"][0];
    assert_eq!(segments["before"], before["judgement"]["judged"]["segment_duration"]["p95_s"]);
    let (other, now) = play(&origin.url, &[&compare[..], &["-duration", "2s", "-variant", "first"]].concat());
    assert!(
        other.stdout.contains("not the same test: variant \"all\" before, \"first\" now"),
        "{}",
        other.stdout
    );
    assert_eq!(now["comparison"]["comparable"], false);
    let missing = run(&["-compare", "/nowhere.json", "-metrics", "off", &origin.url]);
    assert_eq!(missing.code, Some(3), "{missing:?}");
}
