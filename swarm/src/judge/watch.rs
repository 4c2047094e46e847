//! One threshold under way. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::stats::{Figures, Metric, Second};
use crate::threshold::Threshold;

/// A threshold, and for how long it has been wrong.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    threshold: Threshold,
    /// Without a second in which it was right.
    wrong_for: Duration,
    crossing: Option<Crossing>,
}

#[derive(Clone, Copy, Debug)]
struct Crossing {
    after_s: f64,
    value: f64,
}

/// What became of a threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgedThreshold {
    /// As it was given.
    pub threshold: String,
    /// What became of it.
    pub result: ThresholdResult,
    /// What was seen, in the base unit (seconds, target durations, shares from 0 to 1, bit/s); null where nothing was.
    pub value: Option<f64>,
    /// The same in words.
    pub seen: Option<String>,
    /// Of one that is judged second by second: when it was crossed, since the run began.
    pub crossed_after_s: Option<f64>,
    /// It ended the run.
    pub aborted: bool,
}

/// What became of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdResult {
    /// It held.
    Held,
    /// It did not.
    Crossed,
    /// Nothing was seen of it.
    NotJudged,
}

impl Watch {
    pub(super) fn new(threshold: Threshold) -> Self {
        Self { threshold, wrong_for: Duration::ZERO, crossing: None }
    }

    pub(super) fn threshold(&self) -> &Threshold {
        &self.threshold
    }

    /// One second, in which the load box was not saturated. One without a figure goes on as the one before.
    pub(super) fn look_at(&mut self, second: &Second, figures: &Figures, is_steady: bool) {
        let Some(patience) = self.threshold.patience() else { return };
        // What depends on all viewers being there is not judged before they are.
        let needs_all = matches!(self.threshold.reading.metric, Metric::ClientsActive | Metric::Throughput);
        if needs_all && !is_steady {
            return;
        }
        match self.threshold.holds(figures) {
            Some(true) => self.wrong_for = Duration::ZERO,
            None if self.wrong_for.is_zero() => {}
            Some(false) | None => self.wrong_for += second.lasted,
        }
        if self.crossing.is_none()
            && self.wrong_for >= patience
            && let Some(value) = self.threshold.reading.value(figures)
        {
            self.crossing = Some(Crossing { after_s: second.ended_after.as_secs_f64(), value });
        }
    }

    pub(super) fn ends_the_run(&self) -> bool {
        self.threshold.abort && self.crossing.is_some()
    }

    /// At the end, with the figures of what is judged as a whole.
    pub(super) fn conclude(&self, judged: &Figures) -> JudgedThreshold {
        let whole = self.threshold.reading.value(judged);
        let holds = if self.threshold.lasting.is_some() { None } else { self.threshold.holds(judged) };
        let result = match (self.crossing, holds) {
            (Some(_), _) | (None, Some(false)) => ThresholdResult::Crossed,
            (None, Some(true)) => ThresholdResult::Held,
            (None, None) if whole.is_some() => ThresholdResult::Held,
            (None, None) => ThresholdResult::NotJudged,
        };
        let value = self.crossing.map(|crossing| crossing.value).or(whole);
        JudgedThreshold {
            threshold: self.threshold.text.clone(),
            result,
            value,
            seen: value.map(|value| self.threshold.say(value)),
            crossed_after_s: self.crossing.map(|crossing| crossing.after_s),
            aborted: self.ends_the_run(),
        }
    }
}
