//! The dashboard as a function of what it shows: divides the screen, and says so where there is too little of it.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::controls::{Controls, Page};
use super::history::History;
use super::palette::Palette;
use super::{machines, pages, run, state, troubles};
use crate::output::moment::Moment;

/// Smallest screen on which everything has its place.
pub const SMALLEST: (u16, u16) = (60, 20);

/// Smallest body that has two columns, and the log below them.
const WIDE: (u16, u16) = (110, 30);

/// Everything that is drawn: plain values.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The run now.
    pub moment: &'a Moment,
    /// And in the last minutes.
    pub history: &'a History,
    /// How long it shall take; `None` until stopped.
    pub duration: Option<Duration>,
    /// What the keys have set.
    pub controls: &'a Controls,
    /// The last lines of the log, the newest last.
    pub log: &'a [String],
    /// How it looks.
    pub palette: Palette,
}

/// Height from which the verdict has room for a second row.
const TALL: u16 = 24;

/// Draws all of it.
pub fn draw(frame: &mut Frame<'_>, view: &View<'_>) {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return too_small(frame, area);
    }
    let state = if area.height < TALL { 2 } else { 3 };
    let [state, body, keys] =
        Layout::vertical([Constraint::Length(state), Constraint::Min(0), Constraint::Length(1)]).areas(area);
    state::draw(frame, state, view);
    match view.controls.page {
        Page::Run if body.width >= WIDE.0 && body.height >= WIDE.1 => wide(frame, body, view),
        Page::Run => narrow(frame, body, view),
        Page::Viewers => pages::viewers(frame, body, view),
        Page::Help => pages::help(frame, body, view),
    }
    footer(frame, keys, view);
}

fn too_small(frame: &mut Frame<'_>, area: Rect) {
    let (width, height) = SMALLEST;
    let sentence = format!(
        "The dashboard needs {width} columns and {height} rows; here are {} and {}. The run goes on; q stops it.",
        area.width, area.height
    );
    frame.render_widget(Paragraph::new(sentence).wrap(Wrap { trim: true }), area);
}

/// One below the other.
fn narrow(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let machines = machines::rows(view) + 1;
    // What the others leave, and at least one row of trouble with its title.
    let requests = area.height.saturating_sub(4 + 5 + machines + 2).clamp(3, run::request_rows(view) + 1);
    let [viewers, requests, stream, machines, troubles] = Layout::vertical([
        Constraint::Length(4),
        Constraint::Length(requests),
        Constraint::Length(5),
        Constraint::Length(machines),
        Constraint::Min(0),
    ])
    .areas(area);
    run::viewers(frame, viewers, view);
    run::requests(frame, requests, view);
    run::stream(frame, stream, view);
    machines::draw(frame, machines, view);
    troubles::draw(frame, troubles, view);
}

/// In two columns, with the log below them.
fn wide(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let [body, log] = Layout::vertical([Constraint::Min(0), Constraint::Max(10)]).areas(area);
    let [left, _, right] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(2), Constraint::Fill(1)]).areas(body);
    let [viewers, stream, machines] = Layout::vertical([
        Constraint::Fill(1),
        Constraint::Fill(1),
        Constraint::Length(machines::rows(view) + 1),
    ])
    .areas(left);
    let [requests, troubles] =
        Layout::vertical([Constraint::Length(run::request_rows(view) + 2), Constraint::Min(0)]).areas(right);
    run::viewers(frame, viewers, view);
    run::stream(frame, stream, view);
    machines::draw(frame, machines, view);
    run::requests(frame, requests, view);
    troubles::draw(frame, troubles, view);
    troubles::log(frame, log, view);
}

fn footer(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let Palette { accent, warn, .. } = view.palette;
    if let Some(notice) = &view.controls.notice {
        return frame.render_widget(Line::styled(format!(" {notice}"), warn), area);
    }
    let keys: &[(&str, &str)] = match (view.controls.stopping, view.controls.page) {
        (true, _) => &[("q", "again: kill at once")],
        (_, Page::Viewers) => &[("d", "back"), ("↑ ↓", "scroll"), ("q", "stop"), ("?", "help")],
        (_, Page::Help) => &[("?", "back"), ("q", "stop")],
        (_, Page::Run) if view.controls.decides.is_some() => {
            &[("q", "stop and report"), ("d", "viewers"), ("?", "help")]
        }
        (_, Page::Run) => {
            &[("q", "stop"), ("+ -", "viewers"), ("p", "hold ramp"), ("d", "details"), ("?", "help")]
        }
    };
    let mut spans = Vec::new();
    for (key, what) in keys {
        spans.extend([Span::styled(format!(" {key}"), accent), Span::raw(format!(" {what}  "))]);
    }
    frame.render_widget(Line::from(spans), area);
}
