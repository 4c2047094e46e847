//! What can be known to fail is told before anything starts: one sentence each, all of them, exit code 3.

use std::net::TcpListener;

use testkit::Finished;

use crate::support::{Site, fake_ffmpeg, run};

const PLAYLIST: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.ts\n";

/// Runs against `url` and expects a refusal that says all of `parts`.
#[track_caller]
fn refused(flags: &[&str], parts: &[&str]) -> Finished {
    let finished = run(&[&["-metrics", "off"], flags].concat());
    assert_eq!(finished.code, Some(3), "{finished:?}");
    assert_eq!(finished.stdout, "");
    for part in parts {
        assert!(finished.stderr.contains(part), "{part} in {}", finished.stderr);
    }
    finished
}

fn playlist_site() -> Site {
    Site::serve([("/live.m3u8", ("200 OK", PLAYLIST.into()))])
}

#[test]
fn every_answer_that_is_no_playlist_has_its_sentence() {
    let site = Site::serve([
        ("/page", ("200 OK\r\nContent-Type: text/html", b"<!doctype html><p>hi".to_vec())),
        ("/text", ("200 OK", b"hello".to_vec())),
        ("/secret", ("403 Forbidden", b"no".to_vec())),
        ("/broken", ("503 Service Unavailable", b"no".to_vec())),
        ("/loop", ("302 Found\r\nLocation: /loop", Vec::new())),
        ("/empty-master", ("200 OK", b"#EXTM3U\n#EXT-X-STREAM-INF:RESOLUTION=1x1\nx.m3u8\n".to_vec())),
        ("/marked", ("200 OK", format!("\u{feff}{PLAYLIST}").into())),
        ("/lost", ("200 OK", b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\ngone.m3u8\n".to_vec())),
    ]);
    for (path, sentence) in [
        ("/page", "HTML, not a playlist"),
        ("/text", "does not begin with #EXTM3U"),
        ("/secret", "403 Forbidden: it wants a token or a header"),
        ("/broken", "503 Service Unavailable: the origin itself is failing"),
        ("/nowhere", "404 Not Found: the path is wrong, or the stream is not running"),
        ("/loop", "redirects without end"),
        ("/empty-master", "without variants"),
        ("/marked", "behind a byte order mark"),
        ("/lost", "/gone.m3u8 answered 404"),
    ] {
        refused(&[&site.url(path)], &[sentence]);
    }
}

#[test]
fn an_origin_that_cannot_be_reached_has_its_sentence() {
    // Bound and not listening: nobody else takes the port while the test runs.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    refused(&[&format!("http://127.0.0.1:{port}/x.m3u8")], &["refused the connection", "nothing listens"]);
    refused(&["http://no-such-host.invalid/x.m3u8"], &["no-such-host.invalid could not be resolved"]);
    // A server that speaks no TLS.
    let site = playlist_site();
    refused(
        &[&site.url("/live.m3u8").replace("http:", "https:")],
        &["TLS to 127.0.0.1 failed", "use http://"],
    );
}

#[test]
fn a_redirect_to_a_playlist_is_followed() {
    let target = playlist_site();
    let location: &'static str = format!("302 Found\r\nLocation: {}", target.url("/live.m3u8")).leak();
    let site = Site::serve([("/old", (location, Vec::new()))]);
    // It is taken for a playlist: what is refused is only the FFmpeg.
    let finished = refused(&["-ffmpeg", "/nowhere/ffmpeg", &site.url("/old")], &["/nowhere/ffmpeg"]);
    assert_eq!(finished.stderr.lines().count(), 1, "{}", finished.stderr);
}

#[test]
fn an_ffmpeg_that_is_missing_or_unfit_has_its_sentence() {
    let site = playlist_site();
    let url = site.url("/live.m3u8");
    refused(&["-ffmpeg", "no-such-ffmpeg", &url], &["no-such-ffmpeg", "apt install ffmpeg", "brew install"]);
    refused(&["-ffmpeg", "true", &url], &["/true is not FFmpeg"]);
    refused(&["-ffmpeg", &fake_ffmpeg("lacks-hls"), &url], &["without the HLS demuxer"]);
    let https = url.replace("http:", "https:");
    refused(&["-direct", "-ffmpeg", &fake_ffmpeg("lacks-https"), &https], &["without HTTPS"]);
}

#[test]
fn all_problems_are_told_at_once() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let finished = run(&[
        "-ffmpeg",
        "no-such-ffmpeg",
        "-metrics",
        &address,
        "-report",
        "/no/such/folder/run.json",
        "http://no-such-host.invalid/x.m3u8",
    ]);
    assert_eq!(finished.code, Some(3));
    for part in ["no-such-ffmpeg", &address, "/no/such/folder/run.json", "no-such-host.invalid"] {
        assert!(finished.stderr.contains(part), "{part} in {}", finished.stderr);
    }
    assert_eq!(finished.stderr.lines().count(), 4, "{}", finished.stderr);
}

#[test]
fn a_report_that_could_not_be_written_is_told_before_the_run() {
    let site = playlist_site();
    let url = site.url("/live.m3u8");
    let folder = tempfile::tempdir().unwrap();
    let named = folder.path().join("there.json");
    std::fs::create_dir(&named).unwrap();
    refused(&["-report", "/no/such/folder/run.json", &url], &["mkdir -p /no/such/folder makes it"]);
    refused(&["-report", named.to_str().unwrap(), &url], &["it is a folder; name a file in it"]);
    refused(&["-report", "/proc/run.json", &url], &["no file can be made in /proc", "choose another place"]);
}

#[test]
fn too_few_descriptors_are_told_with_the_number_to_set() {
    let site = playlist_site();
    let mut shell = std::process::Command::new("/bin/sh");
    let program = env!("CARGO_BIN_EXE_swarm");
    shell.args(["-c", "ulimit -n 200; exec \"$0\" \"$@\"", program, "-metrics", "off", "-clients", "100"]);
    let finished = testkit::Running::start(shell.arg(site.url("/live.m3u8"))).wait();
    assert_eq!(finished.code, Some(3), "{finished:?}");
    assert!(finished.stderr.contains("1228 open files are needed for 100 viewers, and only 200 are allowed"));
}

#[test]
fn the_soft_limit_of_descriptors_is_raised_by_itself() {
    let site = playlist_site();
    let mut shell = std::process::Command::new("/bin/sh");
    let program = env!("CARGO_BIN_EXE_swarm");
    shell.args(["-c", "ulimit -Sn 64; exec \"$0\" \"$@\"", program, "-metrics", "off", "-clients", "100"]);
    let finished =
        testkit::Running::start(shell.args(["-ffmpeg", "no-such-ffmpeg"]).arg(site.url("/live.m3u8"))).wait();
    assert!(!finished.stderr.contains("open files"), "{}", finished.stderr);
}
