//! Everything that can be known to fail before the first viewer starts, all of it at once. Starts no viewer.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use supervise::program::{self, Missing, Program};
use url::Url;

use crate::dispatcher::Stream;
use crate::ffmpeg::capabilities::{self, Capabilities, Unfit};
use crate::ffmpeg::command::{View, command};
use crate::limits::{Limits, Shortage};
use crate::output::report::folder_of;
use crate::plan::{NETWORK_TIMEOUT, Plan, VariantMode};
use crate::playlist::{self, Media, NotAPlaylist, Playlist};
use crate::upstream::{Connector, FetchError, client_config, fetch};

/// A run that can begin.
#[derive(Debug)]
pub struct Ready {
    /// What each viewer plays.
    pub streams: Vec<Stream>,
    /// The FFmpeg.
    pub ffmpeg: Capabilities,
    /// Bound already, so that nobody can take the port in between.
    pub metrics: Option<TcpListener>,
    /// What may go wrong, one sentence each.
    pub warnings: Vec<String>,
}

/// One reason why the run cannot begin. The text is a sentence without a full stop.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
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
    #[error("the report {} cannot be written ({reason}): choose another place with -report FILE", path.display())]
    Report {
        /// As asked.
        path: PathBuf,
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
    for shortage in Limits::raise_and_read().shortages(plan.clients) {
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
    for path in &plan.reports {
        if let Err(reason) = try_folder(path) {
            problems.push(Problem::Report { path: path.clone(), reason });
        }
    }
    let sources = look_at_urls(plan, &mut problems).await;
    let Some(ffmpeg) = ffmpeg else { return Err(problems) };
    for url in plan.urls.iter().filter(|url| url.scheme() == "https") {
        if !ffmpeg.protocols.iter().any(|protocol| protocol == "https") {
            problems.push(Problem::NoHttps { program: ffmpeg.program.clone(), url: url.clone() });
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let streams = sources.iter().map(|source| source.stream(&ffmpeg, plan)).collect();
    Ok(Ready { streams, ffmpeg, metrics, warnings })
}

/// The command of the first viewer, and of one more per further URL: needs FFmpeg, and the URL only where the
/// variant depends on it.
///
/// # Errors
/// As [`check`].
pub async fn commands(plan: &Plan) -> Result<Vec<Stream>, Vec<Problem>> {
    let ffmpeg = find_ffmpeg(&plan.ffmpeg).await.map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    let sources = if plan.variant == VariantMode::All {
        plan.urls.iter().map(|url| Source { url: url.clone(), program: None, media: None }).collect()
    } else {
        look_at_urls(plan, &mut problems).await
    };
    if problems.is_empty() {
        Ok(sources.iter().map(|source| source.stream(&ffmpeg, plan)).collect())
    } else {
        Err(problems)
    }
}

async fn find_ffmpeg(asked: &Path) -> Result<Capabilities, Problem> {
    let program = program::find(Program::Ffmpeg, asked)?;
    Ok(capabilities::probe(&program).await?)
}

/// A report is written to a temporary file beside it: whether that is possible is tried, not guessed.
fn try_folder(report: &Path) -> io::Result<()> {
    if report.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // The error's own text names the temporary file, which means nothing to the user.
    let tried = tempfile::NamedTempFile::new_in(folder_of(report)).map(drop);
    tried.map_err(|error| error.kind().into())
}

/// A URL, and what was found there.
#[derive(Clone, Debug, PartialEq)]
struct Source {
    url: Url,
    program: Option<usize>,
    /// `None` when it was not looked at.
    media: Option<Media>,
}

/// For a stream that was not looked at: the usual segment length.
const USUAL_TARGET_DURATION_S: f64 = 2.0;

impl Source {
    fn stream(&self, ffmpeg: &Capabilities, plan: &Plan) -> Stream {
        let view = View {
            url: &self.url,
            program: self.program,
            target_duration_s: self.media.map_or(USUAL_TARGET_DURATION_S, |media| media.target_duration_s),
            request: &plan.request,
            pace: plan.pace,
            verify_tls: plan.verify_tls,
        };
        let can_complete = self.media.is_some_and(|media| media.ended);
        Stream { command: command(ffmpeg, &view), can_complete }
    }
}

async fn look_at_urls(plan: &Plan, problems: &mut Vec<Problem>) -> Vec<Source> {
    let connector = match client_config(plan.verify_tls) {
        Ok(tls) => Connector { address: None, tls, timeout: NETWORK_TIMEOUT },
        Err(error) => {
            problems.push(error.into());
            return Vec::new();
        }
    };
    let mut sources = Vec::new();
    for url in &plan.urls {
        match look_at(&connector, url, plan).await {
            Ok(source) => sources.push(source),
            Err(problem) => problems.push(problem),
        }
    }
    sources
}

async fn look_at(connector: &Connector, url: &Url, plan: &Plan) -> Result<Source, Problem> {
    let (program, media) = match fetch_playlist(connector, url, plan).await? {
        Playlist::Media(media) => (None, media),
        Playlist::Master(variants) => {
            let program = playlist::choose(&variants, plan.variant);
            let variant = &variants[program.unwrap_or(0)];
            match fetch_playlist(connector, &variant.url, plan).await? {
                Playlist::Media(media) => (program, media),
                Playlist::Master(_) => {
                    let (url, reason) = (variant.url.clone(), NotAPlaylist::Nested);
                    return Err(Problem::NotAPlaylist { url, reason });
                }
            }
        }
    };
    Ok(Source { url: url.clone(), program, media: Some(media) })
}

async fn fetch_playlist(connector: &Connector, url: &Url, plan: &Plan) -> Result<Playlist, Problem> {
    let fetched = fetch(connector, url, &plan.request).await?;
    playlist::parse(&fetched.body, &fetched.url)
        .map_err(|reason| Problem::NotAPlaylist { url: fetched.url, reason })
}
