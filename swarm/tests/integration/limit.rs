//! The search for the limit, against origins whose limit is known.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;
use testkit::Running;

use crate::documentation::{documented_limit, paths};
use crate::reports::assert_as_the_schema_says;
use crate::support::{Swarm, origin, swarm};

/// A busy machine is a load box that is at its end, and the search says so, truthfully: then once more.
const ATTEMPTS: u32 = 4;

/// Twice what a search takes here, and levels are held twice as long on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// The report's `limit`, the summary and the exit code of a search over an origin with this fault.
fn search(fault: &str, flags: &[&str]) -> (Value, String, Option<i32>) {
    search_over(&["--fault", fault], flags, str::to_owned)
}

/// The same over an origin with these flags, which is reached at the address that `way` makes of its own.
fn search_over(
    origin_flags: &[&str],
    flags: &[&str],
    way: impl Fn(&str) -> String,
) -> (Value, String, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("limit.json");
    let fixed = ["-find-limit", "-metrics", "off", "-ramp-rate", "20", "-report", path.to_str().unwrap()];
    for attempt in 1..=ATTEMPTS {
        let origin = origin("one-second", origin_flags);
        let (address, file) = origin.url.trim_start_matches("http://").split_once('/').unwrap();
        let url = format!("http://{}/{file}", way(address));
        let mut command = swarm(&[&fixed[..], flags, &[&url]].concat());
        let finished = Running::start(&mut command).wait_within(PATIENCE);
        let report: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_as_the_schema_says(&report);
        let limit = report["limit"].clone();
        assert_eq!(report["outcome"]["sentence"], limit["sentence"]);
        if limit["answer"] != "load_box" {
            let shown = Running::start(&mut swarm(&["report", "show", path.to_str().unwrap()])).wait();
            assert_eq!(rows_of_the_search(&shown.stdout), rows_of_the_search(&finished.stdout));
            return (limit, finished.stdout, finished.code);
        }
        println!("attempt {attempt}: {}", limit["sentence"]);
    }
    panic!("this machine is too busy to search for a limit: {ATTEMPTS} searches ended at the load box");
}

fn rows_of_the_search(summary: &str) -> Vec<&str> {
    summary.lines().filter(|line| line.starts_with("  signs ") || line.starts_with("  level ")).collect()
}

#[test]
fn the_limit_of_an_origin_with_a_capacity_is_found_and_its_first_sign_named() {
    // Each segment is served six times. Only errors count: whether this machine keeps up is another question.
    let flags = ["-clients", "9", "-level-hold", "4s", "-threshold", "error_ratio<1%"];
    let (limit, stdout, code) = search("capacity=6viewers", &flags);
    assert_eq!(code, Some(0), "{stdout}");
    assert_eq!(
        (&limit["answer"], &limit["thresholds"]),
        (&"found".into(), &serde_json::json!(["error_ratio<1%"]))
    );
    let held = limit["held"].as_u64().unwrap();
    assert!((5..=7).contains(&held), "{stdout}");
    assert_eq!(limit["failed"], held + 1, "{stdout}");
    assert_eq!((&limit["signs"][0]["kind"], &limit["signs"][0]["class"]), (&"errors".into(), &"503".into()));
    let sentence = format!("Held {held} viewers; at {} the origin answers 503 (", held + 1);
    assert!(stdout.starts_with(&sentence), "{stdout}");
    let mut written = BTreeSet::new();
    paths(&limit, "", &mut written);
    // Of a level that held: nothing in them.
    written.retain(|path| !matches!(path.as_str(), "levels[].crossed" | "levels[].signs"));
    assert_eq!(written, documented_limit());
    let levels = limit["levels"].as_array().unwrap();
    assert_eq!(stdout.lines().filter(|line| line.starts_with("  level ")).count(), levels.len(), "{stdout}");
    for level in levels {
        assert!(level["settled_s"].as_f64().unwrap() >= 3.0, "three target durations: {level}");
        assert!(level["held_s"].as_f64().unwrap() >= 4.0, "{level}");
    }
}

#[test]
fn a_stream_whose_segments_are_missing_is_broken_and_has_no_limit() {
    let (limit, stdout, code) = search("missing=100%", &["-clients", "64", "-level-hold", "3s"]);
    // No viewer ever received media.
    assert_eq!(code, Some(4), "{stdout}");
    assert!(
        stdout.starts_with("The stream is broken, not overloaded: with 1 viewer the origin answers 404"),
        "{stdout}"
    );
    assert_eq!(
        (&limit["answer"], &limit["held"], &limit["failed"]),
        (&"none_held".into(), &0.into(), &1.into())
    );
    let levels = limit["levels"].as_array().unwrap();
    assert!(levels.iter().all(|level| level["viewers"] == 1), "{stdout}");
}

#[test]
fn a_search_that_is_interrupted_tells_the_levels_that_it_had() {
    let origin = origin("one-second", &[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("limit.json");
    let flags = ["-find-limit", "-clients", "8", "-ramp-rate", "20", "-level-hold", "3s"];
    // Nothing fails this: the second level comes.
    let threshold = ["-threshold", "restarts<1000", "-report", path.to_str().unwrap()];
    let mut swarm = Swarm::start(&[&flags[..], &threshold, &[&origin.url]].concat());
    swarm.wait_for_metric("hlsswarm_limit_level", |level| level == 1);
    swarm.wait_for_metric("hlsswarm_limit_level", |level| level == 4);
    assert_eq!(swarm.metric("hlsswarm_limit_held"), 1);
    swarm.program.send(Signal::SIGINT);
    let finished = swarm.program.wait();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stdout.starts_with("The search was stopped: 1 viewer held."), "{}", finished.stdout);
    let report: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let limit = &report["limit"];
    assert_eq!((&limit["answer"], &limit["failed"]), (&Value::Null, &Value::Null));
    let levels = limit["levels"].as_array().unwrap();
    assert_eq!(levels.len(), 2, "{limit:#}");
    assert_eq!((&levels[0]["judgement"], &levels[1]["judgement"]), (&"held".into(), &Value::Null));
}

/// Bytes per second of the narrow link. A viewer of `one-second` takes about 14 kB/s (measured), so four fit.
const LINK_BYTES_PER_S: f64 = 60_000.0;

/// A link to an origin that all connections share: what everybody takes together is bounded, each in its turn.
struct NarrowLink {
    address: String,
}

impl NarrowLink {
    fn to(origin: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let origin = origin.to_owned();
        let free_at = Arc::new(Mutex::new(Instant::now()));
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect(&origin) else { continue };
                let (near_too, far_too) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                let free_at = Arc::clone(&free_at);
                std::thread::spawn(move || carry(&near_too, &far_too, |_| {}));
                std::thread::spawn(move || carry(&far, &near, |bytes| wait_for_turn(&free_at, bytes)));
            }
        });
        Self { address }
    }
}

/// From one to the other until either ends, each piece after its turn.
fn carry(mut from: &TcpStream, mut to: &TcpStream, turn: impl Fn(usize)) {
    let mut piece = [0; 1024];
    while let Ok(bytes @ 1..) = from.read(&mut piece) {
        turn(bytes);
        if to.write_all(&piece[..bytes]).is_err() {
            break;
        }
    }
    // The other end may be gone already.
    to.shutdown(Shutdown::Write).unwrap_or_default();
    from.shutdown(Shutdown::Read).unwrap_or_default();
}

/// Returns when the link has carried so many bytes more. The time that this takes is what the link is.
fn wait_for_turn(free_at: &Mutex<Instant>, bytes: usize) {
    let until = {
        let mut free_at = free_at.lock().unwrap();
        *free_at = (*free_at).max(Instant::now()) + Duration::from_secs_f64(bytes as f64 / LINK_BYTES_PER_S);
        *free_at
    };
    std::thread::sleep(until.saturating_duration_since(Instant::now()));
}

#[test]
fn a_link_that_is_too_narrow_is_a_limit_by_lateness() {
    let flags = ["-clients", "8", "-level-hold", "5s", "-threshold", "lateness_p95<1"];
    let (limit, stdout, code) = search_over(&[], &flags, |origin| NarrowLink::to(origin).address);
    assert_eq!((code, &limit["answer"]), (Some(0), &"found".into()), "{stdout}");
    let held = limit["held"].as_u64().unwrap();
    assert!((1..=6).contains(&held), "{stdout}");
    assert!(stdout.starts_with(&format!("Held {held} viewer")), "{stdout}");
    assert!(stdout.lines().next().unwrap().contains("segments arrive late (p95 "), "{stdout}");
    let signs = limit["signs"].as_array().unwrap();
    assert!(signs.iter().any(|sign| sign["kind"] == "late"), "{limit:#}");
    assert!(signs.iter().all(|sign| sign["kind"] != "errors"), "{limit:#}");
}
