//! Makes the media playlists number their next segment alike, after an encoder died between writing two of them. Pure.
//!
//! Players take segments of the same number in several playlists for the same time, all the more as there is nothing
//! else in them to go by; and an encoder that goes on from playlists one apart would leave them so for ever. The
//! playlist that is behind is therefore numbered on: who plays it gets its last segment twice, once.

const SEQUENCE: &str = "#EXT-X-MEDIA-SEQUENCE:";

/// The playlists that must change, by index, with their new text.
pub fn align(playlists: &[String]) -> Vec<(usize, String)> {
    let next: Vec<Option<u64>> = playlists.iter().map(|text| next(text)).collect();
    let highest = next.iter().flatten().max().copied();
    let behind = |(index, next): (usize, Option<u64>)| {
        let lag = highest?.checked_sub(next?).filter(|lag| *lag > 0)?;
        Some((index, number_on(&playlists[index], lag)))
    };
    next.iter().copied().enumerate().filter_map(behind).collect()
}

/// The number that the next segment will have.
fn next(playlist: &str) -> Option<u64> {
    let first: u64 = playlist.lines().find_map(|line| line.strip_prefix(SEQUENCE))?.parse().ok()?;
    let segments = playlist.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    Some(first + segments.count() as u64)
}

/// The playlist as if `lag` more segments had gone by. One that has no numbers, as a master playlist, stays as it is.
pub fn number_on(playlist: &str, lag: u64) -> String {
    let mut text = String::with_capacity(playlist.len() + 1);
    for line in playlist.lines() {
        match line.strip_prefix(SEQUENCE).and_then(|number| number.parse::<u64>().ok()) {
            Some(first) => text.extend([SEQUENCE, &(first + lag).to_string(), "\n"]),
            None => text.extend([line, "\n"]),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn playlist(first: u64, segments: usize) -> String {
        format!("#EXTM3U\n{SEQUENCE}{first}\n{}", "#EXTINF:2.0,\nname.ts\n".repeat(segments))
    }

    #[test]
    fn who_is_behind_is_numbered_on_and_nothing_else_changes() {
        let cases = [
            ([(7, 4), (7, 4), (7, 4)], vec![]),
            ([(7, 4), (8, 4), (8, 4)], vec![(0, playlist(8, 4))]),
            ([(8, 4), (7, 4), (7, 4)], vec![(1, playlist(8, 4)), (2, playlist(8, 4))]),
            // Before the window is full it is the count that differs.
            ([(0, 2), (0, 3), (0, 3)], vec![(0, playlist(1, 2))]),
        ];
        for (before, expected) in cases {
            assert_eq!(align(&before.map(|(first, count)| playlist(first, count))), expected, "{before:?}");
        }
    }

    #[test]
    fn what_is_no_playlist_is_left_alone() {
        let rubbish = ["", "rubbish", &playlist(5, 3)].map(str::to_owned);
        assert_eq!(align(&rubbish), vec![]);
    }
}
