//! The reports of several load boxes that played from one origin at the same time, as one. Pure.
//!
//! Counts add up, histograms merge, seconds are put side by side by the wall clock. Nothing is judged again: verdict,
//! thresholds and first signs are those of the worst box, of its viewers alone, and say so.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use super::command_line;
use super::report::{BoxSection, Configuration, OutcomeSection, Processes, Report, Viewers};
use crate::plural;
use crate::stats::{FailureKind, MOST_ROWS, NoHistogram, Row, WireSnapshot, fold};

/// Longest difference between two boxes' starts: clocks that differ by more are wrong, or the runs had nothing
/// to do with each other.
const MOST_APART_S: f64 = 86_400.0;

/// Reports that do not add up.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// One report is whole by itself.
    #[error("merge takes the reports of at least two load boxes")]
    TooFew,
    /// Its levels had their own times.
    #[error(
        "{0} is a search for the limit, which no other run adds up with: give each box a fixed number of viewers"
    )]
    Search(String),
    /// A time that cannot be read.
    #[error("{0} does not say when it began")]
    NoStart(String),
    /// Not the same test.
    #[error("{0} began more than a day after the first: only boxes that ran at the same time add up")]
    Apart(String),
    /// Histograms of something else.
    #[error("a histogram of the reports cannot be read: it is {0}")]
    Histogram(#[from] NoHistogram),
}

/// A report, the name of its box, and how much later than the first it began.
struct Part {
    name: String,
    report: Report,
    later_s: f64,
}

/// One report of several, each with its name.
///
/// # Errors
/// When they do not add up.
pub fn merge(named: Vec<(String, Report)>) -> Result<Report, MergeError> {
    let parts = placed(named)?;
    let worst = parts.iter().max_by(|a, b| badness(&a.report, &b.report)).ok_or(MergeError::TooFew)?;
    let reports = || parts.iter().map(|part| &part.report);
    let wires: Vec<_> =
        parts.iter().filter_map(|part| Some((part.later_s, part.report.wire.as_ref()?))).collect();
    let mut verdict = worst.report.verdict.clone();
    if let Some(verdict) = &mut verdict {
        verdict.sentence += &format!(" ({}, the worst of {} load boxes)", worst.name, parts.len());
    }
    let mut judgement = worst.report.judgement.clone();
    judgement.shift(worst.later_s);
    let busiest =
        parts.iter().max_by(|a, b| busyness(&a.report).total_cmp(&busyness(&b.report))).unwrap_or(worst);
    let mut generator = busiest.report.generator.clone();
    for spell in &mut generator.saturated {
        (spell.from_s, spell.until_s) = (spell.from_s + busiest.later_s, spell.until_s + busiest.later_s);
    }
    // RFC 3339 in UTC with milliseconds sorts as text.
    Ok(Report {
        started_at: reports().map(|report| report.started_at.clone()).min().unwrap_or_default(),
        ended_at: reports().map(|report| report.ended_at.clone()).max().unwrap_or_default(),
        boxes: parts.iter().map(box_section).collect(),
        configuration: configuration(&worst.report, reports()),
        outcome: outcome(&parts, worst),
        viewers: viewers(&parts),
        processes: processes(&parts),
        failures: failures(&parts),
        other_failures: reports().map(|report| report.other_failures).sum(),
        verdict,
        judgement,
        wire: WireSnapshot::merged(&wires)?,
        generator,
        origin_metrics: reports().find_map(|report| report.origin_metrics.clone()),
        series: series(&parts),
        comparison: None,
        ..worst.report.clone()
    })
}

/// Reports with their place in time.
fn placed(named: Vec<(String, Report)>) -> Result<Vec<Part>, MergeError> {
    if named.len() < 2 {
        return Err(MergeError::TooFew);
    }
    let mut starts: Vec<SystemTime> = Vec::new();
    for (name, report) in &named {
        if report.limit.is_some() {
            return Err(MergeError::Search(name.clone()));
        }
        starts.push(report.started().ok_or_else(|| MergeError::NoStart(name.clone()))?);
    }
    let first = starts.iter().min().copied().ok_or(MergeError::TooFew)?;
    let mut parts = Vec::new();
    for ((name, report), started) in named.into_iter().zip(starts) {
        let later_s = started.duration_since(first).unwrap_or_default().as_secs_f64();
        if later_s > MOST_APART_S {
            return Err(MergeError::Apart(name));
        }
        parts.push(Part { name, report, later_s });
    }
    Ok(parts)
}

/// By the verdict, and among equals by what viewers feel.
fn badness(a: &Report, b: &Report) -> Ordering {
    let state = |report: &Report| report.verdict.as_ref().map(|verdict| verdict.state);
    let felt = |report: &Report| report.judgement.evidence.judged.rebuffer_ratio.unwrap_or_default();
    state(a).cmp(&state(b)).then(felt(a).total_cmp(&felt(b)))
}

fn busyness(report: &Report) -> f64 {
    report.generator.saturated_s + report.generator.cpu_ratio_max.unwrap_or_default()
}

fn box_section(part: &Part) -> BoxSection {
    let report = &part.report;
    BoxSection {
        name: part.name.clone(),
        started_at: report.started_at.clone(),
        peak_active: report.viewers.peak_active,
        sentence: report
            .verdict
            .as_ref()
            .map_or(&report.outcome.sentence, |verdict| &verdict.sentence)
            .clone(),
        command_line: command_line::of(report),
    }
}

fn configuration<'a>(worst: &Report, all: impl Iterator<Item = &'a Report> + Clone) -> Configuration {
    let mut urls = Vec::new();
    for url in all.clone().flat_map(|report| &report.configuration.urls) {
        if !urls.contains(url) {
            urls.push(url.clone());
        }
    }
    Configuration {
        urls,
        clients: all.clone().map(|report| report.configuration.clients).sum(),
        ramp_rate_per_s: all.map(|report| report.configuration.ramp_rate_per_s).sum(),
        // Each box has its own.
        flags: Vec::new(),
        ..worst.configuration.clone()
    }
}

fn outcome(parts: &[Part], worst: &Part) -> OutcomeSection {
    let all: u32 = parts.iter().map(|part| part.report.viewers.peak_active).sum();
    let played: u32 = parts.iter().map(|part| part.report.viewers.have_played).sum();
    let boxes = parts.len();
    OutcomeSection {
        sentence: format!(
            "{} from {boxes} load boxes, of whom {played} received media",
            plural::viewers(all)
        ),
        ended_by: worst.report.outcome.ended_by,
        exit_code: parts.iter().map(|part| part.report.outcome.exit_code).max().unwrap_or_default(),
        elapsed_s: parts.iter().map(|part| part.later_s + part.report.outcome.elapsed_s).fold(0.0, f64::max),
    }
}

fn viewers(parts: &[Part]) -> Viewers {
    let all = || parts.iter().map(|part| &part.report.viewers);
    let reached = parts.iter().map(|part| Some(part.report.viewers.target_reached_after_s? + part.later_s));
    Viewers {
        target: all().map(|viewers| viewers.target).sum(),
        peak_target: all().map(|viewers| viewers.peak_target).sum(),
        active_at_end: all().map(|viewers| viewers.active_at_end).sum(),
        peak_active: all().map(|viewers| viewers.peak_active).sum(),
        have_played: all().map(|viewers| viewers.have_played).sum(),
        target_reached_after_s: reached
            .collect::<Option<Vec<_>>>()
            .map(|all| all.into_iter().fold(0.0, f64::max)),
        all_active_for_s: all().map(|viewers| viewers.all_active_for_s).fold(f64::INFINITY, f64::min),
        least_active: all().map(|viewers| viewers.least_active).sum(),
    }
}

fn processes(parts: &[Part]) -> Processes {
    let all = || parts.iter().map(|part| &part.report.processes);
    let mut exits: BTreeMap<String, u64> = BTreeMap::new();
    for (exit, count) in all().flat_map(|processes| &processes.exits) {
        *exits.entry(exit.clone()).or_default() += count;
    }
    Processes {
        started: all().map(|processes| processes.started).sum(),
        restarted: all().map(|processes| processes.restarted).sum(),
        completed_views: all().map(|processes| processes.completed_views).sum(),
        short_looks: all().map(|processes| processes.short_looks).sum(),
        stopped: all().map(|processes| processes.stopped).sum(),
        exits,
    }
}

fn failures(parts: &[Part]) -> Vec<FailureKind> {
    let mut all: Vec<FailureKind> = Vec::new();
    for part in parts {
        for kind in &part.report.failures {
            let kind = FailureKind { first_after_s: kind.first_after_s + part.later_s, ..kind.clone() };
            match all.iter_mut().find(|known| known.reason == kind.reason) {
                Some(known) if kind.first_after_s < known.first_after_s => {
                    *known = FailureKind { count: known.count + kind.count, ..kind };
                }
                Some(known) => known.count += kind.count,
                None => all.push(kind),
            }
        }
    }
    all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.reason.cmp(&b.reason)));
    all
}

/// Rows of the boxes side by side. Starts are moved to whole rows, so that a row of one box meets one of each other.
fn series(parts: &[Part]) -> Vec<Row> {
    let rows = || parts.iter().flat_map(|part| &part.report.series);
    // Rows of a long run are longer; a last one may be shorter, and a late tick a little longer.
    let long_s = rows().map(|row| row.lasted_s.round()).fold(1.0, f64::max);
    let mut places: BTreeMap<u64, Row> = BTreeMap::new();
    for part in parts {
        let mut own: BTreeMap<u64, Vec<Row>> = BTreeMap::new();
        for row in &part.report.series {
            let place = place(part.later_s, long_s) + place((row.until_s - row.lasted_s).max(0.0), long_s);
            own.entry(place).or_default().push(row.clone());
        }
        for (place, rows) in own {
            let Some(row) = fold(&rows, 1).pop() else { continue };
            match places.entry(place) {
                std::collections::btree_map::Entry::Occupied(mut there) => there.get_mut().add_box(row),
                std::collections::btree_map::Entry::Vacant(empty) => drop(empty.insert(row)),
            }
        }
    }
    let places: Vec<_> = places
        .into_iter()
        .map(|(place, row)| Row { until_s: (place as f64 + 1.0) * long_s, lasted_s: long_s, ..row })
        .collect();
    fold(&places, MOST_ROWS)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a day of seconds, from 0")]
fn place(at_s: f64, long_s: f64) -> u64 {
    (at_s / long_s).round() as u64
}

/// What a file is called without its folder and ending; with them where that would be the name of two.
pub fn names(paths: &[std::path::PathBuf]) -> Vec<String> {
    let short = |path: &std::path::PathBuf| {
        path.file_stem()
            .map_or_else(|| path.display().to_string(), |stem| stem.to_string_lossy().into_owned())
    };
    let unique: BTreeSet<_> = paths.iter().map(short).collect();
    if unique.len() == paths.len() {
        paths.iter().map(short).collect()
    } else {
        paths.iter().map(|path| path.display().to_string()).collect()
    }
}

#[cfg(test)]
mod tests;
