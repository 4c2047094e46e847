//! What the dashboard, the rules and the page ask is answered by a real Prometheus, and trouble raises its alerts.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;
use swarm::verdict::rules::RULES;
use testkit::{send, wait_until};

use crate::observing::{Prometheus, filled_in, path};
use crate::support::{Site, Swarm, origin, vod_answers};

/// What nobody can answer in a healthy run, and why. It is asked again when things go wrong.
const EMPTY_WHEN_HEALTHY: [(&str, &str); 1] = [("dashboard: Alerts", "no alert fires")];

fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}

/// Expressions by what asks them. Of a comparison the left side: it must be known to be compared.
fn questions(prometheus: &Prometheus) -> BTreeMap<String, String> {
    let mut questions = dashboard_questions();
    let rows = text("docs/OBSERVABILITY.md");
    let (_, section) = rows.split_once("## Queries").unwrap();
    for row in section.split("\n#").next().unwrap().lines().filter(|line| line.ends_with("` |")) {
        let (question, expression) = row.trim_matches(['|', ' ']).split_once(" | ").unwrap();
        questions.insert(format!("page: {question}"), left_side(expression.trim_matches('`')));
    }
    for rule in prometheus.rules() {
        let expression = left_side(rule["query"].as_str().unwrap());
        questions.insert(format!("rule: {}", rule["name"].as_str().unwrap()), expression);
    }
    questions
}

fn dashboard_questions() -> BTreeMap<String, String> {
    let dashboard: Value =
        serde_json::from_str(&text("observability/dashboards/hls-load-test.json")).unwrap();
    let mut questions = BTreeMap::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let name = format!("dashboard: {} {}", panel["title"].as_str().unwrap(), target["refId"]);
            questions.insert(name, target["expr"].as_str().unwrap().to_owned());
        }
    }
    for variable in &dashboard["templating"]["list"].as_array().unwrap()[1..] {
        let definition = variable["definition"].as_str().unwrap();
        let metric =
            definition.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(", instance)"));
        questions.insert(format!("dashboard: variable {}", variable["name"]), metric.unwrap().to_owned());
    }
    for annotation in dashboard["annotations"]["list"].as_array().unwrap() {
        let name = annotation["name"].as_str().unwrap();
        questions.insert(format!("dashboard: {name}"), annotation["expr"].as_str().unwrap().to_owned());
    }
    questions
        .into_iter()
        .map(|(name, expression)| (name, left_side(&filled_in(&expression, RATE_INTERVAL))))
        .collect()
}

/// Grafana's rate interval for a scrape twice a second, with time to spare.
const RATE_INTERVAL: &str = "10s";

/// Of `expression > 0.7` what is compared.
fn left_side(expression: &str) -> String {
    match split_comparison(expression) {
        Some((left, ..)) => left.to_owned(),
        None => expression.to_owned(),
    }
}

fn split_comparison(expression: &str) -> Option<(&str, &str, f64)> {
    let (rest, number) = expression.rsplit_once(' ')?;
    let (left, operator) = rest.rsplit_once(' ')?;
    let compares = matches!(operator, "==" | ">" | ">=" | "<" | "<=");
    compares.then(|| Some((left, operator, number.parse().ok()?))).flatten()
}

/// Waits until all is answered but what `excused` names.
#[track_caller]
fn wait_for_answers(prometheus: &Prometheus, excused: &[&str]) {
    let mut open = questions(prometheus);
    open.retain(|name, _| !excused.contains(&name.as_str()));
    let began = Instant::now();
    while !open.is_empty() {
        assert!(began.elapsed() < testkit::PATIENCE, "nobody answers {open:#?}");
        open.retain(|_, expression| prometheus.query(expression).is_empty());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Two live viewers and one of a VOD behind a cache: whatever can be asked has something to tell.
#[test]
fn every_expression_has_an_answer_and_trouble_raises_its_alerts() {
    let live = origin("one-second", &[]);
    let vod = Site::serve(vod_answers(3));
    vod.change("/vod.m3u8", |answer| {
        answer.0 = "200 OK\r\nContent-Type: application/vnd.apple.mpegurl\r\nX-Cache: HIT";
    });
    let flags = ["-clients", "3", "-ramp-rate", "50", "-pace", "realtime"];
    let swarm = Swarm::start(&[&flags[..], &[&live.url, &vod.url("/vod.m3u8")]].concat());
    let prometheus = Prometheus::start(&[
        ("swarm", swarm.address()),
        ("test-origin", live.url.split('/').nth(2).unwrap()),
    ]);
    let all = questions(&prometheus);
    let excused = EMPTY_WHEN_HEALTHY.map(|(name, _)| name);
    for name in excused {
        assert!(all.contains_key(name), "nothing is called {name} in {:#?}", all.keys());
    }
    wait_for_answers(&prometheus, &excused);
    for rule in prometheus.rules() {
        assert_eq!(rule["health"], "ok", "{rule:#}");
    }

    vod.change("/vod1.ts", |answer| answer.0 = "404 Not Found\r\nContent-Type: text/plain");
    send(swarm.ffmpegs()[0], Signal::SIGKILL);
    send(live.process("ffmpeg").unwrap(), Signal::SIGSTOP);
    let expected = [
        "HlsErrors",
        "HlsManyErrors",
        "HlsRebuffering",
        "HlsRebufferingBadly",
        "HlsStreamStale",
        "HlsStreamStuck",
        "HlsViewersRestart",
        "HlsViewersSeeNothing",
    ];
    // Some hold for a moment only.
    let mut missing = BTreeSet::from(expected.map(str::to_owned));
    let began = Instant::now();
    while !missing.is_empty() {
        assert!(began.elapsed() < testkit::PATIENCE, "never raised: {missing:?}");
        for alert in prometheus.raised() {
            missing.remove(&alert);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    wait_for_answers(&prometheus, &[]);
    send(live.process("ffmpeg").unwrap(), Signal::SIGKILL);
    wait_until("the origin's restart is told", || {
        prometheus.raised().iter().any(|alert| alert == "HlsOriginRestarts")
    });
}

/// `rebuffer_ratio<0.2%` as what an alert compares with: `>=` and 0.002.
fn broken_when(rule: &str) -> (&'static str, f64) {
    let at = rule.find(['<', '>']).unwrap();
    let (operator, rest) = match &rule[at..] {
        text if text.starts_with("<=") => (">", &text[2..]),
        text if text.starts_with(">=") => ("<", &text[2..]),
        text => (">=", &text[1..]),
    };
    let number = rest.trim_end_matches(|letter: char| !letter.is_ascii_digit()).parse::<f64>().unwrap();
    (operator, if rest.ends_with('%') { number / 100.0 } else { number })
}

#[test]
fn each_rule_of_the_verdict_has_an_alert_with_its_bound() {
    let mut without: BTreeSet<_> =
        RULES.iter().flat_map(|rule| [Some(rule.healthy), rule.holding]).flatten().collect();
    for alert in Prometheus::start(&[]).rules().iter().filter(|rule| rule["type"] == "alerting") {
        let Some(rule) = alert["labels"]["rule"].as_str() else { continue };
        assert!(without.remove(rule), "{rule} of {} is no rule, or has two alerts", alert["name"]);
        let (_, operator, bound) = split_comparison(alert["query"].as_str().unwrap()).unwrap();
        let (expected, number) = broken_when(rule);
        assert_eq!(operator, expected, "{alert:#}");
        assert!((bound - number).abs() < 1e-9, "{alert:#}");
    }
    assert!(without.is_empty(), "no alert for {without:?}");
}

#[test]
fn the_examples_of_configurations_are_valid() {
    let page = text("docs/OBSERVABILITY.md");
    let example = page.split_once("```yaml\n").and_then(|(_, rest)| rest.split_once("```")).unwrap().0;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prometheus.yml");
    std::fs::write(&file, example).unwrap();
    for file in [file, path("deploy/prometheus.yml")] {
        let checked = Command::new("promtool").args(["check", "config"]).arg(&file).output().unwrap();
        assert!(checked.status.success(), "{}: {checked:?}", file.display());
    }
}
