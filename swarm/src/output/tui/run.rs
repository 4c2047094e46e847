//! The panels of the run: viewers, requests, the stream.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph, Sparkline};

use super::draw::View;
use crate::observation::Kind;
use crate::output::wire_summary::{name, time};
use crate::plural::count;
use crate::stats::{Freshness, KindSnapshot, PlaybackSnapshot};

/// Width of the names before the figures.
const NAME: usize = 12;

/// What stands where nothing is measured.
const UNMEASURED: &str = "not measured: -direct leaves the wire out";

/// A panel's title on a rule; the place below it.
pub(super) fn panel(frame: &mut Frame<'_>, area: Rect, title: Line<'_>, style: Style) -> Rect {
    let block = Block::new().borders(Borders::TOP).border_style(style).title(title);
    let inside = block.inner(area);
    frame.render_widget(block, area);
    inside
}

/// Target, and what each viewer does.
pub(super) fn viewers(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let moment = view.moment;
    let backing_off = moment.totals.backing_off(moment.wanted);
    let title = Line::from(vec![
        Span::styled("─ Viewers ", view.palette.accent),
        Span::raw(format!("{} of {} run, {backing_off} backing off ", moment.totals.active, moment.target)),
    ]);
    let area = panel(frame, area, title, view.palette.faint);
    let [bar, counts, plot] =
        Layout::vertical([Constraint::Length(1), Constraint::Length(1), Constraint::Min(0)]).areas(area);
    let Some(playback) = moment.wire.as_ref().map(|wire| &wire.playback) else {
        frame.render_widget(Line::styled(UNMEASURED, view.palette.faint), bar);
        return sparkline(frame, plot, &view.history.playing(plot.width), view.palette.good);
    };
    let states = states(playback, view);
    let all = f64::from(moment.target.max(moment.totals.active).max(1));
    frame.render_widget(stacked(&states, all, bar.width), bar);
    let mut spans = Vec::new();
    for (viewers, symbol, what, style) in states {
        spans.push(Span::styled(symbol, if viewers > 0 { style } else { view.palette.faint }));
        spans.push(Span::raw(format!(" {viewers} {what}  ")));
    }
    frame.render_widget(Line::from(spans), counts);
    sparkline(frame, plot, &view.history.playing(plot.width), view.palette.good);
}

/// Number, symbol, word and look of each state. Streams that end have viewers that have seen all of it.
fn states(playback: &PlaybackSnapshot, view: &View<'_>) -> Vec<(u32, &'static str, &'static str, Style)> {
    let palette = view.palette;
    let mut states = vec![
        (playback.playing, "█", "playing", palette.good),
        (playback.starting, "▒", "starting", palette.accent),
        (playback.stalled, "!", "stalled", palette.bad),
        (playback.interrupted, "×", "interrupted", palette.bad),
    ];
    if playback.finished > 0 {
        states.insert(1, (playback.finished, "▓", "done", palette.good));
    }
    states
}

/// Parts of `all`, side by side; what is missing is dotted. Whoever is in trouble is seen, however few they are.
fn stacked(states: &[(u32, &'static str, &'static str, Style)], all: f64, width: u16) -> Line<'static> {
    let mut spans = Vec::new();
    let mut left = usize::from(width);
    for &(viewers, symbol, _, style) in states.iter().rev() {
        // A share of the screen's width: small and not negative.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
        let cells = (f64::from(viewers) / all * f64::from(width)).round() as usize;
        let cells = cells.max(usize::from(viewers > 0)).min(left);
        left -= cells;
        spans.push(Span::styled(symbol.repeat(cells), style));
    }
    spans.reverse();
    spans.push(Span::raw("·".repeat(left)));
    Line::from(spans)
}

fn sparkline(frame: &mut Frame<'_>, area: Rect, data: &[u64], style: Style) {
    frame.render_widget(Sparkline::default().data(data).style(style), area);
}

/// Rows that the table of requests would fill, its titles left out.
pub(super) fn request_rows(view: &View<'_>) -> u16 {
    let kinds = view.moment.wire.as_ref().map_or(0, |wire| wire.kinds.len());
    u16::try_from(kinds).unwrap_or(u16::MAX).max(2)
}

/// Each kind, segments first: the last are left out where there is no room.
pub(super) fn requests(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    const WITH_MAX: u16 = 68;
    let shows_max = area.width >= WITH_MAX;
    let head = format!("{:>9}{:>9}{:>9}{:>9}{:>9}", "number", "failed", "p50", "p95", "p99");
    let head = if shows_max { format!("{head}{:>9}", "max") } else { head };
    let title =
        Line::from(vec![Span::styled("─ Requests ─", view.palette.accent), Span::raw(head), Span::raw(" ")]);
    let area = panel(frame, area, title, view.palette.faint);
    let Some(wire) = &view.moment.wire else {
        return frame.render_widget(Line::styled(UNMEASURED, view.palette.faint), area);
    };
    let mut kinds: Vec<_> = wire.kinds.iter().collect();
    kinds.sort_by_key(|kind| match kind.kind {
        Kind::Segment => 0,
        Kind::Playlist => 1,
        Kind::Master | Kind::Init | Kind::Key | Kind::Other => 2,
    });
    let lines: Vec<_> = kinds.into_iter().map(|kind| request_line(kind, shows_max, view)).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn request_line(kind: &KindSnapshot, shows_max: bool, view: &View<'_>) -> Line<'static> {
    let times = kind.duration.map(|of| [of.p50_s, of.p95_s, of.p99_s, of.max_s]);
    let times = times.map_or([const { String::new() }; 4], |times| times.map(time));
    let failed = Span::styled(
        format!("{:>9}", kind.totals.errors),
        if kind.totals.errors > 0 { view.palette.bad } else { view.palette.faint },
    );
    let shown = if shows_max { 4 } else { 3 };
    let times = times.map(|time| format!("{time:>9}"));
    Line::from(vec![
        Span::raw(format!("{:<NAME$}{:>9}", name(kind.kind), kind.totals.requests)),
        failed,
        Span::raw(times[..shown].concat()),
    ])
}

/// Bytes, the playlist, and what viewers see of it.
pub(super) fn stream(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let area = panel(frame, area, Line::styled("─ Stream ", view.palette.accent), view.palette.faint);
    let Some(wire) = &view.moment.wire else {
        return frame.render_widget(Line::styled(UNMEASURED, view.palette.faint), area);
    };
    let [throughput, rows] = Layout::vertical([Constraint::Min(1), Constraint::Length(3)]).areas(area);
    let megabits = wire.throughput_bytes_per_s * 8.0 / 1e6;
    let figure = format!("{:<NAME$}{:<15}", "throughput", format!("{megabits:.1} Mbit/s"));
    let width = u16::try_from(figure.len()).unwrap_or(u16::MAX);
    let [text, plot] = Layout::horizontal([Constraint::Length(width), Constraint::Min(0)]).areas(throughput);
    frame.render_widget(Line::raw(figure), text);
    sparkline(frame, plot, &view.history.throughput(plot.width), view.palette.accent);
    let lines = vec![playlist(view), startup(&wire.playback), playback(&wire.playback, view)];
    frame.render_widget(Paragraph::new(lines), rows);
}

/// The oldest live playlist, against the age from which it is stale.
fn playlist(view: &View<'_>) -> Line<'static> {
    let name = Span::raw(format!("{:<NAME$}", "playlist"));
    let worst = view.moment.wire.as_ref().and_then(|wire| wire.worst_playlist.as_ref());
    let Some(worst) = worst else {
        return Line::from(vec![name, Span::styled("no live one", view.palette.faint)]);
    };
    let (word, style) = match worst.freshness {
        Freshness::Ended => ("ended", view.palette.faint),
        Freshness::Fresh => ("fresh", view.palette.good),
        Freshness::Stale => ("STALE", view.palette.warn),
        Freshness::Stuck => ("STUCK", view.palette.bad),
    };
    let age = format!("{:.1} s old, stale from {:.1} s  ", worst.age_s, worst.stale_after_s);
    Line::from(vec![name, Span::raw(age), Span::styled(word, style)])
}

fn startup(playback: &PlaybackSnapshot) -> Line<'static> {
    let text = playback.startup.map_or_else(
        || "nobody has started yet".to_owned(),
        |of| format!("p50 {}, p95 {}, p99 {}", time(of.p50_s), time(of.p95_s), time(of.p99_s)),
    );
    Line::raw(format!("{:<NAME$}{text}", "startup"))
}

fn playback(playback: &PlaybackSnapshot, view: &View<'_>) -> Line<'static> {
    let ratio = playback.rebuffer_ratio.unwrap_or_default();
    let has_trouble = playback.stalls + playback.interruptions > 0;
    let style = if has_trouble { view.palette.warn } else { view.palette.good };
    let interruptions = count(playback.interruptions, "interruption");
    Line::from(vec![
        Span::raw(format!("{:<NAME$}", "rebuffering")),
        Span::styled(format!("{:.2} %", ratio * 100.0), style),
        Span::raw(format!(", {}, {interruptions}", count(playback.stalls, "stall"))),
    ])
}
