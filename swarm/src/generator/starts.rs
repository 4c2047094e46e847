//! How long FFmpegs take from their start to their first request. No origin is in that: only this machine.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Told of starts by the dispatcher, and of requests by the wire; either may come first.
#[derive(Debug, Default)]
pub struct Starts {
    state: Mutex<State>,
}

/// Bounded by the viewers: each has one entry.
#[derive(Debug, Default)]
struct State {
    viewers: HashMap<u32, Start>,
    slowest: Option<Duration>,
}

/// A viewer's latest process.
#[derive(Debug)]
struct Start {
    session: u32,
    started: Option<Instant>,
    asked: Option<Instant>,
}

impl Starts {
    /// A viewer's process was started at this moment.
    pub fn started(&self, viewer: u32, session: u32, at: Instant) {
        self.state().note(viewer, session, |start| start.started = Some(at));
    }

    /// A viewer's process sent a request; only its first counts.
    pub fn asked(&self, viewer: u32, session: u32, at: Instant) {
        self.state().note(viewer, session, |start| {
            start.asked.get_or_insert(at);
        });
    }

    /// A viewer's process is gone: if it never asked, it never will.
    pub fn ended(&self, viewer: u32) {
        self.state().viewers.remove(&viewer);
    }

    /// The slowest since this was last asked; one that has not sent a request yet counts with its age.
    pub(super) fn take(&self, now: Instant) -> Option<Duration> {
        let mut state = self.state();
        let slowest = state.slowest.take();
        let waiting = state.viewers.values().filter(|start| start.asked.is_none());
        let oldest = waiting.filter_map(|start| start.started).min();
        let age = oldest.map(|started| now.saturating_duration_since(started));
        [slowest, age].into_iter().flatten().max()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, viewer: u32, session: u32, change: impl FnOnce(&mut Start)) {
        let new = || Start { session, started: None, asked: None };
        let start = self.viewers.entry(viewer).or_insert_with(new);
        if start.session != session {
            *start = new();
        }
        let was_complete = start.time().is_some();
        change(start);
        if !was_complete && let Some(time) = start.time() {
            self.slowest = self.slowest.max(Some(time));
        }
    }
}

impl Start {
    fn time(&self) -> Option<Duration> {
        Some(self.asked?.saturating_duration_since(self.started?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn only_the_first_request_of_a_process_counts_whoever_tells_first() {
        let (starts, now) = (Starts::default(), Instant::now());
        starts.started(0, 0, now);
        starts.asked(0, 0, now + 120 * MS);
        starts.asked(0, 0, now + 900 * MS);
        starts.asked(1, 4, now + 150 * MS);
        starts.started(1, 4, now);
        assert_eq!(starts.take(now + 1000 * MS), Some(150 * MS));
        assert_eq!(starts.take(now + 2000 * MS), None, "told once");
    }

    #[test]
    fn a_process_that_has_not_asked_yet_counts_with_its_age_until_it_is_gone() {
        let (starts, now) = (Starts::default(), Instant::now());
        starts.started(0, 0, now);
        assert_eq!(starts.take(now + 3000 * MS), Some(3000 * MS));
        starts.started(0, 1, now + 4000 * MS);
        assert_eq!(starts.take(now + 5000 * MS), Some(1000 * MS), "a new process begins anew");
        starts.ended(0);
        assert_eq!(starts.take(now + 9000 * MS), None);
    }
}
