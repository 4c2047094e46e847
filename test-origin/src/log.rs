//! Where log lines go and how they look: stderr, always. Stdout is for answers.

use std::fmt;
use std::io::IsTerminal as _;
use std::time::Instant;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use crate::cli::LogFormat;

/// From now on everything logged is written to stderr.
pub fn start(verbose: bool, format: LogFormat) {
    let level = if verbose { LevelFilter::DEBUG } else { LevelFilter::INFO };
    let builder = tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(level);
    // A log that cannot be written is told to stderr by a panic, and shall not end a stream.
    let builder = builder.log_internal_errors(false);
    match format {
        LogFormat::Json => builder.json().init(),
        LogFormat::Text => {
            let since_start = SinceStart(Instant::now());
            builder
                .with_ansi(std::io::stderr().is_terminal())
                .with_target(false)
                .with_timer(since_start)
                .init();
        }
    }
}

/// `   4.115s`: seconds since the start, to the millisecond.
struct SinceStart(Instant);

impl FormatTime for SinceStart {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        write!(w, "{:8.3}s", self.0.elapsed().as_secs_f64())
    }
}
