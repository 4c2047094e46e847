//! Whether the stream can be played: fetches it through the server, as a viewer would. Judges no content.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::ensure;

use crate::client::Client;
use crate::profile::Profile;

/// A live viewer begins three segments before the end, so fewer are no playable stream (RFC 8216 6.3.3).
const SEGMENTS: usize = 3;
/// Pause between two tries; a fraction of the time that the first segments take.
const PAUSE: Duration = Duration::from_millis(100);

/// How many segments a playlist must have before it is taken for playable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enough {
    /// All that it is going to show at a time.
    Window,
    /// As many segments as a viewer begins with: an encoder that works in real time needs long for more.
    Beginning,
}

impl Enough {
    fn segments(self, profile: &Profile) -> usize {
        match self {
            Self::Window => profile.hls.playlist_segments().try_into().unwrap_or(usize::MAX),
            Self::Beginning => SEGMENTS,
        }
    }
}

/// Waits until every media playlist has `enough` and its last three segments have come through the server at
/// `address`.
///
/// # Errors
/// When they have not within `patience`: why the last try failed.
pub async fn wait(
    client: &Client,
    address: SocketAddr,
    profile: &Profile,
    enough: Enough,
    patience: Duration,
) -> anyhow::Result<()> {
    let mut last = None;
    let tries = async {
        while let Err(error) = play(client, address, profile, enough).await {
            last = Some(error);
            tokio::time::sleep(PAUSE).await;
        }
    };
    if tokio::time::timeout(patience, tries).await.is_ok() {
        return Ok(());
    }
    let error = last.unwrap_or_else(|| anyhow::anyhow!("the server does not answer"));
    Err(error.context(format!("the stream could not be played within {} s", patience.as_secs())))
}

async fn play(client: &Client, address: SocketAddr, profile: &Profile, enough: Enough) -> anyhow::Result<()> {
    for playlist in profile.media_playlists() {
        let path = playlist.display().to_string();
        let text = client.get(address, &path).await?;
        let Wanted { init, segments } = wanted(std::str::from_utf8(&text)?);
        ensure!(segments.len() >= enough.segments(profile), "{path} has only {} segments", segments.len());
        let last = segments.iter().skip(segments.len().saturating_sub(SEGMENTS));
        for name in init.into_iter().chain(last.copied()) {
            let path = playlist.with_file_name(name).display().to_string();
            ensure!(!client.get(address, &path).await?.is_empty(), "{path} is empty");
        }
    }
    // Last, so that who is told the URL also finds the origin healthy.
    client.get(address, "healthz").await?;
    Ok(())
}

/// What a playlist of our own names.
#[derive(Debug, PartialEq, Eq)]
struct Wanted<'a> {
    init: Option<&'a str>,
    segments: Vec<&'a str>,
}

fn wanted(playlist: &str) -> Wanted<'_> {
    let map = playlist.lines().find_map(|line| line.strip_prefix("#EXT-X-MAP:URI=\""));
    let segments = playlist.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    Wanted { init: map.and_then(|rest| rest.split('"').next()), segments: segments.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_init_section_is_wanted_with_the_segments() {
        let text = "#EXTM3U\n#EXT-X-MAP:URI=\"i.mp4\"\n#EXTINF:2.0,\na.m4s\n\n#EXTINF:2.0,\nb.m4s\n";
        assert_eq!(wanted(text), Wanted { init: Some("i.mp4"), segments: vec!["a.m4s", "b.m4s"] });
        assert_eq!(wanted("#EXTM3U\na.ts"), Wanted { init: None, segments: vec!["a.ts"] });
    }
}
