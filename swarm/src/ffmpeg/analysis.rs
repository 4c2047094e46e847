//! How much of a stream FFmpeg reads before it plays, to learn what is in it. Less is sooner and takes less memory; too
//! little, and it does not know what it plays.

/// How far FFmpeg looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Analysis {
    /// Enough for usual streams.
    Short,
    /// As far as FFmpeg looks by itself: 5 MB, 5 s.
    Full,
}

/// What FFmpeg reads at most to find a stream's parameters: above the first picture of a 2160p stream at 15 Mbit/s, after
/// which its audio comes. 1 MB was too little for that, 2 MB was enough (`every_shape_of_stream_is_identified` tries it).
const PROBE_BYTES: &str = "2000000";

/// Media that FFmpeg looks at, at most, in microseconds. This is what bounds the memory of most streams. 0.2 s was too
/// little for audio apart from the picture and for ladders, whose tracks are read in turn; 0.5 s was enough.
const DURATION_US: &str = "500000";

impl Analysis {
    /// FFmpeg's options, to stand before its input. One thread: nothing is decoded but the first pictures, and idle
    /// threads are memory.
    pub fn options(self) -> &'static [&'static str] {
        match self {
            Self::Short => &["-threads", "1", "-probesize", PROBE_BYTES, "-analyzeduration", DURATION_US],
            Self::Full => &["-threads", "1"],
        }
    }
}
