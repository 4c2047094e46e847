//! A stream with an end.

use std::process::Command;
use std::time::{Duration, Instant};

use m3u8_rs::MediaPlaylistType;
use nix::sys::signal::Signal;

use crate::support::{
    Origin, command, descendants, ffmpeg_without_luck, open_dir, profile_file, send, wait_until,
};

#[test]
fn the_vod_profile_has_all_segments_and_an_end_and_no_ffmpeg_runs() {
    let origin = Origin::start(|command| command.args(["--profile", "vod"]));
    let playlist = origin.playlist("stream.m3u8");
    assert!(playlist.end_list && playlist.playlist_type == Some(MediaPlaylistType::Vod), "{playlist:?}");
    assert_eq!((playlist.media_sequence, playlist.segments.len()), (0, 15));
    for segment in &playlist.segments {
        assert!((segment.duration - 2.0).abs() < 1e-3, "{segment:?}");
        assert_eq!(origin.get(&segment.uri).status, 200);
    }
    assert_eq!(origin.process("ffmpeg"), None);
    assert_eq!(origin.get("stream.m3u8").header("cache-control"), Some("no-cache"));
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i", &origin.url, "-map", "0:v", "-f", "framecrc", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let frames =
        String::from_utf8(output.stdout).unwrap().lines().filter(|line| line.starts_with('0')).count();
    assert_eq!(frames, 30 * 30);
}

#[test]
fn a_stream_with_an_end_is_healthy_however_old_it_is() {
    let origin = Origin::of_file("tiny-vod", &[]);
    let began = Instant::now();
    // A live stream of 1 s segments would be stale after three.
    wait_until("it is older than a live playlist may be", || {
        assert!(origin.is_healthy());
        began.elapsed() > Duration::from_secs(4)
    });
    let said = origin.program.stderr();
    assert!(!said.contains("WARN") && !said.contains("ffmpeg ended"), "{said}");
    let run_dir = std::fs::read_dir(origin.parent_dir.path()).unwrap().next().unwrap().unwrap().path();
    std::fs::remove_file(run_dir.join("media/stream.m3u8")).unwrap();
    wait_until("without its playlist it is not", || !origin.is_healthy());
}

#[test]
fn a_stream_with_an_end_outlives_its_server_and_ends_when_asked() {
    let mut origin = Origin::of_file("tiny-vod", &[]);
    let nginx = origin.process("nginx").unwrap();
    send(nginx, Signal::SIGKILL);
    wait_until("another nginx serves", || {
        origin.process("nginx").is_some_and(|pid| pid != nginx) && origin.is_healthy()
    });
    assert!(!descendants(origin.program.pid()).iter().any(|(_, name)| name == "ffmpeg"));
    send(origin.program.pid(), Signal::SIGTERM);
    assert_eq!(origin.program.wait().code, Some(0));
    assert!(std::fs::read_dir(origin.parent_dir.path()).unwrap().next().is_none());
}

#[test]
fn a_clip_that_cannot_be_cut_ends_everything_with_ffmpegs_last_words() {
    let folder = open_dir();
    let ffmpeg = ffmpeg_without_luck(folder.path());
    let runs = open_dir();
    let output = command(runs.path())
        .arg("--profile-file")
        .arg(profile_file("tiny-vod"))
        .arg("--ffmpeg")
        .arg(&ffmpeg)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("could not cut the clip") && said.contains("no such luck"), "{said}");
    assert!(output.stdout.is_empty() && std::fs::read_dir(runs.path()).unwrap().next().is_none());
}
