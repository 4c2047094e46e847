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
mod tests {
    use super::*;

    const GOOD: &str = include_str!("../../profiles/mini-abr.toml");

    fn parse(text: &str) -> Result<Profile, ProfileError> {
        Profile::parse(Path::new("some/mini.toml"), text)
    }

    #[test]
    fn a_profile_is_named_by_its_file() {
        let profile = parse(GOOD).unwrap();
        assert_eq!((profile.name.as_str(), profile.server), ("mini", Server::default()));
    }

    #[test]
    fn every_impossible_value_is_named_with_its_key_and_the_reason() {
        let cases = [
            ("segment_seconds = 2", "segment_seconds = 0", "hls.segment_seconds: 0 is not in 1 – 20"),
            ("segment_seconds = 2", "segment_seconds = 21", "hls.segment_seconds: 21 is not in"),
            ("playlist_segments = 6", "playlist_segments = 2", "hls.playlist_segments: 2 is not in 3 – 100"),
            ("fps = 30", "fps = 121", "video.fps: 121 is not in 1 – 120"),
            ("fps = 30", "fps = 29.97", "line 8: fps: invalid type: floating point"),
            ("fps = 30", "fps = -1", "line 8: fps: invalid value: integer `-1`"),
            ("fps = 30", "fpss = 30", "line 8: fpss: unknown field `fpss`, expected `fps`"),
            ("fps = 30", "", "missing field `fps`"),
            ("fps = 30", "fps 30", "line 8: "),
            ("width = 640", "width = 641", "variant[0].width: 641 is odd"),
            ("height = 144", "height = 20", "variant[2].height: 20 is not in 64 – 4320"),
            ("video_bitrate_kbps = 300", "video_bitrate_kbps = 9", "variant[1].video_bitrate_kbps: 9 is not"),
            ("audio_bitrate_kbps = 64", "audio_bitrate_kbps = 900", "variant[1].audio_bitrate_kbps: 900 is"),
            ("\"240p\"", "\"360p\"", "variant[1].name: \"360p\" is the name of an earlier one"),
            ("\"240p\"", "\"../x\"", "variant[1].name: \"../x\" is not 1 to 32 letters"),
            ("\"240p\"", "\"\"", "variant[1].name: \"\" is not 1 to 32 letters"),
            ("[hls]", "[hsl]", "unknown field `hsl`"),
            ("description = \"three", "description = \" \" #", "description: must be one line"),
        ];
        assert_refused(GOOD, &cases);
    }

    #[test]
    fn several_mistakes_are_reported_at_once() {
        let text = GOOD.replace("fps = 30", "fps = 0").replace("width = 640", "width = 9");
        let message = parse(&text).unwrap_err().to_string();
        // 9 is odd and too small.
        assert_eq!(message.lines().count(), 3, "{message}");
    }

    #[test]
    fn a_profile_without_variants_is_refused() {
        let text = "description = \"x\"\nvariant = []\n[hls]\nsegment_seconds = 2\nplaylist_segments = 6\n[video]\nfps = 30";
        let message = parse(text).unwrap_err().to_string();
        assert!(message.contains("number of [[variant]] tables: 0 is not in 1 – 16"), "{message}");
    }

    /// Each case changes a built-in profile once.
    fn assert_refused(good: &str, cases: &[(&str, &str, &str)]) {
        for (from, to, expected) in cases {
            assert!(good.contains(from), "{from}");
            let message = parse(&good.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(message.contains(expected), "{from} -> {to} said: {message}");
            assert!(message.starts_with("profile some/mini.toml"), "{message}");
        }
    }

    #[test]
    fn an_audio_group_is_instead_of_the_variants_audio() {
        let cmaf = include_str!("../../profiles/cmaf.toml");
        let group = &cmaf[cmaf.find("[[audio]]").unwrap()..];
        assert_refused(
            cmaf,
            &[
                (
                    "\nwidth = 640",
                    "\nwidth = 640\naudio_bitrate_kbps = 64",
                    "variant[0].audio_bitrate_kbps: the",
                ),
                (group, "", "variant[0].audio_bitrate_kbps: is missing, and there is no [[audio]] group"),
                ("bitrate_kbps = 96", "bitrate_kbps = 9", "audio[0].bitrate_kbps: 9 is not in 16 – 320"),
                ("\"audio\"", "\"360p\"", "audio[0].name: \"360p\" is the name of an earlier one"),
                ("\"audio\"", "\"a b\"", "audio[0].name: \"a b\" is not 1 to 32 letters"),
                ("\"en\"", "\"en\\\"\"", "audio[0].language: \"en\\\"\" is no language tag"),
                ("language = \"en\"", "lang = \"en\"", "lang: unknown field `lang`"),
                ("\"fmp4\"", "\"webm\"", "segment_type: unknown variant `webm`, expected `mpegts` or `fmp4`"),
            ],
        );
        let crowd: String = (0..9).map(|n| group.replace("\"audio\"", &format!("\"a{n}\""))).collect();
        assert_refused(cmaf, &[(group, &crowd, "number of [[audio]] tables: 9 is not in 0 – 8")]);
    }

    #[test]
    fn a_stream_has_a_window_or_an_end() {
        let vod = include_str!("../../profiles/vod.toml");
        assert_refused(
            vod,
            &[
                ("vod_seconds = 30", "vod_seconds = 5", "hls.vod_seconds: 5 is not in 6 – 7200"),
                ("vod_seconds = 30", "vod_seconds = 7201", "hls.vod_seconds: 7201 is not in"),
                ("vod_seconds = 30", "", "hls.vod_seconds: is missing"),
                (
                    "vod_seconds = 30",
                    "vod_seconds = 30\nplaylist_segments = 6",
                    "hls.playlist_segments: means nothing",
                ),
                ("\"vod\"", "\"live\"", "hls.vod_seconds: means nothing where playlist_type is \"live\""),
                ("\"vod\"", "\"event\"", "playlist_type: unknown variant `event`, expected `live` or `vod`"),
            ],
        );
        assert_refused(GOOD, &[("playlist_segments = 6", "", "hls.playlist_segments: is missing")]);
    }

    #[test]
    fn the_server_table_has_switches() {
        let tls = include_str!("../../profiles/tls.toml");
        assert_eq!(parse(tls).unwrap().server, Server { tls: true, ..Server::default() });
        assert_refused(
            tls,
            &[
                ("tls = true", "debug_log = true", "server.debug_log: goes with access_log = true"),
                ("tls = true", "tls = 1", "tls: invalid type: integer `1`, expected a boolean"),
                (
                    "tls = true",
                    "https = true",
                    "https: unknown field `https`, expected one of `tls`, `access_log`, `debug_log`, `throughput`",
                ),
            ],
        );
    }
}
