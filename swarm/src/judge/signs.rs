//! What goes wrong first: the second in which each sign of trouble was seen for the first time. Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::stats::{Figures, STALE_AFTER_TARGETS, Second};

/// Signs that are kept: the five kinds, and errors of as many classes as an origin in trouble shows.
const MOST_SIGNS: usize = 12;

/// Errors that make a sign: one request in a hundred of a second. A single error among many is none.
const ERRORS_FROM: f64 = 0.01;

/// Late segments that make a sign: the 95th percentile of a second is late.
const LATE_FROM: f64 = 0.05;

/// A sign of trouble.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "class")]
pub enum Sign {
    /// Segments take longer to fetch than to play.
    Late,
    /// Requests fail with this status or class.
    Errors(String),
    /// Viewers stall.
    Stalls,
    /// FFmpegs that had played fail.
    Interruptions,
    /// FFmpegs end and are started again.
    Restarts,
    /// A live playlist answers and gains no segments.
    Stale,
}

/// A sign, when it was seen first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignSeen {
    /// What.
    #[serde(flatten)]
    pub sign: Sign,
    /// Begin of the second, since the run began.
    pub after_s: f64,
    /// FFmpegs that ran when it began or when it was over, whichever were more: an outage takes them away at once.
    pub clients: u32,
}

/// The signs so far, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Signs {
    seen: Vec<SignSeen>,
    /// FFmpegs that ran when the second before was over.
    active_before: u32,
}

impl Signs {
    /// Takes in a second and its figures. Within a second the cause comes before what follows from it.
    pub fn look_at(&mut self, second: &Second, figures: &Figures) {
        for error in figures.errors.iter().filter(|error| error.ratio >= ERRORS_FROM) {
            self.note(Sign::Errors(error.class.clone()), second);
        }
        // A playlist that nobody could fetch ages, too: that is the way to it, and no encoder.
        let was_answered = second.wire.as_ref().is_some_and(|wire| !wire.counts.playlist_duration.is_empty());
        if was_answered && figures.playlist_age_targets.is_some_and(|age| age > STALE_AFTER_TARGETS) {
            self.note(Sign::Stale, second);
        }
        if figures.late_ratio.is_some_and(|ratio| ratio >= LATE_FROM) {
            self.note(Sign::Late, second);
        }
        if figures.stalled_s > 0.0 {
            self.note(Sign::Stalls, second);
        }
        if figures.interrupted_s > 0.0 {
            self.note(Sign::Interruptions, second);
        }
        if figures.restarts > 0 {
            self.note(Sign::Restarts, second);
        }
        self.active_before = second.active;
    }

    fn note(&mut self, sign: Sign, second: &Second) {
        if self.seen.len() < MOST_SIGNS && self.seen.iter().all(|seen| seen.sign != sign) {
            let after_s = second.began_after().as_secs_f64();
            let clients = second.active.max(self.active_before);
            self.seen.push(SignSeen { sign, after_s, clients });
        }
    }

    /// All, the first first.
    pub fn in_order(&self) -> Vec<SignSeen> {
        self.seen.clone()
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late => f.write_str("late segments"),
            Self::Errors(class) => f.write_str(class),
            Self::Stalls => f.write_str("stalls"),
            Self::Interruptions => f.write_str("interruptions"),
            Self::Restarts => f.write_str("restarts"),
            Self::Stale => f.write_str("a stale playlist"),
        }
    }
}
