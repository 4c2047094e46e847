//! The flags that say how many viewers shall run when, read together: some of them speak for others.

use std::time::Duration;

use clap::{ArgAction, Args};

use super::collector::Collector;
use super::values::{parse_clients, parse_rate, parse_share};
use crate::go_duration;
use crate::limit_run::{FindLimit, LimitRun};
use crate::plan::{Course, LONGEST_LEVEL_HOLD, SHORTEST_LEVEL_HOLD};
use crate::stages::Stages;
use crate::threshold::Threshold;
use crate::verdict::rules;

// As they were typed.
#[derive(Debug, Args)]
pub(super) struct CourseFlags {
    /// Viewers
    #[arg(long, env = "HLSSWARM_CLIENTS", default_value = "10", value_name = "N")]
    clients: String,
    /// Viewers started per second
    #[arg(long, env = "HLSSWARM_RAMP_RATE", default_value = "5", value_name = "PER_SECOND")]
    ramp_rate: String,
    /// Random offset of each start, as a share of the gap between two starts (0 to 1)
    #[arg(long, env = "HLSSWARM_RAMP_JITTER", default_value = "0.2", value_name = "SHARE")]
    ramp_jitter: String,
    /// Run time, counted from the first start; 0 runs until stopped
    #[arg(long, env = "HLSSWARM_DURATION", default_value = "0", value_name = "TIME")]
    duration: String,
    /// Load profile: viewers and time of each stage, such as 50:1m,200:5m,50:1m; sets clients and duration
    #[arg(long, env = "HLSSWARM_STAGES", value_name = "N:TIME,…")]
    stages: Option<String>,
    /// Search for the largest number of viewers, up to -clients, that holds the thresholds (given or default)
    #[arg(long, env = "HLSSWARM_FIND_LIMIT", action = ArgAction::SetTrue, value_parser = clap::builder::FalseyValueParser::new())]
    find_limit: bool,
    /// How near the last good and the first bad level of the search shall be, as a share of the bad one
    #[arg(long, env = "HLSSWARM_LIMIT_TOLERANCE", default_value = "5%", value_name = "SHARE")]
    limit_tolerance: String,
    /// How long a level of the search is held; on the way there shorter trials are made
    #[arg(long, env = "HLSSWARM_LEVEL_HOLD", default_value = "30s", value_name = "TIME")]
    level_hold: String,
}

/// As they are meant.
pub(super) struct CourseRead {
    pub(super) course: Course,
    /// Most at the same time.
    pub(super) clients: u32,
    pub(super) ramp_rate: f64,
    pub(super) ramp_jitter: f64,
    pub(super) duration: Option<Duration>,
    /// For the run as a whole.
    pub(super) thresholds: Vec<Threshold>,
}

impl CourseFlags {
    /// `None` when there is a mistake, which is noted. `thresholds` are those that were given.
    pub(super) fn read(
        self,
        thresholds: Option<Vec<Threshold>>,
        direct: bool,
        take: &mut Collector<'_>,
    ) -> Option<CourseRead> {
        let Self {
            clients,
            ramp_rate,
            ramp_jitter,
            duration,
            stages,
            find_limit,
            limit_tolerance,
            level_hold,
        } = self;
        let clients = take.flag("clients", parse_clients(&clients));
        let ramp_rate = take.flag("ramp-rate", parse_rate(&ramp_rate));
        let ramp_jitter = take.flag("ramp-jitter", parse_share(&ramp_jitter));
        let duration = take.flag("duration", go_duration::parse(&duration));
        let stages = stages.map(|text| take.flag("stages", Stages::parse(&text)));
        let tolerance = take.flag("limit-tolerance", parse_tolerance(&limit_tolerance));
        let hold = take.flag("level-hold", parse_level_hold(&level_hold));
        if find_limit && stages.is_some() {
            take.note("-find-limit and -stages exclude each other: the search decides how many viewers run");
        }
        if find_limit && direct {
            take.note(
                "-find-limit and -direct exclude each other: nothing is measured that a level could be judged by",
            );
        }
        if let (true, Some(duration), Some(hold)) = (find_limit, duration, hold) {
            let first_level = LimitRun::shortest_level(hold);
            if !duration.is_zero() && duration <= first_level {
                take.note(&format!(
                    "-duration {} ends the search before its first level is judged: leave it out, or give more than {}",
                    go_duration::format(duration),
                    go_duration::format(first_level),
                ));
            }
        }
        let (clients, tolerance, hold, mut thresholds) = (clients?, tolerance?, hold?, thresholds?);
        let duration = Some(duration?).filter(|duration| !duration.is_zero());
        let (course, clients, duration) = match stages {
            Some(stages) => {
                let stages = stages?;
                let (clients, duration) = (stages.peak(), Some(stages.duration()));
                (Course::Stages(stages), clients, duration)
            }
            None if find_limit => {
                // They are for the levels: that some fail is no fault of the run.
                let given = std::mem::take(&mut thresholds);
                let thresholds = if given.is_empty() { rules::holding() } else { given };
                (
                    Course::FindLimit(FindLimit { most: clients, tolerance, hold, thresholds }),
                    clients,
                    duration,
                )
            }
            None => (Course::Hold, clients, duration),
        };
        let (ramp_rate, ramp_jitter) = (ramp_rate?, ramp_jitter?);
        Some(CourseRead { course, clients, ramp_rate, ramp_jitter, duration, thresholds })
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
