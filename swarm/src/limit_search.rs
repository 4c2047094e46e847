//! The search for the largest number of viewers that holds: which level to try next, and when the answer is known.
//! Pure: it knows numbers and judgements, neither viewers nor time.
//!
//! One viewer first: a stream that does not play is broken, not overloaded. Then the number is doubled until a level
//! fails or the most that is allowed holds, and what lies between the last good and the first bad level is bisected.
//! These are short trials. At the end the last good and the first bad level are tried at full length. A level that was
//! judged both ways is not trusted again: from then on all levels have the full length. The last full trial of a
//! number counts, else its last short one; of numbers that failed the lowest counts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The first level.
pub const FIRST_VIEWERS: u32 = 1;

/// Where doubling begins after the first viewer. The levels in between would take longer than they tell: whoever
/// searches expects more than three.
const DOUBLE_FROM: u32 = 4;

/// Numbers that may be judged both ways before the search says that it cannot tell. One is chance, two are bad luck.
const MOST_CONTRADICTIONS: usize = 2;

/// Levels after which a search ends in any case. A steady system of 100000 viewers takes at most 37.
pub const MOST_LEVELS: usize = 60;

/// How long a level is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Length {
    /// On the way.
    Trial,
    /// To be sure.
    Full,
}

/// One step of the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// How many viewers.
    pub viewers: u32,
    /// For how long.
    pub length: Length,
}

/// What came of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// All thresholds held.
    Held,
    /// One was crossed.
    Failed,
    /// The load box was saturated, so that nothing is known of the origin.
    Saturated,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Try this level, then [`LimitSearch::judged`].
    Try(Level),
    /// The answer.
    Done(Answer),
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Both at full length, and nearer to each other than the tolerance.
    Found {
        /// Most viewers that held.
        held: u32,
        /// Fewest that did not.
        failed: u32,
    },
    /// All that were allowed held: the limit is higher.
    AllHeld {
        /// How many these are.
        held: u32,
    },
    /// Not even one viewer: the stream is broken, not overloaded.
    NoneHeld,
    /// The load box is the limit. So many held, for all that is known.
    LoadBox {
        /// Most viewers that held before.
        held: u32,
        /// How many saturated it.
        saturated: u32,
    },
    /// The same number held at one time and failed at another, too often to tell.
    Unsteady {
        /// Most viewers below all that ever failed.
        held: u32,
        /// Fewest that ever failed.
        failed: u32,
    },
}

impl Answer {
    /// As reports name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Found { .. } => "found",
            Self::AllHeld { .. } => "all_held",
            Self::NoneHeld => "none_held",
            Self::LoadBox { .. } => "load_box",
            Self::Unsteady { .. } => "unsteady",
        }
    }
}

/// A search so far.
#[derive(Clone, Debug)]
pub struct LimitSearch {
    most: u32,
    tolerance: f64,
    levels: Vec<(Level, Judgement)>,
}

impl LimitSearch {
    /// For up to `most` viewers, at least 1; `tolerance` is the share of the first bad number by which the last good
    /// one may be below it, 0 to 1. Numbers are whole: it is at least one viewer.
    pub fn new(most: u32, tolerance: f64) -> Self {
        Self { most, tolerance, levels: Vec::new() }
    }

    /// The level came out so.
    pub fn judged(&mut self, level: Level, judgement: Judgement) {
        self.levels.push((level, judgement));
    }

    /// All levels that were judged, in their order.
    pub fn levels(&self) -> &[(Level, Judgement)] {
        &self.levels
    }

    /// The bracket as far as it is known: most viewers that held below the fewest that failed.
    pub fn bracket(&self) -> (u32, Option<u32>) {
        let verdicts = self.verdicts();
        let failed = verdicts.iter().find(|(_, (judgement, _))| *judgement == Judgement::Failed);
        let failed = failed.map(|(&viewers, _)| viewers);
        let below = verdicts.range(..failed.unwrap_or(u32::MAX)).next_back();
        (below.map_or(0, |(&viewers, _)| viewers), failed)
    }

    /// What comes next. The same answer until another level is judged.
    pub fn next(&self) -> Next {
        let (held, failed) = self.bracket();
        if let Some((level, Judgement::Saturated)) = self.levels.last() {
            return Next::Done(Answer::LoadBox { held, saturated: level.viewers });
        }
        let contradictions = self.contradictions();
        if contradictions > MOST_CONTRADICTIONS || self.levels.len() >= MOST_LEVELS {
            return Next::Done(self.unsteady());
        }
        let length = if contradictions == 0 { Length::Trial } else { Length::Full };
        let Some(failed) = failed else {
            return match held {
                0 => Next::Try(Level { viewers: FIRST_VIEWERS, length }),
                held if held < self.most => {
                    let viewers = held.saturating_mul(2).max(DOUBLE_FROM).min(self.most);
                    Next::Try(Level { viewers, length })
                }
                held => self.confirmed(held).unwrap_or(Next::Done(Answer::AllHeld { held })),
            };
        };
        if f64::from(failed - held) > self.allowed(failed) {
            return Next::Try(Level { viewers: held + (failed - held) / 2, length });
        }
        let unconfirmed = self.confirmed(held).or_else(|| self.confirmed(failed));
        unconfirmed.unwrap_or(Next::Done(match held {
            0 => Answer::NoneHeld,
            held => Answer::Found { held, failed },
        }))
    }

    /// How far the last good number may lie below the first bad one.
    fn allowed(&self, failed: u32) -> f64 {
        (f64::from(failed) * self.tolerance).max(1.0)
    }

    /// The number must be tried at full length; `None` when it was, and for nobody at all.
    fn confirmed(&self, viewers: u32) -> Option<Next> {
        let level = Level { viewers, length: Length::Full };
        let is_confirmed = viewers == 0 || self.levels.iter().any(|(tried, _)| *tried == level);
        (!is_confirmed).then_some(Next::Try(level))
    }

    /// What counts for each number.
    fn verdicts(&self) -> BTreeMap<u32, (Judgement, Length)> {
        let mut verdicts = BTreeMap::new();
        for &(level, judgement) in &self.levels {
            let kept = verdicts.get(&level.viewers).is_some_and(|(_, length)| *length == Length::Full);
            let counts = judgement != Judgement::Saturated && (level.length == Length::Full || !kept);
            if counts {
                verdicts.insert(level.viewers, (judgement, level.length));
            }
        }
        verdicts
    }

    /// Numbers that were judged both ways.
    fn contradictions(&self) -> usize {
        let numbers = |wanted: Judgement| -> BTreeSet<u32> {
            let judged = self.levels.iter().filter(move |(_, judgement)| *judgement == wanted);
            judged.map(|(level, _)| level.viewers).collect()
        };
        numbers(Judgement::Held).intersection(&numbers(Judgement::Failed)).count()
    }

    fn unsteady(&self) -> Answer {
        let of = |wanted: Judgement| {
            let judged = self.levels.iter().filter(move |(_, judgement)| *judgement == wanted);
            judged.map(|(level, _)| level.viewers)
        };
        let failed = of(Judgement::Failed).min().unwrap_or(self.most);
        let held = of(Judgement::Held).filter(|held| *held < failed).max().unwrap_or_default();
        Answer::Unsteady { held, failed }
    }
}

#[cfg(test)]
mod tests;
