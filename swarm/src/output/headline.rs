//! The headline figures of a report, as rows of a table: the same for a page and for a terminal. Formats only.

use super::limit_section::LimitSection;
use super::report::Report;
use super::{generator_summary, origin_summary, summary, wire_summary};
use crate::plural::{count, viewers};
use crate::verdict::clock;

/// Name and text of each row.
pub(crate) fn rows(report: &Report) -> Vec<(&'static str, String)> {
    let seen = &report.viewers;
    let mut rows = vec![(
        "viewers",
        format!(
            "{} of {} active at the end, peak {}; {} received media",
            seen.active_at_end, seen.target, seen.peak_active, seen.have_played
        ),
    )];
    for part in &report.boxes {
        rows.push(("box", format!("{}: {}, {}", part.name, viewers(part.peak_active), part.sentence)));
    }
    rows.extend(report.wire.iter().flat_map(wire_summary::rows));
    rows.extend(report.origin_metrics.iter().flat_map(origin_summary::rows));
    rows.extend(generator_summary::rows(&report.generator));
    let processes = &report.processes;
    rows.push(("starts", starts(processes.started, processes.restarted)));
    for judged in &report.judgement.thresholds {
        rows.push(("threshold", summary::threshold_text(judged)));
    }
    rows.push((
        "ended",
        format!("after {}, exit code {}", clock(report.outcome.elapsed_s), report.outcome.exit_code),
    ));
    rows
}

/// The verdict, if there is one, the sentence, and the rows below them.
pub(super) fn told(verdict: Option<&str>, sentence: &str, rows: Vec<(&'static str, String)>) -> String {
    let mut text = verdict.map(|verdict| format!("{verdict}.\n")).unwrap_or_default();
    text += &format!("{sentence}.\n\n");
    for (name, value) in rows {
        text += &format!("  {name:<11}{value}\n");
    }
    text
}

/// How many viewers were started, and how often again.
pub(super) fn starts(started: u64, restarted: u64) -> String {
    format!("{started}, and {}", count(restarted, "restart"))
}

/// All of it for a terminal.
pub fn text(report: &Report) -> String {
    let verdict = report.verdict.as_ref().map(|verdict| verdict.sentence.as_str());
    let limit = report.limit.iter().flat_map(LimitSection::rows);
    told(verdict, &report.outcome.sentence, limit.chain(rows(report)).collect())
}
