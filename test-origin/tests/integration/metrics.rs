//! What a scrape tells.

use std::collections::BTreeSet;
use std::path::Path;

use nix::sys::signal::Signal;

use crate::support::{Origin, documentation, open_dir, request, send, wait_until};

/// The value of one line, if it is there.
fn count_of(text: &str, metric: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(metric)?.trim().parse().ok())
}

/// The same of one that is no whole number.
fn value(text: &str, metric: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(metric)?.trim().parse().ok())
}

fn scrape(origin: &Origin) -> String {
    let response = origin.get("metrics");
    assert_eq!(response.status, 200, "{response:?}");
    assert_eq!(response.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    response.text()
}

/// What Nginx wrote at once about each request.
fn logged(file: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What kind of request such a line is about, and its status.
fn kind_and_status(line: &serde_json::Value) -> (&'static str, u64) {
    let uri = line["uri"].as_str().unwrap();
    let kind = match uri.rsplit_once('.') {
        _ if uri == "/stream.m3u8" => "master",
        Some((_, "m3u8")) => "playlist",
        Some((_, "ts")) => "segment",
        _ => "other",
    };
    (kind, line["status"].as_u64().unwrap())
}

#[test]
fn requests_and_bytes_are_counted_by_kind_and_status() {
    let folder = open_dir();
    let file = folder.path().join("access.jsonl");
    let origin = Origin::of_file("tiny-pair", &["--access-log", file.to_str().unwrap()]);
    let segment = origin.playlist("big/index.m3u8").segments.pop().unwrap().uri;
    let ask = |path: &str, more: &[&str]| {
        request("GET", &origin.at(path), &[&["X-Test: ours"], more].concat());
    };
    for _ in 0..10 {
        ask(&format!("big/{segment}"), &[]);
        ask("stream.m3u8", &[]);
        ask("big/missing.ts", &[]);
        ask(&format!("big/{segment}"), &["Range: bytes=0-9"]);
    }
    let ours = |line: &&serde_json::Value| line["x_test"] == "ours";
    wait_until("all of ours are logged", || logged(&file).iter().filter(ours).count() == 40);
    // How many requests the origin made before it told its URL depends on how often it had to try.
    let logged = logged(&file);
    let kinds = [("master", 200), ("playlist", 200), ("segment", 200), ("segment", 206), ("segment", 404)];
    let expected =
        kinds.map(|kind| logged.iter().filter(|line| kind_and_status(line) == kind).count() as u64);
    assert!(
        expected[2] >= 16,
        "three of each variant before the URL was told, and ten of ours: {expected:?}"
    );
    assert_eq!((expected[0], expected[3], expected[4]), (10, 10, 10));
    let counted = || {
        let text = scrape(&origin);
        kinds.map(|(kind, status)| {
            let name = format!("hlsorigin_requests_total{{kind=\"{kind}\",status=\"{status}\"}}");
            count_of(&text, &name).unwrap_or(0)
        })
    };
    // Each of Nginx's workers keeps what is to be counted for up to a second.
    wait_until("all of them are counted", || counted().iter().sum::<u64>() >= expected.iter().sum::<u64>());
    assert_eq!(counted(), expected);
    let sent = count_of(&scrape(&origin), "hlsorigin_response_bytes_total{kind=\"segment\"}");
    let segments = logged.iter().filter(|line| kind_and_status(line).0 == "segment");
    assert_eq!(sent, Some(segments.map(|line| line["bytes"].as_u64().unwrap()).sum()));
    assert_eq!(count_of(&scrape(&origin), "hlsorigin_log_lines_unread_total"), Some(0));
}

#[test]
fn processes_connections_faults_and_the_playlist_are_told() {
    let origin = Origin::tiny();
    let is = |metric: &str, expected: u64| count_of(&scrape(&origin), metric) == Some(expected);
    wait_until("the encoder runs", || is("hlsorigin_encoder_running", 1));
    let cpu = |process: &str| {
        value(&scrape(&origin), &format!("hlsorigin_cpu_seconds_total{{process=\"{process}\"}}")).unwrap()
    };
    wait_until("all have used a tick", || {
        for _ in 0..50 {
            origin.get("stream.m3u8");
        }
        ["ffmpeg", "nginx", "test-origin"].iter().all(|process| cpu(process) > 0.0)
    });
    let host = origin.url.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let idle: Vec<_> = (0..7).map(|_| std::net::TcpStream::connect(host).unwrap()).collect();
    wait_until("open connections are counted", || {
        // Seven, and the one that asks.
        count_of(&scrape(&origin), "hlsorigin_connections") == Some(8)
    });
    drop(idle);
    send(origin.process("ffmpeg").unwrap(), Signal::SIGKILL);
    wait_until("a restart is counted", || is("hlsorigin_restarts_total{process=\"ffmpeg\"}", 1));
    assert!(is("hlsorigin_fault_active{fault=\"freeze\"}", 0));
    origin.begin_fault("freeze");
    assert!(is("hlsorigin_fault_active{fault=\"freeze\"}", 1));
    wait_until("the encoder stands still", || is("hlsorigin_encoder_running", 0));
    wait_until("the playlist ages", || {
        value(&scrape(&origin), "hlsorigin_playlist_age_seconds").is_some_and(|age| age > 2.0)
    });
    origin.begin_fault("outage");
    let admin = || testkit::get(&format!("{}/metrics", origin.admin())).text();
    wait_until("there is nobody to be connected to", || {
        origin.get("").status == 0 && count_of(&admin(), "hlsorigin_connections") == Some(0)
    });
}

#[test]
fn the_documentation_has_every_metric_that_a_scrape_shows() {
    let docs = documentation();
    let rows = docs.lines().filter(|line| line.starts_with("| `hlsorigin_"));
    let documented: BTreeSet<(String, String)> = rows
        .map(|line| {
            let mut cells = line.split('|').skip(1).map(|cell| cell.trim().trim_matches('`'));
            let name = cells.next().unwrap().split('{').next().unwrap().to_owned();
            (name, cells.next().unwrap().to_owned())
        })
        .collect();
    let text = scrape(&Origin::tiny());
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let served = types.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect();
    assert_eq!(documented, served);
}
