//! The text of the master playlist. FFmpeg could write one, but its CODECS are missing before version 6. Pure.

use std::fmt::Write as _;

use crate::profile::{Profile, Variant};
use crate::{encoder, h264_level};

/// The master playlist of a profile (RFC 8216 4.3.4.2).
pub fn text(profile: &Profile) -> String {
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    for variant in &profile.variants {
        let average = average_bits_per_second(variant, profile);
        let fps = f64::from(profile.video.fps);
        let codec = h264_level::of(variant, profile.video.fps).codec();
        let segment_seconds = u64::from(profile.hls.segment_seconds);
        let Variant { name, width, height, .. } = variant;
        // Writing to a String cannot fail.
        writeln!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},RESOLUTION={width}x{height},\
             CODECS=\"{codec},mp4a.40.2\",FRAME-RATE={fps:.3}\n{name}/index.m3u8",
            // A segment begins with a full encoder buffer at worst.
            peak = average + 1000 * u64::from(encoder::buffer_kbit(profile, variant)) / segment_seconds,
        )
        .unwrap_or_default();
    }
    text
}

/// What goes over the wire. MPEG-TS adds 2 % to its payload, and pads the last 184-byte packet of every frame: half
/// of one on average, twice for the audio, which it groups.
fn average_bits_per_second(variant: &Variant, profile: &Profile) -> u64 {
    let payload = variant.bits_per_second();
    let padding = u64::from(profile.video.fps + 10) * 188 / 2 * 8;
    payload + payload / 40 + padding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    #[test]
    fn each_variant_is_described() {
        insta::assert_snapshot!(text(&catalog::find("mini-abr").unwrap().unwrap()));
    }
}
