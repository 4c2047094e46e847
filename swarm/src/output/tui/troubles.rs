//! What went wrong, folded, and the log.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::draw::View;
use super::run::panel;
use crate::stats::{ErrorKind, FailureKind};

/// Lines of FFmpeg's last words that are shown of each kind of failure.
const SAID_LINES: usize = 3;

/// Failed requests and failed FFmpegs. Where little room is, one line of each comes before FFmpeg's words.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let area = panel(frame, area, Line::styled("─ Failures ", view.palette.accent), view.palette.faint);
    let moment = view.moment;
    let errors = moment.wire.as_ref().map(|wire| wire.errors.as_slice()).unwrap_or_default();
    let room = usize::from(area.height).saturating_sub(errors.len() + moment.failures.len());
    let mut lines: Vec<_> = errors.iter().map(|error| error_line(error, view)).collect();
    let mut left = room;
    for failure in &moment.failures {
        lines.push(failure_line(failure, view));
        let said = said(failure, left.min(SAID_LINES));
        left -= said.len();
        lines.extend(said.into_iter().map(|line| Line::styled(format!("      {line}"), view.palette.faint)));
    }
    if moment.other_failures > 0 {
        lines.push(Line::raw(format!("{:>5} × other reasons", moment.other_failures)));
    }
    if lines.is_empty() {
        lines.push(Line::styled("none", view.palette.good));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn error_line<'a>(error: &'a ErrorKind, view: &View<'_>) -> Line<'a> {
    Line::from(vec![
        Span::styled(format!("{:>5} × {}", error.count, error.class), view.palette.bad),
        Span::raw(format!(" on {}", error.first_url)),
    ])
}

fn failure_line<'a>(failure: &'a FailureKind, view: &View<'_>) -> Line<'a> {
    Line::from(vec![
        Span::styled(format!("{:>5} × ", failure.count), view.palette.warn),
        Span::raw(failure.reason.as_str()),
    ])
}

/// FFmpeg's last words that the reason does not repeat, at most so many lines.
fn said(failure: &FailureKind, most: usize) -> Vec<&str> {
    let news = |line: &&String| **line != failure.reason && !line.trim().is_empty();
    let mut said: Vec<_> = failure.ffmpeg_said.iter().filter(news).map(String::as_str).collect();
    said.drain(..said.len().saturating_sub(most));
    said
}

/// As much of its end as there is room for.
pub(super) fn log(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let area = panel(frame, area, Line::styled("─ Log ", view.palette.accent), view.palette.faint);
    let skipped = view.log.len().saturating_sub(area.height.into());
    let lines: Vec<_> = view.log.iter().skip(skipped).map(|line| Line::raw(line.as_str())).collect();
    frame.render_widget(Paragraph::new(lines), area);
}
