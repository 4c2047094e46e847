//! What a search found: a sentence, the order of the signs, and all levels. Pure.

use std::time::Duration;

use super::FindLimit;
use super::cause;
use super::level::LevelRecord;
use crate::go_duration;
use crate::judge::{Sign, SignSeen};
use crate::limit_search::{Answer, Judgement, Length};
use crate::plural::viewers;

/// The result, as it is reported.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The answer in a sentence without a full stop.
    pub sentence: String,
    /// What kind of answer it is; `None` when the run ended before there was one.
    pub answer: Option<Answer>,
    /// Most viewers that held; 0 when not even one did, or nothing was judged.
    pub held: u32,
    /// Fewest that did not hold.
    pub failed: Option<u32>,
    /// What broke first, and what then: the signs of the level that failed, without those that a level has that held.
    pub signs: Vec<SignSeen>,
    /// Most viewers that were allowed.
    pub most: u32,
    /// As asked for.
    pub tolerance: f64,
    /// As asked for.
    pub level_hold_s: f64,
    /// What each level had to hold.
    pub thresholds: Vec<String>,
    /// All levels, in their order.
    pub levels: Vec<LevelRecord>,
}

impl Finding {
    pub(super) fn new(
        answer: Option<Answer>,
        bracket: (u32, Option<u32>),
        settings: FindLimit,
        levels: Vec<LevelRecord>,
    ) -> Self {
        let (held, failed) = match answer {
            Some(Answer::Unsteady { held, failed }) => (held, Some(failed)),
            _ => bracket,
        };
        let bad = failed.and_then(|viewers| level_of(&levels, viewers, Judgement::Failed));
        let good = level_of(&levels, held, Judgement::Held);
        Self {
            sentence: sentence(answer, held, failed, bad, &levels),
            answer,
            held,
            failed,
            signs: bad.map(|bad| telling_signs(bad, good)).unwrap_or_default(),
            most: settings.most,
            tolerance: settings.tolerance,
            level_hold_s: settings.hold.as_secs_f64(),
            thresholds: settings.thresholds.into_iter().map(|threshold| threshold.text).collect(),
            levels,
        }
    }

    /// Whether the search came to its end without a number: nothing held, or it was not steady.
    pub fn is_no_answer(&self) -> bool {
        matches!(self.answer, Some(Answer::NoneHeld | Answer::Unsteady { .. }))
    }
}

/// What broke first and what then, in words: `503 at 2m5s with 21 viewers, then stalls at 2m9s with 21 viewers`.
pub fn signs_in_words(signs: &[SignSeen]) -> Option<String> {
    let at = |seen: &SignSeen| {
        let time = go_duration::format(Duration::from_secs_f64(seen.after_s.round()));
        format!("{} at {time} with {}", seen.sign, viewers(seen.clients))
    };
    let told: Vec<_> = signs.iter().map(at).collect();
    (!told.is_empty()).then(|| told.join(", then "))
}

/// The last of these levels, preferably one of full length.
fn level_of(levels: &[LevelRecord], viewers: u32, judgement: Judgement) -> Option<&LevelRecord> {
    let fits = |level: &&LevelRecord| level.viewers == viewers && level.judgement == Some(judgement);
    let full = levels.iter().rev().filter(fits).find(|level| level.length == Length::Full);
    full.or_else(|| levels.iter().rev().find(fits))
}

/// What shows only while viewers join, or where it holds as well, is not what breaks it, unless nothing else shows.
/// When it showed first counts from the begin of the level.
fn telling_signs(bad: &LevelRecord, good: Option<&LevelRecord>) -> Vec<SignSeen> {
    let is_usual = |sign: &Sign| good.is_some_and(|good| good.held_signs.contains(sign));
    let shows = |seen: &&SignSeen| bad.held_signs.contains(&seen.sign);
    let telling = |seen: &&SignSeen| shows(seen) && !is_usual(&seen.sign);
    let told: Vec<_> = bad.signs.iter().filter(telling).cloned().collect();
    if told.is_empty() { bad.signs.iter().filter(shows).cloned().collect() } else { told }
}

fn sentence(
    answer: Option<Answer>,
    held: u32,
    failed: Option<u32>,
    bad: Option<&LevelRecord>,
    levels: &[LevelRecord],
) -> String {
    let why = bad.and_then(LevelRecord::why);
    let because = why.as_ref().map_or("it breaks", |(_, said)| said.as_str());
    match answer {
        Some(Answer::Found { held, failed }) => format!("Held {}; at {failed} {because}", viewers(held)),
        Some(Answer::AllHeld { held }) => {
            format!("Held all {}: the limit is higher, raise -clients to find it", viewers(held))
        }
        Some(Answer::NoneHeld) => {
            // What a threshold of the user's own means nobody else can know.
            let is_broken = matches!(&why, Some((Some(sign), _)) if cause::means_broken(sign));
            let begin =
                if is_broken { "The stream is broken, not overloaded" } else { "Not even one viewer held" };
            format!("{begin}: with 1 viewer {because}")
        }
        Some(Answer::LoadBox { held, saturated }) => {
            let by = levels.last().and_then(|level| level.saturated_by);
            let by = by.map(|resource| format!(" (short of {})", resource.name())).unwrap_or_default();
            format!("Held at least {}; at {saturated} the load box is the limit{by}", viewers(held))
        }
        Some(Answer::Unsteady { held, failed }) => {
            format!("No steady limit: up to {held} held, from {failed} on it did not every time: {because}")
        }
        None if held == 0 && failed.is_none() => "The search was stopped in its first level".to_owned(),
        None => {
            let failed = failed.map(|failed| format!(", {failed} did not: {because}")).unwrap_or_default();
            format!("The search was stopped: {} held{failed}", viewers(held))
        }
    }
}
