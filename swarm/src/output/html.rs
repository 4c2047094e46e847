//! A report as one HTML page that needs nothing else: no request, no library. Shows what the report has; computes nothing.

mod chart;
mod markup;
mod palette;
mod plot;
mod sections;

pub use plot::PlotError;

use markup::{escape, figure};

use super::report::Report;

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/plots.js");

/// What plots are drawn in stays readable on paper, whatever the screen's theme is.
const DARK_PLACE: &str = "/*dark*/";

/// The whole page.
///
/// # Errors
/// When a plot cannot be drawn, which no report should bring about.
pub fn page(report: &Report) -> Result<String, PlotError> {
    let style = STYLE
        .replace(DARK_PLACE, &palette::dark_rules())
        .replace("@media(prefers", "@media screen and (prefers");
    let mut body = sections::head(report);
    body += &format!("<h2>Figures</h2>\n{}", sections::figures(report));
    body += &sections::boxes(report);
    body += &sections::events(report);
    body += &sections::comparison(report);
    body += &sections::limit(report);
    body += &figures_of(&chart::knee(report), "")?;
    body += "<h2>Over time</h2>\n";
    body += &sections::scenery_legend(report);
    body += &figures_of(&chart::over_time(report), " data-zoom")?;
    if let Some(chart) = chart::distribution(report) {
        body += "<h2>Distribution</h2>\n";
        body += &figures_of(&[chart], "")?;
    }
    body += &format!("<h2>Failures</h2>\n{}", sections::failures(report));
    body += &format!("<h2>Environment</h2>\n{}", sections::environment(report));
    Ok(format!(
        "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n\
         <meta name=viewport content=\"width=device-width, initial-scale=1\">\n\
         <link rel=icon href=\"data:,\">\n<title>{}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n{body}</main>\n\
         <script>{SCRIPT}</script>\n</body>\n</html>\n",
        escape(&sections::title(report)),
    ))
}

/// `attribute` tells the script what can be done with them together.
fn figures_of(charts: &[chart::Chart], attribute: &str) -> Result<String, PlotError> {
    let figures: Vec<_> = charts.iter().map(figure).collect::<Result<_, _>>()?;
    Ok(format!("<div class=group{attribute}>\n{}</div>\n", figures.concat()))
}

#[cfg(test)]
mod tests;
