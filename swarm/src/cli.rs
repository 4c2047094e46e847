//! The command line: flags and environment in, a [`Plan`] out, every mistake at once. clap ends here.

mod course;

use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory as _, FromArgMatches as _, Parser};
use hyper::header::{HeaderName, HeaderValue};
use url::Url;

use course::{CourseFlags, CourseRead};

use crate::exit_code::ExitCode;
use crate::go_duration;
use crate::plan::{
    LONGEST_TIMEOUT, MOST_CLIENTS, MOST_ENDPOINTS, MOST_SOURCES, Pace, Plan, Request, VariantMode,
};
use crate::stats::metrics_table;
use crate::threshold::Threshold;

const EXAMPLES: &str = "\
Flags work with one dash or two. Durations are written like 90s, 30m, 1h30m, 500ms; 0 means without end.

Examples:
  swarm https://cdn.example/live/master.m3u8
  swarm -clients 200 -ramp-rate 20 -duration 10m -variant highest URL
  swarm -find-limit -clients 500 -ramp-rate 20 URL
  swarm -no-cache -header 'Authorization: Bearer …' -report run.json URL
  swarm -check URL

Beside a run, as first argument: health (is the swarm on this machine well?), check-flags (are the flags
that follow right? touches nothing), man, completions bash|zsh|fish.

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
// Values stay text here, so that one mistake does not hide the next: clap stops at the first.
#[expect(clippy::struct_excessive_bools, reason = "each is one switch of the command line")]
struct Args {
    /// Playlists to play, master or media; viewers are spread over them in turn
    #[arg(value_name = "HLS_URL", env = "HLSSWARM_URL", hide_env_values = true)]
    urls: Vec<String>,
    /// Viewers
    #[arg(long, env = "HLSSWARM_CLIENTS", default_value = "10", value_name = "N")]
    clients: String,
    /// Viewers started per second
    #[arg(long, env = "HLSSWARM_RAMP_RATE", default_value = "5", value_name = "PER_SECOND")]
    ramp_rate: String,
    /// Random offset of each start, as a share of the gap between two starts (0 to 1)
    #[arg(long, env = "HLSSWARM_RAMP_JITTER", default_value = "0.2", value_name = "SHARE")]
    ramp_jitter: String,
    /// Run time, counted from the first start; 0 runs until stopped
    #[arg(long, env = "HLSSWARM_DURATION", default_value = "0", value_name = "TIME")]
    duration: String,
    /// Load profile: viewers and time of each stage, such as 50:1m,200:5m,50:1m; sets clients and duration
    #[arg(long, env = "HLSSWARM_STAGES", value_name = "N:TIME,…")]
    stages: Option<String>,
    /// Search for the largest number of viewers, up to -clients, that holds the thresholds (given or default)
    #[arg(long, env = "HLSSWARM_FIND_LIMIT", action = ArgAction::SetTrue, value_parser = clap::builder::FalseyValueParser::new())]
    find_limit: bool,
    /// How near the last good and the first bad level of the search shall be, as a share of the bad one
    #[arg(long, env = "HLSSWARM_LIMIT_TOLERANCE", default_value = "5%", value_name = "SHARE")]
    limit_tolerance: String,
    /// How long a level of the search is held; on the way there shorter trials are made
    #[arg(long, env = "HLSSWARM_LEVEL_HOLD", default_value = "30s", value_name = "TIME")]
    level_hold: String,
    /// Variant of a master playlist to play: all, highest, lowest, first
    #[arg(long, env = "HLSSWARM_VARIANT", default_value = "all", value_name = "MODE")]
    variant: String,
    /// Ask caches to revalidate: sends Cache-Control and Pragma no-cache
    #[arg(long, env = "HLSSWARM_NO_CACHE", action = ArgAction::SetTrue, value_parser = clap::builder::FalseyValueParser::new())]
    no_cache: bool,
    /// Extra request header; repeatable, in the environment one per line
    #[arg(
        long,
        env = "HLSSWARM_HEADER",
        value_name = "'K: V'",
        value_delimiter = '\n',
        allow_hyphen_values = true,
        hide_env_values = true
    )]
    header: Vec<String>,
    /// Connect to this address whatever the host name, also in playlists; port, Host and SNI stay; needs --dangerous
    #[arg(long, env = "HLSSWARM_RESOLVE", value_name = "IP")]
    resolve: Option<String>,
    /// Connect to origins from this address of this machine, each viewer from one of them; repeatable
    #[arg(long, env = "HLSSWARM_SOURCE_IP", value_name = "IP", value_delimiter = ' ')]
    source_ip: Vec<String>,
    /// Give up on a connection attempt, or on a silent connection, after this time
    #[arg(long, env = "HLSSWARM_TIMEOUT", default_value = "15s", value_name = "TIME")]
    timeout: String,
    /// Accept any TLS certificate, and allow -resolve
    #[arg(long, env = "HLSSWARM_DANGEROUS", action = ArgAction::SetTrue, value_parser = clap::builder::FalseyValueParser::new())]
    dangerous: bool,
    /// How fast viewers read: full, or realtime (playback speed after a start buffer)
    #[arg(long, env = "HLSSWARM_PACE", default_value = "full", value_name = "PACE")]
    pace: String,
    /// FFmpegs fetch by themselves: nothing is measured but their lives
    #[arg(long, env = "HLSSWARM_DIRECT", action = ArgAction::SetTrue, value_parser = clap::builder::FalseyValueParser::new())]
    direct: bool,
    /// Address of the Prometheus metrics; off for none
    #[arg(long, env = "HLSSWARM_METRICS", default_value = "0.0.0.0:9090", value_name = "ADDR")]
    metrics: String,
    /// Prometheus endpoint of the origin, read once per second for the report; repeatable
    #[arg(long, env = "HLSSWARM_ORIGIN_METRICS", value_name = "URL", value_delimiter = ' ')]
    origin_metrics: Vec<String>,
    /// FFmpeg program, as a name or a path
    #[arg(long, env = "HLSSWARM_FFMPEG", default_value = "ffmpeg", value_name = "PATH")]
    ffmpeg: PathBuf,
    /// Further options of every FFmpeg, before its input: '-probesize 5000000'; they win over swarm's own; repeatable
    #[arg(
        long,
        env = "HLSSWARM_FFMPEG_ARG",
        value_name = "'-OPTION VALUE'",
        value_delimiter = '\n',
        allow_hyphen_values = true
    )]
    ffmpeg_arg: Vec<String>,
    /// Write a report at the end: FILE.json; repeatable
    #[arg(long, env = "HLSSWARM_REPORT", value_name = "FILE")]
    report: Vec<PathBuf>,
    /// What must hold, as in `rebuffer_ratio<1%` or `segment_duration_p95<1s; for 10s; abort`; repeatable
    #[arg(long, env = "HLSSWARM_THRESHOLD", value_name = "EXPR", value_delimiter = '\n')]
    threshold: Vec<String>,
    /// Compare with an earlier run: its JSON report
    #[arg(long, env = "HLSSWARM_COMPARE", value_name = "FILE")]
    compare: Option<PathBuf>,
    /// Makes jitter repeatable; random and printed when not given
    #[arg(long, env = "HLSSWARM_SEED", value_name = "N")]
    seed: Option<String>,
    /// Print the FFmpeg command of a viewer, as it works by itself without the wire, and exit
    #[arg(long, env = "HLSSWARM_PRINT_CMD", action = ArgAction::SetTrue, value_parser = clap::builder::FalseyValueParser::new())]
    print_cmd: bool,
    /// Validate everything, play with one viewer for 10 s, say whether it played, exit
    #[arg(long, env = "HLSSWARM_CHECK", action = ArgAction::SetTrue, value_parser = clap::builder::FalseyValueParser::new())]
    check: bool,
    /// Print what can be judged, by name, and exit
    #[arg(long, env = "HLSSWARM_LIST_METRICS", action = ArgAction::SetTrue, value_parser = clap::builder::FalseyValueParser::new())]
    list_metrics: bool,
    /// Log format, on stderr: text or json
    #[arg(long, env = "HLSSWARM_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    log_format: String,
    /// Debug logging
    #[arg(short = 'v', long, env = "HLSSWARM_VERBOSE", action = ArgAction::SetTrue, value_parser = clap::builder::FalseyValueParser::new())]
    verbose: bool,
}

/// What the user asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    /// The run.
    pub plan: Plan,
    /// What to do with it.
    pub mode: Mode,
    /// How to log.
    pub log: Log,
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
}

/// How to log, to stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
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
            Self::Asked(text) => {
                print!("{text}");
                ExitCode::Finished
            }
            Self::Mistakes(mistakes) => {
                for mistake in mistakes {
                    eprintln!("swarm: {mistake}");
                }
                eprintln!("swarm: see swarm --help");
                ExitCode::Usage
            }
        }
    }
}

/// Reads the command line (with the program's name first) and the environment. An empty variable counts as unset, as
/// compose files and unit files make them.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Invocation, NoRun> {
    let mut mistakes = Vec::new();
    let args = read_flags(args.into_iter().collect(), &mut mistakes)?;
    if args.as_ref().is_some_and(|args| args.list_metrics) {
        return Err(NoRun::Asked(metrics_table()));
    }
    let invocation = args.and_then(|args| args.validate(&mut mistakes));
    match invocation {
        Some(invocation) if mistakes.is_empty() => Ok(invocation),
        _ => Err(NoRun::Mistakes(mistakes)),
    }
}

/// The clap command, for checks of the documentation too.
pub fn command() -> clap::Command {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    Args::command().mut_args(|arg| {
        let unset = arg.get_env().is_some_and(is_empty);
        if unset { arg.env(Resettable::Reset) } else { arg }
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

/// clap stops at the first unknown flag; each is taken out and noted until the rest can be read.
fn read_flags(args: Vec<OsString>, mistakes: &mut Vec<String>) -> Result<Option<Args>, NoRun> {
    let mut args = two_dashes(args, &command());
    loop {
        let error = match command().try_get_matches_from(&args).and_then(|found| {
            mistakes.extend(said_twice(&found));
            Args::from_arg_matches(&found)
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

impl Args {
    fn validate(self, mistakes: &mut Vec<String>) -> Option<Invocation> {
        // By name, so that a new flag cannot be forgotten here.
        let Self {
            urls,
            clients,
            ramp_rate,
            ramp_jitter,
            duration,
            stages,
            find_limit,
            limit_tolerance,
            level_hold,
            variant,
            no_cache,
            header,
            resolve,
            source_ip,
            timeout,
            dangerous,
            pace,
            direct,
            metrics,
            origin_metrics,
            ffmpeg,
            ffmpeg_arg,
            report,
            threshold,
            compare,
            seed,
            print_cmd,
            check,
            list_metrics: _,
            log_format,
            verbose,
        } = self;
        let mut take = Collector { mistakes };
        if urls.iter().all(|text| text.trim().is_empty()) {
            take.note("no HLS URL was given: add the address of a playlist, such as http://127.0.0.1:8080/stream.m3u8");
        }
        // From the environment they come as one text. No URL has a space in it.
        let urls = urls.iter().flat_map(|text| text.split_whitespace());
        let urls: Vec<Option<Url>> = urls.map(|text| take.value(parse_url(text))).collect();
        let ramp_rate = take.flag("ramp-rate", parse_rate(&ramp_rate));
        let ramp_jitter = take.flag("ramp-jitter", parse_share(&ramp_jitter));
        let timeout = take.flag("timeout", parse_timeout(&timeout));
        let resolve = resolve.map(|text| read_resolve(&text, dangerous, direct, &mut take));
        let source_ips = parse_sources(&source_ip, direct, &mut take);
        let variant = take.flag("variant", one_of(&variant, &VARIANTS));
        let pace = take.flag("pace", one_of(&pace, &PACES));
        let json = take.flag("log-format", one_of(&log_format, &[("text", false), ("json", true)]));
        let metrics = take.flag("metrics", parse_address(&metrics));
        let origin_metrics = parse_endpoints(&origin_metrics, &mut take);
        let headers = take.each("header", &header, parse_header);
        let ffmpeg_options = take.each("ffmpeg-arg", &ffmpeg_arg, parse_options);
        check_reports(&report, &mut take);
        let thresholds = read_thresholds(&threshold, direct, &mut take);
        let course =
            CourseFlags { clients, duration, stages, find_limit, limit_tolerance, level_hold, direct };
        let course = course.read(thresholds, &mut take);
        let seed = seed.map(|text| take.flag("seed", parse_seed(&text)));
        if print_cmd && check {
            take.note("-print-cmd and -check exclude each other: choose one");
        }
        let mode = match (print_cmd, check) {
            (true, _) => Mode::PrintCommand,
            (_, true) => Mode::Check,
            _ => Mode::Run,
        };
        let CourseRead { course, clients, duration, thresholds } = course?;
        let plan = Plan {
            urls: urls.into_iter().collect::<Option<_>>()?,
            clients,
            course,
            ramp_rate: ramp_rate?,
            ramp_jitter: ramp_jitter?,
            duration,
            variant: variant?,
            request: Request::new(headers?, no_cache),
            verify_tls: !dangerous,
            resolve: resolve.map_or(Some(None), |resolve| resolve.map(Some))?,
            source_ips: source_ips?,
            timeout: timeout?,
            direct,
            metrics: metrics?,
            origin_metrics: origin_metrics?,
            ffmpeg,
            pace: pace?,
            ffmpeg_options: ffmpeg_options?.concat(),
            reports: report,
            thresholds,
            compare,
            seed: seed.unwrap_or_else(|| Some(fastrand::u64(..)))?,
        };
        Some(Invocation { plan, mode, log: Log { json: json?, debug: verbose } })
    }
}

/// Collects mistakes while values are read.
struct Collector<'a> {
    mistakes: &'a mut Vec<String>,
}

impl Collector<'_> {
    fn note(&mut self, mistake: &str) {
        self.mistakes.push(mistake.to_owned());
    }

    fn value<T>(&mut self, result: Result<T, String>) -> Option<T> {
        result.map_err(|mistake| self.mistakes.push(mistake)).ok()
    }

    fn flag<T>(&mut self, name: &str, result: Result<T, String>) -> Option<T> {
        self.value(result.map_err(|mistake| format!("-{name}: {mistake}")))
    }

    /// Of a flag that may be given several times: all mistakes, or all values.
    fn each<T>(
        &mut self,
        name: &str,
        texts: &[String],
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let values: Vec<_> = texts.iter().map(|text| self.flag(name, parse(text))).collect();
        values.into_iter().collect()
    }
}

fn read_resolve(text: &str, dangerous: bool, direct: bool, take: &mut Collector<'_>) -> Option<IpAddr> {
    if !dangerous {
        take.note(
            "-resolve sends requests to a host that the URL does not name: add --dangerous if you mean it",
        );
    }
    if direct {
        take.note("-resolve and -direct exclude each other: FFmpeg itself cannot be told where to connect");
    }
    let wrong = |_| format!("\"{text}\" is not an IPv4 or IPv6 address");
    take.flag("resolve", text.trim_matches(['[', ']']).parse().map_err(wrong))
}

fn check_reports(files: &[PathBuf], take: &mut Collector<'_>) {
    for file in files {
        if file.extension().is_none_or(|extension| extension != "json") {
            take.note(&format!("-report: \"{}\" must end in .json", file.display()));
        }
    }
}

/// With `-direct` there is only to judge what is known of the processes.
fn read_thresholds(texts: &[String], direct: bool, take: &mut Collector<'_>) -> Option<Vec<Threshold>> {
    let read: Vec<_> = texts
        .iter()
        .map(|text| take.flag("threshold", Threshold::parse(text).map_err(|mistake| mistake.to_string())))
        .collect();
    let measured = |threshold: &&Threshold| threshold.reading.metric.needs_the_wire();
    for threshold in read.iter().flatten().filter(measured).filter(|_| direct) {
        take.note(&format!("-threshold: \"{}\" is not measured with -direct", threshold.text));
    }
    read.into_iter().collect()
}

const VARIANTS: [(&str, VariantMode); 4] = [
    ("all", VariantMode::All),
    ("highest", VariantMode::Highest),
    ("lowest", VariantMode::Lowest),
    ("first", VariantMode::First),
];

const PACES: [(&str, Pace); 2] = [("full", Pace::Full), ("realtime", Pace::Realtime)];

fn one_of<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let found = choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    let names = || choices.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| format!("\"{text}\" is not one of {}", names()))
}

fn parse_url(text: &str) -> Result<Url, String> {
    parse_http(text, "the address of a playlist")
}

fn parse_sources(texts: &[String], direct: bool, take: &mut Collector<'_>) -> Option<Vec<IpAddr>> {
    let texts: Vec<_> = texts.iter().filter(|text| !text.is_empty()).collect();
    if texts.len() > MOST_SOURCES {
        take.note(&format!("-source-ip: at most {MOST_SOURCES} addresses can be used"));
    }
    if !texts.is_empty() && direct {
        take.note(
            "-source-ip and -direct exclude each other: FFmpeg itself cannot be told where to connect from",
        );
    }
    let wrong = |text: &str| format!("\"{text}\" is not an IPv4 or IPv6 address");
    let parse = |text: &&String| text.trim_matches(['[', ']']).parse().map_err(|_| wrong(text));
    let addresses: Vec<_> = texts.iter().map(|text| take.flag("source-ip", parse(text))).collect();
    addresses.into_iter().collect()
}

fn parse_endpoints(texts: &[String], take: &mut Collector<'_>) -> Option<Vec<Url>> {
    if texts.len() > MOST_ENDPOINTS {
        take.note(&format!("-origin-metrics: at most {MOST_ENDPOINTS} endpoints can be read"));
    }
    let texts = texts.iter().filter(|text| !text.is_empty());
    let urls: Vec<_> = texts.map(|text| take.flag("origin-metrics", parse_endpoint(text))).collect();
    urls.into_iter().collect()
}

/// A password would be in the report, and is not sent.
fn parse_endpoint(text: &str) -> Result<Url, String> {
    let url = parse_http(text, "the address of metrics, such as http://127.0.0.1:9113/metrics")?;
    let has_user = !url.username().is_empty() || url.password().is_some();
    if has_user {
        Err("metrics behind a password cannot be read: leave the user name out".to_owned())
    } else {
        Ok(url)
    }
}

fn parse_http(text: &str, what: &str) -> Result<Url, String> {
    let wrong = |why: &str| format!("\"{text}\" is not {what}: {why}");
    let url = Url::parse(text).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => wrong("it must begin with http:// or https://"),
        other => wrong(&other.to_string()),
    })?;
    match (url.scheme(), url.host_str()) {
        ("http" | "https", Some(_)) => Ok(url),
        ("http" | "https", None) => Err(wrong("it has no host")),
        _ => Err(wrong("it must begin with http:// or https://")),
    }
}

fn parse_clients(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (1..=MOST_CLIENTS).contains(number));
    number.ok_or_else(|| format!("\"{text}\" is not a whole number from 1 to {MOST_CLIENTS}"))
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.001..=10_000.0).contains(rate));
    rate.ok_or_else(|| format!("\"{text}\" is not a number of viewers per second from 0.001 to 10000"))
}

fn parse_share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("\"{text}\" is not a share from 0 to 1"))
}

pub(crate) fn parse_address(text: &str) -> Result<Option<SocketAddr>, String> {
    if text == "off" {
        return Ok(None);
    }
    // Go's ":9090" means every address.
    let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    let full = full.replace("localhost:", "127.0.0.1:");
    let wrong =
        |_| format!("\"{text}\" is not an address with a port, such as 0.0.0.0:9090 or :9090, and not off");
    full.parse().map(Some).map_err(wrong)
}

fn parse_seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("\"{text}\" is not a whole number from 0 to {}", u64::MAX))
}

/// What a shell would make of it.
fn parse_options(text: &str) -> Result<Vec<String>, String> {
    let words = shlex::split(text).ok_or_else(|| format!("\"{text}\" has a quote that does not end"))?;
    match words.first() {
        Some(first) if first.starts_with('-') && first.len() > 1 && !words.contains(&"-i".to_owned()) => {
            Ok(words)
        }
        Some(_) if words.contains(&"-i".to_owned()) => {
            Err(format!("\"{text}\" names an input: the URL is the only one"))
        }
        _ => Err(format!("\"{text}\" is no option of FFmpeg: write it as '-option value'")),
    }
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    let timeout = go_duration::parse(text)?;
    let sensible = Duration::from_millis(100)..=LONGEST_TIMEOUT;
    sensible
        .contains(&timeout)
        .then_some(timeout)
        .ok_or_else(|| format!("\"{text}\" is not from 100ms to 1h"))
}

fn parse_header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let wrong = |why: &str| format!("\"{text}\" {why}: write it as 'Name: value'");
    let (name, value) = text.split_once(':').ok_or_else(|| wrong("has no colon"))?;
    let name =
        HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| wrong("has no valid header name"))?;
    let value =
        HeaderValue::from_str(value.trim()).map_err(|_| wrong("has a character that no header may have"))?;
    // `to_str` is stricter than `from_str`: FFmpeg's command line takes visible ASCII only.
    value.to_str().map_err(|_| wrong("has a character that no header may have"))?;
    if [hyper::header::HOST, hyper::header::CONTENT_LENGTH, hyper::header::TRANSFER_ENCODING].contains(&name)
    {
        return Err(wrong("belongs to the connection and cannot be set"));
    }
    Ok((name, value))
}

#[cfg(test)]
mod tests;
