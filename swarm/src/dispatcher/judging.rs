//! The judgement beside the run: cuts it into seconds and hands them to the judge. Decides nothing.

use std::time::{Duration, Instant};

use super::conductor::Conductor;
use crate::generator::{Resource, Watch};
use crate::judge::{Judge, Judgement};
use crate::origin_metrics::Scraper;
use crate::proxy::recorder::Recorder;
use crate::stats::{Second, Seconds};
use crate::threshold::Threshold;
use crate::verdict::{State, Verdict};

/// What the seconds are made of, beside the conductor's own books.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    pub(super) recorder: Option<&'a Recorder>,
    pub(super) generator: &'a Watch,
    pub(super) origin: Option<&'a Scraper>,
}

/// What is to be said and done after a second.
#[derive(Debug)]
pub(super) struct Told {
    /// Of the run so far.
    pub(super) verdict: State,
    /// A threshold that ends the run.
    pub(super) crossed: Option<String>,
}

/// The seconds so far.
#[derive(Debug)]
pub(super) struct Judging {
    seconds: Seconds,
    judge: Judge,
}

impl Judging {
    pub(super) fn new(thresholds: Vec<Threshold>, began: Instant) -> Self {
        Self { seconds: Seconds::new(began), judge: Judge::new(thresholds) }
    }

    /// A second has passed.
    pub(super) fn tick(&mut self, conductor: &Conductor, sources: Sources<'_>, now: Instant) -> Told {
        let second = self.cut(conductor, sources, now);
        let crossed = self.judge.take(second, saturation(sources.generator));
        let crossed = crossed.map(|threshold| threshold.text.clone());
        // Who has not played yet shows in the startup times.
        Told { verdict: Verdict::of(&self.judge.evidence(), true).state, crossed }
    }

    /// The end has begun.
    pub(super) fn conclude(mut self, conductor: &Conductor, sources: Sources<'_>, now: Instant) -> Judgement {
        let last = self.cut(conductor, sources, now);
        self.judge.conclude(last, saturation(sources.generator))
    }

    fn cut(&mut self, conductor: &Conductor, sources: Sources<'_>, now: Instant) -> Second {
        let wire = sources.recorder.map(|recorder| recorder.second(now));
        let second = self.seconds.cut(&conductor.stats.totals(), conductor.aims(), wire, now);
        let Sources { generator, origin, .. } = sources;
        Second { generator: generator.latest(), origin: origin.and_then(Scraper::latest), ..second }
    }
}

/// What the load box was short of between two times since the run began.
fn saturation(generator: &Watch) -> impl Fn(Duration, Duration) -> Option<Resource> {
    let snapshot = generator.snapshot();
    move |from, until| snapshot.saturated_in(from.as_secs_f64(), until.as_secs_f64())
}
