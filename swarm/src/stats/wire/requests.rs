//! Counts of requests: by kind, by status, and what went wrong first. Bounded, whatever an origin answers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::observation::{Cache, Kind, Observation, Outcome};

/// Pairs of kind and outcome that are kept apart. A healthy run has eight, a broken one some thirty; an origin that
/// answers with random statuses could make six thousand. The rest counts as `other`.
const MOST_PAIRS: usize = 64;

/// Classes of errors that are kept apart: nine that are no status, and more statuses than anybody has seen at once.
const MOST_ERROR_CLASSES: usize = 32;

/// What `status` says beyond [`MOST_PAIRS`].
const OTHER: &str = "other";

/// All requests so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests {
    kinds: [KindTotals; Kind::ALL.len()],
    pairs: HashMap<(Kind, Outcome), u64>,
    others: [u64; Kind::ALL.len()],
    errors: HashMap<Outcome, First>,
    other_errors: u64,
}

/// Requests of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindTotals {
    /// Ended, however.
    pub requests: u64,
    /// Failed, or answered with a status of 400 and above.
    pub errors: u64,
    /// FFmpeg hung up.
    pub aborted: u64,
    /// Of all bodies, those of errors and of aborted requests included.
    pub bytes: u64,
    /// A cache had the answer.
    pub cache_hits: u64,
    /// A cache had not.
    pub cache_misses: u64,
}

/// Requests of one kind with one outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusCount {
    /// What was asked for.
    pub kind: Kind,
    /// As [`Outcome::label`], or `other`.
    pub status: String,
    /// How many.
    pub count: u64,
}

/// Errors of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorKind {
    /// A status of 400 and above, or an error class.
    pub class: String,
    /// How many.
    pub count: u64,
    /// What the first of them was about.
    pub first_kind: Kind,
    /// Its address, without query.
    pub first_url: String,
    /// Its viewer, from 0.
    pub first_viewer: u32,
    /// When it ended, since the run began.
    pub first_after_s: f64,
    /// When the last of them ended, since the run began.
    pub last_after_s: f64,
}

#[derive(Clone, Debug)]
struct First {
    count: u64,
    kind: Kind,
    url: Arc<str>,
    viewer: u32,
    at: Instant,
    last_at: Instant,
}

impl KindTotals {
    /// Both together.
    pub(super) fn plus(self, other: &Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            errors: self.errors + other.errors,
            aborted: self.aborted + other.aborted,
            bytes: self.bytes + other.bytes,
            cache_hits: self.cache_hits + other.cache_hits,
            cache_misses: self.cache_misses + other.cache_misses,
        }
    }
}

impl Requests {
    pub(super) fn record(&mut self, seen: &Observation) {
        let is_error = seen.outcome.is_error();
        let totals = &mut self.kinds[seen.kind as usize];
        totals.requests += 1;
        totals.errors += u64::from(is_error);
        totals.aborted += u64::from(seen.outcome == Outcome::Aborted);
        totals.bytes += seen.bytes;
        totals.cache_hits += u64::from(seen.cache == Cache::Hit);
        totals.cache_misses += u64::from(seen.cache == Cache::Miss);

        let pair = (seen.kind, seen.outcome);
        if self.pairs.len() < MOST_PAIRS || self.pairs.contains_key(&pair) {
            *self.pairs.entry(pair).or_default() += 1;
        } else {
            self.others[seen.kind as usize] += 1;
        }
        if is_error {
            self.record_error(seen);
        }
    }

    fn record_error(&mut self, seen: &Observation) {
        if let Some(known) = self.errors.get_mut(&seen.outcome) {
            known.count += 1;
            known.last_at = known.last_at.max(seen.started + seen.duration);
        } else if self.errors.len() < MOST_ERROR_CLASSES {
            let first = First {
                count: 1,
                kind: seen.kind,
                url: Arc::clone(&seen.url),
                viewer: seen.viewer,
                at: seen.started + seen.duration,
                last_at: seen.started + seen.duration,
            };
            self.errors.insert(seen.outcome, first);
        } else {
            self.other_errors += 1;
        }
    }

    pub(super) fn kind(&self, kind: Kind) -> KindTotals {
        self.kinds[kind as usize]
    }

    pub(super) fn bytes(&self) -> u64 {
        self.kinds.iter().map(|totals| totals.bytes).sum()
    }

    /// Sums over all kinds.
    pub(super) fn totals(&self) -> KindTotals {
        self.kinds.iter().fold(KindTotals::default(), KindTotals::plus)
    }

    /// By kind, then by status; those that are kept apart no longer come last.
    pub(super) fn by_status(&self) -> Vec<StatusCount> {
        let mut apart: Vec<_> =
            self.pairs.iter().map(|(&(kind, outcome), &count)| (kind, outcome.label(), count)).collect();
        apart.sort();
        let others = Kind::ALL.iter().zip(self.others).filter(|(_, count)| *count > 0);
        apart.extend(others.map(|(&kind, count)| (kind, OTHER.to_owned(), count)));
        let status_count = |(kind, status, count): (Kind, _, _)| StatusCount { kind, status, count };
        apart.into_iter().map(status_count).collect()
    }

    /// In the order in which they first came.
    pub(super) fn errors(&self, began: Instant) -> Vec<ErrorKind> {
        let mut errors: Vec<_> = self.errors.iter().collect();
        errors.sort_by_cached_key(|(outcome, first)| (first.at, outcome.label()));
        let told = |(outcome, first): (&Outcome, &First)| ErrorKind {
            class: outcome.label(),
            count: first.count,
            first_kind: first.kind,
            first_url: first.url.to_string(),
            first_viewer: first.viewer,
            first_after_s: first.at.saturating_duration_since(began).as_secs_f64(),
            last_after_s: first.last_at.saturating_duration_since(began).as_secs_f64(),
        };
        errors.into_iter().map(told).collect()
    }

    /// Errors of classes beyond those that are kept apart.
    pub(super) fn other_errors(&self) -> u64 {
        self.other_errors
    }
}
