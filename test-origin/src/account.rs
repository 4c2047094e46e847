//! What a plan comes to, told to people and to programs: `--print-plan` and `--list-profiles`. Works nothing out itself:
//! the figures are those of `sizes`.

mod table;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::codec::H264;
use crate::nginx::Url;
use crate::plan::{Plan, Source};
use crate::profile::{Audio, Profile, Variant};
use crate::{clip, h264_level, recipe, sizes};

pub use table::table;

/// Raised when a field changes its meaning or goes; not when one comes.
const SCHEMA_VERSION: u32 = 1;

/// Everything that `--print-plan --json` says.
#[derive(Debug, Serialize)]
pub struct PlanAccount {
    schema_version: u32,
    bind: IpAddr,
    port: u16,
    url: String,
    live_encode: bool,
    clip: PathBuf,
    profile: ProfileAccount,
}

/// What is said of a profile.
#[derive(Debug, Serialize)]
pub struct ProfileAccount {
    name: String,
    description: String,
    live: bool,
    tls: bool,
    segment_seconds: u32,
    segment_type: &'static str,
    playlist_segments: u32,
    variants: Vec<VariantAccount>,
    audio: Vec<AudioAccount>,
    paths: Vec<String>,
    clip_seconds: u32,
    clip_bytes: u64,
    cache_bytes_while_encoding: u64,
    window_bytes: u64,
    media_bytes: u64,
    tmpfs_bytes: u64,
    memory_bytes: u64,
    encode_cpu_seconds: f64,
    run_cpu_percent: f64,
}

#[derive(Debug, Serialize)]
struct VariantAccount {
    name: String,
    width: u32,
    height: u32,
    fps: u32,
    video_bitrate_kbps: u32,
    audio_bitrate_kbps: Option<u32>,
    bandwidth_bits_per_second: u64,
    average_bandwidth_bits_per_second: u64,
    codecs: String,
    playlist: String,
}

#[derive(Debug, Serialize)]
struct AudioAccount {
    name: String,
    language: String,
    bitrate_kbps: u32,
    playlist: String,
}

impl PlanAccount {
    /// Of this plan.
    pub fn of(plan: &Plan) -> Self {
        let server = SocketAddr::new(plan.bind, plan.port);
        let tls = plan.profile.server.tls;
        Self {
            schema_version: SCHEMA_VERSION,
            bind: plan.bind,
            port: plan.port,
            url: Url { tls, server, path: Profile::ENTRY }.to_string(),
            live_encode: plan.source == Source::LiveEncode,
            clip: clip::path(&plan.cache_dir, H264::default(), &plan.profile),
            profile: ProfileAccount::of(&plan.profile),
        }
    }

    /// One JSON object.
    ///
    /// # Errors
    /// Never: every field has a form in JSON.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    /// Lines for a human.
    pub fn text(&self) -> String {
        let profile = &self.profile;
        let mut lines = vec![
            ("profile", format!("{}: {}", profile.name, profile.description)),
            ("URL", self.url.clone()),
            ("segments", profile.segments()),
        ];
        for variant in &profile.variants {
            let VariantAccount { name, width, height, bandwidth_bits_per_second: peak, codecs, .. } = variant;
            let rates = rates(variant.video_bitrate_kbps, variant.audio_bitrate_kbps);
            lines.push((
                "variant",
                format!("{name}: {width}x{height}, {rates}bit/s, at most {peak} bit/s, {codecs}"),
            ));
        }
        for AudioAccount { name, language, bitrate_kbps, .. } in &profile.audio {
            lines.push(("audio", format!("{name}: {language}, {bitrate_kbps} kbit/s")));
        }
        let source = if self.live_encode {
            "none: encoded while it plays".to_owned()
        } else {
            format!("{} s, {}, {}", profile.clip_seconds, mb(profile.clip_bytes), self.clip.display())
        };
        lines.extend([
            ("clip", source),
            (
                "first start",
                format!(
                    "{:.0} CPU seconds, {} in the cache meanwhile",
                    profile.encode_cpu_seconds,
                    mb(profile.cache_bytes_while_encoding)
                ),
            ),
            ("window", mb(profile.window_bytes)),
            ("media", format!("{}; give a tmpfs {} MiB", mb(profile.media_bytes), profile.tmpfs_bytes >> 20)),
            ("memory", mb(profile.memory_bytes)),
            ("CPU", format!("{:.1} % of a core without viewers", profile.run_cpu_percent)),
            ("paths", profile.paths.join(" ")),
        ]);
        lines.into_iter().map(|(what, text)| format!("{what:<12}{text}")).collect::<Vec<_>>().join("\n")
    }
}

impl ProfileAccount {
    /// Of this profile.
    pub fn of(profile: &Profile) -> Self {
        let variants = profile.variants.iter().zip(playlists(profile));
        let renditions = profile.audio.iter().zip(playlists(profile).skip(profile.variants.len()));
        Self {
            name: profile.name.clone(),
            description: profile.description.clone(),
            live: profile.hls.is_live(),
            tls: profile.server.tls,
            segment_seconds: profile.hls.segment_seconds,
            segment_type: profile.hls.segment_type.name(),
            playlist_segments: profile.hls.playlist_segments(),
            variants: variants
                .map(|(variant, playlist)| VariantAccount::of(profile, variant, playlist))
                .collect(),
            audio: renditions.map(|(audio, playlist)| AudioAccount::of(audio, playlist)).collect(),
            paths: paths(profile),
            clip_seconds: recipe::clip_seconds(profile),
            clip_bytes: sizes::clip_bytes(profile),
            cache_bytes_while_encoding: sizes::while_encoding_bytes(profile),
            window_bytes: sizes::window_bytes(profile),
            media_bytes: sizes::media_bytes(profile),
            tmpfs_bytes: sizes::tmpfs_bytes(profile),
            memory_bytes: sizes::memory_bytes(profile),
            encode_cpu_seconds: round(sizes::encode_cpu_seconds(profile)),
            run_cpu_percent: round(sizes::run_cpu_percent(profile)),
        }
    }

    fn segments(&self) -> String {
        let (seconds, number) = (self.segment_seconds, self.playlist_segments);
        let where_they_are = if self.live { "in the window" } else { "and an end" };
        format!("{seconds} s, {}, {number} {where_they_are}", self.segment_type)
    }
}

impl VariantAccount {
    fn of(profile: &Profile, variant: &Variant, playlist: String) -> Self {
        let sizes::Bandwidth { peak, average } = sizes::bandwidth(profile, variant);
        Self {
            name: variant.name.clone(),
            width: variant.width,
            height: variant.height,
            fps: profile.video.fps,
            video_bitrate_kbps: variant.video_bitrate_kbps,
            audio_bitrate_kbps: variant.audio_bitrate_kbps,
            bandwidth_bits_per_second: peak,
            average_bandwidth_bits_per_second: average,
            codecs: h264_level::of(variant, profile.video.fps).codecs(),
            playlist,
        }
    }
}

impl AudioAccount {
    fn of(audio: &Audio, playlist: String) -> Self {
        let Audio { name, language, bitrate_kbps } = audio.clone();
        Self { name, language, bitrate_kbps, playlist }
    }
}

fn playlists(profile: &Profile) -> impl Iterator<Item = String> {
    profile.media_playlists().into_iter().map(|path| format!("/{}", path.display()))
}

/// What is served of the stream; N stands for a segment's number, R for the number of FFmpeg's restarts.
fn paths(profile: &Profile) -> Vec<String> {
    let mut paths = vec![format!("/{}", Profile::ENTRY), "/master.m3u8".to_owned()];
    for playlist in playlists(profile) {
        let folder = Path::new(&playlist).parent().unwrap_or(Path::new("/"));
        let segment = format!("segmentN.{}", profile.hls.segment_type.extension());
        paths.push(folder.join(segment).display().to_string());
        paths.push(playlist);
    }
    paths.push("/healthz".to_owned());
    paths.sort();
    paths.dedup();
    paths
}

fn rates(video_kbps: u32, audio_kbps: Option<u32>) -> String {
    audio_kbps.map_or_else(|| format!("{video_kbps} k"), |audio| format!("{video_kbps}+{audio} k"))
}

/// In 10^6 bytes, rounded up.
fn mb(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}

/// To a tenth: more would pretend to be exact.
fn round(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    #[test]
    fn the_account_of_a_profile_is_this() {
        let profile = catalog::find("cmaf").unwrap().unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&ProfileAccount::of(&profile)).unwrap());
    }
}
