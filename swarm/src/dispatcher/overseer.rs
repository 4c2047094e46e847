//! Who looks on: cuts the run into seconds and gives them to the judge and to the search for the limit. Says what they
//! wish for, and does nothing itself.

use std::time::{Duration, Instant};

use super::conductor::Conductor;
use super::{EndedBy, Pace, Steer};
use crate::generator::{Resource, Watch};
use crate::judge::{Judge, Judgement};
use crate::limit_run::{Ask, FindLimit, Finding, LimitRun};
use crate::origin_metrics::Scraper;
use crate::output::metrics::Metrics;
use crate::output::moment::Bracket;
use crate::proxy::recorder::Recorder;
use crate::stats::{Second, Seconds};
use crate::threshold::Threshold;
use crate::verdict::Verdict;

/// What a second led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Nothing,
    Steer(Steer),
    End(EndedBy),
}

/// Where a second is read from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sources<'a> {
    /// `None` where FFmpegs fetch by themselves.
    pub(super) recorder: Option<&'a Recorder>,
    pub(super) generator: &'a Watch,
    /// The origin's own metrics, where somebody asks for them.
    pub(super) origin: Option<&'a Scraper>,
}

/// The books of a run that goes on.
#[derive(Debug)]
pub(super) struct Overseer {
    seconds: Seconds,
    judge: Judge,
    verdict: Option<Verdict>,
    search: Option<LimitRun>,
}

impl Overseer {
    pub(super) fn new(thresholds: Vec<Threshold>, search: Option<FindLimit>, began: Instant) -> Self {
        Self {
            seconds: Seconds::new(began),
            judge: Judge::new(thresholds),
            verdict: None,
            search: search.map(LimitRun::new),
        }
    }

    /// A second is over.
    pub(super) fn second(
        &mut self,
        conductor: &Conductor,
        sources: Sources<'_>,
        metrics: &Metrics,
        now: Instant,
    ) -> Wish {
        let second = self.cut(conductor, sources, now);
        let saturated = sources.saturated();
        if let Some(search) = &mut self.search {
            let ask = search.second(second.clone(), &saturated);
            let (held, failed) = search.bracket();
            metrics.set_limit(search.viewers(), held, failed);
            match ask {
                Ask::Nothing => {}
                Ask::Aim(viewers, line) => {
                    tracing::info!("{line}; next {viewers}");
                    return Wish::Steer(Steer { viewers, pace: Pace::Ramp });
                }
                Ask::Finish(line) => {
                    tracing::info!("{line}");
                    return Wish::End(EndedBy::Search);
                }
            }
        }
        let crossed = self.judge.take(second, &saturated).map(|threshold| threshold.text.clone());
        if self.search.is_none() {
            let evidence = self.judge.evidence();
            // Who has not played yet shows in the startup times.
            self.verdict = evidence.is_known().then(|| Verdict::of(&evidence, true));
            if let Some(verdict) = &self.verdict {
                metrics.set_verdict(verdict.state);
            }
        }
        match crossed {
            Some(crossed) => {
                tracing::warn!("the run ends: {crossed} does not hold");
                Wish::End(EndedBy::Threshold)
            }
            None => Wish::Nothing,
        }
    }

    /// How it goes so far; nothing before a second was judged, nor while a limit is searched.
    pub(super) fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    /// How far the search is, where there is one.
    pub(super) fn bracket(&self) -> Option<Bracket> {
        let search = self.search.as_ref()?;
        let (held, failed) = search.bracket();
        Some(Bracket { trying: search.viewers(), held, failed })
    }

    /// The end has begun: what was seen until now, the last second included.
    pub(super) fn conclude(
        mut self,
        conductor: &Conductor,
        sources: Sources<'_>,
        now: Instant,
    ) -> (Judgement, Option<Finding>) {
        let last = self.cut(conductor, sources, now);
        (self.judge.conclude(last, sources.saturated()), self.search.map(LimitRun::finding))
    }

    fn cut(&mut self, conductor: &Conductor, sources: Sources<'_>, now: Instant) -> Second {
        let wire = sources.recorder.map(|recorder| recorder.second(now));
        let second = self.seconds.cut(&conductor.stats.totals(), conductor.aims(), wire, now);
        let origin = sources.origin.and_then(Scraper::latest);
        Second { generator: sources.generator.latest(), origin, ..second }
    }
}

impl Sources<'_> {
    /// What the load box was short of between two times since the run began.
    fn saturated(self) -> impl Fn(Duration, Duration) -> Option<Resource> {
        let snapshot = self.generator.snapshot();
        move |from, until| snapshot.saturated_in(from.as_secs_f64(), until.as_secs_f64())
    }
}
