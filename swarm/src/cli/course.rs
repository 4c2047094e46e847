//! The flags that say how many viewers shall run when, read together: some of them speak for others.

use std::time::Duration;

use super::{Collector, parse_clients};
use crate::go_duration;
use crate::limit_run::FindLimit;
use crate::plan::{Course, LONGEST_LEVEL_HOLD, SHORTEST_LEVEL_HOLD};
use crate::stages::Stages;
use crate::threshold::{self, Threshold};

/// As they were typed.
pub(super) struct CourseFlags {
    pub(super) clients: String,
    pub(super) duration: String,
    pub(super) stages: Option<String>,
    pub(super) find_limit: bool,
    pub(super) limit_tolerance: String,
    pub(super) level_hold: String,
    pub(super) direct: bool,
}

/// As they are meant.
pub(super) struct CourseRead {
    pub(super) course: Course,
    /// Most at the same time.
    pub(super) clients: u32,
    pub(super) duration: Option<Duration>,
    /// For the run as a whole.
    pub(super) thresholds: Vec<Threshold>,
}

impl CourseFlags {
    /// `None` when there is a mistake, which is noted. `thresholds` are those that were given.
    pub(super) fn read(
        self,
        thresholds: Option<Vec<Threshold>>,
        take: &mut Collector<'_>,
    ) -> Option<CourseRead> {
        let clients = take.flag("clients", parse_clients(&self.clients));
        let duration = take.flag("duration", go_duration::parse(&self.duration));
        let stages = self.stages.map(|text| take.flag("stages", Stages::parse(&text)));
        let tolerance = take.flag("limit-tolerance", parse_tolerance(&self.limit_tolerance));
        let hold = take.flag("level-hold", parse_level_hold(&self.level_hold));
        if self.find_limit && stages.is_some() {
            take.note("-find-limit and -stages exclude each other: the search decides how many viewers run");
        }
        if self.find_limit && self.direct {
            take.note(
                "-find-limit and -direct exclude each other: nothing is measured that a level could be judged by",
            );
        }
        let (clients, tolerance, hold, thresholds) = (clients?, tolerance?, hold?, thresholds?);
        let duration = Some(duration?).filter(|duration| !duration.is_zero());
        Some(match stages {
            Some(stages) => {
                let stages = stages?;
                let (clients, duration) = (stages.peak(), Some(stages.duration()));
                CourseRead { course: Course::Stages(stages), clients, duration, thresholds }
            }
            None if self.find_limit => {
                // They are for the levels: that some fail is no fault of the run.
                let thresholds = if thresholds.is_empty() { threshold::defaults() } else { thresholds };
                let search = FindLimit { most: clients, tolerance, hold, thresholds };
                CourseRead { course: Course::FindLimit(search), clients, duration, thresholds: Vec::new() }
            }
            None => CourseRead { course: Course::Hold, clients, duration, thresholds },
        })
    }
}

/// Written as `5%` or `0.05`. Above a half, doubling alone would be as good.
fn parse_tolerance(text: &str) -> Result<f64, String> {
    let (number, unit) = text.strip_suffix('%').map_or((text, 1.0), |percent| (percent, 0.01));
    let share = number.trim().parse::<f64>().ok().map(|number| number * unit);
    let share = share.filter(|share| (0.0..=0.5).contains(share));
    share.ok_or_else(|| format!("\"{text}\" is not a share from 0% to 50%"))
}

fn parse_level_hold(text: &str) -> Result<Duration, String> {
    let hold = go_duration::parse(text)?;
    let sensible = SHORTEST_LEVEL_HOLD..=LONGEST_LEVEL_HOLD;
    sensible.contains(&hold).then_some(hold).ok_or_else(|| format!("\"{text}\" is not from 3s to 1h"))
}
