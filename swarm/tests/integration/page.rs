//! What an HTML report says in its tables, read as a screen reader reads it.

use std::collections::BTreeMap;

/// The table behind a plot: each column by its name, a value per row. What is unknown there is `None`.
pub(crate) struct Figure {
    pub(crate) at_s: Vec<f64>,
    pub(crate) columns: BTreeMap<String, Vec<Option<f64>>>,
}

/// The text between two marks.
#[track_caller]
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in the page"));
    rest.split_once(after).unwrap_or_else(|| panic!("no {after} behind {before} in the page")).0
}

/// What the row of a table of facts says.
#[track_caller]
pub(crate) fn fact(html: &str, name: &str) -> String {
    between(html, &format!("<tr><th scope=row>{name}</th><td>"), "</td>").to_owned()
}

/// Behind the plot of this title. Numbers are as they are shown, without their units.
#[track_caller]
pub(crate) fn figure(html: &str, title: &str) -> Figure {
    let text = between(html, &format!("<figcaption>{title}</figcaption>"), "</figure>");
    let header = between(text, "<thead>", "<tbody>");
    let names: Vec<_> = header.split("<th scope=col>").skip(2).map(|cell| cell.split('<').next()).collect();
    let rows: Vec<Vec<_>> = text
        .lines()
        .filter(|line| line.starts_with("<tr data-x="))
        .map(|line| line.split("<td>").collect())
        .collect();
    let number = |cell: &str| cell.split([' ', '/']).next().and_then(|number| number.parse().ok());
    let at =
        |row: &Vec<&str>| row[0].trim_start_matches("<tr data-x=").trim_end_matches('>').parse().unwrap();
    let column = |place: usize| rows.iter().map(|row| number(row[place + 2])).collect();
    let columns = names.iter().enumerate().map(|(place, name)| (name.unwrap().to_owned(), column(place)));
    Figure { at_s: rows.iter().map(at).collect(), columns: columns.collect() }
}
