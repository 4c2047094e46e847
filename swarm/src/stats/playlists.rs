//! Health of each media playlist, from the views of all viewers together. Pure.
//!
//! A playlist's age is how long it is known to have gained no segment. Nobody sees the moment at which one appears, so
//! only evidence counts: a view that shows nothing new proves it up to the time at which that view was asked for. Age
//! measured by the clock alone would call a healthy playlist stale whenever a lone viewer asks just before a segment
//! appears. Where a viewer needs more and no answer comes, the clock counts, less one target duration: the longest
//! pause between two requests (RFC 8216bis 6.3.4). So it grows in an outage, in which nobody gets a playlist at all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::observation::{PlaylistId, PlaylistView};

/// Playlists that are kept: all of 25 addresses with ten variants each. Ids beyond are counted only; an origin that
/// hands each viewer addresses of its own makes as many playlists as viewers, and the first tell the story.
/// With some 220 bytes each, and their addresses, these are 80 KB.
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

#[derive(Clone, Debug)]
struct Entry {
    url: Arc<str>,
    target: Duration,
    window: Window,
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
    anew: Option<Anew>,
}

/// What a view lists: sequence numbers `first..next`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Window {
    first: u64,
    next: u64,
}

/// A list that lies wholly before the newest one: an encoder that counts anew, or a cache that is far behind. Which, is
/// not known yet.
#[derive(Clone, Copy, Debug)]
struct Anew {
    window: Window,
    /// Its newest segment appeared.
    changed: Instant,
    /// It was seen first. What the newest list gained since is unknown.
    since: Instant,
}

/// How a playlist keeps up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaylistHealth {
    /// Its number.
    pub playlist: u32,
    /// Its address, without query.
    pub url: String,
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
    /// a newer one before: another viewer's cache may well be behind. The first `url` stays its name.
    pub fn observe(
        &mut self,
        url: &Arc<str>,
        view: &PlaylistView,
        asked: Instant,
        answered: Instant,
        backwards: bool,
    ) {
        let PlaylistId(id) = view.playlist;
        if id >= MOST_PLAYLISTS {
            self.beyond = self.beyond.max(id - MOST_PLAYLISTS + 1);
            return;
        }
        let index = id as usize;
        if index >= self.entries.len() {
            self.entries.resize(index + 1, None);
        }
        let entry = self.entries[index].get_or_insert_with(|| Entry::new(Arc::clone(url), answered));
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
    fn new(url: Arc<str>, now: Instant) -> Self {
        Self {
            url,
            target: SHORTEST_TARGET,
            window: Window::default(),
            ended: false,
            changed: now,
            known_until: now,
            freshness: Freshness::Fresh,
            max_age: Duration::ZERO,
            times_stale: 0,
            times_stuck: 0,
            times_backwards: 0,
            anew: None,
        }
    }

    fn take(&mut self, view: &PlaylistView, asked: Instant, answered: Instant, backwards: bool) {
        let window = Window { first: view.first_sequence, next: view.next_sequence() };
        let generated = answered.checked_sub(view.age).unwrap_or(answered);
        let anew = self.anew(window, asked, generated, backwards);
        if window.next > self.window.next || anew.is_some() {
            self.target = view.target_duration.clamp(SHORTEST_TARGET, LONGEST_TARGET);
            (self.window, self.ended) = (window, view.ended);
            self.changed = anew.unwrap_or(generated);
            self.anew = None;
            self.freshness = Freshness::Fresh;
            self.know(answered);
        } else if window.next == self.window.next {
            self.ended |= view.ended;
            // Another cache has had it for longer than the one that showed it first.
            self.changed = self.changed.min(generated);
            self.anew = None;
            self.know(asked);
        }
    }

    /// An encoder that was restarted counts from the beginning: its list lies wholly before the newest one. The same
    /// viewer sees it happen. Viewers that were started since only see that nobody gets the newest list any more, while
    /// the other one grows, or for long. When its newest segment appeared, where that is what happened.
    fn anew(
        &mut self,
        window: Window,
        asked: Instant,
        generated: Instant,
        backwards: bool,
    ) -> Option<Instant> {
        if window.next > self.window.first || window.next >= self.window.next {
            return None;
        }
        let mut seen = self.anew.unwrap_or(Anew { window, changed: generated, since: asked });
        let grown = window.next > seen.window.next;
        if grown {
            (seen.window, seen.changed) = (window, generated);
        }
        self.anew = Some(seen);
        let unseen = asked.saturating_duration_since(seen.since.min(self.known_until));
        (backwards || grown || unseen > self.stuck_after()).then_some(seen.changed)
    }

    /// Nothing newer had appeared up to `until`.
    fn know(&mut self, until: Instant) {
        if self.ended {
            self.freshness = Freshness::Ended;
            return;
        }
        let until = self.anew.map_or(until, |anew| until.min(anew.since));
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
            url: self.url.to_string(),
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
