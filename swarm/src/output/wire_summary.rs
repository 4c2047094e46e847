//! What the wire measured, as rows of the summary. Formats only.

use crate::observation::Kind;
use crate::plural::{count, viewers};
use crate::stats::{Freshness, KindSnapshot, KindTotals, OutagesSnapshot, Percentiles, WireSnapshot};

/// Classes of errors that the table lists; the JSON report has all.
const ERROR_LINES: usize = 5;

/// Name and text of each row; what was not measured has none.
pub fn rows(wire: &WireSnapshot) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let playback = &wire.playback;
    if let Some(startup) = &playback.startup {
        rows.push(("startup", percentiles(startup)));
    }
    if let Some(ratio) = playback.rebuffer_ratio {
        let stalled = time(playback.stalled_s);
        let who = viewers(playback.viewers_ever_stalled);
        let stalls = match playback.stalls {
            0 => "no stall".to_owned(),
            1 => format!("1 stall of {who}, {stalled}"),
            many => format!("{many} stalls of {who}, {stalled} in all"),
        };
        let interruptions = match playback.interruptions {
            0 => String::new(),
            some => format!(", {} of {} in all", count(some, "interruption"), time(playback.interrupted_s)),
        };
        rows.push(("playback", format!("{stalls}{interruptions}, rebuffer ratio {:.2} %", ratio * 100.0)));
    }
    rows.extend(outages(&wire.outages).map(|text| ("outage", text)));
    for kind in &wire.kinds {
        rows.push((name(kind.kind), requests(kind, playback.late_segments)));
    }
    rows.extend(caches(&wire.kinds).map(|text| ("caches", text)));
    if let Some(latency) = playback.live_latency_p50_s {
        let worst = playback.live_latency_max_s.unwrap_or(latency);
        rows.push((
            "latency",
            format!("{} behind the playlist's end, at most {}", time(latency), time(worst)),
        ));
    }
    rows.extend(stale_playlists(wire).map(|text| ("stale", text)));
    if playback.skipped_segments > 0 {
        rows.push((
            "skipped",
            format!("{} fell out of the playlist unplayed", count(playback.skipped_segments, "segment")),
        ));
    }
    let seconds = wire.elapsed_s.max(f64::MIN_POSITIVE);
    let bytes = wire.requests.bytes as f64;
    let megabits = bytes * 8.0 / seconds / 1e6;
    rows.push(("data", format!("{}, {megabits:.1} Mbit/s on average", size(bytes))));
    for error in wire.errors.iter().take(ERROR_LINES) {
        rows.push(("error", format!("{} × {}, first {}", error.count, error.class, error.first_url)));
    }
    rows
}

pub(super) fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Segment => "segments",
        Kind::Playlist => "playlists",
        Kind::Init => "inits",
        Kind::Key => "keys",
        Kind::Master | Kind::Other => kind.label(),
    }
}

/// As [`name`], behind a number of requests.
fn in_sentence(kind: Kind) -> &'static str {
    match kind {
        Kind::Master => "master playlists",
        Kind::Other => "others",
        _ => name(kind),
    }
}

fn requests(kind: &KindSnapshot, late: u64) -> String {
    let mut text = kind.totals.requests.to_string();
    if let Some(duration) = &kind.duration {
        text += &format!(" in {}", percentiles(duration));
    }
    if kind.kind == Kind::Segment {
        text += &format!(", {late} late");
    }
    if kind.totals.errors > 0 {
        text += &format!(", {} failed", kind.totals.errors);
    }
    text
}

/// What share of the answers came from a cache on the way, of those where one said so. What it had not came from the origin.
fn caches(kinds: &[KindSnapshot]) -> Option<String> {
    let shares = kinds.iter().filter_map(|kind| {
        let KindTotals { cache_hits: hits, cache_misses: misses, .. } = kind.totals;
        let said = hits + misses;
        let percent = 100.0 * hits as f64 / said as f64;
        (said > 0).then(|| format!("{percent:.1} % of {said} {}", in_sentence(kind.kind)))
    });
    let shares: Vec<_> = shares.collect();
    (!shares.is_empty()).then(|| format!("had {}", shares.join(", ")))
}

/// From when on watchers saw nothing, and when all saw again.
fn outages(outages: &OutagesSnapshot) -> Option<String> {
    let began = time(outages.last_began_after_s?);
    let end = match outages.recovered_after_s {
        Some(after) => format!("until all played again after {}", time(after)),
        None => "and not over at the end".to_owned(),
    };
    Some(match outages.count {
        1 => format!("{}, from {began} on, {end}", time(outages.total_s)),
        many => format!(
            "{many}, {} in all, the longest {}, the last from {began} on, {end}",
            time(outages.total_s),
            time(outages.longest_s)
        ),
    })
}

fn stale_playlists(wire: &WireSnapshot) -> Option<String> {
    let times: u64 = wire.playlists.iter().map(|playlist| playlist.times_stale).sum();
    let worst = wire.playlists.iter().max_by(|a, b| a.max_age_s.total_cmp(&b.max_age_s))?;
    let now = match wire.worst_playlist.as_ref().map(|playlist| playlist.freshness) {
        Some(Freshness::Stuck) => ", and stuck at the end",
        Some(Freshness::Stale) => ", and so at the end",
        _ => "",
    };
    (times > 0).then(|| {
        let (age, limit) = (time(worst.max_age_s), time(worst.stale_after_s));
        format!("{} without a new segment in {limit}, the longest {age}{now}", count(times, "period"))
    })
}

fn percentiles(of: &Percentiles) -> String {
    let Percentiles { p50_s, p95_s, p99_s, max_s, .. } = *of;
    format!("p50 {}, p95 {}, p99 {}, max {}", time(p50_s), time(p95_s), time(p99_s), time(max_s))
}

/// Three significant digits, in milliseconds below a second.
pub(super) fn time(seconds: f64) -> String {
    match seconds {
        s if s < 0.01 => format!("{:.2} ms", s * 1e3),
        s if s < 0.1 => format!("{:.1} ms", s * 1e3),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 10.0 => format!("{s:.2} s"),
        s => format!("{s:.1} s"),
    }
}

/// Three significant digits or so, in the unit that suits.
pub fn size(bytes: f64) -> String {
    match bytes {
        b if b < 1e6 => format!("{:.1} kB", b / 1e3),
        b if b < 1e9 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.2} GB", b / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_have_their_units() {
        let times: Vec<_> = [0.000_9, 0.012_34, 0.456, 2.345, 61.0].map(time).into();
        assert_eq!(times, ["0.90 ms", "12.3 ms", "456 ms", "2.35 s", "61.0 s"]);
        assert_eq!([5e4, 2.5e6, 3.2e9].map(size), ["50.0 kB", "2.5 MB", "3.20 GB"]);
    }

    #[test]
    fn caches_are_told_for_the_answers_that_name_them() {
        let kind = |kind, cache_hits, cache_misses| {
            let totals = KindTotals { requests: 50, cache_hits, cache_misses, ..KindTotals::default() };
            KindSnapshot { kind, totals, duration: None, ttfb: None }
        };
        let kinds = [kind(Kind::Master, 0, 3), kind(Kind::Segment, 39, 1), kind(Kind::Key, 0, 0)];
        assert_eq!(caches(&kinds).unwrap(), "had 0.0 % of 3 master playlists, 97.5 % of 40 segments");
        assert_eq!(caches(&kinds[2..]), None);
    }
}
