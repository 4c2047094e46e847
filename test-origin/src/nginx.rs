//! Nginx's command line and the whole text of its configuration. Pure: every path in it is relative to the run
//! directory, so the text depends on nothing but its arguments. Never runs or writes anything.

mod access_logs;
mod build;
mod locations;
mod url;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use supervise::CommandLine;

use crate::profile::Profile;
use crate::run_dir::RunDir;

pub use build::Build;
pub use locations::{PLAYLIST_CACHING, SEGMENT_CACHING};
pub use url::Url;

/// What is asked of a listener beside its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    /// The one that is told.
    Main,
    /// The one to which requests are redirected.
    Redirected,
}

/// Whom the workers run as when we are root: never as root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// User name.
    pub user: String,
    /// Group name.
    pub group: String,
}

/// Everything that the configuration depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server<'a> {
    /// What is served.
    pub profile: &'a Profile,
    /// Where it listens; the port is not 0.
    pub address: SocketAddr,
    /// What this Nginx can do.
    pub build: &'a Build,
    /// Set only when we are root.
    pub account: Option<Account>,
    /// The hard limit on open files of one process.
    pub open_files: u64,
    /// Where the JSON access log goes; `None` for no log.
    pub access_log: Option<PathBuf>,
    /// HTTPS; `None` for HTTP.
    pub tls: Option<Tls>,
    /// Who answers `/metrics` and `/state.json`.
    pub admin: SocketAddr,
    /// While a fault is in force that concerns requests: who answers them.
    pub routing: Option<Routing>,
}

/// Where requests for the stream go while a fault is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Routing {
    /// Our own server.
    pub upstream: SocketAddr,
    /// Where the stream is served as well, for those who are redirected.
    pub redirect: Option<SocketAddr>,
}

/// Files in PEM format, absolute or relative to the run directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate, with those that vouch for it behind it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// More connections than this per worker would only cost memory: with two workers it is 20 000 viewers at the three
/// to four connections that FFmpeg opens for each, half of them idle.
const MOST_CONNECTIONS: u64 = 32_768;

/// Runs Nginx in the foreground from its configuration in the run directory.
pub fn command(nginx: &Path, run_dir: &Path) -> CommandLine {
    // `-e`: without it Nginx first tries the log file it was built with, and complains when it is not root.
    CommandLine::new(nginx).args(["-e", "stderr", "-p"]).arg(run_dir).args(["-c", RunDir::NGINX_CONF])
}

/// As [`command`], but only tests the configuration.
pub fn test_command(nginx: &Path, run_dir: &Path) -> CommandLine {
    command(nginx, run_dir).args(["-t", "-q"])
}

impl Server<'_> {
    /// The whole `nginx.conf`.
    pub fn config(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        self.write(&mut text).unwrap_or_default();
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        // Each connection may have a segment open beside its socket; the rest is for logs, listener and epoll.
        let files = self.open_files.min(2 * MOST_CONNECTIONS + 64);
        let connections = (files.saturating_sub(64) / 2).max(16);
        writeln!(out, "# test-origin, profile {}: every path is relative to nginx -p", self.profile.name)?;
        writeln!(out, "daemon off;\npid nginx.pid;\nerror_log stderr warn;")?;
        if let Some(Account { user, group }) = &self.account {
            writeln!(out, "user {user} {group};")?;
        }
        if self.profile.server.debug_log {
            let level = if self.build.debug { "debug" } else { "info" };
            writeln!(out, "error_log {} {level};", RunDir::DEBUG_LOG)?;
        }
        writeln!(out, "worker_processes auto;\nworker_rlimit_nofile {files};")?;
        writeln!(out, "events {{\n    worker_connections {connections};\n}}")?;
        writeln!(out, "http {{\n    server_tokens off;")?;
        writeln!(out, "    types {{\n{MIME_TYPES}    }}\n    default_type application/octet-stream;")?;
        self.write_logs(out)?;
        writeln!(out, "    client_body_temp_path {}/body;", RunDir::TEMP)?;
        for module in &self.build.temp_paths {
            writeln!(out, "    {module}_temp_path {}/{module};", RunDir::TEMP)?;
        }
        write!(out, "{DELIVERY}")?;
        if let Some(routing) = &self.routing {
            write!(out, "    upstream faults {{\n        server {} max_fails=0;\n", routing.upstream)?;
            writeln!(out, "        keepalive {UPSTREAM_KEEPALIVE};\n    }}")?;
        }
        self.write_server(out, self.address, Port::Main)?;
        if let Some(address) = self.routing.and_then(|routing| routing.redirect) {
            self.write_server(out, address, Port::Redirected)?;
        }
        writeln!(out, "}}")
    }

    fn write_server(&self, out: &mut String, address: SocketAddr, port: Port) -> std::fmt::Result {
        writeln!(out, "    server {{")?;
        // Without ipv6only=off, `::` would listen on IPv6 alone.
        let both = if address.ip() == std::net::Ipv6Addr::UNSPECIFIED { " ipv6only=off" } else { "" };
        let tls = if self.tls.is_some() { " ssl" } else { "" };
        let own = if self.profile.server.throughput { " reuseport" } else { "" };
        writeln!(out, "        listen {address}{tls}{both} backlog=4096{own};")?;
        if let Some(Tls { certificate, key }) = &self.tls {
            writeln!(out, "        ssl_certificate \"{}\";", certificate.display())?;
            writeln!(out, "        ssl_certificate_key \"{}\";", key.display())?;
            // HTTP/2 is off unless it is asked for, so that a client is offered http/1.1 alone.
            writeln!(out, "        ssl_protocols TLSv1.2 TLSv1.3;")?;
            writeln!(out, "        ssl_session_cache shared:tls:{TLS_SESSION_CACHE};")?;
        }
        writeln!(out, "        root {};", RunDir::MEDIA)?;
        writeln!(out, "        disable_symlinks on from=$document_root;")?;
        writeln!(out, "        error_page 405 @not_allowed;")?;
        writeln!(
            out,
            "        if ($request_method !~ ^(GET|HEAD)$) {{\n            return 405;\n        }}\n"
        )?;
        self.write_stream(out, port)?;
        self.write_beside(out)?;
        writeln!(out, "    }}")
    }
}

/// Connections to our own server that each worker keeps, so that short answers need no new ones.
const UPSTREAM_KEEPALIVE: u32 = 64;
/// 4000 sessions per megabyte, as Nginx documents: enough for each of 40 000 viewers to reconnect without a full
/// handshake, as players do.
const TLS_SESSION_CACHE: &str = "10m";
const MIME_TYPES: &str = "        application/vnd.apple.mpegurl m3u8;
        video/mp2t ts;
        video/iso.segment m4s;
        video/mp4 mp4;
";

/// Viewers keep their connection: nothing is gained by ending it, and a load test would measure the reconnects.
///
/// No `tcp_nopush`: with it Nginx leaves out `TCP_NODELAY`, and where packets are large, as on loopback, the end of a
/// segment then waits for an acknowledgement that the reader's kernel holds back for 40 ms.
const DELIVERY: &str = "    sendfile on;
    keepalive_timeout 75s;
    keepalive_requests 1000000;
    client_max_body_size 1k;
    log_not_found off;
";

#[cfg(test)]
mod tests;
