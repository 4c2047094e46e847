//! The H.264 encoders that can be used, and what each is told. Pure; which of them an FFmpeg has is asked elsewhere.

use supervise::CommandLine;

use crate::h264_level;
use crate::profile::{Profile, Variant};

/// An H.264 encoder of FFmpeg's that needs no special hardware.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum H264 {
    /// The one that profiles are made for: constant bit rate to the byte.
    #[default]
    X264,
    /// Cisco's, which some distributions have instead. It knows no filler, so that simple pictures take less than the
    /// profile says.
    OpenH264,
}

/// What the encoder may use of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// One: x264 with a rate buffer writes other bytes each time when it has more (measured: three runs, three files).
    One,
    /// As many as the encoder likes.
    Any,
}

impl H264 {
    /// All of them, the preferred one first.
    pub const ALL: [Self; 2] = [Self::X264, Self::OpenH264];

    /// FFmpeg's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::X264 => "libx264",
            Self::OpenH264 => "libopenh264",
        }
    }

    /// Adds what all video streams of the command share.
    #[must_use]
    pub fn shared(self, command: CommandLine, profile: &Profile, threads: Threads) -> CommandLine {
        let keyframes = (profile.video.fps * profile.hls.segment_seconds).to_string();
        let command = command.args(["-c:v", self.name()]).args([
            "-profile:v",
            "high",
            "-pix_fmt",
            "yuv420p",
            "-g",
            &keyframes,
        ]);
        match self {
            Self::X264 => {
                let one = if threads == Threads::One { ":threads=1" } else { "" };
                // Constant bit rate with filler: what the profile names is what goes over the wire, however simple the
                // picture.
                let parameters = format!("nal-hrd=cbr:repeat-headers=1:scenecut=0:open-gop=0{one}");
                command
                    .args(["-preset", "veryfast", "-keyint_min", &keyframes])
                    .args(["-x264-params", &parameters])
            }
            Self::OpenH264 => {
                let command = command.args(["-rc_mode", "bitrate", "-allow_skip_frames", "0"]);
                if threads == Threads::One { command.args(["-threads:v", "1"]) } else { command }
            }
        }
    }

    /// Adds what concerns the video stream with this number.
    #[must_use]
    pub fn stream(self, command: CommandLine, profile: &Profile, variant: &Variant, n: usize) -> CommandLine {
        let video = format!("{}k", variant.video_bitrate_kbps);
        let command = command.args([&format!("-b:v:{n}"), &video, &format!("-maxrate:v:{n}"), &video]);
        match self {
            Self::X264 => command
                .args([&format!("-minrate:v:{n}"), &video])
                .args([&format!("-bufsize:v:{n}"), &format!("{}k", buffer_kbit(profile, variant))])
                .args([&format!("-level:v:{n}"), &h264_level::of(variant, profile.video.fps).to_string()]),
            // It finds the level itself.
            Self::OpenH264 => command,
        }
    }
}

/// How far the video may run ahead of its constant bit rate, in 1000 bits: a quarter of a segment, half a second at most.
/// It bounds how much larger than the average a segment can be, and leaves keyframes room.
pub fn buffer_kbit(profile: &Profile, variant: &Variant) -> u32 {
    let half_a_second = variant.video_bitrate_kbps / 2;
    half_a_second.min(variant.video_bitrate_kbps * profile.hls.segment_seconds / 4)
}
