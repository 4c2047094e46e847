//! What the wire saw of one request: the only thing that is ever measured. Made by `proxy`, judged by `stats`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::labels::labels;

/// One finished, failed or aborted request.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The viewer's number, from 0.
    pub viewer: u32,
    /// The viewer's process, counted from 0: each start of an FFmpeg is a new session.
    pub session: u32,
    /// What was asked for.
    pub kind: Kind,
    /// Without query, which may hold a token.
    pub url: Arc<str>,
    /// When FFmpeg's request had arrived here, or the first of those that were redirected to it.
    pub started: Instant,
    /// Time to open the connection, where this request had to: name and TCP.
    pub connect: Option<Duration>,
    /// Time of the TLS handshake, where this request had to make one.
    pub tls: Option<Duration>,
    /// From `started` to the first byte of the answer; `None` when none came.
    pub ttfb: Option<Duration>,
    /// From `started` to the last byte, or to the end of the attempt.
    pub duration: Duration,
    /// Of the body, as received from the origin.
    pub bytes: u64,
    /// How it went.
    pub outcome: Outcome,
    /// For a segment: its place in its playlist.
    pub segment: Option<Segment>,
    /// For a media playlist that could be read: what it says.
    pub playlist: Option<PlaylistView>,
    /// What a cache on the way said.
    pub cache: Cache,
}

/// RFC 8216's words. Known from the playlists themselves; from content type and extension only where no playlist
/// named the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A master playlist.
    Master,
    /// A media playlist.
    Playlist,
    /// A media segment.
    Segment,
    /// An initialization section (`EXT-X-MAP`).
    Init,
    /// A key (`EXT-X-KEY`).
    Key,
    /// Anything else.
    Other,
}

/// How a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The whole answer came, with this status.
    Status(u16),
    /// It failed, before or within the answer.
    Failed(ErrorClass),
    /// FFmpeg hung up before the answer was complete.
    Aborted,
}

/// Why a request failed. A bounded set: it is a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorClass {
    /// The name has no address.
    Dns,
    /// Nobody listens.
    Refused,
    /// No connection for another reason.
    Connect,
    /// No trust, or no common language.
    Tls,
    /// No answer, or silence within the answer, for longer than `--timeout`.
    Timeout,
    /// The connection was reset or closed within the answer, or before it.
    Reset,
    /// The body was shorter than announced.
    Short,
    /// What came is no HTTP.
    Protocol,
}

/// A media playlist of this run, numbered in the order of first sight. Shared by all viewers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlaylistId(pub u32);

/// A segment's place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// The playlist that named it.
    pub playlist: PlaylistId,
    /// Its media sequence number.
    pub sequence: u64,
    /// Its `EXTINF`.
    pub media: Duration,
    /// `EXT-X-DISCONTINUITY` stands before it.
    pub discontinuity: bool,
    /// Segments that follow it and were asked for with it; their media is in `media`. FFmpeg 9 asks for adjacent byte
    /// ranges at once.
    pub merged: u64,
}

/// What a media playlist said when this request fetched it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlaylistView {
    /// Which.
    pub playlist: PlaylistId,
    /// `EXT-X-TARGETDURATION`.
    pub target_duration: Duration,
    /// `EXT-X-MEDIA-SEQUENCE`: of the first segment.
    pub first_sequence: u64,
    /// How many segments it lists.
    pub segments: u64,
    /// Sum of their `EXTINF`.
    pub media: Duration,
    /// It has `EXT-X-ENDLIST`.
    pub ended: bool,
    /// The `Age` header: how long a cache had kept it.
    pub age: Duration,
}

impl PlaylistView {
    /// Sequence number of the segment that comes next, after the listed ones.
    pub fn next_sequence(&self) -> u64 {
        self.first_sequence.saturating_add(self.segments)
    }
}

/// What a cache on the way said (`Cache-Status`, `X-Cache` and their like, `X-Varnish`, `Age`), folded to a bounded label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cache {
    /// It had the answer.
    Hit,
    /// It had not.
    Miss,
    /// Nobody said anything.
    Unknown,
}

labels!(Kind {
    Master => "master",
    Playlist => "playlist",
    Segment => "segment",
    Init => "init",
    Key => "key",
    Other => "other",
});

labels!(ErrorClass {
    Dns => "dns",
    Refused => "refused",
    Connect => "connect",
    Tls => "tls",
    Timeout => "timeout",
    Reset => "reset",
    Short => "short",
    Protocol => "protocol",
});

labels!(Cache { Hit => "hit", Miss => "miss", Unknown => "unknown" });

impl Outcome {
    /// Whether the viewer got what it asked for. A redirect is none: the request that follows it is, and has its time.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Status(200..=299))
    }

    /// Whether the viewer was let down: a redirect leads on, and who hung up wanted no more.
    pub fn is_error(self) -> bool {
        !self.is_success() && !matches!(self, Self::Status(300..=399) | Self::Aborted)
    }

    /// As metrics name it in `status`: `200`, an error class, or `aborted`.
    pub fn label(self) -> String {
        match self {
            Self::Status(status) => status.to_string(),
            Self::Failed(class) => class.label().to_owned(),
            Self::Aborted => "aborted".to_owned(),
        }
    }
}
