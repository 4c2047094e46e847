//! The text of the master playlist. FFmpeg could write one, but its CODECS are missing before version 6. Pure.

use std::fmt::Write as _;

use crate::profile::{Profile, SegmentType, Variant};
use crate::{encoder, h264_level};

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
    // Of each group one rendition plays: RFC 8216 4.3.4.2 asks for the largest sum.
    let rendition = profile.audio.iter().map(|audio| audio.bitrate_kbps).max();
    let rendition = rendition.map_or(0, |kbps| on_the_wire(profile, 0, kbps));
    for variant in &profile.variants {
        let audio = variant.audio_bitrate_kbps.unwrap_or(0);
        let average = on_the_wire(profile, variant.video_bitrate_kbps, audio) + rendition;
        let fps = f64::from(profile.video.fps);
        let codec = h264_level::of(variant, profile.video.fps).codec();
        let segment_seconds = u64::from(profile.hls.segment_seconds);
        let Variant { name, width, height, .. } = variant;
        writeln!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},RESOLUTION={width}x{height},\
             CODECS=\"{codec},mp4a.40.2\",FRAME-RATE={fps:.3}{group}\n{name}/index.m3u8",
            // A segment begins with a full encoder buffer at worst.
            peak = average + 1000 * u64::from(encoder::buffer_kbit(profile, variant)) / segment_seconds,
        )?;
    }
    Ok(())
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
