//! The machines at both ends: whether it is the origin or the load box.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::draw::View;
use super::run::panel;
use crate::generator::Sample;
use crate::origin_metrics::OriginSample;
use crate::output::generator_summary::percent;
use crate::output::wire_summary::size;

/// Rows without the title. An origin that nobody asks is no row.
pub(super) fn rows(view: &View<'_>) -> u16 {
    1 + u16::from(view.moment.origin.is_some())
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let area = panel(frame, area, Line::styled("─ Machines ", view.palette.accent), view.palette.faint);
    let mut lines = vec![load_box(view)];
    lines.extend(view.moment.origin.as_ref().map(origin));
    frame.render_widget(Paragraph::new(lines), area);
}

fn load_box(view: &View<'_>) -> Line<'static> {
    let name = Span::raw("load box    ");
    let Some(sample) = &view.moment.generator else {
        return Line::from(vec![name, Span::styled("not sampled yet", view.palette.faint)]);
    };
    let state = match sample.saturated {
        None => Span::styled("room left", view.palette.good),
        Some(resource) => Span::styled(format!("SHORT OF {}", resource.name()), view.palette.bad),
    };
    Line::from(vec![name, state, Span::raw(load_box_figures(sample))])
}

fn load_box_figures(sample: &Sample) -> String {
    let mut text = String::new();
    if let Some(cpu) = sample.cpu_ratio {
        text += &format!(", CPU {}", percent(cpu));
    }
    if let Some(own) = sample.own_cpu_ratio {
        text += &format!(" (swarm {})", percent(own));
    }
    // A number of bytes of memory is exact in a double up to 2⁵³.
    if let Some(available) = sample.memory_available_bytes {
        text += &format!(", {} left", size(available as f64));
    }
    text
}

fn origin(sample: &OriginSample) -> Line<'static> {
    let mut parts = Vec::new();
    match (sample.cpu_ratio, sample.cpu_cores) {
        (Some(ratio), _) => parts.push(format!("CPU {}", percent(ratio))),
        (None, Some(cores)) => parts.push(format!("CPU {cores:.2} cores")),
        (None, None) => {}
    }
    parts.extend(sample.requests_per_s.map(|rate| format!("{rate:.0} req/s")));
    parts.extend(sample.errors_5xx_per_s.map(|rate| format!("{rate:.0} 5xx/s")));
    parts.extend(sample.connections.map(|open| format!("{open:.0} connections")));
    parts.extend(sample.bytes_per_s.map(|rate| format!("{:.1} Mbit/s", rate * 8.0 / 1e6)));
    let text = if parts.is_empty() { "says nothing".to_owned() } else { parts.join(", ") };
    Line::raw(format!("origin      {text}"))
}
