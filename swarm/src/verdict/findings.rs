//! What the rules find in figures, in the words of users. Pure.

use serde::{Deserialize, Serialize};

use super::State;
use super::rules::{RULES, Rule};
use crate::plural::{of_viewers, times, were};
use crate::stats::{Figures, Metric, Percentiles, Spread};
use crate::threshold::Threshold;

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// As a threshold: what did not hold.
    pub rule: String,
    /// What it makes of the run.
    pub state: State,
    /// What was seen, in the base unit.
    pub value: f64,
    /// In words.
    pub text: String,
}

/// The rules that are broken, the worst first; `clients` is how many viewers should run.
pub(super) fn of(figures: &Figures, clients: u32) -> Vec<Finding> {
    let mut findings: Vec<_> = RULES.iter().filter_map(|rule| broken(rule, figures, clients)).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.state));
    findings
}

/// What findings make of a run.
pub(super) fn worst(findings: &[Finding]) -> State {
    findings.iter().map(|finding| finding.state).max().unwrap_or_default()
}

fn broken(rule: &Rule, figures: &Figures, clients: u32) -> Option<Finding> {
    let fails = rule.holding.map(|holding| (holding, State::Failing));
    let mut levels = fails.into_iter().chain([(rule.healthy, State::Degraded)]);
    levels.find_map(|(text, state)| {
        let threshold = Threshold::parse(text).ok()?;
        let value = threshold.reading.value(figures)?;
        let finding = || Finding {
            rule: text.to_owned(),
            state,
            value,
            text: say(&threshold, value, figures, clients),
        };
        (!threshold.comparison.holds(value, threshold.limit)).then(finding)
    })
}

fn say(threshold: &Threshold, value: f64, figures: &Figures, clients: u32) -> String {
    let quantity = threshold.reading.quantity;
    match threshold.reading.metric {
        Metric::RebufferRatio | Metric::StalledViewers => stalls(figures, clients),
        Metric::Lateness => match (&figures.segment_duration, &figures.lateness) {
            (Some(duration), Some(lateness)) => segments(duration, lateness),
            _ => threshold.say(value),
        },
        Metric::ErrorRatio => {
            let mostly = figures.errors.first().map(|error| format!(", mostly {}", error.class));
            format!("{} of requests failed{}", quantity.say(value), mostly.unwrap_or_default())
        }
        Metric::PlaylistAge => {
            let age_s = figures.playlist_age_s.unwrap_or_default();
            format!("a playlist gained no segment for {age_s:.1} s ({})", quantity.say(value))
        }
        Metric::ClientsActive => {
            let least = figures.clients_active_min_ratio.unwrap_or_default();
            let (mean, least) = (quantity.say(value), quantity.say(least));
            format!("{mean} of the viewers ran on average, {least} at worst")
        }
        Metric::Startup => format!("start-up took p95 {}", quantity.say(value)),
        Metric::Restarts => format!("FFmpegs were restarted {}", times(figures.restarts)),
        _ => threshold.say(value),
    }
}

/// `38 of 200 viewers stalled, rebuffer ratio 4.20 %`
pub(super) fn stalls(figures: &Figures, clients: u32) -> String {
    let ratio = figures.rebuffer_ratio.unwrap_or_default() * 100.0;
    let some = figures.stalled_viewers;
    let what = match (figures.stalled_s > 0.0, figures.interrupted_s > 0.0) {
        (_, false) => "stalled".to_owned(),
        (false, true) => format!("{} interrupted", were(some)),
        (true, true) => format!("stalled or {} interrupted", were(some)),
    };
    format!("{} {what}, rebuffer ratio {ratio:.2} %", of_viewers(some, clients))
}

/// `segments took p95 2.60 s, 1.30 of their media`
pub(super) fn segments(duration: &Percentiles, lateness: &Spread) -> String {
    let seconds = crate::stats::Quantity::Time.say(duration.p95_s);
    format!("segments took p95 {seconds}, {:.2} of their media", lateness.p95)
}
