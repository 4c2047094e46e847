//! What an origin is doing, for the page at `/`. Pure.

use serde::Serialize;

use crate::admin::Told;
use crate::metrics::Metrics;
use crate::profile::{Playlist, Profile};

/// What is so now.
#[derive(Debug, Serialize)]
pub struct State<'a> {
    /// The profile's name.
    pub profile: &'a str,
    /// Its description.
    pub description: &'a str,
    /// `live` or `vod`.
    pub playlist_type: &'static str,
    /// Length of a segment.
    pub segment_seconds: u32,
    /// In the playlist.
    pub segments: u32,
    /// The entry point first, then the variants; paths below the server's root.
    pub streams: Vec<Stream>,
    /// Since the oldest media playlist changed.
    pub playlist_age_seconds: f64,
    /// FFmpeg runs and is not frozen.
    pub encoder_running: bool,
    /// Connections of clients.
    pub connections: i64,
    /// For the stream, so far.
    pub requests_total: u64,
    /// Sent for them.
    pub bytes_total: u64,
    /// Those that are not over.
    pub faults: Vec<Told>,
}

/// Something that can be played.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stream {
    /// Below the server's root.
    pub path: String,
    /// What it is, for a human.
    pub what: String,
    /// Pixels; of several variants the largest.
    pub height: u32,
}

impl<'a> State<'a> {
    /// The state as the metrics have it.
    pub fn new(profile: &'a Profile, metrics: &Metrics, faults: Vec<Told>) -> Self {
        let (requests_total, bytes_total) = metrics.totals();
        Self {
            profile: &profile.name,
            description: &profile.description,
            playlist_type: match profile.hls.playlist {
                Playlist::Live { .. } => "live",
                Playlist::Vod { .. } => "vod",
            },
            segment_seconds: profile.hls.segment_seconds,
            segments: profile.hls.playlist_segments(),
            streams: streams(profile),
            playlist_age_seconds: metrics.playlist_age(),
            encoder_running: metrics.encoder_running(),
            connections: metrics.connections(),
            requests_total,
            bytes_total,
            faults,
        }
    }
}

fn streams(profile: &Profile) -> Vec<Stream> {
    let describe = |variant: &crate::profile::Variant| {
        let rate = variant.video_bitrate_kbps + variant.audio_bitrate_kbps.unwrap_or(0);
        format!("{}×{}, {rate} kbit/s", variant.width, variant.height)
    };
    let height = profile.variants.iter().map(|variant| variant.height).max().unwrap_or(0);
    let entry = |what| Stream { path: Profile::ENTRY.to_owned(), what, height };
    if !profile.has_master() {
        return profile.variants.iter().map(|variant| entry(describe(variant))).collect();
    }
    let all = entry(format!("all {} variants", profile.variants.len()));
    let variants = profile.variants.iter().map(|variant| Stream {
        path: format!("{}/index.m3u8", variant.name),
        what: describe(variant),
        height: variant.height,
    });
    std::iter::once(all).chain(variants).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    #[test]
    fn the_entry_point_comes_first_and_each_variant_after_it() {
        let of = |name| streams(&catalog::find(name).unwrap().unwrap());
        let paths: Vec<_> = of("mini-abr").into_iter().map(|stream| stream.path).collect();
        assert_eq!(paths, ["stream.m3u8", "360p/index.m3u8", "240p/index.m3u8", "144p/index.m3u8"]);
        let only = Stream { path: "stream.m3u8".into(), what: "1280×720, 2128 kbit/s".into(), height: 720 };
        assert_eq!(of("default"), [only]);
    }
}
