//! Viewers that a fault in `swarm` itself has ended, and when another one takes their seats. The pauses are those of an
//! FFmpeg that fails, so a fault that comes at each start spins no more than a stream that cannot be played. Pure: it is
//! told the time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use supervise::Backoff;

use crate::viewer::{PROVEN_AFTER, StartKind};

/// The seats that ever lost a viewer.
#[derive(Debug, Default)]
pub(super) struct Replacements(BTreeMap<u32, Replacement>);

#[derive(Debug)]
struct Replacement {
    backoff: Backoff,
    /// As what the next one starts.
    kind: StartKind,
    /// When it does; `None` while one is there.
    due: Option<Instant>,
    /// When the last one did.
    started: Option<Instant>,
}

impl Replacements {
    /// The viewer of this number is lost: another one starts after a pause, as this.
    pub(super) fn lost(&mut self, number: u32, kind: StartKind, now: Instant) {
        let replacement = self.0.entry(number).or_insert_with(|| Replacement {
            // The number is enough for viewers that were lost together not to come back together.
            backoff: Backoff::new(number.into()),
            kind,
            due: None,
            started: None,
        });
        let lived = replacement.started.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        if lived >= PROVEN_AFTER {
            replacement.backoff.reset();
        }
        replacement.kind = kind;
        replacement.due = replacement.backoff.next().map(|pause| now + pause);
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.values().filter_map(|replacement| replacement.due).min()
    }

    /// One that is due now.
    pub(super) fn take(&mut self, now: Instant) -> Option<(u32, StartKind)> {
        let is_due = |replacement: &Replacement| replacement.due.is_some_and(|due| due <= now);
        let (number, replacement) = self.0.iter_mut().find(|(_, replacement)| is_due(replacement))?;
        replacement.due = None;
        replacement.started = Some(now);
        Some((*number, replacement.kind))
    }

    /// The seat was taken otherwise.
    pub(super) fn forget(&mut self, number: u32) {
        self.0.remove(&number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_that_is_lost_at_each_start_comes_back_later_and_later() {
        let mut replacements = Replacements::default();
        let mut now = Instant::now();
        let mut pauses = Vec::new();
        for _ in 0..9 {
            replacements.lost(3, StartKind::Restart, now);
            let due = replacements.next().unwrap();
            let before_due = now + (due - now) / 2;
            assert_eq!(replacements.take(before_due), None);
            assert_eq!(replacements.take(due), Some((3, StartKind::Restart)));
            pauses.push(due - now);
            now = due;
        }
        assert_eq!(replacements.next(), None);
        assert!(pauses[0] <= Backoff::FIRST.mul_f64(1.2) && pauses[8] >= Backoff::LONGEST.mul_f64(0.8));
        replacements.lost(3, StartKind::Restart, now + PROVEN_AFTER);
        let proven = replacements.next().unwrap() - (now + PROVEN_AFTER);
        assert!(proven <= Backoff::FIRST.mul_f64(1.2), "{proven:?}");
    }

    #[test]
    fn a_seat_that_was_taken_otherwise_waits_for_nobody() {
        let mut replacements = Replacements::default();
        replacements.lost(3, StartKind::First, Instant::now());
        replacements.forget(3);
        assert_eq!(replacements.next(), None);
    }
}
