//! FFmpeg's command lines of a run: how a clip is looped or cut, or a stream encoded live. Pure; never runs anything.

use std::path::Path;

use supervise::CommandLine;

use crate::codec::{H264, Threads};
use crate::profile::{Profile, SegmentType, Variant};

/// Samples per second of every audio track. 48 000 is what 16 s and its multiples fill with whole AAC frames.
pub(crate) const SAMPLE_RATE: u32 = 48_000;

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
pub fn live_encode(ffmpeg: &Path, h264: H264, profile: &Profile, media: &Path, start: Start) -> CommandLine {
    let mut command = quiet(ffmpeg);
    for variant in &profile.variants {
        command = command.args(["-re", "-f", "lavfi", "-i"]).arg(picture(profile, variant));
    }
    for sound in sounds(profile) {
        command = command.args(["-re", "-f", "lavfi", "-i"]).arg(sound);
    }
    live_playlist(encode(command, h264, profile), profile, media, start)
}

/// An FFmpeg that speaks up only when something is wrong.
pub(crate) fn quiet(ffmpeg: &Path) -> CommandLine {
    CommandLine::new(ffmpeg).args(["-hide_banner", "-nostdin", "-nostats", "-loglevel", "warning"])
}

/// The filter that draws a variant's picture.
pub(crate) fn picture(profile: &Profile, variant: &Variant) -> String {
    format!("testsrc2=size={}x{}:rate={}", variant.width, variant.height, profile.video.fps)
}

/// A tone with a beep every second, to hear that sound and picture belong together: one for all variants, or for each
/// rendition of the audio group its own pitch.
pub(crate) fn sounds(profile: &Profile) -> impl Iterator<Item = String> {
    (1..=profile.audio.len().max(1))
        .map(|n| format!("sine=frequency={}:beep_factor=4:sample_rate={SAMPLE_RATE}", 440 * n))
}

/// AAC bit rates in 1000 bit/s, in the order of the streams: those of the variants, or of the audio group.
pub(crate) fn audio_bitrates(profile: &Profile) -> impl Iterator<Item = u32> {
    let in_variants = profile.variants.iter().filter_map(|variant| variant.audio_bitrate_kbps);
    in_variants.chain(profile.audio.iter().map(|audio| audio.bitrate_kbps))
}

/// Maps input n to variant n, and the audio inputs behind them to every variant or to the audio group; encodes it all.
fn encode(mut command: CommandLine, h264: H264, profile: &Profile) -> CommandLine {
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
    command = h264.shared(command, profile, Threads::Any);
    for (n, variant) in profile.variants.iter().enumerate() {
        command = h264.stream(command, profile, variant, n);
    }
    encode_audio(command, profile)
}

/// Encodes the audio streams, which are mapped in the order of [`audio_bitrates`].
pub(crate) fn encode_audio(mut command: CommandLine, profile: &Profile) -> CommandLine {
    command = command.args(["-c:a", "aac", "-ac", "2"]);
    for (n, kbps) in audio_bitrates(profile).enumerate() {
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
    fn the_command_lines_are_these() {
        let (ffmpeg, clip, media) =
            (Path::new("ffmpeg"), Path::new("/cache/clip.mp4"), Path::new("/run/media"));
        let mut lines = Vec::new();
        for name in ["default", "mini-abr"] {
            let profile = profile(name);
            lines.push(repeat(ffmpeg, &profile, clip, media, Start::Fresh).to_string());
            lines.push(repeat(ffmpeg, &profile, clip, media, Start::Continue { restart: 1 }).to_string());
            lines.push(live_encode(ffmpeg, H264::X264, &profile, media, Start::Fresh).to_string());
        }
        let (cmaf, vod) = (profile("cmaf"), profile("vod"));
        lines.push(repeat(ffmpeg, &cmaf, clip, media, Start::Continue { restart: 1 }).to_string());
        lines.push(live_encode(ffmpeg, H264::X264, &cmaf, media, Start::Fresh).to_string());
        lines.push(cut(ffmpeg, &vod, clip, media).to_string());
        insta::assert_snapshot!(lines.join("\n\n"));
    }
}
