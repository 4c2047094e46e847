//! What can be missing on a machine, and the sentence for each. Looks at nothing.

use std::net::SocketAddr;
use std::path::PathBuf;

use supervise::program::Missing;

use crate::codec::H264;
use crate::faults::Fault;
use crate::faults::table::Refused;

/// Why this machine is not ready. Each message is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// FFmpeg or Nginx is not there.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// A program is there but does not work.
    #[error("{} does not run: {reason}", program.display())]
    Broken {
        /// Which.
        program: PathBuf,
        /// What happened.
        reason: String,
    },
    /// FFmpeg was built without something.
    #[error(
        "{} has no {what}: install a full build (Debian/Ubuntu: apt install ffmpeg; Nix: nixpkgs#ffmpeg-full) and say \
         where it is with --ffmpeg PATH", ffmpeg.display()
    )]
    Incapable {
        /// Which FFmpeg.
        ffmpeg: PathBuf,
        /// What it lacks.
        what: String,
    },
    /// FFmpeg has no H.264 encoder that we know.
    #[error(
        "{} has neither {known}: install one with libx264 (Debian/Ubuntu: apt install ffmpeg; Fedora: ffmpeg of RPM \
         Fusion; Nix: nixpkgs#ffmpeg) and say where it is with --ffmpeg PATH", ffmpeg.display(),
        known = H264::ALL.map(H264::name).join(" nor ")
    )]
    NoEncoder {
        /// Which FFmpeg.
        ffmpeg: PathBuf,
    },
    /// Nginx was built without TLS.
    #[error(
        "{} was built without TLS (--with-http_ssl_module): install another build (Debian/Ubuntu: apt install nginx; \
         Nix: nixpkgs#nginx) and say where it is with --nginx PATH", nginx.display()
    )]
    NoTls {
        /// Which Nginx.
        nginx: PathBuf,
    },
    /// The user's certificate or key cannot be used.
    #[error("{flag} {}: {reason}", file.display())]
    Certificate {
        /// The flag that names it.
        flag: &'static str,
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Somebody else listens there.
    #[error(
        "port {port} on {ip} is taken: stop what listens there, or use another --port (--port 0 picks a free one)",
        ip = address.ip(), port = address.port()
    )]
    PortTaken {
        /// Where we wanted to listen.
        address: SocketAddr,
    },
    /// Another test-origin listens there.
    #[error(
        "port {port} on {ip} is taken by another test-origin, which serves profile {profile}: stop that one, or put this \
         one beside it with another --port (--port 0 picks a free one)", ip = address.ip(), port = address.port()
    )]
    OriginThere {
        /// Where we wanted to listen.
        address: SocketAddr,
        /// What is served there.
        profile: String,
    },
    /// Nginx was built without what it needs to ask the server that misbehaves.
    #[error("--fault {fault} {}", Refused::no_proxy())]
    NoProxy {
        /// As it is written.
        fault: Fault,
    },
    /// The admin server cannot listen.
    #[error("cannot listen on --admin {address}: {reason}; choose another port (0 picks a free one)")]
    Admin {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the operating system says.
        reason: String,
    },
    /// A fault cannot have what it needs.
    #[error("--fault {fault} {reason}")]
    Fault {
        /// As it is written.
        fault: Fault,
        /// Why not.
        reason: Refused,
    },
    /// Listening there is not possible at all.
    #[error("cannot listen on {address}: {reason}; choose another --bind or --port")]
    CannotListen {
        /// Where we wanted to listen.
        address: SocketAddr,
        /// What the operating system says.
        reason: String,
    },
    /// No files can be made there.
    #[error("cannot write to {}: {reason}; choose another folder with {flag}", folder.display())]
    Unwritable {
        /// Which folder.
        folder: PathBuf,
        /// What the operating system says.
        reason: String,
        /// The flag that names it.
        flag: &'static str,
    },
    /// The segments would not fit.
    #[error(
        "{} has {free_mb} MB free, and this profile needs {needed_mb} MB there: choose another folder with {flag}",
        folder.display()
    )]
    NoRoom {
        /// Which folder.
        folder: PathBuf,
        /// Free space in 10^6 bytes.
        free_mb: u64,
        /// Needed space in 10^6 bytes.
        needed_mb: u64,
        /// The flag that names it.
        flag: &'static str,
    },
    /// The workers are another account and may not pass.
    #[error(
        "the account {user}, which serves the files because you are root, may not enter {}: choose another --dir, or \
         chmod o+x it", folder.display()
    )]
    Impassable {
        /// The first folder that is closed.
        folder: PathBuf,
        /// The workers' account.
        user: String,
    },
    /// We are root, and there is nobody to give the workers to.
    #[error(
        "you are root, and none of the accounts www-data, nginx and nobody exists to serve the files: run \
             test-origin as an ordinary user"
    )]
    NoAccount,
}
