//! Failures, folded: the same reason from a thousand viewers is one kind with a count.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::News;

/// Kinds that are kept apart. A reason may hold a URL with a segment's number, so there could be one per segment;
/// nobody reads more than this.
const MOST_KINDS: usize = 32;

/// One reason, and how often.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailureKind {
    /// Why processes ended, or could not be started.
    pub reason: String,
    /// How many times.
    pub count: u64,
    /// The first viewer that it happened to, from 0.
    pub first_viewer: u32,
    /// When it first happened, in seconds since the run began.
    pub first_after_s: f64,
    /// FFmpeg's last words that time.
    pub ffmpeg_said: Vec<String>,
}

/// All kinds seen so far.
#[derive(Debug, Default)]
pub struct Failures {
    kinds: BTreeMap<String, Kind>,
    others: u64,
}

#[derive(Debug)]
struct Kind {
    seen: FailureKind,
    told: u64,
}

impl Failures {
    /// Counts one failure; news when it is the first of its kind.
    pub fn record(&mut self, reason: &str, viewer: u32, after: Duration, said: &[String]) -> News {
        let reason = fold_numbers(reason);
        if let Some(kind) = self.kinds.get_mut(&reason) {
            kind.seen.count += 1;
            return News::None;
        }
        if self.kinds.len() == MOST_KINDS {
            self.others += 1;
            return News::None;
        }
        let seen = FailureKind {
            reason: reason.clone(),
            count: 1,
            first_viewer: viewer,
            first_after_s: after.as_secs_f64(),
            ffmpeg_said: said.to_vec(),
        };
        self.kinds.insert(reason.clone(), Kind { seen, told: 1 });
        News::NewFailure { viewer, reason, said: said.to_vec() }
    }

    /// Reasons whose count grew beyond what was told, with the difference; they count as told from now on.
    pub fn take_repeated(&mut self) -> Vec<(String, u64)> {
        let grown = self.kinds.values_mut().filter(|kind| kind.seen.count > kind.told);
        grown
            .map(|kind| {
                let more = kind.seen.count - kind.told;
                kind.told = kind.seen.count;
                (kind.seen.reason.clone(), more)
            })
            .collect()
    }

    /// Most frequent first, then by reason.
    pub fn by_count(&self) -> Vec<FailureKind> {
        let mut kinds: Vec<_> = self.kinds.values().map(|kind| kind.seen.clone()).collect();
        kinds.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.reason.cmp(&b.reason)));
        kinds
    }

    /// Failures beyond the kinds that are kept apart.
    pub fn others(&self) -> u64 {
        self.others
    }
}

/// Media sequence numbers and timestamps in file names differ from segment to segment; runs of four and more digits
/// become `…`. Ports, status codes and short numbers stay.
fn fold_numbers(reason: &str) -> String {
    let mut folded = String::with_capacity(reason.len());
    let mut digits = String::new();
    for c in reason.chars().chain(std::iter::once('\0')) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let after_colon = folded.ends_with(':');
        folded.push_str(if digits.len() >= 4 && !after_colon { "…" } else { &digits });
        digits.clear();
        if c != '\0' {
            folded.push(c);
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(failures: &mut Failures, reason: &str) -> News {
        failures.record(reason, 0, Duration::ZERO, &[])
    }

    #[test]
    fn the_same_failure_on_different_segments_is_one_kind() {
        let mut failures = Failures::default();
        for number in 100_000..100_500 {
            record(&mut failures, &format!("http://h:8080/seg_{number}.ts: 404"));
        }
        let kinds = failures.by_count();
        assert_eq!((kinds.len(), kinds[0].count), (1, 500));
        assert_eq!(kinds[0].reason, "http://h:8080/seg_….ts: 404");
    }

    #[test]
    fn kinds_are_bounded_and_the_rest_is_counted() {
        let mut failures = Failures::default();
        for letter in 0..100_u8 {
            record(&mut failures, &"x".repeat(usize::from(letter) + 1));
        }
        assert_eq!(failures.by_count().len(), MOST_KINDS);
        assert_eq!(failures.others(), 100 - MOST_KINDS as u64);
    }
}
