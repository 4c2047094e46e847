//! Each fault as a client sees it, and that the origin is healthy again afterwards.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use test_origin::faults::{Fault, Spec};

use crate::support::{Origin, command, documentation, open_dir, request, wait_until};

fn end_all(origin: &Origin) {
    assert_eq!(origin.ask_admin("DELETE", "faults", "").text(), "[]\n");
}

fn newest(origin: &Origin) -> String {
    origin.playlist("stream.m3u8").segments.pop().unwrap().uri
}

/// That all is well: a new segment comes, whole, and the playlist goes on.
#[track_caller]
fn assert_well(origin: &Origin) {
    wait_until("the stream is served again", || origin.get("stream.m3u8").status == 200);
    let before = origin.playlist("stream.m3u8").media_sequence;
    wait_until("the stream goes on", || {
        let playlist = origin.get("stream.m3u8");
        playlist.status == 200 && origin.playlist("stream.m3u8").media_sequence > before
    });
    wait_until("the origin is healthy", || origin.is_healthy());
    for _ in 0..20 {
        let response = origin.get(&newest(origin));
        assert_eq!(response.status, 200);
        let length = response.header("content-length").unwrap().parse::<usize>().unwrap();
        assert_eq!(response.body.len(), length);
    }
}

/// A connection that is kept.
struct Kept(TcpStream);

impl Kept {
    fn open(origin: &Origin) -> Self {
        let host = origin.url.strip_prefix("http://").unwrap().split('/').next().unwrap();
        let stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(testkit::PATIENCE)).unwrap();
        Self(stream)
    }

    /// The status of a HEAD request, or `None` when the connection is gone.
    fn head(&mut self, path: &str) -> Option<u16> {
        self.0.write_all(format!("HEAD /{path} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes()).ok()?;
        let mut answer = Vec::new();
        let mut byte = [0];
        while !answer.ends_with(b"\r\n\r\n") {
            self.0.read_exact(&mut byte).ok()?;
            answer.push(byte[0]);
        }
        String::from_utf8_lossy(&answer).split(' ').nth(1)?.parse().ok()
    }
}

#[test]
fn capacity_serves_each_segment_to_so_many_and_to_no_more() {
    let origin = Origin::of_file("tiny-pair", &["--fault", "capacity=3viewers"]);
    let segments = ["big", "small"].map(|variant| {
        let uri = origin.playlist(&format!("{variant}/index.m3u8")).segments.pop().unwrap().uri;
        format!("{variant}/{uri}")
    });
    for segment in &segments {
        // As FFmpeg asks.
        let ranged = || request("GET", &origin.at(segment), &["Range: bytes=0-"]);
        let statuses: Vec<u16> = (0..5).map(|_| ranged().status).collect();
        assert_eq!(statuses, [206, 206, 206, 503, 503], "{segment}");
    }
    for _ in 0..10 {
        assert_eq!(origin.get("stream.m3u8").status, 200);
        assert_eq!(origin.get("big/index.m3u8").status, 200);
    }
    end_all(&origin);
    wait_until("the segment is served again", || origin.get(&segments[0]).status == 200);
    for _ in 0..10 {
        assert_eq!(origin.get(&segments[0]).status, 200);
    }
}

#[test]
fn errors_begin_at_once_also_on_kept_connections_and_end_as_asked() {
    let origin = Origin::tiny();
    let mut kept = Kept::open(&origin);
    assert_eq!(kept.head("stream.m3u8"), Some(200));
    let id = origin.begin_fault("errors=100%:502");
    let began = Instant::now();
    let mut seen = Some(200);
    wait_until("the kept connection is ended, or has the error", || {
        seen = kept.head("stream.m3u8");
        seen != Some(200)
    });
    assert!(matches!(seen, None | Some(502)), "{seen:?}");
    wait_until("a new connection has the error", || origin.get("stream.m3u8").status == 502);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let failed = origin.get("stream.m3u8");
    assert_eq!(failed.header("cache-control"), Some("no-store"));
    assert_eq!(failed.header("access-control-allow-origin"), Some("*"));
    assert_eq!((origin.get("master.m3u8").status, origin.get("healthz").status), (502, 200));
    let mut kept = Kept::open(&origin);
    assert_eq!(kept.head("stream.m3u8"), Some(502));
    assert_eq!(origin.ask_admin("DELETE", &format!("faults/{id}"), "").status, 200);
    wait_until("the kept connection is ended, or is well", || kept.head("stream.m3u8") != Some(502));
    assert_well(&origin);
}

#[test]
fn a_share_of_errors_is_that_share_and_the_schedule_ends_it() {
    let origin = Origin::of_file("tiny", &["--fault", "errors=50%:503@0s+15s"]);
    let failed = (0..200).filter(|_| origin.get("stream.m3u8").status == 503).count();
    assert!((60..140).contains(&failed), "{failed} of 200");
    wait_until("the fault is over", || origin.ask_admin("GET", "faults", "").text() == "[]\n");
    assert_well(&origin);
}

#[test]
fn slow_bodies_come_at_their_rate_on_each_connection() {
    let origin = Origin::of_file("tiny", &["--fault", "slow=20kB/s"]);
    // A 1 s segment of 92 kbit/s, and the container's share.
    let segment = newest(&origin);
    let timed = || {
        let began = Instant::now();
        let body = origin.get(&segment).body.len();
        (body, began.elapsed().as_secs_f64())
    };
    let both = std::thread::scope(|scope| {
        let (one, other) = (scope.spawn(timed), scope.spawn(timed));
        [one.join().unwrap(), other.join().unwrap()]
    });
    for (bytes, seconds) in both {
        let rate = bytes as f64 / seconds;
        // Never faster; on a busy machine a little slower.
        assert!(bytes > 10_000 && rate < 20_100.0 && rate > 10_000.0, "{bytes} bytes in {seconds} s");
    }
    let part = request("GET", &origin.at(&segment), &["Range: bytes=100-199"]);
    assert_eq!((part.status, part.body.len()), (206, 100));
    assert!(part.header("content-range").unwrap().starts_with("bytes 100-199/"), "{part:?}");
    assert_eq!(part.header("content-type"), Some("video/mp2t"));
    assert_eq!(part.header("cache-control"), Some("public, max-age=31536000, immutable"));
    end_all(&origin);
    assert_well(&origin);
}

#[test]
fn a_freeze_makes_the_playlist_stale_and_then_the_stream_catches_up() {
    let origin = Origin::tiny();
    let ffmpeg = origin.process("ffmpeg");
    origin.begin_fault("freeze@0s+6s");
    wait_until("the origin is unhealthy", || !origin.is_healthy());
    let frozen = origin.playlist("stream.m3u8").media_sequence;
    assert_well(&origin);
    let after = origin.playlist("stream.m3u8");
    assert!(after.media_sequence >= frozen + 4, "what was missed came at once: {frozen} {after:?}");
    assert!(!after.segments.iter().any(|segment| segment.discontinuity), "{after:?}");
    assert_eq!(origin.process("ffmpeg"), ffmpeg, "nothing was restarted");
}

#[test]
fn an_outage_cuts_connections_refuses_new_ones_and_the_port_comes_back() {
    let origin = Origin::tiny();
    let mut kept = Kept::open(&origin);
    assert_eq!(kept.head("stream.m3u8"), Some(200));
    let host = origin.url.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
    origin.begin_fault("outage@0s+3s");
    wait_until("nobody listens", || {
        TcpStream::connect(&host).is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
    });
    let began = Instant::now();
    assert_eq!(kept.head("stream.m3u8"), None, "the open connection was cut");
    assert_eq!(origin.process("nginx"), None);
    let other = tokio::net::TcpSocket::new_v4().unwrap();
    assert!(other.bind(host.parse().unwrap()).is_err(), "the port is nobody else's meanwhile");
    wait_until("the port is back", || origin.get("stream.m3u8").status == 200);
    assert!(began.elapsed() > Duration::from_secs(1), "{:?}", began.elapsed());
    assert_well(&origin);
    assert!(!origin.program.stderr().contains("nginx ended"), "{}", origin.program.stderr());
}

#[test]
fn an_outage_at_the_end_does_not_hold_up_the_end() {
    let mut origin = Origin::of_file("tiny", &["--fault", "outage", "--fault", "freeze"]);
    wait_until("nobody listens", || origin.get("stream.m3u8").status == 0);
    origin.program.send(nix::sys::signal::Signal::SIGTERM);
    let asked = Instant::now();
    assert_eq!(origin.program.wait().code, Some(0));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert!(std::fs::read_dir(origin.parent_dir.path()).unwrap().next().is_none());
}

#[test]
fn a_missing_segment_is_in_the_playlist_and_is_not_there() {
    let origin = Origin::of_file("tiny", &["--fault", "missing=100%"]);
    for segment in origin.playlist("stream.m3u8").segments {
        assert_eq!(origin.get(&segment.uri).status, 404);
    }
    end_all(&origin);
    assert_well(&origin);
}

#[test]
fn latency_comes_before_every_answer() {
    let origin = Origin::of_file("tiny", &["--fault", "latency=400ms"]);
    for path in ["stream.m3u8", "missing.ts"] {
        let began = Instant::now();
        origin.get(path);
        assert!(began.elapsed() >= Duration::from_millis(400), "{path}: {:?}", began.elapsed());
    }
    let began = Instant::now();
    assert_eq!(origin.get("healthz").status, 200, "not of the stream");
    assert!(began.elapsed() < Duration::from_millis(400), "{:?}", began.elapsed());
    end_all(&origin);
    assert_well(&origin);
}

#[test]
fn a_truncated_segment_is_shorter_than_announced() {
    let origin = Origin::of_file("tiny", &["--fault", "truncate=100%"]);
    let response = origin.get(&newest(&origin));
    let announced: usize = response.header("content-length").unwrap().parse().unwrap();
    assert_eq!((response.status, response.body.len()), (200, announced / 2));
    let curl = Command::new("curl").args(["-s", "-o", "/dev/null", &origin.at(&newest(&origin))]).status();
    match curl {
        // CURLE_PARTIAL_FILE, or CURLE_RECV_ERROR when the connection was reset.
        Ok(status) => assert!(matches!(status.code(), Some(18 | 56)), "{status:?}"),
        Err(error) => testkit::skipped(&format!("curl does not run: {error}")),
    }
    end_all(&origin);
    assert_well(&origin);
}

#[test]
fn a_stale_variant_stands_still_while_the_other_goes_on() {
    let origin = Origin::of_file("tiny-pair", &[]);
    origin.begin_fault("stale-variant=small");
    let at = |path: &str| origin.playlist(path).media_sequence;
    let (big, small) = (at("big/index.m3u8"), at("small/index.m3u8"));
    wait_until("the other goes on", || at("big/index.m3u8") > big + 3);
    // It may have gone on once before the fault was in force.
    assert!(at("small/index.m3u8") <= small + 1);
    end_all(&origin);
    wait_until("both go on together", || at("small/index.m3u8") + 1 >= at("big/index.m3u8"));
}

#[test]
fn a_sequence_jump_is_in_every_media_playlist_and_goes_again() {
    let origin = Origin::of_file("tiny-pair", &[]);
    let at = |path: &str| origin.playlist(path).media_sequence;
    let before = at("big/index.m3u8");
    origin.begin_fault("sequence-jump=+500");
    wait_until("the sequence jumps", || at("big/index.m3u8") >= before + 500);
    assert!(at("small/index.m3u8") >= before + 500);
    let first = &origin.playlist("big/index.m3u8").segments[0].uri;
    assert_eq!(origin.get(&format!("big/{first}")).status, 200, "the names stay");
    end_all(&origin);
    wait_until("the sequence is what it was", || at("big/index.m3u8") < before + 400);
}

#[test]
fn a_discontinuity_is_a_new_encoder_with_new_time_stamps() {
    let origin = Origin::tiny();
    let ffmpeg = origin.process("ffmpeg").unwrap();
    origin.begin_fault("discontinuity@0s");
    wait_until("the playlist has a discontinuity", || {
        origin.playlist("stream.m3u8").segments.iter().any(|segment| segment.discontinuity)
    });
    assert_ne!(origin.process("ffmpeg"), Some(ffmpeg));
    assert!(!origin.playlist("stream.m3u8").end_list);
    let said = origin.program.stderr();
    assert!(said.contains("started anew") && !said.contains("ffmpeg ended"), "{said}");
    assert_well(&origin);
}

#[test]
fn a_redirect_leads_to_another_port_that_serves_the_stream() {
    let origin = Origin::of_file("tiny", &["--fault", "redirect"]);
    let response = origin.get("stream.m3u8");
    let location = response.header("location").unwrap_or_default().to_owned();
    assert_eq!(response.status, 302, "{response:?}");
    assert!(location.starts_with("http://127.0.0.1:") && location.ends_with("/stream.m3u8"), "{location}");
    assert_ne!(location, origin.url);
    let there = testkit::get(&location);
    assert_eq!((there.status, there.header("cache-control")), (200, Some("no-cache")), "{there:?}");
    let output =
        Command::new("ffprobe").args(["-v", "error", "-show_streams", &origin.url]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("codec_name=h264"), "{output:?}");
    end_all(&origin);
    assert_well(&origin);
    wait_until("the other port is closed", || testkit::get(&location).status == 0);
}

#[test]
fn the_command_begins_lists_and_ends_faults_and_asks_for_health() {
    let origin = Origin::tiny();
    let run = |args: &[&str]| {
        let dir = origin.parent_dir.path();
        // As the tests of other origins run beside this one, the folder is named.
        let mut command = command(dir);
        let program = command.get_program().to_owned();
        command = Command::new(program);
        let output = command.args(args).arg("--dir").arg(dir).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    assert_eq!(run(&["fault", "list"]).1, "no faults\n");
    let (code, said, _) = run(&["fault", "add", "freeze", "errors=20%:503@1h+10s"]);
    assert_eq!(code, Some(0));
    assert!(
        said.contains("  1  freeze  in force\n") && said.contains("errors=20%:503  begins in 3"),
        "{said}"
    );
    let (code, _, complaint) = run(&["fault", "add", "freeze@2s"]);
    assert_eq!(code, Some(1));
    assert!(complaint.contains("freeze@2s would meet freeze (number 1)"), "{complaint}");
    wait_until("the origin is unhealthy", || run(&["health"]).0 == Some(1));
    assert!(!run(&["fault", "clear", "1"]).1.contains("freeze"));
    assert_eq!(run(&["fault", "clear"]).1, "no faults\n");
    wait_until("the origin is healthy", || run(&["health"]) == (Some(0), "ok\n".to_owned(), String::new()));
    let nowhere = open_dir();
    let program = command(nowhere.path()).get_program().to_owned();
    let output = Command::new(program).args(["health", "--dir"]).arg(nowhere.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("no test-origin of yours runs here"),
        "{output:?}"
    );
}

#[test]
fn the_admin_server_refuses_what_is_wrong_with_the_reason() {
    let origin = Origin::tiny();
    for (method, path, body, status, expected) in [
        ("POST", "faults", "fire", 400, "fire is none of the faults: write KIND or KIND=VALUE, and choose"),
        ("POST", "faults", "stale-variant=x", 409, "has one playlist: use freeze"),
        ("POST", "faults", &"x".repeat(5000), 413, "one short line"),
        ("DELETE", "faults/7", "", 404, "there is no fault number 7"),
        ("PUT", "faults", "", 405, "only GET, HEAD, POST, DELETE"),
        ("GET", "nowhere", "", 404, "try /faults"),
    ] {
        let response = origin.ask_admin(method, path, body);
        assert!(
            response.status == status && response.text().contains(expected),
            "{method} {path}: {response:?}"
        );
    }
    let from_a_page = request("DELETE", &format!("{}/faults", origin.admin()), &["Origin: http://evil.test"]);
    assert_eq!(from_a_page.status, 403);
    assert_eq!(origin.get("faults").status, 404, "not through Nginx");
    assert!(origin.admin().starts_with("http://127.0.0.1:"));
}

#[test]
fn without_a_fault_and_after_one_requests_never_leave_nginx() {
    let origin = Origin::tiny();
    let run_dir = std::fs::read_dir(origin.parent_dir.path()).unwrap().next().unwrap().unwrap().path();
    let is_routed = || std::fs::read_to_string(run_dir.join("nginx.conf")).unwrap().contains("http://faults");
    assert!(!is_routed());
    origin.begin_fault("latency=1ms");
    wait_until("requests are routed", is_routed);
    end_all(&origin);
    wait_until("they are not", || !is_routed());
    assert_well(&origin);
}

#[test]
fn the_documentation_has_every_fault_with_an_example_that_is_one() {
    let docs = documentation();
    let section = docs.split("## Faults").nth(1).unwrap().split("\n### ").next().unwrap();
    let examples = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let mut kinds: Vec<_> = examples.map(|text| text.parse::<Spec>().unwrap().fault.kind()).collect();
    let mut expected = Fault::KINDS;
    kinds.sort_unstable();
    expected.sort_unstable();
    assert_eq!(kinds, expected);
}
