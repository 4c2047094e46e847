//! The flags that were given, by hand or by the environment, so that a report can say how to make such a run again. Walks
//! through all that there are: a new one cannot be forgotten. What may be a secret is left out.

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Command};

/// Stands for what is left out.
const LEFT_OUT: &str = "…";

/// Options of FFmpeg whose values may be secrets, as those of `-header` may be.
const SECRET_OPTIONS: [&str; 2] = ["-headers", "-cookies"];

/// Each flag and its value, as words. URLs to play are no flags.
pub(super) fn flags(found: &ArgMatches, command: &Command) -> Vec<String> {
    let mut words = Vec::new();
    for arg in command.get_arguments() {
        let id = arg.get_id().as_str();
        let is_given = |source| source != ValueSource::DefaultValue;
        let Some(name) = arg.get_long().filter(|_| found.value_source(id).is_some_and(is_given)) else {
            continue;
        };
        if matches!(arg.get_action(), ArgAction::SetTrue) {
            words.extend(found.get_flag(id).then(|| format!("-{name}")));
            continue;
        }
        for value in found.get_raw(id).into_iter().flatten() {
            words.extend([format!("-{name}"), without_secrets(name, &value.to_string_lossy())]);
        }
    }
    words
}

fn without_secrets(flag: &str, value: &str) -> String {
    let up_to = |mark: char| value.split_once(mark).map(|(before, _)| format!("{before}{mark}"));
    match flag {
        "header" => up_to(':').map_or_else(|| LEFT_OUT.to_owned(), |name| format!("{name} {LEFT_OUT}")),
        "origin-metrics" => {
            up_to('?').map_or_else(|| value.to_owned(), |address| format!("{address}{LEFT_OUT}"))
        }
        "ffmpeg-arg" => match value.split_whitespace().next() {
            Some(option) if SECRET_OPTIONS.contains(&option) => format!("{option} {LEFT_OUT}"),
            _ => value.to_owned(),
        },
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command;

    fn given(args: &[&str]) -> Vec<String> {
        let command = command();
        let args = [&["swarm"], args, &["http://h/s.m3u8"]].concat();
        flags(&command.clone().try_get_matches_from(args).unwrap(), &command)
    }

    #[test]
    fn every_flag_that_is_given_is_there() {
        for arg in command().get_arguments().filter(|arg| !arg.is_positional()) {
            let name = arg.get_long().unwrap();
            if matches!(name, "help" | "version") {
                continue;
            }
            let flag = format!("--{name}");
            let value = if arg.get_action().takes_values() { vec!["x"] } else { Vec::new() };
            let words = given(&[&[flag.as_str()], &value[..]].concat());
            let expected = if name == "header" { vec![LEFT_OUT] } else { value };
            let expected: Vec<_> = std::iter::once(&flag[1..]).chain(expected).collect();
            assert!(words.windows(expected.len()).any(|found| found == expected), "{name}: {words:?}");
        }
    }

    #[test]
    fn each_value_is_there_and_no_secret() {
        let words = given(&["--header", "A: secret", "--header", "B:secret", "--ffmpeg-arg=-cookies secret"]);
        assert!(!words.concat().contains("secret"), "{words:?}");
        assert_eq!(words, ["-header", "A: …", "-header", "B: …", "-ffmpeg-arg", "-cookies …"]);
        let words =
            given(&["--origin-metrics", "http://o/metrics?token=secret", "--ffmpeg-arg", "-probesize 5"]);
        assert!(!words.concat().contains("secret"), "{words:?}");
        assert!(words.contains(&"-probesize 5".to_owned()), "{words:?}");
    }
}
