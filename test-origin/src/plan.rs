//! What is to be done, in plain and checked values. Knows neither flags nor the state of this machine.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::faults::Spec;
use crate::profile::Profile;

/// Everything that one invocation of `test-origin` is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The stream.
    pub profile: Profile,
    /// Serve it, or only tell something about it.
    pub task: Task,
    /// How the stream is made.
    pub source: Source,
    /// Address to listen on.
    pub bind: IpAddr,
    /// Port to listen on; 0 for a free one.
    pub port: u16,
    /// Absolute; in it the run directory is made. `None`: tmpfs where there is room.
    pub parent_dir: Option<PathBuf>,
    /// Absolute; where encoded clips are kept.
    pub cache_dir: PathBuf,
    /// FFmpeg as the user named it.
    pub ffmpeg: PathBuf,
    /// Nginx as the user named it.
    pub nginx: PathBuf,
    /// Where the JSON access log goes.
    pub access_log: AccessLog,
    /// Where the certificate comes from; there exactly when the profile is served over HTTPS.
    pub tls: Option<Certificate>,
    /// Where the admin server listens: on loopback; port 0 for a free one.
    pub admin: SocketAddr,
    /// What is to go wrong, and when; these can happen to the profile beside each other.
    pub faults: Vec<Spec>,
}

/// Where the JSON access log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessLog {
    /// Nowhere.
    Off,
    /// Into the run directory, and away with it.
    RunDir,
    /// To the end of this file; absolute.
    File(PathBuf),
}

/// Where the certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// Made for the run, for this machine's own names and these.
    Made {
        /// Host names and IP addresses.
        names: Vec<String>,
    },
    /// The user's; absolute.
    Own {
        /// The certificate in PEM format.
        certificate: PathBuf,
        /// Its private key in PEM format.
        key: PathBuf,
    },
}

/// What to do with the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Serve it until asked to stop.
    Serve,
    /// Only find out whether it could be served.
    Check,
    /// Make the clip, if it is not in the cache yet.
    Prepare,
    /// Print what the plan comes to.
    PrintPlan(Form),
    /// Print Nginx's configuration.
    PrintNginxConf,
    /// Print the commands that would run.
    PrintCommands,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// How the stream is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Encoded once into the cache, then repeated without encoding.
    Clip,
    /// Encoded while it plays.
    LiveEncode,
}

impl Plan {
    /// The port of the examples in the documentation.
    pub const DEFAULT_PORT: u16 = 8080;
    /// Nobody else can reach the origin unless asked for.
    pub const DEFAULT_BIND: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    /// Faults are nobody's business but this machine's.
    pub const DEFAULT_ADMIN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    /// The profile that is served when none is named.
    pub const DEFAULT_PROFILE: &str = "default";
}
