//! Prometheus's text format, line by line. Lenient: a line that cannot be read is skipped, because a page with one odd
//! line still has the others.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series<'a> {
    pub(super) name: &'a str,
    /// Name and value as written: escapes in values (`\"`, `\\`, `\n`) stay, which no label that we ask for has.
    pub(super) labels: Vec<(&'a str, &'a str)>,
    pub(super) value: f64,
}

impl<'a> Series<'a> {
    pub(super) fn label(&self, name: &str) -> Option<&'a str> {
        self.labels.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// Everything on a page that can be read and is a number.
pub(super) fn parse(page: &str) -> impl Iterator<Item = Series<'_>> {
    page.lines().filter_map(|line| parse_line(line.trim()))
}

fn parse_line(line: &str) -> Option<Series<'_>> {
    if line.starts_with('#') {
        return None;
    }
    let end = line.find(|c: char| c == '{' || c.is_whitespace())?;
    let (name, rest) = line.split_at(end);
    let mut rest = rest.trim_start();
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        (labels, rest) = parse_labels(inside)?;
    }
    // A time stamp may follow the value.
    let value: f64 = rest.split_whitespace().next()?.parse().ok()?;
    (!name.is_empty() && value.is_finite()).then_some(Series { name, labels, value })
}

/// Up to and with the closing brace; what is left behind it.
fn parse_labels(mut rest: &str) -> Option<(Vec<(&str, &str)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        if let Some(behind) = rest.strip_prefix('}') {
            return Some((labels, behind));
        }
        let (name, behind) = rest.split_once('=')?;
        let behind = behind.trim_start().strip_prefix('"')?;
        let end = closing_quote(behind)?;
        labels.push((name.trim(), &behind[..end]));
        rest = &behind[end + 1..];
    }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let was_escaped = is_escaped;
        is_escaped = c == '\\' && !was_escaped;
        (c == '"' && !was_escaped).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_labels_escapes_and_time_stamps_are_read() {
        let page = "# HELP a text\n# TYPE a counter\na 3\n\
            b{status=\"503\",kind=\"segment\"} 2.5e3 1395066363000\n\
            c { path = \"C:\\\\x \\\"}\\\" ,=\" , le=\"+Inf\" , } 1\n";
        let series: Vec<_> = parse(page).collect();
        assert_eq!(series.len(), 3, "{series:?}");
        assert_eq!((series[0].name, series[0].value), ("a", 3.0));
        assert_eq!((series[1].label("status"), series[1].value), (Some("503"), 2500.0));
        assert_eq!(series[1].label("code"), None);
    }

    #[test]
    fn lines_that_are_none_are_skipped_and_the_rest_is_read() {
        let page = "<html>\n{x=\"1\"} 5\nname\nname value\ncut{a=\"b} 1\nnan NaN\ninf +Inf\n\n  good 7  \n";
        let series: Vec<_> = parse(page).collect();
        assert_eq!(series, [Series { name: "good", labels: Vec::new(), value: 7.0 }]);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(page in "[a-z{}=\",\\\\ 0-9\\n#é]{0,200}") {
            for series in parse(&page) {
                prop_assert!(series.value.is_finite());
            }
        }

        #[test]
        fn what_is_written_by_the_rules_is_read_back(
            name in "[a-z_:][a-z0-9_:]{0,20}", label in "[a-z_][a-z0-9_]{0,9}", text in "[^\"\\\\\n]{0,20}",
            value in -1e12..1e12_f64,
        ) {
            let page = format!("{name}{{{label}=\"{text}\"}} {value}\n");
            let series: Vec<_> = parse(&page).collect();
            let expected = Series { name: &name, labels: vec![(label.as_str(), text.as_str())], value };
            prop_assert_eq!(series, vec![expected]);
        }
    }
}
