//! A profile's TOML: read, and every value checked. What leaves is a [`Profile`], or every mistake in the file.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::setting::{self, Setting};
use super::{Audio, Hls, Mistake, Playlist, Profile, ProfileError, SegmentType, Server, Variant, Video};

/// A master playlist names every variant, and more than this many no player was made for.
const MOST_VARIANTS: usize = 16;
/// As many languages; more is a matter of subtitles.
const MOST_AUDIO: usize = 8;

/// The file as it is, before its values are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    description: String,
    hls: HlsTable,
    video: Video,
    variant: Vec<Variant>,
    #[serde(default)]
    audio: Vec<Audio>,
    #[serde(default)]
    server: Server,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HlsTable {
    segment_seconds: u32,
    #[serde(default)]
    segment_type: SegmentType,
    #[serde(default)]
    playlist_type: PlaylistType,
    playlist_segments: Option<u32>,
    vod_seconds: Option<u32>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PlaylistType {
    #[default]
    Live,
    Vod,
}

impl Profile {
    /// Reads `text` as a profile; `file` is where it came from, for messages, and gives the name.
    ///
    /// # Errors
    /// [`ProfileError`] with every impossible value, or the first place that is no such TOML at all.
    pub fn parse(file: &Path, text: &str) -> Result<Self, ProfileError> {
        Self::parse_with(file, text, &[])
    }

    /// As [`Self::parse`], with some values set otherwise than the file has them.
    ///
    /// # Errors
    /// As [`Self::parse`], and when a setting does not fit the file. What is set is checked like the file.
    pub fn parse_with(file: &Path, text: &str, settings: &[Setting]) -> Result<Self, ProfileError> {
        let read: File = toml::from_str(text).map_err(|error| ProfileError::not_toml(file, text, &error))?;
        if settings.is_empty() {
            return Self::check(file, file, read);
        }
        let read = setting::apply(read, text, settings)?;
        Self::check(file, &PathBuf::from(format!("{} with --set", file.display())), read)
    }

    fn check(file: &Path, told: &Path, read: File) -> Result<Self, ProfileError> {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut found = Mistakes(Vec::new());
        found.check_names(&name, &read);
        if read.description.trim().is_empty() || read.description.contains('\n') {
            found.add("description", "must be one line of text".to_owned());
        }
        found.check("video.fps", read.video.fps, 1..=120);
        found.check_variants(&read.variant, !read.audio.is_empty());
        found.check_audio(&read.audio);
        if read.server.debug_log && !read.server.access_log {
            found.add("server.debug_log", "goes with access_log = true".to_owned());
        }
        match found.hls(&read.hls) {
            Some(hls) if found.0.is_empty() => {
                let File { description, hls: _, video, variant: variants, audio, server } = read;
                Ok(Self { name, description, hls, video, variants, audio, server })
            }
            _ => Err(ProfileError::Invalid { file: told.to_owned(), mistakes: found.0 }),
        }
    }

    /// Reads a profile from a file, with some values set otherwise.
    ///
    /// # Errors
    /// As [`Self::parse_with`], and when the file cannot be read.
    pub fn load(file: &Path, settings: &[Setting]) -> Result<Self, ProfileError> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| ProfileError::Unreadable { file: file.to_owned(), reason: error.to_string() })?;
        Self::parse_with(file, &text, settings)
    }
}

fn is_url_word(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

struct Mistakes(Vec<Mistake>);

impl Mistakes {
    fn add(&mut self, key: &str, reason: String) {
        self.0.push(Mistake { key: key.to_owned(), reason });
    }

    fn check(&mut self, key: &str, value: u32, range: RangeInclusive<u32>) {
        if !range.contains(&value) {
            self.add(key, format!("{value} is not in {} – {}", range.start(), range.end()));
        }
    }

    fn check_size(&mut self, key: &str, value: u32, range: RangeInclusive<u32>) {
        if value % 2 == 1 {
            self.add(key, format!("{value} is odd: H.264 with 4:2:0 colour needs an even number of pixels"));
        }
        self.check(key, value, range);
    }

    fn check_count(&mut self, table: &str, count: usize, range: RangeInclusive<usize>) {
        if !range.contains(&count) {
            let text = format!("{count} is not in {} – {}", range.start(), range.end());
            self.add(&format!("number of [[{table}]] tables"), text);
        }
    }

    /// Variants and renditions share the folders of the URL.
    fn check_names(&mut self, profile: &str, file: &File) {
        if !is_url_word(profile) {
            self.add("the file's name", format!("{profile:?} is not 1 to 32 letters, digits, - and _"));
        }
        let variants = file.variant.iter().map(|variant| &variant.name).enumerate();
        let audio = file.audio.iter().map(|audio| &audio.name).enumerate();
        let keyed = variants
            .map(|(n, name)| (format!("variant[{n}].name"), name))
            .chain(audio.map(|(n, name)| (format!("audio[{n}].name"), name)));
        let mut known = BTreeSet::new();
        for (key, name) in keyed {
            if !is_url_word(name) {
                self.add(&key, format!("{name:?} is not 1 to 32 letters, digits, - and _"));
            }
            if !known.insert(name) {
                self.add(&key, format!("{name:?} is the name of an earlier one"));
            }
        }
    }

    fn check_variants(&mut self, variants: &[Variant], has_audio_group: bool) {
        self.check_count("variant", variants.len(), 1..=MOST_VARIANTS);
        for (index, variant) in variants.iter().enumerate() {
            let key = |field: &str| format!("variant[{index}].{field}");
            self.check_size(&key("width"), variant.width, 64..=7680);
            self.check_size(&key("height"), variant.height, 64..=4320);
            self.check(&key("video_bitrate_kbps"), variant.video_bitrate_kbps, 20..=200_000);
            let audio = key("audio_bitrate_kbps");
            match (variant.audio_bitrate_kbps, has_audio_group) {
                (Some(kbps), false) => self.check(&audio, kbps, 16..=320),
                (None, true) => {}
                (Some(_), true) => {
                    self.add(&audio, "the [[audio]] group has the audio: leave this key out".to_owned());
                }
                (None, false) => {
                    self.add(&audio, "is missing, and there is no [[audio]] group either".to_owned());
                }
            }
        }
    }

    fn check_audio(&mut self, audio: &[Audio]) {
        self.check_count("audio", audio.len(), 0..=MOST_AUDIO);
        for (index, rendition) in audio.iter().enumerate() {
            let language = &rendition.language;
            if !is_url_word(language) || language.contains('_') {
                let text = format!("{language:?} is no language tag such as en or pt-BR");
                self.add(&format!("audio[{index}].language"), text);
            }
            self.check(&format!("audio[{index}].bitrate_kbps"), rendition.bitrate_kbps, 16..=320);
        }
    }

    fn hls(&mut self, table: &HlsTable) -> Option<Hls> {
        let HlsTable { segment_seconds, segment_type, playlist_type, playlist_segments, vod_seconds } =
            *table;
        self.check("hls.segment_seconds", segment_seconds, 1..=20);
        let mut needless = |key: &str, value: Option<u32>, which: &str| {
            if value.is_some() {
                self.add(key, format!("means nothing where playlist_type is {which:?}: leave this key out"));
            }
        };
        let playlist = match playlist_type {
            PlaylistType::Live => {
                needless("hls.vod_seconds", vod_seconds, "live");
                playlist_segments.map(|segments| Playlist::Live { segments })
            }
            PlaylistType::Vod => {
                needless("hls.playlist_segments", playlist_segments, "vod");
                vod_seconds.map(|seconds| Playlist::Vod { seconds })
            }
        };
        match (playlist, playlist_type) {
            (Some(Playlist::Live { segments }), _) => self.check("hls.playlist_segments", segments, 3..=100),
            (Some(Playlist::Vod { seconds }), _) => {
                // Players begin to play with three segments, and so does the check before the URL is told.
                let shortest = segment_seconds.saturating_mul(3);
                self.check("hls.vod_seconds", seconds, shortest..=Profile::LONGEST_VOD_SECONDS);
            }
            (None, PlaylistType::Live) => self.add("hls.playlist_segments", "is missing".to_owned()),
            (None, PlaylistType::Vod) => self.add("hls.vod_seconds", "is missing".to_owned()),
        }
        Some(Hls { segment_seconds, segment_type, playlist: playlist? })
    }
}

#[cfg(test)]
mod tests;
