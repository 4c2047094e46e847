//! How it stays alive, and how it ends.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::{
    Origin, command, descendants, ffmpeg_without_luck, is_alive, open_dir, profile_file, send, stand_in,
    wait_until,
};

fn is_empty(origin: &Origin) -> bool {
    std::fs::read_dir(origin.parent_dir.path()).unwrap().next().is_none()
}

#[test]
fn a_frozen_encoder_makes_the_origin_unhealthy_until_it_goes_on() {
    let origin = Origin::tiny();
    assert!(origin.is_healthy());
    let ffmpeg = origin.process("ffmpeg").unwrap();
    let before = origin.playlist("stream.m3u8").media_sequence;
    wait_until("it serves on while healthy", || origin.playlist("stream.m3u8").media_sequence > before);
    send(ffmpeg, Signal::SIGSTOP);
    let frozen = Instant::now();
    wait_until("the origin is unhealthy", || !origin.is_healthy());
    let after = frozen.elapsed();
    // Three segments of 1 s after the last change, which was at most a segment before the freeze.
    assert!(after > Duration::from_millis(1500) && after < Duration::from_secs(5), "after {after:?}");
    let response = origin.get("healthz");
    assert_eq!(
        (response.status, response.body.as_slice()),
        (503, b"the playlist is stale, or segments may be cut off\n".as_slice())
    );
    send(ffmpeg, Signal::SIGCONT);
    wait_until("the origin is healthy again", || origin.is_healthy());
    assert_eq!(origin.process("ffmpeg"), Some(ffmpeg), "nothing was restarted");
}

#[test]
fn a_full_stderr_ends_no_stream() {
    let parent_dir = open_dir();
    let origin = command(parent_dir.path());
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", "exec \"$@\" 2>/dev/full", "sh"]).arg(origin.get_program()).args(origin.get_args());
    let mut program = testkit::Running::start(shell.arg("--profile-file").arg(profile_file("tiny")));
    wait_until("the origin has told its URL", || program.has_ended() || program.stdout().ends_with('\n'));
    program.send(Signal::SIGTERM);
    assert_eq!(program.wait().code, Some(0));
}

#[test]
fn a_killed_encoder_is_restarted_and_the_sequence_goes_on() {
    let origin = Origin::of_file("tiny-pair", &[]);
    let path = "big/index.m3u8";
    let before = origin.playlist(path);
    let last = before.media_sequence + before.segments.len() as u64 - 1;
    let ffmpeg = origin.process("ffmpeg").unwrap();
    send(ffmpeg, Signal::SIGKILL);
    let mut highest = before.media_sequence;
    wait_until("new segments follow behind a discontinuity", || {
        let playlist = origin.playlist(path);
        assert!(playlist.media_sequence >= highest, "{} after {highest}", playlist.media_sequence);
        highest = playlist.media_sequence;
        playlist.segments.iter().filter(|segment| segment.discontinuity).count() == 1
            && playlist.media_sequence + playlist.segments.len() as u64 > last + 3
    });
    assert_ne!(origin.process("ffmpeg"), Some(ffmpeg));
    let said = origin.program.stderr();
    assert!(
        said.contains("ffmpeg ended: killed by SIGKILL") && said.contains("ffmpeg starts again in"),
        "{said}"
    );
}

#[test]
fn variants_that_died_one_apart_number_their_segments_alike_again() {
    for file in ["tiny-pair", "tiny-cmaf"] {
        let origin = Origin::of_file(file, &[]);
        let ffmpeg = origin.process("ffmpeg").unwrap();
        send(ffmpeg, Signal::SIGSTOP);
        // As if the encoder had died before the last segment of the second variant was published.
        let run_dir = std::fs::read_dir(origin.parent_dir.path()).unwrap().next().unwrap().unwrap().path();
        let small = run_dir.join("media/small/index.m3u8");
        let text = std::fs::read_to_string(&small).unwrap();
        let last = text.rfind("#EXTINF").unwrap();
        std::fs::write(&small, &text[..last]).unwrap();
        send(ffmpeg, Signal::SIGKILL);
        let next = |path: &str| {
            let playlist = origin.playlist(path);
            let discontinuity = playlist.segments.iter().position(|segment| segment.discontinuity)?;
            Some(playlist.media_sequence + discontinuity as u64)
        };
        let both = || Some((next("big/index.m3u8")?, next("small/index.m3u8")?));
        wait_until("both go on behind a discontinuity", || both().is_some());
        let (big, small) = both().unwrap();
        assert_eq!(big, small, "{file}");
    }
}

#[test]
fn a_killed_server_is_restarted_on_the_same_port() {
    let origin = Origin::tiny();
    let nginx = origin.process("nginx").unwrap();
    send(nginx, Signal::SIGKILL);
    wait_until("another nginx serves", || {
        origin.process("nginx").is_some_and(|pid| pid != nginx) && origin.get("stream.m3u8").status == 200
    });
    assert!(
        origin.program.stderr().contains("nginx ended: killed by SIGKILL"),
        "{}",
        origin.program.stderr()
    );
}

#[test]
fn a_stop_signal_ends_everything_in_time_and_leaves_nothing() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut origin = Origin::tiny();
        let family = descendants(origin.program.pid());
        assert!(family.len() >= 3, "ffmpeg, nginx and a worker: {family:?}");
        send(origin.program.pid(), signal);
        let asked = Instant::now();
        let status = origin.program.wait();
        assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
        assert_eq!(status.code, Some(0), "{status:?}");
        for (pid, name) in family {
            assert!(!is_alive(pid), "{name} lives");
        }
        assert!(is_empty(&origin));
    }
}

#[test]
fn a_frozen_encoder_does_not_hold_up_the_end() {
    let mut origin = Origin::tiny();
    send(origin.process("ffmpeg").unwrap(), Signal::SIGSTOP);
    send(origin.program.pid(), Signal::SIGTERM);
    let asked = Instant::now();
    assert_eq!(origin.program.wait().code, Some(0));
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    assert!(is_empty(&origin));
}

#[test]
fn a_killed_origin_leaves_no_process_and_its_directory_goes_with_the_next_start() {
    let mut origin = Origin::tiny();
    let family = descendants(origin.program.pid());
    assert!(family.len() >= 3, "{family:?}");
    send(origin.program.pid(), Signal::SIGKILL);
    origin.program.wait();
    for (pid, name) in family {
        wait_until(&format!("{name} is gone"), || !is_alive(pid));
    }
    assert!(!is_empty(&origin), "nobody was there to remove it");
    let status = command(origin.parent_dir.path()).arg("--check").output().unwrap().status;
    assert!(status.success());
    assert!(is_empty(&origin));
}

#[test]
fn an_encoder_that_dies_before_the_url_is_told_begins_again_with_a_whole_window() {
    let folder = open_dir();
    // The first stream ends with one segment of four.
    let script = "case \"$*\" in *hls_time*)
    if mkdir \"$0.once\" 2>/dev/null; then
        for playlist; do :; done
        printf '#EXTM3U\\n#EXT-X-MEDIA-SEQUENCE:0\\n#EXTINF:1.0,\\nsegment000000.ts\\n' > \"$playlist\"
        exit 1
    fi
esac
exec ffmpeg \"$@\"
";
    let ffmpeg = stand_in(folder.path(), "ffmpeg", script);
    let origin = Origin::of_file("tiny", &["--ffmpeg", ffmpeg.to_str().unwrap()]);
    let playlist = origin.playlist("stream.m3u8");
    assert!(origin.program.stderr().contains("ffmpeg starts again"), "{}", origin.program.stderr());
    assert_eq!(playlist.segments.len(), 4);
    assert!(!playlist.segments.iter().any(|segment| segment.discontinuity), "{playlist:?}");
}

#[test]
fn an_encoder_that_never_holds_ends_everything_with_its_last_words() {
    let parent = open_dir();
    let ffmpeg = ffmpeg_without_luck(parent.path());
    let runs = open_dir();
    let output = command(runs.path())
        .arg("--profile-file")
        .arg(crate::support::profile_file("tiny"))
        .arg("--ffmpeg")
        .arg(&ffmpeg)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty(), "no URL was told");
    assert_eq!(said.matches("no such luck").count(), 6, "a start and five restarts: {said}");
    assert!(said.contains("gave up after 5 restarts"), "{said}");
    assert!(std::fs::read_dir(runs.path()).unwrap().next().is_none());
}
