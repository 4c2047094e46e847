//! What the run knows of URLs: which is a playlist, which a segment and how long it plays. Learned from the playlists as
//! they pass through, shared by all viewers, bounded. Fetches nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use url::Url;

use super::rewrite::{self, Content, Media};
use crate::observation::{Kind, PlaylistId, PlaylistView, Segment};
use crate::plan::VariantMode;

/// URLs that are remembered beside the segments in a playlist's window: masters, playlists, keys, init sections.
const MOST_NAMES: usize = 10_000;

/// Media playlists that are told apart. A ladder has ten; signed URLs may make one per viewer and reload.
const MOST_PLAYLISTS: usize = 10_000;

/// Segments remembered per playlist: a VOD of six hours with 2 s segments, all of it. A live one keeps its window and
/// as much again, because viewers ask for what they saw in an older copy.
const MOST_SEGMENTS: usize = 12_000;

/// What is known of one URL.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// What it is.
    pub kind: Kind,
    /// For a segment, its place.
    pub segment: Option<Segment>,
}

/// A playlist that passed through.
#[derive(Clone, Debug, PartialEq)]
pub struct Passed {
    /// Master or media playlist, or [`Kind::Other`] for what was neither.
    pub kind: Kind,
    /// What to send on instead, where anything had to change.
    pub body: Option<Bytes>,
    /// For a media playlist; `age` is the caller's to fill in.
    pub view: Option<PlaylistView>,
    /// URIs and lines that could not be read, and were left as they are.
    pub unparsed: u32,
}

/// Shared by all connections.
#[derive(Debug)]
pub struct Catalog {
    variant: VariantMode,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    names: HashMap<Box<str>, Known>,
    names_in_order: VecDeque<Box<str>>,
    playlists: HashMap<Box<str>, Remembered>,
    /// Of all playlists; one that two of them name belongs to the one that was read last.
    segments: HashMap<Box<str>, Place>,
    next_id: u32,
}

/// A segment, and how many bytes it has where it is a byte range.
#[derive(Clone, Copy, Debug)]
struct Place {
    segment: Segment,
    length: Option<u64>,
}

/// What is asked for of a URL: the first byte, and the last where it is said.
pub type Range = (u64, Option<u64>);

#[derive(Debug)]
struct Remembered {
    id: PlaylistId,
    /// The last copy that was read, and what came of it: most viewers get the very same bytes.
    last: Option<(Bytes, Passed)>,
    /// Names, oldest first.
    segments: VecDeque<Box<str>>,
}

impl Catalog {
    /// For a run that plays `variant` of every master playlist.
    pub fn new(variant: VariantMode) -> Self {
        Self { variant, inner: Mutex::default() }
    }

    /// Remembers what a URL is before anybody asked for it: the ones that the user gave.
    pub fn expect(&self, url: &Url, kind: Kind) {
        self.lock().name(key(url, None), Known { kind, segment: None });
    }

    /// What the URL is, or the part of it that is asked for.
    pub fn find(&self, url: &Url, range: Option<Range>) -> Option<Known> {
        let inner = self.lock();
        let ranged = range.and_then(|range| inner.find_ranges(url, range));
        ranged.or_else(|| inner.find(&key(url, None)))
    }

    /// `from` redirected to `to`: they are the same thing.
    pub fn redirected(&self, from: &Url, to: &Url) {
        let mut inner = self.lock();
        if let Some(known) = inner.find(&key(from, None))
            && inner.find(&key(to, None)).is_none()
        {
            inner.name(key(to, None), known);
        }
    }

    /// Takes in the body of a playlist that was fetched from `url`.
    pub fn pass(&self, url: &Url, body: &Bytes) -> Passed {
        let name = key(url, None);
        if let Some(passed) = self.lock().seen_before(&name, body) {
            return passed;
        }
        // Without the lock: this takes time that grows with the playlist.
        let read = rewrite::read(body, url, self.variant);
        let mut inner = self.lock();
        let mut passed = Passed {
            kind: Kind::Other,
            body: read.body.map(Bytes::from),
            view: None,
            unparsed: read.unparsed,
        };
        match read.content {
            Content::NotAPlaylist => return passed,
            Content::Master(master) => {
                passed.kind = Kind::Master;
                inner.name(name, Known { kind: Kind::Master, segment: None });
                for url in master.variants.iter().chain(&master.renditions) {
                    inner.name(key(url, None), Known { kind: Kind::Playlist, segment: None });
                }
            }
            Content::Media(media) => {
                passed.kind = Kind::Playlist;
                for url in &media.inits {
                    inner.name(key(url, None), Known { kind: Kind::Init, segment: None });
                }
                for url in &media.keys {
                    inner.name(key(url, None), Known { kind: Kind::Key, segment: None });
                }
                inner.name(name.clone(), Known { kind: Kind::Playlist, segment: None });
                if let Some(id) = inner.learn(&name, &media) {
                    passed.view = Some(media.view(id, Duration::ZERO));
                    if let Some(playlist) = inner.playlists.get_mut(&name) {
                        playlist.last = Some((body.clone(), passed.clone()));
                    }
                }
            }
        }
        passed
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // A panic in another connection leaves, at worst, one playlist half learned: the next copy mends it.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn find(&self, name: &str) -> Option<Known> {
        if let Some(known) = self.names.get(name) {
            return Some(*known);
        }
        let segment = self.segments.get(name)?.segment;
        Some(Known { kind: Kind::Segment, segment: Some(segment) })
    }

    /// The segment that begins there, with those after it up to the last byte.
    fn find_ranges(&self, url: &Url, (first, last): Range) -> Option<Known> {
        let Place { mut segment, length } = *self.segments.get(&key(url, Some(first)))?;
        let mut next = length.and_then(|length| first.checked_add(length));
        while let (Some(start), Some(last)) = (next, last)
            && start <= last
            && let Some(place) = self.segments.get(&key(url, Some(start)))
            && place.segment.playlist == segment.playlist
            && place.segment.sequence == segment.sequence + segment.merged + 1
        {
            segment.merged += 1;
            segment.media = segment.media.saturating_add(place.segment.media);
            segment.discontinuity |= place.segment.discontinuity;
            next = place.length.filter(|length| *length > 0).and_then(|length| start.checked_add(length));
        }
        Some(Known { kind: Kind::Segment, segment: Some(segment) })
    }

    fn seen_before(&self, name: &str, body: &Bytes) -> Option<Passed> {
        let (last, passed) = self.playlists.get(name)?.last.as_ref()?;
        (last == body).then(|| passed.clone())
    }

    fn name(&mut self, name: Box<str>, known: Known) {
        if self.names.insert(name.clone(), known).is_some() {
            return;
        }
        self.names_in_order.push_back(name);
        if self.names_in_order.len() > MOST_NAMES
            && let Some(oldest) = self.names_in_order.pop_front()
        {
            self.names.remove(&oldest);
        }
    }

    /// Remembers a playlist's segments; `None` when there are too many playlists.
    fn learn(&mut self, name: &str, media: &Media) -> Option<PlaylistId> {
        let Self { playlists, segments, next_id, .. } = self;
        if !playlists.contains_key(name) {
            if playlists.len() == MOST_PLAYLISTS {
                return None;
            }
            let id = PlaylistId(*next_id);
            *next_id += 1;
            playlists.insert(name.into(), Remembered { id, last: None, segments: VecDeque::new() });
        }
        let playlist = playlists.get_mut(name)?;
        for entry in &media.segments {
            let place = Place {
                segment: entry.place(playlist.id),
                length: entry.byte_range.map(|range| range.length),
            };
            let name = key(&entry.url, entry.byte_range.map(|range| range.offset));
            if segments.insert(name.clone(), place).is_none() {
                playlist.segments.push_back(name);
            }
        }
        // A VOD stays whole; a live playlist keeps its window and one more.
        let window = if media.ended { MOST_SEGMENTS } else { media.segments.len() * 2 };
        while playlist.segments.len() > window.min(MOST_SEGMENTS) {
            if let Some(name) = playlist.segments.pop_front() {
                segments.remove(&name);
            }
        }
        Some(playlist.id)
    }
}

/// A URL's name here. A byte range is told by its first byte: ranges of one playlist do not begin at the same one.
fn key(url: &Url, range_start: Option<u64>) -> Box<str> {
    let whole = &url[..url::Position::AfterQuery];
    match range_start {
        None => whole.into(),
        // A '#' cannot be in what comes before it.
        Some(start) => format!("{whole}#{start}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn catalog() -> Catalog {
        Catalog::new(VariantMode::All)
    }

    fn live(first: u64) -> Bytes {
        let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n");
        for sequence in first..first + 3 {
            text += &format!("#EXTINF:2.0,\nseg{sequence}.ts?t=1\n");
        }
        text.into()
    }

    #[test]
    fn kinds_come_from_the_playlists_and_not_from_names() {
        let catalog = catalog();
        let master = b"#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\",URI=\"sound\"\n\
            #EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\npicture\n";
        let media = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n\
            #EXT-X-MAP:URI=\"head\"\n#EXTINF:2,\nbody\n";
        assert_eq!(catalog.pass(&url("http://h/m"), &Bytes::from_static(master)).kind, Kind::Master);
        assert_eq!(catalog.pass(&url("http://h/picture"), &Bytes::from_static(media)).kind, Kind::Playlist);
        for (path, kind) in [
            ("m", Kind::Master),
            ("picture", Kind::Playlist),
            ("sound", Kind::Playlist),
            ("k", Kind::Key),
            ("head", Kind::Init),
            ("body", Kind::Segment),
        ] {
            let known = catalog.find(&url(&format!("http://h/{path}")), None).map(|known| known.kind);
            assert_eq!(known, Some(kind), "{path}");
        }
        assert_eq!(catalog.find(&url("http://h/else"), None), None);
    }

    #[test]
    fn a_live_window_and_one_more_are_remembered() {
        let catalog = catalog();
        for first in 10..20 {
            catalog.pass(&url("http://h/live.m3u8"), &live(first));
        }
        let sequence = |number: u64| {
            let known = catalog.find(&url(&format!("http://h/seg{number}.ts?t=1")), None);
            known.and_then(|known| known.segment).map(|segment| segment.sequence)
        };
        assert_eq!((sequence(21), sequence(16), sequence(15)), (Some(21), Some(16), None));
    }

    #[test]
    fn the_same_copy_is_read_once_and_says_the_same() {
        let catalog = catalog();
        let first = catalog.pass(&url("https://h/live.m3u8"), &live(1));
        assert_eq!(catalog.pass(&url("https://h/live.m3u8"), &live(1)), first);
        let view = first.view.unwrap();
        assert_eq!((view.first_sequence, view.segments, view.next_sequence()), (1, 3, 4));
    }

    #[test]
    fn byte_ranges_of_one_file_are_told_apart() {
        let catalog = catalog();
        let text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:2,\n#EXT-X-BYTERANGE:100@0\nall.ts\n\
            #EXTINF:4,\n#EXT-X-BYTERANGE:50\nall.ts\n";
        catalog.pass(&url("http://h/v.m3u8"), &Bytes::from_static(text.as_bytes()));
        let asked = |first, last| {
            let segment = catalog.find(&url("http://h/all.ts"), Some((first, last)))?.segment?;
            Some((segment.media.as_secs(), segment.merged))
        };
        for (first, last, media) in [
            (0, None, Some((2, 0))),
            (0, Some(99), Some((2, 0))),
            (100, Some(149), Some((4, 0))),
            (0, Some(149), Some((6, 1))),
            (0, Some(u64::MAX), Some((6, 1))),
            (7, Some(99), None),
        ] {
            assert_eq!(asked(first, last), media, "{first} to {last:?}");
        }
    }

    #[test]
    fn what_a_redirect_leads_to_is_the_same_thing() {
        let catalog = catalog();
        catalog.pass(&url("http://h/live.m3u8"), &live(1));
        catalog.redirected(&url("http://h/seg1.ts?t=1"), &url("http://edge/x"));
        assert_eq!(catalog.find(&url("http://edge/x"), None).unwrap().kind, Kind::Segment);
    }
}
