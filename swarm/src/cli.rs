//! The command line: flags and environment in, a [`Plan`] out, every mistake at once. clap ends here.
//!
//! A flag belongs to one topic, a file each, which owns how it is typed, read and checked: [`course`] how many viewers
//! run when, [`wire`] what they request and on which way, [`viewer`] what they are, [`outcome`] what is made of it.

mod args;
mod collector;
mod course;
mod dashes;
mod given;
mod outcome;
mod values;
mod viewer;
mod wire;

use std::ffi::OsString;
use std::path::PathBuf;

use url::Url;

pub use args::command;
pub(crate) use args::metrics_default;
pub(crate) use values::parse_address;

use args::Args;
use collector::Collector;
use course::CourseRead;
use dashes::{Read, read_flags};
use outcome::OutcomeRead;
use values::{one_of, parse_seed, parse_url};
use viewer::ViewerRead;
use wire::WireRead;

use crate::console;
use crate::exit_code::ExitCode;
use crate::plan::Plan;
use crate::stats::metrics_table;

/// What the user asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    /// The run.
    pub plan: Plan,
    /// What to do with it.
    pub mode: Mode,
    /// How to log.
    pub log: Log,
    /// Whether there shall be a dashboard.
    pub tui: Tui,
}

/// What to do with the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Run it.
    Run,
    /// Try it with one viewer.
    Check,
    /// Print the command of a viewer.
    PrintCommand,
    /// Print what it needs, and what this machine has.
    Estimate,
}

/// Whether the run is shown as a dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tui {
    /// Where the terminal can show one.
    Auto,
    /// The same, and say why where it cannot.
    On,
    /// Never.
    Off,
}

/// How to log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Where to, beside stderr.
    pub file: Option<PathBuf>,
    /// One JSON object per line instead of text.
    pub json: bool,
    /// Debug messages too.
    pub debug: bool,
}

/// Why there is no invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRun {
    /// Help, version or a list was asked for: print it to stdout.
    Asked(String),
    /// The mistakes, one sentence each.
    Mistakes(Vec<String>),
}

impl NoRun {
    /// Prints, and says how to exit.
    pub fn report(&self) -> ExitCode {
        match self {
            Self::Asked(text) => console::answer(text),
            Self::Mistakes(mistakes) => {
                for mistake in mistakes {
                    console::complain(mistake, ExitCode::Usage);
                }
                console::complain("see swarm --help", ExitCode::Usage)
            }
        }
    }
}

/// Reads the command line (with the program's name first) and the environment. An empty variable counts as unset, as
/// compose files and unit files make them.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Invocation, NoRun> {
    let mut mistakes = Vec::new();
    let read = read_flags(args.into_iter().collect(), &mut mistakes)?;
    if read.as_ref().is_some_and(|read| read.args.list_metrics) {
        return Err(NoRun::Asked(metrics_table()));
    }
    let invocation = read.and_then(|Read { args, given }| args.validate(given, &mut mistakes));
    match invocation {
        Some(invocation) if mistakes.is_empty() => Ok(invocation),
        _ => Err(NoRun::Mistakes(mistakes)),
    }
}

impl Args {
    /// Every topic is read before the first `?`: a mistake in one does not hide those of the next.
    fn validate(self, mut given: Vec<String>, mistakes: &mut Vec<String>) -> Option<Invocation> {
        // By name, so that a new flag cannot be forgotten here.
        let Self {
            urls,
            course,
            wire,
            viewer,
            outcome,
            seed,
            print_cmd,
            check,
            estimate,
            list_metrics: _,
            tui,
            log_file,
            log_format,
            verbose,
        } = self;
        let take = &mut Collector { mistakes };
        let urls = read_urls(&urls, take);
        let direct = viewer.direct;
        let wire = wire.read(direct, take);
        let viewer = viewer.read(take);
        let mut outcome = outcome.read(direct, take);
        let thresholds = outcome.as_mut().map(|outcome| std::mem::take(&mut outcome.thresholds));
        let course = course.read(thresholds, direct, take);
        let seed = if let Some(text) = seed {
            take.flag("seed", parse_seed(&text))
        } else {
            let drawn = fastrand::u64(..);
            given.extend(["-seed".to_owned(), drawn.to_string()]);
            Some(drawn)
        };
        let mode = read_mode(print_cmd, check, estimate, take);
        let tui = take.flag("tui", one_of(&tui, &[("auto", Tui::Auto), ("on", Tui::On), ("off", Tui::Off)]));
        let json = take.flag("log-format", one_of(&log_format, &[("text", false), ("json", true)]));
        let plan = plan_of(urls?, course?, wire?, viewer?, outcome?, (seed?, given));
        Some(Invocation { plan, mode, log: Log { file: log_file, json: json?, debug: verbose }, tui: tui? })
    }
}

/// By name, so that what was read cannot be forgotten here.
fn plan_of(
    urls: Vec<Url>,
    course: CourseRead,
    wire: WireRead,
    viewer: ViewerRead,
    outcome: OutcomeRead,
    (seed, flags): (u64, Vec<String>),
) -> Plan {
    let CourseRead { course, clients, ramp_rate, ramp_jitter, duration, thresholds } = course;
    let WireRead { variant, request, verify_tls, resolve, source_ips, timeout } = wire;
    let ViewerRead { pace, direct, ffmpeg, ffmpeg_options } = viewer;
    let OutcomeRead { metrics, origin_metrics, reports, thresholds: _, compare } = outcome;
    Plan {
        urls,
        clients,
        course,
        ramp_rate,
        ramp_jitter,
        duration,
        variant,
        request,
        verify_tls,
        resolve,
        source_ips,
        timeout,
        direct,
        metrics,
        origin_metrics,
        ffmpeg,
        ffmpeg_options,
        pace,
        reports,
        compare,
        thresholds,
        seed,
        flags,
    }
}

fn read_urls(texts: &[String], take: &mut Collector<'_>) -> Option<Vec<Url>> {
    if texts.iter().all(|text| text.trim().is_empty()) {
        take.note(
            "no HLS URL was given: add the address of a playlist, such as http://127.0.0.1:8080/stream.m3u8",
        );
    }
    // An empty one beside others is a shell variable that is not set.
    let texts = texts.iter().filter(|text| !text.trim().is_empty());
    let urls: Vec<_> = texts.map(|text| take.value(parse_url(text))).collect();
    urls.into_iter().collect()
}

fn read_mode(print_cmd: bool, check: bool, estimate: bool, take: &mut Collector<'_>) -> Mode {
    let asked = [
        (print_cmd, "-print-cmd", Mode::PrintCommand),
        (check, "-check", Mode::Check),
        (estimate, "-estimate", Mode::Estimate),
    ];
    let asked: Vec<_> = asked.into_iter().filter(|(is_asked, ..)| *is_asked).collect();
    if let [(_, one, _), (_, other, _), ..] = asked[..] {
        take.note(&format!("{one} and {other} exclude each other: choose one"));
    }
    asked.first().map_or(Mode::Run, |(.., mode)| *mode)
}

#[cfg(test)]
mod tests;
