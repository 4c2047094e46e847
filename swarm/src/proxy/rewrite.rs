//! Reads a playlist on its way to FFmpeg: what it names, and the bytes that must change so that everything stays on
//! the wire. Fetches nothing, keeps nothing between two playlists.
//!
//! It has a reader of its own, because what it does not know must reach FFmpeg as it is: unknown tags, odd spacing,
//! line endings, bytes that are no text. Only two things are ever changed: the beginning of a URI that would lead past
//! the proxy (see [`mapping`](super::mapping)), and in a master playlist the lines of variants that are not played.
//! Variables (`EXT-X-DEFINE`) are not supported, by FFmpeg neither: a URI with `{$` in it counts as unparsed.

mod edits;
mod master;
mod media;
#[cfg(test)]
mod properties;
mod reference;
mod syntax;
#[cfg(test)]
mod tests;

use url::Url;

use crate::plan::VariantMode;
use edits::Edits;
use reference::{Base, Reference};
use syntax::{Line, Tag, lines};

pub use master::Master;
pub use media::{ByteRange, Media, SegmentEntry};

/// Most URLs of one sort that are listed of one playlist; further ones are rewritten and counted like the others. Two
/// days of two-second segments; without a bound, a body of two-byte lines would need a hundred times its size.
pub const MOST_LISTED: usize = 100_000;

/// What was found in a playlist.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// What FFmpeg shall get instead; `None` where that is the original, unchanged.
    pub body: Option<Vec<u8>>,
    /// What the playlist names.
    pub content: Content,
    /// URIs and values of known tags that could not be read; they were left as they are.
    pub unparsed: u32,
}

/// What a playlist names. All URLs in it are real, not mapped, and as FFmpeg requests them: absolute, without user
/// name, password and fragment.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Variants and renditions.
    Master(Master),
    /// Segments.
    Media(Media),
    /// It does not begin with `#EXTM3U`.
    NotAPlaylist,
}

/// Reads a playlist that was fetched from `base`, its real URL. A master playlist keeps only what `variant` plays.
///
/// Any bytes are accepted; time and memory are linear in their number.
pub fn read(body: &[u8], base: &Url, variant: VariantMode) -> Read {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let start = if body.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    if !body[start..].starts_with(b"#EXTM3U") {
        return Read { body: None, content: Content::NotAPlaylist, unparsed: 0 };
    }
    let mut rewriter = Rewriter { base: Base::new(base), edits: Edits::new(body), unparsed: 0 };
    let content = if is_master(body, start) {
        Content::Master(master::read(body, start, variant, &mut rewriter))
    } else {
        Content::Media(media::read(body, start, &mut rewriter))
    };
    let Rewriter { base: _, edits, unparsed } = rewriter;
    Read { body: edits.finish(), content, unparsed }
}

/// The first tag that may stand in only one of the two kinds decides (RFC 8216 section 4.3 forbids to mix them);
/// without one, a list of segments is the simpler guess.
fn is_master(body: &[u8], start: usize) -> bool {
    let decided = lines(body, start).filter_map(|line| line.tag()).find_map(|tag| match tag.name {
        b"#EXT-X-STREAM-INF"
        | b"#EXT-X-I-FRAME-STREAM-INF"
        | b"#EXT-X-MEDIA"
        | b"#EXT-X-SESSION-DATA"
        | b"#EXT-X-SESSION-KEY" => Some(true),
        b"#EXTINF"
        | b"#EXT-X-TARGETDURATION"
        | b"#EXT-X-MEDIA-SEQUENCE"
        | b"#EXT-X-DISCONTINUITY-SEQUENCE"
        | b"#EXT-X-PLAYLIST-TYPE"
        | b"#EXT-X-I-FRAMES-ONLY"
        | b"#EXT-X-ENDLIST"
        | b"#EXT-X-BYTERANGE"
        | b"#EXT-X-DISCONTINUITY"
        | b"#EXT-X-KEY"
        | b"#EXT-X-MAP"
        | b"#EXT-X-PROGRAM-DATE-TIME"
        | b"#EXT-X-DATERANGE" => Some(false),
        _ => None,
    });
    decided.unwrap_or(false)
}

/// What both kinds of playlists need while their lines are read, in order.
struct Rewriter<'a> {
    base: Base<'a>,
    edits: Edits<'a>,
    unparsed: u32,
}

impl Rewriter<'_> {
    /// The URL that a line of its own is.
    fn uri_line(&mut self, line: &Line) -> Option<Url> {
        self.uri(line.text, line.start)
    }

    /// The URL in the attribute `URI`.
    fn uri_attribute(&mut self, tag: &Tag) -> Option<Url> {
        let attribute = tag.attribute("URI")?;
        self.uri(attribute.value, attribute.start)
    }

    /// A tag of no interest but for the URI that it may have.
    fn other_tag(&mut self, tag: &Tag) {
        if matches!(
            tag.name,
            b"#EXT-X-I-FRAME-STREAM-INF"
                | b"#EXT-X-KEY"
                | b"#EXT-X-MAP"
                | b"#EXT-X-MEDIA"
                | b"#EXT-X-PART"
                | b"#EXT-X-PRELOAD-HINT"
                | b"#EXT-X-RENDITION-REPORT"
                | b"#EXT-X-SESSION-DATA"
                | b"#EXT-X-SESSION-KEY"
        ) {
            self.uri_attribute(tag);
        }
    }

    fn drop(&mut self, line: &Line) {
        self.edits.replace(line.from..line.to, b"");
    }

    fn leave_unparsed(&mut self) {
        self.unparsed = self.unparsed.saturating_add(1);
    }

    /// `None` where nothing of it comes over the wire, or nobody knows what would.
    fn uri(&mut self, text: &[u8], start: usize) -> Option<Url> {
        match self.base.resolve(text) {
            Reference::Wire { url, replace } => {
                if let Some((length, replacement)) = replace {
                    self.edits.replace(start..start + length, replacement.as_bytes());
                }
                Some(url)
            }
            Reference::Foreign => None,
            Reference::Unreadable => {
                self.leave_unparsed();
                None
            }
        }
    }
}

/// Adds what there is, as long as there is room.
fn list<T>(to: &mut Vec<T>, item: Option<T>) {
    if to.len() < MOST_LISTED {
        to.extend(item);
    }
}
