//! The parts of the page that are no plots: sentences and tables.

use super::chart::Faults;
use super::markup::{escape, facts, table};
use super::palette::Ink;
use super::plot::Unit;
use crate::output::report::Report;
use crate::output::{command_line, headline};
use crate::plural::viewers;
use crate::verdict::clock;

/// More than this is no story any more; the plots have them all.
const MOST_EVENTS: usize = 40;

/// For the browser's tab.
pub(super) fn title(report: &Report) -> String {
    format!("swarm: {}, {}", viewers(report.judgement.evidence.clients), report.started_at)
}

/// What everybody reads: how it went, of what, and how to do it again.
pub(super) fn head(report: &Report) -> String {
    let state = report.verdict.as_ref().map_or("search", |verdict| verdict.state.label());
    let sentence = report.sentence();
    let mut html = format!(
        "<h1>HLS load test, {}</h1>\n<p class=\"verdict {state}\">{}.</p>\n",
        escape(&report.started_at),
        escape(sentence)
    );
    if sentence != report.outcome.sentence {
        html += &format!("<p class=soft>{}.</p>\n", escape(&report.outcome.sentence));
    }
    html += &format!("<pre tabindex=0>{}</pre>\n", escape(&command_line::of_all(report)));
    html
}

/// The headline figures, in the words of the summary.
pub(super) fn figures(report: &Report) -> String {
    let rows = headline::rows(report).into_iter().filter(|(name, _)| *name != "box");
    facts(&rows.map(|(name, text)| (name.to_owned(), text)).collect::<Vec<_>>())
}

/// Of a report that was put together from several.
pub(super) fn boxes(report: &Report) -> String {
    if report.boxes.is_empty() {
        return String::new();
    }
    let row = |part: &crate::output::report::BoxSection| {
        vec![part.name.clone(), part.started_at.clone(), part.peak_active.to_string(), part.sentence.clone()]
    };
    let rows: Vec<_> = report.boxes.iter().map(row).collect();
    format!("<h2>Load boxes</h2>\n{}", table(&["Box", "Started", "Viewers", "Its own verdict"], &rows))
}

/// What happened when: first signs, crossings, the load box at its end, in their order.
pub(super) fn events(report: &Report) -> String {
    let mut events: Vec<(f64, String)> = Vec::new();
    for seen in &report.judgement.evidence.first_signs {
        events.push((seen.after_s, format!("first {}, with {}", seen.sign, viewers(seen.clients))));
    }
    for judged in &report.judgement.thresholds {
        if let Some(after_s) = judged.crossed_after_s {
            events.push((after_s, format!("threshold crossed: {}", judged.threshold)));
        }
    }
    for spell in &report.generator.saturated {
        let lasted = spell.until_s - spell.from_s;
        events.push((spell.from_s, format!("load box short of {} for {lasted:.0} s", spell.resource.name())));
    }
    let faults = Faults::of(report);
    for (from_s, until_s) in faults.spans.iter().filter(|_| faults.told_by_origin) {
        events.push((*from_s, format!("fault in force at the origin, for {:.0} s", until_s - from_s)));
    }
    if events.is_empty() {
        return String::new();
    }
    events.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let more = events.len().saturating_sub(MOST_EVENTS);
    events.truncate(MOST_EVENTS);
    let more = if more > 0 { format!("<p class=soft>And {more} more.</p>\n") } else { String::new() };
    let item = |(after_s, text): &(f64, String)| format!("<li>{} {}</li>\n", clock(*after_s), escape(text));
    format!(
        "<h2>What happened</h2>\n<ol class=events>{}</ol>\n{more}",
        events.iter().map(item).collect::<String>()
    )
}

/// What changed since an earlier run.
pub(super) fn comparison(report: &Report) -> String {
    let Some(comparison) = &report.comparison else { return String::new() };
    let items: String = comparison
        .changes
        .iter()
        .map(|change| format!("<li>{}</li>\n", escape(&change.text)))
        .collect::<Vec<_>>()
        .concat();
    let file = escape(&comparison.file);
    format!("<h2>Beside {file}</h2>\n<ul>{items}</ul>\n")
}

/// Each level of a search.
pub(super) fn limit(report: &Report) -> String {
    let Some(limit) = &report.limit else { return String::new() };
    let say = |unit: Unit, value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| unit.say(value));
    let row = |level: &crate::output::limit_section::LevelSection| {
        let crossed: Vec<_> = level.crossed.iter().map(|crossed| crossed.threshold.as_str()).collect();
        let judged =
            level.judgement.map_or_else(|| "not finished".to_owned(), |of| format!("{of:?}").to_lowercase());
        vec![
            level.viewers.to_string(),
            judged,
            clock(level.began_after_s),
            format!("{:.0} s", level.held_s),
            say(Unit::Seconds, level.figures.segment_duration_p95_s),
            say(Unit::Percent, level.figures.error_ratio),
            say(Unit::Percent, level.figures.rebuffer_ratio),
            crossed.join(", "),
        ]
    };
    let rows: Vec<_> = limit.levels.iter().map(row).collect();
    let header =
        ["Viewers", "Result", "Began", "Held", "Segments p95", "Errors", "Rebuffering", "Did not hold"];
    format!("<h2>Levels</h2>\n{}", table(&header, &rows))
}

/// What is behind the lines, as far as it is there.
pub(super) fn scenery_legend(report: &Report) -> String {
    let item = |ink: Ink, class: &str, text: &str| {
        let ink = ink.hex();
        format!("<li><i class=\"{class}\" data-ink=\"{ink}\" style=\"background:{ink}\"></i>{text}</li>")
    };
    let has_ramp = report.series.iter().any(|row| row.ramping);
    let is_saturated = report.series.iter().any(|row| row.saturated.is_some());
    let is_crossed = report.judgement.thresholds.iter().any(|judged| judged.crossed_after_s.is_some());
    let faults = Faults::of(report);
    let fault = if faults.told_by_origin {
        "a fault in force, as the origin says"
    } else {
        "viewers stalled or interrupted"
    };
    let items = [
        (!faults.spans.is_empty(), item(Ink::Fault, "", fault)),
        (has_ramp, item(Ink::Ramp, "band", "viewers join or leave")),
        (is_saturated, item(Ink::Saturated, "band", "load box saturated")),
        (report.limit.is_some(), item(Ink::Level, "", "a level begins")),
        (is_crossed, item(Ink::Bad, "", "a threshold is crossed")),
    ];
    let shown: String = items.into_iter().filter(|(is_there, _)| *is_there).map(|(_, item)| item).collect();
    if shown.is_empty() { shown } else { format!("<ul class=legend>{shown}</ul>\n") }
}

/// Why requests and FFmpegs failed.
pub(super) fn failures(report: &Report) -> String {
    let errors = report.wire.iter().flat_map(|wire| &wire.errors).map(|error| {
        vec![
            error.class.clone(),
            error.count.to_string(),
            format!("{} to {}", clock(error.first_after_s), clock(error.last_after_s)),
            format!("first by viewer {} on {}", error.first_viewer, error.first_url),
        ]
    });
    let errors: Vec<_> = errors.collect();
    let mut html = String::new();
    if !errors.is_empty() {
        html += &table(&["Requests", "Times", "When", "First"], &errors);
    }
    for kind in &report.failures {
        html += &format!(
            "<p>{} × {} (first after {}, viewer {})</p>\n",
            kind.count,
            escape(&kind.reason),
            clock(kind.first_after_s),
            kind.first_viewer
        );
        if !kind.ffmpeg_said.is_empty() {
            html += &format!("<pre tabindex=0>{}</pre>\n", escape(&kind.ffmpeg_said.join("\n")));
        }
    }
    if html.is_empty() { "<p>None.</p>\n".to_owned() } else { html }
}

/// Versions, and what the machine gives.
pub(super) fn environment(report: &Report) -> String {
    let environment = &report.environment;
    let limit = |limit: Option<u64>| limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
    let mut rows = vec![
        ("swarm", report.swarm_version.clone()),
        ("FFmpeg", report.ffmpeg_version.clone()),
        ("began and ended", format!("{} to {}", report.started_at, report.ended_at)),
        ("CPUs", report.generator.cores.to_string()),
        ("open files", limit(environment.descriptors)),
        ("processes", limit(environment.tasks)),
    ];
    rows.extend(environment.host.iter().map(|host| ("load box", host.clone())));
    rows.extend(environment.kernel.iter().map(|kernel| ("kernel", kernel.clone())));
    facts(&rows.into_iter().map(|(name, text)| (name.to_owned(), text)).collect::<Vec<_>>())
}
