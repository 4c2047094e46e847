//! When watchers saw nothing: from the moment in which the first of the viewers that play is stalled or interrupted, to
//! the one in which all of them play again. Time to recover is what remains of an outage once its cause is mended.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// All outages so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outages {
    /// Viewers that see nothing now.
    viewers: u32,
    count: u64,
    first_began: Option<Instant>,
    last: Option<Span>,
    /// Of those before the last.
    total_before: Duration,
    longest_before: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    began: Instant,
    /// `None` while it lasts.
    ended: Option<Instant>,
}

/// When watchers saw nothing. An outage lasts as long as at least one viewer that had played is stalled or interrupted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutagesSnapshot {
    /// Outages, the present one included.
    pub count: u64,
    /// Length of all.
    pub total_s: f64,
    /// Length of the longest.
    pub longest_s: f64,
    /// When the first one began, since the run began.
    pub first_began_after_s: Option<f64>,
    /// When the last one began.
    pub last_began_after_s: Option<f64>,
    /// When all played again after the last one; `None` while it lasts.
    pub recovered_after_s: Option<f64>,
}

impl Outages {
    /// At `at` a viewer that saw nothing since `before` now does since `after`; `None` for a viewer that plays.
    pub(super) fn update(&mut self, before: Option<Instant>, after: Option<Instant>, at: Instant) {
        match (before, after) {
            (None, Some(since)) => {
                if self.viewers == 0 {
                    self.begin(since);
                }
                self.viewers += 1;
            }
            (Some(_), None) => {
                self.viewers = self.viewers.saturating_sub(1);
                if let Some(last) = self.last.as_mut().filter(|_| self.viewers == 0) {
                    last.ended = Some(at.max(last.began));
                }
            }
            _ => {}
        }
    }

    /// A stall is known a little after it began. Where another outage ended in between, it went on instead.
    fn begin(&mut self, since: Instant) {
        if let Some(last) = &mut self.last {
            if last.ended.is_some_and(|ended| ended >= since) {
                last.ended = None;
                return;
            }
            let length = last.length(since);
            self.total_before += length;
            self.longest_before = self.longest_before.max(length);
        }
        self.count += 1;
        self.first_began.get_or_insert(since);
        self.last = Some(Span { began: since, ended: None });
    }

    pub(super) fn snapshot(&self, run_began: Instant, now: Instant) -> OutagesSnapshot {
        let after = |at: Instant| at.saturating_duration_since(run_began).as_secs_f64();
        let length = self.last.map_or(Duration::ZERO, |last| last.length(now));
        OutagesSnapshot {
            count: self.count,
            total_s: (self.total_before + length).as_secs_f64(),
            longest_s: self.longest_before.max(length).as_secs_f64(),
            first_began_after_s: self.first_began.map(after),
            last_began_after_s: self.last.map(|last| after(last.began)),
            recovered_after_s: self.last.and_then(|last| last.ended).map(after),
        }
    }
}

impl Span {
    fn length(&self, now: Instant) -> Duration {
        self.ended.unwrap_or(now).saturating_duration_since(self.began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_lasts_from_the_first_that_sees_nothing_until_all_see_again() {
        let began = Instant::now();
        let at = |s: f64| began + Duration::from_secs_f64(s);
        let mut outages = Outages::default();
        assert_eq!(outages.snapshot(began, at(9.0)), OutagesSnapshot::default());
        outages.update(None, Some(at(10.0)), at(11.0));
        outages.update(None, Some(at(10.5)), at(11.0));
        outages.update(Some(at(10.0)), Some(at(10.0)), at(12.0));
        outages.update(Some(at(10.0)), None, at(13.0));
        let lasting = outages.snapshot(began, at(14.0));
        assert_eq!((lasting.count, lasting.total_s, lasting.recovered_after_s), (1, 4.0, None));
        outages.update(Some(at(10.5)), None, at(15.0));
        outages.update(None, Some(at(20.0)), at(20.0));
        outages.update(Some(at(20.0)), None, at(21.0));
        let expected = OutagesSnapshot {
            count: 2,
            total_s: 6.0,
            longest_s: 5.0,
            first_began_after_s: Some(10.0),
            last_began_after_s: Some(20.0),
            recovered_after_s: Some(21.0),
        };
        assert_eq!(outages.snapshot(began, at(30.0)), expected);
    }

    #[test]
    fn a_stall_that_was_known_late_makes_one_outage_of_two() {
        let began = Instant::now();
        let at = |s: f64| began + Duration::from_secs_f64(s);
        let mut outages = Outages::default();
        outages.update(None, Some(at(1.0)), at(1.0));
        outages.update(Some(at(1.0)), None, at(2.5));
        outages.update(None, Some(at(2.0)), at(3.0));
        let lasting = outages.snapshot(began, at(4.0));
        assert_eq!((lasting.count, lasting.total_s, lasting.recovered_after_s), (1, 3.0, None));
    }
}
