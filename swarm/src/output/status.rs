//! What a human sees while the run goes on: one live line on a terminal, a log line now and then elsewhere.

use std::io::{self, IsTerminal as _, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing_subscriber::fmt::MakeWriter;

use crate::go_duration;
use crate::output::summary::count;
use crate::stats::{News, Totals, WireSnapshot};

/// How often a log line tells the state where there is no terminal.
const LOG_PERIOD: Duration = Duration::from_secs(10);

/// Ticks come a little early or late; a line is due when its time is nearer than this.
const TICK_TOLERANCE: Duration = Duration::from_millis(500);

/// Lines of FFmpeg's last words that are shown with a new kind of failure.
const SAID_LINES: usize = 4;

/// The line on the terminal, or its absence. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Terminal {
    line: Option<ProgressBar>,
}

impl Terminal {
    /// A live line when stderr is a terminal.
    pub fn detect() -> Self {
        let line = io::stderr().is_terminal().then(|| {
            let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            line.with_style(
                ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar()),
            )
        });
        Self { line }
    }

    /// Whether stderr is a terminal.
    pub fn is_live(&self) -> bool {
        self.line.is_some()
    }

    /// Removes the line; what was printed above it stays.
    pub fn clear(&self) {
        if let Some(line) = &self.line {
            line.finish_and_clear();
        }
    }
}

/// Log lines go above the live line.
impl<'a> MakeWriter<'a> for Terminal {
    type Writer = TerminalWriter<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        TerminalWriter { terminal: self }
    }
}

/// Writes whole log lines.
#[derive(Debug)]
pub struct TerminalWriter<'a> {
    terminal: &'a Terminal,
}

impl Write for TerminalWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &self.terminal.line {
            Some(line) => line.suspend(|| io::stderr().write_all(bytes)),
            None => io::stderr().write_all(bytes),
        }?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Tells the run's state.
#[derive(Debug)]
pub struct Status {
    terminal: Terminal,
    last_logged: Instant,
    duration: Option<Duration>,
    warning: Option<String>,
}

impl Status {
    /// For a run of `duration`, if it has one.
    pub fn new(terminal: Terminal, duration: Option<Duration>) -> Self {
        Self { terminal, last_logged: Instant::now(), duration, warning: None }
    }

    /// Whether the next [`Self::show`] writes to the log.
    pub fn is_due(&self) -> bool {
        self.last_logged.elapsed() + TICK_TOLERANCE >= LOG_PERIOD
    }

    /// What stands behind the state until it is set anew.
    pub fn set_warning(&mut self, warning: Option<String>) {
        self.warning = warning;
    }

    /// Shows the state, and, when due, failures that went on.
    pub fn show(
        &mut self,
        wire: Option<&WireSnapshot>,
        totals: &Totals,
        target: u32,
        elapsed: Duration,
        repeated: &[(String, u64)],
    ) {
        let mut state = describe(totals, target, elapsed, self.duration);
        let playback = wire.map(|wire| &wire.playback);
        for (viewers, what) in
            playback.iter().flat_map(|p| [(p.stalled, "stalled"), (p.interrupted, "interrupted")])
        {
            if viewers > 0 {
                state += &format!(", {viewers} {what} now");
            }
        }
        if let Some(warning) = &self.warning {
            state += &format!(", {warning}");
        }
        if let Some(line) = &self.terminal.line {
            line.set_message(state.clone());
        }
        if !self.is_due() {
            return;
        }
        // In step with the period, however late this call is.
        while self.is_due() {
            self.last_logged += LOG_PERIOD;
        }
        if self.terminal.line.is_none() {
            tracing::info!("{state}");
        }
        for (reason, more) in repeated {
            tracing::warn!("{more} more: {reason}");
        }
    }

    /// A step of the run.
    pub fn say(&self, step: &str) {
        if let Some(line) = &self.terminal.line {
            line.set_message(step.to_owned());
        } else {
            tracing::info!("{step}");
        }
    }

    /// Something new that went wrong.
    pub fn tell(&self, news: &News) {
        if let News::NewFailure { reason, said } = news {
            tracing::warn!("a viewer's FFmpeg ended: {reason}");
            for line in said.iter().rev().take(SAID_LINES).rev().filter(|line| *line != reason) {
                tracing::warn!("  FFmpeg: {line}");
            }
        }
    }
}

fn describe(totals: &Totals, target: u32, elapsed: Duration, duration: Option<Duration>) -> String {
    let elapsed = go_duration::format(Duration::from_secs(elapsed.as_secs()));
    let of = duration.map(|duration| format!(" of {}", go_duration::format(duration))).unwrap_or_default();
    let Totals { active, restarted, completed_views, have_played, .. } = totals;
    let views =
        if *completed_views > 0 { format!(", {completed_views} views complete") } else { String::new() };
    let restarts = count(*restarted, "restart");
    format!(
        "{elapsed}{of}: {active} of {target} viewers active, {have_played} have played, {restarts}{views}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_one_sentence() {
        let totals = Totals { active: 9, have_played: 8, restarted: 1, ..Totals::default() };
        let second = Duration::from_millis(12_345);
        assert_eq!(
            describe(&totals, 10, second, Some(Duration::from_secs(90))),
            "12s of 1m30s: 9 of 10 viewers active, 8 have played, 1 restart"
        );
        let totals = Totals { completed_views: 3, ..totals };
        assert!(describe(&totals, 10, second, None).ends_with("1 restart, 3 views complete"));
    }
}
