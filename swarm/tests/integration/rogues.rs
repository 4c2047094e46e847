//! Origins that misbehave, seen through the wire: what FFmpeg would get, and what is written down. The proxy runs in the
//! test, and the test asks as an FFmpeg asks.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use swarm::observation::Kind;
use swarm::output::metrics::Metrics;
use swarm::plan::VariantMode;
use swarm::proxy::catalog::Catalog;
use swarm::proxy::connection::Shared;
use swarm::proxy::recorder::Recorder;
use swarm::proxy::server::Server;
use swarm::proxy::ticket::{Ticket, Token};
use swarm::stats::WireSnapshot;
use swarm::upstream::{Connector, client_config};
use testkit::{Response, get_through, wait_until};

/// How long the wire waits in these tests.
const TIMEOUT: Duration = Duration::from_millis(400);

struct Wire {
    server: Server,
    stamp: String,
    recorder: Arc<Recorder>,
}

impl Wire {
    fn start() -> Self {
        let token = Token::random().unwrap();
        let stamp = format!("X-Swarm-Viewer: {}", token.stamp(Ticket { viewer: 0, session: 0 }));
        let metrics = Metrics::new("none").unwrap().wire().unwrap();
        let recorder = Arc::new(Recorder::new(1, metrics));
        let connector = Connector {
            address: None,
            sources: Arc::default(),
            tls: client_config(true).unwrap(),
            timeout: TIMEOUT,
        };
        let catalog = Catalog::new(VariantMode::All);
        let server =
            Server::start(Shared { token, catalog, recorder: Arc::clone(&recorder), connector }, 1).unwrap();
        Self { server, stamp, recorder }
    }

    fn get(&self, url: &str) -> Response {
        get_through(
            &format!("http://{}", self.server.addresses().of(0)),
            url,
            &[&self.stamp, "Range: bytes=0-"],
        )
    }

    fn seen(&self) -> WireSnapshot {
        self.recorder.snapshot(Instant::now())
    }

    /// Waits until so many requests have ended.
    #[track_caller]
    fn after(&self, requests: u64) -> WireSnapshot {
        wait_until("the requests have ended", || self.seen().requests.requests >= requests);
        self.seen()
    }

    /// The class of the one error that was seen.
    #[track_caller]
    fn error(&self) -> String {
        let seen = self.after(1);
        assert_eq!(seen.errors.len(), 1, "{seen:?}");
        seen.errors[0].class.clone()
    }
}

/// An origin that does whatever a test says with each connection, after having read the head of a request.
fn rogue(behave: impl Fn(TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let behave = Arc::new(behave);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let behave = Arc::clone(&behave);
            std::thread::spawn(move || {
                read_head(&stream);
                behave(stream);
            });
        }
    });
    format!("http://{address}")
}

fn read_head(stream: &TcpStream) -> Vec<String> {
    BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect()
}

/// A good answer with a body of this length.
#[track_caller]
fn read_answer(stream: &TcpStream, length: usize) -> Vec<u8> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert_eq!(line.trim_end(), "HTTP/1.1 200 OK");
    while line.trim_end() != "" {
        line.clear();
        reader.read_line(&mut line).unwrap();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    body
}

/// An origin that says these bytes and closes.
fn saying(bytes: impl Into<Vec<u8>>) -> String {
    let bytes = bytes.into();
    rogue(move |mut stream| stream.write_all(&bytes).unwrap_or_default())
}

#[test]
fn every_status_goes_through_and_is_counted() {
    for status in [204, 206, 304, 403, 404, 429, 500, 503] {
        let wire = Wire::start();
        let body = if matches!(status, 204 | 304) { "" } else { "Content-Length: 2\r\n\r\nok" };
        let end = if body.is_empty() { "\r\n" } else { "" };
        let origin = saying(format!("HTTP/1.1 {status} Whatever\r\n{body}{end}"));
        assert_eq!(wire.get(&format!("{origin}/a.ts")).status, status);
        let seen = wire.after(1);
        assert_eq!(seen.statuses[0].status, status.to_string());
        let errors: Vec<_> = seen.errors.iter().map(|error| error.class.as_str()).collect();
        let expected: &[&str] = if status < 400 { &[] } else { &[&status.to_string()] };
        assert_eq!(errors, expected);
    }
}

#[test]
fn a_body_that_is_too_short_cuts_ffmpegs_connection_and_is_called_short() {
    let wire = Wire::start();
    let origin = saying("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
    let response = wire.get(&format!("{origin}/a.ts"));
    // FFmpeg was promised 100 bytes and gets fewer, as it would without us.
    assert_eq!(
        (response.header("content-length"), response.body.as_slice()),
        (Some("100"), b"short".as_slice())
    );
    assert_eq!(wire.error(), "short");
    assert_eq!(wire.seen().requests.bytes, 5);
}

#[test]
fn a_body_that_is_too_long_ends_where_it_was_announced() {
    let wire = Wire::start();
    let origin = saying("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nright and then some");
    assert_eq!(wire.get(&format!("{origin}/a.ts")).body, b"right");
    assert_eq!(wire.after(1).requests.errors, 0);
}

#[test]
fn bodies_of_unknown_length_go_through_whole() {
    for answer in [
        "HTTP/1.0 200 OK\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    ] {
        let wire = Wire::start();
        let response = wire.get(&format!("{}/a.ts", saying(answer)));
        assert_eq!(response.status, 200, "{answer}");
        assert!(response.text().contains("he") && response.text().contains("llo"), "{answer}: {response:?}");
        let seen = wire.after(1);
        assert_eq!((seen.requests.bytes, seen.requests.errors), (5, 0), "{answer}");
    }
}

#[test]
fn each_way_not_to_answer_has_its_class() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, status, class) in [
        (format!("http://{nobody}/a.ts"), 502, "refused"),
        ("http://no-such-host.invalid/a.ts".to_owned(), 502, "dns"),
        (format!("{}/a.ts", saying("this is no HTTP\r\n\r\n")), 502, "protocol"),
        (format!("{}/a.ts", saying("")), 502, "reset"),
        (format!("{}/a.ts", rogue(|stream| hold(&stream))), 504, "timeout"),
    ] {
        let wire = Wire::start();
        assert_eq!(wire.get(&url).status, status, "{class}");
        assert_eq!(wire.error(), class);
    }
}

/// Keeps a connection open and silent until the other side ends it.
fn hold(mut stream: &TcpStream) {
    stream.read(&mut [0]).unwrap_or_default();
}

#[test]
fn tls_to_a_plain_server_is_a_tls_error() {
    let wire = Wire::start();
    let origin = saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").replace("http:", "https:");
    let mapped = swarm::proxy::mapping::to_ffmpeg(&format!("{origin}/a.ts").parse().unwrap());
    assert_eq!(wire.get(mapped.as_str()).status, 502);
    assert_eq!(wire.error(), "tls");
}

#[test]
fn an_origin_that_falls_silent_within_a_body_is_cut_off() {
    let wire = Wire::start();
    let origin = rogue(|mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").unwrap();
        hold(&stream);
    });
    let began = Instant::now();
    assert_eq!(wire.get(&format!("{origin}/a.ts")).body, b"half");
    assert!(began.elapsed() >= TIMEOUT, "{:?}", began.elapsed());
    assert_eq!(wire.error(), "timeout");
}

#[test]
fn a_viewer_that_hangs_up_is_an_abort_and_the_origin_hears_of_it() {
    let wire = Wire::start();
    let (told, hung_up) = mpsc::channel();
    let origin = rogue(move |mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n").unwrap();
        // Ends when nobody reads any more.
        while stream.write_all(&[0; 10_000]).is_ok() {}
        told.send(()).unwrap_or_default();
    });
    let mut viewer = TcpStream::connect(wire.server.addresses().of(0)).unwrap();
    let head = format!("GET {origin}/a.ts HTTP/1.1\r\nHost: h\r\n{}\r\n\r\n", wire.stamp);
    viewer.write_all(head.as_bytes()).unwrap();
    viewer.read_exact(&mut vec![0; 100_000]).unwrap();
    assert_eq!(wire.recorder.open.count(), 1);
    drop(viewer);
    hung_up.recv_timeout(testkit::PATIENCE).unwrap();
    let seen = wire.after(1);
    assert_eq!((seen.requests.aborted, seen.requests.errors), (1, 0));
    // What sockets and buffers hold, and no more: the body was never read ahead.
    assert!(seen.requests.bytes < 50_000_000, "{} bytes", seen.requests.bytes);
}

#[test]
fn a_kept_connection_that_the_origin_has_closed_is_replaced_unseen() {
    let wire = Wire::start();
    let (closed, is_closed) = mpsc::channel();
    let origin = rogue(move |mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
        drop(stream);
        closed.send(()).unwrap_or_default();
    });
    let mut viewer = TcpStream::connect(wire.server.addresses().of(0)).unwrap();
    viewer.set_read_timeout(Some(testkit::PATIENCE)).unwrap();
    for _ in 0..3 {
        let head = format!("GET {origin}/a.ts HTTP/1.1\r\nHost: h\r\n{}\r\n\r\n", wire.stamp);
        viewer.write_all(head.as_bytes()).unwrap();
        assert_eq!(read_answer(&viewer, 2), b"ok");
        is_closed.recv_timeout(testkit::PATIENCE).unwrap();
    }
    let seen = wire.after(3);
    assert_eq!((seen.requests.requests, seen.requests.errors), (3, 0));
}

#[test]
fn large_bodies_go_through_byte_for_byte_over_one_connection() {
    // More than a pipe holds, in pieces that fit no page.
    let body: Vec<u8> = (0..=250).cycle().take(3_000_001).collect();
    let wire = Wire::start();
    let (told, connected) = mpsc::channel();
    let sent = body.clone();
    let origin = rogue(move |mut stream| {
        told.send(()).unwrap_or_default();
        loop {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", sent.len());
            stream.write_all(head.as_bytes()).unwrap();
            sent.chunks(77_777).for_each(|piece| stream.write_all(piece).unwrap());
            if read_head(&stream).is_empty() {
                return;
            }
        }
    });
    let mut viewer = TcpStream::connect(wire.server.addresses().of(0)).unwrap();
    viewer.set_read_timeout(Some(testkit::PATIENCE)).unwrap();
    for _ in 0..3 {
        let head = format!("GET {origin}/a.ts HTTP/1.1\r\nHost: h\r\n{}\r\n\r\n", wire.stamp);
        viewer.write_all(head.as_bytes()).unwrap();
        assert!(read_answer(&viewer, body.len()) == body);
    }
    let seen = wire.after(3).requests;
    assert_eq!((seen.requests, seen.errors, seen.bytes), (3, 0, 3 * body.len() as u64));
    assert_eq!(connected.try_iter().count(), 1);
}

#[test]
fn a_viewer_that_is_slow_gets_every_byte_and_its_pause_is_not_the_origins() {
    // More than all sockets and pipes on the way hold.
    let body: Vec<u8> = (0..=250).cycle().take(40_000_000).collect();
    let (wire, sent) = (Wire::start(), body.clone());
    let origin = rogue(move |mut stream| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", sent.len());
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&sent).unwrap();
    });
    let mut viewer = TcpStream::connect(wire.server.addresses().of(0)).unwrap();
    viewer.set_read_timeout(Some(testkit::PATIENCE)).unwrap();
    let head = format!("GET {origin}/a.ts HTTP/1.1\r\nHost: h\r\n{}\r\n\r\n", wire.stamp);
    viewer.write_all(head.as_bytes()).unwrap();
    // What is tested: a viewer that takes nothing for longer than an origin may be silent.
    let pause = 5 * TIMEOUT;
    std::thread::sleep(pause);
    assert!(read_answer(&viewer, body.len()) == body);
    let seen = wire.after(1);
    assert_eq!((seen.requests.errors, seen.requests.bytes), (0, body.len() as u64));
    let took = seen.kinds.iter().find_map(|kind| kind.duration.as_ref()).unwrap().max_s;
    assert!(took < pause.as_secs_f64(), "{took} s, the pause of {pause:?} included");
}

#[test]
fn an_answer_to_head_has_a_length_and_no_body() {
    let wire = Wire::start();
    let origin = rogue(|mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").unwrap();
        hold(&stream);
    });
    for name in ["a.ts", "a.m3u8"] {
        let mut viewer = TcpStream::connect(wire.server.addresses().of(0)).unwrap();
        viewer.set_read_timeout(Some(testkit::PATIENCE)).unwrap();
        let stamp = &wire.stamp;
        let head = format!("HEAD {origin}/{name} HTTP/1.1\r\nConnection: close\r\n{stamp}\r\n\r\n");
        viewer.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        viewer.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("Content-Length: 1000") && body.is_empty(), "{answer}");
    }
    assert_eq!(wire.after(2).requests.errors, 0);
}

#[test]
fn a_playlist_keeps_its_bytes_however_it_comes() {
    let text = "#EXTM3U\r\n#EXT-X-TARGETDURATION:2\r\n# a remark\r\n#EXTINF:2.0,\r\na.ts\r\n";
    let plain = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len());
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{text}\r\n0\r\n\r\n",
        text.len()
    );
    let kind = "Content-Type: application/vnd.apple.mpegurl\r\n";
    for answer in [plain, chunked, format!("HTTP/1.0 200 OK\r\n\r\n{text}")] {
        let wire = Wire::start();
        let answer = answer.replacen("OK\r\n", &format!("OK\r\n{kind}"), 1);
        let response = wire.get(&format!("{}/live.m3u8", saying(answer.as_str())));
        assert_eq!(response.text(), text, "{answer}");
        let seen = wire.after(1);
        assert_eq!(
            (seen.kinds[0].kind, seen.requests.bytes),
            (Kind::Playlist, text.len() as u64),
            "{answer}"
        );
    }
}

#[test]
fn what_only_claims_to_be_a_playlist_goes_through_as_it_is() {
    let kind = "Content-Type: application/vnd.apple.mpegurl\r\n";
    let garbage: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0];
    for (headers, body) in [
        (kind.to_owned(), garbage.as_slice()),
        (format!("{kind}Content-Encoding: gzip\r\n"), &gzip),
        (kind.to_owned(), b"".as_slice()),
    ] {
        let wire = Wire::start();
        let head = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
        let origin = saying([head.as_bytes(), body].concat());
        assert_eq!(wire.get(&format!("{origin}/x.m3u8")).body, body, "{headers}");
        assert_eq!(wire.after(1).requests.errors, 0);
    }
}

#[test]
fn a_playlist_of_fifty_megabytes_streams_on_and_is_not_kept() {
    let wire = Wire::start();
    let line = b"#EXTINF:2.0,\na.ts\n";
    let lines = 50_000_000 / line.len();
    let length = 8 + lines * line.len();
    let origin = rogue(move |mut stream| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n#EXTM3U\n");
        stream.write_all(head.as_bytes()).unwrap();
        (0..lines).try_for_each(|_| stream.write_all(line)).unwrap_or_default();
    });
    let response = wire.get(&format!("{origin}/x.m3u8"));
    assert_eq!(response.body.len(), length);
    assert_eq!(wire.after(1).kinds[0].kind, Kind::Other);
}

#[test]
fn a_head_of_fifty_kilobytes_goes_through_and_one_of_a_hundred_is_refused() {
    for (lines, status) in [(50, 200), (100, 502)] {
        let wire = Wire::start();
        let filler = "x".repeat(1000);
        let headers = format!("X-Filler: {filler}\r\n").repeat(lines);
        let origin = saying(format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: 2\r\n\r\nok"));
        assert_eq!(wire.get(&format!("{origin}/a.ts")).status, status);
        let errors: Vec<_> = wire.after(1).errors.into_iter().map(|error| error.class).collect();
        let expected: &[&str] = if status == 200 { &[] } else { &["protocol"] };
        assert_eq!(errors, expected);
    }
}

#[test]
fn the_origin_sees_the_target_as_ffmpeg_wrote_it_and_its_own_name() {
    let wire = Wire::start();
    let (told, asked) = mpsc::channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        told.send(read_head(&stream)).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    assert_eq!(wire.get(&format!("http://{origin}/a'b.ts?sig=a'%2F|x&e=")).status, 200);
    let head = asked.recv_timeout(testkit::PATIENCE).unwrap();
    assert_eq!(head[0], "GET /a'b.ts?sig=a'%2F|x&e= HTTP/1.1");
    let mut hosts = head.iter().filter(|line| line.to_ascii_lowercase().starts_with("host:"));
    assert_eq!(hosts.next().map(|line| line.split_once(": ").unwrap().1), Some(origin.as_str()));
    assert_eq!(hosts.next(), None);
    assert!(head.iter().any(|line| line == "Range: bytes=0-"), "{head:?}");
}

#[test]
fn a_redirect_to_https_stays_on_the_wire_and_the_target_keeps_its_kind() {
    let wire = Wire::start();
    let location = "https://edge.example.test:8443/x?token=1";
    let origin = saying(format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"));
    let response = wire.get(&format!("{origin}/live.m3u8"));
    let mapped = swarm::proxy::mapping::to_ffmpeg(&location.parse().unwrap());
    assert_eq!((response.status, response.header("location")), (302, Some(mapped.as_str())));
    // The scheme that FFmpeg is told is the one that it can speak to us.
    assert!(mapped.as_str().starts_with("http://"));
}

#[test]
fn a_segment_takes_as_long_as_the_way_to_it() {
    const WAY: Duration = Duration::from_millis(300);
    let wire = Wire::start();
    let edge = saying("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let target = format!("{edge}/there.ts?token=1");
    let location = target.clone();
    let origin = rogue(move |mut stream| {
        // What is tested: an origin that takes its time to say where to go.
        std::thread::sleep(WAY);
        let answer = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).unwrap_or_default();
    });
    let redirect = wire.get(&format!("{origin}/a.ts"));
    assert_eq!(wire.get(redirect.header("location").unwrap()).status, 200);
    let seen = wire.after(2);
    let segment = seen.kinds[0];
    let (duration, ttfb) = (segment.duration.unwrap(), segment.ttfb.unwrap());
    assert_eq!((segment.totals.requests, duration.count), (2, 1));
    let way_s = WAY.as_secs_f64();
    assert!(duration.p50_s >= way_s && ttfb.p50_s >= way_s, "{duration:?}");
    // Who asks for it again was not redirected.
    wire.get(&target);
    assert_eq!(wire.after(3).kinds[0].duration.unwrap().count, 2);
    assert!(wire.seen().kinds[0].duration.unwrap().p50_s < way_s);
}
