//! A media playlist: its segments, and what FFmpeg needs to play them.

use std::time::Duration;

use url::Url;

use super::syntax::{Tag, byte_range, integer, lines, seconds};
use super::{Rewriter, list};
use crate::observation::{PlaylistId, PlaylistView, Segment};

/// What a media playlist says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Media {
    /// `EXT-X-TARGETDURATION`. Where it is absent or unreadable: the longest `EXTINF`, which it must not be below
    /// (RFC 8216 section 4.3.3.1); zero without segments.
    pub target_duration: Duration,
    /// `EXT-X-MEDIA-SEQUENCE`; 0 where it is absent or unreadable.
    pub first_sequence: u64,
    /// How many segments it has, those left out of [`Self::segments`] included. A segment is a URI line behind an
    /// `EXTINF`, as FFmpeg sees it.
    pub segment_count: u64,
    /// Sum of their `EXTINF`.
    pub media: Duration,
    /// It has `EXT-X-ENDLIST`.
    pub ended: bool,
    /// In order. Segments whose URI is unreadable or not of `http(s)` are left out, and those behind the first
    /// [`MOST_LISTED`](super::MOST_LISTED).
    pub segments: Vec<SegmentEntry>,
    /// URLs of initialization sections (`EXT-X-MAP`). Repeats of the last one are left out, here and in `keys`.
    pub inits: Vec<Url>,
    /// URLs of keys (`EXT-X-KEY`) of `http(s)`.
    pub keys: Vec<Url>,
}

/// One segment.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentEntry {
    /// Real, and as requested.
    pub url: Url,
    /// The part of `url` that it is; `None` for the whole.
    pub byte_range: Option<ByteRange>,
    /// Media sequence number.
    pub sequence: u64,
    /// `EXTINF`; zero where it is unreadable.
    pub media: Duration,
    /// `EXT-X-DISCONTINUITY` stands before it.
    pub discontinuity: bool,
    /// `EXT-X-GAP` stands before it: it is missing, and clients should not fetch it. FFmpeg does not know the tag, and
    /// fetches it.
    pub gap: bool,
}

/// Bytes `offset` to `offset + length - 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByteRange {
    /// Of the first byte.
    pub offset: u64,
    /// In bytes.
    pub length: u64,
}

impl Media {
    /// What `stats` shall know of it. `age` is the answer's `Age` header.
    pub fn view(&self, playlist: PlaylistId, age: Duration) -> PlaylistView {
        PlaylistView {
            playlist,
            target_duration: self.target_duration,
            first_sequence: self.first_sequence,
            segments: self.segment_count,
            media: self.media,
            ended: self.ended,
            age,
        }
    }
}

impl SegmentEntry {
    /// What `stats` shall know of it.
    pub fn place(&self, playlist: PlaylistId) -> Segment {
        let Self { sequence, media, discontinuity, .. } = *self;
        Segment { playlist, sequence, media, discontinuity, merged: 0 }
    }
}

/// What the tags before a segment say of it.
#[derive(Default)]
struct Pending {
    media: Option<Duration>,
    byte_range: Option<(u64, Option<u64>)>,
    discontinuity: bool,
    gap: bool,
}

pub(super) fn read(body: &[u8], start: usize, rewriter: &mut Rewriter) -> Media {
    let mut reader = Reader::default();
    for line in lines(body, start) {
        if let Some(tag) = line.tag() {
            reader.tag(&tag, rewriter);
        } else if line.is_uri() {
            let url = rewriter.uri_line(&line);
            reader.segment(url, rewriter);
        }
    }
    reader.finish()
}

#[derive(Default)]
struct Reader {
    /// Sequence numbers in it count from 0 until [`Self::finish`].
    media: Media,
    target_duration: Option<Duration>,
    longest: Duration,
    pending: Pending,
}

impl Reader {
    fn tag(&mut self, tag: &Tag, rewriter: &mut Rewriter) {
        match tag.name {
            b"#EXTINF" => {
                let value = tag.value.split(|&byte| byte == b',').next().unwrap_or_default();
                let duration = readable(seconds(value), rewriter);
                self.pending.media = Some(duration.unwrap_or_default());
            }
            b"#EXT-X-BYTERANGE" => self.pending.byte_range = readable(byte_range(tag.value), rewriter),
            b"#EXT-X-DISCONTINUITY" => self.pending.discontinuity = true,
            b"#EXT-X-GAP" => self.pending.gap = true,
            b"#EXT-X-ENDLIST" => self.media.ended = true,
            // An integer by RFC 8216, but decimals are about.
            b"#EXT-X-TARGETDURATION" => self.target_duration = readable(seconds(tag.value), rewriter),
            b"#EXT-X-MEDIA-SEQUENCE" => {
                self.media.first_sequence = readable(integer(tag.value), rewriter).unwrap_or_default();
            }
            b"#EXT-X-MAP" => add(&mut self.media.inits, rewriter.uri_attribute(tag)),
            b"#EXT-X-KEY" => add(&mut self.media.keys, rewriter.uri_attribute(tag)),
            _ => rewriter.other_tag(tag),
        }
    }

    /// At a URI line; `url` is `None` where it is none of ours.
    fn segment(&mut self, url: Option<Url>, rewriter: &mut Rewriter) {
        let Pending { media, byte_range, discontinuity, gap } = std::mem::take(&mut self.pending);
        let Some(media) = media else {
            // One that is not readable has been counted already.
            if url.is_some() {
                rewriter.leave_unparsed();
            }
            return;
        };
        let sequence = self.media.segment_count;
        self.media.segment_count += 1;
        self.media.media = self.media.media.saturating_add(media);
        self.longest = self.longest.max(media);
        let Some(url) = url else { return };
        let byte_range = byte_range.and_then(|(length, offset)| {
            let offset = offset.unwrap_or_else(|| self.end_of_previous(&url, sequence));
            let range = offset.checked_add(length).map(|_| ByteRange { offset, length });
            readable(range, rewriter)
        });
        let entry = SegmentEntry { url, byte_range, sequence, media, discontinuity, gap };
        list(&mut self.media.segments, Some(entry));
    }

    /// Where a range without offset begins (RFC 8216 section 4.3.2.2). The tag has no meaning behind a segment that is
    /// no range of the same URL; FFmpeg begins at 0.
    fn end_of_previous(&self, url: &Url, sequence: u64) -> u64 {
        let previous = self.media.segments.last();
        let previous = previous.filter(|previous| previous.sequence + 1 == sequence && previous.url == *url);
        previous.and_then(|previous| previous.byte_range).map_or(0, |range| range.offset + range.length)
    }

    fn finish(mut self) -> Media {
        self.media.target_duration = self.target_duration.unwrap_or(self.longest);
        for segment in &mut self.media.segments {
            segment.sequence += self.media.first_sequence;
        }
        self.media
    }
}

fn readable<T>(value: Option<T>, rewriter: &mut Rewriter) -> Option<T> {
    if value.is_none() {
        rewriter.leave_unparsed();
    }
    value
}

fn add(to: &mut Vec<Url>, url: Option<Url>) {
    let repeated = url.is_some() && to.last() == url.as_ref();
    if !repeated {
        list(to, url);
    }
}
