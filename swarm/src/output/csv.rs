//! The time series as CSV (RFC 4180), for spreadsheets. One line per row of the report, units in the names. Nothing is
//! quoted: numbers, times, and the labels of errors and resources have no commas.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use super::report::Report;
use crate::stats::Row;

/// Lines end as the RFC wants it.
const LINE_END: &str = "\r\n";

/// The whole file.
pub fn text(report: &Report) -> String {
    let series = &report.series;
    let classes: BTreeSet<&str> =
        series.iter().flat_map(|row| row.errors_by_class.keys()).map(String::as_str).collect();
    let mut header = vec!["time".to_owned()];
    header.extend(cells(&Row::default()).into_iter().map(|(name, _)| name.to_owned()));
    header.extend(classes.iter().map(|class| format!("errors_{class}")));
    let mut text = header.join(",") + LINE_END;
    for row in series {
        let mut line = vec![at(report.started(), row.until_s)];
        line.extend(cells(row).into_iter().map(|(_, value)| value));
        line.extend(
            classes
                .iter()
                .map(|class| row.errors_by_class.get(*class).copied().unwrap_or_default().to_string()),
        );
        text += &(line.join(",") + LINE_END);
    }
    text
}

fn at(started: Option<SystemTime>, after_s: f64) -> String {
    let after = Duration::try_from_secs_f64(after_s).unwrap_or_default();
    let time = started.and_then(|started| started.checked_add(after));
    time.map(|time| humantime::format_rfc3339_millis(time).to_string()).unwrap_or_default()
}

/// Each column but those of the error classes; what is not known is empty.
fn cells(row: &Row) -> [(&'static str, String); 32] {
    let known = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    [
        ("until_s", row.until_s.to_string()),
        ("lasted_s", row.lasted_s.to_string()),
        ("target_viewers", row.target.to_string()),
        ("active_viewers", row.active.to_string()),
        ("ramping", row.ramping.to_string()),
        ("starting_viewers", row.starting.to_string()),
        ("playing_viewers", row.playing.to_string()),
        ("stalled_viewers", row.stalled.to_string()),
        ("requests", row.requests.to_string()),
        ("failed_requests", row.errors.to_string()),
        ("bytes", row.bytes.to_string()),
        ("segments", row.segments.to_string()),
        ("late_segments", row.late_segments.to_string()),
        ("restarts", row.restarts.to_string()),
        ("segment_p50_s", known(row.segment_p50_s)),
        ("segment_p95_s", known(row.segment_p95_s)),
        ("segment_p99_s", known(row.segment_p99_s)),
        ("playlist_p50_s", known(row.playlist_p50_s)),
        ("playlist_p95_s", known(row.playlist_p95_s)),
        ("playlist_p99_s", known(row.playlist_p99_s)),
        ("playlist_age_s", known(row.playlist_age_s)),
        ("rebuffer_ratio", known(row.rebuffer_ratio)),
        ("generator_cpu_ratio", known(row.generator_cpu_ratio)),
        ("generator_own_cpu_ratio", known(row.generator_own_cpu_ratio)),
        ("origin_cpu_ratio", known(row.origin_cpu_ratio)),
        ("origin_cpu_cores", known(row.origin_cpu_cores)),
        ("origin_connections", known(row.origin_connections)),
        ("origin_requests_per_s", known(row.origin_requests_per_s)),
        ("origin_bytes_per_s", known(row.origin_bytes_per_s)),
        ("origin_errors_5xx_per_s", known(row.origin_errors_5xx_per_s)),
        ("origin_faults", known(row.origin_faults)),
        ("saturated", row.saturated.map(|resource| resource.label().to_owned()).unwrap_or_default()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_of_a_row_has_its_column_in_their_order() {
        let named: Vec<_> = cells(&Row::default()).into_iter().map(|(name, _)| name).collect();
        let row = serde_json::to_string(&Row::default()).unwrap();
        let fields: Vec<_> = row
            .trim_matches(['{', '}'])
            .split(',')
            .filter_map(|field| field.split(':').next())
            .map(|name| name.trim_matches('"').to_owned())
            .filter(|name| name != "errors_by_class")
            .map(|name| match name.as_str() {
                "target" | "active" | "starting" | "playing" | "stalled" => format!("{name}_viewers"),
                "errors" => "failed_requests".to_owned(),
                _ => name,
            })
            .collect();
        assert_eq!(named, fields);
    }

    #[test]
    fn times_are_those_of_the_wall_clock() {
        let started = humantime::parse_rfc3339("2026-01-02T03:04:05Z").ok();
        assert_eq!(at(started, 61.5), "2026-01-02T03:05:06.500Z");
        assert_eq!(at(None, 61.5), "");
    }
}
