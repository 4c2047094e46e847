//! How it went, in one word, with the evidence that decided: healthy, degraded, failing, or not to be told because the
//! load box was the limit. Pure: read from [`Evidence`] by the table of [`rules`].

mod findings;
pub mod rules;

use serde::{Deserialize, Serialize};

pub use findings::Finding;

use crate::judge::{Evidence, RECOVERED_AFTER, Sign};
use crate::labels::labels;
use crate::plural::viewers;
use crate::stats::Figures;

/// When the load box was saturated for this share of the judged time, and there was trouble, nobody can tell whose
/// trouble it was: what one second began is felt in the next.
const INVALID_WITH_TROUBLE_FROM: f64 = 0.2;

/// From this share on the figures are more the load box's than the origin's, whatever they say.
const INVALID_FROM: f64 = 0.5;

/// Trouble in more of the judged time than this is no outage: it is how the run went.
const LONGEST_OUTAGE: f64 = 0.5;

/// A mean below this share of the most viewers means that there were not so many all the time; a second before the last
/// one has started, or a restart, does not.
const ALL_THE_TIME: f64 = 0.9;

/// Findings and signs that the sentence names; the report has all.
const NAMED: usize = 3;

/// The one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Viewers see nothing of the load.
    #[default]
    Healthy,
    /// At the limit: some viewers see something, or it was bad for a while.
    Degraded,
    /// Viewers see that it does not hold.
    Failing,
    /// The load box was saturated: nothing can be said about the origin.
    Invalid,
}

/// Where to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// At the origin, or on the way: it does not hold so many viewers.
    Load,
    /// At the encoder or packager: the playlist gains no segments, while the origin answers.
    Stale,
    /// At the stream: what its playlists name is not there, or not allowed.
    Broken,
    /// It was away for a while, and came back.
    Outage,
    /// At the load box.
    LoadBox,
}

/// How it went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// In one word.
    pub state: State,
    /// Where to look; null when healthy.
    pub cause: Option<Cause>,
    /// In one sentence without a full stop, which begins with the word.
    pub sentence: String,
    /// The rules that were broken, the worst first.
    pub findings: Vec<Finding>,
    /// How the ramp went, judged on its own.
    pub ramp: State,
}

labels!(State {
    Healthy => "healthy",
    Degraded => "degraded",
    Failing => "failing",
    Invalid => "invalid",
});

impl Verdict {
    /// Of what was seen. `played` says whether any viewer ever received media.
    pub fn of(seen: &Evidence, played: bool) -> Self {
        let findings = findings::of(&seen.judged, seen.clients);
        let ramp = findings::worst(&findings::of(&seen.ramp, seen.clients));
        if let Some(sentence) = invalid(seen) {
            return Self { state: State::Invalid, cause: Some(Cause::LoadBox), sentence, findings, ramp };
        }
        let mut state = findings::worst(&findings);
        let recovered = has_recovered(seen);
        if recovered {
            state = state.min(State::Degraded);
        }
        if !played {
            state = State::Failing;
        }
        let cause = (state != State::Healthy).then(|| cause(seen, recovered));
        let sentence = match cause {
            None => healthy(seen),
            Some(cause) => unhealthy(state, cause, &findings, seen, played),
        };
        Self { state, cause, sentence, findings, ramp }
    }
}

/// Errors that say that the stream is broken: most are refusals of what was asked for, which no load explains. Not
/// being in time (408) and being too many (429) are left out.
pub fn is_broken(figures: &Figures) -> bool {
    let is_refusal =
        |class: &str| class.len() == 3 && class.starts_with('4') && class != "408" && class != "429";
    let refused: f64 =
        figures.errors.iter().filter(|error| is_refusal(&error.class)).map(|error| error.ratio).sum();
    let all = figures.error_ratio.unwrap_or_default();
    refused > 0.0 && refused >= all / 2.0
}

fn cause(seen: &Evidence, recovered: bool) -> Cause {
    // What comes first is not the consequence of the other: segments that are late fall out of the playlist.
    let first = seen.first_signs.first().map(|first| &first.sign);
    let is_stale =
        seen.judged.playlist_age_targets.is_some_and(|age| age > crate::stats::STALE_AFTER_TARGETS);
    match first {
        // An origin that starts again answers 404 for a moment.
        Some(Sign::Errors(_)) if !recovered && is_broken(&seen.judged) => Cause::Broken,
        Some(Sign::Stale) | None if is_stale => Cause::Stale,
        _ if recovered => Cause::Outage,
        _ => Cause::Load,
    }
}

/// It was bad once, it is over, and the rest of the run was not failing.
fn has_recovered(seen: &Evidence) -> bool {
    let trouble = &seen.trouble;
    trouble.spells == 1
        && trouble.recovered
        && trouble.lasted_s <= seen.judged.span_s * LONGEST_OUTAGE
        && seen.calm.span_s >= RECOVERED_AFTER.as_secs_f64()
        && findings::worst(&findings::of(&seen.calm, seen.clients)) < State::Failing
}

fn invalid(seen: &Evidence) -> Option<String> {
    let resource = seen.saturated.filter(|_| seen.is_known())?;
    let (left_out, all) = (seen.judged.left_out_s, seen.judged.left_out_s + seen.judged.span_s);
    let share = if all > 0.0 { left_out / all } else { 0.0 };
    let in_trouble = findings::worst(&findings::of(&seen.judged_whole, seen.clients)) > State::Healthy;
    let is_invalid = share >= INVALID_FROM || (in_trouble && share >= INVALID_WITH_TROUBLE_FROM);
    is_invalid.then(|| {
        let (name, to_do) = (resource.name(), resource.what_to_do());
        format!(
            "INVALID: the load box was saturated for {left_out:.0} of {all:.0} s, short of {name}: {to_do}"
        )
    })
}

fn healthy(seen: &Evidence) -> String {
    if !seen.is_known() {
        return "HEALTHY: no trouble was seen, but the run was too short to be judged".to_owned();
    }
    let judged = &seen.judged;
    // Stages and keys change the number on the way: it was not that high all the time.
    let mean = judged.clients_active_mean.unwrap_or(seen.clients.into());
    let up_to = if mean < f64::from(seen.clients) * ALL_THE_TIME { "up to " } else { "" };
    let mut parts = vec![format!("{up_to}{} for {:.0} s", viewers(seen.clients), judged.span_s)];
    if judged.rebuffer_ratio.is_some() {
        parts.push(if judged.stalled_viewers == 0 {
            "no stall".to_owned()
        } else {
            findings::stalls(judged, seen.clients)
        });
    }
    if let (Some(duration), Some(lateness)) = (judged.segment_duration, judged.lateness) {
        parts.push(findings::segments(&duration, &lateness));
    }
    if judged.left_out_s > 0.0 {
        let in_them = findings::of(&seen.judged_whole, seen.clients).into_iter().next();
        let in_them = in_them.map(|finding| format!(" (with them: {})", finding.text)).unwrap_or_default();
        parts.push(format!("{:.0} s of a saturated load box left out{in_them}", judged.left_out_s));
    }
    format!("HEALTHY: {}", parts.join(", "))
}

fn unhealthy(state: State, cause: Cause, findings: &[Finding], seen: &Evidence, played: bool) -> String {
    let mut parts: Vec<String> = Vec::new();
    for finding in findings {
        // Two rules on the same viewers are the same words.
        if parts.len() < NAMED && !parts.contains(&finding.text) {
            parts.push(finding.text.clone());
        }
    }
    if !played {
        parts.insert(0, "no viewer ever received media".to_owned());
    }
    let trouble = &seen.trouble;
    if let (Some(from), Some(until)) = (trouble.last_from_s, trouble.last_until_s)
        && trouble.spells == 1
        && trouble.recovered
    {
        parts.push(format!("in trouble from {}, recovered after {:.0} s", clock(from), until - from));
    }
    match cause {
        Cause::Stale => {
            parts.push(
                "the stream went stale, its origin answered: look at the encoder, not at the load".to_owned(),
            );
        }
        Cause::Broken => parts.push("the stream is broken, not overloaded".to_owned()),
        Cause::Load | Cause::Outage | Cause::LoadBox => {}
    }
    parts.extend(signs(seen));
    format!("{}: {}", state.label().to_uppercase(), parts.join("; "))
}

/// `first sign: late segments at 01:12 with 160 viewers, 503 from 01:40`
fn signs(seen: &Evidence) -> Option<String> {
    let (first, others) = seen.first_signs.split_first()?;
    let mut text =
        format!("first sign: {} at {} with {}", first.sign, clock(first.after_s), viewers(first.clients));
    for other in others.iter().take(NAMED - 1) {
        text += &format!(", {} from {}", other.sign, clock(other.after_s));
    }
    Some(text)
}

/// A time since the run began: `01:12`, `1:00:05`.
pub fn clock(after_s: f64) -> String {
    let after = std::time::Duration::try_from_secs_f64(after_s).unwrap_or_default().as_secs();
    match (after / 3600, after / 60 % 60, after % 60) {
        (0, minutes, seconds) => format!("{minutes:02}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests;
