//! The search for the limit, carried out: fed with the seconds of the run, it says how many viewers shall run, and in
//! the end what was found. Pure: it starts nothing and never reads the clock.

mod cause;
mod finding;
mod level;

use std::time::Duration;

pub use finding::{Finding, signs_in_words};
pub use level::{Crossed, LevelRecord};

use level::LevelRun;

use crate::generator::Resource;
use crate::limit_search::{Answer, LimitSearch, Next};
use crate::stats::Second;
use crate::threshold::Threshold;

/// What to search, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct FindLimit {
    /// Most viewers that may run, at least 1.
    pub most: u32,
    /// How near to each other the last good and the first bad level shall be, as a share of the bad one, 0 to 1.
    pub tolerance: f64,
    /// How long a level of full length is held.
    pub hold: Duration,
    /// What a level must hold.
    pub thresholds: Vec<Threshold>,
}

/// A search under way.
#[derive(Debug)]
pub struct LimitRun {
    settings: FindLimit,
    search: LimitSearch,
    /// `None` when the search is over.
    level: Option<LevelRun>,
    records: Vec<LevelRecord>,
    answer: Option<Answer>,
    /// The newest second: whether the load box was saturated in it is known a second later.
    newest: Option<Second>,
}

/// What a second led to.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// The level goes on.
    Nothing,
    /// A level is over, told in a line; so many viewers shall run now.
    Aim(u32, String),
    /// The last level is over, told in a line; the run has nothing more to do.
    Finish(String),
}

impl LimitRun {
    /// A search that begins with the run.
    pub fn new(settings: FindLimit) -> Self {
        let search = LimitSearch::new(settings.most, settings.tolerance);
        let mut run = Self { settings, search, level: None, records: Vec::new(), answer: None, newest: None };
        run.go_on(None, 0.0);
        run
    }

    /// No level is judged sooner, by how long one of full length is held.
    pub fn shortest_level(hold: Duration) -> Duration {
        hold / level::TRIAL_SHARE
    }

    /// How many viewers shall run now; 0 when the search is over.
    pub fn viewers(&self) -> u32 {
        self.level.as_ref().map_or(0, |run| run.level().viewers)
    }

    /// The bracket so far: most viewers that held, fewest that failed.
    pub fn bracket(&self) -> (u32, Option<u32>) {
        self.search.bracket()
    }

    /// Takes in the next second of the run, and looks at the one before: `saturated` tells what the load box was short
    /// of between two times since the run began.
    pub fn second(
        &mut self,
        second: Second,
        saturated: impl Fn(Duration, Duration) -> Option<Resource>,
    ) -> Ask {
        let Some(before) = self.newest.replace(second) else { return Ask::Nothing };
        let saturated = saturated(before.began_after(), before.ended_after);
        let ask = self.look_at(&Second { saturated, ..before });
        if ask != Ask::Nothing {
            // The newest second still belongs to the level that is over.
            self.newest = None;
        }
        ask
    }

    fn look_at(&mut self, second: &Second) -> Ask {
        let Some(mut run) = self.level.take() else { return Ask::Nothing };
        if !run.add(second, self.settings.hold) {
            self.level = Some(run);
            return Ask::Nothing;
        }
        let (level, target_duration) = (run.level(), run.target_duration());
        let record = run.record(&self.settings.thresholds, true);
        let line = record.line();
        if let Some(judgement) = record.judgement {
            self.search.judged(level, judgement);
        }
        self.records.push(record);
        self.go_on(target_duration, second.ended_after.as_secs_f64());
        match &self.level {
            Some(next) => Ask::Aim(next.level().viewers, line),
            None => Ask::Finish(line),
        }
    }

    fn go_on(&mut self, target_duration: Option<Duration>, now_s: f64) {
        match self.search.next() {
            Next::Try(level) => self.level = Some(LevelRun::new(level, target_duration, now_s)),
            Next::Done(answer) => self.answer = Some(answer),
        }
    }

    /// What was found, the level that was not finished included.
    pub fn finding(mut self) -> Finding {
        if let Some(unfinished) = self.level.take() {
            self.records.push(unfinished.record(&self.settings.thresholds, false));
        }
        Finding::new(self.answer, self.search.bracket(), self.settings, self.records)
    }
}

#[cfg(test)]
mod tests;
