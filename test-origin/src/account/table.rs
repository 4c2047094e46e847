//! The built-in profiles side by side, for people. Works nothing out itself.

use std::fmt::Write as _;

use super::{mb, rates};
use crate::profile::{Playlist, Profile};
use crate::sizes;

/// Every profile as a table for a human, with a heading; a profile has a line for each of its variants.
pub fn table(profiles: &[Profile]) -> String {
    let heading = [
        "PROFILE",
        "VARIANT",
        "VIDEO+AUDIO",
        "SEGMENT",
        "WINDOW",
        "MEDIA",
        "CACHE",
        "ENCODING",
        "CPU",
        "DESCRIPTION",
    ];
    let mut rows = vec![heading.map(String::from)];
    for profile in profiles {
        rows.extend(rows_of(profile));
    }
    let mut widths = [0; 10];
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
    text.push_str("MEDIA, CACHE: disk or memory at most. ENCODING: CPU seconds of the first start. CPU: of a core, without viewers.\n");
    text
}

fn rows_of(profile: &Profile) -> Vec<[String; 10]> {
    let variants = profile.variants.iter().map(|variant| {
        (
            format!("{}x{}", variant.width, variant.height),
            rates(variant.video_bitrate_kbps, variant.audio_bitrate_kbps),
        )
    });
    let audio = profile.audio.iter().map(|audio| (audio.name.clone(), format!("{} k", audio.bitrate_kbps)));
    let mut rows: Vec<_> = variants
        .chain(audio)
        .map(|(variant, rates)| {
            let mut row = [const { String::new() }; 10];
            (row[1], row[2]) = (variant, rates);
            row
        })
        .collect();
    if let Some(first) = rows.first_mut() {
        first[0].clone_from(&profile.name);
        first[3] = format!("{} s {}", profile.hls.segment_seconds, profile.hls.segment_type.extension());
        first[4] = match profile.hls.playlist {
            Playlist::Live { segments } => segments.to_string(),
            Playlist::Vod { seconds } => format!("{seconds} s, ends"),
        };
        first[5] = mb(sizes::media_bytes(profile));
        first[6] = mb(sizes::clip_bytes(profile));
        first[7] = format!("{:.0} s", sizes::encode_cpu_seconds(profile));
        first[8] = format!("{:.1} %", sizes::run_cpu_percent(profile));
        first[9].clone_from(&profile.description);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    #[test]
    fn the_table_has_a_line_for_every_variant() {
        let profiles: Vec<_> =
            ["cmaf", "vod"].into_iter().map(|name| catalog::find(name).unwrap().unwrap()).collect();
        insta::assert_snapshot!(table(&profiles));
    }
}
