//! This run beside an earlier one: what changed, and whether more than each run varies by itself. Pure but for
//! [`Earlier::read`]; both runs are read from their reports, so that what is compared is what was written.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::stats::Quantity::{self, Number, Rate, Share, Time};

/// Pieces that the judged part of a run is cut into. How much their means differ says how much the mean of the whole
/// may be off, also where one second resembles the next (batch means).
const PIECES: usize = 10;

/// Shortest piece, in rows of the series: fewer say nothing about each other.
const SHORTEST_PIECE: usize = 3;

/// Standard errors that make a change one: 19 of 20 changes within are chance.
const NOISE_FACTOR: f64 = 2.0;

/// What makes two runs the same test.
const SAME: [(&str, &str); 8] = [
    ("urls", "/configuration/urls"),
    ("clients", "/configuration/clients"),
    ("pace", "/configuration/pace"),
    ("variant", "/configuration/variant"),
    ("stages", "/configuration/stages"),
    ("direct", "/configuration/direct"),
    ("ramp_rate_per_s", "/configuration/ramp_rate_per_s"),
    ("header_names", "/configuration/header_names"),
];

/// A figure that is compared.
struct Figure {
    name: &'static str,
    quantity: Quantity,
    /// Where a report has it, in what was judged.
    path: &'static str,
    /// The same of one row of the series.
    of_row: fn(&Value) -> Option<f64>,
}

const FIGURES: [Figure; 9] = [
    figure("segment_duration_p95", Time, "segment_duration/p95_s", |row| row["segment_p95_s"].as_f64()),
    figure("segment_duration_p50", Time, "segment_duration/p50_s", |row| row["segment_p50_s"].as_f64()),
    figure("playlist_duration_p95", Time, "playlist_duration/p95_s", |row| row["playlist_p95_s"].as_f64()),
    figure("late_ratio", Share, "late_ratio", |row| share(row, "late_segments", "segments")),
    figure("rebuffer_ratio", Share, "rebuffer_ratio", |row| row["rebuffer_ratio"].as_f64()),
    figure("error_ratio", Share, "error_ratio", |row| share(row, "errors", "requests")),
    figure("playlist_age", Time, "playlist_age_s", |row| row["playlist_age_s"].as_f64()),
    figure("clients_active_mean", Number, "clients_active_mean", |row| row["active"].as_f64()),
    figure("throughput", Rate, "throughput_bits_per_s", |row| {
        Some(row["bytes"].as_f64()? * 8.0 / row["lasted_s"].as_f64()?)
    }),
];

const fn figure(
    name: &'static str,
    quantity: Quantity,
    path: &'static str,
    of_row: fn(&Value) -> Option<f64>,
) -> Figure {
    Figure { name, quantity, path, of_row }
}

/// A report of an earlier run.
#[derive(Clone, Debug, PartialEq)]
pub struct Earlier {
    file: String,
    report: Value,
}

/// Two runs, side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Report of the earlier run.
    pub file: String,
    /// When it began.
    pub started_at: String,
    /// Its verdict, where it has one.
    pub verdict_before: Option<String>,
    /// Both were the same test.
    pub comparable: bool,
    /// In what they differ.
    pub differences: Vec<Difference>,
    /// Each figure that both have.
    pub changes: Vec<Change>,
}

/// A setting that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// As in the report's configuration.
    pub setting: String,
    /// Then, as JSON.
    pub before: String,
    /// Now, as JSON.
    pub now: String,
}

/// A figure, then and now, in its base unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Which.
    pub metric: String,
    /// In the earlier run.
    pub before: f64,
    /// In this run.
    pub now: f64,
    /// A change up to here may be chance; `None` where a run was too short to tell.
    pub noise: Option<f64>,
    /// The change is larger.
    pub beyond_noise: Option<bool>,
    /// The line of the summary.
    pub text: String,
}

impl Earlier {
    /// Reads a report.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the file.
    pub fn read(path: &Path) -> Result<Self, String> {
        let file = path.display().to_string();
        let bytes =
            std::fs::read(path).map_err(|error| format!("-compare: {file} cannot be read: {error}"))?;
        let report: Value = serde_json::from_slice(&bytes)
            .map_err(|error| format!("-compare: {file} is no JSON report of swarm: {error}"))?;
        if report["schema"] != "ffmpeg-hls-swarm.report" || report["judgement"].is_null() {
            return Err(format!(
                "-compare: {file} is no report with a judgement: write one with -report FILE.json"
            ));
        }
        Ok(Self { file, report })
    }

    /// With this run, as it is reported.
    pub fn compare(&self, now: &Value) -> Comparison {
        let before = &self.report;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let differences: Vec<_> =
            SAME.iter().filter_map(|(setting, pointer)| difference(setting, pointer, before, now)).collect();
        Comparison {
            file: self.file.clone(),
            started_at: text(before.get("started_at")),
            verdict_before: before.pointer("/verdict/state").and_then(Value::as_str).map(str::to_owned),
            comparable: differences.is_empty(),
            differences,
            changes: FIGURES.iter().filter_map(|figure| change(figure, before, now)).collect(),
        }
    }
}

fn difference(setting: &str, pointer: &str, before: &Value, now: &Value) -> Option<Difference> {
    let read = |report: &Value| report.pointer(pointer).cloned().unwrap_or_default();
    let (before, now) = (read(before), read(now));
    (before != now).then(|| Difference {
        setting: setting.to_owned(),
        before: before.to_string(),
        now: now.to_string(),
    })
}

fn change(figure: &Figure, before: &Value, now: &Value) -> Option<Change> {
    let read = |report: &Value| {
        report["judgement"]["judged"].pointer(&format!("/{}", figure.path)).and_then(Value::as_f64)
    };
    let errors = standard_error(figure, before).zip(standard_error(figure, now));
    let (before, now) = (read(before)?, read(now)?);
    let noise = errors.map(|(a, b)| NOISE_FACTOR * a.hypot(b));
    let beyond_noise = noise.map(|noise| (now - before).abs() > noise);
    let say = |value| figure.quantity.say(value);
    let relative =
        if before > 0.0 { format!(" ({:+.0} %)", (now / before - 1.0) * 100.0) } else { String::new() };
    let noise_text = match (noise, beyond_noise) {
        (Some(noise), Some(true)) => format!("more than the noise of {}", say(noise)),
        (Some(noise), _) => format!("within the noise of {}", say(noise)),
        (None, _) => "too short to tell from noise".to_owned(),
    };
    let text = if before.total_cmp(&now).is_eq() {
        format!("{}: {} before and now", figure.name, say(now))
    } else {
        format!("{}: {} before, {} now{relative}, {noise_text}", figure.name, say(before), say(now))
    };
    Some(Change { metric: figure.name.to_owned(), before, now, noise, beyond_noise, text })
}

/// Of the mean over the judged part.
fn standard_error(figure: &Figure, report: &Value) -> Option<f64> {
    let from_s = report.pointer("/judgement/steady_from_s").and_then(Value::as_f64).unwrap_or_default();
    let rows = report["series"].as_array()?;
    let is_judged = |row: &&Value| {
        let begin =
            row["until_s"].as_f64().zip(row["lasted_s"].as_f64()).map(|(until, lasted)| until - lasted);
        row["saturated"].is_null()
            && row["ramping"] == false
            && begin.is_some_and(|begin| begin >= from_s - 0.01)
    };
    let values: Vec<f64> = rows.iter().filter(is_judged).filter_map(figure.of_row).collect();
    let piece = (values.len() / PIECES).max(SHORTEST_PIECE);
    let means: Vec<f64> = values.chunks_exact(piece).map(mean).collect();
    if means.len() < 2 {
        return None;
    }
    let middle = mean(&means);
    let variance = means.iter().map(|mean| (mean - middle).powi(2)).sum::<f64>() / (means.len() - 1) as f64;
    Some((variance / means.len() as f64).sqrt())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn share(row: &Value, part: &str, all: &str) -> Option<f64> {
    let all = row[all].as_f64().filter(|all| *all > 0.0)?;
    Some(row[part].as_f64()? / all)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A run whose segments take `base_ms`, and by turns up to `spread_ms` more.
    fn report(clients: u32, base_ms: f64, spread_ms: f64, seconds: u32) -> Value {
        let rows: Vec<_> = (0..seconds)
            .map(|n| {
                // Without a pattern that the pieces share, and without chance.
                let more = f64::from(n * 7919 % 101) / 100.0 * spread_ms;
                json!({"until_s": n + 1, "lasted_s": 1.0, "ramping": n < 5, "saturated": null, "active": clients,
                    "segment_p95_s": if n < 5 { 9.0 } else { (base_ms + more) / 1e3 }, "bytes": 1000})
            })
            .collect();
        json!({"schema": "ffmpeg-hls-swarm.report", "started_at": "2026-01-02T03:04:05Z",
            "configuration": {"clients": clients, "urls": ["http://h/s.m3u8"]},
            "judgement": {"steady_from_s": 5.0, "judged": {
                "segment_duration": {"p95_s": (base_ms + spread_ms / 2.0) / 1e3}, "rebuffer_ratio": null}},
            "series": rows})
    }

    fn compared(before: Value, now: &Value) -> Comparison {
        Earlier { file: "run.json".to_owned(), report: before }.compare(now)
    }

    #[test]
    fn a_change_is_one_only_beyond_the_noise_of_both_runs() {
        let quiet = compared(report(10, 100.0, 10.0, 65), &report(10, 150.0, 10.0, 65));
        let change = &quiet.changes[0];
        assert_eq!(
            (change.metric.as_str(), change.beyond_noise),
            ("segment_duration_p95", Some(true)),
            "{change:?}"
        );
        assert!(
            change.text.starts_with("segment_duration_p95: 105 ms before, 155 ms now (+48 %), more than")
        );
        assert!(change.noise.unwrap() < 0.01);
        let noisy = compared(report(10, 100.0, 900.0, 65), &report(10, 150.0, 900.0, 65));
        assert_eq!(noisy.changes[0].beyond_noise, Some(false), "{:?}", noisy.changes[0]);
        let same = compared(report(10, 100.0, 10.0, 65), &report(10, 100.0, 10.0, 65));
        assert_eq!(same.changes[0].beyond_noise, Some(false));
        assert_eq!(same.changes[0].text, "segment_duration_p95: 105 ms before and now");
        assert!(same.changes.iter().all(|change| change.metric != "rebuffer_ratio"), "nobody has it");
    }

    #[test]
    fn a_short_run_does_not_pretend_to_know() {
        let short = compared(report(10, 100.0, 10.0, 10), &report(10, 150.0, 10.0, 65));
        assert_eq!((short.changes[0].noise, short.changes[0].beyond_noise), (None, None));
    }

    #[test]
    fn runs_that_were_not_the_same_test_say_so() {
        let same = compared(report(10, 100.0, 10.0, 65), &report(10, 100.0, 10.0, 65));
        assert!(same.comparable && same.differences.is_empty());
        let other = compared(report(10, 100.0, 10.0, 65), &report(20, 100.0, 10.0, 65));
        let difference =
            Difference { setting: "clients".to_owned(), before: "10".to_owned(), now: "20".to_owned() };
        assert_eq!((other.comparable, other.differences), (false, vec![difference]));
    }

    #[test]
    fn what_is_no_report_is_refused_with_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let told = |path: &Path| Earlier::read(path).unwrap_err();
        assert!(told(&path).contains("cannot be read"));
        std::fs::write(&path, "{").unwrap();
        assert!(told(&path).contains("is no JSON report"));
        std::fs::write(&path, "{\"schema\": \"ffmpeg-hls-swarm.report\"}").unwrap();
        assert!(told(&path).contains("no report with a judgement"));
        std::fs::write(&path, report(1, 1.0, 1.0, 9).to_string()).unwrap();
        assert!(Earlier::read(&path).is_ok());
    }
}
