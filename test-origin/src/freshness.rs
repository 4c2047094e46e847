//! Whether the playlists are as they should be, live ones growing and others there, by what the file system says of them. Reads no playlist.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::profile::Hls;

/// Watches the media playlists of a stream.
#[derive(Debug)]
pub struct Freshness {
    playlists: Vec<Watched>,
    patience: Duration,
}

#[derive(Debug)]
struct Watched {
    path: PathBuf,
    last: Option<(Stamp, Instant)>,
}

/// Changes with every write: the encoder renames a new file over the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    modified: (i64, i64),
}

impl From<Metadata> for Stamp {
    fn from(meta: Metadata) -> Self {
        Self { inode: meta.ino(), modified: (meta.mtime(), meta.mtime_nsec()) }
    }
}

impl Freshness {
    /// How often to look: small against the shortest segment (1 s), and a few system calls a second.
    pub const INTERVAL: Duration = Duration::from_millis(200);
    /// A playlist that stood still for this many segments is stale. RFC 8216bis wants the next within 1.5, players
    /// call it stuck at 3.5.
    const PATIENCE_IN_SEGMENTS: u32 = 3;

    /// Watches these files, which need not exist yet. A stream that ends is fresh as long as they exist.
    pub fn new(playlists: Vec<PathBuf>, hls: &Hls) -> Self {
        let playlists = playlists.into_iter().map(|path| Watched { path, last: None }).collect();
        let segment = Duration::from_secs(hls.segment_seconds.into());
        let patience = if hls.is_live() { segment * Self::PATIENCE_IN_SEGMENTS } else { Duration::MAX };
        Self { playlists, patience }
    }

    /// Looks at the files now. True when each of them changed lately; the wall clock plays no part in it.
    pub fn look(&mut self, now: Instant) -> bool {
        let patience = self.patience;
        // Every file is looked at, also behind a stale one.
        let mut all_fresh = true;
        for playlist in &mut self.playlists {
            all_fresh &= playlist.is_fresh(now, patience);
        }
        all_fresh
    }
}

impl Freshness {
    /// Since the playlist that changed longest ago has changed; zero as long as one of them was never there.
    pub fn age(&self, now: Instant) -> Duration {
        let changes = self.playlists.iter().map(|playlist| playlist.last.map(|(_, since)| since));
        let oldest = changes.collect::<Option<Vec<_>>>().and_then(|times| times.into_iter().min());
        oldest.map_or(Duration::ZERO, |since| now.duration_since(since))
    }
}

impl Watched {
    fn is_fresh(&mut self, now: Instant, patience: Duration) -> bool {
        let stamp = std::fs::metadata(&self.path).map(Stamp::from);
        self.last = match (stamp, self.last) {
            (Ok(stamp), Some((old, since))) if stamp == old => Some((old, since)),
            (Ok(stamp), _) => Some((stamp, now)),
            (Err(error), last) if error.kind() != io::ErrorKind::NotFound => last,
            (Err(_), _) => None,
        };
        self.last.is_some_and(|(_, since)| now.duration_since(since) <= patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Playlist, SegmentType};

    fn hls(playlist: Playlist) -> Hls {
        Hls { segment_seconds: 2, segment_type: SegmentType::MpegTs, playlist }
    }

    #[test]
    fn a_stream_that_ends_is_fresh_as_long_as_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        let start = Instant::now();
        let mut freshness = Freshness::new(vec![file.clone()], &hls(Playlist::Vod { seconds: 6 }));
        assert!(!freshness.look(start));
        std::fs::write(&file, "x").unwrap();
        assert!(freshness.look(start) && freshness.look(start + Duration::from_secs(1_000_000)));
        std::fs::remove_file(&file).unwrap();
        assert!(!freshness.look(start));
    }

    #[test]
    fn a_stream_is_fresh_while_every_playlist_changes() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        let publish = |file: &PathBuf| {
            let new = folder.path().join("new");
            std::fs::write(&new, "x").unwrap();
            std::fs::rename(&new, file).unwrap();
        };
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut freshness = Freshness::new(vec![a.clone(), b.clone()], &hls(Playlist::Live { segments: 6 }));

        publish(&a);
        assert!(!freshness.look(at(0)), "b is not there yet");
        publish(&b);
        assert!(freshness.look(at(1)));
        assert!(freshness.look(at(6)), "a changed 6 s ago, which is just in time");
        assert!(!freshness.look(at(7)), "a changed 7 s ago");
        publish(&a);
        assert!(freshness.look(at(7)));
        assert!(!freshness.look(at(8)), "now b is the old one");
        assert_eq!(freshness.age(at(8)), Duration::from_secs(7), "b changed when it came");
        publish(&b);
        assert!(freshness.look(at(9)));
        assert_eq!(freshness.age(at(9)), Duration::from_secs(2), "a changed at 7");
        std::fs::remove_file(&b).unwrap();
        assert!(!freshness.look(at(9)));
    }
}
