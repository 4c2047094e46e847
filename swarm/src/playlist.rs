//! What a playlist says that the run depends on: its kind, its variants, whether it ends. Fetches nothing.

use m3u8_rs::Playlist as Parsed;
use url::Url;

use crate::plan::VariantMode;

/// A playlist, as far as it matters before a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Playlist {
    /// Variants in the order of the file, I-frame streams left out: FFmpeg's program N is the Nth of them.
    Master(Vec<Variant>),
    /// Segments.
    Media(Media),
}

/// One `#EXT-X-STREAM-INF`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Absolute.
    pub url: Url,
    /// Peak bits per second, as the playlist states.
    pub bandwidth: u64,
}

/// What is known of a media playlist.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Media {
    /// It has `#EXT-X-ENDLIST`: playing it to the end is a complete view.
    pub ended: bool,
    /// `#EXT-X-TARGETDURATION` in seconds.
    pub target_duration_s: f64,
}

/// Why a body is no playlist. The text is a fragment that fits after "the answer is".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPlaylist {
    /// An error page or a web player.
    #[error("HTML, not a playlist: is this the address of a web page? The playlist's usually ends in .m3u8")]
    Html,
    /// No `#EXTM3U` at its beginning.
    #[error(
        "not an HLS playlist (it does not begin with #EXTM3U): the address must be of the playlist itself, which usually ends in .m3u8"
    )]
    NoTag,
    /// A byte order mark before `#EXTM3U`: RFC 8216 4.1 forbids it, and FFmpeg refuses it.
    #[error(
        "a playlist behind a byte order mark, which FFmpeg and other players refuse: it must be saved as UTF-8 without one"
    )]
    ByteOrderMark,
    /// `#EXTM3U`, and then something that RFC 8216 does not allow.
    #[error("a broken HLS playlist (it begins with #EXTM3U, but the rest cannot be read)")]
    Broken,
    /// A master playlist that offers nothing.
    #[error("a master playlist without variants")]
    NoVariants,
    /// A variant that is a master playlist again.
    #[error("a master playlist again, although a master playlist names it as a variant")]
    Nested,
}

/// Reads a playlist that was fetched from `base`.
pub fn parse(body: &[u8], base: &Url) -> Result<Playlist, NotAPlaylist> {
    if body.starts_with(b"\xef\xbb\xbf#EXTM3U") {
        return Err(NotAPlaylist::ByteOrderMark);
    }
    if !body.starts_with(b"#EXTM3U") {
        let looks_like_html =
            body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start().starts_with(b"<");
        return Err(if looks_like_html { NotAPlaylist::Html } else { NotAPlaylist::NoTag });
    }
    match m3u8_rs::parse_playlist_res(body).map_err(|_| NotAPlaylist::Broken)? {
        // EXT-X-TARGETDURATION is required, but players take a list of segments without it too.
        Parsed::MediaPlaylist(media) if media.target_duration == 0 && media.segments.is_empty() => {
            Err(NotAPlaylist::Broken)
        }
        Parsed::MediaPlaylist(media) => Ok(Playlist::Media(Media {
            ended: media.end_list,
            target_duration_s: media.target_duration as f64,
        })),
        Parsed::MasterPlaylist(master) => {
            let variants = master
                .variants
                .iter()
                .filter(|variant| !variant.is_i_frame)
                .map(|variant| {
                    let url = base.join(&variant.uri).map_err(|_| NotAPlaylist::Broken)?;
                    Ok(Variant { url, bandwidth: variant.bandwidth })
                })
                .collect::<Result<Vec<_>, _>>()?;
            if variants.is_empty() { Err(NotAPlaylist::NoVariants) } else { Ok(Playlist::Master(variants)) }
        }
    }
}

/// The index of the variant that `mode` plays; `None` for all. Of equals the first wins. `variants` is not empty.
pub fn choose(variants: &[Variant], mode: VariantMode) -> Option<usize> {
    let by_bandwidth = |&(_, variant): &(usize, &Variant)| variant.bandwidth;
    let numbered = || variants.iter().enumerate();
    match mode {
        VariantMode::All => None,
        VariantMode::First => Some(0),
        VariantMode::Lowest => numbered().min_by_key(by_bandwidth).map(|(index, _)| index),
        // `max_by_key` takes the last of equals: reversed, that is the first.
        VariantMode::Highest => numbered().rev().max_by_key(by_bandwidth).map(|(index, _)| index),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASTER: &str = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360\nlow/index.m3u8\n\
        #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000000,URI=\"iframes.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=5000000\nhttps://other.test/high.m3u8?token=1\n\
        #EXT-X-STREAM-INF:BANDWIDTH=300000\n/lowest.m3u8\n";

    fn base() -> Url {
        Url::parse("http://origin.test/live/stream.m3u8").unwrap()
    }

    fn variants() -> Vec<Variant> {
        match parse(MASTER.as_bytes(), &base()).unwrap() {
            Playlist::Master(variants) => variants,
            Playlist::Media(_) => panic!("a master playlist"),
        }
    }

    #[test]
    fn variants_keep_their_order_are_absolute_and_leave_i_frame_streams_out() {
        let urls: Vec<_> = variants().iter().map(|variant| variant.url.to_string()).collect();
        assert_eq!(
            urls,
            [
                "http://origin.test/live/low/index.m3u8",
                "https://other.test/high.m3u8?token=1",
                "http://origin.test/lowest.m3u8"
            ]
        );
    }

    #[test]
    fn each_mode_chooses_its_variant() {
        for (mode, index) in [
            (VariantMode::All, None),
            (VariantMode::Highest, Some(1)),
            (VariantMode::Lowest, Some(2)),
            (VariantMode::First, Some(0)),
        ] {
            assert_eq!(choose(&variants(), mode), index, "{mode:?}");
        }
        let equal = vec![variants()[0].clone(), variants()[0].clone()];
        assert_eq!(choose(&equal, VariantMode::Highest), Some(0));
        assert_eq!(choose(&equal, VariantMode::Lowest), Some(0));
    }

    #[test]
    fn a_media_playlist_tells_whether_it_has_ended() {
        let live = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:2.0,\nseg7.ts\n";
        let expected = |ended| Playlist::Media(Media { ended, target_duration_s: 2.0 });
        assert_eq!(parse(live.as_bytes(), &base()), Ok(expected(false)));
        assert_eq!(parse(format!("{live}#EXT-X-ENDLIST\n").as_bytes(), &base()), Ok(expected(true)));
    }

    #[test]
    fn what_is_no_playlist_is_named() {
        for (body, reason) in [
            ("  <!DOCTYPE html><html>", NotAPlaylist::Html),
            ("", NotAPlaylist::NoTag),
            ("{\"error\":1}", NotAPlaylist::NoTag),
            ("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=oops\n", NotAPlaylist::NoVariants),
            ("#EXTM3U\n", NotAPlaylist::Broken),
            ("\u{feff}#EXTM3U\n", NotAPlaylist::ByteOrderMark),
            ("\u{feff}<html>", NotAPlaylist::Html),
        ] {
            assert_eq!(parse(body.as_bytes(), &base()), Err(reason), "{body}");
        }
    }
}
