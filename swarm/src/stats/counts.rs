//! What happened in a span of the run, as counts that add up: one second, a level of a search, the steady part. Pure.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::latency::Durations;
use crate::observation::{Kind, Observation, Outcome};

/// Classes of errors that are kept apart, as in the totals of the run; further ones count in `errors` alone.
const MOST_ERROR_CLASSES: usize = 32;

/// Takes at most 0.5 MB, and some bytes for each viewer that stalled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// From request to last byte, of segments that succeeded.
    pub segment_duration: Durations,
    /// From request to first byte, of segments that succeeded.
    pub segment_ttfb: Durations,
    /// From request to last byte, of media playlists that succeeded.
    pub playlist_duration: Durations,
    /// Of each segment that came, the time that it took for one second of its media: a second is just in time.
    pub lateness: Durations,
    /// From the start of a process to its first complete segment.
    pub startup: Durations,
    /// Requests that ended, however.
    pub requests: u64,
    /// Of these, those that FFmpeg gave up.
    pub aborted: u64,
    /// Of these, those that failed, or were answered with a status of 400 and above.
    pub errors: u64,
    /// Errors by what went wrong.
    pub errors_by_class: HashMap<Outcome, u64>,
    /// Segments that came.
    pub segments: u64,
    /// Of these, those that took longer to fetch than to play.
    pub late_segments: u64,
    /// Of all bodies.
    pub bytes: u64,
    /// Time that viewers were stalled.
    pub stalled: Duration,
    /// Time that viewers were interrupted.
    pub interrupted: Duration,
    /// Time that viewers played.
    pub playing: Duration,
    /// Viewers that were stalled or interrupted at some time.
    pub stalled_viewers: BTreeSet<u32>,
}

impl Counts {
    /// Takes in a request that has ended.
    pub fn record(&mut self, seen: &Observation) {
        self.requests += 1;
        self.bytes += seen.bytes;
        match seen.outcome {
            Outcome::Aborted => self.aborted += 1,
            outcome if outcome.is_success() => self.record_success(seen),
            outcome if outcome.is_error() => {
                self.errors += 1;
                self.count_error(outcome, 1);
            }
            _redirect => {}
        }
    }

    fn record_success(&mut self, seen: &Observation) {
        match seen.kind {
            Kind::Segment => {
                self.segment_duration.record(seen.duration);
                self.segment_ttfb.record(seen.ttfb.unwrap_or(seen.duration));
            }
            Kind::Playlist => self.playlist_duration.record(seen.duration),
            Kind::Master | Kind::Init | Kind::Key | Kind::Other => {}
        }
        let Some(segment) = seen.segment.filter(|_| seen.bytes > 0) else { return };
        self.segments += 1;
        self.late_segments += u64::from(seen.duration > segment.media);
        if let Some(lateness) = lateness(seen.duration, segment.media) {
            self.lateness.record(lateness);
        }
    }

    fn count_error(&mut self, outcome: Outcome, count: u64) {
        if self.errors_by_class.len() < MOST_ERROR_CLASSES || self.errors_by_class.contains_key(&outcome) {
            *self.errors_by_class.entry(outcome).or_default() += count;
        }
    }

    /// Adds another span.
    pub fn add(&mut self, other: &Self) {
        // By name, so that a new field cannot be left out.
        let Self {
            segment_duration,
            segment_ttfb,
            playlist_duration,
            lateness,
            startup,
            requests,
            aborted,
            errors,
            errors_by_class,
            segments,
            late_segments,
            bytes,
            stalled,
            interrupted,
            playing,
            stalled_viewers,
        } = other;
        self.segment_duration.add(segment_duration);
        self.segment_ttfb.add(segment_ttfb);
        self.playlist_duration.add(playlist_duration);
        self.lateness.add(lateness);
        self.startup.add(startup);
        self.requests += requests;
        self.aborted += aborted;
        self.errors += errors;
        for (&outcome, &count) in errors_by_class {
            self.count_error(outcome, count);
        }
        self.segments += segments;
        self.late_segments += late_segments;
        self.bytes += bytes;
        self.stalled += *stalled;
        self.interrupted += *interrupted;
        self.playing += *playing;
        self.stalled_viewers.extend(stalled_viewers);
    }
}

/// Time taken for one second of media; `None` where a playlist gives a segment no length.
pub(super) fn lateness(taken: Duration, media: Duration) -> Option<Duration> {
    (!media.is_zero())
        .then(|| Duration::try_from_secs_f64(taken.div_duration_f64(media)).unwrap_or(Duration::MAX))
}
