//! What a stream looks like, as data: reads a profile's TOML and checks every value. Touches no file but the one
//! it is given, and knows nothing of FFmpeg or Nginx.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::Deserialize;

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
}

/// The `[hls]` table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hls {
    /// Length of every segment in seconds, 1 – 20.
    pub segment_seconds: u32,
    /// Segments in the live playlist, 3 – 100 (RFC 8216 6.2.2 asks for at least three).
    pub playlist_segments: u32,
}

/// The `[video]` table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Video {
    /// Frames per second, 1 – 120.
    pub fps: u32,
}

/// One `[[variant]]` table: a video with its own audio.
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
    /// AAC bit rate in 1000 bit/s, 16 – 320 (stereo).
    pub audio_bitrate_kbps: u32,
}

impl Variant {
    /// Audio and video together, in bit/s, without the container.
    pub fn bits_per_second(&self) -> u64 {
        1000 * u64::from(self.video_bitrate_kbps + self.audio_bitrate_kbps)
    }
}

impl Profile {
    /// Where the entry point is, below the server's root, in every profile.
    pub const ENTRY: &str = "stream.m3u8";
    /// A master playlist names every variant, and more than this many no player was made for.
    const MOST_VARIANTS: usize = 16;

    /// Reads `text` as a profile; `file` is where it came from, for messages, and gives the name.
    ///
    /// # Errors
    /// [`ProfileError`] with every impossible value, or the first place that is no such TOML at all.
    pub fn parse(file: &Path, text: &str) -> Result<Self, ProfileError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            description: String,
            hls: Hls,
            video: Video,
            variant: Vec<Variant>,
        }
        let File { description, hls, video, variant: variants } =
            toml::from_str(text).map_err(|error| ProfileError::not_toml(file, text, &error))?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let profile = Self { name, description, hls, video, variants };
        let mistakes = profile.mistakes();
        if mistakes.is_empty() {
            Ok(profile)
        } else {
            Err(ProfileError::Invalid { file: file.to_owned(), mistakes })
        }
    }

    /// Reads a profile from a file.
    ///
    /// # Errors
    /// As [`Self::parse`], and when the file cannot be read.
    pub fn load(file: &Path) -> Result<Self, ProfileError> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| ProfileError::Unreadable { file: file.to_owned(), reason: error.to_string() })?;
        Self::parse(file, &text)
    }

    /// Whether the entry point is a master playlist.
    pub fn has_master(&self) -> bool {
        self.variants.len() > 1
    }

    /// The media playlists' paths below the server's root.
    pub fn media_playlists(&self) -> Vec<PathBuf> {
        if self.has_master() {
            self.variants.iter().map(|variant| Path::new(&variant.name).join("index.m3u8")).collect()
        } else {
            vec![PathBuf::from(Self::ENTRY)]
        }
    }

    /// Bytes that the live segments take at most: the window, as much again that left it and is still served, and
    /// the segments being written; a tenth more for the container.
    pub fn window_bytes(&self) -> u64 {
        let segments = u64::from(2 * self.hls.playlist_segments + 2);
        let bits_per_second: u64 = self.variants.iter().map(Variant::bits_per_second).sum();
        segments * u64::from(self.hls.segment_seconds) * bits_per_second / 8 * 11 / 10
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Mistakes(Vec::new());
        if !is_url_word(&self.name) {
            found.add("the file's name", format!("{:?} is not 1 to 32 letters, digits, - and _", self.name));
        }
        if self.description.trim().is_empty() || self.description.contains('\n') {
            found.add("description", "must be one line of text".to_owned());
        }
        found.check("hls.segment_seconds", self.hls.segment_seconds, 1..=20);
        found.check("hls.playlist_segments", self.hls.playlist_segments, 3..=100);
        found.check("video.fps", self.video.fps, 1..=120);
        if !(1..=Self::MOST_VARIANTS).contains(&self.variants.len()) {
            let text = format!("{} is not in 1 – {}", self.variants.len(), Self::MOST_VARIANTS);
            found.add("number of [[variant]] tables", text);
        }
        let mut names = BTreeSet::new();
        for (index, variant) in self.variants.iter().enumerate() {
            let key = |field: &str| format!("variant[{index}].{field}");
            if !is_url_word(&variant.name) {
                let text = format!("{:?} is not 1 to 32 letters, digits, - and _", variant.name);
                found.add(&key("name"), text);
            }
            if !names.insert(&variant.name) {
                found.add(&key("name"), format!("{:?} is the name of an earlier variant", variant.name));
            }
            found.check_size(&key("width"), variant.width, 64..=7680);
            found.check_size(&key("height"), variant.height, 64..=4320);
            found.check(&key("video_bitrate_kbps"), variant.video_bitrate_kbps, 20..=200_000);
            found.check(&key("audio_bitrate_kbps"), variant.audio_bitrate_kbps, 16..=320);
        }
        found.0
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
}

/// One value that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it stands, as `hls.segment_seconds`.
    pub key: String,
    /// Why it cannot be.
    pub reason: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.reason)
    }
}

/// Why a file is no profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// It could not be read.
    #[error("profile {}: {reason}", file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// What the operating system says.
        reason: String,
    },
    /// It is no TOML, a key is unknown or missing, or a value is of the wrong kind.
    #[error("profile {}, line {line}: {key}: {reason}", file.display())]
    NotToml {
        /// Which file.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// The key, or the table, on that line.
        key: String,
        /// What the parser says.
        reason: String,
    },
    /// Every value that cannot be.
    #[error("{}", invalid(file, mistakes))]
    Invalid {
        /// Which file.
        file: PathBuf,
        /// At least one.
        mistakes: Vec<Mistake>,
    },
}

impl ProfileError {
    fn not_toml(file: &Path, text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().map_or(0, |span| span.start).min(text.len());
        let before = text.get(..at).unwrap_or_default();
        let line_text = text.lines().nth(before.matches('\n').count()).unwrap_or_default();
        let key = line_text.split('=').next().unwrap_or_default().trim();
        Self::NotToml {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            key: if key.is_empty() { "file".to_owned() } else { key.to_owned() },
            reason: error.message().replace('\n', ", "),
        }
    }
}

fn invalid(file: &Path, mistakes: &[Mistake]) -> String {
    let lines: Vec<String> =
        mistakes.iter().map(|mistake| format!("profile {}: {mistake}", file.display())).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = include_str!("../profiles/mini-abr.toml");

    fn parse(text: &str) -> Result<Profile, ProfileError> {
        Profile::parse(Path::new("some/mini.toml"), text)
    }

    #[test]
    fn a_profile_is_named_by_its_file_and_knows_its_playlists() {
        let profile = parse(GOOD).unwrap();
        assert_eq!((profile.name.as_str(), profile.has_master()), ("mini", true));
        let expected = ["360p/index.m3u8", "240p/index.m3u8", "144p/index.m3u8"].map(PathBuf::from);
        assert_eq!(profile.media_playlists(), expected);
    }

    #[test]
    fn the_window_is_counted_twice_and_with_the_container() {
        // (600 + 96 + 300 + 64 + 120 + 48) kbit/s × 14 segments × 2 s × 1.1
        assert_eq!(parse(GOOD).unwrap().window_bytes(), 1_228_000 * 28 / 8 * 11 / 10);
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
            ("\"240p\"", "\"360p\"", "variant[1].name: \"360p\" is the name of an earlier variant"),
            ("\"240p\"", "\"../x\"", "variant[1].name: \"../x\" is not 1 to 32 letters"),
            ("\"240p\"", "\"\"", "variant[1].name: \"\" is not 1 to 32 letters"),
            ("[hls]", "[hsl]", "unknown field `hsl`"),
            ("description = \"three", "description = \" \" #", "description: must be one line"),
        ];
        for (from, to, expected) in cases {
            assert!(GOOD.contains(from), "{from}");
            let message = parse(&GOOD.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(message.contains(expected), "{from} -> {to} said: {message}");
            assert!(message.starts_with("profile some/mini.toml"), "{message}");
        }
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
}
