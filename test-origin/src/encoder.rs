//! FFmpeg's command lines: how a clip is made, looped, or encoded live. Pure; never runs anything.

use std::path::Path;

use supervise::CommandLine;

use crate::h264_level;
use crate::profile::{Profile, Variant};

/// Samples per second of every audio track. 48 000 is what 16 s and its multiples fill with whole AAC frames.
const SAMPLE_RATE: u32 = 48_000;
/// Samples in an AAC frame.
const AAC_FRAME: u32 = 1024;
/// The shortest clip whose audio is a whole number of AAC frames (750), so that the loop has no seam.
const SEAMLESS_SECONDS: u32 = 16;

/// How the live encoder begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// An empty directory: a whole window is written at once, so that viewers can come within a second.
    Fresh,
    /// After its predecessor died: the numbering goes on behind a discontinuity, and one segment is written at once
    /// for the one that was lost half-written.
    Continue,
}

/// Length of the clip that is looped, in seconds: the smallest that both AAC frames and segments fill without rest.
pub fn clip_seconds(profile: &Profile) -> u32 {
    let segment = profile.hls.segment_seconds;
    // The product of both is one, so the search ends there.
    let lengths = (1..=segment).map(|n| n * SEAMLESS_SECONDS);
    lengths.into_iter().find(|length| length % segment == 0).unwrap_or(SEAMLESS_SECONDS)
}

/// How far the video may run ahead of its constant bit rate, in 1000 bits: a quarter of a segment. It bounds how much
/// larger than the average a segment can be, and leaves keyframes room.
pub fn buffer_kbit(profile: &Profile, variant: &Variant) -> u32 {
    variant.video_bitrate_kbps * profile.hls.segment_seconds / 4
}

/// Encodes every variant of the profile into one MP4 file, with progress on stdout.
pub fn prepare(ffmpeg: &Path, profile: &Profile, clip: &Path) -> CommandLine {
    let seconds = clip_seconds(profile);
    // The AAC encoder puts one frame of priming before the first sample: with one frame less to encode, the track
    // has exactly the clip's length.
    let samples = (seconds * SAMPLE_RATE / AAC_FRAME - 1) * AAC_FRAME;
    let mut command =
        CommandLine::new(ffmpeg).args(["-hide_banner", "-nostdin", "-y", "-loglevel", "warning"]);
    command = command.args(["-nostats", "-progress", "pipe:1"]);
    for variant in &profile.variants {
        command = command
            .args(["-f", "lavfi", "-i"])
            .arg(format!("{}:duration={seconds}", picture(profile, variant)));
    }
    command = command.args(["-f", "lavfi", "-i"]).arg(format!("{},atrim=end_sample={samples}", sound()));
    encode(command, profile)
        // Starting at zero instead of minus one frame, audio and video span the same 16 s: FFmpeg 6 and later take
        // the span of both together for the length of one loop.
        .args(["-bsf:a", &format!("setts=ts=TS+{AAC_FRAME}")])
        .args(["-f", "mp4"])
        .arg(clip)
}

/// Loops the clip into a live playlist at real-time speed, without encoding.
pub fn repeat(ffmpeg: &Path, profile: &Profile, clip: &Path, media: &Path, start: Start) -> CommandLine {
    let ahead = match start {
        Start::Fresh => profile.hls.playlist_segments * profile.hls.segment_seconds,
        Start::Continue => profile.hls.segment_seconds,
    };
    let command = quiet(ffmpeg)
        .args(["-re", "-stream_loop", "-1"])
        // What lies before zero is read as fast as it goes: from FFmpeg 5.1 to 9 `-re` paces from zero on, and only
        // 6.1 and later know -readrate_initial_burst.
        .args(["-itsoffset", &format!("-{ahead}")])
        .arg("-i")
        .arg(clip)
        .args(["-map", "0", "-c", "copy"]);
    live_playlist(command, profile, media, start)
}

/// Encodes in real time instead of looping a clip.
pub fn live_encode(ffmpeg: &Path, profile: &Profile, media: &Path, start: Start) -> CommandLine {
    let mut command = quiet(ffmpeg);
    for variant in &profile.variants {
        command = command.args(["-re", "-f", "lavfi", "-i"]).arg(picture(profile, variant));
    }
    command = command.args(["-re", "-f", "lavfi", "-i"]).arg(sound());
    live_playlist(encode(command, profile), profile, media, start)
}

fn quiet(ffmpeg: &Path) -> CommandLine {
    CommandLine::new(ffmpeg).args(["-hide_banner", "-nostdin", "-nostats", "-loglevel", "warning"])
}

fn picture(profile: &Profile, variant: &Variant) -> String {
    format!("testsrc2=size={}x{}:rate={}", variant.width, variant.height, profile.video.fps)
}

/// A tone with a beep every second, to hear that sound and picture belong together.
fn sound() -> String {
    format!("sine=frequency=440:beep_factor=4:sample_rate={SAMPLE_RATE}")
}

/// Maps input n to variant n, with the audio input behind them, and encodes both.
fn encode(mut command: CommandLine, profile: &Profile) -> CommandLine {
    let audio = profile.variants.len();
    for video in 0..audio {
        command = command.args(["-map", &format!("{video}:v"), "-map", &format!("{audio}:a")]);
    }
    let keyframes = (profile.video.fps * profile.hls.segment_seconds).to_string();
    command = command
        .args(["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-pix_fmt", "yuv420p"])
        .args(["-g", &keyframes, "-keyint_min", &keyframes])
        // Constant bit rate with filler: what the profile names is what goes over the wire, however simple the
        // picture.
        .args(["-x264-params", "nal-hrd=cbr:repeat-headers=1:scenecut=0:open-gop=0"]);
    for (n, variant) in profile.variants.iter().enumerate() {
        let video = format!("{}k", variant.video_bitrate_kbps);
        for option in ["b", "minrate", "maxrate"] {
            command = command.args([&format!("-{option}:v:{n}"), &video]);
        }
        command = command.args([&format!("-bufsize:v:{n}"), &format!("{}k", buffer_kbit(profile, variant))]);
        let level = h264_level::of(variant, profile.video.fps).to_string();
        command = command.args([&format!("-level:v:{n}"), &level]);
    }
    command = command.args(["-c:a", "aac", "-ac", "2"]);
    for (n, variant) in profile.variants.iter().enumerate() {
        command = command.args([&format!("-b:a:{n}"), &format!("{}k", variant.audio_bitrate_kbps)]);
    }
    command
}

fn live_playlist(command: CommandLine, profile: &Profile, media: &Path, start: Start) -> CommandLine {
    let window = profile.hls.playlist_segments.to_string();
    let flags = "delete_segments+independent_segments+temp_file";
    let flags = match start {
        Start::Fresh => flags.to_owned(),
        Start::Continue => format!("{flags}+append_list"),
    };
    let command = command
        .args(["-f", "hls", "-hls_time", &profile.hls.segment_seconds.to_string()])
        .args(["-hls_list_size", &window, "-hls_delete_threshold", &window])
        .args(["-hls_flags", &flags, "-hls_segment_filename"]);
    if profile.has_master() {
        let map: Vec<String> = profile
            .variants
            .iter()
            .enumerate()
            .map(|(n, variant)| format!("v:{n},a:{n},name:{}", variant.name))
            .collect();
        command
            .arg(media.join("%v").join("segment%06d.ts"))
            .args(["-var_stream_map", &map.join(" ")])
            .arg(media.join("%v").join("index.m3u8"))
    } else {
        command.arg(media.join("segment%06d.ts")).arg(media.join(Profile::ENTRY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    fn profile(name: &str) -> Profile {
        catalog::find(name).unwrap().unwrap()
    }

    #[test]
    fn the_clip_is_the_shortest_without_a_seam() {
        let mut profile = profile("default");
        for (segment, clip) in [(1, 16), (2, 16), (3, 48), (4, 16), (5, 80), (6, 48), (10, 80), (20, 80)] {
            profile.hls.segment_seconds = segment;
            assert_eq!(clip_seconds(&profile), clip, "{segment} s segments");
        }
    }

    #[test]
    fn the_command_lines_are_these() {
        let (ffmpeg, clip, media) =
            (Path::new("ffmpeg"), Path::new("/cache/clip.mp4"), Path::new("/run/media"));
        let mut lines = Vec::new();
        for name in ["default", "mini-abr"] {
            let profile = profile(name);
            lines.push(prepare(ffmpeg, &profile, clip).to_string());
            lines.push(repeat(ffmpeg, &profile, clip, media, Start::Fresh).to_string());
            lines.push(repeat(ffmpeg, &profile, clip, media, Start::Continue).to_string());
            lines.push(live_encode(ffmpeg, &profile, media, Start::Fresh).to_string());
        }
        insta::assert_snapshot!(lines.join("\n\n"));
    }
}
