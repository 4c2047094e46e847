//! How a clip is made: which pieces, how each is encoded, and how they are joined. Pure; never runs anything.
//!
//! Every variant is cut in time into pieces that are encoded side by side, each by one thread: so all cores work, and
//! the same FFmpeg makes the same bytes on any machine. Pieces are whole segments and begin with a keyframe, as
//! segments do; where two of them meet nothing is seen of it.

use std::path::{Path, PathBuf};

use supervise::CommandLine;

use crate::codec::{H264, Threads};
use crate::encoder::{self, SAMPLE_RATE};
use crate::profile::{Playlist, Profile, Variant};

/// Samples in an AAC frame.
const AAC_FRAME: u32 = 1024;
/// The shortest clip whose audio is a whole number of AAC frames (750), so that the loop has no seam.
const SEAMLESS_SECONDS: u32 = 16;
/// Pieces of a variant, at most: enough to keep eight cores busy with two variants. A piece draws the pictures before its own,
/// too, so that more pieces cost more.
const MOST_PIECES: u32 = 4;
/// The audio of all variants, a file in the pieces' folder.
const SOUND: &str = "sound.mp4";

/// One file that goes into the clip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Makes it, with progress on stdout.
    pub command: CommandLine,
    /// Its length in seconds.
    pub seconds: u32,
    /// Its share of the work: pixels for a picture, and about as much for sound as it takes.
    pub weight: u64,
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

/// Everything that is to be encoded into `folder`, the most laborious first.
pub fn pieces(ffmpeg: &Path, h264: H264, profile: &Profile, folder: &Path) -> Vec<Piece> {
    let mut pieces = vec![sound(ffmpeg, profile, &folder.join(SOUND))];
    for (n, variant) in profile.variants.iter().enumerate() {
        for (m, (from, to)) in spans(profile).into_iter().enumerate() {
            let file = folder.join(picture_file(n, m));
            pieces.push(picture(ffmpeg, h264, profile, variant, (from, to), &file));
        }
    }
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.weight));
    pieces
}

/// The lists for FFmpeg's concat demuxer, one for each variant: name in the pieces' folder, and text.
pub fn lists(profile: &Profile) -> Vec<(PathBuf, String)> {
    let list = |n| {
        let entries = spans(profile).into_iter().enumerate().map(|(m, (from, to))| {
            format!("file '{}'\nduration {}\n", picture_file(n, m).display(), to - from)
        });
        (list_file(n), std::iter::once("ffconcat version 1.0\n".to_owned()).chain(entries).collect())
    };
    (0..profile.variants.len()).map(list).collect()
}

/// Joins the pieces in `folder` to the clip, without encoding.
pub fn join(ffmpeg: &Path, profile: &Profile, folder: &Path, clip: &Path) -> CommandLine {
    let mut command = encoder::quiet(ffmpeg).arg("-y");
    let sound = profile.variants.len();
    for n in 0..sound {
        command = command.args(["-f", "concat", "-i"]).arg(folder.join(list_file(n)));
    }
    command = command.arg("-i").arg(folder.join(SOUND));
    for n in 0..sound {
        command = command.args(["-map", &format!("{n}:v")]);
    }
    command
        .args(["-map", &format!("{sound}:a"), "-c", "copy", "-map_metadata", "-1"])
        .args(["-fflags", "+bitexact", "-f", "mp4"])
        .arg(clip)
}

/// How often FFmpeg is started for a clip: for the pieces, the sound and the join.
pub fn runs_of_ffmpeg(profile: &Profile) -> usize {
    profile.variants.len() * spans(profile).len() + 2
}

/// Beginning and end of every piece in seconds.
fn spans(profile: &Profile) -> Vec<(u32, u32)> {
    let (seconds, segment) = (clip_seconds(profile), profile.hls.segment_seconds);
    let segments = seconds.div_ceil(segment);
    let pieces = segments.min(MOST_PIECES);
    let begin = |n: u32| (segments * n / pieces * segment).min(seconds);
    (0..pieces).map(|n| (begin(n), begin(n + 1))).collect()
}

fn picture_file(variant: usize, piece: usize) -> PathBuf {
    PathBuf::from(format!("picture-{variant}-{piece}.mp4"))
}

fn list_file(variant: usize) -> PathBuf {
    PathBuf::from(format!("picture-{variant}.ffconcat"))
}

fn making(ffmpeg: &Path) -> CommandLine {
    encoder::quiet(ffmpeg).args(["-y", "-progress", "pipe:1"])
}

fn to_file(command: CommandLine, file: &Path) -> CommandLine {
    // Neither version nor time of encoding goes into the file.
    command.args(["-fflags", "+bitexact", "-flags", "+bitexact", "-f", "mp4"]).arg(file)
}

fn picture(
    ffmpeg: &Path,
    h264: H264,
    profile: &Profile,
    variant: &Variant,
    (from, to): (u32, u32),
    file: &Path,
) -> Piece {
    let first = from * profile.video.fps;
    let source = encoder::picture(profile, variant);
    let input = format!("{source}:duration={to},trim=start_frame={first},setpts=PTS-STARTPTS");
    let command = making(ffmpeg).args(["-f", "lavfi", "-i", &input, "-map", "0:v"]);
    let command = h264.stream(h264.shared(command, profile, Threads::One), profile, variant, 0);
    let seconds = to - from;
    let pixels = u64::from(variant.width) * u64::from(variant.height) * u64::from(profile.video.fps);
    Piece { command: to_file(command, file), seconds, weight: pixels * u64::from(seconds) }
}

/// The audio of all variants or of the audio group, one stream for each.
fn sound(ffmpeg: &Path, profile: &Profile, file: &Path) -> Piece {
    let seconds = clip_seconds(profile);
    // The AAC encoder puts one frame of priming before the first sample: with one frame less to encode, the track
    // has exactly the clip's length.
    let samples = (seconds * SAMPLE_RATE / AAC_FRAME - 1) * AAC_FRAME;
    let mut command = making(ffmpeg);
    for sound in encoder::sounds(profile) {
        command = command.args(["-f", "lavfi", "-i"]).arg(format!("{sound},atrim=end_sample={samples}"));
    }
    for n in 0..encoder::audio_bitrates(profile).count() {
        let input = if profile.audio.is_empty() { 0 } else { n };
        command = command.args(["-map", &format!("{input}:a")]);
    }
    let command = encoder::encode_audio(command, profile)
        // Starting at zero instead of minus one frame, audio and video span the same 16 s: FFmpeg 6 and later take
        // the span of both together for the length of one loop.
        .args(["-bsf:a", &format!("setts=ts=TS+{AAC_FRAME}")]);
    // A second of sound takes about as long as one of 160x90 at 30 fps.
    let weight = 432_000 * u64::from(seconds) * encoder::audio_bitrates(profile).count() as u64;
    Piece { command: to_file(command, file), seconds, weight }
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
    fn pieces_are_whole_segments_and_fill_the_clip() {
        let mut profile = profile("default");
        assert_eq!(spans(&profile), [(0, 4), (4, 8), (8, 12), (12, 16)]);
        profile.hls.segment_seconds = 10;
        assert_eq!(spans(&profile), [(0, 20), (20, 40), (40, 60), (60, 80)]);
        profile.hls.playlist = Playlist::Vod { seconds: 61 };
        assert_eq!(spans(&profile), [(0, 10), (10, 30), (30, 50), (50, 61)]);
        profile.hls.playlist = Playlist::Vod { seconds: 25 };
        assert_eq!(spans(&profile), [(0, 10), (10, 20), (20, 25)]);
    }

    #[test]
    fn the_command_lines_are_these() {
        let (ffmpeg, folder) = (Path::new("ffmpeg"), Path::new("/cache/p"));
        let mut lines = Vec::new();
        for (name, h264) in [("default", H264::X264), ("cmaf", H264::X264), ("vod", H264::OpenH264)] {
            let profile = profile(name);
            let pieces = pieces(ffmpeg, h264, &profile, folder);
            lines.extend(pieces.iter().map(|piece| piece.command.to_string()));
            lines.push(lists(&profile)[0].1.clone());
            lines.push(join(ffmpeg, &profile, folder, Path::new("/cache/clip.mp4")).to_string());
        }
        insta::assert_snapshot!(lines.join("\n\n"));
    }
}
