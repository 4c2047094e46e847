//! The command line that makes such a run again, from the configuration in the report.

use std::time::Duration;

use crate::go_duration;
use crate::output::report::Report;

/// For a shell. Values of headers are not in a report, and are left to the reader.
pub(super) fn line(report: &Report) -> String {
    let configuration = &report.configuration;
    let duration =
        |seconds: f64| go_duration::format(Duration::try_from_secs_f64(seconds).unwrap_or_default());
    let mut words: Vec<String> = vec!["swarm".to_owned()];
    let mut flag = |name: &str, value: String| words.extend([format!("-{name}"), value]);
    // Stages say how many viewers, and for how long.
    if let Some(stages) = &configuration.stages {
        flag("stages", stages.clone());
    } else {
        flag("clients", configuration.clients.to_string());
    }
    flag("ramp-rate", configuration.ramp_rate_per_s.to_string());
    flag("ramp-jitter", configuration.ramp_jitter.to_string());
    if let Some(seconds) = configuration.duration_s.filter(|_| configuration.stages.is_none()) {
        flag("duration", duration(seconds));
    }
    if let Some(limit) = &report.limit {
        flag("limit-tolerance", limit.tolerance.to_string());
        flag("level-hold", duration(limit.level_hold_s));
        limit.thresholds.iter().for_each(|threshold| flag("threshold", threshold.clone()));
    } else {
        let thresholds = report.judgement.thresholds.iter();
        thresholds.for_each(|judged| flag("threshold", judged.threshold.clone()));
    }
    flag("variant", word(&configuration.variant));
    flag("pace", word(&configuration.pace));
    flag("timeout", duration(configuration.timeout_s));
    configuration.resolve.iter().for_each(|address| flag("resolve", address.to_string()));
    configuration.source_ips.iter().for_each(|address| flag("source-ip", address.to_string()));
    configuration.header_names.iter().for_each(|name| flag("header", format!("{name}: …")));
    flag("seed", configuration.seed.to_string());
    let switches = [
        ("-find-limit", report.limit.is_some()),
        ("-direct", configuration.direct),
        ("-dangerous", !configuration.tls_verified),
    ];
    words.extend(switches.into_iter().filter(|(_, is_on)| *is_on).map(|(name, _)| name.to_owned()));
    words.extend(configuration.urls.iter().cloned());
    let quoted = words
        .iter()
        .map(|word| shlex::try_quote(word).map_or_else(|_| "…".into(), std::borrow::Cow::into_owned));
    quoted.collect::<Vec<_>>().join(" ")
}

/// As its flag takes it: the report has the same word.
fn word(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}
