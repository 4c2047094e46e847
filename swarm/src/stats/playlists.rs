//! Health of each media playlist, from the views of all viewers together. Pure.
//!
//! A playlist's age is how long it is known to have gained no segment. Nobody sees the moment at which one appears, so
//! only evidence counts: a view that shows nothing new proves it up to the time at which that view was asked for. Age
//! measured by the clock alone would call a healthy playlist stale whenever a lone viewer asks just before a segment
//! appears. Where a viewer needs more and no answer comes, the clock counts, less one target duration: the longest
//! pause between two requests (RFC 8216bis 6.3.4).

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::observation::{PlaylistId, PlaylistView};

/// Playlists that are kept: all of 25 addresses with ten variants each. Ids beyond are counted only; an origin that
/// hands each viewer addresses of its own makes as many playlists as viewers, and the first tell the story.
/// With some 150 bytes each these are 40 KB.
pub const MOST_PLAYLISTS: u32 = 256;

/// A live playlist gains a segment at most so many target durations after the last (RFC 8216bis 6.2.1).
pub const STALE_AFTER_TARGETS: f64 = 1.5;

/// `ExoPlayer` gives a playlist up after so many target durations without a change.
pub const STUCK_AFTER_TARGETS: f64 = 3.5;

/// EXT-X-TARGETDURATION is in whole seconds; where it is missing or zero this is the least that it can mean.
const SHORTEST_TARGET: Duration = Duration::from_secs(1);

/// No target duration is longer, whatever a playlist says: sums stay far from their type's end.
const LONGEST_TARGET: Duration = Duration::from_secs(86_400);

/// All media playlists of the run.
#[derive(Clone, Debug, Default)]
pub struct Playlists {
    /// By id.
    entries: Vec<Option<Entry>>,
    beyond: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    target: Duration,
    first: u64,
    next: u64,
    ended: bool,
    /// When the newest segment appeared, as far as is known.
    changed: Instant,
    /// Nothing newer had appeared up to here.
    known_until: Instant,
    freshness: Freshness,
    max_age: Duration,
    times_stale: u64,
    times_stuck: u64,
    times_backwards: u64,
}

/// How a playlist keeps up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Freshness {
    /// It has ended: it needs no more segments.
    Ended,
    /// Segments come in time.
    Fresh,
    /// Older than [`STALE_AFTER_TARGETS`].
    Stale,
    /// Older than [`STUCK_AFTER_TARGETS`].
    Stuck,
}

/// One playlist at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PlaylistHealth {
    /// Its number.
    pub playlist: u32,
    /// How it keeps up.
    pub freshness: Freshness,
    /// EXT-X-TARGETDURATION.
    pub target_duration_s: f64,
    /// How long it is known to have gained no segment.
    pub age_s: f64,
    /// Age from which it is stale.
    pub stale_after_s: f64,
    /// Age from which it is stuck.
    pub stuck_after_s: f64,
    /// Highest age so far.
    pub max_age_s: f64,
    /// How many times it went stale.
    pub times_stale: u64,
    /// How many times it got stuck; each is also a time that it went stale.
    pub times_stuck: u64,
    /// How many times a viewer was given an older list than it had seen.
    pub times_backwards: u64,
}

impl Playlists {
    /// Takes in a view that was asked for and answered at these times. `backwards` says that the same viewer had seen
    /// a newer one before: another viewer's cache may well be behind.
    pub fn observe(&mut self, view: &PlaylistView, asked: Instant, answered: Instant, backwards: bool) {
        let PlaylistId(id) = view.playlist;
        if id >= MOST_PLAYLISTS {
            self.beyond = self.beyond.max(id - MOST_PLAYLISTS + 1);
            return;
        }
        let index = id as usize;
        if index >= self.entries.len() {
            self.entries.resize(index + 1, None);
        }
        let entry = self.entries[index].get_or_insert_with(|| Entry::new(answered));
        entry.times_backwards += u64::from(backwards);
        entry.take(view, asked, answered, backwards);
    }

    /// At this moment a viewer has asked for all that it lists, and needs more.
    pub fn watched(&mut self, id: PlaylistId, now: Instant) {
        if let Some(Some(entry)) = self.entries.get_mut(id.0 as usize) {
            entry.know(now.checked_sub(entry.target).unwrap_or(now));
        }
    }

    /// Every playlist, by number.
    pub fn health(&self) -> Vec<PlaylistHealth> {
        self.known().map(|(id, entry)| entry.health(id)).collect()
    }

    /// Of the live ones that which is oldest, measured in its target durations.
    pub fn worst(&self) -> Option<PlaylistHealth> {
        let relative_age = |entry: &Entry| entry.age().div_duration_f64(entry.target);
        let live = self.known().filter(|(_, entry)| !entry.ended);
        let worst = live.max_by(|(_, a), (_, b)| relative_age(a).total_cmp(&relative_age(b)));
        worst.map(|(id, entry)| entry.health(id))
    }

    /// Playlists that were seen and are not kept.
    pub fn beyond(&self) -> u32 {
        self.beyond
    }

    fn known(&self) -> impl Iterator<Item = (u32, &Entry)> {
        (0..).zip(&self.entries).filter_map(|(id, entry)| Some((id, entry.as_ref()?)))
    }
}

impl Entry {
    /// Of which nothing is known: every view is newer.
    fn new(now: Instant) -> Self {
        Self {
            target: SHORTEST_TARGET,
            first: 0,
            next: 0,
            ended: false,
            changed: now,
            known_until: now,
            freshness: Freshness::Fresh,
            max_age: Duration::ZERO,
            times_stale: 0,
            times_stuck: 0,
            times_backwards: 0,
        }
    }

    fn take(&mut self, view: &PlaylistView, asked: Instant, answered: Instant, backwards: bool) {
        let next = view.first_sequence.saturating_add(view.segments);
        let generated = answered.checked_sub(view.age).unwrap_or(answered);
        if next > self.next || self.began_anew(next, asked, backwards) {
            self.target = view.target_duration.clamp(SHORTEST_TARGET, LONGEST_TARGET);
            (self.first, self.next, self.ended) = (view.first_sequence, next, view.ended);
            self.changed = generated;
            self.freshness = Freshness::Fresh;
            self.know(answered);
        } else if next == self.next {
            self.ended |= view.ended;
            // Another cache has had it for longer than the one that showed it first.
            self.changed = self.changed.min(generated);
            self.know(asked);
        }
    }

    /// An encoder that was restarted counts from the beginning: its list lies wholly before the newest one. The same
    /// viewer sees it happen; viewers that were started since only see that nobody gets the newest list any more.
    fn began_anew(&self, next: u64, asked: Instant, backwards: bool) -> bool {
        let unseen = asked.saturating_duration_since(self.known_until);
        next <= self.first && next < self.next && (backwards || unseen > self.stuck_after())
    }

    /// Nothing newer had appeared up to `until`.
    fn know(&mut self, until: Instant) {
        if self.ended {
            self.freshness = Freshness::Ended;
            return;
        }
        self.known_until = self.known_until.max(until);
        let age = self.age();
        self.max_age = self.max_age.max(age);
        if self.freshness < Freshness::Stale && age > self.stale_after() {
            self.freshness = Freshness::Stale;
            self.times_stale += 1;
        }
        if self.freshness < Freshness::Stuck && age > self.stuck_after() {
            self.freshness = Freshness::Stuck;
            self.times_stuck += 1;
        }
    }

    fn age(&self) -> Duration {
        self.known_until.saturating_duration_since(self.changed)
    }

    fn stale_after(&self) -> Duration {
        self.target.mul_f64(STALE_AFTER_TARGETS)
    }

    fn stuck_after(&self) -> Duration {
        self.target.mul_f64(STUCK_AFTER_TARGETS)
    }

    fn health(&self, playlist: u32) -> PlaylistHealth {
        PlaylistHealth {
            playlist,
            freshness: self.freshness,
            target_duration_s: self.target.as_secs_f64(),
            age_s: if self.ended { 0.0 } else { self.age().as_secs_f64() },
            stale_after_s: self.stale_after().as_secs_f64(),
            stuck_after_s: self.stuck_after().as_secs_f64(),
            max_age_s: self.max_age.as_secs_f64(),
            times_stale: self.times_stale,
            times_stuck: self.times_stuck,
            times_backwards: self.times_backwards,
        }
    }
}

#[cfg(test)]
mod tests;
