//! From what was typed to what clap reads: one dash or two, and unknown flags told all at once.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, FromArgMatches as _};

use super::NoRun;
use super::args::{Args, command};
use super::given;

/// What was typed.
pub(super) struct Read {
    pub(super) args: Args,
    /// Each flag that was given, as words.
    pub(super) given: Vec<String>,
}

/// clap stops at the first unknown flag; each is taken out and noted until the rest can be read.
pub(super) fn read_flags(args: Vec<OsString>, mistakes: &mut Vec<String>) -> Result<Option<Read>, NoRun> {
    let mut args = two_dashes(args, &command());
    loop {
        let error = match command().try_get_matches_from(&args).and_then(|found| {
            mistakes.extend(said_twice(&found));
            let mut args = Args::from_arg_matches(&found)?;
            args.urls = each_url(&found, args.urls);
            Ok(Read { given: given::flags(&found, &command()), args })
        }) {
            Ok(found) => return Ok(Some(found)),
            Err(error) => error,
        };
        match (error.kind(), error.get(ContextKind::InvalidArg)) {
            (ErrorKind::DisplayHelp | ErrorKind::DisplayVersion, _) => {
                return Err(NoRun::Asked(error.to_string()));
            }
            (ErrorKind::UnknownArgument, Some(ContextValue::String(name))) => {
                let similar = match error.get(ContextKind::SuggestedArg) {
                    Some(ContextValue::String(similar)) => format!("; did you mean {similar}?"),
                    _ => String::new(),
                };
                mistakes.push(format!("there is no flag {name}{similar}"));
                let before = args.len();
                remove_flag(&mut args, name);
                if args.len() == before {
                    return Ok(None);
                }
            }
            _ => {
                let text = error.to_string();
                let first = text.lines().next().unwrap_or_default();
                mistakes.push(first.trim_start_matches("error: ").to_owned());
                return Ok(None);
            }
        }
    }
}

/// Flags that `-stages` speaks for. In the environment they may stand for other runs.
fn said_twice(found: &ArgMatches) -> Vec<String> {
    let typed = |name: &&str| found.value_source(name) == Some(ValueSource::CommandLine);
    if found.value_source("stages").is_none() {
        return Vec::new();
    }
    let told = |name: &str| format!("-stages and -{name} exclude each other: the stages say it already");
    ["clients", "duration"].iter().filter(|name| typed(name)).map(|name| told(name)).collect()
}

/// From the environment they come as one text, with spaces between them. One that was typed may have a space within.
fn each_url(found: &ArgMatches, urls: Vec<String>) -> Vec<String> {
    if found.value_source("urls") == Some(ValueSource::EnvVariable) {
        urls.iter().flat_map(|text| text.split_whitespace()).map(str::to_owned).collect()
    } else {
        urls
    }
}

/// Takes an unknown flag out, and what looks like its value, which would be taken for a URL otherwise.
fn remove_flag(args: &mut Vec<OsString>, name: &str) {
    let is_it = |arg: &OsString| {
        let text = arg.to_string_lossy();
        text == name || text.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))
    };
    let Some(place) = args.iter().position(is_it) else { return };
    let has_value = args[place].to_string_lossy().contains('=');
    args.remove(place);
    let value_follows = args.get(place).is_some_and(|next| {
        let next = next.to_string_lossy();
        !next.starts_with('-') && !next.contains("://")
    });
    if value_follows && !has_value {
        args.remove(place);
    }
}

/// `-clients 5` and `-clients=5` become `--clients …`, as Go's flag package reads them. Values and what follows `--`
/// stay as they are.
fn two_dashes(args: Vec<OsString>, command: &clap::Command) -> Vec<OsString> {
    let takes_value = |flag: &str| {
        let is_it = |arg: &&Arg| arg.get_long() == Some(flag);
        command.get_arguments().find(is_it).is_some_and(|arg| arg.get_action().takes_values())
    };
    let mut is_value = true; // The program's name.
    let mut only_values = false;
    args.into_iter()
        .map(|arg| {
            let Some(text) = arg.to_str() else { return arg };
            if std::mem::take(&mut is_value) || only_values {
                return arg;
            }
            only_values = text == "--";
            let name = text.trim_start_matches('-');
            let is_long = text.starts_with('-') && !only_values && name.len() > 1;
            if !is_long {
                return arg;
            }
            is_value = !name.contains('=') && takes_value(name);
            OsString::from(format!("--{name}"))
        })
        .collect()
}
