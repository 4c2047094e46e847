//! The command line that makes such a run again, from the configuration in its report.

use super::report::Report;

/// Stands for a word that no shell can be given: it has a NUL in it.
const UNQUOTABLE: &str = "…";

/// For a shell. What may be a secret is not in a report, and is left to the reader.
pub(super) fn of(report: &Report) -> String {
    let configuration = &report.configuration;
    let words = std::iter::once("swarm")
        .chain(configuration.flags.iter().map(String::as_str))
        .chain(configuration.urls.iter().map(String::as_str));
    let quoted = words.map(|word| shlex::try_quote(word).map_or_else(|_| UNQUOTABLE.into(), Into::into));
    quoted.collect::<Vec<String>>().join(" ")
}

/// Of each load box, where the report was put together from several.
pub(super) fn of_all(report: &Report) -> String {
    if report.boxes.is_empty() {
        return of(report);
    }
    let of_box = |part: &super::report::BoxSection| format!("# {}\n{}", part.name, part.command_line);
    report.boxes.iter().map(of_box).collect::<Vec<_>>().join("\n")
}
