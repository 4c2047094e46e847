//! What fills the middle of the screen when a key asks for it: each viewer, or what the keys do.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::draw::View;
use super::run::panel;
use crate::stats::{PlaybackState, ViewerSnapshot};

const KEYS: [(&str, &str); 8] = [
    ("q, Ctrl-C", "stop the viewers and report; again: kill at once"),
    ("+", "a tenth more viewers, at the ramp's rate"),
    ("-", "a tenth fewer viewers, at once"),
    ("p", "hold the ramp where it is; again: let it go on"),
    ("d", "each viewer, those in trouble first; ↑ ↓ scroll"),
    ("?", "this page"),
    ("Esc", "back to the run"),
    ("Ctrl-L", "draw everything anew"),
];

/// A row for each viewer.
pub(super) fn viewers(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let head = format!(
        "{:>13}{:>8}{:>7}{:>10}{:>8}{:>5} ",
        "buffer", "behind", "stalls", "no media", "played", "late"
    );
    let title = Line::from(vec![Span::styled("─ Viewer ", view.palette.accent), Span::raw(head)]);
    let area = panel(frame, area, title, view.palette.faint);
    let viewers = &view.moment.viewers;
    if viewers.is_empty() {
        let why = if view.moment.wire.is_some() { "no viewer runs" } else { "not measured with -direct" };
        return frame.render_widget(Line::styled(why, view.palette.faint), area);
    }
    let most_scroll = viewers.len().saturating_sub(area.height.into());
    let skipped = view.controls.scroll.min(most_scroll);
    let lines: Vec<_> = viewers
        .iter()
        .skip(skipped)
        .take(area.height.into())
        .map(|viewer| viewer_line(viewer, view))
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn viewer_line(viewer: &ViewerSnapshot, view: &View<'_>) -> Line<'static> {
    let (state, style) = match viewer.state {
        PlaybackState::Idle => ("idle", view.palette.faint),
        PlaybackState::Starting => ("starting", view.palette.accent),
        PlaybackState::Playing => ("playing", view.palette.good),
        PlaybackState::Stalled => ("stalled", view.palette.bad),
        PlaybackState::Interrupted => ("broken", view.palette.bad),
        PlaybackState::Finished => ("finished", view.palette.good),
    };
    let seconds = |seconds: f64| format!("{seconds:.1} s");
    let behind = viewer.live_latency_s.map(seconds).unwrap_or_default();
    Line::from(vec![
        Span::raw(format!("{:>5} ", viewer.viewer)),
        Span::styled(format!("{state:<8}"), style),
        Span::raw(format!(
            "{:>8}{behind:>8}{:>7}{:>10}{:>8}{:>5}",
            seconds(viewer.buffer_s),
            viewer.stalls + viewer.interruptions,
            seconds(viewer.stalled_s + viewer.interrupted_s),
            format!("{:.0} s", viewer.playing_s),
            viewer.late_segments
        )),
    ])
}

/// What the keys do.
pub(super) fn help(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let area = panel(frame, area, Line::styled("─ Keys ", view.palette.accent), view.palette.faint);
    let mut lines: Vec<_> = KEYS
        .into_iter()
        .map(|(key, what)| {
            Line::from(vec![Span::styled(format!("{key:<11}"), view.palette.accent), Span::raw(what)])
        })
        .collect();
    if let Some(who) = view.controls.decides {
        lines.push(Line::raw(""));
        lines.push(Line::raw(format!("In this run {who} decides how many viewers run.")));
    }
    frame.render_widget(Paragraph::new(lines), area);
}
