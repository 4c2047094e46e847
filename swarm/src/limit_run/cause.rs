//! A sign of trouble as the reason why a level failed, in words. Pure.

use std::time::Duration;

use crate::judge::Sign;
use crate::plural::{count, viewers};
use crate::stats::{Figures, Metric};

/// Whether this figure is wrong because of it.
pub(super) fn explains(sign: &Sign, metric: Metric) -> bool {
    match sign {
        Sign::Errors(_) => metric == Metric::ErrorRatio,
        Sign::Stale => metric == Metric::PlaylistAge,
        Sign::Late => matches!(metric, Metric::Lateness | Metric::LateRatio | Metric::SegmentDuration),
        Sign::Stalls | Sign::Interruptions => {
            matches!(metric, Metric::RebufferRatio | Metric::StalledViewers)
        }
        Sign::Restarts => matches!(metric, Metric::ClientsActive | Metric::Restarts),
    }
}

/// Whether it says that there is nothing to play, rather than that it comes too slowly.
pub(super) fn means_broken(sign: &Sign) -> bool {
    matches!(sign, Sign::Errors(_) | Sign::Stale | Sign::Restarts)
}

/// What happened, for a sentence: `the origin answers 503 (4.8 % of the requests)`.
pub(super) fn say(sign: &Sign, figures: &Figures, target_duration: Option<Duration>) -> String {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    match sign {
        Sign::Errors(class) => {
            let error = figures.errors.iter().find(|error| error.class == *class);
            let share = error.map(|error| format!(" ({} of the requests)", percent(error.ratio)));
            let is_status = class.starts_with(|first: char| first.is_ascii_digit());
            let what = if is_status { "the origin answers" } else { "requests fail with" };
            format!("{what} {class}{}", share.unwrap_or_default())
        }
        Sign::Stale => {
            let age = figures.playlist_age_s.map(|age| format!(" for {age:.1} s"));
            format!("the playlist gains no segment{}", age.unwrap_or_default())
        }
        Sign::Late => {
            let of = target_duration.map(|target| format!(" of {} s", target.as_secs_f64()));
            let took = figures
                .segment_duration
                .map(|duration| format!(" (p95 {:.1} s{})", duration.p95_s, of.unwrap_or_default()));
            format!("segments arrive late{}", took.unwrap_or_default())
        }
        Sign::Stalls | Sign::Interruptions => {
            let ratio = figures.rebuffer_ratio.map(|ratio| format!(" ({} of the time)", percent(ratio)));
            let how = match (figures.stalled_s > 0.0, figures.interrupted_s > 0.0) {
                (_, false) => "stalls",
                (false, true) => "is interrupted",
                (true, true) => "stalls or is interrupted",
            };
            let who = viewers(figures.stalled_viewers);
            format!("playback {how} for {who}{}", ratio.unwrap_or_default())
        }
        Sign::Restarts => {
            let active = figures.clients_active_mean_ratio.unwrap_or_default();
            format!(
                "only {} of the viewers run, with {}",
                percent(active),
                count(figures.restarts, "restart")
            )
        }
    }
}
