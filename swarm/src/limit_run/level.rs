//! One level of the search: ramp, settle, hold, judge. Pure: it is fed with the seconds of the run.

use std::time::Duration;

use super::cause;
use crate::generator::Resource;
use crate::go_duration;
use crate::judge::{SETTLE_TARGETS, Sign, SignSeen, Signs};
use crate::limit_search::{Judgement, Length, Level};
use crate::plural::viewers;
use crate::stats::{Figures, Quantity, Second, Window};
use crate::threshold::Threshold;

/// A short trial takes this share of a whole one, ...
pub(super) const TRIAL_SHARE: u32 = 3;

/// ... but no fewer target durations than this, so that each viewer fetches as many segments.
const TRIAL_TARGETS: u32 = 5;

/// Where no live playlist was seen: the usual length of a segment.
const USUAL_TARGET_DURATION: Duration = Duration::from_secs(2);

/// Seconds in which the load box was saturated are made up for, until a level has taken so many times its length. One
/// that was saturated for longer than that was not under its own load.
const MOST_STRETCH: u32 = 2;

/// A level under way.
#[derive(Debug)]
pub(super) struct LevelRun {
    level: Level,
    began_s: f64,
    ramped: Duration,
    settled: Duration,
    /// Seconds that count.
    held: Duration,
    left_out: Duration,
    window: Window,
    signs: Signs,
    held_signs: Signs,
    target_duration: Option<Duration>,
    saturated_by: Option<Resource>,
}

/// A level as it is reported.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelRecord {
    /// How many viewers.
    pub viewers: u32,
    /// A short trial, or the full length.
    pub length: Length,
    /// What came of it; `None` when the run ended before.
    pub judgement: Option<Judgement>,
    /// When it began, since the run began.
    pub began_after_s: f64,
    /// How long the viewers took to start.
    pub ramped_s: f64,
    /// How long they were given to join.
    pub settled_s: f64,
    /// How much of what followed was judged.
    pub held_s: f64,
    /// How much of it was left out, because the load box was saturated.
    pub left_out_s: f64,
    /// By what it was, the last time.
    pub saturated_by: Option<Resource>,
    /// Thresholds that did not hold.
    pub crossed: Vec<Crossed>,
    /// In the order in which they came, those of the ramp too.
    pub signs: Vec<SignSeen>,
    /// Those that showed after the viewers had joined.
    pub(super) held_signs: Vec<Sign>,
    /// What was seen while it was held, and the startups since it began.
    pub figures: Figures,
    /// Of the playlist.
    pub(super) target_duration: Option<Duration>,
}

/// A threshold that did not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Crossed {
    /// As it was written.
    pub threshold: String,
    /// What was seen, in seconds, target durations, bits per second, or as a bare number or share.
    pub value: f64,
    /// The same, in words.
    pub(super) said: String,
    pub(super) metric: crate::stats::Metric,
}

impl LevelRun {
    pub(super) fn new(level: Level, target_duration: Option<Duration>, began_s: f64) -> Self {
        Self {
            level,
            began_s,
            ramped: Duration::ZERO,
            settled: Duration::ZERO,
            held: Duration::ZERO,
            left_out: Duration::ZERO,
            window: Window::default(),
            signs: Signs::default(),
            held_signs: Signs::default(),
            target_duration,
            saturated_by: None,
        }
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    pub(super) fn target_duration(&self) -> Option<Duration> {
        self.target_duration
    }

    /// Takes in a second; true when the level is over. `hold` is how long a level of full length is held.
    pub(super) fn add(&mut self, second: &Second, hold: Duration) -> bool {
        let oldest = second.wire.as_ref().and_then(|wire| wire.oldest_playlist);
        if let Some(seen) =
            oldest.and_then(|oldest| Duration::try_from_secs_f64(oldest.target_duration_s).ok())
        {
            self.target_duration = self.target_duration.max(Some(seen));
        }
        let target_duration = self.target_duration.unwrap_or(USUAL_TARGET_DURATION);
        let is_ramping = self.settled.is_zero() && second.is_ramping();
        if is_ramping {
            self.ramped += second.lasted;
            self.window.add_startups(second);
        } else if self.settled < target_duration.mul_f64(SETTLE_TARGETS) {
            self.settled += second.lasted;
            self.window.add_startups(second);
        } else {
            self.saturated_by = second.saturated.or(self.saturated_by);
            let count = if second.saturated.is_some() { &mut self.left_out } else { &mut self.held };
            *count += second.lasted;
            self.window.add(second);
        }
        self.look_for_signs(second);
        let hold = self.hold(target_duration, hold);
        self.held >= hold || self.held + self.left_out >= hold * MOST_STRETCH
    }

    /// A second in which the load box was saturated tells nothing of the origin.
    fn look_for_signs(&mut self, second: &Second) {
        if second.saturated.is_none() {
            let figures = Window::of(second).figures();
            self.signs.look_at(second, &figures);
            if !self.held.is_zero() {
                self.held_signs.look_at(second, &figures);
            }
        }
    }

    fn hold(&self, target_duration: Duration, full: Duration) -> Duration {
        match self.level.length {
            Length::Full => full,
            Length::Trial => (full / TRIAL_SHARE).max(target_duration * TRIAL_TARGETS).min(full),
        }
    }

    /// As far as it came; judged, when it came to its end.
    pub(super) fn record(self, thresholds: &[Threshold], is_over: bool) -> LevelRecord {
        let figures = self.window.figures();
        let crossed: Vec<_> =
            thresholds.iter().filter_map(|threshold| crossed(threshold, &figures)).collect();
        let is_saturated = self.left_out > self.held;
        let judgement = match (is_saturated, crossed.is_empty()) {
            (true, _) => Judgement::Saturated,
            (false, true) => Judgement::Held,
            (false, false) => Judgement::Failed,
        };
        LevelRecord {
            viewers: self.level.viewers,
            length: self.level.length,
            judgement: is_over.then_some(judgement),
            began_after_s: self.began_s,
            ramped_s: self.ramped.as_secs_f64(),
            settled_s: self.settled.as_secs_f64(),
            held_s: figures.span_s,
            left_out_s: figures.left_out_s,
            saturated_by: self.saturated_by,
            crossed: if is_over { crossed } else { Vec::new() },
            signs: self.signs.in_order(),
            held_signs: self.held_signs.in_order().into_iter().map(|seen| seen.sign).collect(),
            figures,
            target_duration: self.target_duration,
        }
    }
}

fn crossed(threshold: &Threshold, figures: &Figures) -> Option<Crossed> {
    let value = threshold.reading.value(figures)?;
    (!threshold.comparison.holds(value, threshold.limit)).then(|| Crossed {
        threshold: threshold.text.clone(),
        value,
        said: threshold.say(value),
        metric: threshold.reading.metric,
    })
}

impl LevelRecord {
    /// What broke it, for a sentence: the first sign that explains a threshold, else the first threshold.
    pub(super) fn why(&self) -> Option<(Option<&Sign>, String)> {
        let explains =
            |seen: &&SignSeen| self.crossed.iter().any(|crossed| cause::explains(&seen.sign, crossed.metric));
        if let Some(first) = self.signs.iter().find(explains) {
            return Some((Some(&first.sign), cause::say(&first.sign, &self.figures, self.target_duration)));
        }
        let first = self.crossed.first()?;
        Some((None, format!("{} was seen, {} was asked for", first.said, first.threshold)))
    }

    /// The level in a line: `20 viewers for 10s: held (errors 0.00 %, ...)`.
    pub fn line(&self) -> String {
        let held = go_duration::format(Duration::from_secs_f64(self.held_s.round()));
        let viewers = viewers(self.viewers);
        let what = match self.judgement {
            None => "not finished".to_owned(),
            Some(Judgement::Held) => format!("held ({})", self.in_short()),
            Some(Judgement::Failed) => {
                let crossed: Vec<_> = self
                    .crossed
                    .iter()
                    .map(|crossed| format!("{}, not {}", crossed.said, crossed.threshold))
                    .collect();
                format!("failed ({})", crossed.join("; "))
            }
            Some(Judgement::Saturated) => {
                let by = self.saturated_by.map_or("something", Resource::name);
                format!("invalid: the load box was short of {by} for {:.0} s", self.left_out_s)
            }
        };
        format!("{viewers} for {held}: {what}")
    }

    fn in_short(&self) -> String {
        let percent = |name: &str, share: Option<f64>| {
            share.map(|share| format!("{name} {}", Quantity::Share.say(share)))
        };
        let segments = self
            .figures
            .segment_duration
            .map(|took| format!("segments p95 {}", Quantity::Time.say(took.p95_s)));
        let parts = [
            percent("errors", self.figures.error_ratio),
            percent("rebuffering", self.figures.rebuffer_ratio),
            segments,
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}
