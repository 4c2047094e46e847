//! The flags that say what is requested of the origin, and on which way.

use std::net::IpAddr;
use std::time::Duration;

use clap::{ArgAction, Args};

use super::collector::Collector;
use super::values::{one_of, parse_header, parse_ip, parse_timeout};
use crate::plan::{MOST_SOURCES, Request, VariantMode};

const VARIANTS: [(&str, VariantMode); 4] = [
    ("all", VariantMode::All),
    ("highest", VariantMode::Highest),
    ("lowest", VariantMode::Lowest),
    ("first", VariantMode::First),
];

// As they were typed.
#[derive(Debug, Args)]
pub(super) struct WireFlags {
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
}

/// As they are meant.
pub(super) struct WireRead {
    pub(super) variant: VariantMode,
    pub(super) request: Request,
    pub(super) verify_tls: bool,
    pub(super) resolve: Option<IpAddr>,
    pub(super) source_ips: Vec<IpAddr>,
    pub(super) timeout: Duration,
}

impl WireFlags {
    /// `None` when there is a mistake, which is noted. With `direct` there is no wire, only FFmpeg's own.
    pub(super) fn read(self, direct: bool, take: &mut Collector<'_>) -> Option<WireRead> {
        let Self { variant, no_cache, header, resolve, source_ip, timeout, dangerous } = self;
        let timeout = take.flag("timeout", parse_timeout(&timeout));
        let resolve = resolve.map(|text| read_resolve(&text, dangerous, direct, take));
        let source_ips = read_sources(&source_ip, direct, take);
        let variant = take.flag("variant", one_of(&variant, &VARIANTS));
        let headers = take.each("header", &header, parse_header);
        Some(WireRead {
            variant: variant?,
            request: Request::new(headers?, no_cache),
            verify_tls: !dangerous,
            resolve: resolve.map_or(Some(None), |resolve| resolve.map(Some))?,
            source_ips: source_ips?,
            timeout: timeout?,
        })
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
    take.flag("resolve", parse_ip(text))
}

fn read_sources(texts: &[String], direct: bool, take: &mut Collector<'_>) -> Option<Vec<IpAddr>> {
    let texts: Vec<_> = texts.iter().filter(|text| !text.is_empty()).collect();
    if texts.len() > MOST_SOURCES {
        take.note(&format!("-source-ip: at most {MOST_SOURCES} addresses can be used"));
    }
    if !texts.is_empty() && direct {
        take.note(
            "-source-ip and -direct exclude each other: FFmpeg itself cannot be told where to connect from",
        );
    }
    let addresses: Vec<_> = texts.iter().map(|text| take.flag("source-ip", parse_ip(text))).collect();
    addresses.into_iter().collect()
}
