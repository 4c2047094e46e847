//! The text of the master playlist. FFmpeg could write one, but its CODECS are missing before version 6. Pure.

use std::fmt::Write as _;

use crate::h264_level;
use crate::profile::{Profile, SegmentType, Variant};
use crate::sizes::{self, Bandwidth};

/// GROUP-ID of the one audio group.
const GROUP: &str = "audio";

/// The master playlist of a profile (RFC 8216 4.3.4).
pub fn text(profile: &Profile) -> String {
    // EXT-X-MAP in a media playlist with ordinary frames came with version 6; players take fMP4 from 7 on.
    let version = match profile.hls.segment_type {
        SegmentType::MpegTs => 6,
        SegmentType::Fmp4 => 7,
    };
    let mut text = format!("#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    // Writing to a String cannot fail.
    write_audio(&mut text, profile).and_then(|()| write_variants(&mut text, profile)).unwrap_or_default();
    text
}

fn write_audio(text: &mut String, profile: &Profile) -> std::fmt::Result {
    for (n, audio) in profile.audio.iter().enumerate() {
        let (name, language) = (&audio.name, &audio.language);
        let default = if n == 0 { "YES" } else { "NO" };
        writeln!(
            text,
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{GROUP}\",NAME=\"{name}\",LANGUAGE=\"{language}\",\
             DEFAULT={default},AUTOSELECT=YES,CHANNELS=\"2\",URI=\"{name}/index.m3u8\""
        )?;
    }
    Ok(())
}

fn write_variants(text: &mut String, profile: &Profile) -> std::fmt::Result {
    let group = if profile.audio.is_empty() { String::new() } else { format!(",AUDIO=\"{GROUP}\"") };
    for variant in &profile.variants {
        let Bandwidth { peak, average } = sizes::bandwidth(profile, variant);
        let fps = f64::from(profile.video.fps);
        let codecs = h264_level::of(variant, profile.video.fps).codecs();
        let Variant { name, width, height, .. } = variant;
        writeln!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},RESOLUTION={width}x{height},\
             CODECS=\"{codecs}\",FRAME-RATE={fps:.3}{group}\n{name}/index.m3u8"
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    #[test]
    fn each_variant_is_described() {
        insta::assert_snapshot!(text(&catalog::find("mini-abr").unwrap().unwrap()));
    }

    #[test]
    fn an_audio_group_is_described_and_counted() {
        let mut profile = catalog::find("cmaf").unwrap().unwrap();
        let (name, language) = ("second".to_owned(), "de".to_owned());
        profile.audio.push(crate::profile::Audio { name, language, bitrate_kbps: 64 });
        insta::assert_snapshot!(text(&profile));
    }
}
