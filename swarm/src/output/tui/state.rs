//! The first rows: what the run does, since when and for how long, and how it goes so far.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Margin, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::draw::View;
use crate::go_duration;
use crate::output::moment::Bracket;
use crate::verdict::State;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let first = Line::from(vec![
        Span::styled(" swarm  ", view.palette.accent),
        Span::raw(phase(view)),
        Span::raw("  "),
        Span::raw(times(view)),
    ]);
    let [top, rest] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    frame.render_widget(first, top);
    let rest = rest.inner(Margin::new(1, 0));
    frame.render_widget(Paragraph::new(verdict(view)).wrap(Wrap { trim: true }), rest);
}

fn phase(view: &View<'_>) -> String {
    let moment = view.moment;
    if view.controls.stopping {
        return "stopping the viewers".to_owned();
    }
    if let Some(aim) = view.controls.held {
        return format!("ramp held at {} of {aim}", moment.wanted);
    }
    if moment.wanted != moment.target {
        return format!("ramping {} to {}", moment.wanted, moment.target);
    }
    if moment.search.is_some() { "searching" } else { "holding" }.to_owned() + &format!(" {}", moment.target)
}

fn times(view: &View<'_>) -> String {
    let whole = |duration: Duration| go_duration::format(Duration::from_secs(duration.as_secs()));
    let elapsed = view.moment.elapsed;
    match view.duration {
        Some(duration) => format!(
            "{} of {}, {} left",
            whole(elapsed),
            whole(duration),
            whole(duration.saturating_sub(elapsed) + Duration::from_millis(500))
        ),
        None => format!("{}, until stopped", whole(elapsed)),
    }
}

fn verdict<'a>(view: &View<'a>) -> Line<'a> {
    if let Some(Bracket { trying, held, failed }) = view.moment.search {
        let failed = failed.map_or_else(|| "none failed".to_owned(), |failed| format!("{failed} failed"));
        return Line::raw(format!("limit: {held} held, {failed}, trying {trying}"));
    }
    let Some(verdict) = &view.moment.verdict else {
        return Line::styled("no verdict yet", view.palette.faint);
    };
    let style: Style = match verdict.state {
        State::Healthy => view.palette.good,
        State::Degraded | State::Invalid => view.palette.warn,
        State::Failing => view.palette.bad,
    };
    // Until the end it may still change.
    let (word, rest) = verdict.sentence.split_once(':').unwrap_or((&verdict.sentence, ""));
    Line::from(vec![Span::styled(word, style), Span::raw(" so far:"), Span::raw(rest)])
}
