//! The judgement of a run while it goes on: takes its seconds, keeps the books that a verdict needs, and watches the
//! thresholds. Says that the run should end, and ends nothing itself. Pure.
//!
//! The steady part is what is judged: all seconds in which the number of viewers stood at its target, from
//! [`SETTLE_TARGETS`] target durations after it got there. The ramp is kept apart.

mod signs;
mod trouble;
mod watch;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use signs::{Sign, SignSeen, Signs};
pub use trouble::{RECOVERED_AFTER, Trouble};
pub use watch::{JudgedThreshold, ThresholdResult};

use watch::Watch;

use crate::generator::Resource;
use crate::stats::{Figures, Row, Second, Series, Window};
use crate::threshold::Threshold;

/// A viewer that joins fetches three target durations of media at once (RFC 8216 6.3.3: it starts no nearer to the end
/// of a live stream), and only then at the pace of the stream.
pub const SETTLE_TARGETS: f64 = 3.0;

/// Settling where no live playlist is known: three segments of six seconds, as Apple recommends them, would outlast
/// short runs; three of the usual two seconds it is.
const SETTLE_UNKNOWN: Duration = Duration::from_secs(6);

/// Longest settling, whatever a target duration says: half a minute is three segments of ten seconds.
const LONGEST_SETTLE: Duration = Duration::from_secs(30);

/// A steady part below this says nothing by itself: one segment of the usual length, and a bit. The whole run is judged
/// then.
const SHORTEST_STEADY: Duration = Duration::from_secs(3);

/// Of less than this nothing is said: the run is cut into seconds when it begins, so the first is none, and one may come
/// a little early.
const SHORTEST_KNOWN_S: f64 = 0.5;

/// Takes the seconds of a run. Holds 3 MB, whatever the length of the run.
#[derive(Debug)]
pub struct Judge {
    watches: Vec<Watch>,
    /// The newest second: whether the load box was saturated in it is known a second later.
    newest: Option<Second>,
    steady_from: Option<Duration>,
    settled_at: Duration,
    settle: Duration,
    ramp: Window,
    steady: Window,
    /// The steady part with the seconds in which the load box was saturated.
    steady_whole: Window,
    /// The steady part without trouble and what follows from it.
    calm: Window,
    everything: Window,
    signs: Signs,
    trouble: Trouble,
    series: Series,
    saturated: Option<Resource>,
    /// Most viewers that should run.
    clients: u32,
}

/// What was seen, ready for a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Most viewers that should run at the same time.
    pub clients: u32,
    /// When the steady part began, since the run began; null when it was too short, and the whole run is judged.
    pub steady_from_s: Option<f64>,
    /// What is judged: the steady part, or the whole run.
    pub judged: Figures,
    /// The same with the seconds in which the load box was saturated.
    #[serde(skip)]
    pub judged_whole: Figures,
    /// The judged part without trouble and what follows from it.
    #[serde(skip)]
    pub calm: Figures,
    /// The ramps.
    pub ramp: Figures,
    /// What went wrong, in the order in which it first did.
    pub first_signs: Vec<SignSeen>,
    /// When it went badly wrong.
    pub trouble: Trouble,
    /// What the load box was short of, the last time.
    pub saturated: Option<Resource>,
}

/// A judgement at the end of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judgement {
    /// What was seen.
    pub evidence: Evidence,
    /// Each threshold, in the order given.
    pub thresholds: Vec<JudgedThreshold>,
    /// The run second by second.
    pub series: Vec<Row>,
}

impl Default for Evidence {
    fn default() -> Self {
        Judge::new(Vec::new()).evidence()
    }
}

impl Evidence {
    /// Whether enough was seen to say anything.
    pub fn is_known(&self) -> bool {
        self.judged.span_s + self.judged.left_out_s >= SHORTEST_KNOWN_S
    }
}

impl Judge {
    /// Of a run that must hold these.
    pub fn new(thresholds: Vec<Threshold>) -> Self {
        Self {
            watches: thresholds.into_iter().map(Watch::new).collect(),
            newest: None,
            steady_from: None,
            settled_at: Duration::ZERO,
            settle: SETTLE_UNKNOWN,
            ramp: Window::default(),
            steady: Window::default(),
            steady_whole: Window::default(),
            calm: Window::default(),
            everything: Window::default(),
            signs: Signs::default(),
            trouble: Trouble::default(),
            series: Series::default(),
            saturated: None,
            clients: 0,
        }
    }

    /// Takes the next second, and judges the one before: `saturated` tells what the load box was short of between two
    /// times since the run began. A threshold that ends the run, once it is crossed for long enough.
    pub fn take(
        &mut self,
        second: Second,
        saturated: impl Fn(Duration, Duration) -> Option<Resource>,
    ) -> Option<&Threshold> {
        if let Some(before) = self.newest.replace(second) {
            let resource = saturated(before.began_after(), before.ended_after);
            self.judge(&Second { saturated: resource, ..before });
        }
        self.watches.iter().find(|watch| watch.ends_the_run()).map(Watch::threshold)
    }

    fn judge(&mut self, second: &Second) {
        let figures = Window::of(second).figures();
        let age = second.wire.as_ref().and_then(|wire| wire.oldest_playlist);
        if let Some(age) = age {
            self.settle = Duration::try_from_secs_f64(age.target_duration_s * SETTLE_TARGETS)
                .map_or(LONGEST_SETTLE, |settle| settle.min(LONGEST_SETTLE));
        }
        if second.is_ramping() {
            self.settled_at = second.ended_after;
        }
        let is_steady = !second.is_ramping() && second.began_after() >= self.settled_at + self.settle;
        if second.saturated.is_some() {
            self.saturated = second.saturated;
        } else {
            self.signs.look_at(second, &figures);
            self.trouble.look_at(second, &figures, is_steady);
            for watch in &mut self.watches {
                watch.look_at(second, &figures, is_steady);
            }
        }
        self.clients = self.clients.max(second.wanted);
        self.everything.add(second);
        if is_steady {
            self.steady_from.get_or_insert(second.began_after());
            self.steady.add(second);
            self.steady_whole.add_whole(second);
            if self.trouble.is_over_at(second.began_after()) {
                self.calm.add(second);
            }
        } else {
            self.ramp.add(second);
            self.steady.add_startups(second);
            self.steady_whole.add_startups(second);
        }
        self.series.add(second);
    }

    /// What is known so far, without the newest second.
    pub fn evidence(&self) -> Evidence {
        let is_long_enough = self.steady_whole.lasted() >= SHORTEST_STEADY;
        let (judged, whole) = if is_long_enough {
            (&self.steady, &self.steady_whole)
        } else {
            (&self.everything, &self.everything)
        };
        Evidence {
            clients: self.clients,
            steady_from_s: self.steady_from.filter(|_| is_long_enough).map(|from| from.as_secs_f64()),
            judged: judged.figures(),
            judged_whole: whole.figures(),
            calm: self.calm.figures(),
            ramp: self.ramp.figures(),
            first_signs: self.signs.in_order(),
            trouble: self.trouble.clone(),
            saturated: self.saturated,
        }
    }

    /// The run has ended, with a last second that may be a short one.
    pub fn conclude(
        mut self,
        last: Second,
        saturated: impl Fn(Duration, Duration) -> Option<Resource>,
    ) -> Judgement {
        self.take(last, &saturated);
        if let Some(last) = self.newest.take() {
            let resource = saturated(last.began_after(), last.ended_after);
            self.judge(&Second { saturated: resource, ..last });
        }
        let evidence = self.evidence();
        let thresholds = self.watches.iter().map(|watch| watch.conclude(&evidence.judged)).collect();
        Judgement { evidence, thresholds, series: self.series.rows().to_vec() }
    }
}

impl Judgement {
    /// Thresholds that were crossed.
    pub fn crossed(&self) -> impl Iterator<Item = &JudgedThreshold> {
        self.thresholds.iter().filter(|judged| judged.result == ThresholdResult::Crossed)
    }
}

#[cfg(test)]
pub(crate) mod tests;
