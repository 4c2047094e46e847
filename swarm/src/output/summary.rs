//! The end of a run as text: a sentence, then a table.

use std::fmt::Write as _;
use std::time::Duration;

use supervise::Exit;

use super::limit_section::LimitSection;
use super::{generator_summary, headline, origin_summary, wire_summary};
use crate::compare::{Comparison, Difference};
use crate::dispatcher::{EndedBy, Outcome};
use crate::go_duration;
use crate::judge::{JudgedThreshold, ThresholdResult};
use crate::plural::{count, of_viewers, viewers, were};
use crate::stats::Snapshot;
use crate::verdict::clock;

/// Kinds of failure that the table lists; the JSON report has all.
const FAILURE_LINES: usize = 5;

/// How it went, in one sentence without a full stop.
pub fn sentence(outcome: &Outcome) -> String {
    if let Some(limit) = &outcome.limit {
        return limit.sentence.clone();
    }
    let Snapshot { elapsed, target, totals, target_reached_after, all_ran_for, least_active, .. } =
        &outcome.at_end;
    let Snapshot { peak_target, target_moved, .. } = &outcome.at_end;
    // The wire knows why a request failed; FFmpeg was only told that it did.
    let on_the_wire =
        outcome.wire.as_ref().and_then(|wire| wire.errors.iter().max_by_key(|error| error.count));
    let on_the_wire =
        on_the_wire.map(|error| format!("{} × {} on {}", error.count, error.class, error.first_url));
    let by_ffmpeg = || outcome.after.failures.first().map(|kind| kind.reason.clone());
    let commonest = on_the_wire.or_else(by_ffmpeg);
    if totals.have_played == 0 && outcome.after.totals.have_played == 0 {
        let why = commonest.as_deref().unwrap_or("no media arrived before the end");
        return format!("No viewer ever received media: {why}");
    }
    if *target_moved {
        let restarts = count(totals.restarted, "restart");
        return format!(
            "At most {} of {} ran at the same time; {} of {target} at the end, {}",
            totals.peak_active.min(*peak_target),
            viewers(*peak_target),
            // Who was told to go may still be on its way.
            totals.active.min(*target),
            if totals.restarted == 0 { "without a restart".to_owned() } else { format!("with {restarts}") }
        );
    }
    match target_reached_after {
        Some(reached) => {
            let held = seconds(elapsed.saturating_sub(*reached));
            let restarts = count(totals.restarted, "restart");
            if totals.active < *target {
                format!(
                    "Reached {}, but only {} {} active at the end, with {restarts}",
                    viewers(*target),
                    totals.active,
                    were(totals.active)
                )
            } else if totals.restarted == 0 {
                format!("Held {} for {held} without a restart", of_viewers(*target, *target))
            } else {
                let together = seconds(*all_ran_for);
                let least = least_active.unwrap_or_default();
                format!(
                    "{} {} active for {together} of {held}, at worst {least}, with {restarts}",
                    of_viewers(*target, *target),
                    were(*target)
                )
            }
        }
        None if totals.started < u64::from(*target) => {
            format!(
                "Stopped in the ramp after {}: {} of {} {} started",
                seconds(*elapsed),
                totals.started,
                viewers(*target),
                were(totals.started)
            )
        }
        None => {
            let peak = totals.peak_active;
            let why = commonest.as_deref().unwrap_or("FFmpegs did not start fast enough");
            format!("Never held {}: at most {peak} ran at the same time ({why})", viewers(*target))
        }
    }
}

/// The sentence and the table, ready to print.
pub fn text(outcome: &Outcome) -> String {
    let Snapshot { elapsed, target, totals, target_reached_after, exits, .. } = &outcome.at_end;
    let Snapshot { peak_target, target_moved, .. } = &outcome.at_end;
    let Snapshot { failures, other_failures, .. } = &outcome.after;
    let mut rows: Vec<(&'static str, String)> =
        outcome.limit.iter().flat_map(|limit| LimitSection::from(limit).rows()).collect();
    let reached = target_reached_after.map_or_else(
        || "never all at the same time".to_owned(),
        |after| format!("all after {}", seconds(after)),
    );
    let peak = if *target_moved { totals.peak_active.min(*peak_target) } else { totals.peak_active };
    let peak = if *target_moved {
        format!("peak {peak} of {peak_target}")
    } else {
        format!("peak {peak}, {reached}")
    };
    rows.push(("viewers", format!("{} of {target} active at the end, {peak}", totals.active.min(*target))));
    rows.push(("played", format!("{} of {peak_target} received media", outcome.after.totals.have_played)));
    rows.extend(outcome.wire.iter().flat_map(wire_summary::rows));
    rows.extend(outcome.origin.iter().flat_map(origin_summary::rows));
    rows.extend(generator_summary::rows(&outcome.generator));
    rows.push(("starts", headline::starts(totals.started, totals.restarted)));
    if totals.completed_views > 0 {
        rows.push(("views", format!("{} complete", totals.completed_views)));
    }
    rows.push(("exits", exits_text(exits)));
    rows.extend(outcome.judgement.thresholds.iter().map(|judged| ("threshold", threshold_text(judged))));
    for kind in failures.iter().take(FAILURE_LINES) {
        rows.push(("failure", format!("{} × {}", kind.count, kind.reason)));
    }
    let more = failures.iter().skip(FAILURE_LINES).map(|kind| kind.count).sum::<u64>() + other_failures;
    if more > 0 {
        rows.push(("failure", format!("{more} × other reasons")));
    }
    let how = match outcome.ended_by {
        EndedBy::Duration => "the duration was over",
        EndedBy::Signal => "stopped by a signal",
        EndedBy::Key => "stopped with a key of the dashboard",
        EndedBy::Threshold => "a threshold was crossed",
        EndedBy::Search => "the search was over",
        EndedBy::SecondSignal => "killed by a second signal",
    };
    rows.push(("ended", format!("after {}: {how}", seconds(*elapsed))));
    // A search has no verdict: its levels are meant to fail.
    let verdict = outcome.limit.is_none().then_some(outcome.verdict.sentence.as_str());
    headline::told(verdict, &sentence(outcome), rows)
}

pub(crate) fn threshold_text(judged: &JudgedThreshold) -> String {
    let how = match judged.result {
        ThresholdResult::Held => "held",
        ThresholdResult::Crossed => "CROSSED",
        ThresholdResult::NotJudged => "not judged: nothing was seen of it",
    };
    let seen = judged.seen.as_ref().map(|seen| format!(", {seen}")).unwrap_or_default();
    let when = judged.crossed_after_s.map(|after| format!(" at {}", clock(after))).unwrap_or_default();
    format!("{how}{when}: {}{seen}", judged.threshold)
}

/// This run beside an earlier one, below the table.
pub fn comparison(of: &Comparison) -> String {
    let verdict = of.verdict_before.as_ref().map(|state| format!(", then {state}")).unwrap_or_default();
    let mut text = format!("\nCompared with {} of {}{verdict}:\n", of.file, of.started_at);
    let differences = of.differences.iter().map(|difference| {
        let Difference { setting, before, now } = difference;
        format!("not the same test: {setting} {before} before, {now} now")
    });
    for line in differences.chain(of.changes.iter().map(|change| change.text.clone())) {
        // Writing to a string cannot fail.
        writeln!(text, "  {line}").unwrap_or_default();
    }
    text
}

fn exits_text(exits: &std::collections::BTreeMap<Exit, u64>) -> String {
    if exits.is_empty() {
        return "none before the end".to_owned();
    }
    exits.iter().map(|(exit, count)| format!("{count} × {exit}")).collect::<Vec<_>>().join(", ")
}

/// To a tenth of a second below a minute.
fn seconds(duration: Duration) -> String {
    let tenths = (duration.as_secs_f64() * 10.0).round() / 10.0;
    go_duration::format(Duration::from_secs_f64(tenths))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::generator::GeneratorSnapshot;
    use crate::judge::Judgement;
    use crate::stats::{FailureKind, Totals};
    use crate::verdict::Verdict;

    fn outcome(change: impl FnOnce(&mut Snapshot)) -> Outcome {
        let mut at_end = Snapshot {
            elapsed: Duration::from_secs(30),
            target: 10,
            peak_target: 10,
            target_moved: false,
            totals: Totals { active: 10, peak_active: 10, started: 10, have_played: 10, ..Totals::default() },
            target_reached_after: Some(Duration::from_millis(1812)),
            all_ran_for: Duration::from_millis(28_188),
            least_active: Some(10),
            exits: BTreeMap::new(),
            failures: Vec::new(),
            other_failures: 0,
        };
        change(&mut at_end);
        Outcome {
            ended_by: EndedBy::Duration,
            after: at_end.clone(),
            at_end,
            wire: None,
            generator: GeneratorSnapshot::default(),
            origin: None,
            judgement: Judgement::default(),
            verdict: Verdict { sentence: "HEALTHY: no stall".to_owned(), ..Verdict::default() },
            limit: None,
        }
    }

    fn failure(reason: &str, count: u64) -> FailureKind {
        let reason = reason.to_owned();
        FailureKind { reason, count, first_viewer: 0, first_after_s: 1.0, ffmpeg_said: Vec::new() }
    }

    #[test]
    fn a_good_run_is_said_in_one_sentence_and_a_table() {
        insta::assert_snapshot!(text(&outcome(|_| {})));
    }

    #[test]
    fn a_bad_run_shows_its_reasons_most_frequent_first() {
        insta::assert_snapshot!(text(&outcome(|at_end| {
            at_end.totals = Totals {
                active: 7,
                peak_active: 10,
                started: 10,
                restarted: 25,
                have_played: 10,
                ..at_end.totals
            };
            at_end.exits = [(Exit::Code(1), 24), (Exit::Signal(9), 4)].into();
            at_end.failures = vec![failure("HTTP error 503", 24), failure("killed by SIGKILL", 4)];
            at_end.other_failures = 2;
        })));
    }

    #[test]
    fn each_way_a_run_can_go_has_its_sentence() {
        let said = |change: &dyn Fn(&mut Snapshot)| sentence(&outcome(|at_end| change(at_end)));
        let nothing = said(&|at_end| {
            at_end.totals.have_played = 0;
            at_end.failures = vec![failure("404", 9)];
        });
        assert_eq!(nothing, "No viewer ever received media: 404");
        let outage = said(&|at_end| {
            at_end.totals.restarted = 1;
            at_end.all_ran_for = Duration::from_secs(20);
            at_end.least_active = Some(9);
        });
        assert_eq!(outage, "10 of 10 viewers were active for 20s of 28.2s, at worst 9, with 1 restart");
        let moved = said(&|at_end| {
            (at_end.target, at_end.peak_target, at_end.target_moved) = (5, 20, true);
            (at_end.totals.active, at_end.totals.peak_active) = (6, 19);
        });
        assert_eq!(
            moved,
            "At most 19 of 20 viewers ran at the same time; 5 of 5 at the end, without a restart"
        );
        let in_ramp = said(&|at_end| {
            at_end.target_reached_after = None;
            at_end.totals.started = 4;
        });
        assert_eq!(in_ramp, "Stopped in the ramp after 30s: 4 of 10 viewers were started");
        let never = said(&|at_end| {
            at_end.target_reached_after = None;
            at_end.totals.peak_active = 6;
            at_end.failures = vec![failure("HTTP error 503", 24)];
        });
        assert_eq!(never, "Never held 10 viewers: at most 6 ran at the same time (HTTP error 503)");
    }
}
