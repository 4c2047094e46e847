//! Where the clip's end meets its beginning: nothing may be seen of it.

use std::path::Path;
use std::process::Command;

use crate::support::{cache_dir, command, open_dir, profile_file};

/// FFmpeg's command that repeats the clip, changed so that it writes three loops as fast as it can and keeps all.
fn write_three_loops(profile: &Path, folder: &Path) -> String {
    let parent = open_dir();
    // A check does not encode: let a run do it, and stop it when the URL is there.
    drop(crate::support::Origin::start(|command| command.arg("--profile-file").arg(profile)));
    let output =
        command(parent.path()).arg("--print-cmd").arg("--profile-file").arg(profile).output().unwrap();
    let commands = String::from_utf8(output.stdout).unwrap();
    let repeat = commands.lines().find(|line| line.contains("-stream_loop")).unwrap();
    let changed = repeat
        .replace("-re -stream_loop -1", "-stream_loop 2")
        .replace("delete_segments+", "")
        .replace("-hls_list_size 4", "-hls_list_size 0")
        .replace("RUN_DIR/media", &folder.display().to_string());
    assert!(changed.contains(&cache_dir().display().to_string()), "{changed}");
    let status = Command::new("sh").args(["-c", &changed]).status().unwrap();
    assert!(status.success());
    std::fs::read_to_string(folder.join("stream.m3u8")).unwrap()
}

/// Time stamps of a stream's packets in 1/90000 s.
fn stamps(file: &Path, stream: &str, field: &str) -> Vec<i64> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", stream, "-of", "default=nw=1:nk=1"])
        .args(["-show_entries", &format!("packet={field}")])
        .arg(file)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

fn assert_even(stamps: &[i64], step: i64, count: usize, what: &str) {
    assert_eq!(stamps.len(), count, "{what}");
    for pair in stamps.windows(2) {
        assert_eq!(pair[1] - pair[0], step, "{what} at {}", pair[0]);
    }
}

#[test]
fn time_runs_on_over_the_seam_and_every_segment_has_its_length() {
    let folder = open_dir();
    let playlist = write_three_loops(&profile_file("tiny"), folder.path());
    let lengths: Vec<_> = playlist.lines().filter(|line| line.starts_with("#EXTINF")).collect();
    assert_eq!(lengths, vec!["#EXTINF:1.000000,"; 48]);

    let whole = folder.path().join("whole.ts");
    let mut bytes = Vec::new();
    for name in playlist.lines().filter(|line| !line.starts_with('#')) {
        bytes.extend(std::fs::read(folder.path().join(name)).unwrap());
    }
    std::fs::write(&whole, bytes).unwrap();
    assert_even(&stamps(&whole, "v", "dts"), 90_000 / 10, 480, "video dts");
    let mut shown = stamps(&whole, "v", "pts");
    shown.sort_unstable();
    assert_even(&shown, 90_000 / 10, 480, "video pts");
    // 1024 samples of 48 kHz; 750 frames a loop.
    assert_even(&stamps(&whole, "a", "pts"), 1_920, 2_250, "audio pts");
}
