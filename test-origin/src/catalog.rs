//! The profiles that the binary carries, and the table that lists them. Never reads the disk.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::profile::{Playlist, Profile, ProfileError};

/// Name and text of every file in `profiles/`, sorted by name; the list is made by `build.rs`.
const FILES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/profiles.rs"));

/// The names of the built-in profiles, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// The built-in profile of that name, if there is one.
///
/// # Errors
/// Never for a released binary: a test reads them all.
pub fn find(name: &str) -> Option<Result<Profile, ProfileError>> {
    let (name, text) = FILES.iter().find(|(known, _)| *known == name)?;
    Some(Profile::parse(&PathBuf::from(format!("{name}.toml")), text))
}

/// Every built-in profile as a table for a human, with a heading.
///
/// # Errors
/// As [`find`].
pub fn table() -> Result<String, ProfileError> {
    let heading =
        ["PROFILE", "VARIANTS", "VIDEO+AUDIO", "SEGMENT", "WINDOW", "DESCRIPTION"].map(String::from);
    let profiles = names().filter_map(find).collect::<Result<Vec<_>, _>>()?;
    let rows: Vec<_> = std::iter::once(heading).chain(profiles.iter().map(row)).collect();
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            // Writing to a String cannot fail.
            write!(line, "{cell:width$}  ").unwrap_or_default();
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    Ok(text)
}

fn row(profile: &Profile) -> [String; 6] {
    let sizes = profile.variants.iter().map(|variant| format!("{}x{}", variant.width, variant.height));
    let rates = profile.variants.iter().map(|variant| match variant.audio_bitrate_kbps {
        Some(audio) => format!("{}+{audio}k", variant.video_bitrate_kbps),
        None => format!("{}k", variant.video_bitrate_kbps),
    });
    let audio = profile.audio.iter().map(|audio| format!("+{}k", audio.bitrate_kbps));
    [
        profile.name.clone(),
        sizes.collect::<Vec<_>>().join(", "),
        rates.chain(audio).collect::<Vec<_>>().join(", "),
        format!("{} s", profile.hls.segment_seconds),
        match profile.hls.playlist {
            Playlist::Live { segments } => segments.to_string(),
            Playlist::Vod { seconds } => format!("{seconds} s"),
        },
        profile.description.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_profile_is_valid_and_has_a_row() {
        let table = table().unwrap();
        assert_eq!(table.lines().count(), 1 + names().count());
        for name in ["cmaf", "default", "logged", "low-latency", "mini-abr", "tls", "vod"] {
            assert_eq!(find(name).unwrap().unwrap().name, name);
            assert!(table.lines().any(|line| line.starts_with(name)), "{table}");
        }
    }

    #[test]
    fn an_unknown_name_is_no_profile() {
        assert!(find("no-such").is_none());
    }
}
