//! `swarm report`: shows a report that was written before, in a terminal or as another file, and makes one of those of
//! several load boxes. Plays nothing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Parser;
use clap::error::ErrorKind;

use crate::console;
use crate::exit_code::ExitCode;
use crate::output::headline;
use crate::output::merge::{merge, names};
use crate::output::report::Report;
use crate::output::report_file::{self, Format};

/// More boxes than anybody has; each report takes a few megabytes while it is read.
const MOST_REPORTS: usize = 256;

/// Shows a report that was written before, or makes one of those of several load boxes. Plays nothing.
#[derive(Debug, PartialEq, Eq, Parser)]
#[command(name = "swarm report", disable_help_subcommand = true, max_term_width = 100)]
enum Asked {
    /// The summary of one report, or the same report as other files
    Show {
        /// What `swarm -report RUN.json` wrote
        #[arg(value_name = "RUN.json")]
        report: PathBuf,
        #[command(flatten)]
        into: Destination,
    },
    /// One report of those of several load boxes that played at the same time: counts added up, histograms put together
    Merge {
        /// What each box wrote
        #[arg(value_name = "RUN.json", num_args = 1.., required = true)]
        reports: Vec<PathBuf>,
        #[command(flatten)]
        into: Destination,
    },
}

/// Where it goes.
#[derive(Debug, PartialEq, Eq, clap::Args)]
struct Destination {
    /// Write it there, as the ending says (.json, .html, .csv), instead of a summary here; repeatable
    #[arg(short = 'o', long = "output", value_name = "FILE", value_parser = output_file)]
    outputs: Vec<PathBuf>,
}

/// Does it, and says how to exit: 2 where the words make no sense, 1 where a file cannot be read or written.
pub fn run(args: &[OsString]) -> ExitCode {
    let asked = match Asked::of(args) {
        Ok(asked) => asked,
        Err(NoReport::Asked(text)) => {
            return console::answer(text);
        }
        Err(NoReport::Mistake(mistake)) => {
            return console::complain(format!("{mistake}; see swarm report --help"), ExitCode::Usage);
        }
    };
    let report = match read(&asked) {
        Ok(report) => report,
        Err(mistake) => return console::complain(mistake, ExitCode::Internal),
    };
    let (Asked::Show { into: Destination { outputs }, .. }
    | Asked::Merge { into: Destination { outputs }, .. }) = &asked;
    if outputs.is_empty() {
        return console::answer(headline::text(&report));
    }
    let mut told = format!("{}.\n", report.sentence());
    for path in outputs {
        if let Err(error) = report_file::write(&report, path) {
            let mistake = format!("report: failed to write {}: {error}", path.display());
            console::answer(told);
            return console::complain(mistake, ExitCode::Internal);
        }
        told += &format!("written to {}\n", path.display());
    }
    console::answer(told)
}

/// Why there is nothing to do.
#[derive(Debug, PartialEq, Eq)]
enum NoReport {
    /// It was asked for words only.
    Asked(String),
    /// What was typed makes no sense.
    Mistake(String),
}

impl Asked {
    fn of(args: &[OsString]) -> Result<Self, NoReport> {
        let typed = std::iter::once(OsString::from("swarm report")).chain(args.iter().cloned());
        let asked = Self::try_parse_from(typed).map_err(|error| match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                if args.is_empty() =>
            {
                NoReport::Mistake("report: say what to do: show, or merge".to_owned())
            }
            ErrorKind::DisplayHelp => NoReport::Asked(error.to_string()),
            _ => NoReport::Mistake(format!("report: {}", first_paragraph(&error.to_string()))),
        })?;
        match &asked {
            Self::Merge { reports, .. } if reports.len() < 2 => Err(NoReport::Mistake(
                "report: merge takes the reports of at least two load boxes".to_owned(),
            )),
            Self::Merge { reports, .. } if reports.len() > MOST_REPORTS => {
                Err(NoReport::Mistake(format!("report: at most {MOST_REPORTS} reports are merged")))
            }
            _ => Ok(asked),
        }
    }
}

/// clap's own sentence, without what it says about the usage.
fn first_paragraph(text: &str) -> String {
    let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    lines.collect::<Vec<_>>().join(" ").trim_start_matches("error: ").to_owned()
}

fn output_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    Format::of(&path).map(|_| path).ok_or_else(|| format!("the file must end in {}", Format::ENDINGS))
}

fn read(asked: &Asked) -> Result<Report, String> {
    match asked {
        Asked::Show { report, .. } => read_one(report),
        Asked::Merge { reports, .. } => {
            let named = reports.iter().zip(names(reports));
            let read =
                named.map(|(path, name)| Ok((name, read_one(path)?))).collect::<Result<_, String>>()?;
            merge(read).map_err(|error| format!("report: {error}"))
        }
    }
}

fn read_one(path: &Path) -> Result<Report, String> {
    let json =
        std::fs::read(path).map_err(|error| format!("report: failed to read {}: {error}", path.display()))?;
    Report::parse(&json).map_err(|error| format!("report: {} {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &str) -> Result<Asked, NoReport> {
        Asked::of(&words.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn files_and_output_come_in_any_order() {
        let merge = asked("merge a.json -o all.html b.json --output all.json").unwrap();
        let into = Destination { outputs: vec!["all.html".into(), "all.json".into()] };
        assert_eq!(merge, Asked::Merge { reports: vec!["a.json".into(), "b.json".into()], into });
        let show = Asked::Show { report: "a.json".into(), into: Destination { outputs: Vec::new() } };
        assert_eq!(asked("show a.json"), Ok(show));
    }

    #[test]
    fn mistakes_say_what_to_do() {
        for (words, said) in [
            ("", "say what to do: show, or merge"),
            ("look a.json", "unrecognized subcommand 'look'"),
            ("show", "required arguments were not provided: <RUN.json>"),
            ("show a b", "unexpected argument 'b'"),
            ("merge a", "at least two load boxes"),
            ("merge a b -o all.txt", "must end in .json, .html or .csv"),
            ("merge a b -o", "a value is required for '--output <FILE>'"),
            ("merge a b --force", "unexpected argument '--force'"),
        ] {
            let Err(NoReport::Mistake(mistake)) = asked(words) else { panic!("{words}") };
            assert!(mistake.contains(said) && !mistake.contains('\n'), "{words}: {mistake}");
        }
    }

    #[test]
    fn help_is_there_for_each_word() {
        for (words, said) in [("--help", "merge"), ("merge --help", "-o, --output"), ("show -h", "RUN.json")]
        {
            let Err(NoReport::Asked(help)) = asked(words) else { panic!("{words}") };
            assert!(help.contains(said), "{words}: {help}");
        }
    }
}
