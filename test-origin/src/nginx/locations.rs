//! The locations of a server: which path is answered with what, and how long that may be kept. Knows of no listener.

use std::fmt::Write as _;

use super::{Port, Server};
use crate::faults::upstream;
use crate::profile::Profile;
use crate::run_dir::RunDir;

/// Folders and names without a dot: neither dotfiles nor files still being written (`.tmp`) match.
const PLAIN_PATH: &str = "^(/[A-Za-z0-9_-]+)+";
/// A cache may keep a live playlist, but must ask whether it is still the newest.
pub const PLAYLIST_CACHING: &str = "no-cache";
/// A segment never changes.
pub const SEGMENT_CACHING: &str = "public, max-age=31536000, immutable";

/// Without its own empty table the answer would have the type of the file that was asked for.
const PLAIN_TEXT: &str = "types {} default_type text/plain;";

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

impl Server<'_> {
    /// Playlists and segments.
    pub(super) fn write_stream(&self, out: &mut String, port: Port) -> std::fmt::Result {
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
    pub(super) fn write_beside(&self, out: &mut String) -> std::fmt::Result {
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
