//! Everything that can be known to fail before the first viewer starts, all of it at once. Starts no viewer.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use supervise::CommandLine;
use supervise::program::{self, Missing, Program};
use url::Url;

use crate::compare::Earlier;
use crate::ffmpeg::capabilities::{self, Capabilities, Unfit};
use crate::ffmpeg::{Analysis, Launcher, Stream};
use crate::limits::{Limits, Shortage};
use crate::observation::Kind;
use crate::output::report_file::folder_of;
use crate::plan::{Plan, VariantMode};
use crate::playlist::{self, Media, NotAPlaylist, Playlist};
use crate::proxy::server::Addresses;
use crate::proxy::ticket::{Ticket, Token};
use crate::upstream::{Connector, FetchError, client_config, fetch};

/// A run that can begin.
#[derive(Debug)]
pub struct Ready {
    /// What viewers play, in turn.
    pub streams: Vec<Stream>,
    /// How origins are reached.
    pub connector: Connector,
    /// The FFmpeg.
    pub ffmpeg: Capabilities,
    /// Bound already, so that nobody can take the port in between.
    pub metrics: Option<TcpListener>,
    /// What may go wrong, one sentence each.
    pub warnings: Vec<String>,
    /// The run to compare with.
    pub earlier: Option<Earlier>,
}

/// One reason why the run cannot begin. The text is a sentence without a full stop.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// What `-compare` names is no report.
    #[error("{0}")]
    Earlier(String),
    /// No FFmpeg.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// An FFmpeg that cannot play.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// FFmpeg without HTTPS, and a URL that needs it.
    #[error("{program} was built without HTTPS, which {url} needs: use a full build")]
    NoHttps {
        /// As found.
        program: PathBuf,
        /// The URL.
        url: Url,
    },
    /// Too little of something.
    #[error(transparent)]
    Shortage(#[from] Shortage),
    /// The metrics port is taken.
    #[error(
        "the metrics cannot be served on {address} ({reason}): choose another with -metrics ADDR, or -metrics off"
    )]
    MetricsAddress {
        /// As asked.
        address: SocketAddr,
        /// The operating system's words.
        reason: io::Error,
    },
    /// The report would be lost.
    #[error("the report {} cannot be written: {reason}", path.display())]
    Report {
        /// As asked.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// An address to connect from that is not here.
    #[error(
        "-source-ip {address} cannot be used ({reason}): it must be an address of this machine; \
         ip address add {address}/{} dev eth0 would add it", if address.is_ipv4() { 32 } else { 128 }
    )]
    SourceAddress {
        /// As asked.
        address: IpAddr,
        /// The operating system's words.
        reason: io::Error,
    },
    /// The URL does not answer.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The URL answers with something else.
    #[error("the answer of {url} is {reason}")]
    NotAPlaylist {
        /// As it finally answered.
        url: Url,
        /// What it is.
        reason: NotAPlaylist,
    },
    /// The TLS library does not start.
    #[error("TLS could not be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// Checks everything that `plan` needs.
///
/// # Errors
/// Every problem found, in the order in which a user would mend them.
pub async fn check(plan: &Plan) -> Result<Ready, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    let ffmpeg = match find_ffmpeg(&plan.ffmpeg).await {
        Ok(ffmpeg) => Some(ffmpeg),
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    for shortage in Limits::raise_and_read().shortages(plan.clients, plan.routes()) {
        if shortage.is_warning() {
            warnings.push(shortage.to_string());
        } else {
            problems.push(shortage.into());
        }
    }
    let metrics = plan.metrics.and_then(|address| {
        let bound = TcpListener::bind(address).map_err(|reason| Problem::MetricsAddress { address, reason });
        bound.map_err(|problem| problems.push(problem)).ok()
    });
    for address in plan.source_ips.iter().copied() {
        if let Err(reason) = TcpListener::bind((address, 0)) {
            problems.push(Problem::SourceAddress { address, reason });
        }
    }
    let earlier = plan.compare.as_deref().map(Earlier::read).transpose();
    let earlier = earlier.unwrap_or_else(|reason| {
        problems.push(Problem::Earlier(reason));
        None
    });
    for path in &plan.reports {
        if let Err(reason) = try_folder(path) {
            problems.push(Problem::Report { path: path.clone(), reason });
        }
    }
    let connector = connector(plan).map_err(|problem| problems.push(problem)).ok();
    let mut streams = Vec::new();
    if let Some(connector) = &connector {
        streams = look_at_urls(connector, plan, &mut problems).await;
    }
    let (Some(ffmpeg), Some(connector)) = (ffmpeg, connector) else { return Err(problems) };
    // On the wire FFmpeg speaks plain HTTP to us.
    for url in plan.urls.iter().filter(|url| plan.direct && url.scheme() == "https") {
        if !ffmpeg.protocols.iter().any(|protocol| protocol == "https") {
            problems.push(Problem::NoHttps { program: ffmpeg.program.clone(), url: url.clone() });
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Ready { streams, connector, ffmpeg, metrics, warnings, earlier })
}

/// The command of a viewer for each URL, as it works by itself, without the wire: needs FFmpeg, and the URL only
/// where the variant depends on it.
///
/// # Errors
/// As [`check`].
pub async fn commands(plan: &Plan) -> Result<Vec<CommandLine>, Vec<Problem>> {
    let direct = Plan { direct: true, ..plan.clone() };
    let ffmpeg = find_ffmpeg(&plan.ffmpeg).await.map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    let streams = if plan.variant == VariantMode::All {
        plan.urls.iter().map(|url| stream(url, Kind::Playlist, None, None)).collect()
    } else {
        let connector = connector(&direct).map_err(|problem| vec![problem])?;
        look_at_urls(&connector, &direct, &mut problems).await
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    let launcher = launcher(&direct, ffmpeg, None);
    let anybody = Ticket { viewer: 0, session: 0 };
    Ok(streams.iter().map(|stream| launcher.command(stream, anybody, Analysis::Short)).collect())
}

/// What a viewer of each URL plays, in bits per second at most; `None` where the playlist does not say it.
///
/// # Errors
/// The URLs that do not answer with a playlist.
pub async fn bandwidths(plan: &Plan) -> Result<Vec<Option<u64>>, Vec<Problem>> {
    let connector = connector(plan).map_err(|problem| vec![problem])?;
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for url in &plan.urls {
        match fetch_playlist(&connector, url, plan).await {
            Ok(Playlist::Media(_)) => found.push(None),
            Ok(Playlist::Master(variants)) => {
                let chosen = playlist::choose(&variants, plan.variant);
                let all = || variants.iter().map(|variant| variant.bandwidth).sum();
                found.push(Some(chosen.map_or_else(all, |chosen| variants[chosen].bandwidth)));
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

/// How this plan's FFmpegs are started; `wire` is the proxy's address and secret.
pub fn launcher(plan: &Plan, ffmpeg: Capabilities, wire: Option<(Addresses, Token)>) -> Launcher {
    Launcher {
        ffmpeg,
        request: plan.request.clone(),
        pace: plan.pace,
        verify_tls: plan.verify_tls,
        timeout: plan.timeout,
        options: plan.ffmpeg_options.clone(),
        looks_longer: AtomicBool::new(false),
        wire,
    }
}

async fn find_ffmpeg(asked: &Path) -> Result<Capabilities, Problem> {
    let program = program::find(Program::Ffmpeg, asked)?;
    Ok(capabilities::probe(&program).await?)
}

/// A report is written to a temporary file beside it: whether that is possible is tried, not guessed.
fn try_folder(report: &Path) -> Result<(), String> {
    let folder = folder_of(report);
    if report.is_dir() {
        return Err("it is a folder; name a file in it".to_owned());
    }
    if !folder.is_dir() {
        return Err(format!(
            "there is no folder {folder}; mkdir -p {folder} makes it",
            folder = folder.display()
        ));
    }
    // The error's own text names the temporary file, which means nothing to the user.
    let tried = tempfile::NamedTempFile::new_in(folder).map(drop);
    tried.map_err(|error| {
        format!("no file can be made in {} ({}); choose another place", folder.display(), error.kind())
    })
}

/// For a stream that was not looked at: the usual segment length.
const USUAL_TARGET_DURATION_S: f64 = 2.0;

fn stream(url: &Url, kind: Kind, program: Option<usize>, media: Option<Media>) -> Stream {
    Stream {
        url: url.clone(),
        kind,
        program,
        target_duration_s: media.map_or(USUAL_TARGET_DURATION_S, |media| media.target_duration_s),
        can_complete: media.is_some_and(|media| media.ended),
    }
}

fn connector(plan: &Plan) -> Result<Connector, Problem> {
    Ok(Connector {
        address: plan.resolve,
        sources: plan.source_ips.clone().into(),
        tls: client_config(plan.verify_tls)?,
        timeout: plan.timeout,
    })
}

async fn look_at_urls(connector: &Connector, plan: &Plan, problems: &mut Vec<Problem>) -> Vec<Stream> {
    let mut streams = Vec::new();
    for url in &plan.urls {
        match look_at(connector, url, plan).await {
            Ok(stream) => streams.push(stream),
            Err(problem) => problems.push(problem),
        }
    }
    streams
}

async fn look_at(connector: &Connector, url: &Url, plan: &Plan) -> Result<Stream, Problem> {
    let (kind, program, media) = match fetch_playlist(connector, url, plan).await? {
        Playlist::Media(media) => (Kind::Playlist, None, media),
        Playlist::Master(variants) => {
            let program = playlist::choose(&variants, plan.variant);
            let variant = &variants[program.unwrap_or(0)];
            match fetch_playlist(connector, &variant.url, plan).await? {
                Playlist::Media(media) => (Kind::Master, program, media),
                Playlist::Master(_) => {
                    let (url, reason) = (variant.url.clone(), NotAPlaylist::Nested);
                    return Err(Problem::NotAPlaylist { url, reason });
                }
            }
        }
    };
    // On the wire FFmpeg never sees the other variants: nothing is left to choose.
    Ok(stream(url, kind, program.filter(|_| plan.direct), Some(media)))
}

async fn fetch_playlist(connector: &Connector, url: &Url, plan: &Plan) -> Result<Playlist, Problem> {
    let fetched = fetch(connector, url, &plan.request).await?;
    playlist::parse(&fetched.body, &fetched.url)
        .map_err(|reason| Problem::NotAPlaylist { url: fetched.url, reason })
}
