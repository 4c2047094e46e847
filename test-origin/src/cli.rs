//! The command line and its environment variables. clap's types stop here: what leaves is a [`Plan`] or text.

mod ask;
mod request;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Parser, ValueEnum};

use crate::plan::Plan;
use crate::profile::Setting;

pub use request::Request;

/// A live HLS origin on this machine: FFmpeg makes the stream, Nginx serves it, one command stops both.
///
/// Prints the stream's URL on stdout as soon as it can be played, and everything else on stderr.
#[derive(Debug, Parser)]
#[command(name = "test-origin", version, max_term_width = 110, args_override_self = true)]
#[command(args_conflicts_with_subcommands = true)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Args {
    /// Asks an origin that runs, instead of starting one.
    #[command(subcommand)]
    command: Option<ask::Command>,

    /// Built-in profile to serve [default: default]
    #[arg(long, value_name = "NAME", env = "HLSORIGIN_PROFILE")]
    profile: Option<String>,

    /// Profile from a TOML file instead
    #[arg(long, value_name = "FILE", env = "HLSORIGIN_PROFILE_FILE")]
    profile_file: Option<PathBuf>,

    /// Set a value of the profile, as `hls.segment_seconds=4` or `variant.720p.video_bitrate_kbps=900`; may be given
    /// several times
    #[arg(long, value_name = "KEY=VALUE", env = "HLSORIGIN_SET", value_delimiter = ';')]
    set: Vec<Setting>,

    /// Port to listen on; 0 picks a free one
    #[arg(long, value_name = "PORT", env = "HLSORIGIN_PORT", default_value_t = Plan::DEFAULT_PORT)]
    port: u16,

    /// Address to listen on; 0.0.0.0 or :: lets other machines in
    #[arg(long, value_name = "IP", env = "HLSORIGIN_BIND", default_value_t = Plan::DEFAULT_BIND)]
    bind: IpAddr,

    /// Folder in which the run's own directory is made [default: /dev/shm when it has room, else the temporary folder]
    #[arg(long, value_name = "DIR", env = "HLSORIGIN_DIR")]
    dir: Option<PathBuf>,

    /// Where encoded clips are kept [default: ffmpeg-hls-swarm/media in the user's cache folder]
    #[arg(long, value_name = "DIR", env = "HLSORIGIN_CACHE_DIR")]
    cache_dir: Option<PathBuf>,

    /// FFmpeg to run
    #[arg(long, value_name = "PATH", env = "HLSORIGIN_FFMPEG", default_value = "ffmpeg")]
    ffmpeg: PathBuf,

    /// Nginx to run
    #[arg(long, value_name = "PATH", env = "HLSORIGIN_NGINX", default_value = "nginx")]
    nginx: PathBuf,

    /// Encode while the stream plays, instead of repeating a clip that was encoded once
    #[arg(long, env = "HLSORIGIN_LIVE_ENCODE", value_parser = FalseyValueParser::new())]
    live_encode: bool,

    /// Append one JSON line per request to this file
    #[arg(long, value_name = "FILE", env = "HLSORIGIN_ACCESS_LOG")]
    access_log: Option<PathBuf>,

    /// Further name or IP address for the certificate that is made; may be given several times
    #[arg(long, value_name = "NAME", env = "HLSORIGIN_TLS_NAME", value_delimiter = ',')]
    tls_name: Vec<String>,

    /// Certificate to serve instead of one that is made, in PEM format
    #[arg(long, value_name = "FILE", env = "HLSORIGIN_TLS_CERT")]
    tls_cert: Option<PathBuf>,

    /// Its private key, in PEM format
    #[arg(long, value_name = "FILE", env = "HLSORIGIN_TLS_KEY")]
    tls_key: Option<PathBuf>,

    /// Loopback address of the admin server, which begins and ends faults; port 0 picks a free one
    #[arg(long, value_name = "ADDR", env = "HLSORIGIN_ADMIN", default_value_t = Plan::DEFAULT_ADMIN)]
    admin: SocketAddr,

    /// Misbehave: KIND[=VALUE][@BEGIN[+LENGTH]], counted from the moment the URL is told; may be given several times
    #[arg(long, value_name = "SPEC", env = "HLSORIGIN_FAULT", value_delimiter = ',')]
    fault: Vec<String>,

    /// List the built-in profiles and exit
    #[arg(long, group = "question", env = "HLSORIGIN_LIST_PROFILES", value_parser = FalseyValueParser::new())]
    list_profiles: bool,

    /// Print what it comes to (sizes, bandwidths, paths) and exit
    #[arg(long, group = "question", env = "HLSORIGIN_PRINT_PLAN", value_parser = FalseyValueParser::new())]
    print_plan: bool,

    /// Encode the clip into the cache, unless it is there, and exit
    #[arg(long, group = "question", env = "HLSORIGIN_PREPARE", value_parser = FalseyValueParser::new())]
    prepare: bool,

    /// Answer in JSON; for --print-plan and --list-profiles
    #[arg(long, env = "HLSORIGIN_JSON", value_parser = FalseyValueParser::new())]
    json: bool,

    /// Print Nginx's configuration and exit
    #[arg(long, group = "question", env = "HLSORIGIN_PRINT_NGINX_CONF", value_parser = FalseyValueParser::new())]
    print_nginx_conf: bool,

    /// Print the commands that would run and exit
    #[arg(long, group = "question", env = "HLSORIGIN_PRINT_CMD", value_parser = FalseyValueParser::new())]
    print_cmd: bool,

    /// Check profile, programs, port and folders, start nothing, say "ok" and exit
    #[arg(long, group = "question", env = "HLSORIGIN_CHECK", value_parser = FalseyValueParser::new())]
    check: bool,

    /// Log what FFmpeg and Nginx say, too
    #[arg(short, long, env = "HLSORIGIN_VERBOSE", value_parser = FalseyValueParser::new())]
    pub verbose: bool,

    /// How stderr is written
    #[arg(long, value_name = "FORMAT", env = "HLSORIGIN_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

#[cfg(test)]
mod tests;
