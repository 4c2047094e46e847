//! The logs of requests: the one that is counted, and the one that was asked for. Never reads them.

use std::fmt::Write as _;

use super::Server;
use crate::request_log::RequestLog;
use crate::run_dir::RunDir;

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

/// Some 1500 requests of a worker, which are written at one go.
const LOG_BUFFER: &str = "64k";

impl Server<'_> {
    pub(super) fn write_logs(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "    log_format count '{}';", RequestLog::FORMAT)?;
        writeln!(out, "    access_log {} count buffer={LOG_BUFFER} flush=1s;", RunDir::REQUESTS)?;
        let Some(file) = &self.access_log else { return Ok(()) };
        let more = if self.profile.server.debug_log { &DEBUG_FIELDS[..] } else { &[] };
        let fields: Vec<String> =
            LOG_FIELDS.iter().chain(more).map(|(key, value)| format!("\"{key}\":{value}")).collect();
        writeln!(out, "    log_format json escape=json '{{{}}}';", fields.join(","))?;
        writeln!(out, "    access_log \"{}\" json;", file.display())
    }
}
