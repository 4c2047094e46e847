//! FFmpeg's command lines: how a clip is made, looped or cut, or a stream encoded live. Pure; never runs anything.

use std::path::Path;

use supervise::CommandLine;

use crate::h264_level;
use crate::profile::{Playlist, Profile, SegmentType, Variant};

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
    Continue {
        /// Counted from 1. Init sections have it in their names, so that no name is ever written twice.
        restart: u32,
    },
}

/// Length of the clip in seconds. Of a stream that ends it is all there is; of one that is looped, the smallest length
/// that both AAC frames and segments fill without rest.
pub fn clip_seconds(profile: &Profile) -> u32 {
    let segment = profile.hls.segment_seconds;
    if let Playlist::Vod { seconds } = profile.hls.playlist {
        return seconds;
    }
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
    for sound in sounds(profile) {
        command = command.args(["-f", "lavfi", "-i"]).arg(format!("{sound},atrim=end_sample={samples}"));
    }
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
        Start::Fresh => profile.hls.playlist_segments() * profile.hls.segment_seconds,
        Start::Continue { .. } => profile.hls.segment_seconds,
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

/// Cuts the clip into segments and a playlist with an end, as fast as it goes.
pub fn cut(ffmpeg: &Path, profile: &Profile, clip: &Path, media: &Path) -> CommandLine {
    let command = quiet(ffmpeg)
        .arg("-i")
        .arg(clip)
        .args(["-map", "0", "-c", "copy"])
        .args(["-f", "hls", "-hls_time", &profile.hls.segment_seconds.to_string()])
        .args(["-hls_list_size", "0", "-hls_playlist_type", "vod", "-hls_flags", FLAGS]);
    files(command, profile, media, 0)
}

/// Encodes in real time instead of looping a clip.
pub fn live_encode(ffmpeg: &Path, profile: &Profile, media: &Path, start: Start) -> CommandLine {
    let mut command = quiet(ffmpeg);
    for variant in &profile.variants {
        command = command.args(["-re", "-f", "lavfi", "-i"]).arg(picture(profile, variant));
    }
    for sound in sounds(profile) {
        command = command.args(["-re", "-f", "lavfi", "-i"]).arg(sound);
    }
    live_playlist(encode(command, profile), profile, media, start)
}

fn quiet(ffmpeg: &Path) -> CommandLine {
    CommandLine::new(ffmpeg).args(["-hide_banner", "-nostdin", "-nostats", "-loglevel", "warning"])
}

fn picture(profile: &Profile, variant: &Variant) -> String {
    format!("testsrc2=size={}x{}:rate={}", variant.width, variant.height, profile.video.fps)
}

/// A tone with a beep every second, to hear that sound and picture belong together: one for all variants, or for each
/// rendition of the audio group its own pitch.
fn sounds(profile: &Profile) -> impl Iterator<Item = String> {
    (1..=profile.audio.len().max(1))
        .map(|n| format!("sine=frequency={}:beep_factor=4:sample_rate={SAMPLE_RATE}", 440 * n))
}

/// Maps input n to variant n, and the audio inputs behind them to every variant or to the audio group; encodes it all.
fn encode(mut command: CommandLine, profile: &Profile) -> CommandLine {
    let audio = profile.variants.len();
    for video in 0..audio {
        command = command.args(["-map", &format!("{video}:v")]);
        if profile.audio.is_empty() {
            command = command.args(["-map", &format!("{audio}:a")]);
        }
    }
    for rendition in 0..profile.audio.len() {
        command = command.args(["-map", &format!("{}:a", audio + rendition)]);
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
    let in_variants = profile.variants.iter().filter_map(|variant| variant.audio_bitrate_kbps);
    let in_group = profile.audio.iter().map(|audio| audio.bitrate_kbps);
    for (n, kbps) in in_variants.chain(in_group).enumerate() {
        command = command.args([&format!("-b:a:{n}"), &format!("{kbps}k")]);
    }
    command
}

fn live_playlist(command: CommandLine, profile: &Profile, media: &Path, start: Start) -> CommandLine {
    let window = profile.hls.playlist_segments().to_string();
    let (append, restart) = match start {
        Start::Fresh => ("", 0),
        Start::Continue { restart } => ("+append_list", restart),
    };
    let command = command
        .args(["-f", "hls", "-hls_time", &profile.hls.segment_seconds.to_string()])
        .args(["-hls_list_size", &window, "-hls_delete_threshold", &window])
        .args(["-hls_flags", &format!("delete_segments+{FLAGS}{append}")]);
    files(command, profile, media, restart)
}

/// A segment begins with a keyframe, and nothing gets its name before it is whole.
const FLAGS: &str = "independent_segments+temp_file";

/// Where segments, init sections and playlists go; with several media playlists, each in its folder.
fn files(mut command: CommandLine, profile: &Profile, media: &Path, restart: u32) -> CommandLine {
    let folder = if profile.has_master() { "%v" } else { "" };
    let segment = format!("segment%06d.{}", profile.hls.segment_type.extension());
    if profile.hls.segment_type == SegmentType::Fmp4 {
        // FFmpeg puts it beside the playlist, but wants to be told the variant twice.
        let init =
            if profile.has_master() { format!("init-%v-{restart}") } else { format!("init-{restart}") };
        command = command
            .args(["-hls_segment_type", "fmp4"])
            .args(["-hls_fmp4_init_filename", &format!("{init}.mp4")]);
    }
    let command = command.arg("-hls_segment_filename").arg(media.join(folder).join(segment));
    if !profile.has_master() {
        return command.arg(media.join(Profile::ENTRY));
    }
    let map = profile.folders().enumerate().map(|(n, name)| match n.checked_sub(profile.variants.len()) {
        Some(rendition) => format!("a:{rendition},name:{name}"),
        None if profile.audio.is_empty() => format!("v:{n},a:{n},name:{name}"),
        None => format!("v:{n},name:{name}"),
    });
    command
        .args(["-var_stream_map", &map.collect::<Vec<_>>().join(" ")])
        .arg(media.join(folder).join("index.m3u8"))
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
        profile.hls.playlist = Playlist::Vod { seconds: 61 };
        assert_eq!(clip_seconds(&profile), 61, "what ends has no seam");
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
            lines.push(repeat(ffmpeg, &profile, clip, media, Start::Continue { restart: 1 }).to_string());
            lines.push(live_encode(ffmpeg, &profile, media, Start::Fresh).to_string());
        }
        let (cmaf, vod) = (profile("cmaf"), profile("vod"));
        lines.push(prepare(ffmpeg, &cmaf, clip).to_string());
        lines.push(repeat(ffmpeg, &cmaf, clip, media, Start::Continue { restart: 1 }).to_string());
        lines.push(live_encode(ffmpeg, &cmaf, media, Start::Fresh).to_string());
        lines.push(prepare(ffmpeg, &vod, clip).to_string());
        lines.push(cut(ffmpeg, &vod, clip, media).to_string());
        insta::assert_snapshot!(lines.join("\n\n"));
    }
}
