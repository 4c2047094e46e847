//! Whether the next segments have room, and whether those that the playlist names may have been cut off. Pure: is told
//! what is free.

use std::time::{Duration, Instant};

use crate::profile::Profile;
use crate::sizes;

/// What was seen of the disk so far.
#[derive(Debug)]
pub struct Room {
    /// One segment of every playlist.
    segment_bytes: u64,
    /// As long as a segment is named, and as it takes to be written.
    window: Duration,
    /// It was full when we last looked.
    full: bool,
    last_full: Option<Instant>,
}

impl Room {
    /// Before the first look. `None` for a stream that ends: all its segments are there, and no more come.
    pub fn of(profile: &Profile) -> Option<Self> {
        let segments = profile.hls.playlist_segments();
        profile.hls.is_live().then(|| Self {
            // A window and as much again, in equal parts.
            segment_bytes: sizes::media_bytes(profile) / u64::from(2 * segments),
            window: Duration::from_secs((profile.hls.segment_seconds * (segments + 1)).into()),
            full: false,
            last_full: None,
        })
    }

    /// Takes note of how many bytes are free. True when the next segments no longer have room, but had before.
    pub fn look(&mut self, free_bytes: u64, now: Instant) -> bool {
        let was_full = std::mem::replace(&mut self.full, free_bytes < self.segment_bytes);
        if self.full {
            self.last_full = Some(now);
        }
        self.full && !was_full
    }

    /// Whether a segment that is named may have been written while there was no room.
    pub fn may_be_cut(&self, now: Instant) -> bool {
        self.last_full.is_some_and(|full| now.duration_since(full) <= self.window)
    }

    /// What the next segments need, in bytes.
    pub fn needed_bytes(&self) -> u64 {
        self.segment_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    #[test]
    fn segments_are_whole_again_when_those_of_the_full_disk_are_no_longer_named() {
        let profile = catalog::find("default").unwrap().unwrap();
        let mut room = Room::of(&profile).unwrap();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let needed = room.needed_bytes();
        assert!(!room.look(needed, at(0)) && !room.may_be_cut(at(0)));
        assert!(room.look(needed - 1, at(1)), "it is told once");
        assert!(!room.look(0, at(2)) && room.may_be_cut(at(2)));
        assert!(!room.look(needed, at(3)));
        assert!(room.may_be_cut(at(24)), "ten segments of 2 s, and the one that was being written");
        assert!(!room.may_be_cut(at(25)));
        assert!(room.look(0, at(26)), "and again");
    }

    #[test]
    fn a_stream_that_ends_needs_no_more_room() {
        assert!(Room::of(&catalog::find("vod").unwrap().unwrap()).is_none());
    }
}
