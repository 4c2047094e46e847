//! The flags as they are typed. Values stay text, so that one mistake does not hide the next: clap stops at the first.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::{Arg, ArgAction, CommandFactory as _, Parser};

use super::course::CourseFlags;
use super::outcome::OutcomeFlags;
use super::viewer::ViewerFlags;
use super::wire::WireFlags;

const EXAMPLES: &str = "\
Flags work with one dash or two. Durations are written like 90s, 30m, 1h30m, 500ms; 0 means
without end.

Examples:
  swarm https://cdn.example/live/master.m3u8
  swarm -clients 200 -ramp-rate 20 -duration 10m -variant highest URL
  swarm -find-limit -clients 500 -ramp-rate 20 URL
  swarm -no-cache -header 'Authorization: Bearer …' -report run.json URL
  swarm -check URL

Beside a run, as first argument: health (is the swarm on this machine well?), check-flags (are
the flags that follow right? touches nothing), report (show or merge written reports), man,
completions bash|zsh|fish.

Exit codes: 0 finished, 1 internal error, 2 wrong usage, 3 preflight failed,
4 no viewer ever received media, 99 a threshold was crossed, 130 killed by a second signal.";

/// Load-test HLS with real FFmpeg viewers.
#[derive(Debug, Parser)]
#[command(
    name = "swarm",
    version,
    about,
    after_help = EXAMPLES,
    override_usage = "swarm [flags] <HLS_URL>…",
    max_term_width = 110
)]
#[expect(clippy::struct_excessive_bools, reason = "each is one switch of the command line")]
pub(super) struct Args {
    /// Playlists to play, master or media; viewers are spread over them in turn
    #[arg(value_name = "HLS_URL", env = "HLSSWARM_URL", hide_env_values = true)]
    pub(super) urls: Vec<String>,
    #[command(flatten)]
    pub(super) course: CourseFlags,
    #[command(flatten)]
    pub(super) wire: WireFlags,
    #[command(flatten)]
    pub(super) viewer: ViewerFlags,
    #[command(flatten)]
    pub(super) outcome: OutcomeFlags,
    /// Makes jitter repeatable; random and printed when not given
    #[arg(long, env = "HLSSWARM_SEED", value_name = "N")]
    pub(super) seed: Option<String>,
    /// Print the FFmpeg command of a viewer, as it works by itself without the wire, and exit
    #[arg(long, env = "HLSSWARM_PRINT_CMD", action = ArgAction::SetTrue, value_parser = clap::builder::FalseyValueParser::new())]
    pub(super) print_cmd: bool,
    /// Validate everything, play with one viewer for 10 s, say whether it played, exit
    #[arg(long, env = "HLSSWARM_CHECK", action = ArgAction::SetTrue, value_parser = clap::builder::FalseyValueParser::new())]
    pub(super) check: bool,
    /// Print what the viewers need and what this machine has, start nothing, exit
    #[arg(long, env = "HLSSWARM_ESTIMATE", action = ArgAction::SetTrue, value_parser = clap::builder::FalseyValueParser::new())]
    pub(super) estimate: bool,
    /// Print what can be judged, by name, and exit
    #[arg(long, env = "HLSSWARM_LIST_METRICS", action = ArgAction::SetTrue, value_parser = clap::builder::FalseyValueParser::new())]
    pub(super) list_metrics: bool,
    /// Dashboard on the terminal: auto (where stdout is one that can show it), on, off
    #[arg(long, env = "HLSSWARM_TUI", default_value = "auto", value_name = "WHEN")]
    pub(super) tui: String,
    /// Log into this file too; while the dashboard is on, into it alone
    #[arg(long, env = "HLSSWARM_LOG_FILE", value_name = "FILE")]
    pub(super) log_file: Option<PathBuf>,
    /// Log format: text or json
    #[arg(long, env = "HLSSWARM_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub(super) log_format: String,
    /// Debug logging
    #[arg(short = 'v', long, env = "HLSSWARM_VERBOSE", action = ArgAction::SetTrue, value_parser = clap::builder::FalseyValueParser::new())]
    pub(super) verbose: bool,
}

/// The clap command, for checks of the documentation too. `-clients -3` is a wrong number of clients, and no flag `-3`.
pub fn command() -> clap::Command {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    Args::command().mut_args(|arg| {
        let unset = arg.get_env().is_some_and(is_empty);
        let arg = if unset { arg.env(Resettable::Reset) } else { arg };
        let takes_values = arg.get_action().takes_values() && !arg.is_positional();
        if takes_values { arg.allow_negative_numbers(true) } else { arg }
    })
}

/// What `-metrics` is when it is not given: its variable, or its default.
pub(crate) fn metrics_default() -> String {
    let command = command();
    let arg = command.get_arguments().find(|arg| arg.get_long() == Some("metrics"));
    let from_environment = arg.and_then(Arg::get_env).and_then(std::env::var_os);
    let value = from_environment.or_else(|| Some(arg?.get_default_values().first()?.to_os_string()));
    value.unwrap_or_default().to_string_lossy().into_owned()
}
