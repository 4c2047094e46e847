//! One playlist as one session of one viewer fetches it: which sequence numbers it asked for and got, how far its
//! media reaches, whether it is still wanted. Knows nothing of time.

use std::time::Duration;

use super::LONGEST_MEDIA;
use crate::observation::{PlaylistId, PlaylistView, Segment};

/// Sequence numbers that are remembered one by one, back from the highest: the width of a `u64`. A viewer has a
/// handful of requests open at most; completions do not overtake each other by more.
const MEMORY: u64 = 64;

/// A jump by more segments than this is no viewer that fell behind (of 2 s segments these are 33 minutes) but an
/// encoder that numbers anew, for example by the clock.
const LONGEST_JUMP: u64 = 1000;

/// See [`Track::is_silent`].
const SILENT_AFTER_TARGETS: u32 = 3;

/// FFmpeg fetches the first segment of every playlist to learn what is in it. A track is known to be played once
/// its second segment was asked for.
const PROVEN_BY_SEGMENTS: u8 = 2;

/// One playlist of the session.
#[derive(Clone, Debug)]
pub(super) struct Track {
    pub(super) id: PlaylistId,
    /// False from when it fell silent until it is asked for again.
    pub(super) active: bool,
    /// Where its media ends on the session's timeline, which begins at zero with the first segment.
    pub(super) end: Duration,
    /// The furthest `end` of all tracks when this one last asked for anything.
    front_when_asked: Duration,
    /// The longer of TARGETDURATION and the longest segment.
    target: Duration,
    /// Of the segments in the newest view.
    mean_media: Duration,
    newest: Option<Window>,
    last: Window,
    ended: bool,
    numbering: Option<Numbering>,
    segments_asked: u8,
    received: bool,
}

/// What a view lists: sequence numbers `first..next`.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    first: u64,
    next: u64,
}

/// What a segment's request means to its track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// Its media is new.
    pub(super) new: bool,
    /// Segments that are now known to have fallen out of the playlist before they were asked for.
    pub(super) skipped: u64,
}

impl Track {
    pub(super) fn new(id: PlaylistId) -> Self {
        Self {
            id,
            active: true,
            end: Duration::ZERO,
            front_when_asked: Duration::ZERO,
            target: Duration::ZERO,
            mean_media: Duration::ZERO,
            newest: None,
            last: Window::default(),
            ended: false,
            numbering: None,
            segments_asked: 0,
            received: false,
        }
    }

    /// It was asked for, anything of it. One that had fallen silent has to prove itself again.
    pub(super) fn asked(&mut self, front: Duration) {
        if !self.active {
            self.active = true;
            self.segments_asked = 0;
        }
        self.front_when_asked = front;
    }

    /// Whether the viewer has stopped playing it: since it last asked for anything of it, another track received
    /// more than three target durations of media. Measured in media and not in seconds, this holds at any download
    /// speed, and when everything stands still nobody falls silent. FFmpeg reads its tracks in the order of their
    /// timestamps, so that a track that it wants is never further behind than one segment of each.
    pub(super) fn is_silent(&self, front: Duration, target: Duration) -> bool {
        front.saturating_sub(self.front_when_asked) > target * SILENT_AFTER_TARGETS
    }

    pub(super) fn target(&self) -> Duration {
        self.target
    }

    /// Whether its second segment was asked for.
    pub(super) fn is_proven(&self) -> bool {
        self.segments_asked >= PROVEN_BY_SEGMENTS
    }

    pub(super) fn has_asked_for_segments(&self) -> bool {
        self.segments_asked > 0
    }

    /// The playlist has ended and its last segment was fetched, or tried.
    pub(super) fn is_complete(&self) -> bool {
        match (self.newest, self.numbering) {
            (Some(window), Some(numbering)) => {
                self.ended && numbering.highest.saturating_add(1) >= window.next
            }
            _ => false,
        }
    }

    /// Takes in a view; the segments skipped, and whether the playlist went backwards since the last one.
    pub(super) fn view(&mut self, view: &PlaylistView) -> (u64, bool) {
        let window =
            Window { first: view.first_sequence, next: view.first_sequence.saturating_add(view.segments) };
        let backwards =
            self.newest.is_some() && (window.next < self.last.next || window.first < self.last.first);
        self.last = window;
        // An older copy from another cache overlaps with what was seen; a numbering that began anew does not.
        let anew = backwards && self.newest.is_some_and(|newest| window.next <= newest.first);
        if anew {
            self.numbering = None;
        }
        if anew || self.newest.is_none_or(|newest| window.next >= newest.next) {
            self.newest = Some(window);
            self.ended = view.ended;
            self.target = self.target.max(view.target_duration.min(LONGEST_MEDIA));
            let count = u32::try_from(view.segments).unwrap_or(u32::MAX);
            self.mean_media = view.media.checked_div(count).unwrap_or_default().min(LONGEST_MEDIA);
        }
        (self.settle(), backwards)
    }

    /// Takes in a request for a segment; `got` when all of it came.
    pub(super) fn segment(&mut self, segment: &Segment, got: bool) -> Taken {
        let count = u32::try_from(segment.merged).unwrap_or(u32::MAX).saturating_add(1);
        self.segments_asked = self.segments_asked.saturating_add(u8::try_from(count).unwrap_or(u8::MAX));
        self.target = self.target.max((segment.media / count).min(LONGEST_MEDIA));
        let numbering = self.numbering.get_or_insert_with(|| Numbering::from(segment.sequence));
        let mut taken = Taken::default();
        for sequence in segment.sequence..=segment.sequence.saturating_add(segment.merged) {
            let one = numbering.take(sequence, got);
            taken = Taken { new: taken.new | one.new, skipped: taken.skipped + one.skipped };
        }
        taken.skipped += self.settle();
        self.received |= taken.new;
        taken
    }

    /// Segments that were never asked for and that the newest playlist no longer lists are skipped for good; those
    /// that it lists may still be on their way. Without a playlist nothing is known to be on its way.
    fn settle(&mut self) -> u64 {
        let first = self.newest.map_or(u64::MAX, |window| window.first);
        self.numbering.as_mut().map_or(0, |numbering| numbering.settle(first.min(numbering.highest)))
    }

    /// Media that the newest live playlist lists after what was asked for: exact where segments are equally long.
    pub(super) fn listed_ahead(&self) -> Option<Duration> {
        let (window, numbering) = (self.newest?, self.numbering?);
        if self.ended || !self.received {
            return None;
        }
        let segments = window.next.saturating_sub(numbering.highest.saturating_add(1));
        Some(self.mean_media.saturating_mul(u32::try_from(segments).unwrap_or(u32::MAX)))
    }
}

/// Which sequence numbers were asked for and received: bit n stands for `highest - n`.
#[derive(Clone, Copy, Debug)]
struct Numbering {
    highest: u64,
    asked: u64,
    received: u64,
    /// All below are decided: asked for, or counted as skipped.
    settled: u64,
}

impl Numbering {
    fn from(sequence: u64) -> Self {
        Self { highest: sequence, asked: 0, received: 0, settled: sequence }
    }

    fn take(&mut self, sequence: u64, got: bool) -> Taken {
        let mut skipped = 0;
        let jump = sequence.saturating_sub(self.highest);
        if jump > LONGEST_JUMP || self.highest.saturating_sub(sequence) >= MEMORY {
            *self = Self::from(sequence);
        } else if jump > 0 {
            // What leaves the memory is decided now.
            skipped = self.settle(sequence.saturating_sub(MEMORY - 1));
            let shift = u32::try_from(jump).unwrap_or(u32::MAX);
            self.asked = self.asked.checked_shl(shift).unwrap_or(0);
            self.received = self.received.checked_shl(shift).unwrap_or(0);
            self.highest = sequence;
        }
        let bit = 1 << (self.highest - sequence);
        self.asked |= bit;
        let new = got && self.received & bit == 0;
        if got {
            self.received |= bit;
        }
        Taken { new, skipped }
    }

    /// Decides all numbers below `before`; those that nobody asked for.
    fn settle(&mut self, before: u64) -> u64 {
        let skipped = (self.settled..before).filter(|&sequence| !self.was_asked(sequence)).count();
        self.settled = self.settled.max(before);
        skipped as u64
    }

    fn was_asked(&self, sequence: u64) -> bool {
        let back = self.highest.checked_sub(sequence);
        back.is_some_and(|back| back < MEMORY && self.asked >> back & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(numbering: &mut Numbering, sequence: u64) -> (bool, u64) {
        let taken = numbering.take(sequence, true);
        (taken.new, taken.skipped)
    }

    #[test]
    fn each_sequence_number_is_new_once_in_whatever_order_it_comes() {
        let mut numbering = Numbering::from(10);
        let news: Vec<_> = [10, 12, 11, 12, 9, 10, 73].map(|n| taken(&mut numbering, n).0).into();
        assert_eq!(news, [true, true, true, false, true, false, true]);
    }

    #[test]
    fn what_leaves_the_memory_unasked_is_skipped() {
        let mut numbering = Numbering::from(0);
        assert_eq!(taken(&mut numbering, 0), (true, 0));
        assert_eq!(taken(&mut numbering, 63), (true, 0));
        assert_eq!(taken(&mut numbering, 65), (true, 1), "number 1");
        assert_eq!(taken(&mut numbering, 200), (true, 133), "2 to 136 without 63 and 65");
        assert_eq!(numbering.settle(200), 63);
    }

    #[test]
    fn a_jump_beyond_reason_or_out_of_memory_begins_anew() {
        let mut numbering = Numbering::from(0);
        taken(&mut numbering, 0);
        assert_eq!(taken(&mut numbering, 1_700_000_000), (true, 0));
        assert_eq!(taken(&mut numbering, 3), (true, 0));
        assert_eq!(taken(&mut numbering, 3), (false, 0));
        assert_eq!(taken(&mut numbering, u64::MAX), (true, 0));
    }
}
