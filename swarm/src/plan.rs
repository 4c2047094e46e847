//! What the run shall be: validated, plain values. Knows nothing of flags, processes or sockets.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use hyper::header::{HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use url::Url;

use crate::limit_run::FindLimit;
use crate::limits::Routes;
use crate::stages::Stages;
use crate::threshold::Threshold;

/// Most viewers that one run accepts. Far above what FFmpegs on one machine can be; it keeps a typing slip such as
/// an extra pair of zeros from starting a fork bomb.
pub const MOST_CLIENTS: u32 = 100_000;

/// Most `--source-ip`: with each worth tens of thousands of ports, far more than one machine can use.
pub const MOST_SOURCES: usize = 256;

/// Most `--origin-metrics`. An origin has one, its machine another; a cluster has its own Prometheus.
pub const MOST_ENDPOINTS: usize = 8;

/// Longest `--timeout`: what is silent for an hour is dead.
pub const LONGEST_TIMEOUT: Duration = Duration::from_secs(3600);

/// How long `--check` lets its viewer play: five segments of the usual two seconds.
pub const CHECK_DURATION: Duration = Duration::from_secs(10);

/// Shortest `--level-hold`: figures are read once per second, and one second decides nothing.
pub const SHORTEST_LEVEL_HOLD: Duration = Duration::from_secs(3);

/// Longest `--level-hold`: a search has a dozen levels, and shall end on the day on which it began.
pub const LONGEST_LEVEL_HOLD: Duration = Duration::from_secs(3600);

/// A whole run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// At least one; viewers are spread over them in turn.
    pub urls: Vec<Url>,
    /// How many viewers shall run, 1 to [`MOST_CLIENTS`]; with another course than [`Course::Hold`] the most at the
    /// same time.
    pub clients: u32,
    /// How many shall run when.
    pub course: Course,
    /// Viewers started per second, above 0.
    pub ramp_rate: f64,
    /// Random offset of each start, in gaps between two starts, 0 to 1.
    pub ramp_jitter: f64,
    /// From the first start; `None` runs until stopped.
    pub duration: Option<Duration>,
    /// Which variant of a master playlist the viewers play.
    pub variant: VariantMode,
    /// What every request carries.
    pub request: Request,
    /// Whether certificates are checked.
    pub verify_tls: bool,
    /// Connect to this address whatever the host name; never with `direct`.
    pub resolve: Option<IpAddr>,
    /// Connect from these addresses of this machine, each viewer from one; empty lets the system choose, and so does
    /// `direct`.
    pub source_ips: Vec<IpAddr>,
    /// How long a connection attempt may take, and how long an open one may be silent.
    pub timeout: Duration,
    /// FFmpegs fetch by themselves, and nothing is measured.
    pub direct: bool,
    /// Where `/metrics` is served; `None` for nowhere.
    pub metrics: Option<SocketAddr>,
    /// Where the origin's own metrics are; may be empty.
    pub origin_metrics: Vec<Url>,
    /// The FFmpeg program: a name or a path.
    pub ffmpeg: PathBuf,
    /// Further options for every FFmpeg, before its input: `-name`, value, and so on.
    pub ffmpeg_options: Vec<String>,
    /// How fast a viewer reads.
    pub pace: Pace,
    /// Where reports are written at the end.
    pub reports: Vec<PathBuf>,
    /// Report of an earlier run, to be compared with.
    pub compare: Option<PathBuf>,
    /// What the run must hold.
    pub thresholds: Vec<Threshold>,
    /// Makes ramp jitter and backoff jitter repeatable.
    pub seed: u64,
    /// The flags that this was read from, as words, with the seed and without secrets: to make such a run again.
    pub flags: Vec<String>,
}

impl Plan {
    /// How viewers reach origins.
    pub fn routes(&self) -> Routes {
        // Without any, connections come from the one address that the system chooses.
        Routes { direct: self.direct, sources: self.source_ips.len().max(1) as u64 }
    }
}

/// How many viewers shall run when.
#[derive(Clone, Debug, PartialEq)]
pub enum Course {
    /// All, from the ramp to the end.
    Hold,
    /// As a profile says, which also says for how long.
    Stages(Stages),
    /// As the search for the limit asks for.
    FindLimit(FindLimit),
}

/// Which variant of a master playlist is played. A media playlist is played as it is in every mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VariantMode {
    /// Every variant at the same time.
    All,
    /// The one with the largest BANDWIDTH.
    Highest,
    /// The one with the smallest BANDWIDTH.
    Lowest,
    /// The one that is listed first.
    First,
}

/// How fast a viewer reads its stream. A live stream is bounded by its own pace either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pace {
    /// As fast as it arrives.
    Full,
    /// At playback speed after a start buffer.
    Realtime,
}

/// What every request of every viewer carries, and `swarm`'s own as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Extra headers, as given; never `User-Agent`, which is [`Self::user_agent`].
    pub headers: HeaderMap,
    /// The `User-Agent` header.
    pub user_agent: HeaderValue,
}

impl Request {
    /// What the origin sees when the user gave no `User-Agent` of his own.
    pub const DEFAULT_USER_AGENT: &str = concat!("ffmpeg-hls-swarm/", env!("CARGO_PKG_VERSION"));

    /// Headers in the given order; with `no_cache` caches on the way are asked to revalidate.
    pub fn new(headers: Vec<(HeaderName, HeaderValue)>, no_cache: bool) -> Self {
        let mut request = Self {
            headers: HeaderMap::new(),
            user_agent: HeaderValue::from_static(Self::DEFAULT_USER_AGENT),
        };
        if no_cache {
            let value = HeaderValue::from_static("no-cache");
            request.headers.insert(hyper::header::CACHE_CONTROL, value.clone());
            request.headers.insert(hyper::header::PRAGMA, value);
        }
        for (name, value) in headers {
            if name == USER_AGENT {
                request.user_agent = value;
            } else {
                request.headers.append(name, value);
            }
        }
        request
    }
}
