//! The command line of one viewer: a pure function of what it plays and what this FFmpeg can do.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use supervise::CommandLine;
use url::Url;

use super::{Analysis, Capabilities};
use crate::plan::{Pace, Request};
use crate::proxy::mapping::to_ffmpeg;
use crate::proxy::ticket;

/// Reloads without a new segment after which FFmpeg calls a live stream ended. Two reloads fill one target duration,
/// and FFmpeg tries again for what is left in each stream, about five times for one variant with audio and video: a
/// frozen stream ends a view after about 15 target durations (measured, docs/SUPERVISION.md). That is far beyond the
/// 3.5 at which a player calls it stuck, and soon enough to show in a short run. FFmpeg's own default, 100, takes
/// minutes.
const MAX_RELOAD: u32 = 6;

/// Media that a player holds before it starts, and that FFmpeg fetches at once on a live start, in target durations.
const START_BUFFER_SEGMENTS: f64 = 3.0;

/// What one viewer plays, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct View<'a> {
    /// The playlist.
    pub url: &'a Url,
    /// FFmpeg's program number, which is the variant's place in the master playlist; `None` plays everything.
    pub program: Option<usize>,
    /// Of the playlist, in seconds; sizes the start buffer.
    pub target_duration_s: f64,
    /// Headers of every request.
    pub request: &'a Request,
    /// How fast it reads.
    pub pace: Pace,
    /// How long it waits for a connection, or on a silent one.
    pub timeout: Duration,
    /// How far it looks at the stream before it plays.
    pub analysis: Analysis,
    /// Further options before the input; they win over those that stand before them.
    pub options: &'a [String],
    /// How it reaches the origin.
    pub route: Route<'a>,
}

/// How an FFmpeg reaches the origin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Route<'a> {
    /// By itself.
    Direct {
        /// Whether certificates are checked. FFmpeg takes this to the first URL only, never to segments.
        verify_tls: bool,
    },
    /// Through the measuring proxy.
    Wire {
        /// Where it listens.
        proxy: SocketAddr,
        /// Who this is, for the private header.
        stamp: &'a str,
    },
}

impl Route<'_> {
    /// How often FFmpeg reports its progress. By itself it is the only one who knows that media arrives; behind the wire
    /// that is known anyhow, and each report costs both sides CPU.
    fn progress_period_s(self) -> &'static str {
        match self {
            Self::Direct { .. } => "2",
            Self::Wire { .. } => "5",
        }
    }
}

/// The wire gives up first, so that it can say why; FFmpeg's own limit is only for a wire that is gone.
const TIMEOUT_BEHIND_THE_WIRE: Duration = Duration::from_secs(5);

/// The FFmpeg that plays `view`, reports progress on stdout and trouble on stderr, and writes nothing.
pub fn command(ffmpeg: &Capabilities, view: &View<'_>) -> CommandLine {
    let mut command = CommandLine::new(&ffmpeg.program)
        // `level` marks each line with its severity, which tells the reason of a death from the noise around it.
        .args(["-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+warning"])
        .args(["-progress", "pipe:1", "-stats_period", view.route.progress_period_s()])
        .args(["-user_agent", &header_text(&view.request.user_agent)])
        .args(["-max_reload", &MAX_RELOAD.to_string()])
        .args(view.analysis.options())
        // Origins name segments as they like (.jpg, no extension at all); a load tester must not be choosy.
        .args(["-allowed_extensions", "ALL"]);
    if ffmpeg.allowed_segment_extensions {
        command = command.args(["-allowed_segment_extensions", "ALL"]);
    }
    if ffmpeg.extension_picky {
        command = command.args(["-extension_picky", "0"]);
    }
    let mut headers = header_lines(view.request);
    let mut url = view.url.clone();
    let mut timeout = view.timeout;
    match view.route {
        Route::Direct { verify_tls } if url.scheme() == "https" => {
            command = command.args(["-tls_verify", if verify_tls { "1" } else { "0" }]);
        }
        Route::Direct { .. } => {}
        Route::Wire { proxy, stamp } => {
            url = to_ffmpeg(&url);
            timeout += TIMEOUT_BEHIND_THE_WIRE;
            // Writing to a string cannot fail.
            write!(headers, "{}: {stamp}\r\n", ticket::HEADER).unwrap_or_default();
            // FFmpeg would go around the proxy to hosts that this variable names.
            command = command.args(["-http_proxy", &format!("http://{proxy}")]).without_env("no_proxy");
        }
    }
    command = command.args(["-rw_timeout", &timeout.as_micros().to_string()]);
    if !headers.is_empty() {
        command = command.args(["-headers", &headers]);
    }
    if view.pace == Pace::Realtime && ffmpeg.readrate {
        command = command.args(["-readrate", "1"]);
        if ffmpeg.readrate_initial_burst {
            let burst_s = (START_BUFFER_SEGMENTS * view.target_duration_s).to_string();
            command = command.args(["-readrate_initial_burst", &burst_s]);
        }
    }
    command = command.args(view.options);
    let map = view.program.map_or_else(|| "0".to_owned(), |program| format!("0:p:{program}"));
    command
        .args(["-i", url.as_str(), "-map", &map, "-ignore_unknown", "-c", "copy"])
        .args(["-f", "null", "-"])
}

fn header_lines(request: &Request) -> String {
    let mut lines = String::new();
    for (name, value) in &request.headers {
        // Writing to a string cannot fail.
        write!(lines, "{name}: {}\r\n", header_text(value)).unwrap_or_default();
    }
    lines
}

/// Header values are checked to be visible ASCII when the plan is made.
fn header_text(value: &hyper::header::HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use hyper::header::{COOKIE, HeaderValue};

    use super::*;

    fn ffmpeg_5() -> Capabilities {
        Capabilities {
            program: "/usr/bin/ffmpeg".into(),
            version: "5.1.9".to_owned(),
            protocols: vec!["http".to_owned(), "https".to_owned()],
            extension_picky: true,
            allowed_segment_extensions: true,
            readrate: true,
            readrate_initial_burst: false,
        }
    }

    fn line(ffmpeg: &Capabilities, change: impl FnOnce(&mut View<'_>)) -> String {
        let url = Url::parse("https://origin.test/live.m3u8?a=1&b=2").unwrap();
        let request = Request::new(vec![(COOKIE, HeaderValue::from_static("session=1"))], true);
        let mut view = View {
            url: &url,
            program: None,
            target_duration_s: 2.0,
            request: &request,
            pace: Pace::Full,
            timeout: Duration::from_secs(15),
            analysis: Analysis::Short,
            options: &[],
            route: Route::Direct { verify_tls: true },
        };
        change(&mut view);
        command(ffmpeg, &view).to_string()
    }

    #[test]
    fn the_whole_command_is_as_documented() {
        // Carriage returns would not survive in a file.
        insta::assert_snapshot!(line(&ffmpeg_5(), |_| {}).replace("\r\n", "⏎").replace(" -", "\n-"));
    }

    #[test]
    fn a_full_analysis_is_ffmpegs_own_and_further_options_come_last() {
        // For the whole program, as the options of a real run are.
        let options: &'static [String] = Vec::leak(vec!["-probesize".to_owned(), "50000".to_owned()]);
        let text = line(&ffmpeg_5(), |view| view.options = options);
        assert!(text.contains(" -probesize 2000000 ") && text.contains(" -probesize 50000 -i "), "{text}");
        let text = line(&ffmpeg_5(), |view| view.analysis = Analysis::Full);
        assert!(!text.contains("probesize") && !text.contains("analyzeduration"), "{text}");
    }

    #[test]
    fn a_chosen_variant_is_its_program() {
        assert!(line(&ffmpeg_5(), |view| view.program = Some(2)).contains(" -map 0:p:2 "));
    }

    #[test]
    fn options_that_this_ffmpeg_lacks_are_left_out() {
        let old = Capabilities {
            extension_picky: false,
            allowed_segment_extensions: false,
            readrate_initial_burst: false,
            ..ffmpeg_5()
        };
        let text = line(&old, |view| view.pace = Pace::Realtime);
        assert!(
            !text.contains("picky") && !text.contains("segment_ext") && !text.contains("burst"),
            "{text}"
        );
        assert!(text.contains(" -readrate 1 "));
        let new = Capabilities { readrate_initial_burst: true, ..ffmpeg_5() };
        let text = line(&new, |view| view.pace = Pace::Realtime);
        assert!(text.contains(" -readrate 1 -readrate_initial_burst 6 "), "{text}");
    }

    #[test]
    fn on_the_wire_everything_goes_through_the_proxy_as_plain_http() {
        let proxy = "127.0.0.1:4711".parse().unwrap();
        let text = line(&ffmpeg_5(), |view| view.route = Route::Wire { proxy, stamp: "secret-7-0" });
        assert!(text.starts_with("env -u no_proxy /usr/bin/ffmpeg "), "{text}");
        assert!(text.contains(" -http_proxy http://127.0.0.1:4711 "), "{text}");
        assert!(text.contains("x-swarm-viewer: secret-7-0\r\n"), "{text}");
        assert!(text.contains(" -rw_timeout 20000000 "), "{text}");
        assert!(text.contains(" -stats_period 5 "), "{text}");
        assert!(text.contains(" -i 'http://origin.test.") && !text.contains("tls_verify"), "{text}");
    }

    #[test]
    fn certificates_are_checked_unless_told_otherwise() {
        assert!(line(&ffmpeg_5(), |_| {}).contains("-tls_verify 1"));
        assert!(
            line(&ffmpeg_5(), |view| view.route = Route::Direct { verify_tls: false })
                .contains("-tls_verify 0")
        );
        let http = Url::parse("http://origin.test/live.m3u8").unwrap();
        let request = Request::new(Vec::new(), false);
        let view = View {
            url: &http,
            program: None,
            target_duration_s: 2.0,
            request: &request,
            pace: Pace::Full,
            timeout: Duration::from_secs(15),
            analysis: Analysis::Full,
            options: &[],
            route: Route::Direct { verify_tls: false },
        };
        assert!(!command(&ffmpeg_5(), &view).to_string().contains("tls_verify"));
    }
}
