//! The headline figures of a report, as rows of a table: the same for a page and for a terminal. Formats only.

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
    rows.push(("starts", format!("{}, and {}", processes.started, count(processes.restarted, "restart"))));
    for judged in &report.judgement.thresholds {
        rows.push(("threshold", summary::threshold_text(judged)));
    }
    rows.push((
        "ended",
        format!("after {}, exit code {}", clock(report.outcome.elapsed_s), report.outcome.exit_code),
    ));
    rows
}

/// All of it for a terminal.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    if let Some(verdict) = &report.verdict {
        text += &format!("{}.\n", verdict.sentence);
    }
    text += &format!("{}.\n\n", report.outcome.sentence);
    for (name, value) in rows(report) {
        text += &format!("  {name:<11}{value}\n");
    }
    text
}
