//! `swarm report`: shows a report that was written before, in a terminal or as another file, and makes one of those of
//! several load boxes. Plays nothing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::exit_code::ExitCode;
use crate::output::headline;
use crate::output::merge::{merge, names};
use crate::output::report::Report;
use crate::output::report_file::{self, Format};

/// More boxes than anybody has; each report takes a few megabytes while it is read.
const MOST_REPORTS: usize = 256;

const USAGE: &str =
    "report: say `swarm report show RUN.json [-o FILE]` or `swarm report merge A.json B.json … [-o FILE]`";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    merges: bool,
    files: Vec<PathBuf>,
    /// Empty is the terminal.
    outputs: Vec<PathBuf>,
}

/// Does it, and says how to exit: 2 where the words make no sense, 1 where a file cannot be read or written.
pub fn run(args: &[OsString]) -> ExitCode {
    let asked = match Asked::parse(args) {
        Ok(asked) => asked,
        Err(mistake) => return complain(&mistake, ExitCode::Usage),
    };
    let report = match read(&asked) {
        Ok(report) => report,
        Err(mistake) => return complain(&mistake, ExitCode::Internal),
    };
    if asked.outputs.is_empty() {
        print!("{}", headline::text(&report));
        return ExitCode::Finished;
    }
    println!("{}.", report.sentence());
    for path in &asked.outputs {
        if let Err(error) = report_file::write(&report, path) {
            let mistake = format!("report: failed to write {}: {error}", path.display());
            return complain(&mistake, ExitCode::Internal);
        }
        println!("written to {}", path.display());
    }
    ExitCode::Finished
}

impl Asked {
    fn parse(args: &[OsString]) -> Result<Self, String> {
        let (verb, rest) = args.split_first().ok_or(USAGE)?;
        let merges = match verb.to_str() {
            Some("show") => false,
            Some("merge") => true,
            _ => return Err(USAGE.to_owned()),
        };
        let (mut files, mut outputs) = (Vec::new(), Vec::new());
        let mut rest = rest.iter();
        while let Some(word) = rest.next() {
            match word.to_str() {
                Some("-o" | "--o" | "-output" | "--output") => {
                    let path = PathBuf::from(rest.next().ok_or("report: -o takes a file")?);
                    if Format::of(&path).is_none() {
                        return Err(format!(
                            "report: \"{}\" must end in {}",
                            path.display(),
                            Format::ENDINGS
                        ));
                    }
                    outputs.push(path);
                }
                Some(flag) if flag.starts_with('-') => {
                    return Err(format!("report: there is no {flag}; {USAGE}"));
                }
                _ => files.push(PathBuf::from(word)),
            }
        }
        match files.len() {
            0 => Err(USAGE.to_owned()),
            1 if merges => Err("report: merge takes the reports of at least two load boxes".to_owned()),
            2.. if !merges => Err("report: show takes one report; merge makes one of several".to_owned()),
            many if many > MOST_REPORTS => Err(format!("report: at most {MOST_REPORTS} reports are merged")),
            _ => Ok(Self { merges, files, outputs }),
        }
    }
}

fn read(asked: &Asked) -> Result<Report, String> {
    let mut reports = Vec::new();
    for (path, name) in asked.files.iter().zip(names(&asked.files)) {
        reports.push((name, read_one(path)?));
    }
    if asked.merges {
        return merge(reports).map_err(|error| format!("report: {error}"));
    }
    reports.pop().map(|(_, report)| report).ok_or_else(|| USAGE.to_owned())
}

fn read_one(path: &Path) -> Result<Report, String> {
    let json =
        std::fs::read(path).map_err(|error| format!("report: failed to read {}: {error}", path.display()))?;
    Report::parse(&json).map_err(|error| format!("report: {} {error}", path.display()))
}

fn complain(sentence: &str, code: ExitCode) -> ExitCode {
    eprintln!("swarm: {sentence}");
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Asked, String> {
        Asked::parse(&words.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn files_and_output_come_in_any_order() {
        let asked = parse("merge a.json -o all.html b.json -o all.json").unwrap();
        assert_eq!(asked.files, [PathBuf::from("a.json"), PathBuf::from("b.json")]);
        assert_eq!((asked.merges, asked.outputs), (true, vec!["all.html".into(), "all.json".into()]));
        assert_eq!(parse("show a.json").unwrap().outputs, Vec::<PathBuf>::new());
    }

    #[test]
    fn mistakes_say_what_to_do() {
        for (words, said) in [
            ("", "say `swarm report show"),
            ("look a.json", "say `swarm report show"),
            ("show", "say `swarm report show"),
            ("show a b", "show takes one report"),
            ("merge a", "at least two load boxes"),
            ("merge a b -o all.txt", "must end in .json, .html or .csv"),
            ("merge a b -o", "-o takes a file"),
            ("merge a b --force", "there is no --force"),
        ] {
            let mistake = parse(words).unwrap_err();
            assert!(mistake.contains(said), "{words}: {mistake}");
        }
    }
}
