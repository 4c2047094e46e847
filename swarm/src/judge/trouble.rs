//! Spells in which it went badly wrong: an outage is one that ended. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::stats::{Figures, STUCK_AFTER_TARGETS, Second};

/// A second is in trouble when a tenth of the viewers' time, of the requests, or of the viewers is lost in it.
const LOST_FROM: f64 = 0.1;

/// Trouble that comes back within this time never went away, and this long after it a run has recovered: one round of
/// the longest back-off, so that a viewer which failed in it has been started again.
pub const RECOVERED_AFTER: Duration = Duration::from_secs(5);

/// The spells of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trouble {
    /// How many.
    pub spells: u32,
    /// Their length together.
    pub lasted_s: f64,
    /// When the last one began, since the run began.
    pub last_from_s: Option<f64>,
    /// When it ended.
    pub last_until_s: Option<f64>,
    /// The last one is over, for at least five seconds.
    pub recovered: bool,
}

impl Trouble {
    /// In a ramp viewers are missing because they have not been started.
    pub(super) fn look_at(&mut self, second: &Second, figures: &Figures, is_steady: bool) {
        let (from_s, until_s) = (second.began_after().as_secs_f64(), second.ended_after.as_secs_f64());
        let is_lost = |share: Option<f64>| share.is_some_and(|share| share >= LOST_FROM);
        let missing = figures.clients_active_min_ratio.filter(|_| is_steady).map(|ratio| 1.0 - ratio);
        let is_stuck = figures.playlist_age_targets.is_some_and(|age| age > STUCK_AFTER_TARGETS);
        if !(is_lost(figures.rebuffer_ratio) || is_lost(figures.error_ratio) || is_lost(missing) || is_stuck)
        {
            self.recovered = self.spells > 0 && self.is_over_at(second.ended_after);
            return;
        }
        self.recovered = false;
        match self.last_until_s.replace(until_s) {
            Some(last) if from_s - last < RECOVERED_AFTER.as_secs_f64() => self.lasted_s += until_s - last,
            _ => {
                self.spells += 1;
                self.lasted_s += until_s - from_s;
                self.last_from_s = Some(from_s);
            }
        }
    }

    /// Whether what happens at this time no longer follows from trouble.
    pub(super) fn is_over_at(&self, after: Duration) -> bool {
        self.last_until_s.is_none_or(|until_s| after.as_secs_f64() - until_s >= RECOVERED_AFTER.as_secs_f64())
    }
}
