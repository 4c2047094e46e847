//! What is asked for and what comes, as far as names, types and ranges tell. Where a playlist named a URL, that counts more
//! (the [`super::catalog`]). Pure.

use url::Url;

use super::catalog::{Known, Range};
use super::fields::Fields;
use crate::observation::Kind;

/// Only whole, plain answers can be read as a playlist: FFmpeg asks for `bytes=0-`, and gets 206 from many origins.
pub fn is_playlist(url: &Url, known: Option<Known>, status: u16, fields: &Fields) -> bool {
    let whole = match status {
        200 => true,
        206 => is_whole_range(fields),
        _ => false,
    };
    let named = known.map(|known| matches!(known.kind, Kind::Master | Kind::Playlist));
    let guessed = || kind_by_content(fields).unwrap_or_else(|| kind_by_extension(url));
    let named = named.unwrap_or_else(|| guessed() == Kind::Playlist);
    whole && named && !fields.contains("content-encoding")
}

/// `bytes 0-99/100`.
fn is_whole_range(fields: &Fields) -> bool {
    let text = fields.get("content-range");
    let parts = text.and_then(|text| text.strip_prefix("bytes 0-")?.split_once('/'));
    parts.is_some_and(|(last, length)| {
        let last: Option<u64> = last.trim().parse().ok();
        last.is_some() && last.and_then(|last| last.checked_add(1)) == length.trim().parse().ok()
    })
}

/// The body is so long now.
pub fn set_length(fields: &mut Fields, length: usize) {
    fields.remove("transfer-encoding");
    fields.set("Content-Length", length.to_string());
    if fields.contains("content-range") {
        fields.set("Content-Range", format!("bytes 0-{}/{length}", length.saturating_sub(1)));
    }
}

/// `Range: bytes=5-9`, or `bytes=5-`.
pub fn range(fields: &Fields) -> Option<Range> {
    let (first, last) = fields.get("range")?.strip_prefix("bytes=")?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()))
}

/// What the origin calls it, where no playlist named it.
pub fn kind_by_content(fields: &Fields) -> Option<Kind> {
    let text = fields.get("content-type")?.to_ascii_lowercase();
    let main = text.split(';').next().unwrap_or_default().trim();
    match main {
        "application/vnd.apple.mpegurl" | "application/x-mpegurl" | "audio/mpegurl" | "audio/x-mpegurl" => {
            Some(Kind::Playlist)
        }
        "video/mp2t" | "video/mp4" | "audio/mp4" | "audio/aac" | "video/iso.segment" | "text/vtt" => {
            Some(Kind::Segment)
        }
        _ => None,
    }
}

/// What its name looks like.
pub fn kind_by_extension(url: &Url) -> Kind {
    let extension = url.path().rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("m3u8" | "m3u") => Kind::Playlist,
        Some("ts" | "m4s" | "mp4" | "m4a" | "m4v" | "aac" | "cmfv" | "cmfa" | "vtt") => Kind::Segment,
        Some("key") => Kind::Key,
        _ => Kind::Other,
    }
}
