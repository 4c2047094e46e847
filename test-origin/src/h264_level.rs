//! Which H.264 level a variant needs: the encoder is told, and the master playlist says it. Pure.

use std::fmt;

use crate::profile::Variant;

/// An H.264 level times ten: 31 is level 3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(u8);

/// Level, most macroblocks per frame, most macroblocks per second, most kbit/s in the High profile
/// (ITU-T H.264 table A-1; bit rates × 1.25 as A.3.3 says).
const LIMITS: [(u8, u32, u32, u32); 15] = [
    (10, 99, 1_485, 80),
    (11, 396, 3_000, 240),
    (12, 396, 6_000, 480),
    (13, 396, 11_880, 960),
    (20, 396, 11_880, 2_500),
    (21, 792, 19_800, 5_000),
    (22, 1_620, 20_250, 5_000),
    (30, 1_620, 40_500, 12_500),
    (31, 3_600, 108_000, 17_500),
    (32, 5_120, 216_000, 25_000),
    (40, 8_192, 245_760, 25_000),
    (41, 8_192, 245_760, 62_500),
    (42, 8_704, 522_240, 62_500),
    (51, 36_864, 983_040, 300_000),
    (52, 36_864, 2_073_600, 300_000),
];

/// The lowest level that holds the variant at `fps` frames per second, or 6.2 beyond the table.
pub fn of(variant: &Variant, fps: u32) -> Level {
    let frame = variant.width.div_ceil(16) * variant.height.div_ceil(16);
    LIMITS
        .into_iter()
        .find(|(_, per_frame, per_second, kbps)| {
            frame <= *per_frame && frame * fps <= *per_second && variant.video_bitrate_kbps <= *kbps
        })
        .map_or(Level(62), |(level, ..)| Level(level))
}

impl Level {
    /// As RFC 6381 names the High profile at this level: `avc1.64001f`.
    pub fn codec(self) -> String {
        format!("avc1.6400{:02x}", self.0)
    }

    /// CODECS of a variant at this level with AAC sound.
    pub fn codecs(self) -> String {
        format!("{},mp4a.40.2", self.codec())
    }
}

/// `3.1`
impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_sizes_have_their_well_known_levels() {
        let cases = [
            (3840, 2160, 30, 15_000, "5.1", "avc1.640033"),
            (1920, 1080, 30, 5_000, "4.0", "avc1.640028"),
            (1920, 1080, 60, 5_000, "4.2", "avc1.64002a"),
            (1280, 720, 30, 2_000, "3.1", "avc1.64001f"),
            (640, 360, 30, 600, "3.0", "avc1.64001e"),
            (256, 144, 30, 120, "1.2", "avc1.64000c"),
        ];
        for (width, height, fps, video_bitrate_kbps, level, codec) in cases {
            let name = String::new();
            let variant = Variant { name, width, height, video_bitrate_kbps, audio_bitrate_kbps: None };
            let found = of(&variant, fps);
            assert_eq!((found.to_string().as_str(), found.codec().as_str()), (level, codec));
        }
    }
}
