//! What a scrape tells.

use std::collections::BTreeSet;

use nix::sys::signal::Signal;

use crate::support::{Origin, request, send, wait_until};

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

#[test]
fn requests_and_bytes_are_counted_by_kind_and_status() {
    let origin = Origin::of_file("tiny-pair", &[]);
    let count = |kind: &str, status: &str| {
        let name = format!("hlsorigin_requests_total{{kind=\"{kind}\",status=\"{status}\"}}");
        count_of(&scrape(&origin), &name).unwrap_or(0)
    };
    wait_until("what came before the URL was told is counted", || count("segment", "200") >= 6);
    let before = ["master", "playlist", "segment"].map(|kind| count(kind, "200"));
    let segment = origin.playlist("big/index.m3u8").segments.pop().unwrap().uri;
    let mut bytes = 0;
    for _ in 0..10 {
        bytes += origin.get(&format!("big/{segment}")).body.len();
        origin.get("stream.m3u8");
        origin.get("big/missing.ts");
        request("GET", &origin.at(&format!("big/{segment}")), &["Range: bytes=0-9"]);
    }
    wait_until("all of them are counted", || count("segment", "404") >= 10);
    let after = ["master", "playlist", "segment"].map(|kind| count(kind, "200"));
    assert_eq!([after[0] - before[0], after[1] - before[1], after[2] - before[2]], [10, 1, 10]);
    assert_eq!(count("segment", "206"), 10);
    let sent = count_of(&scrape(&origin), "hlsorigin_response_bytes_total{kind=\"segment\"}").unwrap();
    assert!(sent > bytes as u64, "{sent} with {bytes}");
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
    let docs =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/TEST_ORIGIN.md")).unwrap();
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
