//! Pieces of HTML. Every text from outside goes through [`escape`] here, and nowhere else.

use super::chart::{Chart, Series};
use super::plot::{LEFT, PlotError, RIGHT, SIZE};

/// Text as HTML, in elements and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            // What a terminal would obey, FFmpeg may repeat from a playlist.
            c if c.is_control() && c != '\n' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Names in the first column, and what they are.
pub(super) fn facts(rows: &[(String, String)]) -> String {
    let row = |(name, text): &(String, String)| {
        format!("<tr><th scope=row>{}</th><td>{}</td></tr>\n", escape(name), escape(text))
    };
    format!("<div class=scroll><table>{}</table></div>\n", rows.iter().map(row).collect::<String>())
}

/// A table with a header.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let cells = |tag: &str, cells: &mut dyn Iterator<Item = &str>| {
        cells.map(|cell| format!("<{tag}>{}</{}>", escape(cell), &tag[..2])).collect::<Vec<_>>().concat()
    };
    let row = |row: &Vec<String>| format!("<tr>{}</tr>\n", cells("td", &mut row.iter().map(String::as_str)));
    format!(
        "<div class=scroll><table><thead><tr>{}</tr></thead><tbody>\n{}</tbody></table></div>\n",
        cells("th scope=col", &mut header.iter().copied()),
        rows.iter().map(row).collect::<String>()
    )
}

/// A plot with its legend, and its table behind it.
pub(super) fn figure(chart: &Chart) -> Result<String, PlotError> {
    let legend = |series: &Series| {
        let ink = series.ink.hex();
        format!(
            "<li><i data-ink=\"{ink}\" style=\"background:{ink}\"></i>{}<b></b></li>",
            escape(&series.name)
        )
    };
    let names = chart.series.iter().map(|series| series.name.as_str()).collect::<Vec<_>>().join(", ");
    // Whoever cannot see the drawing has the table.
    let svg = chart.svg()?.replacen("<svg ", "<svg aria-hidden=\"true\" ", 1);
    Ok(format!(
        "<figure><figcaption>{title}</figcaption><ul class=legend>{legend}</ul>\n\
         <div class=plot role=img aria-label=\"{title}: {names}; the numbers are in the table below\" \
         data-from={from} data-until={until} data-left={LEFT} data-right={RIGHT} data-width={width}>{svg}\
         <div class=cursor></div></div>\n{numbers}</figure>\n",
        title = escape(chart.title),
        legend = chart.series.iter().map(legend).collect::<String>(),
        names = escape(&names),
        from = chart.plot.from,
        until = chart.plot.until,
        width = SIZE.0,
        numbers = numbers(chart),
    ))
}

/// End tags of rows and cells are left out, as HTML allows: they would be a third of the file.
fn numbers(chart: &Chart) -> String {
    let cell = |series: &Series| format!("<th scope=col>{}", escape(&series.name));
    let header = chart.series.iter().map(cell).collect::<String>();
    let mut rows = String::new();
    for (place, (x, name)) in chart.points.iter().enumerate() {
        rows += &format!("<tr data-x={x:.3}><td>{}", escape(name));
        for series in &chart.series {
            let value = series.values.get(place).copied().flatten();
            rows +=
                &format!("<td>{}", value.map_or_else(|| "–".to_owned(), |value| chart.plot.unit.say(value)));
        }
        rows.push('\n');
    }
    format!(
        "<details><summary>Numbers</summary><div class=scroll tabindex=0><table class=numbers><thead><tr><th \
         scope=col>{}{header}</thead><tbody>\n{rows}</tbody></table></div></details>",
        escape(chart.first_column)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(
            escape("<b a='1' c=\"2\">&\u{1b}[0m"),
            "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;\u{fffd}[0m"
        );
        let rows = [vec!["<script>".to_owned()]];
        assert!(!table(&["<x>"], &rows).contains("<script>") && !table(&["<x>"], &rows).contains("<x>"));
        assert!(!facts(&[("<script>".to_owned(), "<script>".to_owned())]).contains("<script>"));
    }
}
