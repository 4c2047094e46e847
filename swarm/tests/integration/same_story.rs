//! A run with an outage in its middle tells one story, whoever looks at it: the dashboard on its terminal, the page, what
//! Grafana asks of Prometheus, and the JSON report.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use testkit::{Origin, PATIENCE, Tmux, get, wait_until, wait_within};

use crate::observing::{Prometheus, dashboard_expressions};
use crate::page::{fact, figure};
use crate::support::origin;

const VIEWERS: f64 = 4.0;

/// Trouble that came after the dashboard was read is told by the later views only: then once more.
const ATTEMPTS: u32 = 3;

/// Between what happens and what a view shows of it: a tick, a scrape, and a step of the query, each at its longest.
const APART_S: f64 = 2.5;

/// How long the run takes, and how long nobody answers in it. The first can be set, to see the same in a longer run.
fn run_length() -> Duration {
    let seconds = std::env::var("SAME_STORY_SECONDS").ok().map_or(40, |text| text.parse().unwrap());
    Duration::from_secs(seconds)
}
const OUTAGE: &str = "outage@0s+5s";

/// What a view says of the run. Nothing of it moves any more once the outage is over and nothing else goes wrong.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    /// Requests that failed, by kind.
    failed: BTreeMap<&'static str, f64>,
    stalls: f64,
    interruptions: f64,
}

/// The run as it was seen from outside while it went on, and what it left.
struct Seen {
    screen: String,
    /// The page of metrics, and what was asked of Prometheus, when the screen was read.
    metrics: String,
    prometheus: Prometheus,
    report: Value,
    html: String,
}

/// The number before a word: `3 stalls`, `1 stall`.
#[track_caller]
fn number_before(text: &str, word: &str) -> f64 {
    let at = text.find(word).unwrap_or_else(|| panic!("no {word:?} in:\n{text}"));
    text[..at]
        .split_whitespace()
        .next_back()
        .and_then(|last| last.parse().ok())
        .unwrap_or_else(|| panic!("no number before {word:?} in:\n{text}"))
}

const KINDS: [(&str, &str); 2] = [("segment", "segments"), ("playlist", "playlists")];

impl Told {
    fn by_screen(screen: &str) -> Self {
        let row = |name: &str| {
            let line = screen.lines().find_map(|line| line.split_once(&format!("{name}  ")));
            let cells = line.unwrap_or_else(|| panic!("no {name} in:\n{screen}")).1;
            cells.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        let (_, playback) = screen.split_once("rebuffering ").unwrap();
        let playback = playback.lines().next().unwrap();
        Self {
            failed: KINDS.map(|(kind, name)| (kind, row(name))).into(),
            stalls: number_before(playback, " stall"),
            interruptions: number_before(playback, " interruption"),
        }
    }

    fn by_metrics(page: &str) -> Self {
        let sum = |start: &str, counts: &dyn Fn(&str) -> bool| -> f64 {
            let lines = page.lines().filter(|line| line.starts_with(start) && counts(line));
            lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
        };
        let went_well = |line: &str| line.contains("status=\"2") || line.contains("status=\"aborted\"");
        let failed =
            |kind: &str| sum(&format!("hlsswarm_requests_total{{kind=\"{kind}\""), &|line| !went_well(line));
        Self {
            failed: KINDS.map(|(kind, _)| (kind, failed(kind))).into(),
            stalls: sum("hlsswarm_stalls_total ", &|_| true),
            interruptions: sum("hlsswarm_interruptions_total ", &|_| true),
        }
    }

    fn by_report(report: &Value) -> Self {
        let wire = &report["wire"];
        let kinds = wire["kinds"].as_array().unwrap();
        let failed = |kind: &str| {
            let found = kinds.iter().find(|known| known["kind"] == kind).unwrap();
            found["errors"].as_f64().unwrap()
        };
        Self {
            failed: KINDS.map(|(kind, _)| (kind, failed(kind))).into(),
            stalls: wire["playback"]["stalls"].as_f64().unwrap(),
            interruptions: wire["playback"]["interruptions"].as_f64().unwrap(),
        }
    }

    fn by_page(html: &str) -> Self {
        let failed = |name: &str| {
            let said = fact(html, name);
            if said.contains(" failed") { number_before(&said, " failed") } else { 0.0 }
        };
        let playback = fact(html, "playback");
        let stalls = if playback.starts_with("no stall") { 0.0 } else { number_before(&playback, " stall") };
        let has_interruptions = playback.contains(" interruption");
        Self {
            failed: KINDS.map(|(kind, name)| (kind, failed(name))).into(),
            stalls,
            interruptions: if has_interruptions { number_before(&playback, " interruption") } else { 0.0 },
        }
    }
}

/// Plays it once. `None` when something went wrong after the screen had been read.
fn attempt() -> Option<Seen> {
    let origin = origin("one-second", &[]);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let (json, html, log) = (file("run.json"), file("run.html"), file("run.log"));
    let terminal = start(&origin, &json, &html, &log);
    let mut metrics = String::new();
    wait_until("the log says where the metrics are", || {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        let url = said.lines().find_map(|line| line.split_once("metrics on ")).map(|(_, url)| url.to_owned());
        metrics = url.unwrap_or_default();
        !metrics.is_empty()
    });
    let address = |url: &str| url.split('/').nth(2).unwrap().to_owned();
    let jobs = [("swarm", address(&metrics)), ("test-origin", admin(&origin))];
    let prometheus = Prometheus::start(&jobs.each_ref().map(|(job, address)| (*job, address.as_str())));
    terminal.wait_for(&["4 of 4 run", "█ 4 playing"]);
    wait_until("Prometheus has seen it", || {
        prometheus.query("hlsswarm_clients_playing").first().is_some_and(|(_, playing)| *playing == VIEWERS)
    });
    break_down(&origin);
    terminal.wait_for(&["█ 0 playing", "─ Failures ", " on http://"]);
    assert!(terminal.screen().contains(" so far: "), "{}", terminal.screen());
    terminal.wait_for(&["█ 4 playing", "! 0 stalled  × 0 interrupted"]);
    let mut seen = (String::new(), String::new());
    wait_until("the screen and the metrics are of one moment", || {
        seen = (terminal.screen(), get(&metrics).text());
        Told::by_screen(&seen.0) == Told::by_metrics(&seen.1)
    });
    let (screen, page) = seen;
    assert!(!terminal.screen().contains("gone with"), "the run was over too soon:\n{}", terminal.screen());
    wait_until("Prometheus has scraped it", || {
        let stalls = prometheus.query("hlsswarm_stalls_total").first().map(|(_, stalls)| *stalls);
        stalls == Some(Told::by_screen(&screen).stalls)
    });
    wait_within(run_length() + PATIENCE, "the run has ended", || terminal.screen().contains("gone with"));
    terminal.wait_for(&["gone with 0", ": the duration was over"]);
    let report: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let html = std::fs::read_to_string(html).unwrap();
    (Told::by_report(&report) == Told::by_screen(&screen)).then_some(Seen {
        screen,
        metrics: page,
        prometheus,
        report,
        html,
    })
}

fn start(origin: &Origin, json: &Path, html: &Path, log: &Path) -> Tmux {
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let (json, html, log) = (path(json), path(html), path(log));
    let (program, length, url) = (env!("CARGO_BIN_EXE_swarm"), run_length().as_secs(), &origin.url);
    let flags = format!("-clients {VIEWERS} -ramp-rate 20 -duration {length}s -timeout 2s -tui on");
    let scraped = format!("-metrics 127.0.0.1:0 -origin-metrics http://{}/metrics", admin(origin));
    let files = format!("-report {json} -report {html} -log-file {log}");
    let run = format!("env -u NO_COLOR TERM=xterm-256color {program} {flags} {scraped} {files} {url}");
    Tmux::start((140, 45), &format!("{run}; echo gone with $?; sleep 600"))
}

/// `host:port` of the origin's admin server, which answers during an outage.
fn admin(origin: &Origin) -> String {
    let said = origin.program.stderr();
    let line = said.lines().find_map(|line| line.split_once("http://")).unwrap();
    line.1.split(['/', ' ']).next().unwrap().to_owned()
}

fn break_down(origin: &Origin) {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_swarm")).with_file_name("test-origin");
    let mut command = Command::new(program);
    let added =
        command.args(["fault", "add", OUTAGE, "--dir"]).arg(origin.parent_dir.path()).output().unwrap();
    assert!(added.status.success(), "{added:?}");
}

/// From when on, and until when, fewer than all played that had played: in seconds since the run began.
#[track_caller]
fn trouble(what: &str, playing: &[(f64, f64)]) -> (f64, f64) {
    let all_play = |(_, playing): &(f64, f64)| *playing == VIEWERS;
    let began = playing.iter().position(all_play).unwrap_or_else(|| panic!("{what}: never all: {playing:?}"));
    let missing = || playing[began..].iter().filter(|point| !all_play(point)).map(|(at, _)| *at);
    let (first, last) = (missing().next(), missing().next_back());
    first.zip(last).unwrap_or_else(|| panic!("{what}: nothing happened: {playing:?}"))
}

fn rows(report: &Value, field: &str) -> Vec<(f64, f64)> {
    let rows = report["series"].as_array().unwrap().iter();
    rows.map(|row| (row["until_s"].as_f64().unwrap(), row[field].as_f64().unwrap())).collect()
}

#[test]
fn the_dashboard_the_page_grafana_and_the_report_tell_the_same_story() {
    let seen = (0..ATTEMPTS).find_map(|_| attempt());
    let seen = seen.expect("each run had more trouble than its outage: this machine is too busy");
    same_counts(&seen);
    same_course(&seen);
    same_words(&seen);
}

/// The totals of the outage, and that the rest of the page adds up to what the report has.
fn same_counts(seen: &Seen) {
    let told = Told::by_report(&seen.report);
    assert!(told.failed["playlist"] > 0.0 && told.stalls + told.interruptions >= VIEWERS, "{told:?}");
    assert_eq!(Told::by_screen(&seen.screen), told, "the screen");
    assert_eq!(Told::by_metrics(&seen.metrics), told, "the metrics");
    assert_eq!(Told::by_page(&seen.html), told, "the page");
    let all: f64 = rows(&seen.report, "errors").iter().map(|(_, errors)| errors).sum();
    let failed = seen.report["wire"]["requests"]["errors"].as_f64().unwrap();
    assert!((all - failed).abs() < 1e-9, "{all} in the seconds of the report, {failed} in all");
    let errors = figure(&seen.html, "Errors");
    let lasted: Vec<_> = rows(&seen.report, "lasted_s").iter().map(|(_, lasted)| *lasted).collect();
    let of_class = |rates: &Vec<Option<f64>>| -> f64 {
        rates.iter().zip(&lasted).map(|(rate, lasted)| rate.unwrap() * lasted).sum()
    };
    let plotted: f64 = errors.columns.values().map(of_class).sum();
    // A rate is shown with three digits.
    assert!((plotted / failed - 1.0).abs() < 0.01, "{plotted} in the plot of errors, {failed} in all");
    // What Grafana shows as a rate, over the whole run, is a count. It is extrapolated by less than two scrapes.
    let length_s = seen.report["outcome"]["elapsed_s"].as_f64().unwrap().ceil();
    let by_grafana = |panel: &str, counts: &dyn Fn(&BTreeMap<String, String>) -> bool| -> f64 {
        let expressions = dashboard_expressions(panel, &format!("{length_s}s"));
        let series = seen.prometheus.query_at(&expressions[0], &ended_at(&seen.report));
        series.iter().filter(|(labels, _)| counts(labels)).map(|(_, rate)| rate * length_s).sum()
    };
    let is_failure = |labels: &BTreeMap<String, String>| {
        !labels["status"].starts_with(['2', '3']) && labels["status"] != "aborted"
    };
    for (what, shown, told) in [
        ("requests that failed", by_grafana("Requests by status", &is_failure), failed),
        ("stalls", by_grafana("Stalls, late and skipped segments", &|_| true), told.stalls),
    ] {
        assert!(
            (shown - told).abs() <= told * 0.05 + 0.1,
            "{what}: {shown} in Grafana, {told} in the report"
        );
    }
}

/// When nobody saw anything, and how few.
fn same_course(seen: &Seen) {
    let playing = rows(&seen.report, "playing");
    let (first, last) = trouble("the report", &playing);
    assert!(last - first < 30.0 && last + 3.0 < playing.last().unwrap().0, "{first} to {last}: {playing:?}");
    let page = figure(&seen.html, "Viewers");
    let points: Vec<_> =
        page.at_s.iter().copied().zip(page.columns["playing"].iter().map(|value| value.unwrap())).collect();
    assert_eq!(points.len(), playing.len());
    for ((at, shown), (until, told)) in points.iter().zip(&playing) {
        assert!((at - until).abs() < 0.001 && (shown - told).abs() < 1e-9, "{at}: {shown}, {until}: {told}");
    }
    let started = &seen.report["started_at"];
    let begin = humantime::parse_rfc3339(started.as_str().unwrap()).unwrap();
    let expression =
        dashboard_expressions("Viewers", "10s").into_iter().find(|e| e.contains("clients_playing"));
    let grafana = seen.prometheus.range(&expression.unwrap(), begin, run_length());
    let (grafana_first, grafana_last) = trouble("Grafana", &grafana);
    let is_near = |a: f64, b: f64| (a - b).abs() <= APART_S;
    assert!(
        is_near(first, grafana_first) && is_near(last, grafana_last),
        "{first} to {last} s in the report, {grafana_first} to {grafana_last} s in Grafana"
    );
    let fewest = |points: &[(f64, f64)]| {
        let after = points.iter().filter(|(at, _)| *at >= first);
        after.map(|(_, playing)| *playing).fold(VIEWERS, f64::min)
    };
    assert_eq!((fewest(&playing), fewest(&grafana)), (0.0, 0.0));
    let outage = &seen.report["wire"]["outages"];
    assert!(
        is_near(outage["last_began_after_s"].as_f64().unwrap(), first) || outage["count"] != 1,
        "{outage}"
    );
    let series = seen.report["series"].as_array().unwrap();
    let in_force = series.iter().find(|row| row["origin_faults"] == 1.0).expect("the origin told its fault");
    assert!(is_near(in_force["until_s"].as_f64().unwrap(), first), "{first} s: {in_force}");
    assert!(seen.html.contains("fault in force at the origin, for "));
    let alerts =
        seen.prometheus.range("max(ALERTS{alertname=\"HlsViewersSeeNothing\"})", begin, run_length());
    let (raised, cleared) = (alerts.first().expect("the alert was raised").0, alerts.last().unwrap().0);
    assert!(is_near(raised, first) && is_near(cleared, last), "raised from {raised} to {cleared} s");
}

/// The verdict in one word, and why requests failed.
fn same_words(seen: &Seen) {
    let sentence = seen.report["verdict"]["sentence"].as_str().unwrap();
    let state = seen.report["verdict"]["state"].as_str().unwrap();
    assert!(
        seen.html.contains(&format!("<p class=\"verdict {state}\">{}.</p>", escaped(sentence))),
        "{sentence}"
    );
    let error = &seen.report["wire"]["errors"][0];
    let (class, count) = (error["class"].as_str().unwrap(), error["count"].as_u64().unwrap());
    assert!(seen.screen.contains(&format!("{count} × {class} on http://")), "{}", seen.screen);
    assert!(seen.html.contains(&format!("<td>{class}</td><td>{count}</td>")), "{error}");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn ended_at(report: &Value) -> String {
    report["ended_at"].as_str().unwrap().to_owned()
}
