//! What ffprobe says of a file's packets.

use std::path::Path;
use std::process::Command;

/// Time stamps are rounded to 1/90000 s in a transport stream.
const ROUNDING: f64 = 0.000_1;

/// The packets of a file with at most one video and one audio stream; times in seconds.
pub(crate) struct Packets {
    video: Vec<Packet>,
    audio: Vec<Packet>,
}

struct Packet {
    pts: f64,
    dts: f64,
    key: bool,
}

impl Packets {
    pub(crate) fn of(file: &Path) -> Self {
        let output = Command::new("ffprobe")
            .args(["-v", "error", "-of", "compact=p=0"])
            .args(["-show_entries", "packet=codec_type,pts_time,dts_time,flags"])
            .arg(file)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{}: {said}", file.display());
        let text = String::from_utf8(output.stdout).unwrap();
        let of =
            |kind: &str| text.lines().filter(|line| value(line, "codec_type") == kind).map(packet).collect();
        Self { video: of("video"), audio: of("audio") }
    }

    pub(crate) fn has_video(&self) -> bool {
        !self.video.is_empty()
    }

    pub(crate) fn has_audio(&self) -> bool {
        !self.audio.is_empty()
    }

    /// Pictures and sound follow each other without a gap or an overlap, at these rates.
    pub(crate) fn assert_continuous(&self, what: &str, pictures_per_second: f64, sounds_per_second: f64) {
        let mut shown: Vec<f64> = self.video.iter().map(|packet| packet.pts).collect();
        shown.sort_unstable_by(f64::total_cmp);
        let decoded: Vec<f64> = self.video.iter().map(|packet| packet.dts).collect();
        let heard: Vec<f64> = self.audio.iter().map(|packet| packet.pts).collect();
        assert_even(&shown, 1.0 / pictures_per_second, &format!("{what}, pictures shown"));
        assert_even(&decoded, 1.0 / pictures_per_second, &format!("{what}, pictures decoded"));
        assert_even(&heard, 1.0 / sounds_per_second, &format!("{what}, sound"));
    }

    /// Each of `count` segments begins with its only keyframe. Returns the time of the first, if there is a picture.
    pub(crate) fn assert_keyframes(&self, what: &str, segment_seconds: f64, count: u64) -> Option<f64> {
        let first = self.video.first()?;
        assert!(first.key, "{what} begins with a keyframe");
        let keys: Vec<f64> = self.video.iter().filter(|packet| packet.key).map(|packet| packet.pts).collect();
        assert_eq!(keys.len() as u64, count, "{what}: keyframes at {keys:?}");
        assert_even(&keys, segment_seconds, &format!("{what}, keyframes"));
        Some(first.pts)
    }
}

fn packet(line: &str) -> Packet {
    let number = |key| value(line, key).parse().unwrap_or_else(|_| panic!("{key} in {line}"));
    Packet { pts: number("pts_time"), dts: number("dts_time"), key: value(line, "flags").starts_with('K') }
}

fn value<'a>(line: &'a str, key: &str) -> &'a str {
    line.split('|').find_map(|part| part.strip_prefix(key)?.strip_prefix('=')).unwrap_or_default()
}

fn assert_even(times: &[f64], step: f64, what: &str) {
    for pair in times.windows(2) {
        assert!((pair[1] - pair[0] - step).abs() < ROUNDING, "{what}: {} after {}", pair[1], pair[0]);
    }
}
