//! What a stream looks like, as data, and what follows from it by arithmetic. Touches no file but the one it is given,
//! and knows nothing of FFmpeg or Nginx.

mod error;
mod file;
mod setting;

use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use error::{Mistake, ProfileError};
pub use setting::Setting;

/// A stream that can be encoded and served. All values are within the ranges that their fields name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The file's name without `.toml`.
    pub name: String,
    /// One line for a human who chooses.
    pub description: String,
    /// How the stream is cut.
    pub hls: Hls,
    /// What all variants share.
    pub video: Video,
    /// At least one, best first by convention; their names differ.
    pub variants: Vec<Variant>,
    /// The audio group that all variants share; empty where each variant has its own audio in it. Their names differ
    /// from each other and from those of the variants.
    pub audio: Vec<Audio>,
    /// How it is served.
    pub server: Server,
}

/// The `[hls]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hls {
    /// Length of every segment in seconds, 1 – 20.
    pub segment_seconds: u32,
    /// What a segment is.
    pub segment_type: SegmentType,
    /// Whether the stream ends.
    pub playlist: Playlist,
}

/// What a segment is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SegmentType {
    /// MPEG transport stream (RFC 8216 3.2).
    #[default]
    MpegTs,
    /// Fragmented MP4 with an init section of its own (RFC 8216 3.3), as CMAF has it.
    Fmp4,
}

/// How a playlist goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Playlist {
    /// It never ends and shows this many segments, 3 – 100 (RFC 8216 6.2.2 asks for at least three).
    Live {
        /// Segments in the window.
        segments: u32,
    },
    /// It has all segments and an end.
    Vod {
        /// Length in seconds; at least three segments, at most [`Profile::LONGEST_VOD_SECONDS`].
        seconds: u32,
    },
}

/// The `[video]` table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Video {
    /// Frames per second, 1 – 120.
    pub fps: u32,
}

/// One `[[variant]]` table: a video, with its own audio unless there is an audio group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Its folder in the URL: letters, digits, `-` and `_`, at most 32.
    pub name: String,
    /// Pixels, even, 64 – 7680.
    pub width: u32,
    /// Pixels, even, 64 – 4320.
    pub height: u32,
    /// Constant video bit rate in 1000 bit/s, 20 – 200 000.
    pub video_bitrate_kbps: u32,
    /// AAC bit rate in 1000 bit/s, 16 – 320 (stereo); there exactly when there is no audio group.
    pub audio_bitrate_kbps: Option<u32>,
}

/// One `[[audio]]` table: a rendition of the audio group, in segments of its own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audio {
    /// Its folder in the URL, and its NAME in the master playlist; as [`Variant::name`].
    pub name: String,
    /// LANGUAGE in the master playlist (RFC 5646): letters, digits and `-`, at most 32.
    pub language: String,
    /// AAC bit rate in 1000 bit/s, 16 – 320 (stereo).
    pub bitrate_kbps: u32,
}

/// The `[server]` table; all of it may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Server {
    /// HTTPS instead of HTTP.
    pub tls: bool,
    /// One JSON line per request.
    pub access_log: bool,
    /// More about each request in that line, and what Nginx does step by step in another log.
    pub debug_log: bool,
    /// Tuned for the largest throughput: each worker has its own listener.
    pub throughput: bool,
}

impl SegmentType {
    /// As a profile writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::MpegTs => "mpegts",
            Self::Fmp4 => "fmp4",
        }
    }

    /// Of a segment's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::MpegTs => "ts",
            Self::Fmp4 => "m4s",
        }
    }
}

impl Hls {
    /// Segments in the playlist: of a stream that ends, all of them.
    pub fn playlist_segments(&self) -> u32 {
        match self.playlist {
            Playlist::Live { segments } => segments,
            Playlist::Vod { seconds } => seconds.div_ceil(self.segment_seconds),
        }
    }

    /// Whether the stream goes on for ever.
    pub fn is_live(&self) -> bool {
        matches!(self.playlist, Playlist::Live { .. })
    }
}

impl Profile {
    /// Where the entry point is, below the server's root, in every profile.
    pub const ENTRY: &str = "stream.m3u8";
    /// A film. It is encoded before it can be served, and kept twice: in the cache and in segments.
    pub const LONGEST_VOD_SECONDS: u32 = 7200;

    /// Whether the entry point is a master playlist.
    pub fn has_master(&self) -> bool {
        self.variants.len() > 1 || !self.audio.is_empty()
    }

    /// The folders of the media playlists below the server's root: variants, then the audio group. Empty when the only
    /// media playlist is the entry point.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        let variants = self.variants.iter().map(|variant| variant.name.as_str());
        let audio = self.audio.iter().map(|audio| audio.name.as_str());
        variants.chain(audio).filter(|_| self.has_master())
    }

    /// The media playlists' paths below the server's root, in the order of [`Self::folders`].
    pub fn media_playlists(&self) -> Vec<PathBuf> {
        if self.has_master() {
            self.folders().map(|folder| Path::new(folder).join("index.m3u8")).collect()
        } else {
            vec![PathBuf::from(Self::ENTRY)]
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog;

    use super::*;

    fn profile(name: &str) -> Profile {
        catalog::find(name).unwrap().unwrap()
    }

    #[test]
    fn a_profile_knows_its_playlists() {
        let expected = ["360p/index.m3u8", "240p/index.m3u8", "144p/index.m3u8"].map(PathBuf::from);
        assert_eq!(profile("mini-abr").media_playlists(), expected);
        assert_eq!(profile("default").media_playlists(), [PathBuf::from("stream.m3u8")]);
        let expected = ["360p/index.m3u8", "240p/index.m3u8", "audio/index.m3u8"].map(PathBuf::from);
        assert_eq!(profile("cmaf").media_playlists(), expected);
    }

    #[test]
    fn one_variant_with_an_audio_group_needs_a_master_playlist_too() {
        let mut profile = profile("cmaf");
        profile.variants.truncate(1);
        assert!(profile.has_master());
    }
}
