//! What a viewer has lived through, as far as it decides what comes next: what the end of a process means, and when the
//! next one starts. Pure.

use std::time::Duration;

use supervise::{Backoff, Exit};

use super::{Ending, PROVEN_AFTER, StartKind};
use crate::ffmpeg::{Analysis, failure};

/// A viewer's history, as far as it decides what comes next.
#[derive(Debug)]
pub(super) struct History {
    /// The preflight saw a VOD.
    is_vod: bool,
    backoff: Backoff,
    pub(super) next_start: StartKind,
}

impl History {
    pub(super) fn new(is_vod: bool, first_start: StartKind, seed: u64) -> Self {
        Self { is_vod, backoff: Backoff::new(seed), next_start: first_start }
    }

    /// What the end of a process means. `left` is what the wire knows to be left to play of a stream that has ended
    /// and was fetched to its end. Only a process that played can complete a view: one that ends at once with code 0
    /// would spin.
    pub(super) fn judge(
        &self,
        exit: Exit,
        media: Duration,
        left: Option<Duration>,
        said: &[String],
    ) -> Ending {
        let has_ended = self.is_vod || left.is_some();
        if has_ended && exit == Exit::Code(0) && media > Duration::ZERO {
            Ending::Completed
        } else {
            Ending::Failed { reason: failure::reason(said, exit) }
        }
    }

    /// A process could not be started: how long to wait before the next try.
    pub(super) fn not_started(&mut self) -> Option<Duration> {
        self.backoff.next()
    }

    /// How long to wait before the next process; `None` for never. The last seconds of a live stream are played before
    /// it is viewed again, as the VOD that it has become: otherwise all viewers would fetch them over and over.
    #[must_use]
    pub(super) fn ended(
        &mut self,
        ending: &Ending,
        played: Duration,
        left: Option<Duration>,
    ) -> Option<Duration> {
        if played >= PROVEN_AFTER {
            self.backoff.reset();
        }
        match ending {
            Ending::Stopped => None,
            Ending::Completed => {
                self.backoff.reset();
                self.next_start = StartKind::NextView;
                Some(left.filter(|_| !self.is_vod).unwrap_or_default())
            }
            // At once, and once only: the next look is not short.
            Ending::LookedTooShort => {
                self.next_start = StartKind::LongerLook;
                Some(Duration::ZERO)
            }
            Ending::Failed { .. } => {
                self.next_start = StartKind::Restart;
                self.backoff.next()
            }
        }
    }
}

/// Whether a process ended because the short look at its stream did not tell what is in it.
pub(super) fn looked_too_short(analysis: Analysis, media: Duration, said: &[String]) -> bool {
    analysis == Analysis::Short && media.is_zero() && failure::did_not_identify(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEDIA: Duration = Duration::from_secs(12);

    fn failed() -> Ending {
        Ending::Failed { reason: "gone".to_owned() }
    }

    #[test]
    fn only_a_stream_with_an_end_that_played_and_exited_with_zero_completes() {
        let known = Some(Duration::from_secs(6));
        for (is_vod, exit, media, left, completes) in [
            (true, Exit::Code(0), MEDIA, None, true),
            (true, Exit::Code(0), Duration::ZERO, known, false),
            (true, Exit::Code(1), MEDIA, known, false),
            (true, Exit::Signal(9), MEDIA, None, false),
            (false, Exit::Code(0), MEDIA, None, false),
            (false, Exit::Code(0), MEDIA, known, true),
            (false, Exit::Code(1), MEDIA, known, false),
        ] {
            let ending = History::new(is_vod, StartKind::First, 1).judge(exit, media, left, &[]);
            assert_eq!(ending == Ending::Completed, completes, "{is_vod} {exit} {media:?} {left:?}");
        }
    }

    #[test]
    fn a_short_look_that_told_nothing_is_followed_by_a_longer_one_at_once() {
        let unknown =
            ["[hls @ 0x1] [warning] Could not find codec parameters for stream 1 (Audio: aac)".to_owned()];
        assert!(looked_too_short(Analysis::Short, Duration::ZERO, &unknown));
        assert!(!looked_too_short(Analysis::Full, Duration::ZERO, &unknown), "once only");
        assert!(!looked_too_short(Analysis::Short, MEDIA, &unknown), "it played");
        assert!(!looked_too_short(Analysis::Short, Duration::ZERO, &["[error] 404".to_owned()]));
        let mut history = History::new(false, StartKind::First, 1);
        assert_eq!(history.ended(&Ending::LookedTooShort, Duration::ZERO, None), Some(Duration::ZERO));
        assert_eq!(history.next_start, StartKind::LongerLook);
    }

    #[test]
    fn a_completed_view_is_followed_at_once_and_is_no_restart() {
        let mut history = History::new(true, StartKind::First, 1);
        assert_eq!(history.ended(&Ending::Completed, MEDIA, Some(MEDIA)), Some(Duration::ZERO));
        assert_eq!(history.next_start, StartKind::NextView);
    }

    #[test]
    fn the_last_seconds_of_a_live_stream_are_played_before_it_is_viewed_again() {
        let mut history = History::new(false, StartKind::First, 1);
        assert_eq!(history.ended(&Ending::Completed, MEDIA, Some(MEDIA)), Some(MEDIA));
        assert_eq!(history.next_start, StartKind::NextView);
    }

    #[test]
    fn failures_wait_longer_and_longer_until_a_process_has_proven_itself() {
        let mut history = History::new(false, StartKind::First, 1);
        let first = history.ended(&failed(), Duration::ZERO, None).unwrap();
        let fifth = (0..4).filter_map(|_| history.ended(&failed(), Duration::ZERO, None)).last().unwrap();
        assert!(fifth > 4 * first, "{first:?} {fifth:?}");
        assert_eq!(history.next_start, StartKind::Restart);
        let short_lived = history.ended(&failed(), PROVEN_AFTER / 2, None).unwrap();
        assert!(short_lived > 4 * first, "{short_lived:?}");
        let proven = history.ended(&failed(), PROVEN_AFTER, None).unwrap();
        assert!(proven <= Backoff::FIRST.mul_f64(1.2), "{proven:?}");
    }

    #[test]
    fn a_stopped_viewer_stays_stopped() {
        assert_eq!(History::new(false, StartKind::First, 1).ended(&Ending::Stopped, MEDIA, None), None);
    }
}
