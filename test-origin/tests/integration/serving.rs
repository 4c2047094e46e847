//! What is served, and with which headers.

use std::net::TcpListener;

use m3u8_rs::{MasterPlaylist, MediaPlaylist, MediaSegment};

use crate::support::{Origin, open_dir, request, wait_until};

fn assert_live(playlist: &MediaPlaylist, segment_seconds: u32, window: usize) {
    assert_eq!(playlist.target_duration, u64::from(segment_seconds));
    assert_eq!(playlist.segments.len(), window);
    assert!(!playlist.end_list);
    for segment in &playlist.segments {
        assert!((f64::from(segment.duration) - f64::from(segment_seconds)).abs() < 1e-6, "{segment:?}");
    }
}

#[test]
fn the_default_profile_is_a_media_playlist_at_its_bit_rate() {
    let origin = Origin::start(|command| command);
    let playlist = origin.playlist("stream.m3u8");
    assert_live(&playlist, 2, 10);
    let bytes: usize = playlist.segments.iter().map(|segment| origin.get(&segment.uri).body.len()).sum();
    let kbps = bytes * 8 / 20 / 1000;
    // 2128 kbit/s of video and audio, and the container's share.
    assert!((2128..2400).contains(&kbps), "{kbps} kbit/s");
    assert_eq!(origin.get("master.m3u8").body, origin.get("stream.m3u8").body);
}

#[test]
fn the_low_latency_profile_has_short_segments_and_a_short_window() {
    let origin = Origin::start(|command| command.args(["--profile", "low-latency"]));
    assert_live(&origin.playlist("stream.m3u8"), 1, 6);
}

#[test]
fn the_mini_abr_profile_is_a_master_playlist_whose_variants_keep_their_promise() {
    let origin = Origin::start(|command| command.args(["--profile", "mini-abr"]));
    let text = origin.get("stream.m3u8").body;
    assert_eq!(text, origin.get("master.m3u8").body);
    let master: MasterPlaylist = m3u8_rs::parse_master_playlist_res(&text).unwrap();
    let names: Vec<_> = master.variants.iter().map(|variant| variant.uri.as_str()).collect();
    assert_eq!(names, ["360p/index.m3u8", "240p/index.m3u8", "144p/index.m3u8"]);
    for variant in &master.variants {
        let playlist = origin.playlist(&variant.uri);
        assert_live(&playlist, 2, 6);
        let folder = variant.uri.split('/').next().unwrap();
        let size =
            |segment: &MediaSegment| 8 * origin.get(&format!("{folder}/{}", segment.uri)).body.len() as u64;
        let rates: Vec<u64> = playlist.segments.iter().map(|segment| size(segment) / 2).collect();
        assert!(
            rates.iter().all(|rate| *rate <= variant.bandwidth),
            "{rates:?} exceed {}",
            variant.bandwidth
        );
        let average = rates.iter().sum::<u64>() / rates.len() as u64;
        let promised = variant.average_bandwidth.unwrap();
        assert!(average.abs_diff(promised) < promised / 20, "{average} is not about {promised}");
    }
}

#[test]
fn headers_say_what_it_is_and_how_long_it_keeps() {
    let origin = Origin::tiny();
    let segment = origin.playlist("stream.m3u8").segments.pop().unwrap().uri;
    let cases = [
        ("stream.m3u8", "application/vnd.apple.mpegurl", "no-cache"),
        ("master.m3u8", "application/vnd.apple.mpegurl", "no-cache"),
        (segment.as_str(), "video/mp2t", "public, max-age=31536000, immutable"),
        ("healthz", "text/plain", "no-store"),
        ("nginx_status", "text/plain", "no-store"),
    ];
    for (path, content_type, caching) in cases {
        for method in ["GET", "HEAD"] {
            let response = request(method, &origin.at(path), &[]);
            assert_eq!(response.status, 200, "{method} {path}");
            assert_eq!(response.header("content-type"), Some(content_type), "{method} {path}");
            assert_eq!(response.header("cache-control"), Some(caching), "{method} {path}");
            assert_eq!(response.header("access-control-allow-origin"), Some("*"), "{method} {path}");
        }
    }
    let part = request("GET", &origin.at(&segment), &["Range: bytes=0-99"]);
    assert_eq!((part.status, part.body.len()), (206, 100));
    let missing = origin.get("missing.ts");
    assert_eq!((missing.status, missing.header("cache-control")), (404, None), "it may be there later");
}

#[test]
fn only_get_and_head_are_served() {
    let origin = Origin::tiny();
    let segment = origin.playlist("stream.m3u8").segments.pop().unwrap().uri;
    for path in ["stream.m3u8", "master.m3u8", &segment, "healthz", "nginx_status", "", "nowhere"] {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            let response = request(method, &origin.at(path), &[]);
            assert_eq!(response.status, 405, "{method} /{path}");
            assert_eq!(response.header("allow"), Some("GET, HEAD"), "{method} /{path}");
            assert_eq!(response.header("content-type"), Some("text/plain"), "{method} /{path}");
        }
    }
}

#[test]
fn nothing_but_the_stream_is_served() {
    let origin = Origin::tiny();
    let run_dir = std::fs::read_dir(origin.parent_dir.path()).unwrap().next().unwrap().unwrap().path();
    let media = run_dir.join("media");
    for name in ["half.ts.tmp", ".hidden.ts", "list.m3u8.tmp", "notes.txt"] {
        std::fs::write(media.join(name), "secret").unwrap();
    }
    std::os::unix::fs::symlink("/etc/hostname", media.join("link.ts")).unwrap();
    std::os::unix::fs::symlink("/etc", media.join("etc")).unwrap();
    std::fs::create_dir(media.join(".git")).unwrap();
    std::fs::write(media.join(".git/object.ts"), "secret").unwrap();
    std::fs::write(media.join("proof.ts"), "served").unwrap();
    assert_eq!(origin.get("proof.ts").status, 200, "the folder is the one that is served");
    let paths = [
        "index.html",
        "page/index.html",
        "requests.log",
        "admin",
        "faults",
        "half.ts.tmp",
        ".hidden.ts",
        "list.m3u8.tmp",
        "notes.txt",
        ".git/object.ts",
        "nginx.conf",
        "../nginx.conf",
        "%2e%2e/nginx.conf",
        "..%2fnginx.conf",
        "%2e%2e%2fnginx.conf",
        "%252e%252e/nginx.conf",
        "..%5cnginx.conf",
        "proof.ts/../../nginx.conf",
        "x/../../nginx.conf",
        "./../nginx.conf",
        "//etc/hostname",
        "%2fetc%2fhostname",
        "proof.ts%00.m3u8",
        "~root/.profile",
        "health/fresh",
        "fresh",
        "missing.ts",
    ];
    for path in paths {
        let status = origin.get(path).status;
        assert!([400, 404].contains(&status), "/{path} has status {status}");
    }
    for path in ["link.ts", "etc/hostname"] {
        let status = origin.get(path).status;
        assert!([403, 404].contains(&status), "/{path} has status {status}");
    }
}

#[test]
fn a_segment_that_left_the_window_is_served_for_one_window_more() {
    let origin = Origin::tiny();
    let first = origin.playlist("stream.m3u8");
    let oldest = &first.segments[0].uri;
    wait_until("the oldest segment has left for three segments", || {
        origin.playlist("stream.m3u8").media_sequence >= first.media_sequence + 3
    });
    assert_eq!(origin.get(oldest).status, 200);
    wait_until("it is gone", || origin.get(oldest).status == 404);
    let now = origin.playlist("stream.m3u8").media_sequence;
    assert!(now >= first.media_sequence + 4, "gone too soon: {} -> {now}", first.media_sequence);
}

#[test]
fn variants_keep_the_same_media_sequence() {
    let origin = Origin::of_file("tiny-pair", &[]);
    let (big, small) = (origin.playlist("big/index.m3u8"), origin.playlist("small/index.m3u8"));
    assert!(big.media_sequence.abs_diff(small.media_sequence) <= 1, "one may be written a moment later");
}

#[test]
fn an_ipv6_address_is_served_too() {
    if TcpListener::bind("[::1]:0").is_err() {
        return testkit::skipped("this machine has no IPv6");
    }
    let origin = Origin::of_file("tiny", &["--bind", "::1"]);
    assert!(origin.url.starts_with("http://[::1]:"), "{}", origin.url);
    assert_eq!(origin.get("stream.m3u8").status, 200);
}

#[test]
fn a_live_encode_plays_too() {
    let origin = Origin::of_file("tiny-pair", &["--live-encode"]);
    let playlist = origin.playlist("small/index.m3u8");
    assert!(playlist.segments.len() >= 3, "{playlist:?}");
}

#[test]
fn the_logged_profile_says_where_its_log_is_and_a_named_file_wins() {
    let log_of = |origin: &Origin| {
        let said = origin.program.stderr();
        let line = said.lines().find(|line| line.contains("requests are logged in")).unwrap().to_owned();
        let path = line.split("logged in ").nth(1).unwrap().split(" until").next().unwrap();
        std::path::PathBuf::from(path)
    };
    let has_our_request = |origin: &Origin, log: &std::path::Path| {
        origin.get("stream.m3u8?ours");
        wait_until("the request is logged", || {
            let text = std::fs::read_to_string(log).unwrap_or_default();
            let mut lines =
                text.lines().map_while(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            lines.any(|line| line["args"] == "ours" && line["status"] == 200)
        });
    };
    let mut origin = Origin::start(|command| command.args(["--profile", "logged"]));
    let log = log_of(&origin);
    assert!(log.starts_with(origin.parent_dir.path()), "{}", log.display());
    has_our_request(&origin, &log);
    assert_eq!(origin.get("access.jsonl").status, 404);
    crate::support::send(origin.program.pid(), nix::sys::signal::Signal::SIGTERM);
    origin.program.wait();
    assert!(!log.exists(), "it goes with the run");

    let folder = open_dir();
    let file = folder.path().join("mine.jsonl");
    let origin = Origin::start(|command| command.args(["--profile", "logged", "--access-log"]).arg(&file));
    assert_eq!(log_of(&origin), file);
    has_our_request(&origin, &file);
}

#[test]
fn the_access_log_has_one_json_line_per_request() {
    let folder = open_dir();
    let file = folder.path().join("access.jsonl");
    let origin = Origin::of_file("tiny", &["--access-log", file.to_str().unwrap()]);
    let headers = ["X-Test: a \"quoted\" word", "Cache-Control: no-cache", "Range: bytes=0-9"];
    request("GET", &origin.at("stream.m3u8?a=1"), &headers);
    let lines = || -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(&file).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let ours = |line: &serde_json::Value| line["args"] == "a=1";
    wait_until("the request is logged", || lines().iter().any(ours));
    let line = lines().into_iter().find(ours).unwrap();
    for (key, expected) in [
        ("method", "GET"),
        ("uri", "/stream.m3u8"),
        ("x_test", "a \"quoted\" word"),
        ("cache_control", "no-cache"),
        ("range", "bytes=0-9"),
    ] {
        assert_eq!(line[key], expected, "{line}");
    }
    assert_eq!((line["status"].as_u64(), line["bytes"].as_u64()), (Some(206), Some(10)), "{line}");
    assert!(line["connection"].is_u64() && line["request_time"].is_f64() && line["time"].is_f64(), "{line}");
}

#[test]
fn the_debug_profile_logs_what_nginx_does_and_how_tcp_fared() {
    let origin = Origin::start(|command| command.args(["--profile", "debug"]));
    let said = origin.program.stderr();
    let log = |marker: &str| {
        let rest = said.split(marker).nth(1).unwrap_or_else(|| panic!("{marker} in {said}"));
        std::path::PathBuf::from(rest.split(" until").next().unwrap())
    };
    let (requests, steps) = (log("requests are logged in "), log("what nginx does is logged in "));
    origin.get("stream.m3u8?ours");
    wait_until("the request is logged with TCP's times", || {
        let text = std::fs::read_to_string(&requests).unwrap();
        let mut lines = text.lines().map_while(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        lines.any(|line| line["args"] == "ours" && line["tcp_rtt_us"].is_u64() && line["completed"] == "OK")
    });
    if said.contains("without --with-debug") {
        return testkit::skipped("this Nginx cannot log its steps");
    }
    wait_until("its steps are logged", || {
        std::fs::read_to_string(&steps)
            .unwrap()
            .contains("http request line: \"GET /stream.m3u8?ours HTTP/1.1\"")
    });
    assert_eq!(origin.get("debug.log").status, 404);
}
