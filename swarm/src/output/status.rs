//! What a human sees while the run goes on: a dashboard or one live line on a terminal, a log line now and then elsewhere.

use std::time::{Duration, Instant};

use crate::go_duration;
use crate::output::generator_summary;
use crate::output::moment::{Bracket, Moment};
use crate::output::terminal::Terminal;
use crate::output::tui::Dashboard;
use crate::plural::{count, of_viewers, viewers};
use crate::stats::{News, Totals};

/// How often a log line tells the state where there is no terminal.
const LOG_PERIOD: Duration = Duration::from_secs(10);

/// Ticks come a little early or late; a line is due when its time is nearer than this.
const TICK_TOLERANCE: Duration = Duration::from_millis(500);

/// Lines of FFmpeg's last words that are shown with a new kind of failure.
const SAID_LINES: usize = 4;

/// Tells the run's state.
#[derive(Debug)]
pub struct Status {
    terminal: Terminal,
    dashboard: Option<Dashboard>,
    last_logged: Instant,
    duration: Option<Duration>,
}

impl Status {
    /// For a run of `duration`, if it has one.
    pub fn new(terminal: Terminal, dashboard: Option<Dashboard>, duration: Option<Duration>) -> Self {
        Self { terminal, dashboard, last_logged: Instant::now(), duration }
    }

    /// Whether the next [`Self::show`] writes to the log.
    pub fn is_due(&self) -> bool {
        self.last_logged.elapsed() + TICK_TOLERANCE >= LOG_PERIOD
    }

    /// Whether kinds of failures are shown.
    pub fn wants_failures(&self) -> bool {
        self.dashboard.is_some()
    }

    /// Whether each viewer is shown.
    pub fn wants_viewers(&self) -> bool {
        self.dashboard.as_ref().is_some_and(Dashboard::wants_viewers)
    }

    /// Shows the state, and, when due, failures that went on.
    pub fn show(&mut self, moment: Moment, repeated: &[(String, u64)]) {
        let state = sentence(&moment, self.duration);
        if let Some(line) = self.terminal.line() {
            line.set_message(state.clone());
        }
        if let Some(dashboard) = &self.dashboard {
            dashboard.show(moment);
        }
        if !self.is_due() {
            return;
        }
        // In step with the period, however late this call is.
        while self.is_due() {
            self.last_logged += LOG_PERIOD;
        }
        if self.terminal.line().is_none() && !self.terminal.is_log_hidden() {
            tracing::info!("{state}");
        }
        for (reason, more) in repeated {
            tracing::warn!("{more} more: {reason}");
        }
    }

    /// The viewers are being stopped.
    pub fn stopping(&self) {
        const STEP: &str = "stopping the viewers";
        if let Some(line) = self.terminal.line() {
            line.set_message(STEP);
        } else if !self.terminal.is_log_hidden() {
            tracing::info!("{STEP}");
        }
        if let Some(dashboard) = &self.dashboard {
            dashboard.stopping();
        }
    }

    /// Something new that went wrong.
    pub fn tell(&self, news: &News) {
        if let News::NewFailure { viewer, reason, said } = news {
            tracing::warn!(viewer, "a viewer's FFmpeg ended: {reason}");
            for line in said.iter().rev().take(SAID_LINES).rev().filter(|line| *line != reason) {
                tracing::warn!(viewer, "  FFmpeg: {line}");
            }
        }
    }
}

fn sentence(moment: &Moment, duration: Option<Duration>) -> String {
    let mut state = describe(&moment.totals, moment.target, moment.elapsed, duration);
    state += &moment.search.map(level).unwrap_or_default();
    let playback = moment.wire.as_ref().map(|wire| &wire.playback);
    for (viewers, what) in
        playback.iter().flat_map(|p| [(p.stalled, "stalled"), (p.interrupted, "interrupted")])
    {
        if viewers > 0 {
            state += &format!(", {viewers} {what} now");
        }
    }
    if let Some(warning) = moment.generator.as_ref().and_then(generator_summary::warning) {
        state += &format!(", {warning}");
    }
    state
}

/// How far the search for the limit is: `, level of 24 viewers after 16 held and 32 did not`.
fn level(search: Bracket) -> String {
    let Bracket { trying, held, failed } = search;
    let known: Vec<_> =
        [(held > 0).then(|| format!("{held} held")), failed.map(|failed| format!("{failed} did not"))]
            .into_iter()
            .flatten()
            .collect();
    let after = if known.is_empty() { String::new() } else { format!(" after {}", known.join(" and ")) };
    if trying == 0 {
        ", search over".to_owned() + &after
    } else {
        format!(", level of {}{after}", viewers(trying))
    }
}

fn describe(totals: &Totals, target: u32, elapsed: Duration, duration: Option<Duration>) -> String {
    let elapsed = go_duration::format(Duration::from_secs(elapsed.as_secs()));
    let of = duration.map(|duration| format!(" of {}", go_duration::format(duration))).unwrap_or_default();
    let Totals { active, restarted, completed_views, have_played, .. } = totals;
    let views = if *completed_views > 0 {
        format!(", {} complete", count(*completed_views, "view"))
    } else {
        String::new()
    };
    let restarts = count(*restarted, "restart");
    // Those that a stage has sent away take a moment to go.
    let active = if *active > target {
        format!("{} active, {target} wanted", viewers(*active))
    } else {
        format!("{} active", of_viewers(*active, target))
    };
    format!("{elapsed}{of}: {active}, {have_played} played, {restarts}{views}")
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
            "12s of 1m30s: 9 of 10 viewers active, 8 played, 1 restart"
        );
        let totals = Totals { completed_views: 3, ..totals };
        assert!(describe(&totals, 10, second, None).ends_with("1 restart, 3 views complete"));
        assert!(describe(&totals, 1, second, None).starts_with("12s: 9 viewers active, 1 wanted"));
        assert!(
            describe(&Totals { active: 0, ..totals }, 1, second, None)
                .starts_with("12s: 0 of 1 viewer active")
        );
    }

    #[test]
    fn the_level_of_a_search_is_told_with_what_is_known() {
        let told = |trying, held, failed| {
            let search = Some(Bracket { trying, held, failed });
            let sentence = sentence(&Moment { search, ..Moment::default() }, None);
            sentence.split_once("0 restarts").unwrap().1.to_owned()
        };
        assert_eq!(told(1, 0, None), ", level of 1 viewer");
        assert_eq!(told(8, 4, None), ", level of 8 viewers after 4 held");
        assert_eq!(told(2, 0, Some(4)), ", level of 2 viewers after 4 did not");
        assert_eq!(told(6, 4, Some(8)), ", level of 6 viewers after 4 held and 8 did not");
    }
}
