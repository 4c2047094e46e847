//! What a profile takes of network, disk, memory and CPU, by arithmetic. The only place where that is worked out. Pure.

use crate::profile::{Playlist, Profile, SegmentType, Variant};
use crate::{codec, encoder, recipe};

/// Bit rates of a variant with what plays beside it, in bit/s (RFC 8216 4.3.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bandwidth {
    /// BANDWIDTH: what no segment exceeds.
    pub peak: u64,
    /// AVERAGE-BANDWIDTH.
    pub average: u64,
}

/// Of a variant, and of the largest rendition of the audio group if there is one.
pub fn bandwidth(profile: &Profile, variant: &Variant) -> Bandwidth {
    // Of each group one rendition plays: RFC 8216 4.3.4.2 asks for the largest sum.
    let rendition = profile.audio.iter().map(|audio| audio.bitrate_kbps).max();
    let rendition = rendition.map_or(0, |kbps| on_the_wire(profile, 0, kbps));
    let audio = variant.audio_bitrate_kbps.unwrap_or(0);
    let average = on_the_wire(profile, variant.video_bitrate_kbps, audio) + rendition;
    // A segment begins with a full encoder buffer at worst.
    let ahead =
        1000 * u64::from(codec::buffer_kbit(profile, variant)) / u64::from(profile.hls.segment_seconds);
    Bandwidth { peak: average + ahead, average }
}

/// Bit/s of a playlist's segments with a video, an audio, or both at these rates (0: without).
fn on_the_wire(profile: &Profile, video_kbps: u32, audio_kbps: u32) -> u64 {
    let payload = 1000 * u64::from(video_kbps + audio_kbps);
    let frames = if video_kbps > 0 { u64::from(profile.video.fps) } else { 0 };
    let has_audio = u64::from(audio_kbps > 0);
    match profile.hls.segment_type {
        // 2 % for packet headers, and the last 184-byte packet of every frame is padded: half of one on average,
        // twice for the audio, which is grouped ten times a second.
        SegmentType::MpegTs => payload + payload / 40 + (frames + 10 * has_audio) * 188 / 2 * 8,
        // 1 % for boxes and what surrounds the pictures; the fragment's table has up to 16 bytes for a picture and 4
        // for each of 46.9 AAC frames.
        SegmentType::Fmp4 => payload + payload / 100 + (frames * 16 + 47 * 4 * has_audio) * 8,
    }
}

/// Everything that is encoded, in bit/s, without containers.
fn payload_bits_per_second(profile: &Profile) -> u64 {
    let video = profile.variants.iter().map(|variant| variant.video_bitrate_kbps);
    video.chain(encoder::audio_bitrates(profile)).map(|kbps| 1000 * u64::from(kbps)).sum()
}

/// Bytes of this many seconds of everything, a tenth for the container included.
fn bytes_of(profile: &Profile, seconds: u32) -> u64 {
    u64::from(seconds) * payload_bits_per_second(profile) / 8 * 11 / 10
}

/// Bytes that all playlists together name at a time.
pub fn window_bytes(profile: &Profile) -> u64 {
    bytes_of(profile, profile.hls.playlist_segments() * profile.hls.segment_seconds)
}

/// Bytes that the segments take at most: of a live stream the window, as much again that left it and is still served,
/// and the segments being written.
pub fn media_bytes(profile: &Profile) -> u64 {
    let segments = match profile.hls.playlist {
        Playlist::Live { segments } => 2 * segments + 2,
        Playlist::Vod { .. } => profile.hls.playlist_segments(),
    };
    bytes_of(profile, segments * profile.hls.segment_seconds)
}

/// What to give to a tmpfs for `--dir`, in bytes: whole MiB, with [`OTHER_FILES_BYTES`]. Logs are not in it.
pub fn tmpfs_bytes(profile: &Profile) -> u64 {
    (media_bytes(profile) + OTHER_FILES_BYTES).next_multiple_of(1 << 20)
}

/// Configuration, certificate, playlists: a few pages each.
const OTHER_FILES_BYTES: u64 = 1 << 20;

/// Bytes of the clip in the cache.
pub fn clip_bytes(profile: &Profile) -> u64 {
    // An MP4 file has hardly any container, but each piece may use up what its encoder's buffer is full of at first.
    u64::from(recipe::clip_seconds(profile)) * payload_bits_per_second(profile) / 8 * 106 / 100
}

/// Bytes that the cache needs while the clip is made: the pieces, and the clip that they are joined to.
pub fn while_encoding_bytes(profile: &Profile) -> u64 {
    2 * clip_bytes(profile)
}

/// Memory in bytes while it runs without viewers: the processes, and the tmpfs that the segments are in.
pub fn memory_bytes(profile: &Profile) -> u64 {
    PROCESSES_BYTES + tmpfs_bytes(profile)
}

/// Measured as PSS: FFmpeg 30 to 52 MB, whatever the bit rate; Nginx's master with two workers and `test-origin` 15 MB,
/// with room for eight workers.
const PROCESSES_BYTES: u64 = 100_000_000;

/// CPU seconds that encoding the clip takes, on the machine of `docs/TEST_ORIGIN.md`.
pub fn encode_cpu_seconds(profile: &Profile) -> f64 {
    let pixels: u64 = profile.variants.iter().map(|variant| u64::from(variant.width * variant.height)).sum();
    let megapixels = (pixels * u64::from(profile.video.fps)) as f64 / 1e6;
    let megabits = payload_bits_per_second(profile) as f64 / 1e6;
    let per_second = megapixels * SECONDS_PER_MEGAPIXEL + megabits * SECONDS_PER_MEGABIT;
    recipe::runs_of_ffmpeg(profile) as f64 * SECONDS_PER_RUN
        + f64::from(recipe::clip_seconds(profile)) * per_second
}

/// Measured: 71.5 CPU seconds for 5730 megapixels and 390 Mbit of `4k-abr`, 14.2 for 1000 and 320 of `stress`.
const SECONDS_PER_MEGAPIXEL: f64 = 0.012;
/// See above.
const SECONDS_PER_MEGABIT: f64 = 0.007;
/// An FFmpeg with a hundred libraries needs this to start. With it `mini-abr` comes to 4.0, of 4.8 measured.
const SECONDS_PER_RUN: f64 = 0.12;

/// Per cent of a core that it takes without viewers, on the machine of `docs/TEST_ORIGIN.md`; 0 for a stream that ends.
pub fn run_cpu_percent(profile: &Profile) -> f64 {
    if !profile.hls.is_live() {
        return 0.0;
    }
    let streams = profile.variants.len() + profile.audio.len();
    RUN_PERCENT
        + RUN_PERCENT_PER_STREAM * streams as f64
        + RUN_PERCENT_PER_MBIT * payload_bits_per_second(profile) as f64 / 1e6
}

/// FFmpeg's own pace, whatever it copies. Measured in all: 0.70 % with `default`, 1.00 % with `mini-abr`, 0.85 % with
/// `stress`, 1.55 % with `4k-abr`.
const RUN_PERCENT: f64 = 0.53;
/// Packets are copied one by one, however small they are.
const RUN_PERCENT_PER_STREAM: f64 = 0.15;
/// And are split into transport packets, or written.
const RUN_PERCENT_PER_MBIT: f64 = 0.008;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    fn profile(name: &str) -> Profile {
        catalog::find(name).unwrap().unwrap()
    }

    #[test]
    fn the_window_is_counted_twice_and_with_the_container() {
        // (600 + 96 + 300 + 64 + 120 + 48) kbit/s × 14 segments × 2 s × 1.1
        assert_eq!(media_bytes(&profile("mini-abr")), 1_228_000 * 28 / 8 * 11 / 10);
        assert_eq!(window_bytes(&profile("mini-abr")), 1_228_000 * 12 / 8 * 11 / 10);
        // The audio group is there once.
        assert_eq!(media_bytes(&profile("cmaf")), 996_000 * 28 / 8 * 11 / 10);
        // 30 s, and nothing ever leaves.
        assert_eq!(media_bytes(&profile("vod")), 696_000 * 30 / 8 * 11 / 10);
        assert_eq!(window_bytes(&profile("vod")), media_bytes(&profile("vod")));
    }

    #[test]
    fn a_tmpfs_is_whole_mebibytes_and_a_little_larger_than_what_is_in_it() {
        for name in catalog::names() {
            let profile = profile(name);
            let (tmpfs, media) = (tmpfs_bytes(&profile), media_bytes(&profile));
            assert!(tmpfs % (1 << 20) == 0 && tmpfs > media && tmpfs < media + (3 << 20), "{name}: {tmpfs}");
            assert!(memory_bytes(&profile) > tmpfs);
        }
    }

    #[test]
    fn the_clip_is_as_large_as_its_bit_rates_say() {
        // 2128 kbit/s × 16 s, and the pieces beside it while it is made.
        assert_eq!(clip_bytes(&profile("default")), 2_128_000 * 2 * 106 / 100);
        assert_eq!(while_encoding_bytes(&profile("default")), 2 * clip_bytes(&profile("default")));
    }
}
