//! What a fault is, and when it is in force. Pure; knows of no stream and no clock.

mod spelling;

use std::time::Duration;

pub use spelling::Misspelt;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The encoder stops: playlists go stale. What it missed it writes at once when it goes on.
    Freeze,
    /// Connections are cut, and new ones refused.
    Outage,
    /// A share of all requests for the stream has this status instead of an answer.
    Errors {
        /// Of the requests, each by chance.
        share: Share,
        /// 400 – 599.
        status: u16,
    },
    /// A share of the segments in the window is not there, the same ones for everybody.
    Missing {
        /// Of the segments.
        share: Share,
    },
    /// Bodies come at this rate, on each connection.
    Slow {
        /// 1000 – 10^9.
        bytes_per_second: u64,
    },
    /// A pause before the first byte of every answer.
    Latency {
        /// At most [`Fault::LONGEST_LATENCY`].
        pause: Duration,
    },
    /// A share of the segments' bodies ends in the middle, and the connection with it.
    Truncate {
        /// Of the requests, each by chance.
        share: Share,
    },
    /// The playlist of one variant stays as it is, while the others go on.
    StaleVariant {
        /// The variant's folder.
        name: String,
    },
    /// Media playlists number their segments as if so many more had gone by.
    SequenceJump {
        /// 1 – 1000.
        by: u32,
    },
    /// The encoder is started anew: time stamps begin again behind an EXT-X-DISCONTINUITY.
    Discontinuity,
    /// Everything is answered with 302 to another port, where it is served.
    Redirect {
        /// `None` until a free one was picked.
        port: Option<u16>,
    },
    /// Each segment is served so many times, and then no more (503): as often as so many viewers ask for it.
    Capacity {
        /// 1 – 1 000 000.
        viewers: u32,
    },
}

impl Fault {
    /// The names of all kinds, as they are written.
    pub const KINDS: [&str; 12] = [
        "freeze",
        "outage",
        "errors",
        "missing",
        "slow",
        "latency",
        "truncate",
        "stale-variant",
        "sequence-jump",
        "discontinuity",
        "redirect",
        "capacity",
    ];
    /// Nginx waits a minute for an answer.
    pub const LONGEST_LATENCY: Duration = Duration::from_secs(30);

    /// One of [`Self::KINDS`].
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Freeze => "freeze",
            Self::Outage => "outage",
            Self::Errors { .. } => "errors",
            Self::Missing { .. } => "missing",
            Self::Slow { .. } => "slow",
            Self::Latency { .. } => "latency",
            Self::Truncate { .. } => "truncate",
            Self::StaleVariant { .. } => "stale-variant",
            Self::SequenceJump { .. } => "sequence-jump",
            Self::Discontinuity => "discontinuity",
            Self::Redirect { .. } => "redirect",
            Self::Capacity { .. } => "capacity",
        }
    }
}

/// A part of something, more than nothing and at most all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// 1 – 1 000 000.
    millionths: u32,
}

impl Share {
    /// Everything.
    pub const ALL: Self = Self { millionths: 1_000_000 };

    /// Whether a number in 0..1 000 000, evenly spread, is in this share.
    pub fn has(self, millionth: u64) -> bool {
        millionth < u64::from(self.millionths)
    }
}

/// A fault and when it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// What goes wrong.
    pub fault: Fault,
    /// How long after the URL was told, or after it was asked for if that was later.
    pub begins: Duration,
    /// For ever, when `None`.
    pub lasts: Option<Duration>,
}
