//! The processes of the run, counted: fed by the viewers' reports only.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use supervise::Exit;

use super::{FailureKind, Failures};
use crate::ffmpeg::failure;
use crate::viewer::{Ended, Ending, Happening, Report, StartKind};

/// The run so far. Bounded: what it holds does not grow with time, nor (but for one bit each) with viewers.
#[derive(Debug)]
pub struct Stats {
    began: Instant,
    peak_target: u32,
    target_moved: bool,
    totals: Totals,
    exits: BTreeMap<Exit, u64>,
    failures: Failures,
    /// Viewer n is true when it ever received media.
    has_played: Vec<bool>,
    target_reached_after: Option<Duration>,
    /// Since when all run, if they do.
    all_run_since: Option<Duration>,
    /// Before that.
    all_ran_for: Duration,
    least_active: Option<u32>,
}

/// Plain counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Processes that run now.
    pub active: u32,
    /// Most that ran at the same time.
    pub peak_active: u32,
    /// Viewers whose first process was started.
    pub started: u64,
    /// Processes after a viewer's first, complete views not counted.
    pub restarted: u64,
    /// VODs played to their end.
    pub completed_views: u64,
    /// Processes that ended because the short look we let them take did not tell what is in the stream.
    pub short_looks: u64,
    /// Processes that ended because we stopped them.
    pub stopped: u64,
    /// Viewers that ever received media.
    pub have_played: u32,
}

impl Totals {
    /// Of `wanted` viewers, those that have no FFmpeg now: they wait until they may start one again.
    pub fn backing_off(&self, wanted: u32) -> u32 {
        wanted.saturating_sub(self.active)
    }
}

/// The run at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Since the run began, which is its first start.
    pub elapsed: Duration,
    /// How many viewers shall run.
    pub target: u32,
    /// The highest that this ever was.
    pub peak_target: u32,
    /// It was not the same all the time.
    pub target_moved: bool,
    /// Counts.
    pub totals: Totals,
    /// When all viewers ran at the same time, for the first time.
    pub target_reached_after: Option<Duration>,
    /// For how long all ran at the same time.
    pub all_ran_for: Duration,
    /// Fewest that ran at the same time since all had.
    pub least_active: Option<u32>,
    /// How processes ended that nobody stopped.
    pub exits: BTreeMap<Exit, u64>,
    /// Why, most frequent first.
    pub failures: Vec<FailureKind>,
    /// Failures beyond the kinds that are kept apart.
    pub other_failures: u64,
}

/// What a report adds that a human should hear at once.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// Nothing.
    None,
    /// A kind of failure that had not been seen before.
    NewFailure {
        /// Of which viewer.
        viewer: u32,
        /// Its reason.
        reason: String,
        /// FFmpeg's last words.
        said: Vec<String>,
    },
}

impl Stats {
    /// For a run of `clients` viewers that begins now.
    pub fn new(clients: u32, now: Instant) -> Self {
        Self {
            began: now,
            peak_target: clients,
            target_moved: false,
            totals: Totals::default(),
            exits: BTreeMap::new(),
            failures: Failures::default(),
            has_played: vec![false; clients as usize],
            target_reached_after: None,
            all_run_since: None,
            all_ran_for: Duration::ZERO,
            least_active: None,
        }
    }

    /// Takes in one report.
    pub fn record(&mut self, report: &Report, target: u32, now: Instant) -> News {
        let after = now.saturating_duration_since(self.began);
        match &report.what {
            Happening::Started(kind) => {
                self.record_start(*kind, target, after);
                News::None
            }
            Happening::Playing => {
                self.saw_media(report.viewer);
                News::None
            }
            Happening::NotStarted { reason } => {
                let reason = format!("FFmpeg could not be started: {reason}");
                self.failures.record(&reason, report.viewer, after, &[])
            }
            Happening::Lost { reason, ran } => {
                if *ran {
                    self.record_end(target, after);
                }
                self.failures.record(reason, report.viewer, after, &[])
            }
            Happening::Ended(ended) => {
                self.record_end(target, after);
                match &ended.ending {
                    Ending::Stopped => {
                        self.totals.stopped += 1;
                        return self.record_stopped(ended, report.viewer, after);
                    }
                    Ending::LookedTooShort => {
                        self.totals.short_looks += 1;
                        return News::None;
                    }
                    Ending::Completed => self.totals.completed_views += 1,
                    Ending::Failed { .. } => {}
                }
                *self.exits.entry(ended.exit).or_default() += 1;
                match &ended.ending {
                    Ending::Failed { reason } => {
                        self.failures.record(reason, report.viewer, after, &ended.said)
                    }
                    _ => News::None,
                }
            }
        }
    }

    /// Another number of viewers shall run from now on. When all ran first stays; the fewest that did are those since
    /// all of the new number ran.
    pub fn aim_at(&mut self, target: u32, now: Instant) {
        let after = now.saturating_duration_since(self.began);
        self.peak_target = self.peak_target.max(target);
        self.target_moved = true;
        let all_run = target > 0 && self.totals.active >= target;
        if !all_run {
            self.close_all_run(after);
        } else if self.all_run_since.is_none() {
            self.all_run_since = Some(after);
        }
        self.least_active = all_run.then_some(target);
    }

    fn close_all_run(&mut self, after: Duration) {
        if let Some(since) = self.all_run_since.take() {
            self.all_ran_for += after.saturating_sub(since);
        }
    }

    /// This viewer received media.
    pub fn saw_media(&mut self, viewer: u32) {
        let viewer = viewer as usize;
        if viewer >= self.has_played.len() {
            self.has_played.resize(viewer + 1, false);
        }
        if !std::mem::replace(&mut self.has_played[viewer], true) {
            self.totals.have_played += 1;
        }
    }

    fn record_end(&mut self, target: u32, after: Duration) {
        self.totals.active = self.totals.active.saturating_sub(1);
        if self.totals.active < target {
            self.close_all_run(after);
        }
        self.least_active = self.least_active.map(|least| least.min(self.totals.active));
    }

    /// A process that was stopped did not fail; but when it never played, what it said is why.
    fn record_stopped(&mut self, ended: &Ended, viewer: u32, after: Duration) -> News {
        let has_media = self.has_played.get(viewer as usize).is_some_and(|has_played| *has_played);
        // That it was told to stop is no reason.
        let said: Vec<_> = ended.said.iter().filter(|line| !failure::is_stop(line)).cloned().collect();
        match failure::telling_line(&said) {
            Some(reason) if !has_media && ended.media.is_zero() => {
                self.failures.record(&reason, viewer, after, &said)
            }
            _ => News::None,
        }
    }

    fn record_start(&mut self, kind: StartKind, target: u32, after: Duration) {
        let totals = &mut self.totals;
        match kind {
            StartKind::First => totals.started += 1,
            StartKind::Restart => totals.restarted += 1,
            StartKind::NextView | StartKind::LongerLook => {}
        }
        totals.active += 1;
        totals.peak_active = totals.peak_active.max(totals.active);
        if target > 0 && totals.active >= target {
            self.target_reached_after.get_or_insert(after);
            self.all_run_since.get_or_insert(after);
            self.least_active.get_or_insert(totals.active);
        }
    }

    /// Kinds of failures so far, most frequent first, and failures beyond those that are kept apart.
    pub fn failures(&self) -> (Vec<FailureKind>, u64) {
        (self.failures.by_count(), self.failures.others())
    }

    /// Counts only, without a copy of anything that is large.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// How often each kind of failure was seen that was told before, since this was last asked.
    pub fn repeated_failures(&mut self) -> Vec<(String, u64)> {
        self.failures.take_repeated()
    }

    /// The run at this moment.
    pub fn snapshot(&self, target: u32, now: Instant) -> Snapshot {
        Snapshot {
            elapsed: now.saturating_duration_since(self.began),
            target,
            peak_target: self.peak_target,
            target_moved: self.target_moved,
            totals: self.totals,
            target_reached_after: self.target_reached_after,
            all_ran_for: self.all_ran_for
                + self.all_run_since.map_or(Duration::ZERO, |since| {
                    now.saturating_duration_since(self.began).saturating_sub(since)
                }),
            least_active: self.least_active,
            exits: self.exits.clone(),
            failures: self.failures.by_count(),
            other_failures: self.failures.others(),
        }
    }
}

#[cfg(test)]
mod tests;
