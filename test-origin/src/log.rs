//! Where log lines go and how they look: stderr, always. Stdout is for answers.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::time::uptime;

use crate::cli::LogFormat;

/// From now on everything logged is written to stderr.
pub fn start(verbose: bool, format: LogFormat) {
    let level = if verbose { LevelFilter::DEBUG } else { LevelFilter::INFO };
    let builder = tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(level);
    match format {
        LogFormat::Json => builder.json().init(),
        LogFormat::Text => {
            builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).with_timer(uptime()).init();
        }
    }
}
