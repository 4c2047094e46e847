//! Nginx's command line and the whole text of its configuration. Pure: every path in it is relative to the run
//! directory, so the text depends on nothing but its arguments. Never runs or writes anything.

mod build;
mod url;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use supervise::CommandLine;

use crate::faults::upstream;
use crate::profile::Profile;
use crate::request_log::RequestLog;
use crate::run_dir::RunDir;

pub use build::Build;
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

/// Fields of a line of the access log: key and Nginx variable; numbers stand without quotes.
const LOG_FIELDS: [(&str, &str); 18] = [
    ("time", "$msec"),
    ("remote_addr", "\"$remote_addr\""),
    ("remote_port", "$remote_port"),
    ("connection", "$connection"),
    ("connection_requests", "$connection_requests"),
    ("method", "\"$request_method\""),
    ("uri", "\"$uri\""),
    ("args", "\"$args\""),
    ("request", "\"$request_uri\""),
    ("status", "$status"),
    ("bytes", "$body_bytes_sent"),
    ("request_time", "$request_time"),
    ("range", "\"$http_range\""),
    ("user_agent", "\"$http_user_agent\""),
    ("cache_control", "\"$http_cache_control\""),
    ("pragma", "\"$http_pragma\""),
    ("host", "\"$http_host\""),
    ("x_test", "\"$http_x_test\""),
];

/// More of them where the profile wants the debug log: times in seconds, but for those of TCP, in microseconds.
const DEBUG_FIELDS: [(&str, &str); 7] = [
    ("connection_time", "$connection_time"),
    ("request_length", "$request_length"),
    ("bytes_sent", "$bytes_sent"),
    ("completed", "\"$request_completion\""),
    ("tcp_rtt_us", "$tcpinfo_rtt"),
    ("tcp_rttvar_us", "$tcpinfo_rttvar"),
    ("tcp_window_segments", "$tcpinfo_snd_cwnd"),
];

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
        self.write_log(out)?;
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

    fn write_log(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "    log_format count '{}';", RequestLog::FORMAT)?;
        writeln!(out, "    access_log {} count buffer={LOG_BUFFER} flush=1s;", RunDir::REQUESTS)?;
        let Some(file) = &self.access_log else { return Ok(()) };
        let more = if self.profile.server.debug_log { &DEBUG_FIELDS[..] } else { &[] };
        let fields: Vec<String> =
            LOG_FIELDS.iter().chain(more).map(|(key, value)| format!("\"{key}\":{value}")).collect();
        writeln!(out, "    log_format json escape=json '{{{}}}';", fields.join(","))?;
        writeln!(out, "    access_log \"{}\" json;", file.display())
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

    /// Playlists and segments.
    fn write_stream(&self, out: &mut String, port: Port) -> std::fmt::Result {
        // Names are never used twice, so a file that was opened once stays what it was; one that was deleted is
        // forgotten after the seconds here.
        let segment = ["open_file_cache max=4096 inactive=10s;", "open_file_cache_valid 5s;"];
        let playlist = ["open_file_cache off;"];
        let entry = Profile::ENTRY;
        if self.routing.is_none() {
            let alias = format!("try_files /{entry} =404;");
            location(out, "= /master.m3u8", PLAYLIST_CACHING, &[&alias])?;
            location(out, &format!("~ {PLAIN_PATH}\\.m3u8$"), PLAYLIST_CACHING, &playlist)?;
            return location(out, &format!("~ {PLAIN_PATH}\\.(ts|m4s|mp4)$"), SEGMENT_CACHING, &segment);
        }
        writeln!(
            out,
            "        location = /master.m3u8 {{\n            rewrite ^ /{entry} last;\n        }}"
        )?;
        writeln!(out, "        location ~ {PLAIN_PATH}\\.(m3u8|ts|m4s|mp4)$ {{")?;
        writeln!(out, "            proxy_pass http://faults$uri;")?;
        out.push_str(ROUTED);
        writeln!(out, "            proxy_set_header {} $scheme;", upstream::SCHEME)?;
        let redirected = if port == Port::Redirected { "1" } else { "\"\"" };
        writeln!(out, "            proxy_set_header {} {redirected};", upstream::REDIRECTED)?;
        writeln!(out, "            {EVERYBODY}\n            {EXPOSED}\n        }}")?;
        location(out, upstream::HEALTHY_PLAYLIST, PLAYLIST_CACHING, &playlist)?;
        location(out, upstream::HEALTHY_SEGMENT, SEGMENT_CACHING, &segment)
    }

    /// Everything that is not the stream.
    fn write_beside(&self, out: &mut String) -> std::fmt::Result {
        let health_root = format!("root {};", RunDir::HEALTH);
        let fresh = format!("try_files /{} @stale;", RunDir::FRESH);
        location(out, "= /healthz", "no-store", &[PLAIN_TEXT, &health_root, &fresh])?;
        if self.build.stub_status {
            location(out, "= /nginx_status", "no-store", &["stub_status;"])?;
        }
        if self.build.has_proxy() {
            for path in ["/metrics", "/state.json"] {
                let pass = format!("proxy_pass http://{}{path};", self.admin);
                location(
                    out,
                    &format!("= {path}"),
                    "no-store",
                    &[&pass, "proxy_hide_header Cache-Control;"],
                )?;
            }
        }
        let page_root = format!("root {};", RunDir::PAGE_FOLDER);
        let page = format!("try_files /{} =404;", RunDir::PAGE);
        location(
            out,
            "= /",
            "no-store",
            &["types {} default_type \"text/html; charset=utf-8\";", &page_root, PAGE_POLICY, &page],
        )?;
        location(out, "/", "no-store", &["return 404 \"there is no such file\\n\";", PLAIN_TEXT])?;
        let stale = "return 503 \"the playlist is stale, or segments may be cut off\\n\";";
        location(out, "@stale", "no-store", &[PLAIN_TEXT, stale])?;
        let refused = "return 405 \"only GET and HEAD are served\\n\";";
        let allow = "add_header Allow \"GET, HEAD\" always;";
        location(out, "@not_allowed", "no-store", &[PLAIN_TEXT, allow, refused])
    }
}

/// Some 1500 requests of a worker, which are written at one go.
const LOG_BUFFER: &str = "64k";
/// Connections to our own server that each worker keeps, so that short answers need no new ones.
const UPSTREAM_KEEPALIVE: u32 = 64;
/// 4000 sessions per megabyte, as Nginx documents: enough for each of 40 000 viewers to reconnect without a full
/// handshake, as players do.
const TLS_SESSION_CACHE: &str = "10m";
/// Folders and names without a dot: neither dotfiles nor files still being written (`.tmp`) match.
const PLAIN_PATH: &str = "^(/[A-Za-z0-9_-]+)+";
/// A cache may keep a live playlist, but must ask whether it is still the newest.
pub const PLAYLIST_CACHING: &str = "no-cache";
/// Without its own empty table the answer would have the type of the file that was asked for.
const PLAIN_TEXT: &str = "types {} default_type text/plain;";
/// A segment never changes.
pub const SEGMENT_CACHING: &str = "public, max-age=31536000, immutable";

const MIME_TYPES: &str = "        application/vnd.apple.mpegurl m3u8;
        video/mp2t ts;
        video/iso.segment m4s;
        video/mp4 mp4;
";

/// Viewers keep their connection: nothing is gained by ending it, and a load test would measure the reconnects.
const DELIVERY: &str = "    sendfile on;
    tcp_nopush on;
    keepalive_timeout 75s;
    keepalive_requests 1000000;
    client_max_body_size 1k;
    log_not_found off;
";

/// The page needs nothing from elsewhere, and may have nothing.
const PAGE_POLICY: &str = "add_header Content-Security-Policy \"default-src 'self' 'unsafe-inline'; media-src 'self' blob:\" always;";

/// How our own server is asked: every byte is passed on as it comes, and ranges are Nginx's work as ever.
const ROUTED: &str = "            proxy_http_version 1.1;
            proxy_buffering off;
            proxy_force_ranges on;
            proxy_set_header Host $http_host;
            proxy_set_header Connection \"\";
            proxy_set_header Range \"\";
";

/// Pages of other origins may fetch everything.
const EVERYBODY: &str = "add_header Access-Control-Allow-Origin \"*\" always;";
const EXPOSED: &str =
    "add_header Access-Control-Expose-Headers \"Content-Length, Content-Range, Date\" always;";

/// One location. Nginx drops inherited headers where a location adds one of its own, so each has them all.
fn location(out: &mut String, pattern: &str, caching: &str, lines: &[&str]) -> std::fmt::Result {
    writeln!(out, "        location {pattern} {{")?;
    for line in lines {
        writeln!(out, "            {line}")?;
    }
    // A cache must not keep for a year that a segment is not there.
    let when = if caching == SEGMENT_CACHING { "" } else { " always" };
    writeln!(out, "            add_header Cache-Control \"{caching}\"{when};")?;
    writeln!(out, "            {EVERYBODY}\n            {EXPOSED}\n        }}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    const DEBIAN: &str = "nginx version: nginx/1.22.1\nconfigure arguments: --with-threads \
        --with-http_stub_status_module --with-http_ssl_module";

    fn config(change: impl FnOnce(&mut Server<'_>)) -> String {
        let profile = catalog::find("default").unwrap().unwrap();
        let build = Build::parse(DEBIAN);
        let address = "127.0.0.1:8080".parse().unwrap();
        let mut server = Server {
            profile: &profile,
            address,
            build: &build,
            account: None,
            open_files: 1024,
            access_log: None,
            tls: None,
            admin: "127.0.0.1:9000".parse().unwrap(),
            routing: None,
        };
        change(&mut server);
        server.config()
    }

    fn lean_config(build: &Build) -> String {
        config_of("default", build)
    }

    fn config_of(profile: &str, build: &Build) -> String {
        let profile = catalog::find(profile).unwrap().unwrap();
        let address = "127.0.0.1:1".parse().unwrap();
        let (account, access_log, tls, routing) = (None, None, None, None);
        let (open_files, admin) = (99, address);
        Server { profile: &profile, address, build, account, open_files, access_log, tls, admin, routing }
            .config()
    }

    #[test]
    fn the_configuration_is_this() {
        insta::assert_snapshot!(config(|_| {}));
    }

    #[test]
    fn under_a_fault_the_stream_is_routed_and_nothing_else() {
        let upstream = "127.0.0.1:7000".parse().unwrap();
        let redirect = Some("127.0.0.1:8081".parse().unwrap());
        let routed = config(|server| server.routing = Some(Routing { upstream, redirect }));
        let before = config(|_| {});
        let more: Vec<_> = routed.lines().filter(|line| !before.contains(*line)).collect();
        insta::assert_snapshot!(more.join("\n"));
    }

    #[test]
    fn root_gives_its_workers_to_another_account_and_only_root_does() {
        let account = Account { user: "nobody".into(), group: "nogroup".into() };
        assert!(config(|server| server.account = Some(account)).contains("\nuser nobody nogroup;\n"));
        assert!(!config(|_| {}).contains("\nuser "));
    }

    #[test]
    fn connections_follow_the_limit_on_open_files() {
        assert!(config(|_| {}).contains("worker_connections 480;"));
        let plenty = config(|server| server.open_files = 1 << 40);
        assert!(plenty.contains("worker_rlimit_nofile 65600;"), "{plenty}");
        assert!(plenty.contains("worker_connections 32768;"), "{plenty}");
        assert!(config(|server| server.open_files = 10).contains("worker_connections 16;"));
    }

    #[test]
    fn a_lean_build_gets_no_directive_that_it_lacks() {
        let lean =
            Build::parse("configure arguments: --without-http_scgi_module --without-http_uwsgi_module");
        assert_eq!(
            lean,
            Build { stub_status: false, tls: false, debug: false, temp_paths: vec!["proxy", "fastcgi"] }
        );
        let text = lean_config(&lean);
        assert!(!text.contains("stub_status") && !text.contains("scgi") && text.contains("proxy_temp_path"));
    }

    #[test]
    fn the_access_log_is_off_unless_a_file_is_named() {
        assert_eq!(config(|_| {}).matches("access_log").count(), 1, "the one that is counted");
        let file = PathBuf::from("/var/log/origin.jsonl");
        let text = config(|server| server.access_log = Some(file));
        assert!(text.contains("access_log \"/var/log/origin.jsonl\" json;"), "{text}");
        assert!(text.contains("\"status\":$status") && text.contains("escape=json"), "{text}");
    }

    #[test]
    fn the_debug_log_has_what_this_nginx_can_tell() {
        assert!(config_of("debug", &Build::parse(DEBIAN)).contains("error_log debug.log info;"));
        let able = Build::parse("configure arguments: --with-debug");
        assert!(config_of("debug", &able).contains("error_log debug.log debug;"));
        assert!(!config(|_| {}).contains("debug"));
    }

    #[test]
    fn a_server_for_throughput_has_a_listener_for_each_worker() {
        let text = config_of("stress", &Build::parse(DEBIAN));
        for line in ["listen 127.0.0.1:1 backlog=4096 reuseport;", "sendfile on;"] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(!config(|_| {}).contains("reuseport"));
    }

    #[test]
    fn https_is_spoken_exactly_when_there_is_a_certificate() {
        let tls = Tls { certificate: "tls/certificate.pem".into(), key: "/etc/my key.pem".into() };
        let text = config(|server| server.tls = Some(tls));
        for line in [
            "listen 127.0.0.1:8080 ssl backlog=4096;",
            "ssl_certificate \"tls/certificate.pem\";",
            "ssl_certificate_key \"/etc/my key.pem\";",
            "ssl_protocols TLSv1.2 TLSv1.3;",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(!text.contains("http2"), "{text}");
        assert!(!config(|_| {}).contains("ssl"));
    }

    #[test]
    fn an_address_becomes_a_url_that_works_on_this_machine() {
        for (address, expected) in [
            ("127.0.0.1:8080", "127.0.0.1:8080/a"),
            ("0.0.0.0:80", "127.0.0.1:80/a"),
            ("[::1]:8080", "[::1]:8080/a"),
            ("[::]:8080", "[::1]:8080/a"),
            ("192.0.2.7:99", "192.0.2.7:99/a"),
        ] {
            let url = |tls| Url { tls, server: address.parse().unwrap(), path: "a" }.to_string();
            assert_eq!(
                (url(false), url(true)),
                (format!("http://{expected}"), format!("https://{expected}"))
            );
        }
        assert!(
            config(|server| server.address = "[::]:80".parse().unwrap())
                .contains("listen [::]:80 ipv6only=off")
        );
        assert!(
            config(|server| server.address = "[::1]:80".parse().unwrap()).contains("listen [::1]:80 backlog")
        );
    }
}
